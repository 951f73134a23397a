// A thread that does nothing but look at a word, and notes when it saw it change: the soonest that any scan can end here.
import { parentPort, workerData } from 'node:worker_threads';

const { shared, tries } = workerData;
const state = new Int32Array(shared, 0, 2); // 0: the try that was asked for, 1: the try that was seen
const seen = new BigInt64Array(shared, 8, 1);
for (let i = 1; i <= tries; i++) {
  parentPort.postMessage('waiting');
  while (Atomics.load(state, 0) < i);
  seen[0] = process.hrtime.bigint();
  Atomics.store(state, 1, i);
}
