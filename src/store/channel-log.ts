import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Fragment } from '../binxml/tree.ts';
import { EvtError } from '../errors/evt-error.ts';
import { hasChunkMagic } from '../evtx/chunk.ts';
import { ChunkWriter } from '../evtx/chunk-writer.ts';
import { fileHeaderBytes } from '../evtx/file-writer.ts';
import { CHUNK_HEADER_SIZE, CHUNK_MAGIC, CHUNK_SIZE, FileFlag, HEADER_BLOCK_SIZE } from '../evtx/layout.ts';
import type { Operation } from '../operations/operation.ts';
import { isAsynchronous, type Task } from '../operations/task.ts';
import { type Disk, diskError } from './disk.ts';
import type { Held, StoreLock } from './lock.ts';
import { type LogState, readLogState, slotOffset } from './log-state.ts';

/** What happens to a log that has reached its size. */
export type LogMode = 'circular' | 'retain' | 'autoBackup';

/** When an event is acknowledged: written, so that it outlives this process; or on the disk, so that it outlives the machine's. */
export type Durability = 'os' | 'disk';

/** How large a log may grow, and what then. */
export interface LogLimits {
  readonly maxSizeBytes: number;
  readonly mode: LogMode;
}

/** An event to be appended, made when its record id is known. */
export interface Draft {
  /** @throws EvtError when it holds what an event cannot */
  readonly document: (recordId: bigint) => Fragment;
  /** FILETIME; that of the event's TimeCreated. */
  readonly writtenTime: bigint;
}

/** Of each event its record id, or why it could not be written; the others are not touched by that. */
export type AppendResult = bigint | EvtError;

/** A file grows by so many slots, as Windows' do; the last of them only as far as the log may grow. */
const GROWTH_SLOTS = 16;
/** What the first new record begins with: written last, it makes the new records appear all at once. */
const RECORD_HEAD = 8;
const EMPTY_SLOT = new Uint8Array(CHUNK_SIZE);

/** A log of one chunk, closed: with one event or none. */
export function newLog(nextRecordId: bigint, first: Draft | undefined): Uint8Array {
  const chunk = new ChunkWriter(1n);
  const count = first === undefined ? 0n : 1n;
  if (first !== undefined) chunk.add(first.document(nextRecordId), nextRecordId, first.writtenTime);
  const bytes = new Uint8Array(HEADER_BLOCK_SIZE + CHUNK_SIZE);
  const header = { oldestChunk: 0, currentChunk: 0, nextRecordId: nextRecordId + count, chunkCount: 1, flags: 0 };
  bytes.set(fileHeaderBytes(header));
  bytes.set(chunk.finish(), HEADER_BLOCK_SIZE);
  return bytes;
}

/**
 * One channel's log, for who appends to it. Any number of processes may have one; whoever appends holds the lock meanwhile.
 *
 * What a kill leaves behind, at any moment, is a log that opens, with every acknowledged event in it, and nothing half written:
 *
 * - Records are written behind the last one, where nobody looks; then the first eight bytes of the first of them, which make them
 *   records; then the chunk's header, whose checksums hold again. The header is one write within one page.
 * - A new chunk's header and first record appear in one write.
 * - Only then is an event acknowledged.
 *
 * The file header is kept for closed logs: while one is dirty, readers go by its chunks.
 */
export class ChannelLog {
  readonly file: string;
  readonly #disk: Disk;
  readonly #lock: StoreLock;
  readonly #onChanged: (file: string) => void;
  #fd = -1;
  /** Records with lower ids are in the file, also when what followed has failed. */
  #visible = 0n;
  #inode = 0n;
  /** Made here: its name may not be on the disk yet. */
  #isNew = false;
  #state: MutableState | undefined;
  /** The number under which the lock was held last. */
  #generation = -1;

  /** @param onChanged told after each change of the file */
  constructor(file: string, disk: Disk, lock: StoreLock, onChanged: (file: string) => void = () => {}) {
    this.file = file;
    this.#disk = disk;
    this.#lock = lock;
    this.#onChanged = onChanged;
  }

