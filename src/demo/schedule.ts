import type { Draft } from './event-kind.ts';

/** Events to come, the earliest first; those of one moment in the order in which they were added. A binary heap. */
export class Schedule {
  readonly #heap: { readonly draft: Draft; readonly order: number }[] = [];
  #added = 0;

  get size(): number {
    return this.#heap.length;
  }

  add(draft: Draft): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push({ draft, order: this.#added++ });
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes out the earliest event, if it happens before `ticks`. */
  next(ticks: number): Draft | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.draft.ticks >= ticks) return undefined;
    const last = heap.pop()!;
    if (heap.length > 0) {
      heap[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < heap.length && this.#before(child, least)) least = child;
        }
        if (least === at) break;
        this.#swap(at, least);
        at = least;
      }
    }
    return first.draft;
  }

  #before(a: number, b: number): boolean {
    const [left, right] = [this.#heap[a]!, this.#heap[b]!];
    return (
      left.draft.ticks - right.draft.ticks < 0 || (left.draft.ticks === right.draft.ticks && left.order < right.order)
    );
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  }
}
