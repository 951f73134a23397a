import { Worker } from 'node:worker_threads';

/** Longest without a new input: what takes that long will hardly come back. */
const HANG_SECONDS = 60;
/** Most memory that the process may have, in bytes: what takes that much is not bounded. */
const MAX_RSS_BYTES = 2 * 1024 ** 3;

// In a thread of its own, because the one that hangs can no longer tell. Plain JavaScript: Node loads no TypeScript here.
const WATCH = `
const { workerData } = require('node:worker_threads');
const { shared, target, seconds, bytes } = workerData;
const state = new Uint32Array(shared);
let seen = -1;
function end(what) {
  require('node:fs').writeSync(2, target + ' ' + what + '; again: npm run fuzz -- --target ' + target + ' --seed ' + state[0] + ' --inputs 1\\n');
  process.kill(process.pid, 'SIGKILL');
}
setInterval(() => {
  if (state[1] === seen) end('hangs');
  seen = state[1];
}, 1000 * seconds);
setInterval(() => {
  if (process.memoryUsage.rss() > bytes) end('takes all memory');
}, 100);
`;

/** Ends the process, with the seed to repeat it, when an input of `target` never comes to an end, or takes all memory. */
export function watch(target: string): { readonly started: (seed: number) => void; readonly stop: () => void } {
  const shared = new SharedArrayBuffer(8);
  const state = new Uint32Array(shared);
  const workerData = { shared, target, seconds: HANG_SECONDS, bytes: MAX_RSS_BYTES };
  const worker = new Worker(WATCH, { eval: true, workerData });
  worker.unref();
  return {
    started: (seed) => {
      state[0] = seed;
      state[1]!++;
    },
    stop: () => void worker.terminate(),
  };
}