  /**
   * Appends events, in order. Nothing is written when it is cancelled while it waits for the lock.
   * @returns for each its record id, or why it was not written: ERROR_LOG_FILE_FULL (1502), ERROR_EVT_INVALID_EVENT_DATA (15005)
   * @throws EvtError ERROR_DISK_FULL (112), ERROR_ACCESS_DENIED (5), ERROR_WRITE_FAULT (29): none of them is acknowledged then;
   *   ERROR_CANCELLED (1223)
   */
  *append(
    drafts: readonly Draft[],
    limits: LogLimits,
    durability: Durability,
    operation: Operation,
  ): Task<AppendResult[]> {
    const results: AppendResult[] = [];
    const append = function* (this: ChannelLog): Task<void> {
      operation.checkpoint();
      this.#visible = this.nextRecordId;
      for (const draft of drafts) {
        results.push(yield* this.#add(draft, limits, operation));
      }
      this.#flush();
      if (durability === 'disk') {
        yield* this.#disk.sync(this.#fd);
        if (this.#isNew) yield* this.#disk.syncFolder(path.dirname(this.file));
        this.#isNew = false;
      }
    };
    try {
      yield* this.locked(operation, append);
      return results;
    } catch (error) {
      // Chunks that were full before it failed are written: who writes those events again would have them twice.
      const isThere = (result: AppendResult | undefined) => typeof result === 'bigint' && result < this.#visible;
      if (durability === 'disk' || !(error instanceof EvtError) || !results.some(isThere)) throw error;
      return drafts.map((_, i) => (isThere(results[i]) || results[i] instanceof EvtError ? results[i]! : error));
    }
  }

  /** Runs `body` while no other process changes the log. */
  *locked<T>(operation: Operation, body: (this: ChannelLog) => Task<T>): Task<T> {
    const held = yield* this.#hold(operation);
    // Where nothing else runs in this thread, nobody could let go of it later.
    const asynchronous = yield* isAsynchronous();
    let done = false;
    try {
      const result = yield* body.call(this);
      done = true;
      return result;
    } catch (error) {
      throw diskError(error, operation.api, this.file);
    } finally {
      this.#letGo(held, done, done && asynchronous);
    }
  }

  *#hold(operation: Operation): Task<Held> {
    const held = yield* this.#lock.acquire(operation);
    try {
      this.#refresh(held, operation.api);
      return held;
    } catch (error) {
      this.#letGo(held, false, false);
      throw diskError(error, operation.api, this.file);
    }
  }

  /** @param done false: a change failed, and what is known of the log is read anew next time */
  #letGo(held: Held, done: boolean, soon: boolean): void {
    if (!done) this.#forget();
    this.#generation = held.generation;
    if (soon) held.releaseSoon();
    else held.release();
    this.#onChanged(this.file);
  }

  /** The open file, for who holds the lock. */
  get fd(): number {
    return this.#fd;
  }

  /** Id of the record that is written next, for who holds the lock. */
  get nextRecordId(): bigint {
    return this.#state!.nextRecordId;
  }

  /** Looks what others have done since this log was last changed here. */
  #refresh(held: Held, api: string): void {
    const nobodyBetween = held.generation === this.#generation || held.generation === this.#generation + 1;
    if (this.#state !== undefined && nobodyBetween) return;
    this.#forget();
    this.#open();
    const { size, ino } = fs.fstatSync(this.#fd, { bigint: true });
    this.#inode = ino;
    const state = readLogState(this.#disk, this.#fd, Number(size), this.file, api);
    this.#state = mutable(state, Number(size));
    if (state.dirty) this.#repair();
  }

  #open(): void {
    const disk = this.#disk;
    try {
      this.#fd = disk.open(this.file, 'r+');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const draft = this.#besideName();
      const fd = disk.open(draft, 'wx+');
      try {
        disk.write(fd, newLog(1n, undefined), 0);
        disk.link(draft, this.file);
        this.#isNew = true;
      } finally {
        disk.close(fd);
        disk.remove(draft);
      }
      this.#fd = disk.open(this.file, 'r+');
    }
  }

  /** The name beside the log for what takes its place; what a killed writer has left there is removed. */
  #besideName(): string {
    const name = path.join(path.dirname(this.file), `.${path.basename(this.file)}.next`);
    this.#disk.remove(name);
    return name;
  }

