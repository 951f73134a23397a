// Logs of another machine, over loopback: how fast they are read, how many calls a second, how soon a cancel ends a pending call. The
// server runs in a process of its own.
//
//   node bench/even6.mjs [--events N] [--cancels N] [--rounds N] [--only read|calls|cancel]
import { fork } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EventLogSession } from '../dist/index.js';
import { addUser } from '../dist/server/index.js';
import * as api from '../dist/wevtapi/promises.js';
import { cache, demoLog, median, quantile, report, table } from './common.mjs';

const PASSWORD = 'only on this machine';
const BATCH = 256;
const CALLS = 2000;
/** Not counted: code is being compiled then. */
const WARM_UP = 20;
// Looks into the body of every event and finds nothing: the longest that one EvtNext can take.
const NEVER = "*[EventData[Data[@Name='TargetUserName']='nobody has this name']]";

const { values: given } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    cancels: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
const [events, cancels, rounds] = [given.events, given.cancels, given.rounds].map(Number);
const wants = (part) => given.only === undefined || given.only === part;

const peers = [];
function peer(...args) {
  const child = fork(fileURLToPath(new URL('./even6-peer.mjs', import.meta.url)), args.map(String));
  peers.push(child);
  return new Promise((resolve, reject) => child.once('message', resolve).once('exit', reject));
}

/** A folder of the server's: channels `Big`, which is long, and `Quiet`, to which nobody writes. */
async function served() {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'even6-'));
  const [logs, exports, users] = ['logs', 'exports', 'users.json'].map((name) => join(folder, name));
  mkdirSync(exports);
  const session = EventLogSession.open({ store: logs });
  await session.write('Quiet', [{ provider: 'Bench', id: 1, data: {} }]);
  session.close();
  const big = demoLog(events);
  linkSync(big, join(logs, 'Big.evtx'));
  addUser(users, {
    name: 'bench',
    password: PASSWORD,
    grants: [{ channels: '*', rights: ['read', 'clear'] }],
  });
  return { folder, big, port: await peer('serve', logs, exports, users) };
}

const remote = (port, protection = 'privacy') =>
  EventLogSession.remote({ host: '127.0.0.1', port, user: 'bench', password: PASSWORD, protection });

/** Hands out every event. @returns seconds */
async function readEvents(session, path, pathType) {
  const started = performance.now();
  const reader = session.query(path, '*', { pathType });
  let count = 0;
  for (;;) {
    const batch = await reader.readBatch(BATCH);
    if (batch.length === 0) break;
    count += batch.length;
  }
  reader.close();
  if (count !== events) throw new Error(`${count} events of ${events}`);
  return (performance.now() - started) / 1000;
}

/** Renders every event as a line of XML. @returns seconds */
async function readXml(session, path, pathType) {
  const started = performance.now();
  const reader = session.query(path, '*', { pathType });
  let count = 0;
  for (;;) {
    const lines = await reader.readLines('xml', { borrow: true });
    if (lines.events === 0) break;
    count += lines.events;
  }
  reader.close();
  if (count !== events) throw new Error(`${count} events of ${events}`);
  return (performance.now() - started) / 1000;
}

/** The contenders take turns, so that a slow moment of the machine hits all of them. */
async function reading(port, big) {
  const sessions = {
    'local file': [EventLogSession.local(), big, 'file'],
    'over loopback, integrity': [remote(port, 'integrity'), 'Big', 'channel'],
    'over loopback, privacy': [remote(port, 'privacy'), 'Big', 'channel'],
  };
  const megabytes = statSync(big).size / 1e6;
  const rows = [];
  for (const [what, read] of [
    ['events', readEvents],
    ['lines of XML', readXml],
  ]) {
    const seconds = Object.fromEntries(Object.keys(sessions).map((name) => [name, []]));
    for (let round = -1; round < rounds; round++) {
      for (const [name, [session, path, pathType]] of Object.entries(sessions)) {
        const taken = await read(session, path, pathType);
        if (round >= 0) seconds[name].push(taken);
      }
    }
    for (const [name, taken] of Object.entries(seconds)) {
      const middle = median(taken);
      rows.push({
        what,
        name,
        timesLocal: median(taken.map((value, i) => value / seconds['local file'][i])),
        eventsPerSecond: events / middle,
        megabytesPerSecond: megabytes / middle,
        medianSeconds: middle,
        bestSeconds: Math.min(...taken),
      });
    }
  }
  for (const [session] of Object.values(sessions)) session.close();
  return rows;
}

/** A small call, one after the other, and sixteen at a time. */
async function calling(port) {
  const rows = [];
  for (const protection of ['integrity', 'privacy']) {
    const session = remote(port, protection);
    const handles = [];
    const PARALLEL = 16;
    for (let i = 0; i < PARALLEL; i++) {
      handles.push(await api.EvtQuery(session.handle, 'Quiet', '*', api.EvtQueryChannelPath));
    }
    const seek = (handle) => api.EvtSeek(handle, 0, null, 0, api.EvtSeekRelativeToFirst);
    const run = async (width) => {
      const started = performance.now();
      const calls = CALLS / width;
      await Promise.all(
        handles.slice(0, width).map(async (handle) => {
          for (let i = 0; i < calls; i++) await seek(handle);
        }),
      );
      return CALLS / ((performance.now() - started) / 1000);
    };
    for (const width of [1, PARALLEL]) {
      await run(width);
      const rates = [];
      for (let round = 0; round < rounds; round++) rates.push(await run(width));
      rows.push({ protection, atATime: width, callsPerSecond: median(rates) });
    }
    session.close();
  }
  return rows;
}

