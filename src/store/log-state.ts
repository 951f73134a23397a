import { BinXmlError } from '../binxml/error.ts';
import { u64 } from '../bytes/little-endian.ts';
import { EvtError } from '../errors/evt-error.ts';
import { Chunk, hasChunkMagic } from '../evtx/chunk.ts';
import { ChunkWriter } from '../evtx/chunk-writer.ts';
import { type FileHeader, readFileHeader } from '../evtx/file-header.ts';
import {
  CHUNK_HEADER_SIZE,
  CHUNK_SIZE,
  ChunkHeaderOffset,
  FILE_HEADER_SIZE,
  HEADER_BLOCK_SIZE,
} from '../evtx/layout.ts';
import type { Disk } from './disk.ts';

/** Where the writing of a log goes on. */
export interface LogState {
  /** Slots that hold a chunk, or did. */
  readonly slots: number;
  /** Slot of the oldest and of the newest chunk. */
  readonly oldest: number;
  readonly current: number;
  /** The newest chunk, as far as it is filled; undefined when it cannot be added to: the next event begins another. */
  readonly chunk: ChunkWriter | undefined;
  /** Id and number that the next record gets. */
  readonly nextRecordId: bigint;
  readonly nextRecordNumber: bigint;
  /** The file was not closed: what is behind its last whole record is rubbish. */
  readonly dirty: boolean;
}

/** First id of a chunk without records. */
const NO_RECORD_ID = 0xffff_ffff_ffff_ffffn;

/** A chunk, by its header. */
export interface Head {
  readonly slot: number;
  readonly firstId: bigint;
}

/** Where slot i begins. */
export function slotOffset(slot: number): number {
  return HEADER_BLOCK_SIZE + slot * CHUNK_SIZE;
}

/** Records of a chunk, those behind a stale header included; undefined when its slot holds none. */
function readChunk(disk: Disk, fd: number, slot: number): Chunk | undefined {
  const bytes = new Uint8Array(CHUNK_SIZE);
  const count = disk.read(fd, bytes, slotOffset(slot));
  if (count < CHUNK_HEADER_SIZE || !hasChunkMagic(bytes)) return undefined;
  return new Chunk(bytes, slot, slotOffset(slot));
}

function readHeader(disk: Disk, fd: number, file: string, api: string): FileHeader {
  const head = new Uint8Array(FILE_HEADER_SIZE);
  const count = disk.read(fd, head, 0);
  try {
    return readFileHeader(head.subarray(0, count));
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
    throw new EvtError(error.symbol, api, `${file}: ${error.detail}`, { cause: error });
  }
}

/**
 * Finds out where the writing of a log goes on: by its header where it was closed, by all of its chunks where it was not.
 * @param sizeBytes of the file
 * @throws EvtError ERROR_EVENTLOG_FILE_CORRUPT (1500) when the file is no log
 */
export function readLogState(disk: Disk, fd: number, sizeBytes: number, file: string, api: string): LogState {
  const header = readHeader(disk, fd, file, api);
  const slotsInFile = Math.max(0, Math.ceil((sizeBytes - HEADER_BLOCK_SIZE) / CHUNK_SIZE));
  const trusted = !header.dirty && header.checksumValid && header.chunkCount > 0 && header.chunkCount <= slotsInFile;
  if (trusted) {
    const chunk = readChunk(disk, fd, header.currentChunk);
    return {
      slots: header.chunkCount,
      oldest: header.oldestChunk,
      current: header.currentChunk,
      ...resumeOr(chunk, header.nextRecordId),
      dirty: false,
    };
  }
  const heads = chunkSlots(disk, fd, sizeBytes);
  // A chunk that was begun may have a header, and no record yet: what counts is the newest that has one.
  let newest = heads.length - 1;
  let chunk: Chunk | undefined;
  for (; newest >= 0; newest--) {
    chunk = readChunk(disk, fd, heads[newest]!.slot);
    if (chunk !== undefined && chunk.liveRecords({ dirty: true }).length > 0) break;
  }
  const whole = heads.slice(0, newest + 1);
  return {
    slots: Math.max(1, ...whole.map(({ slot }) => slot + 1)),
    oldest: whole[0]?.slot ?? 0,
    current: whole.at(-1)?.slot ?? 0,
    ...resumeOr(newest < 0 ? readChunk(disk, fd, 0) : chunk, header.nextRecordId),
    dirty: true,
  };
}

/** @param headerNextId a lower bound: an id that was given once is not given again, whatever is damaged */
function resumeOr(
  chunk: Chunk | undefined,
  headerNextId: bigint,
): Pick<LogState, 'chunk' | 'nextRecordId' | 'nextRecordNumber'> {
  const resumed = chunk === undefined ? undefined : resumeChunk(chunk, headerNextId);
  const nextId = resumed?.nextId ?? 1n;
  return {
    chunk: resumed?.writer,
    nextRecordId: nextId > headerNextId ? nextId : headerNextId,
    nextRecordNumber: resumed?.nextNumber ?? 1n,
  };
}

/** Slots that hold records, in the order of their ids. @param sizeBytes of the file */
export function chunkSlots(disk: Disk, fd: number, sizeBytes: number): readonly Head[] {
  const slots = Math.max(0, Math.ceil((sizeBytes - HEADER_BLOCK_SIZE) / CHUNK_SIZE));
  return readHeads(disk, fd, slots)
    .filter(({ firstId }) => firstId !== NO_RECORD_ID)
    .sort((a, b) => (a.firstId < b.firstId ? -1 : 1));
}

/** The chunks of a log that was not closed. Empty ones stand behind all others: they have no record id. */
function readHeads(disk: Disk, fd: number, slots: number): Head[] {
  const heads: Head[] = [];
  const head = new Uint8Array(CHUNK_HEADER_SIZE);
  for (let slot = 0; slot < slots; slot++) {
    if (disk.read(fd, head, slotOffset(slot)) < CHUNK_HEADER_SIZE || !hasChunkMagic(head)) continue;
    heads.push({ slot, firstId: u64(head, ChunkHeaderOffset.firstRecordId) });
  }
  return heads;
}

/**
 * A writer that has written what the chunk holds. Its records are encoded anew, and must come out as they are: then names and
 * templates are where the writer believes them.
 */
function resumeChunk(
  chunk: Chunk,
  headerNextId: bigint,
): { writer: ChunkWriter | undefined; nextId: bigint; nextNumber: bigint } {
  const firstNumber = chunk.firstRecordNumber;
  const offsets = chunk.liveRecords({ dirty: true });
  const last = offsets.length === 0 ? undefined : chunk.recordId(offsets[offsets.length - 1]!);
  const nextId = last === undefined ? headerNextId : last + 1n;
  const nextNumber = firstNumber + BigInt(offsets.length);
  const writer = new ChunkWriter(firstNumber);
  try {
    for (const at of offsets) {
      if (!writer.add(chunk.document(at), chunk.recordId(at), chunk.writtenTime(at))) throw new Different();
    }
    const bytes = writer.finish();
    for (let i = CHUNK_HEADER_SIZE; i < writer.freeSpaceOffset; i++) {
      if (bytes[i] !== chunk.bytes[i]) throw new Different();
    }
  } catch (error) {
    // Damaged, or another program's way of writing: it stays as it is.
    if (error instanceof Different || error instanceof BinXmlError || error instanceof EvtError) {
      return { writer: undefined, nextId, nextNumber };
    }
    throw error;
  }
  return { writer, nextId, nextNumber };
}

class Different extends Error {}
