import { availableParallelism } from 'node:os';
import { WorkerPool, workerFile } from '../../operations/worker-pool.ts';
import type { Boundary, LogWalker, Step } from './log-walker.ts';
import type { ScanJob, ScanQuery, ScanReply, ScanTask } from './scan-task.ts';

/** Chunks of one task: a megabyte, about two milliseconds of work. */
const TASK_CHUNKS = 16;
/** Room for what a task writes: XML has about twice the size of its log. */
const SLOT_BYTES = 3 * 1024 * 1024;
/** What a thread works on, what waits for it, and what it has done. */
const SLOTS_PER_THREAD = 3;
/** Threads that are used unless somebody says otherwise. */
const MAX_THREADS = 4;

let pool: WorkerPool | undefined;
let lastJob = 0;

/** Threads that scans may use by default. */
export function defaultConcurrency(): number {
  return Math.min(availableParallelism(), MAX_THREADS);
}

/** The process's pool, started now if it is not yet; undefined when it cannot be had. */
export function scanPool(threads: number): WorkerPool | undefined {
  if (pool === undefined) {
    const file = workerFile('./scan-worker.js', import.meta.url);
    if (file === undefined) return undefined;
    pool = new WorkerPool(file, threads);
  }
  pool.grow(threads);
  return pool.lost ? undefined : pool;
}

/** Some thread has started: a scan that begins now gets help at once. */
export function isPoolReady(): boolean {
  return pool?.ready === true;
}

/** A stretch of the log under way or done. */
interface Stretch {
  readonly first: number;
  readonly slots: readonly number[];
  readonly slot: Uint8Array;
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
  readonly #pool: WorkerPool;
  readonly #walker: LogWalker;
  readonly #job: ScanJob;
  readonly #threads: number;
  readonly #stretches: Stretch[] = [];
  readonly #free: Uint8Array[] = [];
  #slots = 0;
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
    pool: WorkerPool,
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
    while (this.#nextChunk >= 0 && this.#nextChunk < order.length && this.#hasSlot()) {
      const count = Math.min(TASK_CHUNKS, step > 0 ? order.length - this.#nextChunk : this.#nextChunk + 1);
      const first = step > 0 ? this.#nextChunk : this.#nextChunk - count + 1;
      const slots = Array.from({ length: count }, (_, i) => order.slotAt(first + i));
      const record = this.#nextRecord;
      const chunk = step > 0 ? 0 : count - (record < 0 ? 0 : 1);
      const from = { chunk, record: record < 0 ? 0 : record };
      const slot = this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(SLOT_BYTES));
      this.#stretches.push({ first, slots, slot, reply: this.#send(first, slots, from, slot) });
      this.#nextChunk += step * count;
      this.#nextRecord = step > 0 ? 0 : -1;
    }
  }

  #hasSlot(): boolean {
    if (this.#free.length > 0) return true;
    if (this.#slots >= SLOTS_PER_THREAD * this.#threads + 1) return false;
    this.#slots++;
    return true;
  }

  #send(first: number, slots: readonly number[], from: Boundary, out: Uint8Array): Promise<ScanReply> {
    const task: ScanTask = { job: this.#job, epoch: this.#epoch, first, slots, from, out };
    this.#underWay++;
    const reply = this.#pool.send(task).finally(() => {
      this.#underWay--;
      if (this.#underWay === 0) this.#whenIdle?.();
    }) as Promise<ScanReply>;
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
    const { first, slot } = stretch;
    const reply = await stretch.reply;
    if (reply.stopped) return 'stopped';
    const to = { chunk: first + reply.to.chunk, record: reply.to.record };
    const { size, events, lastId } = reply;
    this.#part = { lines: slot.subarray(0, size), events, before: this.at, to, lastId, reply };
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
      this.#free.push(stretch.slot);
    } else {
      // It wrote more than there was room for: the rest comes before all others.
      stretch.reply = this.#send(stretch.first, stretch.slots, part.reply.to, stretch.slot);
    }
  }

  /** Nobody wants its lines any more. Threads let go of the log soon; {@link idle} says when. */
  stop(): void {
    Atomics.store(this.#job.control, 0, 1);
    this.#stretches.length = 0;
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
