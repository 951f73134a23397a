// The lines of the table: what each contender does in it, in which unit it is told, and what it should reach.
import { fileURLToPath } from 'node:url';
import { Command, Pass } from './contenders.mjs';
import { capabilities, command, kernelSwitch } from './engine.mjs';
import { SHORT_OF } from './logs.mjs';

const ENGINE = './engine.mjs';
const PEER_COMMAND = fileURLToPath(new URL('./peers/command.mjs', import.meta.url));

/** Ours: which columns this build can fill, and what makes them. */
const OURS = {
  ts: { kernel: false, threads: 1 },
  kernel: capabilities.kernel ? { kernel: true, threads: 1 } : undefined,
  twoThreads: capabilities.threads ? { kernel: capabilities.kernel, threads: 2 } : undefined,
};

/** Columns of those that are there. */
const filled = (entries) => Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
const ours = (make) => filled(Object.fromEntries(Object.entries(OURS).map(([name, how]) => [name, how && make(how)])));

const warm =
  (name, args) =>
  ({ kernel, threads }) =>
  () =>
    new Pass({ module: ENGINE, name, args: [...args, { threads }], env: kernelSwitch(kernel) });
const cold = (args) => (how) => () => new Command(command(args, how));

const megabytesPerSecond = { unit: 'MB/s', more: true, of: (seconds, log) => log.bytes / 1e6 / seconds };
const recordsPerSecond = { unit: 'M records/s', more: true, of: (seconds, log) => log.records / 1e6 / seconds };
const secondsTaken = { unit: 's', more: false, of: (seconds) => seconds };
const milliseconds = { unit: 'ms', more: false, of: (seconds) => seconds * 1000 };

const LABEL = {
  sec30: '30 MB Security',
  mix30: '30 MB every kind',
  mix500: '500 MB every kind',
  mix4000: '4 GB every kind',
  many: '16 logs of 2 MB by time',
};
const FORMAT = { xml: 'XML', json: 'JSON lines' };
/** What stands once in each event's output. */
const MARK = { xml: '<Event ', json: '\n' };
const RUST_FORMAT = { xml: 'xml', json: 'jsonl' };

