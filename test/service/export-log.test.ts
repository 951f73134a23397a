import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/evtx/chunk.ts';
import { verifyLog } from '../../src/evtx/verify.ts';
import { EventLogSession } from '../../src/index.ts';
import { cancelHandle, DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { exportResult } from '../../src/service/local/export-log.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { Disk } from '../../src/store/disk.ts';
import * as winevt from '../../src/wevtapi/index.ts';
import * as promises from '../../src/wevtapi/promises.ts';
import { corpus, corpusLogs, corpusPath } from '../corpus.ts';
import { temporaryFolder, writeSampleLog, writeTimedLog } from '../log-files.ts';
import { type Faults, faultyDisk } from '../store/faulty-disk.ts';

const FILE = winevt.EvtExportLogFilePath;

/** Each event's XML, as a query prints it. */
async function xmlOf(log: string, query?: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const event of EventLogSession.local.events(log, query)) lines.push(event.xml());
  return lines;
}

function expectSound(file: string): void {
  const { checks } = verifyLog(readFileSync(file), { style: 'export' });
  expect(checks.flatMap(({ id, failures }) => failures.map((failure) => `${id} ${JSON.stringify(failure)}`))).toEqual(
    [],
  );
}

/** Files of a folder that an export has left there. */
const partials = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.partial'));

describe('an exported log', () => {
  it('holds what the query selects, event by event, numbered from 1 on', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 2000);
    const query = '*[System[EventID=7]]';
    const target = join(folder, 'out.evtx');
    const { records } = await EventLogSession.local.exportLog(log, query, target);
    const expected = await xmlOf(log, query);
    expect(records).toBe(expected.length);
    expect(await xmlOf(target)).toEqual(expected);
    expectSound(target);
    const chunk = new Chunk(readFileSync(target).subarray(4096, 4096 + 65_536), 0, 4096);
    expect(chunk.recordId(chunk.liveRecords()[0]!)).toBe(1n);
    // The first of them is not the first of its log.
    expect(expected[0]).toContain('<EventRecordID>3</EventRecordID>');
  });

  it('leaves nothing of what was not selected in its free space', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 300);
    const target = join(folder, 'out.evtx');
    await EventLogSession.local.exportLog(log, '*[System[EventRecordID=200]]', target);
    const bytes = readFileSync(target);
    const chunk = new Chunk(bytes.subarray(4096), 0, 4096);
    expect(bytes.subarray(4096 + chunk.freeSpaceOffset).every((byte) => byte === 0)).toBe(true);
    expect(bytes.includes(Buffer.from('note 199', 'utf16le'))).toBe(false);
  });

  it('is a sound log without events where nothing is selected', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    const target = join(folder, 'out.evtx');
    expect(await EventLogSession.local.exportLog(log, '*[System[EventID=9999]]', target)).toMatchObject({ records: 0 });
    expect(await xmlOf(target)).toEqual([]);
    expectSound(target);
  });

  it('holds several logs by time', async () => {
    const folder = join(temporaryFolder(), 'logs');
    mkdirSync(folder);
    writeTimedLog(folder, 'a.evtx', [1, 4, 5]);
    writeTimedLog(folder, 'b.evtx', [2, 3, 6]);
    const target = join(folder, '..', 'out.evtx');
    await EventLogSession.local.exportLog(folder, undefined, target);
    const texts = (await xmlOf(target)).map((xml) => /at \d/.exec(xml)![0]);
    expect(texts).toEqual(['at 1', 'at 2', 'at 3', 'at 4', 'at 5', 'at 6']);
    expectSound(target);
  });

  it.runIf(corpus !== undefined)('of a real log says the same as the log', async () => {
    const folder = temporaryFolder();
    for (const [i, log] of corpusLogs().slice(0, 40).map(corpusPath).entries()) {
      const target = join(folder, `${i}.evtx`);
      let expected: string[];
      try {
        expected = await xmlOf(log);
      } catch {
        continue;
      }
      await EventLogSession.local.exportLog(log, undefined, target);
      expect(await xmlOf(target), log).toEqual(expected);
    }
  });
});

/** An export through a disk of its own. */
function exportAll(log: string, target: string, overwrite: boolean, disk: Disk): void {
  const operation = new Operation('EvtExportLog', DEFAULT_SESSION);
  const wanted = { path: log, pathType: 'file', query: undefined, tolerate: false, onDamage: undefined } as const;
  const query = { ...wanted, direction: 'forward', strict: false, recover: false, onProgress: undefined } as const;
  const resultSet = runSync(new LocalService().query(query, operation));
  try {
    const request = { ...wanted, target, overwrite, onProgress: undefined };
    runSync(exportResult({ resultSet, files: [log] }, request, operation, disk));
  } finally {
    resultSet.dispose();
  }
}

