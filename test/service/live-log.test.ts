import { describe, expect, it } from 'vitest';
import { DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { LogDamage, ResultSet } from '../../src/service/service.ts';
import { temporaryFolder } from '../log-files.ts';
import { append, CIRCULAR, close, drafts, openLog } from '../store/store-logs.ts';

const operation = (api: string) => new Operation(api, DEFAULT_SESSION);

function query(path: string, direction: 'forward' | 'reverse', damages: LogDamage[]): ResultSet {
  const request = {
    path,
    pathType: 'file',
    query: undefined,
    direction,
    tolerate: false,
    strict: false,
    recover: false,
    concurrency: 1,
    onDamage: (damage: LogDamage) => damages.push(damage),
    onProgress: undefined,
  } as const;
  return runSync(new LocalService().query(request, operation('EvtQuery')));
}

const next = (set: ResultSet, max: number) =>
  runSync(set.next(max, operation('EvtNext'))).map(({ recordId, text }) => ({ id: Number(recordId), text }));

describe('a result set over a log that is being written to', () => {
  // What a reader has in hand, and how far the writer goes meanwhile: within a chunk, around the ring, around it twice.
  const cases = [1, 30, 400, 2500, 7000].flatMap((count) => [0, 50, 700].map((read) => ({ count, read })));

  it.each(cases)('gives ids in order and no damage: $read read, $count written', ({ count, read }) => {
    for (const direction of ['forward', 'reverse'] as const) {
      for (const closed of [true, false]) {
        const log = openLog(temporaryFolder());
        for (let n = 0; n < 3000; n += 100) append(log, drafts(n, 100, 300));
        if (closed) close(log);
        const damages: LogDamage[] = [];
        const set = query(log.file, direction, damages);
        const got = next(set, Math.max(1, read)).map(({ id }) => id);
        for (let done = 0; done < count; done += 50) append(log, drafts(3000 + done, Math.min(50, count - done), 300));
        for (;;) {
          const events = next(set, 97);
          if (events.length === 0) break;
          got.push(...events.map(({ id }) => id));
        }
        set.dispose();
        const ordered = [...got].sort((a, b) => (direction === 'forward' ? a - b : b - a));
        expect(got).toEqual(ordered);
        expect(new Set(got).size).toBe(got.length);
        expect(damages).toEqual([]);
        expect(got.length).toBeGreaterThanOrEqual(read);
        close(log);
      }
    }
  });

  it('sees everything that was acknowledged before it was opened', () => {
    const log = openLog(temporaryFolder());
    for (let n = 0; n < 300; n += 7) {
      append(log, drafts(n, 7, 900), { ...CIRCULAR, maxSizeBytes: 2 ** 24 });
      const damages: LogDamage[] = [];
      const set = query(log.file, 'forward', damages);
      const ids: number[] = [];
      for (let events = next(set, 1000); events.length > 0; events = next(set, 1000))
        ids.push(...events.map(({ id }) => id));
      set.dispose();
      expect(ids).toEqual(Array.from({ length: n + 7 }, (_, i) => i + 1));
      expect(damages).toEqual([]);
    }
    close(log);
  });
});
