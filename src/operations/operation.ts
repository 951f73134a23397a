import { EvtError } from '../errors/evt-error.ts';
import { epochWord, whenEpochMoves } from './handle-table.ts';
import { io, type Task } from './task.ts';

/** Milliseconds a task works before it lets the event loop turn, within a chunk that takes long. */
const TURN_AFTER_MS = 2;

/** What one call may be stopped by, beside the handle it runs on. */
export interface OperationOptions {
  /** Aborting cancels this call only; it fails with the signal's own reason. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which a call that has found nothing ends with ERROR_TIMEOUT (1460). No limit when absent. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds that only grow. Tests hand in their own. */
  readonly now?: () => number;
}

/**
 * One pending call: everything that decides whether it ends in success or in ERROR_CANCELLED (1223).
 *
 * It notes the epoch of the handle it can be cancelled through when the call is made, before any work: from then on,
 * whoever moves that epoch cancels it, also while it waits its turn behind another call on the same handle.
 *
 *     pending --(epoch moved, signal aborted: seen at a check point)--> cancelled: the call's own effects are undone
 *        |----(commit: not cancelled)--------------------------------> done: a cancel comes too late
 */
export class Operation {
  readonly api: string;
  /** The word is one of the handle table's. */
  readonly #hasHandle: boolean;
  readonly #words: Int32Array;
  readonly #index: number;
  readonly #started: number;
  readonly #signal: AbortSignal | undefined;
  readonly #now: () => number;
  readonly #deadline: number;
  #turnAt: number;

  /**
   * @param handle undefined: nothing cancels it, as what follows a commit point
   * @throws the signal's reason when it is aborted already: the call then has not begun
   */
  constructor(api: string, handle: number | undefined, options: OperationOptions = {}) {
    const { words, index } = handle === undefined ? ownWord() : epochWord(handle);
    this.api = api;
    this.#hasHandle = handle !== undefined;
    this.#words = words;
    this.#index = index;
    this.#started = Atomics.load(words, index);
    this.#signal = options.signal;
    this.#now = options.now ?? monotonicMs;
    const start = this.#now();
    this.#deadline = options.timeoutMs === undefined ? Number.POSITIVE_INFINITY : start + options.timeoutMs;
    this.#turnAt = start + TURN_AFTER_MS;
    options.signal?.throwIfAborted();
  }

