import { EvtError } from '../../errors/evt-error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventPosition, LogEvent, SourceStatus, SubscribeRequest, Subscription } from '../service.ts';
import { bookmarkedId } from './bookmark-match.ts';
import { LocalEvent } from './local-event.ts';
import { LogTail } from './log-tail.ts';
import { OutOfTime } from './log-walker.ts';
import { LogWatch } from './log-watch.ts';
import type { SourceSelection } from './selection.ts';

/** Milliseconds between two looks where the waiting thread does nothing else, and nobody can wake it. */
const BLOCKING_LOOK_MS = 10;

/** One log of a subscription: what follows it, and its next event once that is known. */
export class SubscribedLog {
  readonly name: string;
  readonly selection: SourceSelection;
  readonly #onMissed: SubscribeRequest['onMissed'];
  #tail: LogTail | undefined;
  head: { readonly event: LocalEvent; readonly time: bigint } | undefined;
  /** Id behind which a bookmark resumes this log: of the last event given out, or where the subscription began. */
  lastId: bigint | undefined;
  missed = 0n;
  /** Records are missing in front of the head, or the log was cleared there, and nobody has been told yet. */
  isStale = false;

  constructor(name: string, selection: SourceSelection, onMissed: SubscribeRequest['onMissed']) {
    this.name = name;
    this.selection = selection;
    this.#onMissed = onMissed;
  }

  get path(): string {
    return this.#tail!.path;
  }

  /**
   * Opens the log and goes where the subscription begins.
   * @param logs of the subscription
   * @throws EvtError when strict, ERROR_EVT_QUERY_RESULT_STALE (15011) or ERROR_NOT_FOUND (1168) for a bookmark
   */
  *open(file: string, request: SubscribeRequest, logs: number, operation: Operation): Task<void> {
    const { name } = this;
    const { selector } = this.selection;
    const onMissed = (records: bigint) => this.#miss(records);
    const onRenewed = () => {
      this.isStale = true;
    };
    const { onDamage } = request;
    this.#tail = yield* LogTail.open(file, operation, { name, selector, onMissed, onRenewed, onDamage });
    const tail = this.#tail;
    if (request.start === 'future') {
      yield* tail.startAtEnd(operation);
    } else {
      const id = request.start === 'bookmark' ? bookmarkedId(request.bookmark!, name, logs) : undefined;
      if (id !== undefined) {
        yield* tail.startAfter(id, request.strict, operation);
      } else {
        if (request.start === 'bookmark' && request.strict) {
          throw new EvtError('ERROR_NOT_FOUND', operation.api, `the bookmark does not name ${name}`);
        }
        yield* tail.startAtOldest(operation);
      }
    }
    if (tail.position > 0n) this.lastId = tail.position;
  }

  #miss(records: bigint): void {
    this.missed += records;
    this.isStale = true;
    this.#onMissed?.({ name: this.name, records });
  }

  /** Looks for the head, if it is not known. */
  *find(operation: Operation): Task<boolean> {
    if (this.head !== undefined) return true;
    const found = yield* this.#tail!.next(operation);
    if (found === undefined) return false;
    const event = new LocalEvent(found, this.name, this.selection.queryIds(found));
    this.head = { event, time: event.time };
    return true;
  }

  close(): void {
    this.#tail?.close();
  }
}

export interface SubscriptionParts {
  readonly logs: readonly SubscribedLog[];
  readonly sources: readonly SourceStatus[];
  readonly warnings: readonly string[];
  readonly strict: boolean;
}

/**
 * A subscription to logs that are files. Several logs are merged by time among what is there; inside a log, events come in the
 * order of their records.
 *
 * Events found by a call that was then cancelled wait in the stash: the next one hands them out first.
 */
