import { Worker } from 'node:worker_threads';

/** Longest without a new input: what takes that long will hardly come back. */
const HANG_SECONDS = 60;

// In a thread of its own, because the one that hangs can no longer tell. Plain JavaScript: Node loads no TypeScript here.
const WATCH = `
const { workerData } = require('node:worker_threads');
const { shared, target, seconds } = workerData;
const state = new Uint32Array(shared);
let seen = -1;
setInterval(() => {
  if (state[1] === seen) {
    require('node:fs').writeSync(2, target + ' hangs; again: npm run fuzz -- --target ' + target + ' --seed ' + state[0] + ' --inputs 1\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  seen = state[1];
}, 1000 * seconds);
`;

/** Ends the process, with the seed to repeat it, when an input of `target` never comes to an end. */
export function watch(target: string): { readonly started: (seed: number) => void; readonly stop: () => void } {
  const shared = new SharedArrayBuffer(8);
  const state = new Uint32Array(shared);
  const worker = new Worker(WATCH, { eval: true, workerData: { shared, target, seconds: HANG_SECONDS } });
  worker.unref();
  return {
    started: (seed) => {
      state[0] = seed;
      state[1]!++;
    },
    stop: () => void worker.terminate(),
  };
}
