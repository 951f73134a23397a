import type { Fragment } from '../binxml/tree.ts';
import { BinXmlWriter, BufferFull } from '../binxml/writer.ts';
import { crc32 } from '../bytes/crc32.ts';
import { EvtError } from '../errors/evt-error.ts';
import {
  CHUNK_HEADER_SIZE,
  CHUNK_MAGIC,
  CHUNK_SIZE,
  ChunkHeaderOffset,
  FILE_CHECKSUM_SIZE,
  FILE_HEADER_SIZE,
  RECORD_ALIGNMENT,
  RECORD_MAGIC,
  RecordOffset,
  STRING_TABLE_SLOTS,
  TEMPLATE_TABLE_SLOTS,
} from './layout.ts';

/** Chunks carry this flag in every log; only the file header's flags tell of an unclosed log. */
const CHUNK_FLAGS = 1;
/** What a chunk without records has for last number, first id and last id. */
const NONE = 0xffff_ffff_ffff_ffffn;
const SIZE_COPY = 4;

/**
 * One 64 KiB chunk being filled. It defines the names and templates that its records use, so that it can be read alone.
 */
export class ChunkWriter {
  readonly #bytes = new Uint8Array(CHUNK_SIZE);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #xml = new BinXmlWriter(this.#bytes, CHUNK_HEADER_SIZE, {
    strings: STRING_TABLE_SLOTS,
    templates: TEMPLATE_TABLE_SLOTS,
  });
  readonly #firstNumber: bigint;
  #firstId = NONE;
  #lastId = NONE;
  #lastOffset = 0;
  #freeSpace = CHUNK_HEADER_SIZE;
  #count = 0;
  /** CRC-32 of the records up to {@link #summedTo}: a chunk that grows is not summed up from its start each time. */
  #sum = 0;
  #summedTo = CHUNK_HEADER_SIZE;

  /** @param firstRecordNumber number of the first record, counted from 1 over the file */
  constructor(firstRecordNumber: bigint) {
    this.#firstNumber = firstRecordNumber;
  }

  /** Records written so far. */
  get recordCount(): number {
    return this.#count;
  }

  /** Id of the first record; of a chunk without records a number no record has. */
  get firstRecordId(): bigint {
    return this.#firstId;
  }

  get firstRecordNumber(): bigint {
    return this.#firstNumber;
  }

  /** Chunk offset behind the last record. */
  get freeSpaceOffset(): number {
    return this.#freeSpace;
  }

  /**
   * Adds a record.
   * @param document    its event: a template instance or literal elements
   * @param recordId    one more than the record's before it
   * @param writtenTime FILETIME; that of the event's TimeCreated
   * @returns false when it does not fit the space left: the chunk is as it was
   * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) when it fits no chunk, or holds what Binary XML cannot say; the chunk is as it was
   */
  add(document: Fragment, recordId: bigint, writtenTime: bigint): boolean {
    const start = this.#freeSpace;
    const xml = this.#xml;
    xml.mark();
    xml.at = start + RecordOffset.binXml;
    try {
      if (xml.at > CHUNK_SIZE) throw new BufferFull();
      xml.document(document);
      const size = align(xml.at - start + SIZE_COPY);
      if (start + size > CHUNK_SIZE) throw new BufferFull();
      this.#view.setUint32(start, RECORD_MAGIC, true);
      this.#view.setUint32(start + RecordOffset.size, size, true);
      this.#view.setBigUint64(start + RecordOffset.id, recordId, true);
      this.#view.setBigUint64(start + RecordOffset.writtenTime, writtenTime, true);
      this.#view.setUint32(start + size - SIZE_COPY, size, true);
      this.#freeSpace = start + size;
    } catch (error) {
      xml.rollBack(start);
      if (!(error instanceof BufferFull)) throw error;
      if (this.#count > 0) return false;
      const most = CHUNK_SIZE - CHUNK_HEADER_SIZE;
      throw new EvtError('ERROR_EVT_INVALID_EVENT_DATA', 'evtx writer', `the event takes more than ${most} bytes`);
    }
    if (this.#count === 0) this.#firstId = recordId;
    this.#lastId = recordId;
    this.#lastOffset = start;
    this.#count++;
    return true;
  }

  /**
   * The chunk as it is now: header, tables and checksums filled in, free space zero.
   * @returns its 65,536 bytes; they are the writer's own, and change with the next {@link add}
   */
  finish(): Uint8Array {
    const view = this.#view;
    const bytes = this.#bytes;
    bytes.set(CHUNK_MAGIC);
    const lastNumber = this.#count === 0 ? NONE : this.#firstNumber + BigInt(this.#count) - 1n;
    view.setBigUint64(ChunkHeaderOffset.firstRecordNumber, this.#firstNumber, true);
    view.setBigUint64(ChunkHeaderOffset.lastRecordNumber, lastNumber, true);
    view.setBigUint64(ChunkHeaderOffset.firstRecordId, this.#firstId, true);
    view.setBigUint64(ChunkHeaderOffset.lastRecordId, this.#lastId, true);
    view.setUint32(ChunkHeaderOffset.headerSize, FILE_HEADER_SIZE, true);
    view.setUint32(ChunkHeaderOffset.lastRecordOffset, this.#lastOffset, true);
    view.setUint32(ChunkHeaderOffset.freeSpaceOffset, this.#freeSpace, true);
    this.#sum = crc32(bytes, this.#summedTo, this.#freeSpace - this.#summedTo, this.#sum);
    this.#summedTo = this.#freeSpace;
    view.setUint32(ChunkHeaderOffset.recordsChecksum, this.#sum, true);
    view.setUint32(ChunkHeaderOffset.flags, CHUNK_FLAGS, true);
    const tables = ChunkHeaderOffset.stringTable;
    for (const [i, offset] of this.#xml.stringTable.entries()) view.setUint32(tables + 4 * i, offset, true);
    for (const [i, offset] of this.#xml.templateTable.entries()) {
      view.setUint32(ChunkHeaderOffset.templateTable + 4 * i, offset, true);
    }
    const fixed = crc32(bytes, 0, FILE_CHECKSUM_SIZE);
    const header = crc32(bytes, tables, CHUNK_HEADER_SIZE - tables, fixed);
    view.setUint32(ChunkHeaderOffset.headerChecksum, header, true);
    return bytes;
  }
}

function align(size: number): number {
  return Math.ceil(size / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
}
