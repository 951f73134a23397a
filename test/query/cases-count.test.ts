import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { fileTimeOfUnixMs } from '../../src/bytes/time.ts';
import { createMatcher, type EvaluatorChoice, parseQuery } from '../../src/query/index.ts';
import { corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { recordsOf } from '../documents.ts';

interface QueryCase {
  readonly query: string;
  readonly sha256: string | null;
  readonly count: number | null;
}

const reference = [
  process.env['WINEVT_REFERENCE'],
  fileURLToPath(new URL('../../../shared/reference', import.meta.url)),
].find((folder) => folder !== undefined && existsSync(`${folder}/query-cases.jsonl`));

const cases: QueryCase[] =
  reference === undefined
    ? []
    : readFileSync(`${reference}/query-cases.jsonl`, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as QueryCase)
        .filter(({ count }) => count !== null);

const bySha = new Map(
  corpusLogs().map((path) => [
    createHash('sha256')
      .update(readFileSync(corpusPath(path)))
      .digest('hex'),
    corpusPath(path),
  ]),
);
const context = { now: fileTimeOfUnixMs(Date.now()) };
const documents = new Map<string, ReturnType<typeof recordsOf>>();

function count(query: string, file: string, evaluator: EvaluatorChoice): number {
  const records = documents.get(file) ?? recordsOf(file);
  documents.set(file, records);
  const matcher = createMatcher(parseQuery(query), { isMine: () => true, evaluator });
  return records.filter(({ document }) => document !== undefined && matcher.matches(document, context)).length;
}

describe.skipIf(cases.length === 0 || bySha.size === 0)(`counted queries on real logs (else: ${NO_CORPUS})`, () => {
  test('every log that the table counts on is there', () => {
    expect(cases.length).toBeGreaterThan(170);
    expect(cases.filter(({ sha256 }) => !bySha.has(sha256 ?? ''))).toEqual([]);
  });

  describe.each(['compiled', 'plain'] as const)('%s evaluator', (evaluator) => {
    test.each(cases.map(({ query, sha256, count: want }) => [query, want, bySha.get(sha256 ?? '')!] as const))(
      '%s selects %i',
      (query, want, file) => {
        expect(count(query, file, evaluator)).toBe(want);
      },
    );
  });
});
