import { crc32 } from '../bytes/crc32.ts';
import { u16, u32, u64, u64Number } from '../bytes/little-endian.ts';
import { EvtError } from '../errors/evt-error.ts';
import {
  FILE_CHECKSUM_SIZE,
  FILE_HEADER_SIZE,
  FILE_MAGIC,
  FileFlag,
  FileHeaderOffset,
  HEADER_BLOCK_SIZE,
} from './layout.ts';

/** The header of a log file. For a dirty file everything but the versions may be stale. */
export interface FileHeader {
  /** Slot of the chunk with the lowest record ids. */
  readonly oldestChunk: number;
  /** Slot of the newest chunk. */
  readonly currentChunk: number;
  /** The id that the next event will get. */
  readonly nextRecordId: bigint;
  readonly majorVersion: number;
  readonly minorVersion: number;
  /** Offset of slot 0. */
  readonly blockSize: number;
  /** Slots that hold a chunk, as the header has it. */
  readonly chunkCount: number;
  readonly flags: number;
  readonly dirty: boolean;
  readonly full: boolean;
  /** False when the header's own checksum is wrong; true also where checksums are switched off. */
  readonly checksumValid: boolean;
}

/** True when `bytes` begin like a log file. */
export function hasFileMagic(bytes: Uint8Array): boolean {
  return FILE_MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads the file header from the first bytes of a file.
 * @throws EvtError ERROR_EVENTLOG_FILE_CORRUPT (1500) when the file is no log, is cut inside the header, or has another major version
 */
export function readFileHeader(bytes: Uint8Array): FileHeader {
  const fail = (detail: string) => new EvtError('ERROR_EVENTLOG_FILE_CORRUPT', 'evtx', detail);
  if (bytes.length === 0) throw fail('the file is empty: an .evtx file has at least 4096 bytes');
  if (!hasFileMagic(bytes)) throw fail('not an .evtx file: it does not begin with "ElfFile"');
  if (bytes.length < FILE_HEADER_SIZE)
    throw fail(`the file header is cut: ${bytes.length} bytes of ${FILE_HEADER_SIZE}`);
  const majorVersion = u16(bytes, FileHeaderOffset.majorVersion);
  if (majorVersion !== 3)
    throw fail(`format version ${majorVersion}.${u16(bytes, FileHeaderOffset.minorVersion)} is not known: 3.x is`);
  const flags = u32(bytes, FileHeaderOffset.flags);
  const stored = u32(bytes, FileHeaderOffset.checksum);
  const blockSize = u16(bytes, FileHeaderOffset.blockSize);
  return {
    oldestChunk: u64Number(bytes, FileHeaderOffset.oldestChunk),
    currentChunk: u64Number(bytes, FileHeaderOffset.currentChunk),
    nextRecordId: u64(bytes, FileHeaderOffset.nextRecordId),
    majorVersion,
    minorVersion: u16(bytes, FileHeaderOffset.minorVersion),
    blockSize: blockSize < FILE_HEADER_SIZE ? HEADER_BLOCK_SIZE : blockSize,
    chunkCount: u32(bytes, FileHeaderOffset.chunkCount),
    flags,
    dirty: (flags & FileFlag.dirty) !== 0,
    full: (flags & FileFlag.full) !== 0,
    checksumValid: (flags & FileFlag.noChecksums) !== 0 || crc32(bytes, 0, FILE_CHECKSUM_SIZE) === stored,
  };
}
