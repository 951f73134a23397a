import { EvtError } from '../errors/evt-error.ts';
import { runAsynchronous } from '../service/calls.ts';
import { callCloseWriters, callWrite } from '../service/log-calls.ts';
import type { Durability } from '../store/channel-log.ts';
import type { NewEvent } from '../store/written-event.ts';

/** How events are written. */
export interface WriteOptions {
  /**
   * When an event is acknowledged: `os` (default) when it outlives a crash of this process, `disk` when it is on the disk and
   * outlives the machine's power.
   */
  readonly durability?: Durability | undefined;
  /** Aborting it cancels what has not begun to be written. */
  readonly signal?: AbortSignal | undefined;
}

/** What an event of a writer need not repeat. */
export type EventDefaults = Partial<Pick<NewEvent, 'provider' | 'level' | 'task' | 'keywords' | 'computer' | 'userId'>>;

export interface EventLogWriterOptions extends Omit<WriteOptions, 'signal'> {
  /** For all events that do not say otherwise. */
  readonly defaults?: EventDefaults | undefined;
}

/** An event of a writer with defaults: they may stand for its provider. */
export type WriterEvent = Omit<NewEvent, 'provider'> & Partial<Pick<NewEvent, 'provider'>>;

interface Waiting {
  readonly event: NewEvent;
  resolve(recordId: bigint): void;
  reject(error: unknown): void;
}

/** Events of one append. More that wait go into the next: other writers get their turn in between. */
const BATCH = 1024;

/**
 * Writes events to one channel. Calls that come while others are being written share the next append, so that many at a time cost
 * little more than one; each settles when its own event is acknowledged. Await them, or {@link flush}, and no more waits in
 * memory than you have handed over.
 */
export class EventLogWriter implements AsyncDisposable {
  readonly channel: string;
  readonly #session: number | null;
  readonly #options: EventLogWriterOptions;
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed = false;

  /** @internal Use {@link EventLogSession.openWriter}. */
  constructor(session: number | null, channel: string, options: EventLogWriterOptions = {}) {
    this.#session = session;
    this.channel = channel;
    this.#options = options;
  }

  /** Events that were handed over and are not acknowledged yet. */
  get pending(): number {
    return this.#waiting.length;
  }

  /**
   * Writes an event.
   * @returns its record id, once it is acknowledged
   * @throws EvtError ERROR_INVALID_PARAMETER (87) for a field that its type cannot hold, ERROR_EVT_INVALID_EVENT_DATA (15005) when it
   *   is too large, ERROR_LOG_FILE_FULL (1502), ERROR_DISK_FULL (112), ERROR_ACCESS_DENIED (5), ERROR_INVALID_HANDLE (6) when closed
   */
  write(event: WriterEvent): Promise<bigint> {
    if (this.#closed) {
      return Promise.reject(new EvtError('ERROR_INVALID_HANDLE', 'EventLogWriter', 'the writer is closed'));
    }
    return new Promise((resolve, reject) => {
      // A writer without a provider, too, is told so when the event is made.
      const whole = { ...this.#options.defaults, ...event } as NewEvent;
      this.#waiting.push({ event: whole, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Settles when everything handed over so far is acknowledged, or was refused. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // Whatever else is handed over in this turn goes along.
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const events = batch.map(({ event }) => event);
      const request = { channel: this.channel, events, durability: this.#options.durability ?? 'os' };
      try {
        const results = await runAsynchronous(callWrite(this.#session, request, 'EventLogWriter'));
        for (const [i, result] of results.entries()) {
          if (typeof result === 'bigint') batch[i]!.resolve(result);
          else batch[i]!.reject(result);
        }
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#writing = undefined;
  }

  /** Writes what is left, and marks the log as closed. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    await runAsynchronous(callCloseWriters(this.#session, 'EventLogWriter'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
