import { EvtError } from '../errors/evt-error.ts';
import type { Win32Symbol } from '../errors/win32.ts';
import { callNext, callSubscribe, callWait, cancel, close, runAsynchronous } from '../service/calls.ts';
import { handleObject, isKnown } from '../service/handle-registry.ts';
import { SubscriptionObject } from '../service/objects.ts';
import type {
  LogDamage,
  LogEvent,
  MissedRecords,
  PathType,
  SourceStatus,
  SubscribeRequest,
  Subscription,
} from '../service/service.ts';
import type { EventBookmark } from './event-bookmark.ts';
import { guessPathType } from './event-log-query.ts';
import type { ReadOptions } from './event-log-reader.ts';
import { EventRecord } from './event-record.ts';

export interface WatcherOptions {
  /** What the path names. By default a file where one of that name exists or it ends in `.evtx`, else a channel. */
  readonly pathType?: PathType | undefined;
  /**
   * Begin behind the event this was taken from. Where its record is gone, the next one that is left comes first; a log it does not
   * name is read from its oldest record.
   */
  readonly bookmark?: EventBookmark | undefined;
  /** Where to begin without a bookmark: with the next event that comes (default), or with the oldest that is there. */
  readonly start?: 'future' | 'oldest' | undefined;
  /**
   * Fail where the bookmark's record is gone, and once where records are missing that were overwritten or cleared before they were
   * read: ERROR_EVT_QUERY_RESULT_STALE (15011).
   */
  readonly strict?: boolean | undefined;
  /** Skip logs that cannot be opened, and keep the well-formed start of a bad XPath. */
  readonly tolerateErrors?: boolean | undefined;
  /** Aborting it closes the watcher; what is pending ends with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told of records that were overwritten or cleared before they could be read. */
  readonly onMissed?: ((missed: MissedRecords) => void) | undefined;
  /** Told of records that cannot be read. */
  readonly onDamage?: ((damage: LogDamage) => void) | undefined;
}

/** A connection to another machine was lost. */
const LOST: ReadonlySet<Win32Symbol> = new Set(['RPC_S_CALL_FAILED', 'RPC_S_CALL_FAILED_DNE']);

/** Events fetched in one go. */
const BATCH_SIZE = 64;

/**
 * Follows logs: gives the events that a query selects as they come, each once, in the order of their records.
 *
 *     for await (const event of session.watch('System', '*[System[Level<=2]]')) …
 *
 * It begins when it is made. Where the connection to another machine is lost, it is made again, and the watcher goes on behind the last
 * event that it gave. One that follows future events and has given none has no such place: it goes on with those that come then, and
 * events that came meanwhile are lost to it.
 *
 * The loop waits for events until the watcher is closed, and closes it when it is left. An open loop
 * keeps the process running.
 */
export class EventLogWatcher implements AsyncDisposable, AsyncIterable<EventRecord> {
  readonly #opening: Promise<number>;
  readonly #signal: AbortSignal | undefined;
  readonly #opened = new AbortController();
  #handle: number | undefined;
  #closed = false;
  #batch: LogEvent[] = [];
  #missed = 0n;

