import { EvtError } from '../errors/evt-error.ts';
import { callLines, callNext, callQuery, callSeek, cancel, close, runAsynchronous } from '../service/calls.ts';
import { handleObject, isKnown } from '../service/handle-registry.ts';
import { ResultSetObject } from '../service/objects.ts';
import type { LineFormat, LogEvent, Progress, QueryRequest, SeekOrigin, SourceStatus } from '../service/service.ts';
import { EventBookmark } from './event-bookmark.ts';
import { type EventLogQuery, guessPathType } from './event-log-query.ts';
import { EventRecord } from './event-record.ts';

/** What a call can be stopped by, beside {@link EventLogReader.cancelReading}. */
export interface ReadOptions {
  /** Aborting it ends this call with the signal's reason; nothing is lost by it. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds to look for an event; the call then fails with ERROR_TIMEOUT (1460). No limit by default. */
  readonly timeoutMs?: number | undefined;
}

export interface SeekOptions {
  readonly signal?: AbortSignal | undefined;
  /** Fail with ERROR_NOT_FOUND (1168) where there is no such position, instead of going to the nearest. */
  readonly strict?: boolean | undefined;
}

export interface ReadLinesOptions extends ReadOptions {
  /** Most events; no limit by default. */
  readonly maxEvents?: number | undefined;
  /** The call returns soon after so many bytes; 1 MiB by default. */
  readonly maxBytes?: number | undefined;
  /**
   * Memory to write to: who reads gigabytes gives the same again and again, once the last lines are done with. It is only
   * used from 256 KiB on; what does not fit it comes in new memory.
   */
  readonly buffer?: Uint8Array | undefined;
  /**
   * The bytes are only looked at until the next call on the reader, which writes over them: they need not be a copy. They may be of
   * shared memory.
   */
  readonly borrow?: boolean | undefined;
}

/** Events as lines. */
export interface EventLines {
  /** UTF-8, a line each, the last one ended as well. */
  readonly bytes: Uint8Array;
  readonly events: number;
  /** Of the last event: a reader with it begins behind; undefined when there is no event. */
  readonly bookmark: EventBookmark | undefined;
}

/** Bytes of lines that are fetched in one go. */
const LINE_BYTES = 1024 * 1024;

/** Events fetched in one go. */
const BATCH_SIZE = 64;

/**
 * Reads the events that a query selects. Opens at the first read; close it when done, or let `await using` do it.
 *
 *     for await (const event of reader) …
 *
 * Breaking out of the loop leaves the reader open where it stands: the next read goes on with the next event.
 */
export class EventLogReader implements AsyncDisposable {
  readonly #session: number | null;
  readonly #query: EventLogQuery;
  readonly #bookmark: EventBookmark | undefined;
  #opening: Promise<number> | undefined;
  /** Ends the opening when the reader is cancelled before it has a handle. */
  #openingCancel = new AbortController();
  #handle: number | undefined;
  #closed = false;
  /** Fetched and not handed out yet. */
  #batch: LogEvent[] = [];

  /** Made by {@link EventLogSession.query}. @param session a session handle, null for the local session */
  constructor(session: number | null, query: EventLogQuery, bookmark?: EventBookmark) {
    this.#session = session;
    this.#query = query;
    this.#bookmark = bookmark;
  }

  /**
   * The result set's handle, opened if it is not yet: `winevt/wevtapi` can cancel and close it, from any thread.
   * @throws EvtError as EvtQuery: ERROR_EVT_INVALID_QUERY (15001), ERROR_FILE_NOT_FOUND (2), ERROR_CANCELLED (1223) …
   */
  async open(options: { signal?: AbortSignal | undefined } = {}): Promise<number> {
    if (this.#closed) throw new EvtError('ERROR_INVALID_HANDLE', 'EventLogReader', 'the reader is closed');
    const { signal } = this.#openingCancel;
    this.#opening ??= this.#open(options.signal ? AbortSignal.any([signal, options.signal]) : signal).catch(
      (error: unknown) => {
        // A cancelled or failed opening may be tried again.
        this.#opening = undefined;
        throw error;
      },
    );
    const handle = await this.#opening;
    // A cancel that came when the opening was done, and this call still waiting for it.
    signal.throwIfAborted();
    return handle;
  }

