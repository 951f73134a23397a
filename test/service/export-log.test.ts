import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Fragment } from '../../src/binxml/tree.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { verifyLog } from '../../src/evtx/verify.ts';
import { EventLogQuery, EventLogSession } from '../../src/index.ts';
import { cancelHandle, DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { exportResult } from '../../src/service/local/export-log.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { LogDamage } from '../../src/service/service.ts';
import { type Disk, nodeDisk } from '../../src/store/disk.ts';
import * as winevt from '../../src/wevtapi/index.ts';
import * as promises from '../../src/wevtapi/promises.ts';
import { corpus, corpusLogs, corpusPath } from '../corpus.ts';
import { MemoryLog } from '../evtx/memory-log.ts';
import { literalEvent, sampleEvent, timeOf } from '../evtx/sample-events.ts';
import { temporaryFolder, writeLongLog, writeSampleLog, writeTimedLog } from '../log-files.ts';
import { type Faults, faultyDisk } from '../store/faulty-disk.ts';
import { CancelledAt } from './counting-operation.ts';

const FILE = winevt.EvtExportLogFilePath;

/** Each event's XML, as a query prints it. */
async function xmlOf(log: string, query?: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const event of EventLogSession.local().events(log, query)) lines.push(event.xml());
  return lines;
}

function expectSound(file: string): void {
  const { checks } = verifyLog(readFileSync(file), { style: 'export' });
  expect(checks.flatMap(({ id, failures }) => failures.map((failure) => `${id} ${JSON.stringify(failure)}`))).toEqual(
    [],
  );
}

function chunksOf(file: string): Chunk[] {
  const bytes = readFileSync(file);
  const count = Math.floor((bytes.length - HEADER_BLOCK_SIZE) / CHUNK_SIZE);
  return Array.from({ length: count }, (_, slot) => {
    const offset = HEADER_BLOCK_SIZE + slot * CHUNK_SIZE;
    return new Chunk(bytes.subarray(offset, offset + CHUNK_SIZE), slot, offset);
  });
}

/** Id and time of each record, as its header has them. */
function recordsOf(file: string): { id: bigint; time: bigint }[] {
  return chunksOf(file).flatMap((chunk) =>
    [...chunk.liveRecords()].map((at) => ({ id: chunk.recordId(at), time: chunk.writtenTime(at) })),
  );
}

function writeLog(file: string, events: Iterable<{ document: Fragment; time: bigint }>): string {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  for (const { document, time } of events) writer.add(document, time);
  writer.finish();
  writeFileSync(file, log.bytes());
  return file;
}