  /**
   * Stops the call if it has been cancelled. Called per record: a plain read, which every loop around it has calls in;
   * {@link checkpoint} per chunk is the atomic one.
   */
  poll(): void {
    if (this.#words[this.#index] !== this.#started || this.#signal?.aborted === true) this.#stop();
  }

  /** As {@link poll}, ordered with what other threads did before they cancelled. */
  checkpoint(): void {
    if (Atomics.load(this.#words, this.#index) !== this.#started || this.#signal?.aborted === true) this.#stop();
  }

  /** Where other threads that work for this call see that it is cancelled: the word is not what it was. */
  get word(): { readonly words: Int32Array; readonly index: number; readonly epoch: number } {
    return { words: this.#words, index: this.#index, epoch: this.#started };
  }

  #stop(): never {
    if (Atomics.load(this.#words, this.#index) === this.#started) throw this.#signal!.reason;
    throw cancelled(this.api);
  }

  /** The commit point: the one place where a finished call takes effect, or finds that it has been cancelled. */
  commit<T>(effect: () => T): T {
    this.checkpoint();
    return effect();
  }

  /**
   * Waits so long; a cancel ends the wait at once.
   * @param milliseconds at most; keep it short where a signal may abort the call, which does not end it
   */
  *pause(milliseconds: number): Task<void> {
    const [words, index, started] = [this.#words, this.#index, this.#started];
    yield* io({
      sync: () => void Atomics.wait(words, index, started, milliseconds),
      async: () =>
        new Promise<void>((resolve) => {
          // The timer keeps the process alive, which a wait for a word does not.
          const timer = setTimeout(resolve, milliseconds);
          const waiting = Atomics.waitAsync(words, index, started, milliseconds);
          if (!waiting.async) resolve();
          else void waiting.value.then(() => resolve()).finally(() => clearTimeout(timer));
        }),
    });
    this.checkpoint();
  }

  /**
   * Waits until somebody wakes it; a cancel, an abort and the end of the call's time end the wait at once.
   * @param onWake     asks to be woken: calls back once, and gives what ends the asking
   * @param blockingMs where nothing else runs in this thread, nobody can wake it: the wait ends after this time instead
   */
  *waitFor(onWake: (wake: () => void) => () => void, blockingMs: number): Task<void> {
    const left = Math.max(0, this.#deadline - this.#now());
    yield* io({
      sync: () => void Atomics.wait(this.#words, this.#index, this.#started, Math.min(blockingMs, left)),
      async: () => this.#wait(onWake, left),
    });
    this.checkpoint();
  }

  /** Waits for what has been begun; a cancel and an abort end the wait at once, and leave it to itself. */
  *until<T>(begun: Promise<T>): Task<T> {
    let isEnded = false;
    const noted = begun.then(
      () => {},
      () => {},
    );
    const onEnd = (wake: () => void) => {
      void noted.then(() => {
        isEnded = true;
        wake();
      });
      return () => {};
    };
    const sync = () => {
      throw new TypeError('what runs beside a task cannot be waited for in one piece');
    };
    // A cancel of an earlier call may still be on its way to those who wait.
    while (!isEnded) {
      yield* io({ sync, async: () => this.#wait(onEnd, Number.POSITIVE_INFINITY) });
      this.checkpoint();
    }
    return yield* io<T>({ sync, async: () => begun });
  }

  #wait(onWake: (wake: () => void) => () => void, leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const ends: (() => void)[] = [];
      const wake = () => {
        for (const end of ends.splice(0)) end();
        resolve();
      };
      ends.push(onWake(wake));
      if (this.#hasHandle) ends.push(whenEpochMoves(this.#index, this.#started, wake));
      if (leftMs !== Number.POSITIVE_INFINITY) {
        const timer = setTimeout(wake, leftMs);
        ends.push(() => clearTimeout(timer));
      }
      const signal = this.#signal;
      if (signal === undefined) return;
      signal.addEventListener('abort', wake, { once: true });
      ends.push(() => signal.removeEventListener('abort', wake));
      if (signal.aborted) wake();
    });
  }

  /** Milliseconds that the call has left; infinity where it has no limit. */
  get leftMs(): number {
    return Math.max(0, this.#deadline - this.#now());
  }

  /** True when the call has run out of its time. */
  get timedOut(): boolean {
    return this.#deadline !== Number.POSITIVE_INFINITY && this.#now() >= this.#deadline;
  }

  /** True about every 2 ms of work: time to let others run, a cancel from another machine among them. */
  turnDue(): boolean {
    const now = this.#now();
    if (now < this.#turnAt) return false;
    this.#turnAt = now + TURN_AFTER_MS;
    return true;
  }
}

/** A word that nobody else has. */
function ownWord(): { readonly words: Int32Array; readonly index: number } {
  return { words: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), index: 0 };
}

function monotonicMs(): number {
  return performance.now();
}

/**
 * To take down the stack takes longer than all else that ends a call, and it would say nothing: all of it that is told is the
 * call's own.
 */
function cancelled(api: string): EvtError {
  // V8's, and not to be set where what is built in is frozen.
  const limit: unknown = Reflect.get(Error, 'stackTraceLimit');
  const isLimited = typeof limit === 'number' && Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    return new EvtError('ERROR_CANCELLED', api, 'cancelled: EvtCancel or EvtClose was called on its handle');
  } finally {
    if (isLimited) Reflect.set(Error, 'stackTraceLimit', limit);
  }
}
