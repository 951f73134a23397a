import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EvtQueryError } from '../../src/query/error.ts';
import { parseQuery } from '../../src/query/query.ts';

/** One row of the reference's table of queries. */
interface Row {
  readonly query: string;
  readonly valid: boolean;
  readonly note: string;
}

const NAME = 'query-cases.jsonl';
const table = [
  join(process.env['WINEVT_REFERENCE'] ?? '', NAME),
  fileURLToPath(new URL(`../../../shared/reference/${NAME}`, import.meta.url)),
].find((path) => path !== NAME && existsSync(path));

const rows: Row[] =
  table === undefined
    ? []
    : readFileSync(table, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row);

const innerOf = ({ note }: Row): number | undefined => {
  const found = /expected inner code (\d+)/.exec(note);
  return found === null ? undefined : Number(found[1]);
};
/** More than 23 comparisons: Windows refuses, this engine warns. */
const isOnlyTooLong = (row: Row) => innerOf(row) === 15026;

function failure(query: string): EvtQueryError {
  try {
    parseQuery(query);
  } catch (error) {
    if (error instanceof EvtQueryError) return error;
    throw error;
  }
  throw new Error(`accepted: ${query}`);
}

describe.skipIf(table === undefined)(
  `the table of queries${table === undefined ? ` (skipped: set WINEVT_REFERENCE to the folder of ${NAME})` : ''}`,
  () => {
    it('has rows of every kind', () => {
      expect(rows.length).toBeGreaterThan(300);
      expect(rows.filter(isOnlyTooLong)).toHaveLength(2);
      expect(rows.filter((row) => !row.valid && innerOf(row) === undefined)).toHaveLength(10);
    });

    it.each(rows.filter((row) => row.valid).map((row) => [row.query]))('accepts %s', (query) => {
      expect(parseQuery(query).queries.length).toBeGreaterThan(0);
    });

    it.each(rows.filter((row) => !row.valid && !isOnlyTooLong(row)).map((row) => [row.query, innerOf(row)]))(
      'refuses %s with %s',
      (query, inner) => {
        const error = failure(query);
        expect(error.code).toBe(15001);
        if (inner !== undefined) expect(error.innerCode).toBe(inner);
        expect(error.offset + error.length).toBeLessThanOrEqual(query.length);
        expect(error.detail).toMatch(/^[^\s].*[^.\s]$/s);
      },
    );

    it.each(rows.filter(isOnlyTooLong).map((row) => [row.query]))('accepts, and warns when strict: %s', (query) => {
      expect(parseQuery(query).warnings).toEqual([]);
      expect(parseQuery(query, { strict: true }).warnings.map(({ code }) => code)).toEqual([15026]);
    });
  },
);
