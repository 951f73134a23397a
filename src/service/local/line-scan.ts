import { availableParallelism } from 'node:os';
import { SLOT_SIZE } from '../../kernel/layout.ts';
import type { Boundary, LogWalker, Step } from './log-walker.ts';
import type { ScanJob, ScanQuery, ScanReply } from './scan-task.ts';
import { type Room, type ScanThreads, SLOTS_PER_THREAD } from './scan-threads.ts';

/** Chunks of one task: a megabyte, about two milliseconds of work. */
const TASK_CHUNKS = 16;
/** Threads that are used unless somebody says otherwise. */
const MAX_THREADS = 4;

let lastJob = 0;

/** Threads that scans may use by default. */
export function defaultConcurrency(): number {
  return Math.min(availableParallelism(), MAX_THREADS);
}

/** A stretch of the log under way or done. */
interface Stretch {
  readonly first: number;
  readonly slots: readonly number[];
  readonly room: Room;
  reply: Promise<ScanReply>;
}

/** Lines of one stretch, in the log's order. The bytes are there until the next part is asked for. */
export interface ScanPart {
  readonly lines: Uint8Array;
  readonly events: number;
  readonly before: Boundary;
  readonly to: Boundary;
  readonly lastId: bigint | undefined;
  readonly reply: ScanReply;
}

/**
 * Reads ahead in a log with several threads, and gives their lines in its order. What lies ahead is bounded: as many
 * stretches as there is memory for, and a stretch begins when the part before it in the same memory has been taken.
 */
export class LineScan {
  readonly #pool: ScanThreads;
  readonly #walker: LogWalker;
  readonly #job: ScanJob;
  readonly #threads: number;
  readonly #stretches: Stretch[] = [];
  /** Memory of its own that is free. */
  readonly #free: Room[] = [];
  /** Chunk that the next stretch begins with, and where in it. */
  #nextChunk: number;
  #nextRecord: number;
  #epoch: number;
  /** The position behind the last part that was taken. */
  at: Boundary;
  #part: ScanPart | undefined;
  /** The last part, whose lines are still in use. */
  #lent: ScanPart | undefined;
  #underWay = 0;
  #whenIdle: (() => void) | undefined;

