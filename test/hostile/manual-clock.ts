import type { Clock } from '../../src/even6/rpc/clock.ts';

/** A clock that goes on when it is told to. */
export class ManualClock implements Clock {
  #now = 0;
  readonly #waiting = new Set<{ readonly at: number; readonly callback: () => void }>();

  readonly now = () => this.#now;

  after(milliseconds: number, callback: () => void): () => void {
    const entry = { at: this.#now + milliseconds, callback };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** Lets time pass; whoever waits for a part of it is called back when it has come. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      let next: { readonly at: number; readonly callback: () => void } | undefined;
      for (const entry of this.#waiting) if (entry.at <= end && entry.at < (next?.at ?? Infinity)) next = entry;
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
  }
}
