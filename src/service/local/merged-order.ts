import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventPosition, ReadDirection } from '../service.ts';
import { bookmarkedId } from './bookmark-match.ts';
import type { LocalEvent } from './local-event.ts';
import type { Mark, OrderSeek, ResultOrder, SeekResult } from './result-order.ts';

/** Events of one log that are found in one go. */
const EVENTS_AHEAD = 16;

/** One log of the merge: its own order, and its next events as far as they are known. */
interface Source {
  readonly order: ResultOrder;
  readonly name: string;
  readonly ahead: LocalEvent[];
  /** Time of the first of them, once somebody has asked. */
  time: bigint | undefined;
  /** Id of the last record given out, for bookmarks. */
  lastId: bigint | undefined;
  ended: boolean;
}

/** A place in the merge: what each log comes to next. */
interface MergedMark {
  /** Events that lie in front; undefined after a bookmark was resumed, until somebody must know. */
  readonly index: number | undefined;
  readonly sources: readonly { readonly mark: Mark; readonly lastId: bigint | undefined }[];
}

interface Waymark extends MergedMark {
  readonly index: number;
}

/** Places kept to go back to; when there are more, every other one is dropped and they are set half as often. */
const MAX_WAYMARKS = 1024;

/**
 * Several logs by time: the log whose next event is the earliest gives it (the latest when reading in reverse), the first
 * named among equals.
 *
 * Inside a log, events keep the order of their records, also where their times do not ascend. What lies in front of an
 * event can therefore only be told by merging from the start, so seeks count events from there, or from a waymark.
 */
export class MergedOrder implements ResultOrder {
  readonly #sources: readonly Source[];
  readonly #direction: ReadDirection;
  readonly #start: MergedMark;
  #index: number | undefined = 0;
  #waymarks: Waymark[] = [];
  #stride = 256;
  readonly #positions = new WeakMap<LocalEvent, { before: MergedMark; position: EventPosition }>();