describe('the target of an export', () => {
  it('is not touched when it is there, unless that is asked for', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    const target = join(folder, 'out.evtx');
    writeFileSync(target, 'mine');
    expect(winevt.EvtExportLog(null, log, null, target, FILE)).toBe(false);
    expect(winevt.GetLastError()).toBe(80);
    expect(readFileSync(target, 'utf8')).toBe('mine');
    expect(winevt.EvtExportLog(null, log, null, target, FILE | winevt.EvtExportLogOverwrite)).toBe(true);
    expectSound(target);
  });

  it('has a folder, an absolute path, and is not the log itself', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    const before = readFileSync(log);
    const code = (target: string, flags = FILE) => {
      expect(winevt.EvtExportLog(null, log, null, target, flags)).toBe(false);
      return winevt.GetLastError();
    };
    expect(code(join(folder, 'none', 'out.evtx'))).toBe(3);
    expect(code('out.evtx')).toBe(87);
    expect(code(log, FILE | winevt.EvtExportLogOverwrite)).toBe(87);
    expect(code(join(folder, 'out.evtx'), FILE | winevt.EvtExportLogChannelPath)).toBe(87);
    expect(code(join(folder, 'out.evtx'), 0)).toBe(87);
    expect(readFileSync(log).equals(before)).toBe(true);
  });

  it('is absent, or what it was, wherever the export is cancelled', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 700);
    for (const overwrite of [false, true]) {
      const target = join(folder, `out-${overwrite}.evtx`);
      if (overwrite) writeFileSync(target, 'old');
      let cancelled = 0;
      // Every check point is passed once; late ones are taken in steps, because each costs an export.
      for (let at = 1; ; at += at < 40 ? 1 : 37) {
        const call = new Operation('EvtExportLog', DEFAULT_SESSION);
        let seen = 0;
        const meet = (check: () => void) => () => {
          if (++seen === at) cancelHandle(DEFAULT_SESSION);
          check();
        };
        call.poll = meet(call.poll.bind(call));
        call.checkpoint = meet(call.checkpoint.bind(call));
        const request = {
          path: log,
          pathType: 'file',
          query: undefined,
          target,
          overwrite,
          tolerate: false,
          onDamage: undefined,
          onProgress: undefined,
        } as const;
        try {
          runSync(new LocalService().exportLog(request, call));
          expect(seen).toBeLessThan(at);
          break;
        } catch (error) {
          expect(error).toMatchObject({ code: 1223 });
          cancelled++;
          expect(existsSync(target) ? readFileSync(target, 'utf8') : undefined).toBe(overwrite ? 'old' : undefined);
          expect(partials(folder)).toEqual([]);
        }
      }
      expect(cancelled).toBeGreaterThan(50);
      expectSound(target);
    }
  });

  it('is absent, or what it was, whatever change of the disk fails', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 400);
    for (const overwrite of [false, true]) {
      for (const tears of [false, true]) {
        const target = join(folder, `out-${overwrite}-${tears}.evtx`);
        if (overwrite) writeFileSync(target, 'old');
        for (let failAt = 1; ; failAt++) {
          const state: Faults = { changes: 0, failAt, staysDead: false, code: 'ENOSPC', tears };
          let failure: unknown;
          try {
            exportAll(log, target, overwrite, faultyDisk(state));
          } catch (error) {
            failure = error;
          }
          if (state.changes < failAt) break;
          // Past the commit point the log is there; a name that cannot be removed, or a folder that cannot be synced, is no loss.
          const now = existsSync(target) ? readFileSync(target) : undefined;
          const isWhole = now !== undefined && now.toString() !== 'old';
          if (isWhole) expectSound(target);
          else expect(now?.toString()).toBe(overwrite ? 'old' : undefined);
          if (failure === undefined) expect(state.wasRemoval, `change ${failAt}`).toBe(true);
          else expect(failure).toMatchObject({ code: 112 });
          rmSync(target, { force: true });
          if (overwrite) writeFileSync(target, 'old');
          for (const name of partials(folder)) rmSync(join(folder, name));
        }
        expectSound(target);
      }
    }
  });

  it('is absent when EvtCancel comes while a promise is pending, and when its signal aborts', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20_000);
    const target = join(folder, 'out.evtx');
    const pending = promises.EvtExportLog(null, log, null, target, FILE);
    setImmediate(() => winevt.EvtCancel(null));
    await expect(pending).rejects.toMatchObject({ code: 1223 });
    expect(existsSync(target)).toBe(false);
    const controller = new AbortController();
    const aborted = promises.EvtExportLog(null, log, null, target, FILE, { signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(aborted).rejects.toMatchObject({ name: 'AbortError' });
    expect(readdirSync(folder)).toEqual(['log.evtx']);
    await promises.EvtExportLog(null, log, null, target, FILE);
    expectSound(target);
  });
});
