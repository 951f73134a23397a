import { describe, expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { hasChunkMagic } from '../../src/evtx/chunk.ts';
import { readFileHeader } from '../../src/evtx/file-header.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { verifyLog } from '../../src/evtx/verify.ts';
import { renderXml } from '../../src/render/xml.ts';
import { chunksOf, MemoryLog } from './memory-log.ts';
import { literalEvent, sampleEvent, sampleLog, timeOf } from './sample-events.ts';

function failures(bytes: Uint8Array, style: 'live' | 'export' = 'live') {
  return verifyLog(bytes, { style }).checks.filter((check) => check.failureCount > 0);
}

describe.each([2, 17, 33])('a log of %i chunks', (wanted) => {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  // Large notes keep the number of events down; their length varies so that chunks end in many ways.
  const note = (id: bigint) => 'n'.repeat(Number((id * 7919n) % 8000n));
  while (log.writes.length < wanted) {
    writer.add(sampleEvent(writer.nextRecordId, note(writer.nextRecordId)), timeOf(writer.nextRecordId));
  }
  const summary = writer.finish();
  const file = log.bytes();

  test('passes every check of the acceptance list', () => {
    expect(summary.chunkCount).toBe(wanted);
    expect(summary.sizeBytes).toBe(file.length);
    expect(failures(file)).toEqual([]);
  });

  test('gives back every event, in order', () => {
    const read = chunksOf(file).flatMap((chunk) =>
      [...chunk.liveRecords()].map((at) => renderXml(resolveDocument(chunk.document(at)))),
    );
    const ids = Array.from({ length: summary.recordCount }, (_, i) => BigInt(i + 1));
    expect(read).toEqual(ids.map((id) => renderXml(resolveDocument(sampleEvent(id, note(id))))));
  });

  test('has a header that indexes it', () => {
    expect(readFileHeader(file)).toMatchObject({
      oldestChunk: 0,
      currentChunk: wanted - 1,
      nextRecordId: summary.nextRecordId,
      chunkCount: wanted,
      majorVersion: 3,
      minorVersion: 1,
      dirty: false,
      checksumValid: true,
    });
  });
});

test('a log without events is one chunk without records, and passes', () => {
  const { log, summary } = sampleLog(0);
  expect(summary).toEqual({ sizeBytes: 69_632, chunkCount: 1, recordCount: 0, nextRecordId: 1n });
  const [chunk] = chunksOf(log.bytes());
  expect([...chunk!.liveRecords()]).toEqual([]);
  expect(chunk!.checksums()).toEqual({ header: true, records: true });
  expect(failures(log.bytes())).toEqual([]);
});

test('a log goes on counting from a given id, while its numbers start at 1', () => {
  const { log, summary } = sampleLog(500, { firstRecordId: 1742n });
  expect(summary.nextRecordId).toBe(2242n);
  const chunks = chunksOf(log.bytes());
  expect(chunks[0]).toMatchObject({ firstRecordNumber: 1n, firstRecordId: 1742n });
  expect(chunks.at(-1)).toMatchObject({ lastRecordNumber: 500n, lastRecordId: 2241n });
  expect(failures(log.bytes())).toEqual([]);
});

test('an exported log counts from 1 while its events keep their own ids', () => {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  for (const id of [5000n, 4000n, 77n]) writer.add(sampleEvent(id), timeOf(id));
  writer.finish();
  expect(failures(log.bytes(), 'export')).toEqual([]);
  expect(failures(log.bytes(), 'live').map(({ id }) => id)).toEqual(['W23']);
});

test.each([0n, -1n, 2n ** 64n])('%s is refused as the first record id', (firstRecordId) => {
  expect(() => new EvtxFileWriter(new MemoryLog(), { firstRecordId })).toThrow(/ERROR_INVALID_PARAMETER/);
});

test('an event that fits no chunk is refused, and the log goes on without it', () => {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  writer.add(sampleEvent(1n), timeOf(1n));
  expect(() => writer.add(literalEvent(40_000), 0n)).toThrow(/ERROR_EVT_INVALID_EVENT_DATA/);
  expect(writer.add(sampleEvent(2n), timeOf(2n))).toBe(2n);
  expect(writer.finish().recordCount).toBe(2);
  expect(failures(log.bytes())).toEqual([]);
});

test('a finished log takes no more events', () => {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  writer.finish();
  expect(() => writer.add(sampleEvent(1n), 0n)).toThrow(/ERROR_INVALID_OPERATION/);
  expect(() => writer.finish()).toThrow(/ERROR_INVALID_OPERATION/);
});

test('a log whose writing ended after any of its writes opens as unclosed, with every event of its chunks', () => {
  const { log } = sampleLog(1000);
  const chunkCount = log.writes.length - 2;
  expect(chunkCount).toBeGreaterThan(2);
  for (let writes = 1; writes < log.writes.length; writes++) {
    const file = log.bytes(writes);
    expect(readFileHeader(file)).toMatchObject({ dirty: true, checksumValid: true });
    const chunks = chunksOf(file);
    expect(chunks).toHaveLength(writes - 1);
    let next = 1n;
    for (const chunk of chunks) {
      expect(hasChunkMagic(chunk.bytes)).toBe(true);
      for (const at of chunk.liveRecords()) expect(chunk.recordId(at)).toBe(next++);
    }
    expect(next > 1n).toBe(writes > 1);
  }
});

test('one chunk is in memory at a time: each leaves for the sink before the next begins', () => {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  let most = 0;
  for (let i = 0; i < 2000; i++) {
    const before = log.writes.length;
    writer.add(sampleEvent(writer.nextRecordId), 0n);
    most = Math.max(most, log.writes.length - before);
  }
  expect(most).toBe(1);
  expect(log.writes.length).toBeGreaterThan(5);
  expect(log.writes.slice(1).map(({ position }) => position)).toEqual(
    log.writes.slice(1).map((_, i) => 4096 + 65_536 * i),
  );
});
