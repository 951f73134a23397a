// How fast logs are read, rendered, filtered and cancelled, beside other parsers: one table, what counts first. All of a line's
// contenders take turns in the same run on the same files; MB are those of the log. What each line does is in lines.mjs.
//
//   node bench/speed.mjs [--quick] [--big] [--only=TEXT] [--seconds=N] [--name=NAME]
//     --quick       under two minutes: no log of 500 MB, fewer runs, nothing built that is not there
//     --big         also a log of 4 GB, deleted afterwards
//     --only=TEXT   lines whose name has TEXT in it
//     --seconds=N   what one contender may use in a line: 12 unless told, 1.5 when quick
//     --name=NAME   results go to bench/results/NAME.json
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, report, table } from './common.mjs';
import { Command } from './contenders.mjs';
import { capabilities } from './engine.mjs';
import { lines } from './lines.mjs';
import { benchLogs, SHORT_OF, warmCache, withBigLog } from './logs.mjs';
import { summary, takeTurns, timesFaster, wholeSeconds, yardstick } from './measure.mjs';
import { evtxexportReads, findPeers } from './peers/find.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    big: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    name: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const { quick } = options;
const name = options.name ?? (quick ? 'speed-quick' : 'speed');
const TURNS = quick
  ? { rounds: 5, budgetSeconds: 1.5, warmUpSeconds: 0.4 }
  : { rounds: 11, budgetSeconds: 12, warmUpSeconds: 1.5 };
if (options.seconds !== undefined) TURNS.budgetSeconds = Number(options.seconds);
const CANCEL = quick ? { tries: 100, pairs: 3, events: 150_000 } : { tries: 500, pairs: 7, events: 600_000 };

/** Columns with figures, in their order, and how they are called. */
const COLUMNS = {
  ts: 'TypeScript',
  kernel: 'kernel',
  twoThreads: '2 threads',
  rust: 'evtx_dump',
  rustTwo: 'evtx_dump -t 2',
  libevtx: 'evtxexport',
  winevtx: 'winevtx',
  tsEvtx: '@ts-evtx/core',
};
/** One thread, as good as this build has it. */
const ONE_THREAD = capabilities.kernel ? 'kernel' : 'ts';
const resolved = (column) => (column === 'oneThread' ? ONE_THREAD : column);
const RATIOS = {
  '1T ÷ evtx_dump': ['oneThread', 'rust'],
  ...(capabilities.kernel ? { 'TS ÷ evtx_dump': ['ts', 'rust'] } : {}),
  '2T ÷ evtx_dump -t 2': ['twoThreads', 'rustTwo'],
  'kernel ÷ TS': ['kernel', 'ts'],
  '2T ÷ 1T': ['twoThreads', 'oneThread'],
  '÷ evtxexport': ['oneThread', 'libevtx'],
  '÷ winevtx': ['oneThread', 'winevtx'],
  '÷ @ts-evtx/core': ['oneThread', 'tsEvtx'],
};

const say = (sentence) => void process.stderr.write(`winevt: ${sentence}\n`);
const notes = [];

/** Whether everybody does all of the work; who does less is taken at the rate of what it did. */
async function check(line, contenders, shortLogs) {
  if (line.unchecked) return;
  const found = {};
  for (const [column, contender] of Object.entries(contenders)) {
    const events = await contender.events(line.mark);
    if (line.mark === undefined) {
      found[column] = events;
      continue;
    }
    const records = contender.share === 1 ? line.log.records : shortLogs(column, line.log)?.records;
    if (events === records) continue;
    if (events === 0) {
      notes.push(`${line.name}: ${COLUMNS[column]} gave no events, and is left out`);
      delete contenders[column];
      contender.end();
      continue;
    }
    notes.push(`${line.name}: ${COLUMNS[column]} gave ${events} of ${records} events, and is taken at their rate`);
    contender.share *= events / records;
  }
  if (new Set(Object.values(found)).size > 1) {
    const counts = Object.entries(found).map(([column, events]) => `${COLUMNS[column]} ${events}`);
    notes.push(`${line.name}: not all found the same: ${counts.join(', ')}`);
  }
}

