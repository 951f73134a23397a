/**
 * One body, two ways to run it. A task is a generator that asks for input and output and for turns; the blocking face runs
 * it to its end on the spot, the asynchronous one hands the event loop a turn at each request. Neither knows the other.
 */

/** One piece of I/O in both forms. They must do the same. */
export interface Io<T> {
  sync(): T;
  async(): Promise<T>;
}

/** "Others may run now": asked for between chunks, so that somebody can call EvtCancel. */
export const TURN = Symbol('turn');

export type Task<T> = Generator<Io<unknown> | typeof TURN, T, unknown>;

/** Asks for I/O inside a task: `const bytes = yield* io({ sync, async })`. */
export function* io<T>(request: Io<T>): Generator<Io<unknown>, T, unknown> {
  return (yield request) as T;
}

/** True when others run while the task waits. */
export function* isAsynchronous(): Generator<Io<unknown>, boolean, unknown> {
  return yield* io({ sync: () => false, async: () => Promise.resolve(true) });
}

/** Runs a task to its end in this thread; nothing else runs meanwhile. */
export function runSync<T>(task: Task<T>): T {
  let step = task.next();
  while (!step.done) {
    if (step.value === TURN) {
      step = task.next();
      continue;
    }
    let input: unknown;
    try {
      input = step.value.sync();
    } catch (error) {
      step = task.throw(error);
      continue;
    }
    step = task.next(input);
  }
  return step.value;
}

/**
 * Runs a task with a turn of the event loop at every request. A turn is a macrotask: settled promises alone would keep
 * timers, input and EvtCancel waiting.
 */
export async function runAsync<T>(task: Task<T>): Promise<T> {
  let step = task.next();
  while (!step.done) {
    if (step.value === TURN) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      step = task.next();
      continue;
    }
    let input: unknown;
    try {
      input = await step.value.async();
    } catch (error) {
      step = task.throw(error);
      continue;
    }
    step = task.next(input);
  }
  return step.value;
}
