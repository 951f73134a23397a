import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { EvtxFileWriter } from '../src/evtx/file-writer.ts';
import { CHUNK_SIZE, FileFlag, FileHeaderOffset, HEADER_BLOCK_SIZE } from '../src/evtx/layout.ts';
import { MemoryLog } from './evtx/memory-log.ts';
import { sampleEvent, sampleLog, timeOf } from './evtx/sample-events.ts';

/** A folder that goes away when the test file is done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'winevt-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a log of `count` sample events and gives its path. */
export function writeSampleLog(folder: string, name: string, count: number): string {
  const path = join(folder, name);
  writeFileSync(path, sampleLog(count).log.bytes());
  return path;
}

/** Writes a log whose events have the given times (in seconds), in that order. */
export function writeTimedLog(folder: string, name: string, seconds: readonly number[]): string {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  for (const second of seconds) {
    const id = writer.nextRecordId;
    writer.add(sampleEvent(id, `at ${second}`, timeOf(BigInt(second))), timeOf(BigInt(second)));
  }
  writer.finish();
  const path = join(folder, name);
  writeFileSync(path, log.bytes());
  return path;
}

/**
 * Writes a log that is long to scan: the chunks of a sample log over and over. It is marked as not closed, because its ids
 * repeat.
 */
export function writeLongLog(folder: string, name: string, chunks: number): string {
  const bytes = sampleLog(2000).log.bytes();
  const count = Math.floor((bytes.length - HEADER_BLOCK_SIZE) / CHUNK_SIZE);
  const file = new Uint8Array(HEADER_BLOCK_SIZE + chunks * CHUNK_SIZE);
  file.set(bytes.subarray(0, HEADER_BLOCK_SIZE));
  file[FileHeaderOffset.flags] = FileFlag.dirty;
  for (let i = 0; i < chunks; i++) {
    const from = HEADER_BLOCK_SIZE + (i % (count - 1)) * CHUNK_SIZE;
    file.set(bytes.subarray(from, from + CHUNK_SIZE), HEADER_BLOCK_SIZE + i * CHUNK_SIZE);
  }
  const path = join(folder, name);
  writeFileSync(path, file);
  return path;
}
