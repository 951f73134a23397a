import { EvtError } from '../errors/evt-error.ts';
import { runAsync, runSync, type Task } from './task.ts';

/**
 * The calls on one handle, first come, first served: each event goes to exactly one caller, and a seek never meets a half
 * done read. EvtCancel and EvtClose do not wait in it.
 */
export class OperationQueue {
  #last: Promise<unknown> = Promise.resolve();
  #pending = 0;

  /** Runs `task` when all calls before it have ended; its own promise settles after it has unwound. */
  async enqueue<T>(task: () => Task<T>): Promise<T> {
    this.#pending++;
    const before = this.#last;
    const result = before.then(() => runAsync(task()));
    // The place in the queue is given up before the caller hears of the result, so that it may call again at once.
    this.#last = result.then(
      () => this.#leave(),
      () => this.#leave(),
    );
    await this.#last;
    return result;
  }

  #leave(): void {
    this.#pending--;
  }

  /**
   * Runs `task` on the spot.
   * @throws EvtError ERROR_BUSY (170) while an asynchronous call of this thread is pending: it cannot end while this one blocks
   */
  run<T>(api: string, task: () => Task<T>): T {
    if (this.#pending > 0) {
      throw new EvtError('ERROR_BUSY', api, 'an asynchronous call is pending on this handle: await it first');
    }
    return runSync(task());
  }

  /** True while a call runs or waits. */
  get busy(): boolean {
    return this.#pending > 0;
  }

  /** Resolves when everything that is pending now has ended. */
  get idle(): Promise<unknown> {
    return this.#last;
  }
}
