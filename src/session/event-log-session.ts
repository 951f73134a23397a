import { callChannels, callLogInfoOf, cancel, close, openLocalSession, runAsynchronous } from '../service/calls.ts';
import type { LogInfo, PathType } from '../service/service.ts';
import type { EventBookmark } from './event-bookmark.ts';
import { EventLogQuery, guessPathType, type QueryOptions } from './event-log-query.ts';
import { EventLogReader } from './event-log-reader.ts';
import type { EventRecord } from './event-record.ts';

export interface SessionOptions {
  /** Folder whose `.evtx` files are the channels, such as a disk image's `winevt/Logs`. */
  readonly logs?: string | undefined;
}

export interface ReaderOptions extends QueryOptions {
  /** Begin behind the event this was taken from. */
  readonly bookmark?: EventBookmark | undefined;
}

/** Event logs of this computer: files, and a folder of them by channel name. */
export class EventLogSession implements AsyncDisposable {
  /** The session that is always there. It cannot be closed. */
  static readonly local: EventLogSession = new EventLogSession(null);

  readonly #handle: number | null;
  #closed = false;

  private constructor(handle: number | null) {
    this.#handle = handle;
  }

  /** Opens a session of its own: its queries can be cancelled, and its readers closed, together. */
  static open(options: SessionOptions = {}): EventLogSession {
    return new EventLogSession(openLocalSession(options.logs, 'EvtOpenSession'));
  }

  /** The session's handle, for `winevt/wevtapi`; null for the local session. */
  get handle(): number | null {
    return this.#handle;
  }

  /**
   * Reads the events of a log.
   * @param log   a log file, a folder of them, a channel name, or a whole {@link EventLogQuery}
   * @param query XPath or structured XML; all events when left out
   */
  query(log: string | EventLogQuery, query?: string, options: ReaderOptions = {}): EventLogReader {
    const wanted = typeof log === 'string' ? new EventLogQuery(log, query, options) : log;
    return new EventLogReader(this.#handle, wanted, options.bookmark);
  }

  /**
   * The events of a log, for a loop that reads them once: the log is closed when the loop ends, however it ends.
   * @param options `signal` ends the loop with the signal's reason
   */
  async *events(
    log: string | EventLogQuery,
    query?: string,
    options: ReaderOptions & { readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<EventRecord, void, undefined> {
    const reader = this.query(log, query, options);
    try {
      for (;;) {
        const batch = await reader.readBatch(undefined, { signal: options.signal });
        if (batch.length === 0) return;
        yield* batch;
      }
    } finally {
      reader.close();
    }
  }

  /** Names of all channels. */
  async getLogNames(): Promise<string[]> {
    return runAsynchronous(callChannels(this.#handle, 'EventLogSession'));
  }

  /**
   * Size, times and number of records of a log.
   * @throws EvtError ERROR_FILE_NOT_FOUND (2), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_EVENTLOG_FILE_CORRUPT (1500)
   */
  async getLogInformation(
    log: string,
    options: { readonly pathType?: PathType | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<LogInfo> {
    const pathType = options.pathType ?? guessPathType(log);
    return runAsynchronous(callLogInfoOf(this.#handle, log, pathType, 'EvtGetLogInfo', options));
  }

  /** Cancels the queries that are being opened in this session; reads of open readers go on. */
  cancelCurrentOperations(): void {
    cancel(this.#handle);
  }

  /** Closes the session and its readers; what is pending on them ends with ERROR_CANCELLED (1223). */
  close(): void {
    if (this.#handle === null || this.#closed) return;
    this.#closed = true;
    close(this.#handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
