import { BinXmlError } from '../../binxml/error.ts';
import { u32, u64 } from '../../bytes/little-endian.ts';
import { EvtError } from '../../errors/evt-error.ts';
import { Chunk, hasChunkMagic } from '../../evtx/chunk.ts';
import { readFileHeader } from '../../evtx/file-header.ts';
import {
  CHUNK_HEADER_SIZE,
  CHUNK_SIZE,
  ChunkHeaderOffset,
  FILE_HEADER_SIZE,
  RECORD_MAGIC,
  RecordOffset,
} from '../../evtx/layout.ts';
import { RecordCursor } from '../../evtx/record-cursor.ts';
import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import type { LogDamage } from '../service.ts';
import { chunkOfRecord } from './chunk-order.ts';
import { readAt, readEach, statFile, statOpenFile } from './files.ts';
import { LogFile } from './log-file.ts';
import { FoundRecord, OutOfTime } from './log-walker.ts';
import { recordDamage } from './record-damage.ts';
import { isSelected, type Selector } from './selector.ts';

/** A position in front of every record. */
const NOWHERE = -1n;
/** First id of a chunk without records. */
const NO_RECORD_ID = 0xffff_ffff_ffff_ffffn;
/** Reads of a chunk that changes under them, before it is taken as it is. */
const READS = 3;
/** Looks at a log that changes under them, before the caller is told that there is nothing yet. */
const LOOKS = 8;
/** Ids of one chunk's records lie closer together than this. */
const MAX_RECORDS = 4096n;
/** Slots looked at in one request, before others may run. */
const PEEK_BATCH = 64;

/** The failures of a log that is just being replaced: it will be there in a moment. */
const NOT_YET: readonly string[] = ['ERROR_FILE_NOT_FOUND', 'ERROR_PATH_NOT_FOUND', 'ERROR_EVENTLOG_FILE_CORRUPT'];

export interface TailOptions {
  /** Name in bookmarks and in EvtEventPath: channel name or full path. */
  readonly name: string;
  /** Undefined: every record. */
  readonly selector: Selector | undefined;
  readonly onDamage: ((damage: LogDamage) => void) | undefined;
  /** Told of records that are gone before they were read, and how many; 0 where that cannot be known. */
  readonly onMissed: (records: bigint) => void;
  /** Told in front of the first record of a log that took the old one's place without its records: it was cleared, or rotated. */
  readonly onRenewed: () => void;
}

/** A chunk with records, as its header has it. */
interface Head {
  readonly slot: number;
  readonly firstId: bigint;
}

/** A chunk as it was at one moment. */
interface Snapshot {
  readonly slot: number;
  readonly chunk: Chunk;
  readonly offsets: ArrayLike<number>;
  /** Its checksums hold, or nothing is added to it any more: what cannot be read in it will never be. */
  readonly isFinal: boolean;
  /** Its checksums hold: what it says is so. */
  readonly isSound: boolean;
  /** Chunk offset behind the last record. */
  readonly end: number;
  readonly buffer: Uint8Array;
  /** An event points into the buffer. */
  handedOut: boolean;
}

/**
 * Follows a log that others write to, by its record ids: they ascend for ever, whatever happens to the file. It may be
 *
 * - appended to: the newest chunk's header changes, or a chunk follows in the next slot, or in slot 0;
 * - reused: the slot of the oldest chunk gets a new one, maybe the one that is read here;
 * - replaced by another file (cleared, rotated, synchronised): the old one is read to its end, then the new one;
 * - cut anywhere, while it is being copied: what cannot be read yet comes later.
 *
 * What it gives are views into copies of chunks: they stay as they are.
 */
export class LogTail {
  readonly path: string;
  readonly #options: TailOptions;
  #log: LogFile;
  /** Which file {@link #log} is, whatever its name is now. */
  #inode: { readonly dev: bigint; readonly ino: bigint };
  #dirty: boolean;
  #header: Uint8Array = new Uint8Array(0);
  #current: Snapshot | undefined;
  #nextRecord = 0;
  /** The chunks that the last search found, and the place of the current one among them. */
  #known: readonly Head[] = [];
  #knownAt = -1;
  #last = NOWHERE;
  /** Nothing was read yet of the file that took the old one's place. */
  #isReplaced = false;
  #lastWritten = 0n;
  #closed = false;
  readonly #record = new RecordCursor();

