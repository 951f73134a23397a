import { BinXmlError } from '../../binxml/error.ts';
import type { Fragment } from '../../binxml/tree.ts';
import { u64 } from '../../bytes/little-endian.ts';
import { Chunk, hasChunkMagic } from '../../evtx/chunk.ts';
import type { Damage } from '../../evtx/damage.ts';
import { CHUNK_HEADER_SIZE, CHUNK_SIZE, ChunkHeaderOffset } from '../../evtx/layout.ts';
import { RecordCursor } from '../../evtx/record-cursor.ts';
import { HIT_UNKNOWN, HIT_WHOLE } from '../../kernel/layout.ts';
import type { Operation } from '../../operations/operation.ts';
import { isAsynchronous, type Task, TURN } from '../../operations/task.ts';
import type { LogDamage } from '../service.ts';
import { giveBlocks, keepOffsets, takeBlock } from './block-memory.ts';
import { type ChunkOrder, chunkOfRecord } from './chunk-order.ts';
import { beginRead, readAt, readEach } from './files.ts';
import { recordDamage } from './record-damage.ts';
import { threadKernel } from './renderer.ts';
import { EVERYTHING, isSelected, type Selector } from './selector.ts';

/** A place between two records of a log: behind `record` records of the `chunk`-th chunk in order. */
export interface Boundary {
  readonly chunk: number;
  readonly record: number;
}

/** A record that was found. */
export class FoundRecord {
  readonly chunk: Chunk;
  readonly chunkOffset: number;
  readonly recovered: boolean;
  readonly #index: number;
  readonly #record: number;
  #document: Fragment | undefined;

  constructor(chunk: Chunk, chunkOffset: number, index: number, record: number, recovered: boolean) {
    this.chunk = chunk;
    this.chunkOffset = chunkOffset;
    this.#index = index;
    this.#record = record;
    this.recovered = recovered;
  }

