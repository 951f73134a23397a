import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { append, close, contents, drafts, openLog } from './store-logs.ts';

/** Programs of others that print a log as XML. They need not be there. */
const PARSERS = [
  ['evtxexport', ['-f', 'xml']],
  ['evtx_dump.py', []],
] as const;

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--help'], { encoding: 'utf8' }).error === undefined;
}

/** What another program finds in a log: the numbers of its events. */
function found(program: string, args: readonly string[], file: string): number[] {
  const { stdout } = spawnSync(program, [...args, file], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return [...stdout.matchAll(/<Data Name="n">(-?\d+)<\/Data>/g)].map(([, n]) => Number(n)).sort((a, b) => a - b);
}

describe.each(PARSERS)('%s', (program, args) => {
  it.skipIf(!isInstalled(program)).each([
    ['a few events', 5, true],
    ['a log that has gone round', 3000, true],
    ['a log whose writer is still at it', 700, false],
  ])('reads all that a store has written: %s', (_, count, closed) => {
    const log = openLog(temporaryFolder());
    for (let n = 0; n < count; n += 100) append(log, drafts(n, Math.min(100, count - n), 300));
    if (closed) close(log);
    const expected = contents(log.file).map(({ n }) => n);
    expect(found(program, args, log.file)).toEqual(expected);
  });
});