  async #open(signal: AbortSignal): Promise<number> {
    const { path, query, options } = this.#query;
    const request: QueryRequest = {
      path,
      query,
      pathType: options.pathType ?? (path === undefined ? 'channel' : guessPathType(path)),
      direction: options.reverse === true ? 'reverse' : 'forward',
      tolerate: options.tolerateErrors === true,
      strict: options.strict === true,
      recover: options.recover === true,
      concurrency: options.concurrency,
      onDamage: options.onDamage,
      onProgress: options.onProgress,
    };
    const handle = await runAsynchronous(callQuery(this.#session, request, 'EvtQuery', { signal }));
    try {
      if (this.#bookmark !== undefined) {
        const { position: bookmark } = this.#bookmark;
        const resume = { origin: 'bookmark', offset: 1, bookmark, strict: false } as const;
        await runAsynchronous(callSeek(handle, resume, 'EvtSeek', { signal }));
      }
      signal.throwIfAborted();
    } catch (error) {
      if (isKnown(handle)) close(handle);
      throw error;
    }
    this.#handle = handle;
    return handle;
  }

  /**
   * The next event; undefined at the end.
   * @throws EvtError ERROR_CANCELLED (1223) after {@link cancelReading}, ERROR_TIMEOUT (1460), and what {@link open} throws
   */
  async read(options: ReadOptions = {}): Promise<EventRecord | undefined> {
    const [event] = await this.readBatch(1, options);
    return event;
  }

  /** The next events, at most `max` (1 to 1024); none at the end. Errors as {@link read}. */
  async readBatch(max: number = BATCH_SIZE, options: ReadOptions = {}): Promise<EventRecord[]> {
    if (this.#batch.length === 0) this.#batch.push(...(await this.#fetch(Math.max(max, BATCH_SIZE), options)));
    return this.#batch.splice(0, max).map((event) => new EventRecord(event));
  }

  /** On an open reader the call is made here and now, so that a cancel in the very next statement finds it pending. */
  async #fetch(max: number, options: ReadOptions): Promise<LogEvent[]> {
    const handle = this.#handle !== undefined && !this.#closed ? this.#handle : await this.open(options);
    return runAsynchronous(callNext(handle, max, 'EvtNext', options));
  }

  /**
   * The next events as lines of UTF-8, as `EventRecord.xml()` and `json()` write them: many times faster than event by event.
   * No events: the end. Events that are damaged inside are reported (`onDamage`) and left out.
   * @throws as {@link read}. A cancelled call has taken nothing: the next read gives what it would have given
   */
  async readLines(format: LineFormat, options: ReadLinesOptions = {}): Promise<EventLines> {
    const { maxEvents = Number.POSITIVE_INFINITY, maxBytes = LINE_BYTES, buffer, borrow } = options;
    // Fetched for somebody who reads event by event.
    if (this.#batch.length > 0) return this.#linesOf(this.#batch.splice(0, maxEvents), format);
    const handle = this.#handle !== undefined && !this.#closed ? this.#handle : await this.open(options);
    const request = { format, maxEvents, maxBytes, buffer, borrow };
    const { bytes, events, position } = await runAsynchronous(callLines(handle, request, 'EvtNext', options));
    return { bytes, events, bookmark: position && new EventBookmark(position) };
  }

  /**
   * Counts the next events, without handing them out: as fast as they can be found.
   * @returns how many, at most `maxEvents`; 0: the end
   * @throws as {@link read}. A cancelled call has counted nothing. Several logs are counted one by one: where the time runs out before
   *   the last of them is, that is an ERROR_TIMEOUT (1460), and the next count goes on with what is left
   */
  async count(options: ReadOptions & { readonly maxEvents?: number | undefined } = {}): Promise<number> {
    const { maxEvents = Number.POSITIVE_INFINITY } = options;
    if (this.#batch.length > 0) return this.#batch.splice(0, maxEvents).length;
    const handle = this.#handle !== undefined && !this.#closed ? this.#handle : await this.open(options);
    const request = { format: 'nothing', maxEvents, maxBytes: 0 } as const;
    return (await runAsynchronous(callLines(handle, request, 'EvtNext', options))).events;
  }

  #linesOf(events: readonly LogEvent[], format: LineFormat): EventLines {
    let text = '';
    let count = 0;
    for (const event of events) {
      try {
        text += `${event.text(format)}\n`;
        count++;
      } catch (error) {
        if (!(error instanceof EvtError)) throw error;
        const { path, recordId } = event;
        this.#query.options.onDamage?.({
          path,
          recordId,
          severity: 'error',
          slot: -1,
          fileOffset: 0,
          what: error.detail,
        });
      }
    }
    const last = events.at(-1)!;
    return { bytes: new TextEncoder().encode(text), events: count, bookmark: new EventBookmark(last.position) };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventRecord, void, undefined> {
    for (;;) {
      if (this.#batch.length === 0) {
        this.#batch.push(...(await this.#fetch(BATCH_SIZE, {})));
        if (this.#batch.length === 0) return;
      }
      for (let event = this.#batch.shift(); event !== undefined; event = this.#batch.shift()) {
        yield new EventRecord(event);
      }
    }
  }

  /**
   * Moves the position. Failed or cancelled, it stays.
   * @param origin a bookmark, or where to count from; `current` is the event that the next read would give
   * @param offset in events of the result, in its reading direction. With a bookmark: 0 is its event, 1 the one behind it
   * @throws EvtError ERROR_NOT_FOUND (1168) when strict, ERROR_INVALID_PARAMETER (87), ERROR_CANCELLED (1223)
   */
  async seek(
    origin: EventBookmark | Exclude<SeekOrigin, 'bookmark'>,
    offset = 0,
    options: SeekOptions = {},
  ): Promise<void> {
    const handle = this.#handle !== undefined && !this.#closed ? this.#handle : await this.open(options);
    const strict = options.strict === true;
    // What lies in the batch has been fetched, but not read: Current counts from its first event.
    const ahead = origin === 'current' ? offset - this.#batch.length : offset;
    const request =
      typeof origin === 'string'
        ? { origin, offset: ahead, bookmark: undefined, strict }
        : { origin: 'bookmark' as const, offset, bookmark: origin.position, strict };
    await runAsynchronous(callSeek(handle, request, 'EvtSeek', options));
    this.#batch = [];
  }

  /**
   * Cancels what is pending on this reader: reads and seeks end with ERROR_CANCELLED (1223), and no event is lost: the next
   * read gives what the cancelled one would have given. With nothing pending it does nothing.
   */
  cancelReading(): void {
    if (this.#closed) return;
    if (this.#handle !== undefined) {
      cancel(this.#handle);
      return;
    }
    const detail = 'cancelled: cancelReading was called while the reader opened';
    this.#openingCancel.abort(new EvtError('ERROR_CANCELLED', 'EvtQuery', detail));
    this.#openingCancel = new AbortController();
  }

  /** The logs of the query and how they fared: 0, or a Win32 code. Empty before the reader is open. */
  get logStatus(): readonly SourceStatus[] {
    return this.#resultSet?.sources ?? [];
  }

  /** Sentences about the query itself. */
  get warnings(): readonly string[] {
    return this.#resultSet?.warnings ?? [];
  }

  /** How far reading has come. */
  get progress(): Progress {
    return this.#resultSet?.progress ?? { readBytes: 0, totalBytes: 0, records: 0 };
  }

  get #resultSet() {
    if (this.#handle === undefined || this.#closed) return undefined;
    return handleObject(this.#handle, ResultSetObject, 'EventLogReader').resultSet;
  }

  /** Closes the reader; what is pending on it ends with ERROR_CANCELLED (1223). Closing twice does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#batch = [];
    this.#openingCancel.abort(new EvtError('ERROR_CANCELLED', 'EvtQuery', 'cancelled: the reader was closed'));
    // A session that was closed has closed its readers.
    if (this.#handle !== undefined && isKnown(this.#handle)) close(this.#handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
