import { EvtError } from '../errors/evt-error.ts';
import { EvtQueryError } from '../query/error.ts';

/** Something is wrong with the command line itself. */
export class UsageError extends Error {}

/** Characters of a query line shown around the place of an error. */
const WINDOW = 76;

/**
 * A failure as the command prints it: `winevt: ERROR_… (code): what to do`, and for a bad query the place under it.
 * @param query the query text the user gave
 */
export function failureText(error: unknown, query?: string): string {
  if (error instanceof UsageError) return `winevt: ${error.message}`;
  if (!(error instanceof EvtError)) return `winevt: ${error instanceof Error ? error.message : String(error)}`;
  const line = `winevt: ${error.symbol} (${error.code}): ${error.detail}`;
  if (!(error instanceof EvtQueryError) || query === undefined) return line;
  return `${line}\n${placeText(query, error.offset, error.length)}`;
}

/** The line of the query that holds the offset, and a mark under the offending part. */
function placeText(query: string, offset: number, length: number): string {
  // Where the text ends too early, its last words are what a person wants to see.
  const at = Math.min(offset, query.trimEnd().length);
  const lineStart = query.lastIndexOf('\n', at - 1) + 1;
  const newline = query.indexOf('\n', at);
  const line = query
    .slice(lineStart, newline < 0 ? undefined : newline)
    .replaceAll(/\s/g, ' ')
    .trimEnd();
  const column = at - lineStart;
  const from = Math.max(0, Math.min(column - WINDOW / 2, line.length - WINDOW));
  const isOneLine = !query.trim().includes('\n');
  const before = `  ${isOneLine ? '' : `line ${query.slice(0, at).split('\n').length}: `}${from > 0 ? '…' : ''}`;
  const after = from + WINDOW < line.length ? '…' : '';
  const mark = '^'.repeat(Math.max(1, Math.min(length, line.length - column, from + WINDOW - column)));
  return `${before}${line.slice(from, from + WINDOW)}${after}\n${' '.repeat(before.length + column - from)}${mark}`;
}
