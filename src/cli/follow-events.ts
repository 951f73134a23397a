import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import {
  damageText,
  type EventBookmark,
  type EventLogSession,
  type EventLogWatcher,
  type EventRecord,
  EvtError,
  isCancelled,
} from '../index.ts';
import { readBookmark, saveBookmark } from './bookmark-file.ts';
import { complain } from './complain.ts';
import { count } from './damage-report.ts';
import { EventTextSource, type EventTexts } from './event-texts.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText, UsageError } from './failure.ts';
import type { Formatter } from './format/event-lines.ts';
import { createFormatter } from './format/formatter.ts';
import { Interrupt } from './interrupt.ts';
import { openSession, type SessionFlags } from './open-session.ts';
import { Output } from './output.ts';
import { folderOf, formatOf, limitOf, pathTypeOf } from './query-options.ts';
import { FOLLOW_FORMATS } from './verbs.ts';

/** Options of `follow`, as the command line gives them. */
export interface FollowOptions extends SessionFlags {
  readonly query?: string;
  readonly logfile?: boolean;
  readonly tolerate?: boolean;
  readonly strict?: boolean;
  readonly oldest?: boolean;
  readonly bookmark?: string;
  readonly count?: string;
  readonly format?: string;
  readonly quiet?: boolean;
}

const EVENTS_PER_READ = 256;
/** What a machine that cannot be reached ends a call with. */
const UNREACHABLE: readonly string[] = ['RPC_S_SERVER_UNAVAILABLE', 'RPC_S_CALL_FAILED', 'RPC_S_CALL_FAILED_DNE'];
/** Milliseconds before it is tried again: the double each time. */
const RETRY_MS = { first: 1000, last: 30_000 } as const;
/** A bookmark is written no more often than this, and no later after an event than this. */
const SAVE_AFTER_MS = 1000;

/** `winevt follow`: prints events as they come. @returns the exit status */
export async function followEvents(path: string | undefined, options: FollowOptions): Promise<number> {
  const format = formatOf(options.format, options.remote !== undefined);
  if (!FOLLOW_FORMATS.some((one) => one === format)) {
    throw new UsageError(`/f:${format} is for events that end: follow prints ${FOLLOW_FORMATS.join(', ')}`);
  }
  const limit = limitOf(options.count);
  if (path === undefined && !options.query?.trimStart().startsWith('<')) {
    throw new UsageError('name what to follow: a channel or a log file (winevt follow --help shows how)');
  }
  const formatter = await createFormatter(format, {
    element: undefined,
    attributesApart: false,
    rawCharacters: false,
    timeDigits: 7,
    width: undefined,
  });
  try {
    return await new FollowEvents(path, options, limit, formatter).run();
  } catch (error) {
    complain(failureText(error, options.query));
    return ExitStatus.failure;
  }
}

class FollowEvents {
  readonly #options: FollowOptions;
  readonly #limit: number;
  readonly #formatter: Formatter;
  readonly #output = new Output(process.stdout);
  readonly #session: EventLogSession;
  readonly #watcher: EventLogWatcher;
  /** Of the other computer's publishers. */
  readonly #texts: EventTextSource | undefined;
  readonly #interrupt: Interrupt;
  #found = 0;
  /** The last event that the output's reader has taken, and whether the bookmark file has it. */
  #delivered: EventBookmark | undefined;
  #isSaved = true;
  #savedAt = Number.NEGATIVE_INFINITY;
  readonly #stopping = new AbortController();
  /** Of the next try, while the other machine cannot be reached. */
  #retryMs: number = RETRY_MS.first;

