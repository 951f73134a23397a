import { InstanceCursor } from '../binxml/instance-cursor.ts';
import { BinXmlReader } from '../binxml/reader.ts';
import { type DefinitionForm, TemplateCache } from '../binxml/template-cache.ts';
import type { Fragment, Template } from '../binxml/tree.ts';
import { crc32 } from '../bytes/crc32.ts';
import { hexOffset } from '../bytes/hex.ts';
import { u32, u64 } from '../bytes/little-endian.ts';
import type { Damage } from './damage.ts';
import {
  CHUNK_HEADER_SIZE,
  CHUNK_MAGIC,
  ChunkHeaderOffset,
  FILE_CHECKSUM_SIZE,
  FileFlag,
  MIN_RECORD_SIZE,
  RECORD_ALIGNMENT,
  RECORD_MAGIC,
  RecordOffset,
} from './layout.ts';

/** Templates of all chunks this thread has read. One per thread: compiled forms hang on a template's identity. */
const templates = new TemplateCache();

/** Records one chunk can hold at most: {@link MIN_RECORD_SIZE} bytes each. */
const MAX_RECORDS = Math.floor((65_536 - CHUNK_HEADER_SIZE) / MIN_RECORD_SIZE) + 1;
const shapeCursor = new InstanceCursor();
const offsetsFound = new Int32Array(MAX_RECORDS);

/** Where an event lies in its chunk. */
export interface RecordPlace {
  readonly chunkOffset: number;
  readonly sizeBytes: number;
  /** Taken from free space or from inside another record, not from the chunk's live records. */
  readonly recovered: boolean;
}

/** How {@link Chunk.walk} treats what lies behind the live records. */
export interface WalkOptions {
  /** The file was not closed: a record with the next id right behind the live ones is live, too. */
  readonly dirty?: boolean;
  /** Also give records from free space, marked as recovered. */
  readonly recover?: boolean;
  readonly onDamage?: ((damage: Damage) => void) | undefined;
  /** Copies the offsets of the live records to where they stay, instead of to memory of their own. */
  readonly keep?: ((offsets: Int32Array) => Int32Array) | undefined;
}

/** True when a slot's first bytes are those of a chunk. */
export function hasChunkMagic(bytes: Uint8Array, offset = 0): boolean {
  return bytes.length - offset >= CHUNK_MAGIC.length && CHUNK_MAGIC.every((byte, i) => bytes[offset + i] === byte);
}

/**
 * One 64 KiB chunk in memory: it holds all names and templates its records need, so it can be read alone.
 * A view: the bytes are not copied and must not change while the chunk is used.
 */
export class Chunk {
  /** At most 65,536 bytes; fewer at the end of a cut file. */
  readonly bytes: Uint8Array;
  readonly slot: number;
  readonly fileOffset: number;
  readonly #view: DataView;
  #reader: BinXmlReader | undefined;

