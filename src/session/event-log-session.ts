import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import { cancel, close, runAsynchronous } from '../service/calls.ts';
import {
  callChannelConfig,
  callChannels,
  callClearLog,
  callExportLog,
  callLogInfoOf,
  callWrite,
} from '../service/log-calls.ts';
import { openLocalSession, openRemoteSession } from '../service/objects.ts';
import { callPublishers } from '../service/publisher-calls.ts';
import type { RemoteSessionOptions } from '../service/remote/credentials.ts';
import type { ExportProgress, ExportResult, LogInfo, PathType } from '../service/service.ts';
import type { NewEvent } from '../store/written-event.ts';
import type { EventBookmark } from './event-bookmark.ts';
import { EventLogConfiguration } from './event-log-configuration.ts';
import { EventLogQuery, guessPathType, type QueryOptions } from './event-log-query.ts';
import { EventLogReader } from './event-log-reader.ts';
import { EventLogWatcher, type WatcherOptions } from './event-log-watcher.ts';
import { EventLogWriter, type EventLogWriterOptions, type WriteOptions } from './event-log-writer.ts';
import type { EventRecord } from './event-record.ts';
import type { TextOptions } from './provider-items.ts';
import { ProviderMetadata, type ProviderOptions } from './provider-metadata.ts';

export interface ExportLogOptions extends Pick<QueryOptions, 'pathType' | 'tolerateErrors' | 'onDamage'> {
  /** Replaces a file that is there, once the new log is whole. */
  readonly overwrite?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: ExportProgress) => void) | undefined;
}

export interface ClearLogOptions {
  /** File that gets all events first; it must not be there. */
  readonly backup?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told when the log is clear, and the event that says so could not be written. */
  readonly onUnrecorded?: ((error: unknown) => void) | undefined;
}

export interface SessionOptions {
  /** Folder of channels that can be written to, made when something is; see also `WINEVT_STORE`. */
  readonly store?: string | undefined;
  /** Folder whose `.evtx` files are the channels, such as a disk image's `winevt/Logs`. */
  readonly logs?: string | undefined;
}

export interface ReaderOptions extends QueryOptions {
  /** Begin behind the event this was taken from. */
  readonly bookmark?: EventBookmark | undefined;
}

/** Event logs: files of this computer, a folder of them by channel name, or those of another computer ({@link EventLogSession.remote}). */
export class EventLogSession implements AsyncDisposable {
  static readonly #local: EventLogSession = new EventLogSession(null);

  readonly #handle: number | null;
  #closed = false;

  /** The logs are another machine's: so are the files that are named. */
  readonly #isRemote: boolean;

  private constructor(handle: number | null, isRemote = false) {
    this.#handle = handle;
    this.#isRemote = isRemote;
  }

  /** What is in this machine's folders says nothing of another's. */
  #pathTypeOf(log: string, { pathType }: { readonly pathType?: PathType | undefined }): PathType {
    if (pathType !== undefined || !this.#isRemote) return pathType ?? guessPathType(log);
    return /\.evtx$/i.test(log) ? 'file' : 'channel';
  }

