// How soon a pending call returns after EvtCancel, and what its check points cost.
//
//   node bench/cancel.mjs [tries]                       1,000 cancels per row by default
//   node bench/cancel.mjs --json TRIES PAIRS EVENTS     the figures only, as one JSON object
import { execFileSync } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as winevt from '../dist/wevtapi/index.js';
import * as promises from '../dist/wevtapi/promises.js';
import { demoLog, median, quantile, report, table } from './common.mjs';

const EVENTS = 600_000;
/** Pairs of processes, with and without check points. */
const PAIRS = 7;
/** Cancels that are not counted: for more than a second of scanning its loops are being compiled, and the compiler's threads want processors. */
const WARM_UP = 300;
// Looks into the body of every event and finds nothing: the longest a single EvtNext can take.
const QUERY = "*[EventData[Data[@Name='TargetUserName']='nobody has this name']]";

function spin(milliseconds) {
  const end = performance.now() + milliseconds;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return sum;
}

/** Another thread blocks in EvtNext; this one cancels. Waits a random time first, so that the scan is anywhere. */
async function blocking(file, tries, busy) {
  const shared = new SharedArrayBuffer(24);
  const state = new Int32Array(shared, 0, 4);
  const returned = new BigInt64Array(shared, 16, 1);
  const worker = new Worker(new URL('./cancel-worker.mjs', import.meta.url), {
    workerData: { file, query: QUERY, shared, tries },
  });
  const failed = new Promise((_, reject) => worker.on('error', reject));
  const messages = [];
  let arrived = () => {};
  worker.on('message', (message) => {
    messages.push(message);
    arrived();
  });
  const said = async (what) => {
    while (messages[0] !== what) await new Promise((resolve) => (arrived = resolve));
    messages.shift();
  };
  const times = [];
  for (let i = 1; i <= tries; i++) {
    await Promise.race([said('calling'), failed]);
    const wait = 1 + 10 * ((i * 0.618034) % 1);
    if (busy) spin(wait);
    else await new Promise((resolve) => setTimeout(resolve, wait));
    const handle = state[3] * 2 ** 31 + state[2];
    const cancelled = process.hrtime.bigint();
    winevt.EvtCancel(handle);
    if (busy) while (Atomics.load(state, 1) < i) spin(0.05);
    await Promise.race([said('returned'), failed]);
    if (state[0] === 1) times.push(Number(returned[0] - cancelled) / 1e6);
  }
  await worker.terminate();
  return times;
}

/** Another thread looks at a word in a loop; this one writes it. What the machine itself takes, without any of our code. */
async function floor(tries) {
  const shared = new SharedArrayBuffer(16);
  const state = new Int32Array(shared, 0, 2);
  const seen = new BigInt64Array(shared, 8, 1);
  const worker = new Worker(new URL('./cancel-floor-worker.mjs', import.meta.url), { workerData: { shared, tries } });
  let asked = 0;
  const times = [];
  await new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('exit', resolve);
    worker.on('message', () => {
      const i = ++asked;
      setTimeout(
        () => {
          const written = process.hrtime.bigint();
          Atomics.store(state, 0, i);
          while (Atomics.load(state, 1) < i);
          times.push(Number(seen[0] - written) / 1e6);
        },
        1 + 10 * ((i * 0.618034) % 1),
      );
    });
  });
  return times;
}

/** The promise face on this thread: cancelled from a timer, settled when the caller's await goes on. */
async function asynchronous(file, tries) {
  const times = [];
  const handle = await promises.EvtQuery(null, file, QUERY, promises.EvtQueryFilePath);
  for (let i = 0; i < tries; i++) {
    let cancelled = 0;
    const timer = setTimeout(
      () => {
        cancelled = performance.now();
        winevt.EvtCancel(handle);
      },
      1 + 10 * ((i * 0.618034) % 1),
    );
    try {
      await promises.EvtNext(handle, 10);
      clearTimeout(timer);
      await promises.EvtSeek(handle, 0, null, 0, promises.EvtSeekRelativeToFirst);
    } catch (error) {
      if (!promises.isCancelled(error)) throw error;
      times.push(performance.now() - cancelled);
    }
  }
  await promises.EvtClose(handle);
  return times;
}

