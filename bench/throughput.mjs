// How fast a log is read on one thread: all of it to XML and to JSON, and through filters. In MB of log and records per second,
// beside evtxexport (libevtx) on the same bytes in the same run where it is installed.
//
//   node bench/throughput.mjs [events]      200,000 events by default; WINEVT_BENCH_LOG names another log
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { DEFAULT_SESSION } from '../dist/operations/handle-table.js';
import { Operation } from '../dist/operations/operation.js';
import { runSync } from '../dist/operations/task.js';
import { renderJson } from '../dist/render/json.js';
import { renderXml } from '../dist/render/xml.js';
import { LocalService } from '../dist/service/local/local-service.js';
import { demoLog, median, report, table } from './common.mjs';

const PASSES = 5;
/** As many as the command and the reader fetch in one go: larger batches live longer, and cost collecting them. */
const EVENTS_PER_READ = 64;
/** evtxexport is some hundred times slower: it reads a shorter log of the same kind, and rates are compared. */
const PEER_EVENTS = 10_000;

const file = process.env.WINEVT_BENCH_LOG ?? demoLog(Number(process.argv[2] ?? 200_000));
const operation = (api) => new Operation(api, DEFAULT_SESSION);

/** One pass over the log; `use` is given each event. */
function pass(path, query, use) {
  const request = {
    path,
    pathType: 'file',
    query,
    direction: 'forward',
    tolerate: false,
    strict: false,
    recover: false,
  };
  const set = runSync(new LocalService().query(request, operation('EvtQuery')));
  const started = performance.now();
  for (;;) {
    const events = runSync(set.next(EVENTS_PER_READ, operation('EvtNext')));
    if (events.length === 0) break;
    for (const event of events) use(event);
  }
  const milliseconds = performance.now() - started;
  const { records, readBytes } = set.progress;
  set.dispose();
  return { milliseconds, records, readBytes };
}

let sink = 0;
const keep = (text) => {
  sink += text.length;
};
const WORK = {
  'all to XML': [undefined, (event) => keep(renderXml(event.tree))],
  'all to JSON': [undefined, (event) => keep(renderJson(event.tree))],
  'EventID=4625': ['*[System[EventID=4625]]', () => {}],
  'Level<=2': ['*[System[Level<=2]]', () => {}],
  'EventID=4624 and a user name': [
    "*[System[EventID=4624] and EventData[Data[@Name='TargetUserName']='SYSTEM']]",
    () => {},
  ],
  'a user name, any event': ["*[EventData[Data[@Name='TargetUserName']='nobody']]", () => {}],
};

const results = Object.entries(WORK).map(([name, [query, use]]) => {
  pass(file, query, use); // warm-up
  const passes = Array.from({ length: PASSES }, () => pass(file, query, use));
  const seconds = median(passes.map(({ milliseconds }) => milliseconds)) / 1000;
  const { records, readBytes } = passes[0];
  return { name, megabytesPerSecond: readBytes / 1e6 / seconds, recordsPerSecond: records / seconds };
});

function evtxexport() {
  const path = process.env.WINEVT_BENCH_LOG ?? demoLog(PEER_EVENTS);
  const times = [];
  try {
    for (let i = 0; i < 3; i++) {
      const started = performance.now();
      execFileSync('evtxexport', ['-f', 'xml', path], { stdio: 'ignore' });
      times.push(performance.now() - started);
    }
  } catch {
    return undefined;
  }
  const seconds = median(times) / 1000;
  const { records } = pass(path, undefined, () => {});
  return {
    name: 'evtxexport -f xml',
    megabytesPerSecond: statSync(path).size / 1e6 / seconds,
    recordsPerSecond: records / seconds,
  };
}

const peer = evtxexport();
if (peer === undefined) console.log('evtxexport is not installed: no comparison with it');
const rows = peer === undefined ? results : [...results, peer];
console.log(
  `\n${(statSync(file).size / 1e6).toFixed(0)} MB log, one thread, warm, file reading included, median of ${PASSES} passes:\n`,
);
table(
  ['', 'times evtxexport', 'MB/s', 'records/s'],
  rows.map(({ name, megabytesPerSecond, recordsPerSecond }) => [
    name,
    peer === undefined ? '' : `${(recordsPerSecond / peer.recordsPerSecond).toFixed(1)} ×`,
    megabytesPerSecond.toFixed(1),
    Math.round(recordsPerSecond).toLocaleString('en'),
  ]),
);
report('throughput', rows);
if (sink < 0) console.log(sink);
