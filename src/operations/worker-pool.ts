import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

/** Messages a worker may have before it has answered: one to work on, and one to go on with at once. */
const DEPTH = 2;

/** What travels to a worker and back. A reply with `failure` is an error that the worker has caught. */
interface Envelope {
  readonly id: number;
  readonly message: unknown;
}

interface Reply {
  readonly id: number;
  readonly message?: unknown;
  readonly failure?: string;
}

interface Waiting {
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: Error) => void;
}

class PoolWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #idle: () => void;
  #ready = false;
  #lost: Error | undefined;

  constructor(file: string, idle: () => void) {
    this.#idle = idle;
    this.#worker = new Worker(file);
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply | 'ready') => this.#take(reply));
    this.#worker.on('error', (error) => this.#lose(error));
    this.#worker.on('exit', () => this.#lose(new Error('a worker of the scan pool has ended')));
  }

  get load(): number {
    return this.#lost === undefined ? this.#waiting.size : Number.POSITIVE_INFINITY;
  }

  get ready(): boolean {
    return this.#ready && this.#lost === undefined;
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  send(envelope: Envelope, waiting: Waiting): void {
    // A process may end while its pool is idle, and not while somebody waits for an answer.
    if (this.#waiting.size === 0) this.#worker.ref();
    this.#waiting.set(envelope.id, waiting);
    this.#worker.postMessage(envelope);
  }

  #take(reply: Reply | 'ready'): void {
    if (reply === 'ready') {
      this.#ready = true;
      this.#idle();
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    this.#idle();
    if (reply.failure !== undefined) waiting?.reject(new Error(reply.failure));
    else waiting?.resolve(reply.message);
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
    this.#idle();
  }
}

/**
 * Threads that stay: started when first asked for, kept warm, never ended to cancel something. Whoever uses them bounds what
 * it has under way; a message that no worker is free for waits here.
 */
export class WorkerPool {
  readonly #file: string;
  readonly #workers: PoolWorker[] = [];
  readonly #queue: { envelope: Envelope; waiting: Waiting }[] = [];
  #lastId = 0;

  /** @param file the workers' program. It says 'ready' once, and answers each message by its id: see {@link serveWorker} */
  constructor(file: string, size: number) {
    this.#file = file;
    this.grow(size);
  }

  /** Starts threads until there are `size`. */
  grow(size: number): void {
    while (this.#workers.length < size) this.#workers.push(new PoolWorker(this.#file, () => this.#dispatch()));
  }

  get size(): number {
    return this.#workers.length;
  }

  /** Some worker has started: what is sent now is worked on now. */
  get ready(): boolean {
    return this.#workers.some(({ ready }) => ready);
  }

  /** All workers are gone. */
  get lost(): boolean {
    return this.#workers.every(({ lost }) => lost);
  }

  /** @returns the worker's answer; rejected when it failed, or has ended */
  send(message: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ envelope: { id: ++this.#lastId, message }, waiting: { resolve, reject } });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      if (this.lost) {
        for (const { waiting } of this.#queue.splice(0)) waiting.reject(new Error('the scan pool is gone'));
        return;
      }
      const worker = this.#workers.reduce((least, one) => (rank(one) < rank(least) ? one : least));
      if (worker.load >= DEPTH) return;
      const { envelope, waiting } = this.#queue.shift()!;
      worker.send(envelope, waiting);
    }
  }
}

/** Least loaded first; one that is still starting only when all others are busy. */
function rank(worker: PoolWorker): number {
  return worker.load + (worker.ready ? 0 : 0.5);
}

/** The path of a worker's program that stands beside a module; undefined where it was left out, as bundlers do. */
export function workerFile(name: string, moduleUrl: string): string | undefined {
  const file = fileURLToPath(new URL(name, moduleUrl));
  return existsSync(file) ? file : undefined;
}