  /** What a writer that was killed has left: a stale chunk header, bytes behind the last record, a chunk that never began. */
  #repair(): void {
    const state = this.#state!;
    if (state.chunk !== undefined) this.#disk.write(this.#fd, state.chunk.finish(), slotOffset(state.current));
    const slots = Math.ceil((state.sizeBytes - HEADER_BLOCK_SIZE) / CHUNK_SIZE);
    const bytes = new Uint8Array(CHUNK_SIZE);
    for (let slot = 0; slot < slots; slot++) {
      const at = slotOffset(slot);
      const isChunk = this.#disk.read(this.#fd, bytes.subarray(0, CHUNK_MAGIC.length), at) > 0 && hasChunkMagic(bytes);
      if (isChunk && slot < state.slots) continue;
      const count = this.#disk.read(this.#fd, bytes, at);
      if (bytes.subarray(0, count).some((byte) => byte !== 0)) this.#disk.write(this.#fd, EMPTY_SLOT, at);
      if (slot >= state.slots || state.hole !== undefined) continue;
      // It had made room for a chunk among the others: the next event fills it, so that the slots have no gap.
      state.hole = slot;
      state.chunk = undefined;
    }
  }

  *#add(draft: Draft, limits: LogLimits, operation: Operation): Task<AppendResult> {
    try {
      for (;;) {
        const state = this.#state!;
        const id = state.nextRecordId;
        const document = draft.document(id);
        let fits = state.chunk?.add(document, id, draft.writtenTime) === true;
        if (!fits) {
          // An event that fits no chunk is refused here, before an old chunk makes room for it.
          const chunk = new ChunkWriter(state.nextRecordNumber);
          chunk.add(document, id, draft.writtenTime);
          this.#flush();
          fits = this.#nextChunk(chunk, limits);
        }
        if (fits) {
          state.nextRecordId++;
          state.nextRecordNumber++;
          return id;
        }
        if (limits.mode !== 'autoBackup') break;
        // The new log's first record has another number: the event is encoded once more.
        yield* this.#rotate();
      }
    } catch (error) {
      if (error instanceof EvtError) return error;
      throw error;
    }
    this.#writeHeader(FileFlag.full);
    const detail = `${this.file} is full: clear it, let it grow (maxSize), or let it overwrite (retention false)`;
    return new EvtError('ERROR_LOG_FILE_FULL', operation.api, detail);
  }

  /** Begins a chunk: behind the last, or in place of the oldest. @returns false when there is no room for one */
  #nextChunk(chunk: ChunkWriter, { maxSizeBytes, mode }: LogLimits): boolean {
    const state = this.#state!;
    const most = Math.max(1, Math.floor(maxSizeBytes / CHUNK_SIZE));
    const isFirst = state.chunk === undefined && state.slots === 1 && state.nextRecordNumber === 1n;
    let slot = isFirst ? 0 : (state.hole ?? state.slots);
    if (slot >= most && state.hole === undefined) {
      if (mode !== 'circular') return false;
      slot = (state.current + 1) % state.slots;
      this.#mark();
      // The header first: from here on the old chunk is gone, not damaged.
      this.#disk.write(this.#fd, EMPTY_SLOT.subarray(0, CHUNK_HEADER_SIZE), slotOffset(slot));
      this.#disk.write(this.#fd, EMPTY_SLOT.subarray(CHUNK_HEADER_SIZE), slotOffset(slot) + CHUNK_HEADER_SIZE);
      state.oldest = (slot + 1) % state.slots;
    } else {
      this.#mark();
      const needed = slotOffset(slot + 1);
      if (state.sizeBytes < needed) {
        const grown = slotOffset(Math.max(slot + 1, Math.min(slot + GROWTH_SLOTS, most)));
        this.#disk.truncate(this.#fd, grown);
        state.sizeBytes = grown;
      }
      state.slots = Math.max(state.slots, slot + 1);
    }
    state.hole = undefined;
    state.current = slot;
    state.chunk = chunk;
    state.written = 0;
    return true;
  }

  /** Makes visible what has been added. */
  #flush(): void {
    const state = this.#state!;
    const { chunk } = state;
    if (chunk === undefined || chunk.recordCount === 0 || chunk.freeSpaceOffset === state.written) return;
    this.#mark();
    const disk = this.#disk;
    const at = slotOffset(state.current);
    const bytes = chunk.finish();
    const start = state.written === 0 ? CHUNK_HEADER_SIZE : state.written;
    disk.write(this.#fd, bytes.subarray(start + RECORD_HEAD, chunk.freeSpaceOffset), at + start + RECORD_HEAD);
    try {
      if (start === CHUNK_HEADER_SIZE) {
        disk.write(this.#fd, bytes.subarray(0, CHUNK_HEADER_SIZE + RECORD_HEAD), at);
      } else {
        disk.write(this.#fd, bytes.subarray(start, start + RECORD_HEAD), at + start);
        disk.write(this.#fd, bytes.subarray(0, CHUNK_HEADER_SIZE), at);
      }
    } catch (error) {
      this.#unwrite(at, start);
      throw error;
    }
    state.written = chunk.freeSpaceOffset;
    state.writtenId = state.nextRecordId;
    this.#visible = state.nextRecordId;
  }

  /** Whoever was told that writing failed will write again: what did get there must not stand twice. */
  #unwrite(at: number, start: number): void {
    try {
      this.#disk.write(this.#fd, EMPTY_SLOT.subarray(0, RECORD_HEAD), at + start);
    } catch {
      // The disk takes nothing any more; the failure that led here is told.
    }
  }

  /** Marks the file as unclosed, before the first change. */
  #mark(): void {
    const state = this.#state!;
    if (state.marked) return;
    this.#writeHeader(FileFlag.dirty);
    state.marked = true;
  }

  #writeHeader(flags: number): void {
    const { oldest, current, writtenId, slots } = this.#state!;
    const header = { oldestChunk: oldest, currentChunk: current, nextRecordId: writtenId, chunkCount: slots, flags };
    this.#disk.write(this.#fd, fileHeaderBytes(header).subarray(0, 128), 0);
    this.#state!.marked = (flags & FileFlag.dirty) !== 0;
  }

  /**
   * Gives the full log another name, and begins a new one: first the new one is made, then the old one gets its second name, then
   * the new one takes its place. There is a log under the channel's name at every moment.
   */
  *#rotate(): Task<void> {
    this.#writeHeader(0);
    yield* this.replaceWith(newLog(this.#state!.nextRecordId, undefined), archiveName(this.file, new Date()));
  }

  /**
   * Puts another log in this one's place, in one step.
   * @param archive second name that the old one gets before; undefined: it is gone then
   * @param commit  called when nothing is left to be done but that step
   */
  *replaceWith(bytes: Uint8Array, archive: string | undefined, commit: () => void = () => {}): Task<void> {
    const disk = this.#disk;
    const next = this.#besideName();
    const fd = disk.open(next, 'wx+');
    try {
      disk.write(fd, bytes, 0);
      yield* disk.sync(fd);
      commit();
    } catch (error) {
      this.#drop(next);
      throw error;
    } finally {
      disk.close(fd);
    }
    if (archive !== undefined) {
      // A rotation that was killed has given it a second name already.
      this.#dropSecondName();
      yield* disk.sync(this.#fd);
      disk.link(this.file, archive);
    }
    disk.rename(next, this.file);
    yield* disk.syncFolder(path.dirname(this.file));
    this.#forget();
    this.#open();
    const { size, ino } = fs.fstatSync(this.#fd, { bigint: true });
    this.#inode = ino;
    const state = readLogState(disk, this.#fd, Number(size), this.file, 'EvtClearLog');
    this.#state = mutable(state, Number(size));
  }

  #drop(file: string): void {
    try {
      this.#disk.remove(file);
    } catch {
      // Whoever needs the name next removes it.
    }
  }

  #dropSecondName(): void {
    if (fs.fstatSync(this.#fd).nlink < 2) return;
    const folder = path.dirname(this.file);
    for (const name of fs.readdirSync(folder)) {
      const other = path.join(folder, name);
      if (other === this.file || !name.startsWith(ARCHIVE)) continue;
      if (fs.statSync(other, { bigint: true }).ino === this.#inode) this.#disk.remove(other);
    }
  }

  #forget(): void {
    if (this.#fd >= 0) this.#disk.close(this.#fd);
    this.#fd = -1;
    this.#state = undefined;
  }

  /** Marks the log as closed, when it was changed here, and lets go of it. */
  *close(operation: Operation): Task<void> {
    if (this.#state === undefined) return;
    const held = yield* this.#hold(operation);
    try {
      if (this.#state.marked || this.#state.dirty) this.#writeHeader(0);
    } catch (error) {
      throw diskError(error, operation.api, this.file);
    } finally {
      this.#letGo(held, false, false);
    }
  }
}

function mutable(state: LogState, sizeBytes: number): MutableState {
  const written = state.chunk?.freeSpaceOffset ?? 0;
  return { ...state, written, writtenId: state.nextRecordId, sizeBytes, marked: false, hole: undefined };
}

type MutableState = { -readonly [K in keyof LogState]: LogState[K] } & {
  /** Chunk offset up to which records are in the file, and the id behind the last of them. */
  written: number;
  writtenId: bigint;
  sizeBytes: number;
  /** The file says that it is not closed. */
  marked: boolean;
  /** A slot among the others that holds no chunk. */
  hole: number | undefined;
};

const ARCHIVE = 'Archive-';

/** `Archive-<channel>-YYYY-MM-DD-hh-mm-ss-mmm.evtx` in the log's folder, UTC. */
function archiveName(file: string, now: Date): string {
  const stamp = now.toISOString().slice(0, 23).replaceAll(/[T:.]/g, '-');
  return path.join(path.dirname(file), `${ARCHIVE}${path.basename(file, '.evtx')}-${stamp}.evtx`);
}
