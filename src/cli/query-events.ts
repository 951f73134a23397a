import {
  type EventBookmark,
  EventLogQuery,
  type EventLogReader,
  type EventLogSession,
  type EventRecord,
  EvtError,
  isCancelled,
  type LineFormat,
} from '../index.ts';
import { lint, parseQuery } from '../query/index.ts';
import { readBookmark, saveBookmark } from './bookmark-file.ts';
import { complain } from './complain.ts';
import { count, DamageReport } from './damage-report.ts';
import { EventTextSource, type EventTexts } from './event-texts.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText, UsageError } from './failure.ts';
import type { Formatter } from './format/event-lines.ts';
import { createFormatter } from './format/formatter.ts';
import { Interrupt } from './interrupt.ts';
import { openSession } from './open-session.ts';
import { Output } from './output.ts';
import { ProgressLine } from './progress.ts';
import {
  concurrencyOf,
  formatOf,
  limitOf,
  type QueryEventsOptions,
  timeDigitsOf,
  type Wanted,
  wantedOf,
} from './query-options.ts';

const EVENTS_PER_READ = 256;
/** Events that are rare are shown as they are found: a read gives what it has after this time. */
const READ_MS = 200;
/** Bytes of lines that are written in one go. */
const LINES_BUFFER = 3.5 * 1024 * 1024;
/** Events found wait no longer than this before they are written. */
const WRITE_AFTER_MS = 100;

/** `winevt qe`: prints events. @returns the exit status */
export async function queryEvents(path: string | undefined, options: QueryEventsOptions): Promise<number> {
  const output = new Output(process.stdout, options.unicode);
  const formatter = await createFormatter(formatOf(options.format, options.remote !== undefined), {
    element: options.element,
    attributesApart: options.attributesApart === true,
    rawCharacters: options.rawCharacters === true,
    timeDigits: timeDigitsOf(options.timeDigits),
    width: outputWidth(),
  });
  const limit = limitOf(options.count);
  let query = options.query;
  try {
    const wanted = wantedOf(path, options);
    query = wanted.query;
    if (options.locale !== undefined)
      complain('winevt: /l has no effect: texts are in the language of the computer that has them');
    if (options.strict) for (const { sentence } of lint(parseQuery(query))) complain(`winevt: advice: ${sentence}`);
    return await new QueryEvents(wanted, options, limit, formatter, output).run();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    complain(failureText(error, query));
    return ExitStatus.failure;
  }
}

/** Columns of the terminal; where there is none, what the caller says in COLUMNS. */
function outputWidth(): number | undefined {
  if (process.stdout.isTTY) return process.stdout.columns;
  const columns = Number(process.env['COLUMNS']);
  return Number.isInteger(columns) && columns > 0 ? columns : undefined;
}

class QueryEvents {
  readonly #options: QueryEventsOptions;
  readonly #limit: number;
  readonly #formatter: Formatter;
  readonly #output: Output;
  readonly #session: EventLogSession;
  readonly #reader: EventLogReader;
  /** Of the other computer's publishers. */
  readonly #texts: EventTextSource | undefined;
  readonly #progress: ProgressLine;
  readonly #damage: DamageReport;
  readonly #interrupt: Interrupt;
  #found = 0;
  /** The last event in the output's buffer, and the last one the output's reader has taken. */
  #printed: EventRecord | undefined;
  #delivered: EventBookmark | undefined;
  #writtenAt = 0;

