import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import {
  EventBookmark as Bookmark,
  type EventBookmark,
  EventLogQuery,
  type EventLogReader,
  EventLogSession,
  type EventRecord,
  EvtError,
  isCancelled,
} from '../index.ts';
import { lint, parseQuery } from '../query/index.ts';
import { DamageReport } from './damage-report.ts';
import { ExitStatus, failureText, UsageError } from './failure.ts';
import type { Formatter } from './format/event-lines.ts';
import { createFormatter } from './format/formatter.ts';
import { Interrupt } from './interrupt.ts';
import { Output } from './output.ts';
import { ProgressLine } from './progress.ts';
import { FORMATS, type Format } from './verbs.ts';

/** Options of `qe`, as the command line gives them. */
export interface QueryEventsOptions {
  readonly query?: string;
  readonly logfile?: boolean;
  readonly structuredquery?: boolean;
  readonly logs?: string;
  readonly format?: string;
  readonly count?: string;
  readonly countOnly?: boolean;
  readonly reversedirection?: boolean;
  readonly bookmark?: string;
  readonly savebookmark?: string;
  readonly element?: string;
  readonly tolerate?: boolean;
  readonly strict?: boolean;
  readonly recover?: boolean;
  readonly attributesApart?: boolean;
  readonly rawCharacters?: boolean;
  readonly unicode?: boolean;
  readonly locale?: string;
  readonly quiet?: boolean;
}

const EVENTS_PER_READ = 256;

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

function limitOf(count: string | undefined): number {
  if (count === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d{1,15}$/.test(count)) throw new UsageError(`/c: "${count}" is no number of events`);
  return Number(count);
}

function formatOf(format: string | undefined): Format {
  const name = (format ?? 'xml').toLowerCase();
  if (name === 'jsonl') return 'json';
  if (name === 'renderedxml') {
    throw new UsageError('/f:RenderedXml needs the providers’ messages, which logs do not hold: use /f:xml');
  }
  const known = FORMATS.find((one) => one === name);
  if (known === undefined) throw new UsageError(`/f: "${format}" is none of ${FORMATS.join(', ')}`);
  return known;
}