  constructor(bytes: Uint8Array, slot: number, fileOffset: number) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.slot = slot;
    this.fileOffset = fileOffset;
  }

  #u32(offset: number): number {
    return offset + 4 <= this.bytes.length ? u32(this.bytes, offset) : 0;
  }

  #u64(offset: number): bigint {
    return offset + 8 <= this.bytes.length ? u64(this.bytes, offset) : 0n;
  }

  /** Number of the first record, counted from 1 in this file. */
  get firstRecordNumber(): bigint {
    return this.#u64(ChunkHeaderOffset.firstRecordNumber);
  }

  get lastRecordNumber(): bigint {
    return this.#u64(ChunkHeaderOffset.lastRecordNumber);
  }

  /** Id of the first record; the chunks of a log are ordered by it. */
  get firstRecordId(): bigint {
    return this.#u64(ChunkHeaderOffset.firstRecordId);
  }

  get lastRecordId(): bigint {
    return this.#u64(ChunkHeaderOffset.lastRecordId);
  }

  /** Chunk offset just past the last live record, as the header has it. */
  get freeSpaceOffset(): number {
    return this.#u32(ChunkHeaderOffset.freeSpaceOffset);
  }

  /** Id of the record at a place that {@link walk} gave. */
  recordId(chunkOffset: number): bigint {
    return this.#u64(chunkOffset + RecordOffset.id);
  }

  /** FILETIME the record was written. Unreliable in exported logs: prefer System/TimeCreated. */
  writtenTime(chunkOffset: number): bigint {
    return this.#u64(chunkOffset + RecordOffset.writtenTime);
  }

  /**
   * Checks both CRC-32 sums.
   * @returns which are right; both are for a chunk that says it has none
   */
  checksums(): { header: boolean; records: boolean } {
    const { bytes } = this;
    if (bytes.length < CHUNK_HEADER_SIZE) return { header: false, records: false };
    if ((this.#u32(ChunkHeaderOffset.flags) & FileFlag.noChecksums) !== 0) return { header: true, records: true };
    const fixed = crc32(bytes, 0, FILE_CHECKSUM_SIZE);
    const tables = ChunkHeaderOffset.stringTable;
    const header = crc32(bytes, tables, CHUNK_HEADER_SIZE - tables, fixed);
    const end = this.freeSpaceOffset;
    const whole = end >= CHUNK_HEADER_SIZE && end <= bytes.length;
    return {
      header: header === this.#u32(ChunkHeaderOffset.headerChecksum),
      records:
        whole &&
        crc32(bytes, CHUNK_HEADER_SIZE, end - CHUNK_HEADER_SIZE) === this.#u32(ChunkHeaderOffset.recordsChecksum),
    };
  }

  /**
   * The places of the chunk's records, in file order.
   *
   * A record is believed when its magic is there, its size fits, and the copy of the size at its end agrees (or the
   * record behind it is where the size says). Where none stands, the rest is searched for the next one; every gap is
   * reported. Four zero bytes where a record should start end the live records: pages that were never written.
   */
  walk(options: WalkOptions = {}): RecordPlace[] {
    const live = this.liveRecords(options);
    const places: RecordPlace[] = [];
    for (const chunkOffset of live) {
      places.push({ chunkOffset, sizeBytes: this.#u32(chunkOffset + RecordOffset.size), recovered: false });
    }
    if (options.recover) {
      const last = places.at(-1);
      this.#recover(last === undefined ? CHUNK_HEADER_SIZE : last.chunkOffset + last.sizeBytes, places);
    }
    return places;
  }

  /** All records that stand anywhere behind the header, whatever the header says: for a slot that has lost it. */
  carve(): RecordPlace[] {
    const places: RecordPlace[] = [];
    this.#recover(CHUNK_HEADER_SIZE, places);
    return places;
  }

  /** Chunk offsets of the live records, in file order. The cheap form of {@link walk}. */
  liveRecords(options: WalkOptions = {}): Int32Array {
    const { bytes } = this;
    const claimed = this.freeSpaceOffset;
    const end = Math.min(Math.max(claimed, CHUNK_HEADER_SIZE), bytes.length);
    let count = 0;
    let at = CHUNK_HEADER_SIZE;
    while (at + MIN_RECORD_SIZE <= end) {
      const size = this.#recordSize(at, options.onDamage);
      if (size > 0) {
        offsetsFound[count++] = at;
        at += size;
        continue;
      }
      if (this.#u32(at) === 0) {
        options.onDamage?.(
          this.#damage('warning', at, `zeros where a record should start: the chunk ends ${end - at} bytes early`),
        );
        break;
      }
      const next = this.#nextRecord(at + RECORD_ALIGNMENT, end);
      options.onDamage?.(
        this.#damage('error', at, `no record where one should start; ${(next < 0 ? end : next) - at} bytes skipped`),
      );
      if (next < 0) break;
      at = next;
    }
    if (claimed > bytes.length && options.onDamage) {
      options.onDamage(
        this.#damage(
          'warning',
          ChunkHeaderOffset.freeSpaceOffset,
          `records are said to end at ${hexOffset(claimed)}, the chunk has ${bytes.length} bytes`,
        ),
      );
    }
    if (options.dirty === true && count > 0 && at === claimed) count = this.#staleHeader(at, count);
    const found = offsetsFound.subarray(0, count);
    return options.keep === undefined ? found.slice() : options.keep(found);
  }

  /** Records written after the header was last updated: they follow the live ones, with the next ids. */
  #staleHeader(from: number, count: number): number {
    let at = from;
    let id = this.recordId(offsetsFound[count - 1]!);
    for (;;) {
      const size = at + MIN_RECORD_SIZE <= this.bytes.length ? this.#recordSize(at, undefined) : 0;
      if (size === 0 || this.recordId(at) !== id + 1n) return count;
      id++;
      offsetsFound[count++] = at;
      at += size;
    }
  }

  #recover(from: number, places: RecordPlace[]): void {
    for (let at = this.#nextRecord(from, this.bytes.length); at >= 0; ) {
      const sizeBytes = this.#recordSize(at, undefined);
      places.push({ chunkOffset: at, sizeBytes, recovered: true });
      at = this.#nextRecord(at + sizeBytes, this.bytes.length);
    }
  }

  /** Size of the record at `at`, or 0 when none is believable there. */
  #recordSize(at: number, onDamage: WalkOptions['onDamage']): number {
    const { bytes } = this;
    const view = this.#view;
    if (view.getUint32(at, true) !== RECORD_MAGIC) return 0;
    const size = view.getUint32(at + RecordOffset.size, true);
    if (size < MIN_RECORD_SIZE || size > bytes.length - at) return 0;
    if (view.getUint32(at + size - 4, true) === size) return size;
    // A page that was never written takes the copy with it: the size still counts if something fitting stands behind.
    const next = at + size;
    const behind = next + 4 <= bytes.length ? u32(bytes, next) : 0;
    const followed = next === this.freeSpaceOffset || behind === RECORD_MAGIC || behind === 0;
    if (!followed || size % RECORD_ALIGNMENT !== 0) return 0;
    onDamage?.(
      this.#damage('warning', at, `the size at the record's end is ${u32(bytes, at + size - 4)}, at its start ${size}`),
    );
    return size;
  }

  /** Next aligned offset in `from … end` where a record with an agreeing size copy starts; -1 when there is none. */
  #nextRecord(from: number, end: number): number {
    const { bytes } = this;
    const first = Math.ceil(from / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
    for (let at = first; at + MIN_RECORD_SIZE <= end; at += RECORD_ALIGNMENT) {
      if (u32(bytes, at) !== RECORD_MAGIC) continue;
      const size = u32(bytes, at + RecordOffset.size);
      if (size >= MIN_RECORD_SIZE && size <= end - at && u32(bytes, at + size - 4) === size) return at;
    }
    return -1;
  }

  #damage(severity: Damage['severity'], chunkOffset: number, what: string): Damage {
    return { severity, slot: this.slot, fileOffset: this.fileOffset + chunkOffset, what };
  }

  /**
   * The Binary XML document of a record.
   * @param onDamage told of oddities that could be read over: unclosed elements, bytes left behind the document
   * @throws BinXmlError when it is damaged
   */
  document(chunkOffset: number, onDamage?: (damage: Damage) => void): Fragment {
    this.#reader ??= new BinXmlReader(this.bytes, templates);
    const size = this.#u32(chunkOffset + RecordOffset.size);
    const end = chunkOffset + size - 4;
    const reader = this.#reader;
    const recordId = onDamage && this.recordId(chunkOffset);
    reader.note = onDamage && ((at, what) => onDamage({ ...this.#damage('warning', at, what), recordId: recordId! }));
    const document = reader.readDocument(chunkOffset + RecordOffset.binXml, end);
    if (onDamage !== undefined && end - document.end >= RECORD_ALIGNMENT) {
      const what = `${end - document.end} bytes are left behind the event: another record may hide there`;
      onDamage({ ...this.#damage('warning', document.end, what), recordId: recordId! });
    }
    return document.fragment;
  }

  /** Points a cursor at a record that is one template instance; false when it is not, or not in order. */
  readInstance(chunkOffset: number, cursor: InstanceCursor): boolean {
    this.#reader ??= new BinXmlReader(this.bytes, templates);
    const end = chunkOffset + this.#view.getUint32(chunkOffset + RecordOffset.size, true) - 4;
    return this.#reader.readInstance(chunkOffset + RecordOffset.binXml, end, cursor);
  }

  /**
   * The template that the instance at a chunk offset uses.
   * @throws BinXmlError when its definition is damaged
   */
  templateAt(chunkOffset: number, end: number): Template {
    this.#reader ??= new BinXmlReader(this.bytes, templates);
    return this.#reader.templateOfInstance(chunkOffset, end);
  }

  /** The template that the document at a chunk offset, which has none, is looked at with; undefined when it is not that simple. */
  templateOfShape(chunkOffset: number, end: number): Template | undefined {
    this.#reader ??= new BinXmlReader(this.bytes, templates);
    return this.#reader.readInstance(chunkOffset, end, shapeCursor) ? shapeCursor.template : undefined;
  }

  /** The byte form of a definition whose template {@link templateAt} gave; undefined when it cannot be told by it. */
  definitionForm(definitionOffset: number): DefinitionForm | undefined {
    return this.#reader?.formOfDefinition(definitionOffset);
  }

  /** A record hidden behind the event of another one, as some attack tools leave it; undefined when there is none. */
  hiddenRecord(chunkOffset: number): RecordPlace | undefined {
    this.#reader ??= new BinXmlReader(this.bytes, templates);
    const end = chunkOffset + this.#u32(chunkOffset + RecordOffset.size) - 4;
    const document = this.#reader.readDocument(chunkOffset + RecordOffset.binXml, end);
    const at = end - document.end >= RECORD_ALIGNMENT ? this.#nextRecord(document.end, end + 4) : -1;
    return at < 0 ? undefined : { chunkOffset: at, sizeBytes: this.#u32(at + RecordOffset.size), recovered: true };
  }
}
