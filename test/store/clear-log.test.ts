import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cancelHandle, DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { runSync } from '../../src/operations/task.ts';
import { clearLog } from '../../src/store/clear-log.ts';
import { nodeDisk } from '../../src/store/disk.ts';
import { temporaryFolder } from '../log-files.ts';
import { append, clear, close, contents, draft, drafts, faults, openLog, operation } from './store-logs.ts';

const ids = (file: string) => contents(file).map(({ id }) => Number(id));
const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

/** Names in a folder, without what belongs to locks. */
const names = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name !== '.locks')
    .sort();

describe('clearing a log', () => {
  it('leaves an empty log that goes on counting', () => {
    const log = openLog(temporaryFolder());
    append(log, drafts(0, 10));
    clear(log, undefined);
    expect(ids(log.file)).toEqual([]);
    expect(append(log, [draft(10)])).toEqual([11n]);
    close(log);
    expect(faults(log.file)).toEqual([]);
  });

  it('has all events in the backup, ids and all', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    append(log, drafts(0, 700, 500));
    const backup = join(folder, 'backup.evtx');
    clear(log, backup);
    expect(ids(backup)).toEqual(range(1, 700));
    expect(faults(backup)).toEqual([]);
    expect(ids(log.file)).toEqual([]);
    expect(names(folder)).toEqual(['App.evtx', 'backup.evtx']);
  });

  it('has a log that went round in the order of its ids in the backup', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    for (let n = 0; n < 3000; n += 100) append(log, drafts(n, 100, 300));
    const before = ids(log.file);
    const backup = join(folder, 'backup.evtx');
    clear(log, backup);
    expect(ids(backup)).toEqual(before);
    expect(faults(backup)).toEqual([]);
  });

  it('makes an empty log of an empty one’s backup', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    const backup = join(folder, 'backup.evtx');
    clear(log, backup);
    expect(ids(backup)).toEqual([]);
    expect(faults(backup)).toEqual([]);
  });

  it('refuses a backup that is there, and touches neither', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    append(log, drafts(0, 3));
    const backup = join(folder, 'backup.evtx');
    writeFileSync(backup, 'mine');
    expect(() => clear(log, backup)).toThrow(expect.objectContaining({ code: 80 }));
    expect(readFileSync(backup, 'utf8')).toBe('mine');
    expect(ids(log.file)).toEqual([1, 2, 3]);
  });

  it('names what is wrong with a path: no folder, no absolute path', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    append(log, drafts(0, 3));
    expect(() => clear(log, join(folder, 'none', 'b.evtx'))).toThrow(expect.objectContaining({ code: 3 }));
    expect(() => clear(log, 'b.evtx')).toThrow(expect.objectContaining({ code: 87 }));
    expect(ids(log.file)).toEqual([1, 2, 3]);
  });

  it('cancelled at any check point, leaves the log as it was and no backup', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    append(log, drafts(0, 600, 500));
    const before = readFileSync(log.file);
    const backup = join(folder, 'backup.evtx');
    let cancelled = 0;
    for (let at = 1; ; at++) {
      const call = operation('EvtClearLog');
      let seen = 0;
      const checkpoint = call.checkpoint.bind(call);
      // Counts the looks at the word, and cancels just in front of one of them.
      call.checkpoint = () => {
        if (++seen === at) cancelHandle(DEFAULT_SESSION);
        checkpoint();
      };
      try {
        runSync(clearLog(log, backup, undefined, call, nodeDisk));
        expect(seen).toBeLessThan(at);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 1223 });
        cancelled++;
        expect(existsSync(backup)).toBe(false);
        expect(names(folder)).toEqual(['App.evtx']);
        // The file header may say that the log is open; all else is as it was.
        expect(readFileSync(log.file).subarray(4096).equals(before.subarray(4096))).toBe(true);
      }
    }
    expect(cancelled).toBeGreaterThan(10);
    expect(ids(backup)).toEqual(range(1, 600));
    expect(ids(log.file)).toEqual([]);
  });

  it('gives events that come while the backup is made to the backup or to the log', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    const other = openLog(folder);
    append(log, drafts(0, 600, 500));
    const backup = join(folder, 'backup.evtx');
    const task = clearLog(log, backup, undefined, operation('EvtClearLog'), nodeDisk);
    let next = 600;
    for (let step = task.next(); !step.done; ) {
      if (typeof step.value === 'symbol') {
        // While the lock is held, the other one could only wait.
        if (!isLocked(folder)) append(other, [draft(next++, 500)]);
        step = task.next();
      } else {
        step = task.next(step.value.sync());
      }
    }
    append(other, [draft(next++, 500)]);
    expect(next).toBeGreaterThan(605);
    expect([...ids(backup), ...ids(log.file)]).toEqual(range(1, next));
  });
});

/** Whether somebody holds the log's lock now. */
function isLocked(folder: string): boolean {
  const lock = readdirSync(join(folder, '.locks', 'App'));
  const highest = Math.max(...lock.map((name) => Number.parseInt(name, 10)).filter((n) => n > 0));
  return !lock.includes(`${highest}.free`);
}