/** A log of few events in several chunks. */
function writeWideLog(folder: string): string {
  const document = (id: bigint) => sampleEvent(id, `no. ${id} ${'x'.repeat(700)}`);
  const ids = Array.from({ length: 150 }, (_, i) => BigInt(i + 1));
  return writeLog(
    join(folder, 'wide.evtx'),
    ids.map((id) => ({ document: document(id), time: timeOf(id) })),
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
    const { records } = await EventLogSession.local().exportLog(log, query, target);
    const expected = await xmlOf(log, query);
    expect(records).toBe(expected.length);
    expect(await xmlOf(target)).toEqual(expected);
    expectSound(target);
    const ids = recordsOf(target).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: records }, (_, i) => BigInt(i + 1)));
    // The first of them is not the first of its log.
    expect(expected[0]).toContain('<EventRecordID>3</EventRecordID>');
  });

  it('leaves nothing of what was not selected in its free space', async () => {
    const folder = temporaryFolder();
    const log = writeWideLog(folder);
    const target = join(folder, 'out.evtx');
    await EventLogSession.local().exportLog(log, '*[System[EventRecordID>=40]]', target);
    const chunks = chunksOf(target);
    expect(chunks.length).toBeGreaterThan(2);
    const bytes = readFileSync(target);
    for (const { fileOffset, freeSpaceOffset } of chunks) {
      expect(freeSpaceOffset).toBeLessThan(CHUNK_SIZE);
      const free = bytes.subarray(fileOffset + freeSpaceOffset, fileOffset + CHUNK_SIZE);
      expect(free.every((byte) => byte === 0)).toBe(true);
    }
    const holds = (note: string) => bytes.includes(Buffer.from(note, 'utf16le'));
    expect([holds('no. 40 x'), holds('no. 39 x')]).toEqual([true, false]);
  });

  it('is a sound log without events where nothing is selected', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    const target = join(folder, 'out.evtx');
    expect(await EventLogSession.local().exportLog(log, '*[System[EventID=9999]]', target)).toMatchObject({
      records: 0,
    });
    expect(await xmlOf(target)).toEqual([]);
    expectSound(target);
  });

  it('holds several logs by time', async () => {
    const folder = join(temporaryFolder(), 'logs');
    mkdirSync(folder);
    writeTimedLog(folder, 'a.evtx', [1, 4, 5]);
    writeTimedLog(folder, 'b.evtx', [2, 3, 6]);
    const target = join(folder, '..', 'out.evtx');
    await EventLogSession.local().exportLog(folder, undefined, target);
    const texts = (await xmlOf(target)).map((xml) => /at \d/.exec(xml)![0]);
    expect(texts).toEqual(['at 1', 'at 2', 'at 3', 'at 4', 'at 5', 'at 6']);
    expectSound(target);
  });

  it('holds several channels as the query gives them, and leaves them as they are', async () => {
    const folder = temporaryFolder();
    const logs = [writeTimedLog(folder, 'A.evtx', [5, 3, 9, 12]), writeTimedLog(folder, 'B.evtx', [4, 9, 10, 1])];
    const before = logs.map((log) => readFileSync(log));
    const select = ['A', 'B'].map((name) => `<Select Path="${name}">*[System[EventRecordID!=2]]</Select>`);
    const query = `<QueryList><Query Id="0">${select.join('')}</Query></QueryList>`;
    const target = join(temporaryFolder(), 'out.evtx');
    const session = EventLogSession.open({ logs: folder });
    const expected: string[] = [];
    for await (const event of session.events(new EventLogQuery(undefined, query))) expected.push(event.xml());
    expect(await session.exportLog(undefined, query, target)).toMatchObject({ records: 6 });
    session.close();
    expect(expected.length).toBe(6);
    expect(await xmlOf(target, '*')).toEqual(expected);
    expect(logs.map((log) => readFileSync(log))).toEqual(before);
  });

  it('has the time of TimeCreated in its record headers, whatever stood there; without one, what stood there', async () => {
    const folder = temporaryFolder();
    const log = writeLog(join(folder, 'log.evtx'), [
      { document: sampleEvent(1n, 'one', timeOf(70n)), time: timeOf(2n) },
      { document: sampleEvent(2n, 'two', timeOf(71n)), time: 0n },
      { document: literalEvent(10), time: timeOf(3n) },
    ]);
    const target = join(folder, 'out.evtx');
    await EventLogSession.local().exportLog(log, undefined, target);
    expect(recordsOf(target)).toEqual([
      { id: 1n, time: timeOf(70n) },
      { id: 2n, time: timeOf(71n) },
      { id: 3n, time: timeOf(3n) },
    ]);
  });

  it('lacks events that are damaged, which are reported', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 30);
    const expected = await xmlOf(log);
    const bytes = readFileSync(log);
    const [chunk] = chunksOf(log);
    const broken = chunk!.liveRecords()[9]!;
    // Behind the record's header: no token has this number.
    bytes.fill(0xee, chunk!.fileOffset + broken + 28, chunk!.fileOffset + broken + 32);
    writeFileSync(log, bytes);
    const damage: LogDamage[] = [];
    const target = join(folder, 'out.evtx');
    const onDamage = (one: LogDamage) => damage.push(one);
    const result = await EventLogSession.local().exportLog(log, undefined, target, { onDamage });
    expect(result.records).toBe(29);
    const reported = { path: log, recordId: 10n, fileOffset: chunk!.fileOffset + broken + 28 };
    expect(damage.filter(({ severity }) => severity === 'error')).toMatchObject([reported]);
    expect(await xmlOf(target)).toEqual(expected.filter((_, i) => i !== 9));
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
      await EventLogSession.local().exportLog(log, undefined, target);
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

  it('may be of a file whose name no channel could have, also in a session with a store', async () => {
    const folder = temporaryFolder();
    const session = EventLogSession.local({ store: join(folder, 'store') });
    await session.write('App', { provider: 'P', id: 1 });
    const log = writeSampleLog(folder, "analyst's.evtx", 20);
    expect(await session.exportLog(log, undefined, join(folder, 'out.evtx'))).toMatchObject({ records: 20 });
    const own = join(folder, 'store', 'App.evtx');
    const overwrite = { overwrite: true };
    await expect(session.exportLog('App', undefined, own, overwrite)).rejects.toMatchObject({ code: 87 });
    session.close();
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
    expect(code(join(log, 'out.evtx'))).toBe(3);
    expect(code(`${join(folder, 'out')}/`)).toBe(123);
    expect(code(join(folder, 'a\0b'))).toBe(123);
    expect(code(join(folder, 'a'.repeat(300)))).toBe(123);
    expect(code(folder, FILE | winevt.EvtExportLogOverwrite)).toBe(87);
    expect(code(log, FILE | winevt.EvtExportLogOverwrite)).toBe(87);
    expect(code(join(folder, 'out.evtx'), FILE | winevt.EvtExportLogChannelPath)).toBe(87);
    expect(code(join(folder, 'out.evtx'), 0)).toBe(87);
    expect(readFileSync(log).equals(before)).toBe(true);
  });

  it('is absent, or what it was, at whichever check point the export is cancelled', () => {
    const folder = temporaryFolder();
    const log = writeWideLog(folder);
    const source = readFileSync(log);
    for (const overwrite of [false, true]) {
      const target = join(folder, `out-${overwrite}.evtx`);
      if (overwrite) writeFileSync(target, 'old');
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
      const names = readdirSync(folder);
      let step = 1;
      for (; ; step++) {
        const call = new CancelledAt('EvtExportLog', DEFAULT_SESSION, step);
        try {
          runSync(new LocalService().exportLog(request, call));
          expect(call.checkpoints).toBe(step - 1);
          break;
        } catch (error) {
          expect(error).toMatchObject({ code: 1223 });
          expect(readdirSync(folder)).toEqual(names);
          if (overwrite) expect(readFileSync(target, 'utf8')).toBe('old');
        }
      }
      // One for each event that is written, and those of reading.
      expect(step).toBeGreaterThan(150);
      expect(recordsOf(target).length).toBe(150);
      expectSound(target);
    }
    expect(readFileSync(log).equals(source)).toBe(true);
  });

  it('is absent, or what it was, when the cancel comes while the log is put on the disk', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    for (const overwrite of [false, true]) {
      const target = join(folder, `out-${overwrite}.evtx`);
      if (overwrite) writeFileSync(target, 'old');
      const names = readdirSync(folder);
      const disk: Disk = {
        ...nodeDisk,
        *sync(fd) {
          yield* nodeDisk.sync(fd);
          cancelHandle(DEFAULT_SESSION);
        },
      };
      expect(() => exportAll(log, target, overwrite, disk)).toThrow(expect.objectContaining({ code: 1223 }));
      expect(readdirSync(folder)).toEqual(names);
      if (overwrite) expect(readFileSync(target, 'utf8')).toBe('old');
    }
  });

  it('is on the disk before it has its name, and a cancel comes too late from then on', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    for (const overwrite of [false, true]) {
      const target = join(folder, `out-${overwrite}.evtx`);
      const changes: string[] = [];
      const disk: Disk = {
        ...nodeDisk,
        write: (fd, bytes, position) => {
          changes.push('write');
          nodeDisk.write(fd, bytes, position);
        },
        *sync(fd) {
          changes.push('sync');
          yield* nodeDisk.sync(fd);
        },
        *syncFolder(of) {
          changes.push('sync folder');
          cancelHandle(DEFAULT_SESSION);
          yield* nodeDisk.syncFolder(of);
        },
        link: (from, to) => {
          changes.push('name');
          nodeDisk.link(from, to);
        },
        rename: (from, to) => {
          changes.push('name');
          nodeDisk.rename(from, to);
        },
      };
      exportAll(log, target, overwrite, disk);
      expect(changes.slice(-4)).toEqual(['write', 'sync', 'name', 'sync folder']);
      expectSound(target);
    }
  });

  it('is put on the disk bit by bit, so that no cancel waits for all of it', () => {
    const folder = temporaryFolder();
    const log = writeLongLog(folder, 'long.evtx', 300);
    let unsynced = 0;
    let most = 0;
    const disk: Disk = {
      ...nodeDisk,
      write: (fd, bytes, position) => {
        unsynced += bytes.length;
        most = Math.max(most, unsynced);
        nodeDisk.write(fd, bytes, position);
      },
      *sync(fd) {
        unsynced = 0;
        yield* nodeDisk.sync(fd);
      },
    };
    exportAll(log, join(folder, 'out.evtx'), false, disk);
    expect(most).toBeLessThan(17 * 1024 * 1024);
    expect(readFileSync(join(folder, 'out.evtx')).length).toBeGreaterThan(most);
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
          const now = existsSync(target) ? readFileSync(target) : undefined;
          // Past the commit point the log is there: a folder that cannot be synced, or a name too many, is no failure.
          if (failure === undefined) expectSound(target);
          else {
            expect(failure).toMatchObject({ code: 112 });
            expect(now?.toString()).toBe(overwrite ? 'old' : undefined);
          }
          rmSync(target, { force: true });
          if (overwrite) writeFileSync(target, 'old');
          for (const name of partials(folder)) rmSync(join(folder, name));
        }
        expectSound(target);
      }
    }
  });

  it('is not replaced when it appears while the export runs', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    const target = join(folder, 'out.evtx');
    const onProgress = () => writeFileSync(target, 'mine');
    await expect(EventLogSession.local().exportLog(log, undefined, target, { onProgress })).rejects.toMatchObject({
      code: 80,
    });
    expect(readFileSync(target, 'utf8')).toBe('mine');
    expect(partials(folder)).toEqual([]);
  });

  it('may have the longest name there is', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20);
    const target = join(folder, `${'n'.repeat(250)}.evtx`);
    expect(winevt.EvtExportLog(null, log, null, target, FILE)).toBe(true);
    expectSound(target);
  });

  it('is made by two exports at once; the first that is done has it', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 3000);
    const target = join(folder, 'out.evtx');
    const exports = [1, 2].map(() => promises.EvtExportLog(null, log, null, target, FILE));
    const results = await Promise.allSettled(exports);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 80 } });
    expect(readdirSync(folder)).toEqual(['log.evtx', 'out.evtx']);
    expectSound(target);
  });

  it('is absent when EvtCancel, or the signal of the call, comes while it is being written', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 20_000);
    const target = join(folder, 'out.evtx');
    const begun = async () => {
      while (partials(folder).length === 0) await new Promise((resolve) => setImmediate(resolve));
    };
    const pending = expect(promises.EvtExportLog(null, log, null, target, FILE)).rejects.toMatchObject({ code: 1223 });
    await begun();
    winevt.EvtCancel(null);
    await pending;
    expect(readdirSync(folder)).toEqual(['log.evtx']);
    for (const reason of [undefined, Object.assign(new Error('mine'), { code: 'EMINE' })]) {
      const controller = new AbortController();
      const call = promises.EvtExportLog(null, log, null, target, FILE, { signal: controller.signal });
      const aborted = call.catch((error: unknown) => error);
      await begun();
      controller.abort(reason);
      expect(await aborted).toBe(controller.signal.reason);
      expect(readdirSync(folder)).toEqual(['log.evtx']);
    }
    await promises.EvtExportLog(null, log, null, target, FILE);
    expectSound(target);
  });
});
