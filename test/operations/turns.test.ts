import { expect, it } from 'vitest';
import { io, runAsync, type Task, TURN, turn } from '../../src/operations/task.ts';

/** Works for so long and asks for turns, until it is told to stop. */
function* busy(workMs: number, until: { done: boolean }, onStep: () => void): Task<void> {
  while (!until.done) {
    onStep();
    const end = performance.now() + workMs;
    while (performance.now() < end);
    yield TURN;
  }
}

function* short(): Task<number> {
  let sum = 0;
  for (let i = 0; i < 5; i++)
    sum += yield* io<number>({ sync: () => 1, async: () => new Promise((resolve) => setImmediate(() => resolve(1))) });
  return sum;
}

it('between two turns of long tasks, however many there are, short ones go on', async () => {
  const until = { done: false };
  let steps = 0;
  const TASKS = 30;
  const tasks = Array.from({ length: TASKS }, () => runAsync(busy(2, until, () => steps++)));
  // All of them have begun, and wait for turns.
  expect(steps).toBe(TASKS);
  expect(await runAsync(short())).toBe(5);
  // One step in each turn of the event loop that the short task took, not one of every task.
  expect(steps).toBeLessThan(TASKS + TASKS);
  until.done = true;
  await Promise.all(tasks);
});

it('long tasks have their turns in order, each as many as the others', async () => {
  const until = { done: false };
  const counts = [0, 0, 0];
  const tasks = counts.map((_, i) => runAsync(busy(0, until, () => counts[i]!++)));
  for (let i = 0; i < 30; i++) await turn();
  until.done = true;
  await Promise.all(tasks);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
});
