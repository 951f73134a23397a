// The thread that blocks in EvtNext, again and again, and notes when each call returned.
import { parentPort, workerData } from 'node:worker_threads';
import * as winevt from '../dist/wevtapi/index.js';

const { file, query, shared, tries } = workerData;
const state = new Int32Array(shared, 0, 4); // 0: it was cancelled, 1: the call that has ended, 2 and 3: handle, low and high
const returned = new BigInt64Array(shared, 16, 1);
const events = [];
for (let i = 1; i <= tries; i++) {
  const handle = winevt.EvtQuery(null, file, query, winevt.EvtQueryFilePath);
  state[2] = handle % 2 ** 31;
  state[3] = Math.floor(handle / 2 ** 31);
  parentPort.postMessage('calling');
  const result = winevt.EvtNext(handle, 10, events, winevt.INFINITE, 0);
  returned[0] = process.hrtime.bigint();
  // A thread that got no processor in time begins its call after the cancel: such a try is not counted.
  const { ERROR_CANCELLED, ERROR_NO_MORE_ITEMS } = winevt.WIN32;
  if (result || ![ERROR_CANCELLED, ERROR_NO_MORE_ITEMS].includes(winevt.GetLastError())) {
    throw new Error(`unexpected: ${result}, ${winevt.GetLastError()}`);
  }
  state[0] = winevt.GetLastError() === ERROR_CANCELLED ? 1 : 0;
  Atomics.store(state, 1, i);
  parentPort.postMessage('returned');
  winevt.EvtClose(handle);
}
