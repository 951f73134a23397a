import type { BigIntStats } from 'node:fs';
import { Chunk } from '../../evtx/chunk.ts';
import { CHUNK_SIZE } from '../../evtx/layout.ts';
import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import type { LogInfo } from '../service.ts';
import { readAt, statFile } from './files.ts';
import type { LogFile } from './log-file.ts';

/** 1601-01-01 to 1970-01-01 in units of 100 ns. */
const UNIX_EPOCH_TICKS = 116_444_736_000_000_000n;
const FILE_ATTRIBUTE_READONLY = 1;
const FILE_ATTRIBUTE_ARCHIVE = 32;

function fileTime(ns: bigint): bigint {
  return ns / 100n + UNIX_EPOCH_TICKS;
}

function attributes(stats: BigIntStats): number {
  const writable = (Number(stats.mode) & 0o222) !== 0;
  return FILE_ATTRIBUTE_ARCHIVE | (writable ? 0 : FILE_ATTRIBUTE_READONLY);
}

/** What EvtGetLogInfo tells of a log file. A log that was not closed is counted, because its header is stale. */
export function* readLogInfo(log: LogFile, operation: Operation): Task<LogInfo> {
  const stats = yield* statFile(log.path, operation.api);
  const { count, oldest } = log.order.ascending ? yield* byHeaders(log, operation) : yield* byCounting(log, operation);
  const next = log.header.nextRecordId;
  return {
    creationTime: fileTime(stats.birthtimeNs),
    lastAccessTime: fileTime(stats.atimeNs),
    lastWriteTime: fileTime(stats.mtimeNs),
    fileSize: stats.size,
    attributes: attributes(stats),
    numberOfLogRecords: count,
    oldestRecordNumber: oldest ?? (next > 1n ? next : 0n),
    full: log.header.full,
  };
}

function* chunkAt(log: LogFile, index: number, operation: Operation): Task<Chunk> {
  const slot = log.order.slotAt(index);
  const bytes = new Uint8Array(CHUNK_SIZE);
  const filled = yield* readAt(log.fd, bytes, log.offsetOf(slot), operation, log.path);
  return new Chunk(bytes.subarray(0, filled), slot, log.offsetOf(slot));
}

function* byHeaders(log: LogFile, operation: Operation): Task<{ count: bigint; oldest: bigint | undefined }> {
  const first = yield* chunkAt(log, 0, operation);
  const last = yield* chunkAt(log, log.order.length - 1, operation);
  // The last chunk of a log that was just made, or cleared, may hold no record yet.
  const offsets = last.liveRecords();
  const lastCount = BigInt(offsets.length);
  if (log.order.length === 1) {
    return { count: lastCount, oldest: lastCount > 0n ? last.recordId(offsets[0]!) : undefined };
  }
  return { count: last.firstRecordNumber - first.firstRecordNumber + lastCount, oldest: first.firstRecordId };
}

function* byCounting(log: LogFile, operation: Operation): Task<{ count: bigint; oldest: bigint | undefined }> {
  let count = 0n;
  let oldest: bigint | undefined;
  for (let index = 0; index < log.order.length; index++) {
    operation.checkpoint();
    yield TURN;
    const chunk = yield* chunkAt(log, index, operation);
    const offsets = chunk.liveRecords({ dirty: log.header.dirty });
    count += BigInt(offsets.length);
    for (const offset of offsets) {
      const id = chunk.recordId(offset);
      if (oldest === undefined || id < oldest) oldest = id;
    }
  }
  return { count, oldest };
}
