import { EvtError } from '../../errors/evt-error.ts';
import type { Operation } from '../../operations/operation.ts';
import { io, isAsynchronous, type Task } from '../../operations/task.ts';
import type { EventPosition, ReadDirection } from '../service.ts';
import { bookmarkedId } from './bookmark-match.ts';
import { LentLines } from './lent-lines.ts';
import { LineScan } from './line-scan.ts';
import { type LineSink, walkLines } from './line-walk.ts';
import { LocalEvent } from './local-event.ts';
import { type Boundary, type FoundRecord, type LogWalker, OutOfTime, type Step } from './log-walker.ts';
import type { Mark, OrderLineSink, OrderSeek, ResultOrder, SeekResult } from './result-order.ts';
import { areThreadsReady, scanThreads } from './scan-threads.ts';
import type { SourceSelection } from './selection.ts';

/**
 * Chunks and events from which on several threads are worth their trouble: 64 MB where they have to be started, which takes
 * what this thread needs for some 50 MB, and 4 MB where they are there: at 2 MB they gain nothing, at 8 MB a third. Where so much
 * has been written before, log by log, more will be, and they are started for less. Events that are only counted keep a thread
 * busy for a third of the time: 30 MB take longer with help than without.
 */
const MIN_COLD_CHUNKS = 1024;
const MIN_SCAN_CHUNKS = 64;
const MIN_SCAN_EVENTS = 5_000;

/** Chunks that this thread has gone through, with lines to write or to count, where it might have had help. */
let chunksAlone = 0;

/** The selected events of one log, in the order of its records. Walks both ways, so a seek costs what it passes over. */
export class SingleOrder implements ResultOrder {
  readonly #walker: LogWalker;
  readonly #selection: SourceSelection;
  readonly #direction: ReadDirection;
  readonly #ahead: Step;
  readonly #threads: number;
  #at: Boundary;
  #scan: LineScan | undefined;
  /** Scans that were given up, and may still have threads at work. */
  #stopped: LineScan[] = [];

  /** @param threads that may work on long scans */
  constructor(walker: LogWalker, selection: SourceSelection, direction: ReadDirection, threads = 1) {
    this.#walker = walker;
    this.#selection = selection;
    this.#direction = direction;
    this.#threads = threads;
    this.#ahead = direction === 'forward' ? 1 : -1;
    this.#at = this.#first;
  }