  private constructor(path: string, log: LogFile, inode: { dev: bigint; ino: bigint }, options: TailOptions) {
    this.path = path;
    this.#log = log;
    this.#inode = inode;
    this.#dirty = log.header.dirty;
    this.#options = options;
  }

  /**
   * Opens a log to follow it. It stands nowhere yet: see the `start…` functions. Cancelled or failed, nothing stays open.
   * @throws EvtError as {@link LogFile.open}
   */
  static *open(path: string, operation: Operation, options: TailOptions): Task<LogTail> {
    const log = yield* openLog(path, operation, options);
    try {
      return new LogTail(path, log, yield* statOpenFile(log.fd, operation.api, path), options);
    } catch (error) {
      log.close();
      throw error;
    }
  }

  get name(): string {
    return this.#options.name;
  }

  /** Id of the last record that was looked at; below 0 when nothing is known of any. */
  get position(): bigint {
    return this.#last;
  }

  /** Begins in front of the oldest record. */
  *startAtOldest(operation: Operation): Task<void> {
    const first = yield* this.#oldestId(operation);
    this.#startBehind(first === undefined ? this.#idBeforeFirst : first - 1n);
  }

  /** Begins behind the newest record. */
  *startAtEnd(operation: Operation): Task<void> {
    this.#startBehind((yield* this.#newestId(operation)) ?? this.#idBeforeFirst);
  }