  constructor(
    pool: ScanThreads,
    threads: number,
    walker: LogWalker,
    from: Boundary,
    step: Step,
    format: ScanJob['format'],
    query: ScanQuery | undefined,
    word: { readonly index: number; readonly epoch: number },
  ) {
    const { fd, path, name, header, blockSize, modified, order } = walker.log;
    this.#pool = pool;
    this.#threads = threads;
    this.#walker = walker;
    this.#job = {
      id: ++lastJob,
      fd,
      path,
      name,
      dirty: header.dirty,
      blockSize,
      modified,
      newestFirstId: order.newestFirstId,
      step,
      format,
      query,
      epochIndex: word.index,
      control: new Int32Array(new SharedArrayBuffer(4)),
    };
    this.#epoch = word.epoch;
    this.at = from;
    const atBorder = step < 0 && from.record === 0;
    this.#nextChunk = atBorder ? from.chunk - 1 : from.chunk;
    this.#nextRecord = atBorder ? -1 : from.record;
  }

  /** True when it can go on for a call that wants this. */
  fits(at: Boundary, format: ScanJob['format']): boolean {
    return format === this.#job.format && at.chunk === this.at.chunk && at.record === this.at.record;
  }

  /** Keeps the threads busy. @param epoch of the call that wants the lines */
  start(epoch: number): void {
    this.#epoch = epoch;
    const { step } = this.#job;
    const { order } = this.#walker.log;
    while (this.#nextChunk >= 0 && this.#nextChunk < order.length) {
      const room = this.#takeRoom();
      if (room === undefined) return;
      const count = Math.min(TASK_CHUNKS, step > 0 ? order.length - this.#nextChunk : this.#nextChunk + 1);
      const first = step > 0 ? this.#nextChunk : this.#nextChunk - count + 1;
      const slots = Array.from({ length: count }, (_, i) => order.slotAt(first + i));
      const record = this.#nextRecord;
      const chunk = step > 0 ? 0 : count - (record < 0 ? 0 : 1);
      const from = { chunk, record: record < 0 ? 0 : record };
      this.#stretches.push({ first, slots, room, reply: this.#send(first, slots, from, room) });
      this.#nextChunk += step * count;
      this.#nextRecord = step > 0 ? 0 : -1;
    }
  }

  /** Memory for a further stretch; undefined when there is enough under way. */
  #takeRoom(): Room | undefined {
    if (this.#stretches.length >= SLOTS_PER_THREAD * this.#threads) return undefined;
    const room = this.#pool.takeRoom() ?? this.#free.pop();
    if (room !== undefined) return room;
    // Scans that nobody goes on with may have all slots: one stretch of a scan is always under way.
    if (this.#pool.haveSlots && this.#stretches.length > 0) return undefined;
    return { bytes: new Uint8Array(new SharedArrayBuffer(SLOT_SIZE)) };
  }

  #giveRoom(room: Room): void {
    if (room.slot === undefined) this.#free.push(room);
    else this.#pool.giveRoom(room);
  }

  #send(first: number, slots: readonly number[], from: Boundary, room: Room): Promise<ScanReply> {
    this.#underWay++;
    const reply = this.#pool.send({ job: this.#job, epoch: this.#epoch, first, slots, from }, room).finally(() => {
      this.#underWay--;
      if (this.#underWay === 0) this.#whenIdle?.();
    });
    // Whoever takes the part hears of it; a scan that was given up has nobody to tell.
    reply.catch(() => {});
    return reply;
  }

  /** The next part; undefined at the end. A part that was not {@link take}n comes again. Rejected when a thread failed. */
  async next(): Promise<ScanPart | 'stopped' | undefined> {
    if (this.#part !== undefined) return this.#part;
    this.#release();
    this.start(this.#epoch);
    const stretch = this.#stretches[0];
    if (stretch === undefined) return undefined;
    const { first, room } = stretch;
    const reply = await stretch.reply;
    if (reply.stopped) return 'stopped';
    const to = { chunk: first + reply.to.chunk, record: reply.to.record };
    const { size, events, lastId } = reply;
    this.#part = { lines: room.bytes.subarray(0, size), events, before: this.at, to, lastId, reply };
    return this.#part;
  }

  /**
   * The part is behind the position now; its memory is used again.
   * @param lent its lines are in use until the scan is asked for more: its memory waits until then
   */
  take(part: ScanPart, epoch: number, lent = false): void {
    this.#part = undefined;
    this.at = part.to;
    this.#epoch = epoch;
    this.#lent = part;
    if (!lent) this.#release();
    this.start(epoch);
  }

  /** Nobody looks at the last part's lines any more. */
  #release(): void {
    const part = this.#lent;
    if (part === undefined) return;
    this.#lent = undefined;
    const stretch = this.#stretches[0]!;
    if (part.reply.ended) {
      this.#stretches.shift();
      this.#giveRoom(stretch.room);
    } else {
      // It wrote more than there was room for: the rest comes before all others.
      stretch.reply = this.#send(stretch.first, stretch.slots, part.reply.to, stretch.room);
    }
  }

  /** Nobody wants its lines any more. Threads let go of the log soon; {@link idle} says when. */
  stop(): void {
    Atomics.store(this.#job.control, 0, 1);
    for (const { room, reply } of this.#stretches.splice(0)) {
      const giveRoom = () => this.#giveRoom(room);
      reply.then(giveRoom, giveRoom);
    }
    this.#part = undefined;
    this.#lent = undefined;
    this.#nextChunk = -1;
  }

  get isIdle(): boolean {
    return this.#underWay === 0;
  }

  /** Calls `then` when no thread reads the log any more. */
  whenIdle(then: () => void): void {
    if (this.#underWay === 0) then();
    else this.#whenIdle = then;
  }
}
