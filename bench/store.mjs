// Writing, exporting and following: what a store does, beside SQLite as a neutral yardstick for durable appends.
//
//   node bench/store.mjs [--quick]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventLogSession } from '../dist/index.js';
import { demoLog, median, quantile, report, table } from './common.mjs';
import { peersFolder } from './peers/folder.mjs';
import { findSqlite } from './peers/sqlite.mjs';

const quick = process.argv.includes('--quick');
const TURNS = quick ? 3 : 7;
const COUNTS = quick
  ? { os: 2000, osBatch: 20_000, disk: 100, diskBatch: 2000 }
  : { os: 10_000, osBatch: 100_000, disk: 500, diskBatch: 20_000 };
const BATCH = 500;
const FOLLOWED = quick ? 60 : 300;

const folder = mkdtempSync(join(tmpdir(), 'winevt-bench-'));
let made = 0;

/** What both write: an event with its usual fields and three values. */
const event = (n) => ({
  provider: 'Bench',
  id: 1 + (n % 7),
  level: 4,
  data: { n, user: `user-${n % 50}`, text: 'a few words of text' },
});

async function appendOurs(count, batch, durability) {
  const session = EventLogSession.open({ store: join(folder, `store-${++made}`) });
  await session.write('App', event(0));
  const config = await session.getLogConfiguration('App');
  config.maximumSizeInBytes = 2 ** 30;
  await config.saveChanges();
  const started = performance.now();
  for (let n = 0; n < count; ) {
    if (batch === 1) await session.write('App', event(n++), { durability });
    else
      await session.write(
        'App',
        Array.from({ length: batch }, () => event(n++)),
        { durability },
      );
  }
  const seconds = (performance.now() - started) / 1000;
  session.close();
  return count / seconds;
}

/** The same fields as columns; `synchronous` FULL is on the disk when it returns, OFF outlives the process. */
function appendSqlite(Database, count, batch, durability) {
  const db = new Database(join(folder, `sqlite-${++made}.db`));
  db.pragma('journal_mode = WAL');
  db.pragma(`synchronous = ${durability === 'disk' ? 'FULL' : 'OFF'}`);
  db.exec(
    'CREATE TABLE events (record INTEGER PRIMARY KEY, time INTEGER, provider TEXT, id INTEGER, level INTEGER, computer TEXT, pid INTEGER, data TEXT)',
  );
  const insert = db.prepare(
    'INSERT INTO events (time, provider, id, level, computer, pid, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const write = ({ provider, id, level, data }) =>
    insert.run(Date.now(), provider, id, level, 'host', process.pid, JSON.stringify(data));
  const many = db.transaction((events) => {
    for (const one of events) write(one);
  });
  const started = performance.now();
  for (let n = 0; n < count; ) {
    if (batch === 1) write(event(n++));
    else many(Array.from({ length: batch }, () => event(n++)));
  }
  const seconds = (performance.now() - started) / 1000;
  db.close();
  return count / seconds;
}

async function appends() {
  const sqlite = findSqlite();
  const Database = sqlite && createRequire(join(peersFolder, 'package.json'))('better-sqlite3');
  const rows = [];
  for (const [name, count, batch, durability] of [
    ['one by one, outlives the process', COUNTS.os, 1, 'os'],
    [`${BATCH} at a time, outlives the process`, COUNTS.osBatch, BATCH, 'os'],
    ['one by one, on the disk', COUNTS.disk, 1, 'disk'],
    [`${BATCH} at a time, on the disk`, COUNTS.diskBatch, BATCH, 'disk'],
  ]) {
    const ours = [];
    const theirs = [];
    for (let turn = 0; turn <= TURNS; turn++) {
      const one = await appendOurs(count, batch, durability);
      const other = Database && appendSqlite(Database, count, batch, durability);
      // The first turn warms up.
      if (turn === 0) continue;
      ours.push(one);
      if (other !== undefined) theirs.push(other);
    }
    rows.push({
      name,
      eventsPerSecond: median(ours),
      sqlite: theirs.length > 0 ? median(theirs) : undefined,
      ratio: theirs.length > 0 ? median(ours.map((one, i) => one / theirs[i])) : undefined,
    });
  }
  return { rows, sqlite };
}

async function exports() {
  const log = demoLog(quick ? 50_000 : 150_000);
  const rows = [];
  for (const [name, query] of [
    ['everything', undefined],
    ['EventID=4625', '*[System[EventID=4625]]'],
  ]) {
    const rates = [];
    let result;
    for (let turn = 0; turn <= TURNS; turn++) {
      const target = join(folder, `export-${++made}.evtx`);
      let readBytes = 0;
      const started = performance.now();
      result = await EventLogSession.local().exportLog(log, query, target, {
        onProgress: (progress) => {
          readBytes = progress.readBytes;
        },
      });
      const seconds = (performance.now() - started) / 1000;
      if (turn > 0) rates.push(readBytes / 1e6 / seconds);
      rmSync(target);
    }
    rows.push({ name, megabytesPerSecond: median(rates), records: result.records });
  }
  return rows;
}

/** Another process writes an event at a time; from its acknowledgement's time stamp to the follower's loop. */
async function follows() {
  const store = join(folder, 'followed');
  const session = EventLogSession.open({ store });
  await session.write('App', event(0));
  const watcher = session.watch('App', undefined, { start: 'future' });
  const times = [];
  const writer = spawn(
    process.execPath,
    [fileURLToPath(new URL('./store-writer.mjs', import.meta.url)), store, String(FOLLOWED)],
    {
      stdio: 'inherit',
    },
  );
  for await (const one of watcher) {
    times.push(performance.timeOrigin + performance.now() - Number(one.data.at));
    if (times.length === FOLLOWED) break;
  }
  await new Promise((resolve) => writer.on('close', resolve));
  watcher.close();
  session.close();
  return { events: times.length, p50Ms: median(times), p99Ms: quantile(times, 0.99), maxMs: Math.max(...times) };
}

try {
  const { rows, sqlite } = await appends();
  const exported = await exports();
  const followed = await follows();
  const number = (value) => (value === undefined ? '' : Math.round(value).toLocaleString('en'));
  console.log('\nAppending, events per second:\n');
  table(
    ['', 'winevt', 'SQLite', 'winevt ÷ SQLite'],
    rows.map((row) => [row.name, number(row.eventsPerSecond), number(row.sqlite), row.ratio?.toFixed(2) ?? '']),
  );
  if (sqlite === undefined) console.log('\nbetter-sqlite3 could not be installed: its column is empty');
  else console.log(`\nSQLite: better-sqlite3 ${sqlite.version}, WAL, synchronous OFF or FULL`);
  console.log('\nExporting, MB of the log per second:\n');
  table(
    ['', 'MB/s', 'events'],
    exported.map((row) => [row.name, row.megabytesPerSecond.toFixed(0), number(row.records)]),
  );
  const { p50Ms, p99Ms, maxMs, events } = followed;
  console.log(
    `\nFrom a write in another process to the follower's loop (${events} events): p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, max ${maxMs.toFixed(1)} ms`,
  );
  report('store', { append: rows, export: exported, follow: followed, sqlite: sqlite?.version });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