export class LocalSubscription implements Subscription {
  readonly needsTurns = false;
  readonly lookMs = 5;
  readonly #parts: SubscriptionParts;
  readonly #watch: LogWatch;
  readonly #stash: LocalEvent[] = [];
  #disposed = false;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    this.#watch = new LogWatch(parts.logs.map(({ path }) => path));
  }

  get sources(): readonly SourceStatus[] {
    return this.#parts.sources;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings;
  }

  get missed(): bigint {
    return this.#parts.logs.reduce((sum, { missed }) => sum + missed, 0n);
  }

  /**
   * @throws EvtError when strict and records are missing, ERROR_EVT_QUERY_RESULT_STALE (15011), once: the next call goes on with
   *   the oldest record that is left; ERROR_TIMEOUT (1460) when the time ran out with nothing found; ERROR_CANCELLED (1223)
   */
  *next(max: number, operation: Operation): Task<LogEvent[]> {
    operation.checkpoint();
    try {
      yield* this.#find(max, operation);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      if (this.#stash.length === 0) throw outOfTime(operation);
    }
    return operation.commit(() => {
      const stale = this.#stale;
      if (this.#stash.length > 0 || stale === undefined) return this.#stash.splice(0, max);
      stale.isStale = false;
      const detail = `${stale.name} was cleared or rotated, or overwrote records before they were read; the next read goes on behind that`;
      throw new EvtError('ERROR_EVT_QUERY_RESULT_STALE', operation.api, detail);
    });
  }

  /**
   * @throws EvtError ERROR_TIMEOUT (1460), ERROR_CANCELLED (1223)
   */
  *wait(operation: Operation): Task<void> {
    for (;;) {
      const { changes } = this;
      if (yield* this.ready(operation)) return;
      yield* operation.waitFor((wake) => this.onChange(changes, wake), BLOCKING_LOOK_MS);
    }
  }

  /**
   * @throws EvtError ERROR_TIMEOUT (1460) when the time ran out before anything was found; ERROR_CANCELLED (1223)
   */
  *ready(operation: Operation): Task<boolean> {
    try {
      yield* this.#find(1, operation);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
    }
    operation.checkpoint();
    if (this.#stash.length > 0 || this.#stale !== undefined) return true;
    if (operation.timedOut) throw outOfTime(operation);
    return false;
  }

  get changes(): number {
    return this.#watch.changes;
  }

  onChange(seen: number, callback: () => void): () => void {
    return this.#watch.onChange(seen, callback);
  }

  /** A log of which records are missing, when that is to be told. */
  get #stale(): SubscribedLog | undefined {
    return this.#parts.strict ? this.#parts.logs.find(({ isStale }) => isStale) : undefined;
  }

  /** Finds events until there are `max` in the stash, as long as there are any. */
  *#find(max: number, operation: Operation): Task<void> {
    const { logs } = this.#parts;
    if (this.#stash.length >= max) return;
    for (const { selection } of logs) selection.startBatch();
    // Each log is looked at once: what comes later, comes behind what is there.
    const drained = new Set<SubscribedLog>();
    while (this.#stash.length < max) {
      let best: SubscribedLog | undefined;
      for (const log of logs) {
        if (drained.has(log)) continue;
        if (!(yield* log.find(operation))) drained.add(log);
        else if (best === undefined || log.head!.time < best.head!.time) best = log;
      }
      // What lies in front of missing records is read first, then they are told of.
      if (best === undefined || this.#stale !== undefined) return;
      const { event } = best.head!;
      best.head = undefined;
      best.lastId = event.recordId;
      event.position = this.#positionAt(best);
      this.#stash.push(event);
    }
  }

  #positionAt(current: SubscribedLog): EventPosition {
    const { logs } = this.#parts;
    return {
      names: logs.map(({ name }) => name),
      recordIds: logs.map(({ lastId }) => lastId),
      current: logs.indexOf(current),
      direction: 'forward',
    };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#stash.length = 0;
    this.#watch.close();
    for (const log of this.#parts.logs) log.close();
  }
}

function outOfTime(operation: Operation): EvtError {
  return new EvtError('ERROR_TIMEOUT', operation.api, 'the time ran out before a matching event came');
}
