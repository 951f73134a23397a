import type { Fragment } from '../binxml/tree.ts';
import { crc32 } from '../bytes/crc32.ts';
import { EvtError } from '../errors/evt-error.ts';
import { ChunkWriter } from './chunk-writer.ts';
import type { FileHeader } from './file-header.ts';
import {
  CHUNK_SIZE,
  FILE_CHECKSUM_SIZE,
  FILE_HEADER_SIZE,
  FILE_MAGIC,
  FileFlag,
  FileHeaderOffset,
  HEADER_BLOCK_SIZE,
} from './layout.ts';

/** Every known reader takes 3.1; in 3.2 the hash of the template table is not known. */
const MAJOR_VERSION = 3;
const MINOR_VERSION = 1;

/** Where the bytes of a log go, in the order in which they must reach the disk. */
export interface LogSink {
  /**
   * Takes a piece of the file. `bytes` are the sink's to keep.
   * @param position byte offset in the file
   */
  write(position: number, bytes: Uint8Array): void;
}

/** What a finished log consists of. */
export interface LogSummary {
  readonly sizeBytes: number;
  readonly chunkCount: number;
  readonly recordCount: number;
  /** The id that the next event of this log would get. */
  readonly nextRecordId: bigint;
}

export interface LogWriterOptions {
  /**
   * Id of the first record, 1 if not given; the others follow without gaps. A log that was cleared goes on counting
   * where it was; an export counts from 1, whatever EventRecordID its events keep.
   */
  readonly firstRecordId?: bigint;
}

/**
 * Writes a log, record by record, into a sink: one chunk is in memory at a time, whatever the size of the log.
 *
 * The first write is a header that marks the log as unclosed, the last one the header that closes it. If it ends
 * anywhere between, what has been written is a log that opens, and says that it was not closed.
 */
export class EvtxFileWriter {
  readonly #sink: LogSink;
  readonly #firstId: bigint;
  #chunk: ChunkWriter;
  #chunks = 0;
  #records = 0;
  #finished = false;

  constructor(sink: LogSink, options: LogWriterOptions = {}) {
    this.#sink = sink;
    this.#firstId = options.firstRecordId ?? 1n;
    if (this.#firstId < 1n || this.#firstId !== BigInt.asUintN(64, this.#firstId)) {
      throw new EvtError('ERROR_INVALID_PARAMETER', 'evtx writer', `${this.#firstId} is no record id: they start at 1`);
    }
    this.#chunk = new ChunkWriter(1n);
    sink.write(0, this.#header(FileFlag.dirty));
  }

  /** The id that {@link add} gives next. An event of a live log has it as its EventRecordID, too. */
  get nextRecordId(): bigint {
    return this.#firstId + BigInt(this.#records);
  }

  /**
   * Adds a record. Names, templates and nested values of a record read from another log are encoded anew; the bytes
   * of its other values are kept.
   * @param document    the event: a template instance or literal elements
   * @param writtenTime FILETIME; that of the event's TimeCreated
   * @returns its record id
   * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) when the event fits no chunk or holds what Binary XML cannot say;
   *   the log goes on without it
   */
  add(document: Fragment, writtenTime: bigint): bigint {
    if (this.#finished) throw new EvtError('ERROR_INVALID_OPERATION', 'evtx writer', 'the log is finished');
    const recordId = this.nextRecordId;
    if (!this.#chunk.add(document, recordId, writtenTime)) {
      this.#flush();
      this.#chunk.add(document, recordId, writtenTime);
    }
    this.#records++;
    return recordId;
  }

  /** Writes the last chunk and the closing header. A log without events has one chunk without records. */
  finish(): LogSummary {
    if (this.#finished) throw new EvtError('ERROR_INVALID_OPERATION', 'evtx writer', 'the log is finished');
    if (this.#chunk.recordCount > 0 || this.#chunks === 0) this.#flush();
    this.#finished = true;
    this.#sink.write(0, this.#header(0));
    return {
      sizeBytes: HEADER_BLOCK_SIZE + CHUNK_SIZE * this.#chunks,
      chunkCount: this.#chunks,
      recordCount: this.#records,
      nextRecordId: this.nextRecordId,
    };
  }

  #flush(): void {
    this.#sink.write(HEADER_BLOCK_SIZE + CHUNK_SIZE * this.#chunks, this.#chunk.finish());
    this.#chunks++;
    this.#chunk = new ChunkWriter(1n + BigInt(this.#records));
  }

  #header(flags: number): Uint8Array {
    return fileHeaderBytes({
      oldestChunk: 0,
      currentChunk: Math.max(0, this.#chunks - 1),
      nextRecordId: this.nextRecordId,
      chunkCount: this.#chunks,
      flags,
    });
  }
}

/** What a log's header says, with the versions and sizes that are always written. @returns the block of 4096 bytes */
export function fileHeaderBytes(
  header: Pick<FileHeader, 'oldestChunk' | 'currentChunk' | 'nextRecordId' | 'chunkCount' | 'flags'>,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BLOCK_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(FILE_MAGIC);
  view.setBigUint64(FileHeaderOffset.oldestChunk, BigInt(header.oldestChunk), true);
  view.setBigUint64(FileHeaderOffset.currentChunk, BigInt(header.currentChunk), true);
  view.setBigUint64(FileHeaderOffset.nextRecordId, header.nextRecordId, true);
  view.setUint32(FileHeaderOffset.headerSize, FILE_HEADER_SIZE, true);
  view.setUint16(FileHeaderOffset.minorVersion, MINOR_VERSION, true);
  view.setUint16(FileHeaderOffset.majorVersion, MAJOR_VERSION, true);
  view.setUint16(FileHeaderOffset.blockSize, HEADER_BLOCK_SIZE, true);
  view.setUint32(FileHeaderOffset.chunkCount, header.chunkCount, true);
  view.setUint32(FileHeaderOffset.flags, header.flags, true);
  view.setUint32(FileHeaderOffset.checksum, crc32(bytes, 0, FILE_CHECKSUM_SIZE), true);
  return bytes;
}
