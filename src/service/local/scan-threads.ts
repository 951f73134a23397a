import type { OutputSlot } from '../../kernel/memory.ts';
import { WorkerPool, workerFile } from '../../operations/worker-pool.ts';
import type { ScanReply, ScanTask } from './scan-task.ts';

/** Slots in the kernel of a thread: what it works on, what waits for it, and what it has done. */
export const SLOTS_PER_THREAD = 3;

/** What a thread says when it has started: the memory that it writes lines to, and where in it. */
export interface ScanGreeting {
  readonly memory: SharedArrayBuffer;
  readonly slots: readonly OutputSlot[];
}

/** Memory for the lines of one stretch. */
export interface Room {
  readonly bytes: Uint8Array;
  /** In whose kernel it lies, and which of its slots it is; undefined: in memory of its own. */
  readonly thread?: number;
  readonly slot?: number;
}

/** The process's threads for scans, and the memory that they write to: all scans share them. */
export class ScanThreads {
  readonly #pool: WorkerPool;
  /** By thread: slots that are free; undefined before it has said what it has. */
  readonly #free: (number[] | undefined)[] = [];

  constructor(file: string, threads: number) {
    this.#pool = new WorkerPool(file, threads);
  }

  grow(threads: number): void {
    this.#pool.grow(threads);
  }

  /** Some thread has started: a scan that begins now gets help at once. */
  get ready(): boolean {
    return this.#pool.ready;
  }

  get lost(): boolean {
    return this.#pool.lost;
  }

  /** Threads write to their kernels' own memory. False: they execute JavaScript, whose memory nobody else can see. */
  get haveSlots(): boolean {
    for (let thread = 0; thread < this.#pool.size; thread++) if (this.#slotsOf(thread).length > 0) return true;
    return false;
  }

  #slotsOf(thread: number): readonly OutputSlot[] {
    return (this.#pool.greetingOf(thread) as ScanGreeting | undefined)?.slots ?? [];
  }

  /** A slot in the kernel of the thread that has least to do; undefined when all are taken. */
  takeRoom(): Room | undefined {
    let best: number | undefined;
    for (let thread = 0; thread < this.#pool.size; thread++) {
      if (this.#pool.greetingOf(thread) !== undefined) this.#free[thread] ??= this.#slotsOf(thread).map((_, i) => i);
      const load = this.#pool.loadOf(thread);
      if (load === Number.POSITIVE_INFINITY || !this.#free[thread]?.length) continue;
      if (best === undefined || load < this.#pool.loadOf(best)) best = thread;
    }
    if (best === undefined) return undefined;
    const { memory, slots } = this.#pool.greetingOf(best) as ScanGreeting;
    const slot = this.#free[best]!.pop()!;
    const { address, size } = slots[slot]!;
    return { bytes: new Uint8Array(memory, address, size), thread: best, slot };
  }

  giveRoom({ thread, slot }: Room): void {
    if (thread !== undefined && slot !== undefined) this.#free[thread]!.push(slot);
  }

  /** @returns the answer of the thread whose room it is, or of any; rejected when it failed, or has ended */
  send(task: Omit<ScanTask, 'out'>, room: Room): Promise<ScanReply> {
    const message: ScanTask = { ...task, out: room.slot ?? room.bytes };
    return this.#pool.send(message, room.thread) as Promise<ScanReply>;
  }
}

let threads: ScanThreads | undefined;

/** The process's threads, started now if they are not yet; undefined when they cannot be had. */
export function scanThreads(count: number): ScanThreads | undefined {
  if (threads === undefined) {
    const file = workerFile('./scan-worker.js', import.meta.url);
    if (file === undefined) return undefined;
    threads = new ScanThreads(file, count);
  }
  threads.grow(count);
  return threads.lost ? undefined : threads;
}

/** Some thread has started. */
export function areThreadsReady(): boolean {
  return threads?.ready === true;
}
