import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WIN32 } from '../../src/errors/win32.ts';
import {
  CHUNK_SIZE,
  ChunkHeaderOffset,
  FileHeaderOffset,
  HEADER_BLOCK_SIZE,
  RECORD_MAGIC,
  RecordOffset,
} from '../../src/evtx/layout.ts';
import { sampleLog } from '../evtx/sample-events.ts';
import { temporaryFolder } from '../log-files.ts';
import { changed, errorsOf, type ReadingOptions, readBytes, readPath } from './reading.ts';

const folder = temporaryFolder();
const EVENTS = 40;
const good = sampleLog(EVENTS).log.bytes();
const goodLarge = sampleLog(900).log.bytes();
const CHUNK = HEADER_BLOCK_SIZE;
const FIRST = CHUNK + 0x200;

const read = (bytes: Uint8Array, options?: ReadingOptions) => readBytes(folder, bytes, options);
const whole = read(good).xml;

describe('files', () => {
  test('the log these tests change is read without any damage', () => {
    const reading = read(good);
    expect(reading.xml.length).toBe(EVENTS);
    expect(reading.damage).toEqual([]);
  });

  test.each([0, 1, 7, 127])('a file of %i bytes is refused with 1500', (size) => {
    expect(read(good.slice(0, size)).code).toBe(WIN32.ERROR_EVENTLOG_FILE_CORRUPT);
  });

  test('a header alone is a log without events', () => {
    expect(read(good.slice(0, HEADER_BLOCK_SIZE))).toMatchObject({ code: 0, xml: [] });
  });

  test('another magic is refused with 1500; recover reads the chunks', () => {
    const bytes = changed(good, (all) => all.fill(0x41, 0, 8));
    expect(read(bytes).code).toBe(WIN32.ERROR_EVENTLOG_FILE_CORRUPT);
    expect(read(bytes, { recover: true }).xml).toEqual(whole);
  });

  test.each([0, 1, 512, 0xffff])('block size %i in the header is not believed where no chunk follows it', (size) => {
    expect(read(changed(good, (_, view) => view.setUint16(FileHeaderOffset.blockSize, size, true))).xml).toEqual(whole);
  });

  test.each([0, 2, 0xffff, 0xffffffff])('chunk count %i in the header is ignored', (count) => {
    const bytes = changed(good, (_, view) => view.setUint32(FileHeaderOffset.chunkCount, count, true));
    expect(read(bytes).xml).toEqual(whole);
  });

  test('oldest and current chunk out of range, flags at random: everything is read, the checksum is warned of', () => {
    const bytes = changed(good, (_, view) => {
      view.setBigUint64(FileHeaderOffset.oldestChunk, 0xffff_ffff_ffff_ffffn, true);
      view.setBigUint64(FileHeaderOffset.currentChunk, 77n, true);
      view.setUint32(FileHeaderOffset.flags, 0x1b97_0000, true);
    });
    const reading = read(bytes);
    expect(reading.xml).toEqual(whole);
    expect(reading.damage).toMatchObject([{ severity: 'warning', slot: -1 }]);
  });

  test('a file cut inside a slot, a record, a chunk header: what is whole before the cut is read', () => {
    const secondChunk = HEADER_BLOCK_SIZE + CHUNK_SIZE;
    for (const size of [CHUNK + 8, CHUNK + 0x1ff, CHUNK + 0x210])
      expect(read(goodLarge.slice(0, size)).xml).toEqual([]);
    const cut = read(goodLarge.slice(0, secondChunk + 30_000));
    expect(cut.code).toBe(0);
    const all = read(goodLarge).xml;
    expect(cut.xml.length).toBeGreaterThan(200);
    expect(cut.xml).toEqual(all.slice(0, cut.xml.length));
  });

  test('a hundred thousand slots of zeros are passed over', () => {
    const path = join(folder, 'sparse.evtx');
    writeFileSync(
      path,
      changed(good, (_, view) => view.setUint32(FileHeaderOffset.flags, 1, true)),
    );
    truncateSync(path, HEADER_BLOCK_SIZE + 100_000 * CHUNK_SIZE);
    expect(readPath(path).xml).toEqual(whole);
  });

  test('a folder, and a missing one', () => {
    mkdirSync(join(folder, 'empty'));
    expect(readPath(join(folder, 'empty')).code).toBe(WIN32.ERROR_FILE_NOT_FOUND);
    expect(readPath(join(folder, 'nowhere', 'x.evtx')).code).toBe(WIN32.ERROR_PATH_NOT_FOUND);
    expect(readPath(join(folder, 'nothing.evtx')).code).toBe(WIN32.ERROR_FILE_NOT_FOUND);
  });

  test.skipIf(process.platform === 'win32')('a device is no log', () => {
    expect(readPath('/dev/zero').code).toBe(WIN32.ERROR_INVALID_PARAMETER);
  });
});