function readText(path: string, what: string): string {
  try {
    const bytes = readFileSync(path);
    const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
    return bytes.toString(utf16 ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
  } catch (error) {
    throw new EvtError('ERROR_FILE_NOT_FOUND', 'winevt', `${what} ${path} cannot be read: ${(error as Error).message}`);
  }
}

/** Written beside and renamed: whoever reads the file sees the old bookmark or the new one. */
function saveBookmark(path: string, bookmark: EventBookmark): void {
  const beside = `${path}.new`;
  writeFileSync(beside, `${bookmark.xml}\r\n`);
  renameSync(beside, path);
}

/** `winevt qe`: prints events. @returns the exit status */
export async function queryEvents(path: string, options: QueryEventsOptions): Promise<number> {
  const limit = limitOf(options.count);
  const format = formatOf(options.format);
  if (options.structuredquery && (options.logfile || options.query !== undefined)) {
    throw new UsageError('/sq takes its logs and its query from the file: it goes with neither /lf nor /q');
  }
  const query = options.structuredquery ? readText(path, 'the query file') : options.query;
  if (options.locale !== undefined) complain('winevt: /l has no effect: logs do not hold messages');
  try {
    if (options.strict) for (const { sentence } of lint(parseQuery(query))) complain(`winevt: advice: ${sentence}`);
    return await new QueryEvents(path, query, options, limit, format).run();
  } catch (error) {
    complain(failureText(error, query));
    return ExitStatus.failure;
  }
}

class QueryEvents {
  readonly #options: QueryEventsOptions;
  readonly #limit: number;
  readonly #format: Format;
  readonly #session: EventLogSession;
  readonly #reader: EventLogReader;
  readonly #progress: ProgressLine;
  readonly #damage: DamageReport;
  readonly #interrupt: Interrupt;
  #found = 0;
  #last: EventRecord | undefined;

  constructor(path: string, query: string | undefined, options: QueryEventsOptions, limit: number, format: Format) {
    this.#options = options;
    this.#limit = limit;
    this.#format = format;
    this.#progress = new ProgressLine(process.stderr, options.quiet !== true);
    this.#damage = new DamageReport((line) => {
      if (options.quiet) return;
      this.#progress.clear();
      complain(line);
    });
    const log = new EventLogQuery(options.structuredquery ? undefined : path, query, {
      pathType: options.logfile ? 'file' : options.logs === undefined ? undefined : 'channel',
      reverse: options.reversedirection,
      tolerateErrors: options.tolerate,
      strict: options.strict,
      recover: options.recover,
      onDamage: (damage) => this.#damage.add(damage),
      onProgress: (progress) => this.#progress.update(progress, this.#found),
    });
    const bookmark = options.bookmark && Bookmark.parse(readText(options.bookmark, 'the bookmark file'));
    this.#session = EventLogSession.open({ logs: options.logs });
    this.#reader = this.#session.query(log, undefined, bookmark ? { bookmark } : {});
    this.#interrupt = new Interrupt(() => {
      // Opening is cancelled through the session, reading through the result set.
      this.#session.cancelCurrentOperations();
      this.#reader.cancelReading();
    });
  }

  async run(): Promise<number> {
    const output = new Output(process.stdout, this.#options.unicode);
    try {
      await this.#read(output);
      await output.flush();
      for (const warning of this.#reader.warnings) complain(`winevt: warning: ${warning}`);
      for (const { name, status } of this.#reader.logStatus) {
        if (status !== 0) complain(`winevt: warning: ${name} was left out (error ${status})`);
      }
      return this.#end();
    } finally {
      this.#progress.clear();
      this.#interrupt.end();
      this.#session.close();
    }
  }

  async #read(output: Output): Promise<void> {
    try {
      if (this.#options.countOnly) await this.#count(output);
      else await this.#print(output);
    } catch (error) {
      if (!isCancelled(error) || this.#interrupt.status === undefined) throw error;
    }
  }

  /** The next events; none at the end, when enough were found, and when somebody has asked to stop. */
  async #next(): Promise<EventRecord[]> {
    const left = this.#limit - this.#found;
    if (left <= 0 || this.#interrupt.status !== undefined) return [];
    return this.#reader.readBatch(Math.min(EVENTS_PER_READ, left));
  }

  async #count(output: Output): Promise<void> {
    try {
      for (let events = await this.#next(); events.length > 0; events = await this.#next())
        this.#found += events.length;
    } finally {
      if (this.#interrupt.status === undefined) await output.write(`${this.#found}\n`);
    }
  }

  async #print(output: Output): Promise<void> {
    const formatter = await createFormatter(this.#format, {
      element: this.#options.element,
      attributesApart: this.#options.attributesApart === true,
      rawCharacters: this.#options.rawCharacters === true,
      width: process.stdout.isTTY ? process.stdout.columns : undefined,
    });
    await output.write(formatter.head);
    try {
      for (let events = await this.#next(); events.length > 0; events = await this.#next()) {
        for (const event of events) {
          if (output.closed || this.#interrupt.status !== undefined) return;
          await this.#printOne(event, formatter, output);
        }
      }
    } finally {
      await output.write(formatter.tail);
    }
  }

  async #printOne(event: EventRecord, formatter: Formatter, output: Output): Promise<void> {
    let text: string;
    try {
      text = formatter.event(event, this.#found);
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
      this.#damage.add({
        path: event.containerLog,
        severity: 'error',
        slot: -1,
        fileOffset: 0,
        recordId: event.fileRecordId,
        what: error.detail,
      });
      return;
    }
    await output.write(text);
    this.#found++;
    this.#last = event;
  }

  #end(): number {
    this.#progress.clear();
    this.#damage.end();
    const { savebookmark } = this.#options;
    if (savebookmark !== undefined && this.#last !== undefined) saveBookmark(savebookmark, this.#last.bookmark);
    const { status } = this.#interrupt;
    if (status === undefined) return ExitStatus.success;
    const { readBytes, totalBytes, records } = this.#reader.progress;
    const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(1);
    const resume = savebookmark !== undefined && this.#last ? `; read on with /bm:${savebookmark}` : '';
    complain(
      `winevt: stopped after ${this.#found} events (${records} records, ${megabytes(readBytes)} of ` +
        `${megabytes(totalBytes)} MB read)${resume}`,
    );
    return status;
  }
}