/** The lines for these logs and peers. */
export function lines({ logs, bigLog, peers, rustStart, quick }) {
  const { evtxDump, evtxexport, tsEvtx, winevtx } = peers;
  const { sec30, mix30, mix500, many } = logs;
  const rustArgs = (format, threads) => ['-t', `${threads}`, '--no-indent', '--dont-show-record-number', '-o', format];
  const shortLog = (log) => logs[SHORT_OF[log.name]];
  const shareOf = (short, log) => short.bytes / log.bytes;

  /** Programs that render a log; `startSeconds` is taken off where ours is warm. */
  const programs = (log, format, startSeconds) => {
    const readable = logs[`${SHORT_OF[log.name]}-read`];
    const rust = (threads) => () =>
      new Command({
        program: evtxDump.program,
        args: [...rustArgs(RUST_FORMAT[format], threads), log.path],
        startSeconds,
      });
    return {
      rust: evtxDump && rust(1),
      rustTwo: evtxDump && rust(2),
      libevtx:
        evtxexport && readable && format === 'xml'
          ? () =>
              new Command({
                program: evtxexport.program,
                args: ['-f', 'xml', readable.path],
                share: shareOf(readable, log),
              })
          : undefined,
    };
  };

  const render = (log, format, goals) => {
    const short = shortLog(log);
    const peer = (file) => () =>
      new Pass({
        module: `./peers/${file}.mjs`,
        name: 'renderLog',
        args: [short.path, format],
        share: shareOf(short, log),
      });
    return {
      name: `${LABEL[log.name]} to ${FORMAT[format]}, warm`,
      log,
      mark: MARK[format],
      figures: [{ ...megabytesPerSecond, goals }],
      contenders: filled({
        ...ours(warm('renderLog', [log.path, format])),
        ...programs(log, format, rustStart),
        // It needs half a minute for 2 MB of every kind.
        tsEvtx: tsEvtx && !(quick && log !== sec30) ? peer('ts-evtx') : undefined,
        winevtx: winevtx && format === 'json' ? peer('winevtx') : undefined,
      }),
    };
  };

  /** The renderer alone: no file, nobody who takes the lines. */
  const renderChunks = (log, format, goals) => {
    const { twoThreads: _, ...oneThread } = ours(warm('renderChunks', [log.path, format]));
    return {
      name: `${LABEL[log.name]} to ${FORMAT[format]}, chunks in memory`,
      log,
      mark: MARK[format],
      figures: [{ ...megabytesPerSecond, goals }],
      contenders: oneThread,
    };
  };

  const wholeProcess = (log, format, goals, memoryGoals) => {
    const short = shortLog(log);
    const peer = (file) => () =>
      new Command({
        program: process.execPath,
        args: [PEER_COMMAND, file, format, short.path],
        share: shareOf(short, log),
      });
    return {
      name: `${LABEL[log.name]} to ${FORMAT[format]}, whole process`,
      log,
      mark: MARK[format],
      memory: memoryGoals,
      figures: [{ ...secondsTaken, goals }],
      contenders: filled({
        ...ours(cold(['qe', log.path, `/f:${format}`])),
        ...programs(log, format, 0),
        tsEvtx: tsEvtx && peer('ts-evtx'),
        winevtx: winevtx && format === 'json' ? peer('winevtx') : undefined,
      }),
    };
  };

  /** Several logs as one: the other programs read one log at a time. */
  const renderMany = (log, format) => ({
    name: `${LABEL[log.name]} to ${FORMAT[format]}, warm`,
    log,
    mark: MARK[format],
    figures: [megabytesPerSecond],
    contenders: ours(warm('renderLog', [log.path, format])),
  });

  const countMany = (log, predicate) => ({
    name: `${LABEL[log.name]}, ${predicate.name}, warm`,
    log,
    figures: [megabytesPerSecond, recordsPerSecond],
    contenders: ours(warm('countLog', [log.path, predicate.query])),
  });

  /** What is done today: everything to JSON, on all cores, and a text search. */
  const searched = (log, { grep }, startSeconds) =>
    evtxDump && process.platform !== 'win32'
      ? () =>
          new Command({
            program: 'sh',
            // grep says with 1 that it found nothing.
            args: ['-c', `"$0" -o jsonl "$1" | ${grep} || [ $? = 1 ]`, evtxDump.program, log.path],
            startSeconds,
          })
      : undefined;

  /** @param handsOut each event found is handed to the caller; else they are counted, as grep -c does */
  const filter = (log, predicate, goals, recordGoals, handsOut = false) => ({
    name: `${LABEL[log.name]}, ${predicate.name}, ${handsOut ? 'events handed out, ' : ''}warm`,
    log,
    figures: [
      { ...megabytesPerSecond, goals },
      { ...recordsPerSecond, goals: recordGoals },
    ],
    contenders: filled({
      ...handedOut(handsOut, ours(warm(handsOut ? 'scanLog' : 'countLog', [log.path, predicate.query]))),
      rust: searched(log, predicate, rustStart),
    }),
  });

  /** Events are handed out by one thread. */
  const handedOut = (handsOut, { twoThreads, ...oneThread }) =>
    handsOut ? oneThread : filled({ ...oneThread, twoThreads });

  /** What bounds a filter: nobody looks at what is read. */
  const readOnly = (log) => ({
    name: `${LABEL[log.name]}, read and not looked at`,
    log,
    figures: [megabytesPerSecond],
    unchecked: true,
    contenders: { kernel: () => new Pass({ module: ENGINE, name: 'readLog', args: [log.path] }) },
  });

  const filterProcess = (log, predicate, goals) => ({
    name: `${LABEL[log.name]}, ${predicate.name}, whole process`,
    log,
    figures: [{ ...secondsTaken, goals }],
    memory: [],
    contenders: filled({
      ...ours(cold(['qe', log.path, `/q:${predicate.query}`, '/n:true'])),
      rust: searched(log, predicate, 0),
    }),
  });

  const first = (log, newest, goals) => ({
    name: `${newest ? 'newest' : 'first'} event of ${LABEL[log.name]}, whole process`,
    log,
    figures: [{ ...milliseconds, goals }],
    memory: [],
    unchecked: true,
    contenders: filled({
      ...ours(cold(['qe', log.path, '/c:1', ...(newest ? ['/rd:true'] : [])])),
      rust:
        evtxDump && !newest && process.platform !== 'win32'
          ? () => new Command({ program: 'sh', args: ['-c', '"$0" -t 1 "$1" | head -n 1', evtxDump.program, log.path] })
          : undefined,
    }),
  });

  const ahead = { of: 'kernel', over: 'rust', least: 1.5 };
  const xml = [{ of: 'ts', least: 250 }, { of: 'kernel', least: 600 }, ahead];
  const json = [{ of: 'kernel', least: 450 }, ahead];
  const chunksXml = [
    { of: 'ts', least: 250 },
    { of: 'kernel', least: 600 },
  ];
  const chunksJson = [{ of: 'kernel', least: 450 }];
  const twoThreads = [
    { of: 'twoThreads', least: 1000 },
    { of: 'twoThreads', over: 'oneThread', least: 1.7 },
  ];
  const scan = [
    { of: 'oneThread', least: 1000 },
    { of: 'oneThread', over: 'rust', least: 10 },
  ];
  const scanRecords = [{ of: 'oneThread', least: 1.3 }];
  const predicates = quick ? PREDICATES.filter(({ quick }) => quick) : PREDICATES;
  const largest = bigLog ?? mix500 ?? mix30;
  return [
    render(sec30, 'xml', xml),
    render(mix30, 'xml', xml),
    mix500 && render(mix500, 'xml', [...xml, ...twoThreads]),
    render(sec30, 'json', json),
    render(mix30, 'json', json),
    mix500 && render(mix500, 'json', json),
    renderChunks(sec30, 'xml', chunksXml),
    renderChunks(mix30, 'xml', chunksXml),
    renderChunks(sec30, 'json', chunksJson),
    renderChunks(mix30, 'json', chunksJson),
    ...predicates.map((predicate) => filter(sec30, predicate, scan, scanRecords)),
    ...predicates.map((predicate) => filter(mix30, predicate, scan, scanRecords)),
    mix500 && filter(mix500, PREDICATES[0], scan, scanRecords),
    readOnly(mix500 ?? mix30),
    filter(sec30, PREDICATES[0], scan, scanRecords, true),
    renderMany(many, 'xml'),
    countMany(many, PREDICATES[0]),
    quick ? undefined : filter(sec30, PREDICATES[1], scan, scanRecords, true),
    quick ? undefined : filter(mix30, PREDICATES[4], scan, scanRecords, true),
    wholeProcess(sec30, 'xml', [{ of: 'oneThread', most: 0.14 }], [{ of: 'oneThread', most: 90 }]),
    quick ? undefined : wholeProcess(mix30, 'xml', [{ of: 'oneThread', most: 0.16 }], [{ of: 'oneThread', most: 90 }]),
    wholeProcess(sec30, 'json', [], []),
    mix500 &&
      wholeProcess(
        mix500,
        'xml',
        [
          { of: 'oneThread', most: 1.2 },
          { of: 'oneThread', over: 'rust', least: 1 },
        ],
        [{ of: 'oneThread', most: 90 }],
      ),
    mix500 &&
      wholeProcess(mix500, 'json', [{ of: 'oneThread', over: 'rust', least: 1 }], [{ of: 'oneThread', most: 90 }]),
    filterProcess(sec30, PREDICATES[0], []),
    mix500 && filterProcess(mix500, PREDICATES[0], [{ of: 'oneThread', over: 'rust', least: 10 }]),
    first(largest, false, [{ of: 'oneThread', most: 100 }]),
    first(largest, true, [{ of: 'oneThread', most: 100 }]),
    {
      name: '--version, more than node -e 0',
      figures: [{ ...milliseconds, goals: [{ of: 'oneThread', most: 15 }] }],
      unchecked: true,
      rounds: 21,
      /** Taken off every other one, round by round. */
      base: () => new Command({ program: process.execPath, args: ['-e', '0'] }),
      contenders: ours(cold(['--version'])),
    },
  ].filter((line) => line !== undefined);
}

/** Queries, and what finds the same in JSON lines: the text as somebody would search for it. */
const PREDICATES = [
  {
    name: 'EventID=4625',
    query: '*[System[EventID=4625]]',
    grep: `grep -c '"EventID":4625,'`,
    quick: true,
  },
  {
    name: 'Level<=2',
    query: '*[System[Level<=2]]',
    grep: `grep -cE '"Level":"?[012][,"]'`,
  },
  {
    name: 'a year',
    query: "*[System[TimeCreated[@SystemTime>='2019-01-01T00:00:00.000Z' and @SystemTime<'2020-01-01T00:00:00.000Z']]]",
    grep: `grep -c '"SystemTime":"2019-'`,
  },
  {
    name: 'an id and a name',
    query: "*[System[EventID=4624] and EventData[Data[@Name='TargetUserName']='SYSTEM']]",
    grep: `grep '"EventID":4624,' | grep -c '"TargetUserName":"SYSTEM"'`,
    quick: true,
  },
  {
    name: 'a name, any event',
    query: "*[EventData[Data[@Name='TargetUserName']='Administrator']]",
    grep: `grep -c '"TargetUserName":"Administrator"'`,
  },
];