  #fileName(given: string): string {
    return this.#isRemote ? given : path.resolve(given);
  }

  /**
   * This computer's logs. Without options, the session that is always there and cannot be closed; with options, one of its own, as
   * {@link open} has it.
   */
  static local(options?: SessionOptions): EventLogSession {
    return options === undefined ? EventLogSession.#local : EventLogSession.open(options);
  }

  /** Opens a session of its own: its queries can be cancelled, and its readers closed, together. */
  static open(options: SessionOptions = {}): EventLogSession {
    return new EventLogSession(openLocalSession(options.store ?? options.logs, 'EvtOpenSession'));
  }

  /**
   * Opens a session on the logs of another machine, a Windows host or `winevt serve`, over MS-EVEN6. It connects when something is
   * first asked of it: then come RPC_S_SERVER_UNAVAILABLE (1722) and ERROR_ACCESS_DENIED (5).
   * @throws EvtError ERROR_INVALID_PARAMETER (87); ERROR_ACCESS_DENIED (5) for a user without a password;
   *   ERROR_NOT_SUPPORTED (50) for Kerberos
   */
  static remote(options: RemoteSessionOptions): EventLogSession {
    return new EventLogSession(openRemoteSession(options, 'EvtOpenSession'), true);
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
    const wanted =
      typeof log === 'string'
        ? new EventLogQuery(log, query, { ...options, pathType: this.#pathTypeOf(log, options) })
        : log;
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

  /**
   * Follows a log: gives the events as they come, for a loop that waits for them.
   * @param log   a channel name, a log file that may be growing, or a folder of them; undefined where the query names its own
   * @param query XPath or structured XML; all events when left out
   */
  watch(log: string | undefined, query?: string, options: WatcherOptions = {}): EventLogWatcher {
    const pathType = log === undefined ? options.pathType : this.#pathTypeOf(log, options);
    return new EventLogWatcher(this.#handle, log, query, { ...options, pathType });
  }

  /** Names of all channels. */
  async getLogNames(): Promise<string[]> {
    return runAsynchronous(callChannels(this.#handle, 'EventLogSession'));
  }

  /** Names of all providers (publishers): those that the channels name, and those whose events are in their logs. */
  async getProviderNames(options: TextOptions = {}): Promise<string[]> {
    return runAsynchronous(callPublishers(this.#handle, 'EventLogSession', options));
  }

  /**
   * What a provider says of itself and of its events. Close it.
   * @throws EvtError ERROR_FILE_NOT_FOUND (2) for a provider that is not known; ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND (15002) where
   *   no more than its name is, as for all whose events are in logs of this computer
   */
  async getProviderMetadata(name: string, options: ProviderOptions = {}): Promise<ProviderMetadata> {
    return ProviderMetadata.open(this.#handle, name, options);
  }

  /**
   * Size, times and number of records of a log.
   * @throws EvtError ERROR_FILE_NOT_FOUND (2), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_EVENTLOG_FILE_CORRUPT (1500)
   */
  async getLogInformation(
    log: string,
    options: { readonly pathType?: PathType | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<LogInfo> {
    const pathType = this.#pathTypeOf(log, options);
    return runAsynchronous(callLogInfoOf(this.#handle, log, pathType, 'EvtGetLogInfo', options));
  }

  /**
   * A channel's properties.
   * @throws EvtError ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_EVT_INVALID_CHANNEL_PATH (15000)
   */
  async getLogConfiguration(channel: string): Promise<EventLogConfiguration> {
    const found = await runAsynchronous(callChannelConfig(this.#handle, channel, 'EventLogConfiguration'));
    return new EventLogConfiguration(this.#handle, found);
  }

  /**
   * Writes one event, or several in order, to a channel of the session's store.
   * @returns the record ids, once the events are acknowledged
   * @throws EvtError for the first event that could not be written (the others are): ERROR_INVALID_PARAMETER (87),
   *   ERROR_EVT_INVALID_EVENT_DATA (15005), ERROR_LOG_FILE_FULL (1502); for all of them: ERROR_ACCESS_DENIED (5),
   *   ERROR_DISK_FULL (112), ERROR_CANCELLED (1223)
   */
  write(channel: string, event: NewEvent, options?: WriteOptions): Promise<bigint>;
  write(channel: string, events: readonly NewEvent[], options?: WriteOptions): Promise<bigint[]>;
  async write(
    channel: string,
    given: NewEvent | readonly NewEvent[],
    options: WriteOptions = {},
  ): Promise<bigint | bigint[]> {
    const events = Array.isArray(given) ? (given as readonly NewEvent[]) : [given as NewEvent];
    const request = { channel, events, durability: options.durability ?? 'os' };
    const results = await runAsynchronous(callWrite(this.#handle, request, 'EvtWrite', options));
    const ids: bigint[] = [];
    for (const [i, result] of results.entries()) {
      if (typeof result === 'bigint') ids.push(result);
      else if (events.length === 1) throw result;
      else throw new EvtError(result.symbol, result.api, `event ${i + 1} of ${events.length}: ${result.detail}`);
    }
    return Array.isArray(given) ? ids : ids[0]!;
  }

  /** A writer for many events of one channel. Close it: the log is marked as closed then. */
  openWriter(channel: string, options: EventLogWriterOptions = {}): EventLogWriter {
    return new EventLogWriter(this.#handle, channel, options);
  }

  /**
   * Writes the events of a log that a query selects to a new log, in order. Cancelled through the session, or by the signal, the
   * target is as it was. Record ids in the new log count from 1; each event keeps its EventRecordID.
   * @param log    a channel, a log file or a folder of them; undefined when the structured query names its own
   * @param query  XPath or structured XML; undefined for all events
   * @param target the new log; it must not be there, unless `overwrite` says so
   * @throws EvtError ERROR_FILE_EXISTS (80), ERROR_PATH_NOT_FOUND (3), ERROR_INVALID_NAME (123), ERROR_INVALID_PARAMETER (87) for
   *   a target that is read, ERROR_ACCESS_DENIED (5), ERROR_DISK_FULL (112), those of {@link EventLogReader.open}, ERROR_CANCELLED
   *   (1223); the signal's reason
   */
  async exportLog(
    log: string | undefined,
    query: string | undefined,
    target: string,
    options: ExportLogOptions = {},
  ): Promise<ExportResult> {
    const request = {
      path: log,
      pathType: log === undefined ? (options.pathType ?? 'channel') : this.#pathTypeOf(log, options),
      query,
      target: this.#fileName(target),
      tolerate: options.tolerateErrors === true,
      overwrite: options.overwrite === true,
      onDamage: options.onDamage,
      onProgress: options.onProgress,
    };
    return runAsynchronous(callExportLog(this.#handle, request, 'EvtExportLog', options));
  }

  /**
   * Removes all events of a channel; with `backup` they are in that file afterwards. The clear is recorded as an event: 1102 in
   * Security for that channel, 104 in System for all others. Cancelled through the session, or by the signal, the log is
   * as it was, and there is no backup.
   * @throws EvtError ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_FILE_EXISTS (80), ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED
   *   (5), ERROR_DISK_FULL (112), ERROR_CANCELLED (1223)
   */
  async clearLog(channel: string, options: ClearLogOptions = {}): Promise<void> {
    const backup = options.backup === undefined ? undefined : this.#fileName(options.backup);
    const request = { channel, backup, onUnrecorded: options.onUnrecorded };
    await runAsynchronous(callClearLog(this.#handle, request, 'EvtClearLog', options));
  }

  /** Cancels the exports, the clears and the queries that are being opened in this session; reads of open readers go on. */
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
