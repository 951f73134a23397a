import type { PathType } from '../index.ts';
import { UsageError } from './failure.ts';
import type { SessionFlags } from './open-session.ts';
import { readTextFile } from './text-file.ts';
import { FORMATS, type Format } from './verbs.ts';

/** Options of `qe`, as the command line gives them. */
export interface QueryEventsOptions extends SessionFlags {
  readonly query?: string;
  readonly logfile?: boolean;
  readonly structuredquery?: boolean;
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
  readonly timeDigits?: string;
  readonly unicode?: boolean;
  readonly locale?: string;
  readonly quiet?: boolean;
  readonly concurrency?: string;
}

/** What is read: a log and a query, or a query that names its logs. */
export interface Wanted {
  readonly log: string | undefined;
  readonly pathType: PathType | undefined;
  readonly query: string | undefined;
}

/**
 * @throws UsageError when the options contradict each other
 * @throws EvtError when the query file cannot be read
 */
export function wantedOf(path: string | undefined, options: QueryEventsOptions): Wanted {
  const { query } = options;
  const logs = folderOf(options);
  if (options.structuredquery) {
    if (options.logfile || query !== undefined) {
      throw new UsageError('/sq takes its logs and its query from the file: it goes with neither /lf nor /q');
    }
    if (path === undefined) throw new UsageError('/sq: name the query file');
    return { log: undefined, pathType: undefined, query: readTextFile(path) };
  }
  if (path === undefined && !query?.trimStart().startsWith('<')) {
    throw new UsageError('name a log: a file, a folder of logs, or a channel (winevt qe --help shows how)');
  }
  return { log: path, pathType: pathTypeOf(path, options.logfile, logs), query };
}

/** Where channels are, if that is said: a folder, or another computer. */
export function folderOf({ store, logs, remote }: SessionFlags): string | undefined {
  return store ?? logs ?? remote;
}

/** What a path names when a folder of logs is given: a channel of it, except for a name that only files have. */
export function pathTypeOf(path: string | undefined, isFile?: boolean, logs?: string): PathType | undefined {
  if (isFile) return 'file';
  return logs === undefined || path === undefined || /\.evtx$/i.test(path) ? undefined : 'channel';
}

export function limitOf(count: string | undefined): number {
  if (count === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d{1,15}$/.test(count)) throw new UsageError(`/c: "${count}" is no number of events`);
  return Number(count);
}

/** Most threads that make sense anywhere. */
const MAX_CONCURRENCY = 64;

export function concurrencyOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const threads = Number(text);
  if (/^\d{1,2}$/.test(text) && threads >= 1 && threads <= MAX_CONCURRENCY) return threads;
  throw new UsageError(`--concurrency: "${text}" is no number of threads (1 to ${MAX_CONCURRENCY})`);
}

/** @param isRemote the events are of another computer, and so are their publishers */
export function formatOf(format: string | undefined, isRemote: boolean): Format {
  const name = (format ?? 'xml').toLowerCase();
  if (name === 'jsonl') return 'json';
  if (name === 'renderedxml' && !isRemote) {
    throw new UsageError(
      '/f:RenderedXml needs the messages of the providers, which logs do not hold: use /f:xml, or ask their computer with /r',
    );
  }
  const known = FORMATS.find((one) => one === name);
  if (known === undefined) throw new UsageError(`/f: "${format}" is none of ${FORMATS.join(', ')}`);
  return known;
}

export function timeDigitsOf(digits: string | undefined): 7 | 9 {
  if (digits === undefined || digits === '7') return 7;
  if (digits === '9') return 9;
  throw new UsageError(`--time-digits: "${digits}" is neither 7 nor 9`);
}