  #startBehind(id: bigint): void {
    this.#last = id;
    const { chunk, offsets } = this.#current ?? {};
    // Chunks in between may hold what comes next.
    if (offsets?.[0] === undefined || chunk!.recordId(offsets[0]) > id + 1n) this.#current = undefined;
  }

  /**
   * Begins behind a record. Where the log lacks it: behind its place; and where it has only older ones, at the oldest, because
   * it then is another log, or one that counts anew.
   * @throws EvtError, when strict, ERROR_EVT_QUERY_RESULT_STALE (15011) for a record that is gone, ERROR_NOT_FOUND (1168) for
   *   one that never was
   */
  *startAfter(id: bigint, strict: boolean, operation: Operation): Task<void> {
    const { api } = operation;
    const missing = (gone: boolean) =>
      gone
        ? new EvtError('ERROR_EVT_QUERY_RESULT_STALE', api, `record ${id} of ${this.name} was overwritten or cleared`)
        : new EvtError('ERROR_NOT_FOUND', api, `${this.name} has no record ${id}`);
    const newest = (yield* this.#newestId(operation)) ?? this.#idBeforeFirst;
    if (newest < id) {
      if (strict) throw missing(false);
      yield* this.startAtOldest(operation);
      return;
    }
    const isThere = yield* this.#has(id, operation);
    if (strict && !isThere) throw missing(true);
    this.#startBehind(id);
  }

  *#has(id: bigint, operation: Operation): Task<boolean> {
    const { order } = this.#log;
    if (order.length === 0) return false;
    const index = yield* chunkOfRecord(this.#log, order, id, operation);
    if (!(yield* this.#load(order.slotAt(index), operation))) return false;
    const { chunk, offsets } = this.#current!;
    for (let i = 0; i < offsets.length; i++) if (chunk.recordId(offsets[i]!) === id) return true;
    return false;
  }

  *#oldestId(operation: Operation): Task<bigint | undefined> {
    const { order } = this.#log;
    for (let index = 0; index < order.length; index++) {
      operation.checkpoint();
      yield TURN;
      if (!(yield* this.#load(order.slotAt(index), operation))) continue;
      const { chunk, offsets } = this.#current!;
      if (offsets.length > 0) return chunk.recordId(offsets[0]!);
    }
    return undefined;
  }

  *#newestId(operation: Operation): Task<bigint | undefined> {
    const { order } = this.#log;
    for (let index = order.length - 1; index >= 0; index--) {
      operation.checkpoint();
      yield TURN;
      if (!(yield* this.#load(order.slotAt(index), operation))) continue;
      const { chunk, offsets } = this.#current!;
      if (offsets.length === 0) continue;
      const last = offsets[offsets.length - 1]!;
      this.#lastWritten = chunk.writtenTime(last);
      return chunk.recordId(last);
    }
    return undefined;
  }

  /**
   * A log without records says which id comes next; a header that cannot be believed says nothing, nor does that of a file whose
   * chunks are still to come.
   */
  get #idBeforeFirst(): bigint {
    const { header, order } = this.#log;
    const { checksumValid, nextRecordId, chunkCount } = header;
    const isWhole = order.length > 0 && order.length >= chunkCount;
    return checksumValid && isWhole && nextRecordId > 0n ? nextRecordId - 1n : NOWHERE;
  }

  /**
   * The next record that is selected; undefined when there is none yet. Whatever ends it, the position is behind all that has
   * been looked at.
   * @throws OutOfTime
   */
  *next(operation: Operation): Task<FoundRecord | undefined> {
    for (;;) {
      const found = yield* this.#nextInChunk(operation);
      if (found !== undefined) return found;
      if (!(yield* this.#advance(operation))) return undefined;
    }
  }

  *#nextInChunk(operation: Operation): Task<FoundRecord | undefined> {
    const current = this.#current;
    if (current === undefined) return undefined;
    const { chunk, offsets, isSound } = current;
    const { firstRecordId } = chunk;
    for (; this.#nextRecord < offsets.length; this.#nextRecord++) {
      const chunkOffset = offsets[this.#nextRecord]!;
      const id = chunk.recordId(chunkOffset);
      if (id <= this.#last) continue;
      operation.poll();
      if ((this.#nextRecord & 31) === 31) {
        if (operation.timedOut) throw new OutOfTime();
        if (operation.turnDue()) yield TURN;
      }
      const wanted = this.#isWanted(chunk, chunkOffset);
      if (wanted instanceof BinXmlError) {
        // Half of it may not have been written yet.
        if (!current.isFinal) return undefined;
        this.#tellRecord(chunk, chunkOffset, wanted);
      }
      // A damaged id would be taken for the log's position, and everything behind it for older.
      if (!isSound && (id < firstRecordId || id - firstRecordId > MAX_RECORDS)) continue;
      if (this.#isReplaced) this.#tellRenewed();
      if (this.#last > NOWHERE && id > this.#last + 1n) this.#options.onMissed(id - this.#last - 1n);
      this.#last = id;
      this.#lastWritten = chunk.writtenTime(chunkOffset);
      if (wanted !== true) continue;
      current.handedOut = true;
      return new FoundRecord(chunk, chunkOffset, 0, this.#nextRecord++, false);
    }
    return undefined;
  }

  #isWanted(chunk: Chunk, chunkOffset: number): boolean | BinXmlError {
    try {
      return isSelected(this.#record, chunk, chunkOffset, this.#options.selector);
    } catch (error) {
      if (error instanceof BinXmlError) return error;
      throw error;
    }
  }

  #tellRecord(chunk: Chunk, chunkOffset: number, error: BinXmlError): void {
    this.#options.onDamage?.(recordDamage(this.path, chunk, chunkOffset, error.what, error.chunkOffset));
  }

  /** Whether the current chunk has records behind the position. */
  get #hasUnread(): boolean {
    const current = this.#current;
    if (current === undefined) return false;
    const { chunk, offsets } = current;
    while (this.#nextRecord < offsets.length && chunk.recordId(offsets[this.#nextRecord]!) <= this.#last) {
      this.#nextRecord++;
    }
    return this.#nextRecord < offsets.length;
  }

  /** A copy that is brought up to date is replaced, too, and still has the records that were read. */
  #tellRenewed(): void {
    this.#isReplaced = false;
    const oldest = this.#known[0]?.firstId;
    if (this.#last > NOWHERE && (oldest === undefined || oldest > this.#last)) this.#options.onRenewed();
  }

  /** Goes to the chunk that holds the next record; false when there is none yet. */
  *#advance(operation: Operation): Task<boolean> {
    for (let look = 0; look < LOOKS; look++) {
      operation.checkpoint();
      yield TURN;
      const outcome = yield* this.#look(operation);
      if (outcome !== 'again') return outcome === 'records';
    }
    return false;
  }

  *#look(operation: Operation): Task<'records' | 'nothing' | 'again'> {
    // Asked before the old file is looked at: what is in it by then is all that will ever be.
    const { replaced, sizeBytes } = yield* this.#stat(operation);
    const found = yield* this.#lookInFile(sizeBytes, operation);
    if (found !== 'nothing' || !replaced) return found;
    if (this.#settle()) return 'records';
    return (yield* this.#reopen(operation)) ? 'again' : 'nothing';
  }

  *#stat(operation: Operation): Task<{ replaced: boolean; sizeBytes: number }> {
    const { api } = operation;
    try {
      const { dev, ino, size } = yield* statFile(this.path, api);
      if (dev === this.#inode.dev && ino === this.#inode.ino) return { replaced: false, sizeBytes: Number(size) };
    } catch (error) {
      if (!isNotYet(error)) throw error;
      return { replaced: false, sizeBytes: Number((yield* statOpenFile(this.#log.fd, api, this.path)).size) };
    }
    return { replaced: true, sizeBytes: Number((yield* statOpenFile(this.#log.fd, api, this.path)).size) };
  }

  *#lookInFile(sizeBytes: number, operation: Operation): Task<'records' | 'nothing' | 'again'> {
    const log = this.#log;
    const slots = this.#slotsOf(sizeBytes);
    const current = this.#current;
    const known = this.#known[this.#knownAt + 1];
    const wanted = [0, ...(known === undefined ? [] : [known.slot])];
    if (current !== undefined) wanted.push(current.slot, current.slot + 1);
    const inFile = [...new Set(wanted)].filter((slot) => slot < slots);
    const positions = [0, ...inFile.map((slot) => log.offsetOf(slot))];
    // Where the next record of this chunk would begin.
    if (current !== undefined) positions.push(log.offsetOf(current.slot) + current.end);
    const [header, ...heads] = yield* readEach(log.fd, positions, CHUNK_HEADER_SIZE, operation, log.path);
    const headOf = (slot: number) => heads[inFile.indexOf(slot)] ?? new Uint8Array(0);
    const headerChanged = this.#noteHeader(header!);

    if (current === undefined) {
      const mayHaveChunks = headerChanged || slots <= PEEK_BATCH || firstIdOf(headOf(0)) !== undefined;
      return mayHaveChunks ? yield* this.#search(operation) : 'nothing';
    }
    const head = headOf(current.slot);
    if (!isSameChunk(head, current.chunk.bytes)) return yield* this.#search(operation);
    const behind = current.end < CHUNK_SIZE ? heads.at(-1)! : head.subarray(0, 0);
    const grown = behind.length >= 4 && u32(behind, 0) === RECORD_MAGIC;
    if (!current.isFinal || grown || !isEqual(head, current.chunk.bytes.subarray(0, CHUNK_HEADER_SIZE))) {
      if (!(yield* this.#load(current.slot, operation, current.chunk.firstRecordId))) return 'again';
      if (this.#isReadable) return 'records';
    }

    const next = [current.slot + 1, 0]
      .filter((slot) => slot !== current.slot)
      .map((slot) => ({ slot, firstId: firstIdOf(headOf(slot)) ?? NOWHERE }))
      .find(({ firstId }) => firstId > current.chunk.firstRecordId);
    const isKnown = known !== undefined && firstIdOf(headOf(known.slot)) === known.firstId;
    const following = next?.firstId === this.#last + 1n ? next : isKnown ? known : undefined;
    if (following !== undefined) {
      // Nothing is added to a chunk once another one follows.
      if (this.#settle()) return 'records';
      return yield* this.#enter(following, operation);
    }
    const announced = headerChanged && nextIdOf(header!) > this.#last + 1n;
    if (next !== undefined || known !== undefined || announced) return yield* this.#search(operation);
    return 'nothing';
  }

  #slotsOf(sizeBytes: number): number {
    return Math.max(0, Math.ceil((sizeBytes - this.#log.blockSize) / CHUNK_SIZE));
  }

  *#enter({ slot, firstId }: Head, operation: Operation): Task<'records' | 'nothing' | 'again'> {
    if (!(yield* this.#load(slot, operation, firstId))) return 'again';
    if (this.#known[this.#knownAt + 1]?.slot === slot) this.#knownAt++;
    else this.#known = [];
    // A chunk whose records are all behind the position, or cannot be read yet, is looked at like the one before.
    return this.#isReadable ? 'records' : 'again';
  }

  /** Whether there is an unread record that is not waited for. */
  get #isReadable(): boolean {
    if (!this.#hasUnread) return false;
    const { chunk, offsets, isFinal } = this.#current!;
    const chunkOffset = offsets[this.#nextRecord]!;
    return isFinal || !(this.#isWanted(chunk, chunkOffset) instanceof BinXmlError);
  }

  /** Takes the current chunk as it is, damaged or not: nothing will be added to it. @returns whether that gives records */
  #settle(): boolean {
    const current = this.#current;
    if (current === undefined || current.isFinal) return false;
    const { chunk } = current;
    const { onDamage } = this.#options;
    const offsets = chunk.liveRecords({
      dirty: this.#dirty,
      onDamage: onDamage && ((damage) => onDamage({ ...damage, path: this.path })),
    });
    this.#current = { ...current, offsets, isFinal: true };
    this.#nextRecord = 0;
    return this.#hasUnread;
  }

  /** Looks at all slots for the oldest chunk that has records behind the position. */
  *#search(operation: Operation): Task<'records' | 'nothing' | 'again'> {
    const heads = yield* this.#settledHeads(operation);
    if (heads === undefined) return 'again';
    let index = heads.findLastIndex(({ firstId }) => firstId <= this.#last + 1n);
    this.#current = undefined;
    this.#known = heads;
    for (index = Math.max(0, index); index < heads.length; index++) {
      operation.checkpoint();
      yield TURN;
      const { slot, firstId } = heads[index]!;
      if (!(yield* this.#load(slot, operation, firstId))) return 'again';
      this.#knownAt = index;
      if (index < heads.length - 1) this.#settle();
      if (this.#isReadable) return 'records';
    }
    return this.#countsAnew() ? 'again' : 'nothing';
  }

  /**
   * The chunks of the file. Where chunks are written meanwhile, what was read of some is older than what was read of others: ids that
   * are missing in front of the next chunk are only missing when they still are after it has been seen.
   */
  *#settledHeads(operation: Operation): Task<Head[] | undefined> {
    const nextOf = (heads: readonly Head[]) => heads.find(({ firstId }) => firstId > this.#last)?.firstId;
    let heads = yield* this.#heads(operation);
    for (let look = 0; look < LOOKS; look++) {
      const next = nextOf(heads);
      if (next === undefined || next === this.#last + 1n) return heads;
      heads = yield* this.#heads(operation);
      if (nextOf(heads) === next) return heads;
    }
    return undefined;
  }

  /** A log that has only older ids, of records that were written later, is one that counts from 1 again. */
  #countsAnew(): boolean {
    const current = this.#current;
    const last = current?.offsets[current.offsets.length - 1];
    if (last === undefined) return false;
    const { chunk } = current!;
    if (chunk.recordId(last) >= this.#last || chunk.writtenTime(last) <= this.#lastWritten) return false;
    this.#options.onMissed(0n);
    this.#last = NOWHERE;
    this.#current = undefined;
    return true;
  }

  /** The chunks of the file that have records, in the order of their ids. */
  *#heads(operation: Operation): Task<Head[]> {
    const { fd, path } = this.#log;
    // Asked anew each time: the file may have grown since it was looked at last.
    const slots = this.#slotsOf(Number((yield* statOpenFile(fd, operation.api, path)).size));
    const found: Head[] = [];
    for (let from = 0; from < slots; from += PEEK_BATCH) {
      operation.checkpoint();
      yield TURN;
      const batch = Array.from({ length: Math.min(PEEK_BATCH, slots - from) }, (_, i) => from + i);
      const positions = batch.map((slot) => this.#log.offsetOf(slot));
      const heads = yield* readEach(fd, positions, CHUNK_HEADER_SIZE, operation, path);
      for (const [i, head] of heads.entries()) {
        const firstId = firstIdOf(head);
        if (firstId !== undefined) found.push({ slot: from + i, firstId });
      }
    }
    return found.sort((a, b) => (a.firstId < b.firstId ? -1 : a.firstId > b.firstId ? 1 : a.slot - b.slot));
  }

  /**
   * Reads a chunk as it is at one moment. False when the slot holds none, or not the one that begins with `firstId`; there is no
   * current chunk then.
   */
  *#load(slot: number, operation: Operation, firstId?: bigint): Task<boolean> {
    const log = this.#log;
    const previous = this.#current;
    const buffer = previous?.handedOut === false ? previous.buffer : new Uint8Array(CHUNK_SIZE);
    this.#current = undefined;
    this.#nextRecord = 0;
    for (let read = 1; ; read++) {
      const filled = yield* readAt(log.fd, buffer, log.offsetOf(slot), operation, log.path);
      const bytes = buffer.subarray(0, filled);
      if (filled < CHUNK_HEADER_SIZE || !hasChunkMagic(bytes)) return false;
      const chunk = new Chunk(bytes, slot, log.offsetOf(slot));
      if (firstId !== undefined && chunk.firstRecordId !== firstId) return false;
      const { header, records } = chunk.checksums();
      const isFinal = header && records;
      if (!isFinal && read < READS) {
        // Written to while it was read? Then its header is another one by now.
        const [after] = yield* readEach(log.fd, [log.offsetOf(slot)], CHUNK_HEADER_SIZE, operation, log.path);
        if (!isEqual(after!, bytes.subarray(0, CHUNK_HEADER_SIZE))) continue;
      }
      const live = chunk.liveRecords({ dirty: this.#dirty });
      const { offsets, end } = isFinal ? { offsets: live, end: endOf(chunk, live) } : wholeRecords(chunk, live);
      this.#current = { slot, chunk, offsets, isFinal, isSound: isFinal, end, buffer, handedOut: false };
      return true;
    }
  }

  /** Notes what the file header says. @returns whether it has changed */
  #noteHeader(bytes: Uint8Array): boolean {
    const header = bytes.subarray(0, FILE_HEADER_SIZE);
    if (isEqual(header, this.#header)) return false;
    this.#header = header;
    try {
      this.#dirty = readFileHeader(header).dirty;
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
    }
    return true;
  }

  /** Goes over to the file that has taken the log's name. False when it cannot be read yet. */
  *#reopen(operation: Operation): Task<boolean> {
    let log: LogFile;
    try {
      log = yield* openLog(this.path, operation, this.#options);
    } catch (error) {
      if (isNotYet(error)) return false;
      throw error;
    }
    try {
      const inode = yield* statOpenFile(log.fd, operation.api, this.path);
      operation.commit(() => {
        this.#log.close();
        this.#log = log;
        this.#inode = inode;
        this.#isReplaced = true;
        this.#dirty = log.header.dirty;
        this.#header = new Uint8Array(0);
        this.#current = undefined;
        this.#known = [];
        this.#knownAt = -1;
      });
      return true;
    } catch (error) {
      log.close();
      throw error;
    }
  }

  /** Lets go of the file. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#current = undefined;
    this.#log.close();
  }
}

function openLog(path: string, operation: Operation, { name }: TailOptions): Task<LogFile> {
  return LogFile.open(path, operation, { name, recover: false, onDamage: undefined });
}

function isNotYet(error: unknown): boolean {
  return error instanceof EvtError && NOT_YET.includes(error.symbol);
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Id of the first record of the chunk that a header is of; undefined when the slot holds no record. */
function firstIdOf(head: Uint8Array): bigint | undefined {
  if (head.length < CHUNK_HEADER_SIZE || !hasChunkMagic(head)) return undefined;
  const id = u64(head, ChunkHeaderOffset.firstRecordId);
  return id === NO_RECORD_ID ? undefined : id;
}

/** Whether a slot still holds the chunk that was read from it, maybe with more records. */
function isSameChunk(head: Uint8Array, bytes: Uint8Array): boolean {
  const id = firstIdOf(head);
  const number = ChunkHeaderOffset.firstRecordNumber;
  return id !== undefined && id === firstIdOf(bytes) && u64(head, number) === u64(bytes, number);
}

/** The id that a file header says comes next; 0 when it says nothing. */
function nextIdOf(header: Uint8Array): bigint {
  try {
    const { checksumValid, nextRecordId } = readFileHeader(header.subarray(0, FILE_HEADER_SIZE));
    return checksumValid ? nextRecordId : 0n;
  } catch (error) {
    if (error instanceof EvtError) return 0n;
    throw error;
  }
}

function endOf(chunk: Chunk, offsets: ArrayLike<number>): number {
  const last = offsets[offsets.length - 1];
  const end = last === undefined ? CHUNK_HEADER_SIZE : last + u32(chunk.bytes, last + RecordOffset.size);
  return Math.max(end, chunk.freeSpaceOffset);
}

/** The records of a chunk that is still being written, up to the first that is not there as a whole. */
function wholeRecords(chunk: Chunk, live: ArrayLike<number>): { offsets: number[]; end: number } {
  const { bytes } = chunk;
  const offsets: number[] = [];
  let end = CHUNK_HEADER_SIZE;
  for (let i = 0; i < live.length && live[i] === end; i++) {
    const size = u32(bytes, end + RecordOffset.size);
    if (u32(bytes, end + size - 4) !== size) break;
    offsets.push(end);
    end += size;
  }
  return { offsets, end };
}