/** Measures one line. @returns its rows: one per figure, and one for memory */
async function measure(line, shortLogs) {
  say(line.name);
  const contenders = Object.fromEntries(Object.entries(line.contenders).map(([column, make]) => [column, make()]));
  const turns = { ...TURNS, ...(line.rounds ? { rounds: line.rounds } : {}) };
  const base = line.base?.();
  try {
    const { seconds, loops } = await takeTurns(base ? { base, ...contenders } : contenders, turns);
    // Only the small logs: the large ones have the same chunks.
    if (line.log === undefined || line.log.bytes < 1e8) await check(line, contenders, shortLogs);
    const whole = {};
    for (const [column, { share }] of Object.entries(contenders)) {
      const taken = base ? seconds[column].map((value, i) => value - seconds.base[i]) : seconds[column];
      whole[column] = wholeSeconds(taken, share);
    }
    const rows = line.figures.map(({ unit, more, of, goals = [] }) => {
      const values = {};
      const details = {};
      for (const [column, taken] of Object.entries(whole)) {
        const told = summary(taken);
        values[column] = of(told.medianSeconds, line.log);
        details[column] = {
          median: values[column],
          best: of(told.bestSeconds, line.log),
          runs: told.runs,
          // What it costs in steps of the yardstick: to be compared between machines.
          loopMegasteps: told.medianSeconds * median(loops),
        };
        if (contenders[column].share !== 1) details[column].share = contenders[column].share;
      }
      return row(line.name, unit, more, goals, values, details, (a, b) =>
        base ? undefined : timesFaster(whole[a], whole[b]),
      );
    });
    if (line.memory !== undefined) rows.push(...memoryRow(line, contenders));
    return rows;
  } finally {
    for (const contender of Object.values(contenders)) contender.end();
  }
}

function memoryRow(line, contenders) {
  const values = {};
  for (const [column, contender] of Object.entries(contenders)) {
    const mebibytes = contender.program === 'sh' ? undefined : contender.peakMemory();
    if (mebibytes !== undefined) values[column] = mebibytes;
  }
  if (Object.keys(values).length === 0) return [];
  return [row(line.name, 'MiB at most', false, line.memory, values, undefined, (a, b) => values[b] / values[a])];
}

/** A row of the table: its values, its ratios, and which goals it reaches. */
function row(name, unit, more, goals, values, details, timesBetter) {
  const ratioOf = (one, other) => {
    const [a, b] = [resolved(one), resolved(other)];
    return a !== b && values[a] !== undefined && values[b] !== undefined ? timesBetter(a, b) : undefined;
  };
  const ratios = {};
  for (const [title, [one, other]] of Object.entries(RATIOS)) {
    const ratio = ratioOf(one, other);
    if (ratio !== undefined) ratios[title] = ratio;
  }
  const judged = goals.map((goal) => {
    const value = goal.over === undefined ? values[resolved(goal.of)] : ratioOf(goal.of, goal.over);
    const reached =
      value === undefined ? undefined : goal.least === undefined ? value <= goal.most : value >= goal.least;
    return { ...goal, reached };
  });
  return { name, unit, more, ratios, values, details, goals: judged };
}

const OF = { ts: 'TS', kernel: 'kernel', twoThreads: '2T', oneThread: '1T', rust: 'evtx_dump' };

function goalText({ of, over, least, most, reached }) {
  const subject = over === undefined ? OF[of] : `${OF[of]} ÷ ${OF[over]}`;
  const bound = least === undefined ? `≤ ${most}` : `≥ ${least}`;
  return `${subject} ${bound} ${reached === undefined ? '–' : reached ? 'yes' : 'NO'}`;
}

