// Thread A of the documented procedure: blocks in a call on a result set of its own, and says how that ended.
import { parentPort, workerData } from 'node:worker_threads';
import * as winevt from '../../dist/wevtapi/index.js';

const { file, query, call } = workerData;
const flags = winevt.EvtQueryFilePath;

function blockIn(name, handle) {
  const events = [];
  if (name === 'EvtSeek') return winevt.EvtSeek(handle, 0, null, 0, winevt.EvtSeekRelativeToLast);
  return winevt.EvtNext(handle, 10, events, winevt.INFINITE, 0);
}

if (call === 'EvtSubscribe') {
  // A wait for events that do not come; the subscription lives on when it is cancelled.
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const from = winevt.EvtSubscribeStartAtOldestRecord;
  const handle = winevt.EvtSubscribe(null, signal, file, query, null, null, null, from);
  const next = (timeout) => winevt.EvtNext(handle, 10, [], timeout, 0);
  parentPort.postMessage({ calling: true, handle });
  let result = next(600_000);
  parentPort.postMessage({ result, error: winevt.GetLastError() });
  // Again, while the other thread writes.
  parentPort.once('message', () => {
    result = next(600_000);
    parentPort.postMessage({ result, error: 0 });
    winevt.EvtClose(handle);
  });
} else if (call === 'EvtQuery') {
  // No handle exists yet: the session is what it is cancelled through.
  parentPort.postMessage({ calling: true });
  const handle = winevt.EvtQuery(null, file, query, flags);
  parentPort.postMessage({ result: handle, error: winevt.GetLastError() });
} else {
  const handle = winevt.EvtQuery(null, file, query, flags);
  parentPort.postMessage({ calling: true, handle });
  const result = blockIn(call, handle);
  const error = winevt.GetLastError();
  parentPort.postMessage({ result, error });
  // The other thread closes the handle now; a call that starts afterwards must find it closed.
  parentPort.once('message', () => {
    const after = winevt.EvtNext(handle, 1, [], 0, 0);
    parentPort.postMessage({ result: after, error: winevt.GetLastError() });
  });
}
