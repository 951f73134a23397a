import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import type { EventPosition, LineFormat, ReadDirection } from '../service.ts';
import { bookmarkedId } from './bookmark-match.ts';
import type { LocalEvent } from './local-event.ts';
import { OutOfTime } from './log-walker.ts';
import { MergedPlace, type SourcePlace } from './merged-place.ts';
import { MergedSource } from './merged-source.ts';
import type { Mark, OrderLineSink, OrderSeek, ResultOrder, SeekResult } from './result-order.ts';
import type { SingleOrder } from './single-order.ts';

/** A place to go back to. */
interface Waymark {
  readonly index: number;
  readonly place: MergedPlace;
}

/** Places kept to go back to; when there are more, every other one is dropped and they are set half as often. */
const MAX_WAYMARKS = 1024;

const NOTHING = new Uint8Array(0);

/**
 * Several logs by time: the log whose next event is the earliest gives it (the latest when reading in reverse), the first
 * named among equals.
 *
 * Inside a log, events keep the order of their records, also where their times do not ascend. What lies in front of an
 * event can therefore only be told by merging from the start, so seeks count events from there, or from a waymark.
 */
export class MergedOrder implements ResultOrder {
  readonly #sources: readonly MergedSource[];
  readonly #direction: ReadDirection;
  readonly #start: Waymark;
  #place: MergedPlace;
  /** Logs whose next event is known: a heap, the one that comes first on top. */
  readonly #heap: MergedSource[] = [];
  /** Logs whose next event must be found. */
  #unknown: MergedSource[];
  /** What is known of the logs' next events are lines; undefined: events. */
  #format: LineFormat | undefined;
  /** Events that were counted log by log; 0 when all logs have been. */
  #counted = 0;
  #waymarks: Waymark[] = [];
  #stride = 256;

  constructor(sources: readonly { order: SingleOrder; name: string }[], direction: ReadDirection) {
    this.#sources = sources.map(({ order, name }, i) => new MergedSource(order, name, i));
    this.#direction = direction;
    const places = sources.map(({ order }) => ({ mark: order.mark, lastId: undefined }));
    this.#place = MergedPlace.of(0, places);
    this.#start = { index: 0, place: this.#place };
    this.#unknown = [...this.#sources];
  }

  get mark(): Mark {
    return this.#place;
  }

  restore(mark: Mark): void {
    this.#place = mark as MergedPlace;
    for (const [i, place] of this.#place.sources.entries()) this.#sources[i]!.restore(place);
    this.#forgetHeads();
    this.#format = undefined;
    this.#counted = 0;
  }

  #forgetHeads(): void {
    this.#heap.length = 0;
    this.#unknown = [...this.#sources];
  }

  before(event: LocalEvent): Mark {
    return (event.place as MergedPlace).before;
  }

  behind(event: LocalEvent): Mark {
    return event.place as MergedPlace;
  }

  position(event: LocalEvent): EventPosition {
    return this.#positionAt(event.place as MergedPlace);
  }