  constructor(sources: readonly { order: ResultOrder; name: string }[], direction: ReadDirection) {
    this.#sources = sources.map(({ order, name }) => ({
      order,
      name,
      ahead: [],
      time: undefined,
      lastId: undefined,
      ended: false,
    }));
    this.#direction = direction;
    this.#start = this.#here();
  }

  #here(): MergedMark {
    return {
      index: this.#index,
      sources: this.#sources.map(({ order, ahead: [head], lastId }) => ({
        mark: head === undefined ? order.mark : order.before(head),
        lastId,
      })),
    };
  }

  get mark(): Mark {
    return this.#here();
  }

  restore(mark: Mark): void {
    const { index, sources } = mark as MergedMark;
    this.#index = index;
    for (const [i, source] of this.#sources.entries()) {
      source.order.restore(sources[i]!.mark);
      source.lastId = sources[i]!.lastId;
      source.ahead.length = 0;
      source.time = undefined;
      source.ended = false;
    }
  }

  before(event: LocalEvent): Mark {
    return this.#positions.get(event)!.before;
  }

  position(event: LocalEvent): EventPosition {
    return this.#positions.get(event)!.position;
  }

  dispose(): void {
    for (const { order } of this.#sources) order.dispose();
  }

  *next(max: number, into: LocalEvent[], operation: Operation): Task<void> {
    while (into.length < max) {
      const event = yield* this.#next(operation);
      if (event === undefined) return;
      into.push(event);
    }
  }

  *#next(operation: Operation): Task<LocalEvent | undefined> {
    let best: Source | undefined;
    for (const source of this.#sources) {
      const { ahead } = source;
      if (ahead.length === 0 && !source.ended) {
        yield* source.order.next(EVENTS_AHEAD, ahead, operation);
        source.ended = ahead.length < EVENTS_AHEAD;
      }
      const [head] = ahead;
      if (head === undefined) continue;
      source.time ??= head.time;
      if (best === undefined || this.#comesFirst(source.time, best.time!)) best = source;
    }
    if (best === undefined) return undefined;
    const before = this.#here();
    if (before.index !== undefined && before.index % this.#stride === 0) this.#addWaymark(before, before.index);
    const event = best.ahead.shift()!;
    best.time = undefined;
    best.lastId = event.recordId;
    if (this.#index !== undefined) this.#index++;
    const position: EventPosition = {
      names: this.#sources.map(({ name }) => name),
      recordIds: this.#sources.map(({ lastId }) => lastId),
      current: this.#sources.indexOf(best),
      direction: this.#direction,
    };
    this.#positions.set(event, { before, position });
    return event;
  }

  #comesFirst(time: bigint, than: bigint): boolean {
    return this.#direction === 'forward' ? time < than : time > than;
  }

  #addWaymark(mark: MergedMark, index: number): void {
    const last = this.#waymarks.at(-1);
    if (last !== undefined && last.index >= index) return;
    this.#waymarks.push({ index, sources: mark.sources });
    if (this.#waymarks.length < MAX_WAYMARKS) return;
    this.#stride *= 2;
    this.#waymarks = this.#waymarks.filter((waymark) => waymark.index % this.#stride === 0);
  }

  *seek(request: OrderSeek, from: Mark, operation: Operation): Task<SeekResult> {
    const resume = this.mark;
    try {
      switch (request.origin) {
        case 'first':
          return yield* this.#toIndex(request.offset, request.strict, operation);
        case 'last': {
          const total = yield* this.#count(operation);
          return yield* this.#toIndex(total - 1 + request.offset, request.strict, operation);
        }
        case 'current': {
          if (request.offset === 0) return { mark: from, exact: true };
          const index = yield* this.#indexOf(from as MergedMark, operation);
          return yield* this.#toIndex(index + request.offset, request.strict, operation);
        }
        case 'bookmark':
          return yield* this.#fromBookmark(request.bookmark!, request.offset, request.strict, operation);
      }
    } finally {
      this.restore(resume);
    }
  }

  /** In front of event `index`, counted from 0. */
  *#toIndex(index: number, strict: boolean, operation: Operation): Task<SeekResult> {
    const wanted = Math.max(0, index);
    let nearest = this.#start;
    for (const waymark of this.#waymarks) if (waymark.index <= wanted) nearest = waymark;
    this.restore(nearest);
    for (let at = nearest.index ?? 0; at < wanted; at++) {
      if ((yield* this.#next(operation)) === undefined) return { mark: this.mark, exact: false };
    }
    const mark = this.mark;
    if (!strict) return { mark, exact: index >= 0 };
    const there = yield* this.#next(operation);
    return { mark, exact: index >= 0 && there !== undefined };
  }

  *#count(operation: Operation): Task<number> {
    const from = this.#waymarks.at(-1) ?? this.#start;
    this.restore(from);
    let count = from.index ?? 0;
    while ((yield* this.#next(operation)) !== undefined) count++;
    return count;
  }

  /** How many events lie in front of a place: those that come before its next event when merging from the start. */
  *#indexOf(mark: MergedMark, operation: Operation): Task<number> {
    if (mark.index !== undefined) return mark.index;
    this.restore(mark);
    const following = yield* this.#next(operation);
    if (following === undefined) return yield* this.#count(operation);
    this.restore(this.#start);
    for (let index = 0; ; index++) {
      const event = yield* this.#next(operation);
      if (event === undefined) return index;
      if (event.path === following.path && event.recordId === following.recordId) return index;
    }
  }

  *#fromBookmark(bookmark: EventPosition, offset: number, strict: boolean, operation: Operation): Task<SeekResult> {
    if (offset === 1 && !strict) return yield* this.#behind(bookmark, operation);
    const current = bookmark.names[bookmark.current];
    const id = bookmark.recordIds[bookmark.current];
    const log = this.#sources.find(({ name }) => name.toLowerCase() === current?.toLowerCase());
    if (log === undefined || id === undefined) return { mark: this.#start, exact: false };
    this.restore(this.#start);
    for (let index = 0; ; index++) {
      const event = yield* this.#next(operation);
      if (event === undefined) return { mark: this.mark, exact: false };
      if (event.path !== log.name) continue;
      if (event.recordId === id) return yield* this.#toIndex(index + offset, strict, operation);
      const passed = this.#direction === 'forward' ? event.recordId > id : event.recordId < id;
      if (!passed) continue;
      // The record is missing or filtered out: its place is in front of this event.
      const ahead = offset > 0 ? offset - 1 : offset < 0 ? offset : this.#direction === 'forward' ? -1 : 0;
      const { mark } = yield* this.#toIndex(index + ahead, false, operation);
      return { mark, exact: false };
    }
  }

  /** Right behind what the bookmark has seen of every log; a log it does not name starts at its beginning. */
  *#behind(bookmark: EventPosition, operation: Operation): Task<SeekResult> {
    this.restore(this.#start);
    const sources: { mark: Mark; lastId: bigint | undefined }[] = [];
    for (const source of this.#sources) {
      const id = bookmarkedId(bookmark, source.name, this.#sources.length);
      if (id === undefined) {
        sources.push({ mark: source.order.mark, lastId: undefined });
        continue;
      }
      const one: EventPosition = { names: [source.name], recordIds: [id], current: 0, direction: this.#direction };
      const request = { origin: 'bookmark' as const, offset: 1, bookmark: one, strict: false };
      const { mark } = yield* source.order.seek(request, source.order.mark, operation);
      sources.push({ mark, lastId: id });
    }
    return { mark: { index: undefined, sources } satisfies MergedMark, exact: true };
  }
}