  constructor(wanted: Wanted, options: QueryEventsOptions, limit: number, formatter: Formatter, output: Output) {
    this.#options = options;
    this.#limit = limit;
    this.#formatter = formatter;
    this.#output = output;
    const quiet = options.quiet === true;
    this.#progress = new ProgressLine(process.stderr, !quiet);
    this.#damage = new DamageReport((line) => {
      this.#progress.clear();
      complain(line);
    }, quiet);
    const query = new EventLogQuery(wanted.log, wanted.query, {
      pathType: wanted.pathType,
      reverse: options.reversedirection,
      tolerateErrors: options.tolerate,
      strict: options.strict,
      recover: options.recover,
      concurrency: concurrencyOf(options.concurrency),
      onDamage: (damage) => this.#damage.add(damage),
      onProgress: (progress) => this.#progress.update(progress, this.#found),
    });
    const bookmark = options.bookmark === undefined ? undefined : readBookmark(options.bookmark);
    this.#session = openSession(options);
    const showsTexts = formatter.showsTexts === true && options.remote !== undefined;
    this.#texts = showsTexts ? new EventTextSource(this.#session) : undefined;
    this.#reader = this.#session.query(query, undefined, { bookmark });
    this.#interrupt = new Interrupt(() => {
      // Opening is cancelled through the session, reading through the result set.
      this.#session.cancelCurrentOperations();
      this.#reader.cancelReading();
    });
  }

  async run(): Promise<number> {
    try {
      try {
        if (this.#options.countOnly) await this.#count();
        else await this.#print();
      } catch (error) {
        if (!isCancelled(error) || this.#interrupt.status === undefined) throw error;
      } finally {
        // What was found before a failure is shown, and can be resumed from, all the same.
        await this.#flush();
        this.#progress.clear();
        this.#tell();
        this.#saveBookmark();
      }
      return this.#interrupt.status ?? ExitStatus.success;
    } finally {
      this.#progress.clear();
      this.#interrupt.end();
      this.#session.close();
    }
  }

  get #stopped(): boolean {
    return this.#output.closed || this.#interrupt.status !== undefined;
  }

  /** The next events; none at the end, when enough were found, and when somebody has asked to stop. */
  async #next(): Promise<EventRecord[]> {
    for (;;) {
      const left = this.#limit - this.#found;
      if (left <= 0 || this.#stopped) return [];
      try {
        return await this.#reader.readBatch(Math.min(EVENTS_PER_READ, left), { timeoutMs: READ_MS });
      } catch (error) {
        if (!(error instanceof EvtError) || error.symbol !== 'ERROR_TIMEOUT') throw error;
        await this.#flush();
      }
    }
  }

  async #count(): Promise<void> {
    for (;;) {
      const maxEvents = this.#limit - this.#found;
      if (maxEvents <= 0 || this.#stopped) break;
      try {
        const events = await this.#reader.count({ maxEvents, timeoutMs: READ_MS });
        if (events === 0) break;
        this.#found += events;
      } catch (error) {
        if (!(error instanceof EvtError) || error.symbol !== 'ERROR_TIMEOUT') throw error;
      }
    }
    if (!this.#stopped) this.#output.add(`${this.#found}\n`);
  }

  async #print(): Promise<void> {
    // The log is opened first: a query that fails prints nothing.
    await this.#reader.open();
    this.#output.add(this.#formatter.head);
    this.#writtenAt = performance.now();
    const { lines } = this.#formatter;
    try {
      if (lines !== undefined && this.#output.takesBytes) await this.#printLines(lines);
      else await this.#printEvents();
    } finally {
      this.#output.add(this.#formatter.tail);
    }
  }

  async #printEvents(): Promise<void> {
    for (let events = await this.#next(); events.length > 0; events = await this.#next()) {
      for (const event of events) {
        if (this.#stopped) return;
        this.#printOne(event, await this.#texts?.of(event));
        if (this.#output.full) await this.#flush();
      }
      if (performance.now() - this.#writtenAt > WRITE_AFTER_MS) await this.#flush();
    }
  }

  async #printLines(format: LineFormat): Promise<void> {
    // One buffer for all: the next read begins when the last lines are written.
    const buffer = Buffer.allocUnsafeSlow(LINES_BUFFER);
    for (;;) {
      const maxEvents = this.#limit - this.#found;
      if (maxEvents <= 0 || this.#stopped) return;
      try {
        const options = { maxEvents, maxBytes: LINES_BUFFER, timeoutMs: READ_MS, buffer, borrow: true };
        const { bytes, events, bookmark } = await this.#reader.readLines(format, options);
        if (events === 0) return;
        this.#found += events;
        if (process.stdout.isTTY) this.#progress.clear();
        if (await this.#output.write(bytes)) this.#delivered = bookmark;
      } catch (error) {
        if (!(error instanceof EvtError) || error.symbol !== 'ERROR_TIMEOUT') throw error;
      }
    }
  }

  #printOne(event: EventRecord, texts: EventTexts | undefined): void {
    try {
      this.#output.add(this.#formatter.event(event, this.#found, texts));
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
      this.#damage.addEvent(event.containerLog, event.fileRecordId, error.detail);
      return;
    }
    this.#found++;
    this.#printed = event;
  }

  async #flush(): Promise<void> {
    if (process.stdout.isTTY) this.#progress.clear();
    if ((await this.#output.flush()) && this.#printed !== undefined) this.#delivered = this.#printed.bookmark;
    this.#writtenAt = performance.now();
  }

  #saveBookmark(): void {
    const { savebookmark } = this.#options;
    if (savebookmark !== undefined && this.#delivered !== undefined) {
      saveBookmark(savebookmark, this.#delivered);
    }
  }

  /** Says on stderr what there is to say beside the events. */
  #tell(): void {
    this.#damage.end();
    for (const warning of this.#reader.warnings) complain(`winevt: warning: ${warning}`);
    for (const { name, status } of this.#reader.logStatus) {
      if (status !== 0) complain(`winevt: warning: ${name} was left out (error ${status})`);
    }
    if (this.#interrupt.status === undefined) return;
    const { readBytes, totalBytes, records } = this.#reader.progress;
    const { savebookmark } = this.#options;
    const resume = savebookmark !== undefined && this.#delivered ? `; read on with /bm:${savebookmark}` : '';
    // Another computer does not tell what it has read.
    const how =
      totalBytes === 0
        ? ''
        : ` (${count(records, 'record')}, ${megabytes(readBytes)} of ${megabytes(totalBytes)} MB read)`;
    complain(`winevt: stopped after ${count(this.#found, 'event')}${how}${resume}`);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1);
}
