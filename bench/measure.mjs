// One line of the table: its contenders take turns, round after round, so that a slow moment of the machine hits all of them.
import { median } from './common.mjs';

const LOOP_STEPS = 1e7;
/** A median wants so many, of what takes no longer than that. */
const LEAST_RUNS = 3;
const LONG_RUN_SECONDS = 6;

/**
 * A fixed piece of arithmetic, some 20 ms long: what the machine is worth at this moment, in million steps per second.
 * Rates divided by it can be compared between machines and days better than rates.
 */
export function yardstick() {
  let x = 1;
  const started = performance.now();
  for (let i = 0; i < LOOP_STEPS; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  const seconds = (performance.now() - started) / 1000;
  if (x === 0) throw new Error('xorshift never reaches 0');
  return LOOP_STEPS / 1e6 / seconds;
}

/**
 * Runs the contenders in turns.
 * @param contenders by name; each is made when the line begins and ended with it
 * @param rounds at most so many; `budgetSeconds` is what one contender may use, but each runs once, and three times if that does
 *   not take too long
 * @returns seconds of each contender's runs by round, undefined where it did not run, and the yardstick of each round
 */
export async function takeTurns(contenders, { rounds, budgetSeconds, warmUpSeconds }) {
  const names = Object.keys(contenders);
  const seconds = Object.fromEntries(names.map((name) => [name, []]));
  const spent = Object.fromEntries(names.map((name) => [name, 0]));
  const loops = [];
  for (const name of names) await contenders[name].ready(warmUpSeconds);
  for (let round = 0; round < rounds; round++) {
    loops.push(yardstick());
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length];
      const runs = seconds[name].filter((value) => value !== undefined).length;
      const least = spent[name] > runs * LONG_RUN_SECONDS ? 1 : LEAST_RUNS;
      if (runs >= least && spent[name] * (1 + 1 / runs) > budgetSeconds) continue;
      const taken = await contenders[name].run();
      seconds[name][round] = taken;
      spent[name] += taken;
    }
  }
  return { seconds, loops };
}

/** Seconds for all of the line's work, by round: a contender with a short log is taken at its rate. */
export function wholeSeconds(seconds, share) {
  return seconds.map((value) => (value === undefined ? undefined : value / share));
}

const both = (a, b) => [...a.keys()].filter((i) => a[i] !== undefined && b[i] !== undefined);

/** How many times faster `ours` is than `theirs`: the median over the rounds that both ran in. */
export function timesFaster(ours, theirs) {
  return median(both(ours, theirs).map((i) => theirs[i] / ours[i]));
}

export function summary(seconds) {
  const there = seconds.filter((value) => value !== undefined);
  return { medianSeconds: median(there), bestSeconds: Math.min(...there), runs: there.length };
}
