import { closeSync, existsSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CHUNK_SIZE, ChunkHeaderOffset, FileFlag, FileHeaderOffset, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { runSync } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { LogDamage, LogEvent } from '../../src/service/service.ts';
import { corpusPath, NO_CORPUS } from '../corpus.ts';
import { sampleLog } from '../evtx/sample-events.ts';
import { temporaryFolder } from '../log-files.ts';
import { plainOperation } from './counting-operation.ts';

const folder = temporaryFolder();

function read(path: string, recover: boolean): { events: LogEvent[]; damage: LogDamage[] } {
  const damage: LogDamage[] = [];
  const request = {
    path,
    pathType: 'file',
    query: undefined,
    direction: 'forward',
    tolerate: false,
    strict: false,
    recover,
    onDamage: (one: LogDamage) => damage.push(one),
    onProgress: undefined,
  } as const;
  const set = runSync(new LocalService().query(request, plainOperation()));
  const events: LogEvent[] = [];
  for (;;) {
    const batch = runSync(set.next(1024, plainOperation()));
    if (batch.length === 0) break;
    events.push(...batch);
  }
  set.dispose();
  return { events, damage };
}

const ids = (events: readonly LogEvent[]) => events.map(({ recordId }) => Number(recordId));

test('records in free space are given only when asked for, and marked', () => {
  const bytes = sampleLog(10).log.bytes();
  const view = new DataView(bytes.buffer);
  // The chunk claims to end after its sixth record; the file was closed, so the rest is no event of the log.
  let at = HEADER_BLOCK_SIZE + 0x200;
  for (let i = 0; i < 6; i++) at += view.getUint32(at + 4, true);
  view.setUint32(HEADER_BLOCK_SIZE + ChunkHeaderOffset.freeSpaceOffset, at - HEADER_BLOCK_SIZE, true);
  const path = join(folder, 'slack.evtx');
  writeFileSync(path, bytes);
  expect(ids(read(path, false).events)).toEqual([1, 2, 3, 4, 5, 6]);
  const { events } = read(path, true);
  expect(ids(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(events.map(({ recovered }) => recovered)).toEqual([...Array(6).fill(false), ...Array(4).fill(true)]);
});

test('in a log that was not closed, records behind a stale header are live', () => {
  const bytes = sampleLog(10).log.bytes();
  const view = new DataView(bytes.buffer);
  let at = HEADER_BLOCK_SIZE + 0x200;
  for (let i = 0; i < 6; i++) at += view.getUint32(at + 4, true);
  view.setUint32(HEADER_BLOCK_SIZE + ChunkHeaderOffset.freeSpaceOffset, at - HEADER_BLOCK_SIZE, true);
  view.setUint32(FileHeaderOffset.flags, FileFlag.dirty, true);
  const path = join(folder, 'stale.evtx');
  writeFileSync(path, bytes);
  const { events } = read(path, false);
  expect(ids(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(events.some(({ recovered }) => recovered)).toBe(false);
});

test('a chunk that lost its magic is reported, and carved when asked for', () => {
  const bytes = sampleLog(10).log.bytes();
  bytes.fill(0, HEADER_BLOCK_SIZE, HEADER_BLOCK_SIZE + 64);
  const path = join(folder, 'carve.evtx');
  writeFileSync(path, bytes);
  const plain = read(path, false);
  expect(plain.events).toEqual([]);
  const { events } = read(path, true);
  expect(ids(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(events.every(({ recovered }) => recovered)).toBe(true);
});

const bad = corpusPath('parser-samples/sample_with_a_bad_chunk_magic.evtx');
test.skipIf(!existsSync(bad))(`records of two chunks without magic in a real log (else: ${NO_CORPUS})`, () => {
  expect(read(bad, false).events.length).toBe(269);
  const { events } = read(bad, true);
  expect(events.filter(({ recovered }) => !recovered).length).toBe(269);
  // Most have lost their templates with the pages in front; another parser reads 31 of them, too.
  expect(events.filter(({ recovered }) => recovered).length).toBeGreaterThanOrEqual(31);
});

test('events behind 4 GiB, in chunk 70,000', () => {
  const bytes = sampleLog(10).log.bytes();
  new DataView(bytes.buffer).setUint32(FileHeaderOffset.flags, FileFlag.dirty, true);
  const path = join(folder, 'large.evtx');
  const fd = openSync(path, 'w');
  writeSync(fd, bytes.subarray(0, HEADER_BLOCK_SIZE), 0, HEADER_BLOCK_SIZE, 0);
  ftruncateSync(fd, HEADER_BLOCK_SIZE + 70_001 * CHUNK_SIZE);
  writeSync(fd, bytes.subarray(HEADER_BLOCK_SIZE), 0, CHUNK_SIZE, HEADER_BLOCK_SIZE + 70_000 * CHUNK_SIZE);
  closeSync(fd);
  const { events, damage } = read(path, false);
  expect(ids(events)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(damage.filter(({ severity }) => severity === 'error')).toEqual([]);
});