/**
 * Cancels a call that is pending there, at a random time after it was made.
 * @param make makes it. @param cancel cancels it
 */
async function cancelling(make, cancel) {
  const times = [];
  for (let i = 0; times.length < cancels + WARM_UP; i++) {
    if (i > 4 * (cancels + WARM_UP)) throw new Error('most calls end before they are cancelled');
    let cancelled = 0;
    const timer = setTimeout(
      () => {
        cancelled = performance.now();
        cancel();
      },
      3 + 20 * ((i * 0.618034) % 1),
    );
    try {
      await make(i);
      clearTimeout(timer);
    } catch (error) {
      if (!api.isCancelled(error)) throw error;
      times.push(performance.now() - cancelled);
    }
  }
  return times.slice(WARM_UP);
}

/** A byte to another process that does nothing else, and back: what the machine itself takes, without any of our code. */
async function floor() {
  const socket = connect({ port: await peer('echo'), host: '127.0.0.1', noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  const times = [];
  for (let i = 0; i < cancels; i++) {
    await new Promise((resolve) => setTimeout(resolve, 3 + 20 * ((i * 0.618034) % 1)));
    const sent = performance.now();
    socket.write('x');
    await new Promise((resolve) => socket.once('data', resolve));
    times.push(performance.now() - sent);
  }
  socket.destroy();
  return [row('a byte to an idle process and back', '', times)];
}

function row(name, lane, times) {
  return {
    name,
    lane,
    cancels: times.length,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    maxMs: Math.max(...times),
  };
}

async function latencies(port, lane) {
  const rows = {};
  const session = remote(port);
  const resultSet = await api.EvtQuery(session.handle, 'Big', NEVER, api.EvtQueryChannelPath);
  rows['EvtNext on a result set, the server scanning'] = await cancelling(
    async () => {
      await api.EvtNext(resultSet, 10);
      await api.EvtSeek(resultSet, 0, null, 0, api.EvtSeekRelativeToFirst);
    },
    () => api.EvtCancel(resultSet),
  );
  await api.EvtClose(resultSet);
  const flags = api.EvtSubscribeToFutureEvents;
  const subscription = await api.EvtSubscribe(session.handle, {}, 'Quiet', null, null, null, null, flags);
  rows['EvtNext that waits on a subscription, the server idle'] = await cancelling(
    () => api.EvtNext(subscription, 10, 60_000),
    () => api.EvtCancel(subscription),
  );
  // Somebody else has the server scan all the time.
  const other = remote(port);
  const busy = await api.EvtQuery(other.handle, 'Big', NEVER, api.EvtQueryChannelPath);
  let isBusy = true;
  const scanning = (async () => {
    while (isBusy) {
      await api.EvtNext(busy, 10);
      await api.EvtSeek(busy, 0, null, 0, api.EvtSeekRelativeToFirst);
    }
  })();
  rows['EvtNext that waits on a subscription, the server scanning'] = await cancelling(
    () => api.EvtNext(subscription, 10, 60_000),
    () => api.EvtCancel(subscription),
  );
  isBusy = false;
  await api.EvtCancel(busy);
  await scanning.catch((error) => {
    if (!api.isCancelled(error)) throw error;
  });
  await api.EvtClose(subscription);
  rows['EvtExportLog, through its session'] = await cancelling(
    (i) => session.exportLog('Big', '*', `${lane.replaceAll(' ', '-')}-${i}.evtx`),
    () => session.cancelCurrentOperations(),
  );
  session.close();
  other.close();
  return Object.entries(rows).map(([name, times]) => row(name, lane, times));
}

function show({ read, calls, cancel }) {
  if (read !== undefined) {
    console.log(`\nReading ${events} events:\n`);
    table(
      ['', 'local × time', 'events/s', 'MB/s of log', 'median s'],
      read.map((row) => [
        `${row.what}, ${row.name}`,
        row.timesLocal.toFixed(2),
        Math.round(row.eventsPerSecond),
        row.megabytesPerSecond.toFixed(1),
        row.medianSeconds.toFixed(2),
      ]),
    );
  }
  if (calls !== undefined) {
    console.log('\nSmall calls (EvtSeek):\n');
    table(
      ['', 'at a time', 'calls/s'],
      calls.map((row) => [row.protection, row.atATime, Math.round(row.callsPerSecond)]),
    );
  }
  if (cancel !== undefined) {
    console.log('\nFrom EvtCancel to the return of the pending call, by privacy:\n');
    table(
      ['', 'calls', 'cancels', 'p50 ms', 'p99 ms', 'max ms'],
      cancel.map((row) => [
        row.name,
        row.lane,
        row.cancels,
        row.p50Ms.toFixed(2),
        row.p99Ms.toFixed(2),
        row.maxMs.toFixed(2),
      ]),
    );
  }
}

const loadBefore = loadavg()[0];
const { folder, big, port } = await served();
try {
  const results = {
    read: wants('read') ? await reading(port, big) : undefined,
    calls: wants('calls') ? await calling(port) : undefined,
    cancel: wants('cancel')
      ? [
          ...(await floor()),
          ...(await latencies(port, 'overlap')),
          ...(await latencies(await peer('one-call', port), 'one at a time')),
        ]
      : undefined,
    events,
    rounds,
    loadBefore,
    loadAfter: loadavg()[0],
  };
  show(results);
  console.log(`\nLoad of the machine: ${loadBefore.toFixed(1)} before, ${results.loadAfter.toFixed(1)} after`);
  if (given.only === undefined) report('even6', results);
} finally {
  for (const child of peers) child.disconnect();
  rmSync(folder, { recursive: true, force: true });
}
