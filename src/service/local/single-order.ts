import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventPosition, ReadDirection } from '../service.ts';
import { bookmarkedId } from './bookmark-match.ts';
import { walkLines } from './line-walk.ts';
import { LocalEvent } from './local-event.ts';
import type { Boundary, LogWalker, Step } from './log-walker.ts';
import type { Mark, OrderLineResult, OrderLineSink, OrderSeek, ResultOrder, SeekResult } from './result-order.ts';
import type { SourceSelection } from './selection.ts';

/** The selected events of one log, in the order of its records. Walks both ways, so a seek costs what it passes over. */
export class SingleOrder implements ResultOrder {
  readonly #walker: LogWalker;
  readonly #selection: SourceSelection;
  readonly #direction: ReadDirection;
  /** A step in reading direction. */
  readonly #ahead: Step;
  #at: Boundary;

  constructor(walker: LogWalker, selection: SourceSelection, direction: ReadDirection) {
    this.#walker = walker;
    this.#selection = selection;
    this.#direction = direction;
    this.#ahead = direction === 'forward' ? 1 : -1;
    this.#at = this.#first;
  }

  get #first(): Boundary {
    return this.#ahead > 0 ? this.#walker.start : this.#walker.end;
  }

  get #last(): Boundary {
    return this.#ahead > 0 ? this.#walker.end : this.#walker.start;
  }

  get mark(): Mark {
    return this.#at;
  }

  restore(mark: Mark): void {
    this.#at = mark as Boundary;
  }

  before(event: LocalEvent): Mark {
    return this.#ahead > 0 ? event.found.before : event.found.after;
  }

  position(event: LocalEvent): EventPosition {
    return this.#positionOf(event.recordId);
  }

  #positionOf(recordId: bigint): EventPosition {
    const { name } = this.#walker.log;
    return { names: [name], recordIds: [recordId], current: 0, direction: this.#direction };
  }

  dispose(): void {
    this.#walker.log.close();
  }

  *next(operation: Operation): Task<LocalEvent | undefined> {
    const { selector, queryIds } = this.#selection;
    try {
      const found = yield* this.#walker.find(this.#at, this.#ahead, selector, operation);
      if (found === undefined) {
        this.#at = this.#last;
        return undefined;
      }
      this.#at = this.#ahead > 0 ? found.after : found.before;
      return new LocalEvent(found, this.#walker.log.name, queryIds(found.document));
    } catch (error) {
      this.#at = this.#walker.reached;
      throw error;
    }
  }

  *lines(sink: OrderLineSink, operation: Operation): Task<OrderLineResult> {
    let last: bigint | undefined;
    const moved = (to: Boundary, id: bigint | undefined) => {
      this.#at = to;
      last = id ?? last;
    };
    const { selector } = this.#selection;
    const { ended } = yield* walkLines(this.#walker, this.#at, this.#ahead, selector, sink, operation, moved);
    return { ended, position: last === undefined ? undefined : this.#positionOf(last) };
  }

  *seek(request: OrderSeek, from: Mark, operation: Operation): Task<SeekResult> {
    const { offset, strict } = request;
    switch (request.origin) {
      case 'first':
        return yield* this.#forward(this.#first, offset, strict, operation);
      case 'last': {
        const { mark, count } = yield* this.#walk(this.#last, this.#ahead > 0 ? -1 : 1, 1 - offset, operation);
        return { mark, exact: count === 1 - offset };
      }
      case 'current':
        return yield* this.#relative(from as Boundary, offset, strict, operation);
      case 'bookmark':
        return yield* this.#fromBookmark(request.bookmark!, offset, strict, operation);
    }
  }

  *#relative(from: Boundary, offset: number, strict: boolean, operation: Operation): Task<SeekResult> {
    if (offset === 0) return { mark: from, exact: true };
    if (offset > 0) return yield* this.#forward(from, offset, strict, operation);
    const { mark, count } = yield* this.#walk(from, this.#ahead > 0 ? -1 : 1, -offset, operation);
    return { mark, exact: count === -offset };
  }

  /** In front of the `offset`-th event behind `from`. Only a strict seek must know that there is one. */
  *#forward(from: Boundary, offset: number, strict: boolean, operation: Operation): Task<SeekResult> {
    const { mark, count } = yield* this.#walk(from, this.#ahead, offset, operation);
    if (count < offset) return { mark: this.#last, exact: false };
    if (!strict) return { mark, exact: true };
    const there = yield* this.#walker.find(mark as Boundary, this.#ahead, this.#selection.selector, operation);
    return { mark, exact: there !== undefined };
  }

  /** Steps over `count` selected events; fewer at the end of the log. The mark is behind the last one, seen in `step`. */
  *#walk(from: Boundary, step: Step, count: number, operation: Operation): Task<{ mark: Mark; count: number }> {
    let mark = from;
    for (let done = 0; done < count; done++) {
      const found = yield* this.#walker.find(mark, step, this.#selection.selector, operation);
      if (found === undefined) return { mark, count: done };
      mark = step > 0 ? found.after : found.before;
    }
    return { mark, count };
  }

  /**
   * Offset 0 is the bookmarked event itself. Where it is not in the result, positive offsets count the events behind its
   * place, negative ones those in front, and 0 is the one with the largest record id below it. So offset 1 resumes
   * reading without loss in both directions.
   */
  *#fromBookmark(bookmark: EventPosition, offset: number, strict: boolean, operation: Operation): Task<SeekResult> {
    const id = bookmarkedId(bookmark, this.#walker.log.name, 1);
    if (id === undefined) return { mark: this.#first, exact: false };
    const place = yield* this.#place(id, operation);
    if (place.selected) {
      return yield* this.#relative(this.#ahead > 0 ? place.below : place.above, offset, strict, operation);
    }
    // The record is missing or filtered out: a place between two others.
    const at = this.#ahead > 0 ? place.above : place.below;
    if (offset > 0) {
      const { mark } = yield* this.#forward(at, offset - 1, false, operation);
      return { mark, exact: false };
    }
    if (offset < 0 || this.#ahead > 0) {
      const back = yield* this.#walk(at, this.#ahead > 0 ? -1 : 1, Math.max(1, -offset), operation);
      return { mark: back.mark, exact: false };
    }
    return { mark: at, exact: false };
  }

  /** The boundaries below and above record `id`; one and the same where the log lacks it. */
  *#place(id: bigint, operation: Operation): Task<{ below: Boundary; above: Boundary; selected: boolean }> {
    const { below, above } = yield* this.#walker.findId(id, operation);
    if (below === above) return { below, above, selected: false };
    const hit = yield* this.#walker.find(below, 1, this.#selection.selector, operation);
    const selected = hit !== undefined && hit.after.chunk === above.chunk && hit.after.record === above.record;
    return { below, above, selected };
  }
}