  /** A step in reading direction. */
  get step(): Step {
    return this.#ahead;
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

  behind(event: LocalEvent): Mark {
    return this.#ahead > 0 ? event.found.after : event.found.before;
  }

  /** Every place is between two events. */
  get isTorn(): boolean {
    return false;
  }

  position(event: LocalEvent): EventPosition {
    return this.#positionOf(event.recordId);
  }

  #positionOf(recordId: bigint): EventPosition {
    const { name } = this.#walker.log;
    return { names: [name], recordIds: [recordId], current: 0, direction: this.#direction };
  }

  dispose(): void {
    this.#stopScan();
    // Other threads may still read the file: its descriptor must not become another's.
    const idle = this.#stopped.map((scan) => new Promise<void>((resolve) => scan.whenIdle(resolve)));
    if (idle.length === 0) this.#walker.close();
    else void Promise.all(idle).then(() => this.#walker.close());
  }

  *next(max: number, into: LocalEvent[], operation: Operation, near = false): Task<void> {
    this.#stopScan();
    // A stopped read may have left more than is wanted now.
    if (into.length >= max) return;
    const { selector, queryIds } = this.#selection;
    const { name } = this.#walker.log;
    const found: FoundRecord[] = [];
    try {
      yield* this.#walker.collect(this.#at, this.#ahead, selector, max - into.length, found, operation, near);
    } finally {
      this.#at = this.#walker.reached;
      for (const record of found) into.push(new LocalEvent(record, name, queryIds(record)));
    }
  }

  *lines(sink: OrderLineSink, operation: Operation): Task<boolean> {
    const scanned = (yield* this.#mayScan(sink)) ? yield* this.#scanLines(sink, operation) : undefined;
    if (scanned !== undefined) return scanned;
    let last: bigint | undefined;
    const moved = (to: Boundary, id: bigint | undefined) => {
      this.#at = to;
      last = id ?? last;
    };
    const { selector } = this.#selection;
    const lent = LentLines.of(sink);
    const { chunk } = this.#at;
    try {
      const { ended } = yield* walkLines(this.#walker, this.#at, this.#ahead, selector, lent ?? sink, operation, moved);
      return ended;
    } finally {
      // Also what a call has written that is cancelled now: it is behind the position.
      lent?.handOver();
      if (this.#threads > 1) chunksAlone += Math.abs(this.#at.chunk - chunk);
      if (last !== undefined) sink.reached(this.#positionOf(last));
    }
  }

  /** Writes the next few events to lines that know what each of them is. @returns whether there are no more */
  *writeRun(run: LineSink, operation: Operation): Task<boolean> {
    const moved = (to: Boundary) => {
      this.#at = to;
    };
    const { selector } = this.#selection;
    const { ended } = yield* walkLines(this.#walker, this.#at, this.#ahead, selector, run, operation, moved);
    return ended;
  }

  /** True when several threads pay: there is much left, all of it is wanted, and this thread can wait for others. */
  *#mayScan(sink: OrderLineSink): Task<boolean> {
    if (this.#threads < 2) return false;
    const { chunk } = this.#at;
    const left = this.#ahead > 0 ? this.#walker.log.order.length - chunk : chunk;
    const cold = Math.max(MIN_SCAN_CHUNKS, MIN_COLD_CHUNKS - chunksAlone);
    const enough = sink.format === 'nothing' ? MIN_COLD_CHUNKS : areThreadsReady() ? MIN_SCAN_CHUNKS : cold;
    if (this.#scan === undefined && (left < enough || sink.maxEvents < MIN_SCAN_EVENTS)) return false;
    return yield* isAsynchronous();
  }

  /** Lines that several threads have written; undefined when this thread has to do it. */
  *#scanLines(sink: OrderLineSink, operation: Operation): Task<boolean | undefined> {
    const { epoch } = operation.word;
    const scan = this.#startScan(sink, operation);
    if (scan === undefined) return undefined;
    let events = 0;
    let bytes = 0;
    try {
      for (;;) {
        scan.start(epoch);
        const part = yield* io({ sync: () => undefined, async: () => scan.next() });
        operation.checkpoint();
        if (part === undefined) {
          this.#at = this.#last;
          return true;
        }
        // Stopped by a cancel that was not this call's; or more than is wanted: this thread gives the rest.
        if (part === 'stopped' || events + part.events > sink.maxEvents) break;
        if (bytes > 0 && bytes + part.lines.length > sink.maxBytes) return false;
        const lends = sink.lend !== undefined && part.events > 0;
        // It tells of damage and progress: when somebody who is told throws, nothing has been taken yet.
        this.#walker.addWork(part.reply);
        operation.commit(() => {
          if (lends) sink.lend!(part.lines, part.events, part.before);
          else if (part.events > 0) sink.take(part.lines, part.events, part.before);
          this.#at = part.to;
        });
        if (part.lastId !== undefined) sink.reached(this.#positionOf(part.lastId));
        events += part.events;
        bytes += part.lines.length;
        const stands = part.to.chunk === part.before.chunk && part.to.record === part.before.record;
        // Events too large for the threads' memory.
        if (stands && !part.reply.ended) break;
        scan.take(part, epoch, lends);
        if (lends) return false;
        if (operation.timedOut) {
          if (events === 0) throw new OutOfTime();
          return false;
        }
      }
    } catch (error) {
      if (!(error instanceof OutOfTime)) this.#stopScan();
      // What a thread could not do, this one can, or says why not.
      if (error instanceof EvtError || error instanceof OutOfTime) throw error;
      operation.checkpoint();
      return events > 0 ? false : undefined;
    }
    this.#stopScan();
    return events > 0 ? false : undefined;
  }

  #startScan({ format }: OrderLineSink, operation: Operation): LineScan | undefined {
    if (this.#scan?.fits(this.#at, format)) return this.#scan;
    this.#stopScan();
    const pool = scanThreads(this.#threads);
    // Until the first thread has started, this one does the work.
    if (pool?.ready !== true) return undefined;
    const query = this.#selection.forThreads();
    const threads = this.#threads;
    this.#scan = new LineScan(pool, threads, this.#walker, this.#at, this.#ahead, format, query, operation.word);
    return this.#scan;
  }

  #stopScan(): void {
    if (this.#scan === undefined) return;
    this.#scan.stop();
    this.#stopped = [...this.#stopped.filter(({ isIdle }) => !isIdle), this.#scan];
    this.#scan = undefined;
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