/** How long the event loop stood still while a promise call scanned the whole log on this thread. */
async function stalls(file) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const handle = await promises.EvtQuery(null, file, QUERY, promises.EvtQueryFilePath);
  await promises.EvtNext(handle, 10);
  await promises.EvtSeek(handle, 0, null, 0, promises.EvtSeekRelativeToFirst);
  delay.enable();
  await promises.EvtNext(handle, 10);
  delay.disable();
  await promises.EvtClose(handle);
  // The histogram counts its own millisecond of waiting.
  return { p50Ms: delay.percentile(50) / 1e6 - 1, p99Ms: delay.percentile(99) / 1e6 - 1, maxMs: delay.max / 1e6 - 1 };
}

/** One process, one variant: V8 would otherwise compile both into one slower loop. */
async function scanOnce(polls, events) {
  const { Operation } = await import('../dist/operations/operation.js');
  const { DEFAULT_SESSION } = await import('../dist/operations/handle-table.js');
  const { runSync } = await import('../dist/operations/task.js');
  const { LocalService } = await import('../dist/service/local/local-service.js');
  class Unpolled extends Operation {
    poll() {}
    checkpoint() {}
  }
  const Variant = polls ? Operation : Unpolled;
  const request = {
    path: demoLog(events),
    pathType: 'file',
    query: '*[System[EventID=65000]]',
    direction: 'forward',
    tolerate: false,
    strict: false,
    recover: false,
  };
  const times = [];
  for (let pass = 0; pass < 6; pass++) {
    const set = runSync(new LocalService().query(request, new Variant('EvtQuery', DEFAULT_SESSION)));
    const started = performance.now();
    runSync(set.next(10, new Variant('EvtNext', DEFAULT_SESSION)));
    times.push(performance.now() - started);
    set.dispose();
  }
  console.log(Math.min(...times.slice(1)));
}

function overhead(events, count) {
  const pairs = [];
  for (let i = 0; i < count; i++) {
    const [on, off] = ['on', 'off'].map((polls) => {
      const args = [fileURLToPath(import.meta.url), '--scan', polls, events];
      return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }));
    });
    pairs.push({ on, off });
  }
  return {
    pairs: count,
    onMs: median(pairs.map(({ on }) => on)),
    offMs: median(pairs.map(({ off }) => off)),
    ratio: median(pairs.map(({ on, off }) => on / off)),
  };
}

async function measure(tries, pairs, events) {
  const file = demoLog(events);
  const warm = async (run) => (await run(tries + WARM_UP)).slice(WARM_UP);
  const rows = {
    'EvtNext blocks another thread, this one idle': await warm((count) => blocking(file, count, false)),
    'EvtNext blocks another thread, this one busy': await warm((count) => blocking(file, count, true)),
    'EvtNext with a promise, cancelled from a timer': await warm((count) => asynchronous(file, count)),
    'a bare loop of another thread sees a word change': await floor(tries),
  };
  const latency = Object.entries(rows).map(([name, times]) => ({
    name,
    cancels: times.length,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    maxMs: Math.max(...times),
  }));
  return { latency, stalls: await stalls(file), overhead: overhead(events, pairs) };
}

function show({ latency, stalls: stalled, overhead: cost }) {
  console.log('\nFrom EvtCancel to the return of the pending call:\n');
  table(
    ['', 'cancels', 'p50 ms', 'p99 ms', 'max ms'],
    latency.map(({ name, cancels, p50Ms, p99Ms, maxMs }) => [
      name,
      cancels,
      p50Ms.toFixed(3),
      p99Ms.toFixed(3),
      maxMs.toFixed(3),
    ]),
  );
  console.log(
    `\nEvent loop during a scan with a promise: stood still p50 ${stalled.p50Ms.toFixed(1)} ms, p99 ${stalled.p99Ms.toFixed(1)} ms, max ${stalled.maxMs.toFixed(1)} ms`,
  );
  console.log(
    `\nCheck points in the cheapest scan: ${((cost.ratio - 1) * 100).toFixed(1)} % (median of ${cost.pairs} paired runs, ${cost.onMs.toFixed(0)} ms with, ${cost.offMs.toFixed(0)} ms without)`,
  );
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === '--scan') {
  await scanOnce(rest[0] === 'on', Number(rest[1]));
} else if (mode === '--json') {
  const [tries, pairs, events] = rest.map(Number);
  process.stdout.write(JSON.stringify(await measure(tries, pairs, events)));
} else {
  const results = await measure(Number(mode ?? 1000), PAIRS, EVENTS);
  show(results);
  report('cancel', results);
}