  /** What a bookmark of the last event in front of a place holds. */
  #positionAt(place: MergedPlace): EventPosition {
    return {
      names: this.#sources.map(({ name }) => name),
      recordIds: place.sources.map(({ lastId }) => lastId),
      current: place.lastSource,
      direction: this.#direction,
    };
  }

  get isTorn(): boolean {
    return this.#counted > 0;
  }

  dispose(): void {
    for (const { order } of this.#sources) order.dispose();
  }

  /** What is found from now on are lines, or events: what is known otherwise is found anew. */
  #turnTo(format: LineFormat | undefined): void {
    if (format === this.#format) return;
    this.restore(this.#place);
    this.#format = format;
  }

  *next(max: number, into: LocalEvent[], operation: Operation): Task<void> {
    this.#turnTo(undefined);
    while (into.length < max) {
      const source = yield* this.#first(operation);
      if (source === undefined) return;
      into.push(this.#take(source));
    }
  }

  *#next(operation: Operation): Task<LocalEvent | undefined> {
    const source = yield* this.#first(operation);
    return source && this.#take(source);
  }

  /** The log that gives the next event; undefined at the end. */
  *#first(operation: Operation): Task<MergedSource | undefined> {
    for (let source = this.#unknown.at(-1); source !== undefined; source = this.#unknown.at(-1)) {
      yield* this.#format === undefined ? source.fill(operation) : source.fillLines(this.#format, operation);
      this.#unknown.pop();
      if (source.isReady) this.#push(source);
    }
    return this.#heap[0];
  }

  /** Takes the next event of the log on top. */
  #take(source: MergedSource): LocalEvent {
    const { index } = this.#place;
    if (index !== undefined && index % this.#stride === 0) this.#addWaymark(index, this.#place);
    const event = source.take();
    this.#place = this.#place.behind(source.index, source.order.behind(event), event.recordId);
    event.place = this.#place;
    this.#advance(source);
    return event;
  }

  /** The log on top goes where its next event puts it. */
  #advance(source: MergedSource): void {
    const heap = this.#heap;
    if (!source.isReady) {
      const last = heap.pop()!;
      if (heap.length > 0) heap[0] = last;
      if (!source.ended) this.#unknown.push(source);
    }
    this.#sink();
  }

  #push(source: MergedSource): void {
    const heap = this.#heap;
    let at = heap.push(source) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#comesFirst(source, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = source;
  }

  /** The log on top goes to its place. */
  #sink(): void {
    const heap = this.#heap;
    const source = heap[0];
    if (source === undefined) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#comesFirst(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#comesFirst(heap[child]!, source)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = source;
  }

  #comesFirst(one: MergedSource, other: MergedSource): boolean {
    if (one.time === other.time) return one.index < other.index;
    return this.#direction === 'forward' ? one.time < other.time : one.time > other.time;
  }

  *lines(sink: OrderLineSink, operation: Operation): Task<boolean> {
    const { format, maxEvents } = sink;
    if (format !== 'nothing') return yield* this.#writeLines(format, sink, operation);
    if (maxEvents === Number.POSITIVE_INFINITY) return yield* this.#countAll(sink, operation);
    this.#turnTo(undefined);
    let events = 0;
    try {
      while (events < maxEvents) {
        const before = this.#place;
        if ((yield* this.#next(operation)) === undefined) return true;
        sink.take(NOTHING, 1, before);
        events++;
        if (operation.turnDue()) yield TURN;
      }
      return false;
    } finally {
      // What a call has taken that is cancelled now, too: it is there for the next one.
      if (events > 0) sink.reached(this.#positionAt(this.#place));
    }
  }

  *#writeLines(format: LineFormat, sink: OrderLineSink, operation: Operation): Task<boolean> {
    const { maxEvents, maxBytes } = sink;
    this.#turnTo(format);
    const before = this.#place;
    let { index } = before;
    let last: number | undefined;
    let events = 0;
    let bytes = 0;
    try {
      while (events < maxEvents && bytes < maxBytes) {
        const source = yield* this.#first(operation);
        if (source === undefined) return true;
        if (index !== undefined && index % this.#stride === 0) this.#addWaymark(index, this.#placeOf(index, last));
        const line = source.takeLine();
        sink.take(line, 1, events === 0 ? before : undefined);
        last = source.index;
        if (index !== undefined) index++;
        events++;
        bytes += line.length;
        this.#advance(source);
        if (operation.turnDue()) yield TURN;
      }
      return false;
    } finally {
      // What a call has taken that is cancelled now, too: it is there for the next one.
      if (events > 0) {
        this.#place = this.#placeOf(index, last);
        sink.reached(this.#positionAt(this.#place));
      }
    }
  }

  /** The place that the logs have come to as lines were taken from them. */
  #placeOf(index: number | undefined, last: number | undefined): MergedPlace {
    return MergedPlace.of(
      index,
      this.#sources.map(({ place }) => place),
      last,
    );
  }

  /**
   * Counts all events there are, log by log: nobody sees in which order. While some logs have been counted and others not, the
   * merge is torn: what has been counted waits until all is, or does not count.
   */
  *#countAll(sink: OrderLineSink, operation: Operation): Task<boolean> {
    this.#turnTo(undefined);
    const before = this.#place;
    const take = (count: number) => {
      if (count === 0) return;
      sink.take(NOTHING, count, before);
      this.#counted += count;
    };
    try {
      for (const source of this.#sources) {
        if (operation.timedOut) throw new OutOfTime();
        take(source.takeAll());
        const { order } = source;
        const own: OrderLineSink = { ...sink, take: (_, count) => take(count), reached: () => {} };
        while (!(yield* order.lines(own, operation))) if (operation.timedOut) throw new OutOfTime();
      }
    } finally {
      this.#forgetHeads();
    }
    const { index, sources } = before;
    const places: SourcePlace[] = this.#sources.map(({ order }, i) => ({
      mark: order.mark,
      lastId: sources[i]!.lastId,
    }));
    this.#place = MergedPlace.of(index === undefined ? undefined : index + this.#counted, places);
    this.#counted = 0;
    return true;
  }

  #addWaymark(index: number, place: MergedPlace): void {
    const last = this.#waymarks.at(-1);
    if (last !== undefined && last.index >= index) return;
    this.#waymarks.push({ index, place: place.alone() });
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
          const total = yield* this.#total(operation);
          return yield* this.#toIndex(total - 1 + request.offset, request.strict, operation);
        }
        case 'current': {
          if (request.offset === 0) return { mark: from, exact: true };
          const index = yield* this.#indexOf(from as MergedPlace, operation);
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
    this.restore(nearest.place);
    for (let at = nearest.index; at < wanted; at++) {
      if ((yield* this.#next(operation)) === undefined) return { mark: this.mark, exact: false };
    }
    const mark = this.mark;
    if (!strict) return { mark, exact: index >= 0 };
    const there = yield* this.#next(operation);
    return { mark, exact: index >= 0 && there !== undefined };
  }

  *#total(operation: Operation): Task<number> {
    const from = this.#waymarks.at(-1) ?? this.#start;
    this.restore(from.place);
    let count = from.index;
    while ((yield* this.#next(operation)) !== undefined) count++;
    return count;
  }

  /** How many events lie in front of a place: those that come before its next event when merging from the start. */
  *#indexOf(mark: MergedPlace, operation: Operation): Task<number> {
    if (mark.index !== undefined) return mark.index;
    this.restore(mark);
    const following = yield* this.#next(operation);
    if (following === undefined) return yield* this.#total(operation);
    this.restore(this.#start.place);
    for (let index = 0; ; index++) {
      const event = yield* this.#next(operation);
      if (event === undefined) return index;
      if (event.path === following.path && event.recordId === following.recordId) return index;
    }
  }

  *#fromBookmark(bookmark: EventPosition, offset: number, strict: boolean, operation: Operation): Task<SeekResult> {
    if (offset === 1 && !strict) return yield* this.#resume(bookmark, operation);
    const current = bookmark.names[bookmark.current];
    const id = bookmark.recordIds[bookmark.current];
    const log = this.#sources.find(({ name }) => name.toLowerCase() === current?.toLowerCase());
    if (log === undefined || id === undefined) return { mark: this.#start.place, exact: false };
    this.restore(this.#start.place);
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
  *#resume(bookmark: EventPosition, operation: Operation): Task<SeekResult> {
    this.restore(this.#start.place);
    const places: SourcePlace[] = [];
    for (const source of this.#sources) {
      const id = bookmarkedId(bookmark, source.name, this.#sources.length);
      if (id === undefined) {
        places.push({ mark: source.order.mark, lastId: undefined });
        continue;
      }
      const one: EventPosition = { names: [source.name], recordIds: [id], current: 0, direction: this.#direction };
      const request = { origin: 'bookmark' as const, offset: 1, bookmark: one, strict: false };
      const { mark } = yield* source.order.seek(request, source.order.mark, operation);
      places.push({ mark, lastId: id });
    }
    return { mark: MergedPlace.of(undefined, places), exact: true };
  }
}