  /** The boundaries on its two sides. */
  get before(): Boundary {
    return { chunk: this.#index, record: this.#record };
  }

  get after(): Boundary {
    return { chunk: this.#index, record: this.#record + 1 };
  }

  /** Its stored document, decoded when somebody asks: it is whole. */
  get document(): Fragment {
    this.#document ??= this.chunk.document(this.chunkOffset);
    return this.#document;
  }
}

export type Step = 1 | -1;

/** A chunk at hand, and the places of its records. */
export interface LoadedChunk {
  readonly index: number;
  readonly chunk: Chunk | undefined;
  readonly offsets: ArrayLike<number>;
  /** Chunk offsets that came from free space or from inside another record. */
  readonly recovered: ReadonlySet<number>;
}

interface Block {
  readonly bytes: Uint8Array;
  readonly firstSlot: number;
  readonly slots: number;
  /** Bytes that were in the file. */
  readonly filled: number;
  /** An event points into it: its bytes belong to that event from then on. */
  handedOut: boolean;
}

const NONE: ReadonlySet<number> = new Set();

/** Most records that are looked at in one go: between two such runs a cancel takes effect. */
export const MAX_RUN = 64;
/** Chunks between two turns of the event loop, where they take no longer than it may stand still. */
const CHUNKS_PER_TURN = 4;
/** Slots read in one go where nothing else runs: no cancel is seen meanwhile. 256 KiB take some 50 µs, more in one go gains nothing. */
export const MAX_SLOTS_AT_ONCE = 4;

/** Slots that lie side by side. */
interface Extent {
  readonly firstSlot: number;
  readonly slots: number;
}

/** A block that is being read. */
interface Ahead extends Extent {
  readonly bytes: Uint8Array;
  readonly reading: Promise<number>;
  /** Bytes that have been read: undefined as long as it is on its way. */
  filled: number | undefined;
}

/** What is walked: an open log, or a stretch of one. */
export interface WalkedLog {
  readonly name: string;
  readonly path: string;
  readonly fd: number;
  readonly header: { readonly dirty: boolean };
  readonly order: ChunkOrder;
  readonly blockSize: number;
  offsetOf(slot: number): number;
  /** When it was last written to, as it was opened: nanoseconds. */
  readonly modified: bigint;
  /** Somebody has written to it since: a chunk may have been overwritten by a newer one. */
  readonly isChanged: boolean;
  readonly onDamage: ((damage: LogDamage) => void) | undefined;
  close(): void;
}

export interface WalkerOptions {
  /** Slots read in one go: 256 KiB keep one uncancellable read near 50 µs; logs that are merged read less each. */
  readonly slotsPerRead: number;
  /** Blocks that are read ahead, by default none: with two, the next one is there, and the one behind it on its way. */
  readonly blocksAhead?: number;
  readonly recover: boolean;
  /** Memory for blocks, where no event ever points into one. */
  readonly memory?: Uint8Array;
}

/** Thrown inside a scan whose call has run out of time; its owner decides what that means. */
export class OutOfTime extends Error {}

/**
 * Steps through the records of one log in either direction. Chunks are read in blocks, a few of them ahead where others
 * run meanwhile; memory is those blocks, whatever the log's size, and what events point into. Damage is reported once, and passed over.
 */
export class LogWalker {
  readonly log: WalkedLog;
  readonly #options: WalkerOptions;
  #block: Block | undefined;
  /** The blocks that come next, in the walk's direction: a cancelled call may have left the first one. */
  #ahead: readonly Ahead[] = [];
  /** Memory that was a block's, and that nobody points into. */
  readonly #free: Uint8Array[] = [];
  #loaded: LoadedChunk | undefined;
  #reachedChunk = 0;
  #reachedRecord = 0;
  /** Chunks whose damage has been told: walking over one again must not tell it again. */
  readonly #told = new Set<number>();
  readBytes = 0;
  records = 0;
  onRead: (() => void) | undefined;

  constructor(log: WalkedLog, options: WalkerOptions) {
    this.log = log;
    this.#options = options;
  }

  get start(): Boundary {
    return { chunk: 0, record: 0 };
  }

  get end(): Boundary {
    return { chunk: this.log.order.length, record: 0 };
  }

  /**
   * The next records in a direction that `selector` takes, and that are whole: put behind what is in `into`, until there are `max`
   * or the log ends. Whatever ends it, {@link reached} is the boundary up to which everything has been looked at.
   * @param from where to start
   * @param near fewer are enough, but one: none behind the chunk of the first is looked for
   */
  *collect(
    from: Boundary,
    step: Step,
    selector: Selector | undefined,
    max: number,
    into: FoundRecord[],
    operation: Operation,
    near = false,
  ): Task<void> {
    let { chunk: index, record } = from;
    this.#reachedChunk = index;
    this.#reachedRecord = record;
    if (step < 0 && record === 0) {
      index--;
      record = -1;
    }
    // As long a run as is needed where all are taken, and a longer one where few are.
    let run = Math.min(MAX_RUN, max - into.length);
    const hits: number[] = [];
    for (; index >= 0 && index < this.log.order.length; index += step, record = step > 0 ? 0 : -1) {
      const loaded = yield* this.chunkAt(index, step, operation);
      const { chunk, offsets, recovered } = loaded;
      let next = step > 0 ? record : (record < 0 ? offsets.length : record) - 1;
      while (chunk !== undefined && next >= 0 && next < offsets.length) {
        this.#reachedChunk = index;
        this.#reachedRecord = step > 0 ? next : next + 1;
        operation.poll();
        hits.length = 0;
        next = this.sift(loaded, next, step, run, selector, true, hits, max - into.length);
        for (const hit of hits) {
          const chunkOffset = offsets[hit]!;
          into.push(new FoundRecord(chunk, chunkOffset, index, hit, recovered.has(chunkOffset)));
        }
        if (hits.length > 0) this.#block!.handedOut = true;
        this.#reachedRecord = step > 0 ? next : next + 1;
        if (into.length >= max) return;
        // What lies near is found whatever the call's time: short runs do not ask for it.
        if (run === MAX_RUN && operation.timedOut) throw new OutOfTime();
        if (hits.length < run) run = Math.min(MAX_RUN, 2 * run);
        if (operation.turnDue()) yield TURN;
      }
      this.#reachedChunk = step > 0 ? index + 1 : index;
      this.#reachedRecord = 0;
      if (near && into.length > 0) return;
      if (operation.timedOut) throw new OutOfTime();
    }
  }

  /** The next record in a direction that `selector` takes; undefined at the end of the log. */
  *find(
    from: Boundary,
    step: Step,
    selector: Selector | undefined,
    operation: Operation,
  ): Task<FoundRecord | undefined> {
    const found: FoundRecord[] = [];
    yield* this.collect(from, step, selector, 1, found, operation);
    return found[0];
  }

  /** How far the last {@link collect} came. */
  get reached(): Boundary {
    return { chunk: this.#reachedChunk, record: this.#reachedRecord };
  }

  /**
   * The boundaries below and above the record with header id `id`, whatever the query selects. One and the same where the
   * log lacks it: in front of the first record with a higher id.
   */
  *findId(id: bigint, operation: Operation): Task<{ below: Boundary; above: Boundary }> {
    const { order } = this.log;
    const { ascending } = order;
    let missing: Boundary | undefined;
    const first = ascending && order.length > 0 ? yield* chunkOfRecord(this.log, order, id, operation) : 0;
    for (let index = first; index < order.length; index++) {
      operation.checkpoint();
      yield TURN;
      if (this.#loaded?.index !== index) yield* this.#load(index, 1, operation);
      const { chunk, offsets } = this.#loaded!;
      for (let record = 0; record < offsets.length; record++) {
        operation.poll();
        const candidate = chunk!.recordId(offsets[record]!);
        const below = { chunk: index, record };
        if (candidate === id) return { below, above: { chunk: index, record: record + 1 } };
        if (candidate > id) missing ??= below;
      }
      // Where ids may run backwards (a torn or joined log) the record may still come.
      if (ascending && missing !== undefined) break;
    }
    const place = missing ?? this.end;
    return { below: place, above: place };
  }

  /** The chunk at an index of the order; a walk in direction `step` comes to the next ones soon. */
  *chunkAt(index: number, step: Step, operation: Operation): Task<LoadedChunk> {
    if (this.#loaded?.index !== index) {
      operation.checkpoint();
      // A turn costs as much as testing some hundred records.
      if (index % CHUNKS_PER_TURN === 0) yield TURN;
      yield* this.#load(index, step, operation);
    }
    return this.#loaded!;
  }

  readonly #record = new RecordCursor();
  /** What the kernel has found in a run: whoever is told of damage in it may read another log. */
  readonly #kernelHits = new Int32Array(MAX_RUN);

  /**
   * Looks at a run of a chunk's records, and reports those that are too damaged to tell.
   * @param first  the record to begin with, counted in the chunk
   * @param count  how many, up to {@link MAX_RUN}
   * @param wholes take only those that are whole: what is damaged inside is reported, too
   * @param hits   gets the records that are selected, at most `max`
   * @returns the record behind those that have been looked at
   */
  sift(
    loaded: LoadedChunk,
    first: number,
    step: Step,
    count: number,
    selector: Selector | undefined,
    wholes: boolean,
    hits: number[],
    max: number,
  ): number {
    const { offsets, recovered } = loaded;
    const chunk = loaded.chunk!;
    const some = Math.min(count, step > 0 ? offsets.length - first : first + 1);
    const found = (selector ?? EVERYTHING).select(chunk, offsets, first, step, some, this.#kernelHits, wholes);
    for (let i = 0; i < (found ?? some); i++) {
      const hit = found === undefined ? i | HIT_UNKNOWN : this.#kernelHits[i]!;
      const record = first + (hit & 0xffff) * step;
      if (hits.length >= max) {
        this.records += Math.abs(record - first);
        return record;
      }
      const isKnown = (hit & HIT_UNKNOWN) === 0;
      if ((hit & HIT_WHOLE) === 0 && !(isKnown && !wholes)) {
        if (!this.#passes(chunk, offsets[record]!, isKnown ? undefined : selector, wholes, recovered)) continue;
      }
      hits.push(record);
    }
    this.records += some;
    return first + some * step;
  }

  /** Whether a record is selected, and whole if that is wanted. */
  #passes(
    chunk: Chunk,
    chunkOffset: number,
    selector: Selector | undefined,
    wholes: boolean,
    recovered: ReadonlySet<number>,
  ): boolean {
    try {
      if (wholes) return isSelected(this.#record, chunk, chunkOffset, selector);
      this.#record.look(chunk, chunkOffset);
      return selector === undefined || selector.matches(this.#record);
    } catch (error) {
      if (!(error instanceof BinXmlError)) throw error;
      this.tellRecord(chunk, chunkOffset, error, recovered);
      return false;
    }
  }

  /** Reports a damaged record, once. What is carved from free space is often torn: that is no damage of the log. */
  tellRecord(chunk: Chunk, chunkOffset: number, error: BinXmlError, recovered: ReadonlySet<number>): void {
    if (!recovered.has(chunkOffset)) this.#tellRecord(chunk, chunkOffset, error);
  }

  readonly #toldRecords = new Map<number, Set<number>>();

  #tellRecord(chunk: Chunk, chunkOffset: number, error: BinXmlError): void {
    const told = this.#toldRecords.get(chunk.slot) ?? new Set();
    if (told.has(chunkOffset)) return;
    told.add(chunkOffset);
    this.#toldRecords.set(chunk.slot, told);
    this.#tell(recordDamage(this.log.path, chunk, chunkOffset, error.what, error.chunkOffset));
  }

  /** What another thread has found and read for this walk. */
  addWork({
    damages,
    records,
    readBytes,
  }: {
    damages: readonly LogDamage[];
    records: number;
    readBytes: number;
  }): void {
    for (const damage of damages) {
      const key = `${damage.fileOffset} ${damage.what}`;
      if (this.#toldElsewhere.has(key)) continue;
      this.#toldElsewhere.add(key);
      this.log.onDamage?.(damage);
    }
    this.records += records;
    this.readBytes += readBytes;
    this.onRead?.();
  }

  readonly #toldElsewhere = new Set<string>();

  #tell(damage: Damage): void {
    const key = `${damage.fileOffset} ${damage.what}`;
    if (this.#toldElsewhere.has(key)) return;
    this.log.onDamage?.({ ...damage, path: this.log.path });
  }

  *#load(index: number, step: Step, operation: Operation): Task<void> {
    const slot = this.log.order.slotAt(index);
    const bytes = yield* this.#slotBytes(index, slot, step, operation);
    const fileOffset = this.log.offsetOf(slot);
    const first = !this.#told.has(index);
    this.#told.add(index);
    const onDamage = first ? (damage: Damage) => this.#tell(damage) : undefined;
    const foreign = !hasChunkMagic(bytes);
    if (bytes.length < CHUNK_HEADER_SIZE || (foreign && !this.#options.recover)) {
      if (bytes.some((byte) => byte !== 0)) {
        onDamage?.({ severity: 'error', slot, fileOffset, what: 'the slot holds no chunk, but is not empty' });
      }
      this.#loaded = { index, chunk: undefined, offsets: [], recovered: NONE };
      return;
    }
    const chunk = new Chunk(bytes, slot, fileOffset);
    if (this.#isNewer(chunk)) {
      // A log that went round while it was read: what stood here is gone, and what does now is no part of this result.
      this.#loaded = { index, chunk: undefined, offsets: [], recovered: NONE };
      return;
    }
    const { dirty } = this.log.header;
    if (!this.#options.recover) {
      // Copied in one go now, the chunk is in the processor's caches when its records are stepped through.
      threadKernel().use(chunk);
      this.#loaded = {
        index,
        chunk,
        offsets: chunk.liveRecords({ dirty, onDamage, keep: keepOffsets }),
        recovered: NONE,
      };
      return;
    }
    // Without its magic, a chunk's header says nothing: whatever stands in it is recovered.
    const places = foreign ? chunk.carve() : chunk.walk({ dirty, onDamage, recover: true });
    const recovered = new Set<number>();
    const offsets: number[] = [];
    for (const place of places) {
      offsets.push(place.chunkOffset);
      if (place.recovered) recovered.add(place.chunkOffset);
      const hidden = place.recovered ? undefined : hiddenRecord(chunk, place.chunkOffset);
      if (hidden === undefined) continue;
      offsets.push(hidden);
      recovered.add(hidden);
    }
    this.#loaded = { index, chunk, offsets, recovered };
  }

  #isNewer(chunk: Chunk): boolean {
    const newest = this.log.order.newestFirstId;
    return newest !== undefined && chunk.firstRecordId > newest && this.log.isChanged;
  }

  /** The bytes of one slot, from the block at hand or from a new read that also takes the slots the walk comes to next. */
  *#slotBytes(index: number, slot: number, step: Step, operation: Operation): Task<Uint8Array> {
    const block = this.#block;
    if (block === undefined || slot < block.firstSlot || slot >= block.firstSlot + block.slots) {
      yield* this.#nextBlock(index, step, operation);
    }
    const { bytes, firstSlot, filled } = this.#block!;
    const from = (slot - firstSlot) * CHUNK_SIZE;
    return bytes.subarray(Math.min(from, filled), Math.min(from + CHUNK_SIZE, filled));
  }

  *#nextBlock(index: number, step: Step, operation: Operation): Task<void> {
    const last = this.#block;
    this.#block = undefined;
    this.#loaded = undefined;
    if (last !== undefined && !last.handedOut && this.#options.memory === undefined) this.#free.push(last.bytes);
    const asynchronous = yield* isAsynchronous();
    const { blocksAhead = 0 } = this.#options;
    let wanted: Extent & { readonly bytes: Uint8Array };
    let filled: number;
    if (asynchronous) {
      const slot = this.log.order.slotAt(index);
      const [ahead] = this.#ahead;
      const isComing = ahead !== undefined && slot === (step > 0 ? ahead.firstSlot : lastSlotOf(ahead));
      // Blocks of another place are no use.
      if (!isComing) this.#ahead = [this.#begin(index, step, operation)];
      const coming = this.#ahead[0]!;
      wanted = coming;
      // Cancelled, it stays on its way: the next call waits for it, and asks for nothing twice.
      filled = coming.filled ?? (yield* operation.until(coming.reading));
      this.#ahead = this.#ahead.slice(1);
    } else {
      this.#ahead = [];
      wanted = this.#room(this.#extent(index, step, MAX_SLOTS_AT_ONCE));
      filled = yield* readAt(this.log.fd, wanted.bytes, this.log.offsetOf(wanted.firstSlot), operation, this.log.path);
    }
    const { firstSlot, slots, bytes } = wanted;
    if (this.log.isChanged) yield* this.#dropOverwritten(bytes.subarray(0, filled), firstSlot, operation);
    this.#block = { bytes, firstSlot, slots, filled, handedOut: false };
    this.readBytes += filled;
    this.onRead?.();
    operation.checkpoint();
    const isSequel =
      last !== undefined && (step > 0 ? firstSlot === lastSlotOf(last) + 1 : lastSlotOf(wanted) + 1 === last.firstSlot);
    if (!isSequel || !asynchronous) return;
    let next = index + slots * step;
    for (const { slots } of this.#ahead) next += slots * step;
    while (this.#ahead.length < blocksAhead && next >= 0 && next < this.log.order.length) {
      const one = this.#begin(next, step, operation);
      this.#ahead = [...this.#ahead, one];
      next += one.slots * step;
    }
  }

  /**
   * Whoever overwrites a chunk begins with its header: when that is what it was before the block was read, so is all behind it.
   * What has been overwritten meanwhile is taken for an empty slot.
   */
  *#dropOverwritten(bytes: Uint8Array, firstSlot: number, operation: Operation): Task<void> {
    const { fd, path } = this.log;
    const slots = Math.ceil(bytes.length / CHUNK_SIZE);
    const positions = Array.from({ length: slots }, (_, i) => this.log.offsetOf(firstSlot + i));
    const heads = yield* readEach(fd, positions, CHUNK_HEADER_SIZE, operation, path);
    for (const [i, head] of heads.entries()) {
      const slot = bytes.subarray(i * CHUNK_SIZE, (i + 1) * CHUNK_SIZE);
      if (!isSameChunk(slot, head)) slot.fill(0);
    }
  }

  /** Begins to read a block, while others run. */
  #begin(index: number, step: Step, operation: Operation): Ahead {
    const { fd, path } = this.log;
    const { bytes, firstSlot, slots } = this.#room(this.#extent(index, step));
    const reading = beginRead(fd, bytes, this.log.offsetOf(firstSlot), operation.api, path);
    const one: Ahead = { bytes, firstSlot, slots, reading, filled: undefined };
    reading.then(
      (filled) => {
        one.filled = filled;
      },
      () => {
        // Whoever waits for it hears of a failure; whoever comes to its place later asks again.
        this.#ahead = this.#ahead.filter((other) => other !== one);
      },
    );
    return one;
  }

  /** Memory for a block: that of an earlier one, if there is any. */
  #room({ firstSlot, slots }: Extent): Extent & { readonly bytes: Uint8Array } {
    const size = slots * CHUNK_SIZE;
    const { memory } = this.#options;
    return { bytes: memory?.subarray(0, size) ?? takeBlock(this.#free, size), firstSlot, slots };
  }

  /** Lets go of the log. */
  close(): void {
    const block = this.#block;
    if (block !== undefined && !block.handedOut && this.#options.memory === undefined) this.#free.push(block.bytes);
    giveBlocks(this.#free.splice(0));
    this.#block = undefined;
    this.#loaded = undefined;
    this.#ahead = [];
    this.log.close();
  }

  /** The slots that are read in one go with that of the `index`-th chunk. */
  #extent(index: number, step: Step, atOnce = Number.POSITIVE_INFINITY): Extent {
    const { order } = this.log;
    const most = Math.min(atOnce, this.#options.slotsPerRead);
    const slot = order.slotAt(index);
    let slots = 1;
    while (slots < most) {
      const next = index + slots * step;
      if (next < 0 || next >= order.length || order.slotAt(next) !== slot + slots * step) break;
      slots++;
    }
    return { firstSlot: step > 0 ? slot : slot - slots + 1, slots };
  }
}

function lastSlotOf({ firstSlot, slots }: Extent): number {
  return firstSlot + slots - 1;
}

/** Magic and first record id are those of the same chunk. */
function isSameChunk(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length < CHUNK_HEADER_SIZE || b.length < CHUNK_HEADER_SIZE) return true;
  return hasChunkMagic(a) === hasChunkMagic(b) && firstIdOf(a) === firstIdOf(b);
}

function firstIdOf(bytes: Uint8Array): bigint {
  return u64(bytes, ChunkHeaderOffset.firstRecordId);
}

function hiddenRecord(chunk: Chunk, chunkOffset: number): number | undefined {
  try {
    return chunk.hiddenRecord(chunkOffset)?.chunkOffset;
  } catch (error) {
    if (error instanceof BinXmlError) return undefined;
    throw error;
  }
}