  /** Made by {@link EventLogSession.watch}. @param session a session handle, null for the local session */
  constructor(
    session: number | null,
    log: string | undefined,
    query: string | undefined,
    options: WatcherOptions = {},
  ) {
    this.#signal = options.signal;
    const request: SubscribeRequest = {
      path: log,
      pathType: options.pathType ?? (log === undefined ? 'channel' : guessPathType(log)),
      query,
      start: options.bookmark === undefined ? (options.start ?? 'future') : 'bookmark',
      bookmark: options.bookmark?.position,
      tolerate: options.tolerateErrors === true,
      strict: options.strict === true,
      onMissed: (missed) => {
        this.#missed += missed.records;
        options.onMissed?.(missed);
      },
      onDamage: options.onDamage,
    };
    this.#opening = this.#open(session, request);
    // Told to whoever reads.
    this.#opening.catch(() => {});
    options.signal?.addEventListener('abort', this.#abort, { once: true });
  }

  readonly #abort = () => this.close();

  async #open(session: number | null, request: SubscribeRequest): Promise<number> {
    const signals = [this.#opened.signal, ...(this.#signal === undefined ? [] : [this.#signal])];
    const options = { signal: AbortSignal.any(signals) };
    const handle = await runAsynchronous(callSubscribe(session, request, {}, 'EvtSubscribe', options));
    if (this.#closed) {
      if (isKnown(handle)) close(handle);
      options.signal.throwIfAborted();
    }
    this.#handle = handle;
    return handle;
  }

  /**
   * Waits until the watcher has begun: events that are written from then on are among those it gives.
   * @returns the subscription's handle: `winevt/wevtapi` can cancel and close it, from any thread
   * @throws EvtError as EvtSubscribe: ERROR_EVT_INVALID_QUERY (15001), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_FILE_NOT_FOUND
   *   (2), ERROR_CANCELLED (1223) …
   */
  open(): Promise<number> {
    return this.#opening;
  }

  /**
   * The next events, at most `max` (1 to 1024); waits until there is at least one.
   * @throws EvtError ERROR_TIMEOUT (1460), ERROR_CANCELLED (1223) after {@link cancelReading} and {@link close}; when strict,
   *   ERROR_EVT_QUERY_RESULT_STALE (15011), once: the next call goes on with the oldest record that is left; what {@link open} throws;
   *   of another machine, RPC_S_SERVER_UNAVAILABLE (1722) while it cannot be reached: the next call tries again
   */
  async readBatch(max: number = BATCH_SIZE, options: ReadOptions = {}): Promise<EventRecord[]> {
    while (this.#batch.length === 0) {
      const handle = this.#handle !== undefined && !this.#closed ? this.#handle : await this.#stillOpen();
      this.#batch.push(...(await this.#next(handle, max, options)));
    }
    return this.#batch.splice(0, max).map((event) => new EventRecord(event));
  }

  /** Waits for events and takes them: none, where another caller has taken them meanwhile. */
  async #next(handle: number, max: number, options: ReadOptions): Promise<LogEvent[]> {
    for (let losses = 0; ; losses++) {
      try {
        await runAsynchronous(callWait(handle, 'EvtNext', options));
        const { signal } = options;
        return await runAsynchronous(callNext(handle, Math.max(max, BATCH_SIZE), 'EvtNext', { signal }));
      } catch (error) {
        // The next call makes a connection anew, and goes on behind the last event. Lost at once again, it is a failure.
        if (!(error instanceof EvtError) || !LOST.has(error.symbol) || losses > 0) throw error;
      }
    }
  }

  async #stillOpen(): Promise<number> {
    const handle = await this.#opening;
    this.#signal?.throwIfAborted();
    if (this.#closed) throw new EvtError('ERROR_CANCELLED', 'EvtNext', 'cancelled: the watcher was closed');
    return handle;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventRecord, void, undefined> {
    try {
      for (;;) {
        if (this.#closed && this.#signal?.aborted !== true) return;
        let events: EventRecord[];
        try {
          events = await this.readBatch();
        } catch (error) {
          this.#signal?.throwIfAborted();
          if (this.#closed) return;
          throw error;
        }
        for (const event of events) {
          yield event;
          if (this.#closed) break;
        }
      }
    } finally {
      this.close();
    }
  }

  /** Cancels what is pending on this watcher: reads end with ERROR_CANCELLED (1223), and no event is lost by it. */
  cancelReading(): void {
    if (this.#handle !== undefined && !this.#closed && isKnown(this.#handle)) cancel(this.#handle);
  }

  /** Records that were overwritten or cleared before they could be read, whatever the query selects. */
  get missed(): bigint {
    return this.#missed;
  }

  /** The logs of the query and how they fared: 0, or a Win32 code. Empty before the watcher has begun. */
  get logStatus(): readonly SourceStatus[] {
    return this.#subscription?.sources ?? [];
  }

  /** Sentences about the query itself. */
  get warnings(): readonly string[] {
    return this.#subscription?.warnings ?? [];
  }

  get #subscription(): Subscription | undefined {
    if (this.#handle === undefined || !isKnown(this.#handle)) return undefined;
    return handleObject(this.#handle, SubscriptionObject, 'EventLogWatcher').subscription;
  }

  /** Closes the watcher: a loop over it ends, a pending read ends with ERROR_CANCELLED (1223). Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#batch = [];
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#opened.abort(new EvtError('ERROR_CANCELLED', 'EvtSubscribe', 'cancelled: the watcher was closed'));
    // A session that was closed has closed its watchers.
    if (this.#handle !== undefined && isKnown(this.#handle)) close(this.#handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