/** Cancelling, in a process of its own: there are no others to compare with. */
function cancelRows() {
  say('cancelling');
  const program = fileURLToPath(new URL('./cancel.mjs', import.meta.url));
  const args = ['--json', CANCEL.tries, CANCEL.pairs, CANCEL.events].map(String);
  const { latency, stalls, overhead } = JSON.parse(execFileSync(process.execPath, [program, ...args]));
  const [idle, busy, promise, bare] = latency;
  const line = (title, unit, value, most) =>
    row(title, unit, false, most === undefined ? [] : [{ of: 'oneThread', most }], { [ONE_THREAD]: value });
  return [
    line('EvtCancel to the end of a blocked EvtNext, idle, p50', 'ms', idle.p50Ms, 0.1),
    line('  the same, p99', 'ms', idle.p99Ms, 1),
    line('  the same, cores busy, p99', 'ms', busy.p99Ms, 15),
    line('  EvtNext with a promise, p50', 'ms', promise.p50Ms, undefined),
    line('  the same, p99', 'ms', promise.p99Ms, undefined),
    line('a bare loop of another thread sees a word change, p50', 'ms', bare.p50Ms, undefined),
    line('  the same, p99', 'ms', bare.p99Ms, undefined),
    line('event loop stands still in a scan, at most', 'ms', stalls.maxMs, 10),
    line('check points in the cheapest scan', '% more', (overhead.ratio - 1) * 100, 2),
  ];
}

const digits = (value) =>
  Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);

function print(rows) {
  const used = (titles, key) => titles.filter((title) => rows.some((one) => one[key][title] !== undefined));
  const ratios = used(Object.keys(RATIOS), 'ratios');
  const columns = used(Object.keys(COLUMNS), 'values');
  const cell = (value, mark = '') => (value === undefined ? '' : `${digits(value)}${mark}`);
  table(
    ['', ...ratios, ...columns.map((column) => COLUMNS[column]), 'unit', 'goals'],
    rows.map((one) => [
      one.name,
      ...ratios.map((title) => cell(one.ratios[title], ' ×')),
      ...columns.map((column) => cell(one.values[column])),
      one.unit,
      one.goals.map(goalText).join(', '),
    ]),
  );
}

const { peers, missing } = findPeers(!quick);
const reads = (path) => evtxexportReads(peers.evtxexport.program, path);
const wanted = ['sec30', 'mix30', 'many', ...(quick ? [] : ['mix500']), 'sec2', 'mix2'];
if (peers.evtxexport) wanted.push('sec2-read', 'mix2-read');
const { source, logs } = benchLogs(wanted, reads);
for (const log of Object.values(logs)) warmCache(log.path);
const shortLogs = (column, log) => logs[`${SHORT_OF[log.name]}${column === 'libevtx' ? '-read' : ''}`];

/** What evtx_dump needs before it reads: it is taken off where ours is warm. */
const rustStart = (() => {
  if (peers.evtxDump === undefined) return 0;
  const start = new Command({ program: peers.evtxDump.program, args: ['--version'] });
  return median(Array.from({ length: 11 }, () => start.run()));
})();

const rows = [];
const loops = [yardstick()];
async function run(bigLog) {
  const all = lines({ logs, bigLog, peers, rustStart, quick });
  for (const line of all.filter((one) => one.name.includes(options.only))) {
    rows.push(...(await measure(line, shortLogs)));
    loops.push(yardstick());
  }
}
if (options.big) await withBigLog(run);
else await run(undefined);
if ('cancelling'.includes(options.only)) rows.push(...cancelRows());

console.log(`
Medians; ratios are medians over the turns that both took, above 1 where the first one is better. 1T: one thread${capabilities.kernel ? ' with the kernel' : ''}.
Warm lines read the file, too; evtx_dump has no warm form: ${(rustStart * 1000).toFixed(1)} ms, what its start takes, are taken off.
Filters: evtx_dump on all cores, -o jsonl | grep. evtxexport and @ts-evtx/core read 2 MB of the same kind and are taken at that rate, so is winevtx.
`);
print(rows);
for (const sentence of [...missing, ...notes]) console.log(`\n${sentence}`);
if (!capabilities.kernel) console.log('\nthis build has no kernel: its column is missing');
if (!capabilities.threads) console.log('\nthis build renders and scans on one thread: that column is missing');
console.log(`\nlogs from the ${source}; fixed loop: ${median(loops).toFixed(0)} million steps per second`);
const versions = Object.fromEntries(
  Object.entries(peers).flatMap(([key, peer]) =>
    peer ? [[COLUMNS[key === 'evtxDump' ? 'rust' : key === 'evtxexport' ? 'libevtx' : key], peer.version]] : [],
  ),
);
report(name, {
  source,
  versions,
  loopMegastepsPerSecond: median(loops),
  logs: Object.values(logs).map(({ path: _, ...log }) => log),
  notes: [...missing, ...notes],
  rows,
});
