import { closeSync, ftruncateSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import type { Fragment } from '../../src/binxml/tree.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { fileHeaderBytes } from '../../src/evtx/file-writer.ts';
import { CHUNK_HEADER_SIZE, CHUNK_SIZE, FileFlag, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { sampleEvent, timeOf } from '../evtx/sample-events.ts';

/** Slots the file grows by: Windows' logs grow by 16. */
const GROWTH_SLOTS = 4;
const HEAD = 8;

export interface GrowingLogOptions {
  /** The oldest chunk makes room for the next from here on; no limit by default. */
  readonly maxSlots?: number;
  readonly firstId?: bigint;
  /** The event of an id; a sample event by default. */
  readonly event?: (id: bigint) => Fragment;
}

/** A sample event of which only four fit a chunk. */
export function largeEvent(id: bigint): Fragment {
  return sampleEvent(id, `note ${id} ${'x'.repeat(7000)}`);
}

/**
 * A log that is written as live logs are: the bytes of a record first, its first eight bytes last, then the chunk's header; a new
 * chunk in the next slot, or in the zeroed slot of the oldest one; a clear and a rotation put another file under the name.
 */
export class GrowingLog {
  readonly path: string;
  readonly #maxSlots: number;
  readonly #event: (id: bigint) => Fragment;
  #fd = -1;
  nextId: bigint;
  /** Ids that the file with the log's name holds, chunk by chunk. */
  #chunks: { slot: number; ids: bigint[] }[] = [];
  #chunk = new ChunkWriter(1n);
  #nextNumber = 1n;
  #written = 0;
  #slot = 0;
  #slots = 0;
  #archives = 0;

  constructor(
    path: string,
    { maxSlots = Number.POSITIVE_INFINITY, firstId = 1n, event = sampleEvent }: GrowingLogOptions = {},
  ) {
    this.path = path;
    this.#maxSlots = maxSlots;
    this.#event = event;
    this.nextId = firstId;
    this.#begin(path);
  }

  #begin(path: string): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#chunk = new ChunkWriter(1n);
    this.#nextNumber = 1n;
    this.#written = 0;
    this.#slot = 0;
    this.#slots = 1;
    this.#chunks = [];
    const bytes = new Uint8Array(HEADER_BLOCK_SIZE + CHUNK_SIZE);
    bytes.set(this.#header(0));
    bytes.set(this.#chunk.finish(), HEADER_BLOCK_SIZE);
    writeFileSync(path, bytes);
    this.#fd = openSync(path, 'r+');
  }

  #header(flags: number): Uint8Array {
    return fileHeaderBytes({
      oldestChunk: this.#chunks[0]?.slot ?? 0,
      currentChunk: this.#slot,
      nextRecordId: this.nextId,
      chunkCount: Math.max(1, this.#chunks.length),
      flags,
    });
  }

  /** Ids that the file holds, oldest first. */
  get ids(): bigint[] {
    return this.#chunks.flatMap(({ ids }) => ids);
  }

  append(count = 1): void {
    for (const _ of this.appendSteps(count)) {
      // Each write follows the one before at once.
    }
  }

  /** As {@link append}, with a stop behind every single write. */
  *appendSteps(count = 1): Generator<void> {
    for (let i = 0; i < count; i++) {
      if (this.nextId === 1n || this.#written === 0) {
        this.#write(this.#header(FileFlag.dirty), 0);
        yield;
      }
      const id = this.nextId;
      if (this.#chunks.length === 0 || !this.#chunk.add(this.#event(id), id, timeOf(id))) {
        yield* this.#beginChunk();
        this.#chunk.add(this.#event(id), id, timeOf(id));
      }
      yield* this.#flush();
      this.#chunks.at(-1)!.ids.push(id);
      this.nextId++;
      this.#nextNumber++;
    }
  }

  *#beginChunk(): Generator<void> {
    if (this.#chunks.length === 0) {
      this.#slot = 0;
    } else if (this.#chunks.length < this.#maxSlots) {
      this.#slot++;
      if (this.#slot >= this.#slots) {
        this.#slots = Math.min(this.#slot + GROWTH_SLOTS, this.#maxSlots);
        ftruncateSync(this.#fd, HEADER_BLOCK_SIZE + this.#slots * CHUNK_SIZE);
        yield;
      }
    } else {
      this.#slot = this.#chunks.shift()!.slot;
      this.#write(new Uint8Array(CHUNK_HEADER_SIZE), this.#at);
      yield;
      this.#write(new Uint8Array(CHUNK_SIZE - CHUNK_HEADER_SIZE), this.#at + CHUNK_HEADER_SIZE);
      yield;
    }
    this.#chunks.push({ slot: this.#slot, ids: [] });
    this.#chunk = new ChunkWriter(this.#nextNumber);
    this.#written = 0;
  }

  get #at(): number {
    return HEADER_BLOCK_SIZE + this.#slot * CHUNK_SIZE;
  }

  *#flush(): Generator<void> {
    const bytes = this.#chunk.finish();
    const start = this.#written === 0 ? CHUNK_HEADER_SIZE : this.#written;
    const end = this.#chunk.freeSpaceOffset;
    this.#write(bytes.subarray(start + HEAD, end), this.#at + start + HEAD);
    yield;
    this.#write(bytes.subarray(start, start + HEAD), this.#at + start);
    yield;
    this.#write(bytes.subarray(0, CHUNK_HEADER_SIZE), this.#at);
    this.#written = end;
    yield;
  }

  #write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
    }
  }

  /** Puts an empty log in this one's place. */
  clear(): void {
    const next = `${this.path}.next`;
    this.#begin(next);
    renameSync(next, this.path);
  }

  /** Gives the log another name, and begins a new one. @returns that name */
  rotate(): string {
    const archive = this.path.replace(/\.evtx$/, `-archive-${++this.#archives}.evtx`);
    this.#write(this.#header(0), 0);
    renameSync(this.path, archive);
    this.clear();
    return archive;
  }

  /** Marks the file as closed; nothing may be appended then. */
  close(): void {
    this.#write(this.#header(0), 0);
    closeSync(this.#fd);
    this.#fd = -1;
  }
}