  constructor(path: string | undefined, options: FollowOptions, limit: number, formatter: Formatter) {
    this.#options = options;
    this.#limit = limit;
    this.#formatter = formatter;
    const { bookmark: file } = options;
    const bookmark = file !== undefined && existsSync(file) ? readBookmark(file) : undefined;
    this.#session = openSession(options);
    const showsTexts = formatter.showsTexts === true && options.remote !== undefined;
    this.#texts = showsTexts ? new EventTextSource(this.#session) : undefined;
    this.#watcher = this.#session.watch(path, options.query, {
      pathType: pathTypeOf(path, options.logfile, folderOf(options)),
      bookmark,
      start: options.oldest ? 'oldest' : 'future',
      strict: options.strict,
      tolerateErrors: options.tolerate,
      onMissed: ({ name, records }) => {
        const missing = records === 0n ? 'records' : count(Number(records), 'record');
        if (!options.strict) complain(`winevt: warning: ${name}: ${missing} gone before they could be read`);
      },
      onDamage: (damage) => {
        if (!options.quiet) complain(`winevt: ${damage.severity}: ${damage.path}: ${damageText(damage)}`);
      },
    });
    this.#interrupt = new Interrupt(() => {
      this.#stopping.abort();
      this.#watcher.close();
    });
  }

  async run(): Promise<number> {
    try {
      try {
        await this.#watcher.open();
        this.#tell();
        await this.#print();
      } catch (error) {
        if (!isCancelled(error) || this.#interrupt.status === undefined) throw error;
      } finally {
        this.#saveBookmark();
      }
      if (this.#interrupt.status !== undefined) this.#sayStopped();
      return this.#interrupt.status ?? ExitStatus.success;
    } finally {
      this.#interrupt.end();
      this.#watcher.close();
      this.#session.close();
    }
  }

  async #print(): Promise<void> {
    while (this.#found < this.#limit && !this.#output.closed && this.#interrupt.status === undefined) {
      const events = await this.#next();
      if (events.length === 0) continue;
      for (const event of events) this.#printOne(event, await this.#texts?.of(event));
      // At once: somebody waits for it.
      if (!(await this.#output.flush())) return;
      this.#delivered = events.at(-1)!.bookmark;
      this.#isSaved = false;
      if (performance.now() - this.#savedAt >= SAVE_AFTER_MS) this.#saveBookmark();
    }
  }

  /** The next events; none when it is time to save the bookmark first. */
  async #next(): Promise<EventRecord[]> {
    const max = Math.min(EVENTS_PER_READ, this.#limit - this.#found);
    const { bookmark } = this.#options;
    const isWaiting = bookmark !== undefined && !this.#isSaved;
    const timeoutMs = isWaiting ? Math.max(1, this.#savedAt + SAVE_AFTER_MS - performance.now()) : undefined;
    try {
      const events = await this.#watcher.readBatch(max, { timeoutMs });
      this.#retryMs = RETRY_MS.first;
      return events;
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
      if (error.symbol === 'ERROR_TIMEOUT') this.#saveBookmark();
      else if (this.#options.remote !== undefined && UNREACHABLE.includes(error.symbol)) await this.#pause(error);
      else throw error;
      return [];
    }
  }

  /** Another computer that was there comes again: it is waited for, and followed from where it was. */
  async #pause(error: EvtError): Promise<void> {
    this.#saveBookmark();
    if (this.#retryMs === RETRY_MS.first) complain(`winevt: warning: ${error.detail}: trying again`);
    const { signal } = this.#stopping;
    // Interrupted, it is over at once.
    await setTimeout(this.#retryMs, undefined, { signal }).catch(() => {});
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS.last);
  }

  #printOne(event: EventRecord, texts: EventTexts | undefined): void {
    try {
      this.#output.add(this.#formatter.event(event, this.#found, texts));
      this.#found++;
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
      complain(`winevt: error: ${event.containerLog}: record ${event.fileRecordId}: ${error.detail}`);
    }
  }

  #saveBookmark(): void {
    const { bookmark } = this.#options;
    if (bookmark === undefined || this.#isSaved || this.#delivered === undefined) return;
    saveBookmark(bookmark, this.#delivered);
    this.#isSaved = true;
    this.#savedAt = performance.now();
  }

  /** Says on stderr what there is to say beside the events. */
  #tell(): void {
    for (const warning of this.#watcher.warnings) complain(`winevt: warning: ${warning}`);
    for (const { name, status } of this.#watcher.logStatus) {
      if (status !== 0) complain(`winevt: warning: ${name} was left out (error ${status})`);
    }
  }

  #sayStopped(): void {
    if (this.#options.quiet) return;
    const { bookmark } = this.#options;
    const resume = bookmark !== undefined && this.#delivered ? `; go on with --bookmark ${bookmark}` : '';
    complain(`winevt: stopped after ${count(this.#found, 'event')}${resume}`);
  }
}
