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

/** Milliseconds of work from which on a task is a long one: it takes turns with the other long ones. */
const LONG_MS = 10;
/** Long tasks that wait for their turn. */
const waiting: (() => void)[] = [];
let running = 0;

/**
 * A turn of the event loop: a macrotask, since settled promises alone would keep timers, input and EvtCancel waiting. Of all
 * who wait for one, one has it at a time: however many scan long logs, input and short calls come between any two.
 */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(nextTurn);
  });
}

function nextTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(nextTurn);
}

/** Runs a task with a {@link turn} wherever it asks for one, and once it has worked for long, behind all input and output. */
export async function runAsync<T>(task: Task<T>): Promise<T> {
  let workedMs = 0;
  const advance = (go: () => IteratorResult<Io<unknown> | typeof TURN, T>) => {
    const start = performance.now();
    try {
      return go();
    } finally {
      workedMs += performance.now() - start;
    }
  };
  running++;
  try {
    let step = advance(() => task.next());
    while (!step.done) {
      const request = step.value;
      if (request === TURN) {
        await turn();
        step = advance(() => task.next());
        continue;
      }
      let input: unknown;
      let failure: { readonly error: unknown } | undefined;
      try {
        input = await request.async();
      } catch (error) {
        failure = { error };
      }
      if (workedMs > LONG_MS && running > 1) await turn();
      const { error } = failure ?? {};
      step = advance(() => (failure === undefined ? task.next(input) : task.throw(error)));
    }
    return step.value;
  } finally {
    running--;
  }
}
