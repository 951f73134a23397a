import { EvtError } from '../errors/evt-error.ts';
import { runAsync, runSync, type Task } from './task.ts';

/**
 * The calls on one handle, first come, first served: each event goes to exactly one caller, and a seek never meets a half
 * done read. EvtCancel and EvtClose do not wait in it.
 */
export class OperationQueue {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;
  readonly #whenIdle: (() => void)[] = [];

  /**
   * Runs `task` when all calls before it have ended; the promise settles after it has unwound.
   * @param signal ends the wait at once when it aborts before the turn has come
   */
  async enqueue<T>(task: () => Task<T>, signal?: AbortSignal): Promise<T> {
    this.#pending++;
    let started = false;
    const result = this.#last.then(() => {
      started = true;
      return runAsync(task());
    });
    // The place in the queue is given up before the caller hears of the result, so that it may call again at once.
    const left = result.then(
      () => this.#leave(),
      () => this.#leave(),
    );
    this.#last = left;
    if (signal === undefined) {
      await left;
      return result;
    }
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => {
        if (!started) reject(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      await Promise.race([left, aborted]);
      return await result;
    } finally {
      signal.removeEventListener('abort', onAbort!);
    }
  }

  #leave(): void {
    this.#pending--;
    if (this.#pending > 0) return;
    for (const callback of this.#whenIdle.splice(0)) callback();
  }

  /**
   * Runs `task` on the spot.
   * @throws EvtError ERROR_BUSY (170) while an asynchronous call of this thread is pending: it cannot end while this one blocks
   */
  run<T>(api: string, task: () => Task<T>): T {
    if (this.#pending > 0) {
      throw new EvtError('ERROR_BUSY', api, 'another call is pending on this handle: await it first');
    }
    this.#pending++;
    try {
      return runSync(task());
    } finally {
      this.#leave();
    }
  }

  /** True while a call is pending. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Calls back as soon as nothing is pending: now, or when the last call has left. */
  whenIdle(callback: () => void): void {
    if (this.#pending === 0) callback();
    else this.#whenIdle.push(callback);
  }
}
