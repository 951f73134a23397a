import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LogLimits } from '../../src/store/channel-log.ts';
import { temporaryFolder } from '../log-files.ts';
import { type Faults, faultyDisk } from './faulty-disk.ts';
import { append, CIRCULAR, clear, close, contents, draft, drafts, faults, openLog } from './store-logs.ts';

const SMALL: LogLimits = { maxSizeBytes: 3 * 65_536, mode: 'circular' };

/** What the callers of a log were told. */
interface Told {
  /** Numbers of the events that were acknowledged, by record id. */
  readonly acknowledged: Map<number, number>;
}

/**
 * Does `work` again and again on a new log, and lets another change of the disk fail each time, until it goes through.
 * @param work what is done through the failing disk; it throws where the disk does
 * @param check looks at the folder afterwards
 */
function failEachChange(
  variant: Omit<Faults, 'changes' | 'failAt'>,
  work: (folder: string, disk: ReturnType<typeof faultyDisk>, told: Told) => void,
  check: (folder: string, told: Told, failed: boolean) => void,
): number {
  const root = temporaryFolder();
  for (let failAt = 1; ; failAt++) {
    const folder = join(root, `${failAt}`);
    const state: Faults = { ...variant, changes: 0, failAt };
    const told: Told = { acknowledged: new Map() };
    let failed = false;
    try {
      work(folder, faultyDisk(state), told);
    } catch (error) {
      failed = true;
      expect(error, `change ${failAt}`).toMatchObject({ code: variant.code === 'ENOSPC' ? 112 : 29 });
    }
    try {
      check(folder, told, failed);
    } catch (error) {
      throw new Error(`change ${failAt}`, { cause: error });
    }
    if (state.changes < failAt) return failAt - 1;
    expect(failed || state.wasRemoval, `change ${failAt} failed, and nobody was told`).toBe(true);
  }
}

const VARIANTS = [
  { code: 'ENOSPC', tears: true, staysDead: true },
  { code: 'EIO', tears: true, staysDead: false },
  { code: 'EIO', tears: false, staysDead: true },
] as const;

/** Whoever opens the log next finds every acknowledged event, each id once, and can go on. */
function expectWhole(folder: string, told: Told, limits: LogLimits): void {
  const log = openLog(folder);
  const [added] = append(log, [draft(99_999)], limits);
  expect(typeof added).toBe('bigint');
  close(log);
  expect(faults(log.file)).toEqual([]);
  const found = contents(log.file);
  const ids = found.map(({ id }) => Number(id));
  expect(ids).toEqual(Array.from({ length: ids.length }, (_, i) => ids[0]! + i));
  expect(ids.at(-1)).toBe(Number(added));
  const kept = new Map(found.map(({ id, n }) => [Number(id), n]));
  for (const [id, n] of told.acknowledged) {
    // What a circular log has overwritten since is older than all it has.
    if (id >= ids[0]!) expect(kept.get(id), `record ${id}`).toBe(n);
    expect(id).toBeLessThan(Number(added));
  }
}

function appendAll(folder: string, disk: ReturnType<typeof faultyDisk>, told: Told, limits: LogLimits): void {
  const log = openLog(folder, disk);
  // Batches within a chunk, over the end of one, over the end of the log; durable and not.
  for (let n = 0, i = 0; n < 560; n += 35, i++) {
    const results = append(log, drafts(n, 35, 200), limits, i % 4 === 3 ? 'disk' : 'os');
    for (const [k, result] of results.entries()) {
      if (typeof result === 'bigint') told.acknowledged.set(Number(result), n + k);
    }
    // What was written before the failure is acknowledged, each of the others is told.
    const refused = results.find((result) => typeof result !== 'bigint');
    if (refused !== undefined) throw refused;
  }
  close(log);
}

describe.each(VARIANTS)('a disk that fails ($code, torn: $tears, for good: $staysDead)', (variant) => {
  it('at any change of appending, loses no acknowledged event', () => {
    const made = failEachChange(
      variant,
      (folder, disk, told) => {
        mkdirSync(folder);
        appendAll(folder, disk, told, SMALL);
      },
      (folder, told) => expectWhole(folder, told, SMALL),
    );
    expect(made).toBeGreaterThan(60);
  });

  it('at any change of a rotation, loses no acknowledged event, and none stands in two logs', () => {
    const limits = { ...SMALL, mode: 'autoBackup' } as const;
    failEachChange(
      variant,
      (folder, disk, told) => {
        mkdirSync(folder);
        appendAll(folder, disk, told, limits);
      },
      (folder, told) => {
        // The next writer ends what the last one began.
        const log = openLog(folder);
        append(log, drafts(50_000, 400, 200), limits);
        close(log);
        const files = readdirSync(folder)
          .filter((name) => name.endsWith('.evtx') && !name.startsWith('.'))
          .map((name) => join(folder, name));
        const found = files.flatMap(contents).sort((a, b) => Number(a.id - b.id));
        expect(found.map(({ id }) => Number(id))).toEqual(found.map((_, i) => i + 1));
        const kept = new Map(found.map(({ id, n }) => [Number(id), n]));
        for (const [id, n] of told.acknowledged) expect(kept.get(id), `record ${id}`).toBe(n);
      },
    );
  });

  it('at any change of a clear, has every event in the log or in its backup', () => {
    failEachChange(
      variant,
      (folder, disk) => {
        mkdirSync(folder);
        const before = openLog(folder);
        append(before, drafts(0, 250, 200), CIRCULAR);
        close(before);
        clear(openLog(folder, disk), join(folder, 'backup.evtx'), disk);
      },
      (folder, _, failed) => {
        const backup = join(folder, 'backup.evtx');
        const inBackup = existsSync(backup) ? contents(backup).map(({ id }) => Number(id)) : [];
        const inLog = contents(join(folder, 'App.evtx')).map(({ id }) => Number(id));
        const all = Array.from({ length: 250 }, (_, i) => i + 1);
        if (!failed) expect(inLog).toEqual([]);
        expect([...new Set([...inBackup, ...inLog])].sort((a, b) => a - b)).toEqual(all);
        if (existsSync(backup)) expect(faults(backup)).toEqual([]);
        const log = openLog(folder);
        expect(append(log, [draft(1)])).toEqual([251n]);
        close(log);
        expect(faults(log.file)).toEqual([]);
      },
    );
  });
});