describe('chunks', () => {
  test('a slot with the magic and nothing else holds no events', () => {
    const bytes = changed(good, (all) => all.fill(0, CHUNK + 8, CHUNK + CHUNK_SIZE));
    expect(read(bytes)).toMatchObject({ code: 0, xml: [] });
  });

  test('a slot without the magic is reported, and read by nobody', () => {
    const reading = read(changed(good, (all) => all.fill(0x41, CHUNK, CHUNK + 8)));
    expect(reading.xml).toEqual([]);
    expect(errorsOf(reading)).toMatchObject([{ slot: 0, fileOffset: CHUNK }]);
  });

  test.each([0x10000 + 8, 0x7fffffff, 0xffffffff])(
    'free space at %i: the records are read, with a warning',
    (offset) => {
      const at = CHUNK + ChunkHeaderOffset.freeSpaceOffset;
      const reading = read(changed(good, (_, view) => view.setUint32(at, offset, true)));
      expect(reading.xml).toEqual(whole);
      expect(reading.damage.length).toBeGreaterThan(0);
      expect(errorsOf(reading)).toEqual([]);
    },
  );

  test.each([0, 0x1ff])('free space at %i: an empty chunk', (offset) => {
    const at = CHUNK + ChunkHeaderOffset.freeSpaceOffset;
    expect(read(changed(good, (_, view) => view.setUint32(at, offset, true))).xml).toEqual([]);
  });

  test('numbers and ids at the ends of 64 bits', () => {
    for (const id of [0n, 0xffff_ffff_ffff_ffffn]) {
      const bytes = changed(good, (_, view) => {
        view.setBigUint64(CHUNK + ChunkHeaderOffset.firstRecordId, id, true);
        view.setBigUint64(CHUNK + ChunkHeaderOffset.lastRecordId, 0n, true);
      });
      expect(read(bytes).xml).toEqual(whole);
    }
  });

  test('a chunk full of record magics is searched once, not over and over', () => {
    const bytes = changed(good, (_, view) => {
      for (let at = FIRST; at < CHUNK + CHUNK_SIZE; at += 4) view.setUint32(at, RECORD_MAGIC, true);
      view.setUint32(CHUNK + ChunkHeaderOffset.freeSpaceOffset, CHUNK_SIZE, true);
    });
    const reading = read(bytes);
    expect(reading.xml).toEqual([]);
    expect(errorsOf(reading).length).toBeGreaterThan(0);
  });
});

describe('records', () => {
  const size = new DataView(good.buffer).getUint32(FIRST + RecordOffset.size, true);
  const second = FIRST + size;

  test.each([0, 4, 24, 27, 0xffff_fff8, 0x20_0001])('record size %i: reported, and the search goes on', (wrong) => {
    const reading = read(changed(good, (_, view) => view.setUint32(second + RecordOffset.size, wrong, true)));
    expect(reading.code).toBe(0);
    // The names and templates that later records refer to stand in the first one.
    expect(reading.xml.length).toBeGreaterThanOrEqual(EVENTS - 3);
    expect(reading.xml.length).toBeLessThan(EVENTS);
    expect(errorsOf(reading)[0]).toMatchObject({ slot: 0, fileOffset: second });
  });

  test('another size at the end of a record than at its start: read, with a warning', () => {
    const reading = read(changed(good, (_, view) => view.setUint32(second - 4, 8, true)));
    expect(reading.xml).toEqual(whole);
    expect(reading.damage).toMatchObject([{ severity: 'warning', slot: 0, fileOffset: FIRST }]);
  });

  test('a record that ends at once holds no event: reported with its id, the others are read', () => {
    const last = read(good).xml.length;
    const chunkView = new DataView(good.buffer);
    const lastRecord = CHUNK + chunkView.getUint32(CHUNK + ChunkHeaderOffset.lastRecordOffset, true);
    const reading = read(
      changed(good, (all) => all.fill(0, lastRecord + RecordOffset.binXml, lastRecord + RecordOffset.binXml + 8)),
    );
    expect(reading.xml).toEqual(whole.slice(0, last - 1));
    expect(errorsOf(reading)).toMatchObject([{ slot: 0, recordId: BigInt(EVENTS) }]);
  });
});
