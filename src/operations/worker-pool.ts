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

/** The first message of a worker: it has started, and this is what it has to say. */
interface Greeting {
  readonly ready: unknown;
}

interface Waiting {
  readonly resolve: (message: unknown) => void;
  readonly reject: (error: Error) => void;
}

class PoolWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #idle: () => void;
  /** What it said when it was ready. */
  greeting: unknown;
  #ready = false;
  #lost: Error | undefined;

  constructor(file: string, idle: () => void) {
    this.#idle = idle;
    this.#worker = new Worker(file);
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply | Greeting) => this.#take(reply));
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

  #take(reply: Reply | Greeting): void {
    if ('ready' in reply) {
      this.#ready = true;
      this.greeting = reply.ready;
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

  /** @param file the workers' program. It sends `{ ready }` once, with what it has to say, and answers each message by its id */
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

  /** What a worker has said when it was ready; undefined before. */
  greetingOf(worker: number): unknown {
    return this.#workers[worker]!.greeting;
  }

  /** Messages that a worker has not answered yet; infinite when it is gone. */
  loadOf(worker: number): number {
    return this.#workers[worker]!.load;
  }

  /**
   * @param worker who must do it; undefined: whoever is free first
   * @returns the worker's answer; rejected when it failed, or has ended
   */
  send(message: unknown, worker?: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const envelope = { id: ++this.#lastId, message };
      const waiting = { resolve, reject };
      if (worker === undefined) {
        this.#queue.push({ envelope, waiting });
        this.#dispatch();
      } else if (this.#workers[worker]!.lost) reject(new Error('a worker of the scan pool has ended'));
      else this.#workers[worker]!.send(envelope, waiting);
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
