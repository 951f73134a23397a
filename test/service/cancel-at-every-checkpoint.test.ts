import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isCancelled } from '../../src/errors/evt-error.ts';
import { DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { runAsync, runSync, type Task } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { QueryRequest, ReadDirection, ResultSet, SeekRequest } from '../../src/service/service.ts';
import { temporaryFolder, writeLongLog, writeSampleLog, writeTimedLog } from '../log-files.ts';
import { anyHandle, CancelledAt, plainOperation } from './counting-operation.ts';

const folder = temporaryFolder();
const one = writeSampleLog(folder, 'one.evtx', 300);
// Times that run backwards inside a log, and equal times in both.
const left = writeTimedLog(folder, 'left.evtx', [5, 3, 9, 9, 12, 11, 20, 21, 22, 23]);
const right = writeTimedLog(folder, 'right.evtx', [4, 9, 9, 10, 13, 1, 19, 22, 30]);
const merged = `<QueryList><Query Id="0"><Select Path="file://${left}">*</Select><Select Path="file://${right}">*[System[EventID!=0]]</Select></Query></QueryList>`;

const service = new LocalService();

function request(query: string | undefined, path: string | undefined, direction: ReadDirection): QueryRequest {
  return {
    path,
    pathType: 'file',
    query,
    direction,
    tolerate: false,
    strict: false,
    recover: false,
    onDamage: undefined,
    onProgress: undefined,
  };
}

const QUERIES = [
  { name: 'one log', query: "*[EventData/Data='note 3' or EventData/Data[@Name='Count']>285]", path: one },
  { name: 'one log, every event', query: undefined, path: left },
  { name: 'two logs merged', query: merged, path: undefined },
] as const;

const identity = (event: { path: string; recordId: bigint }) => `${event.path}#${event.recordId}`;

function open(query: string | undefined, path: string | undefined, direction: ReadDirection): ResultSet {
  return runSync(service.query(request(query, path, direction), plainOperation()));
}

function readAll(set: ResultSet, size = 64): string[] {
  const found: string[] = [];
  for (;;) {
    const events = runSync(set.next(size, plainOperation()));
    if (events.length === 0) return found;
    found.push(...events.map(identity));
  }
}

/** Runs a call; true when it was cancelled. Any other failure passes through. */
function wasCancelled(call: () => void): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (isCancelled(error)) return true;
    throw error;
  }
}

describe.each(QUERIES)('$name', ({ query, path }) => {
  describe.each(['forward', 'reverse'] as const)('%s', (direction) => {
    test.each([1, 3, 64])('EvtNext by %i, cancelled at every check point: nothing lost, nothing twice', (size) => {
      const whole = open(query, path, direction);
      const all = readAll(whole);
      whole.dispose();
      expect(all.length).toBeGreaterThan(8);
      for (let step = 1; ; step++) {
        const set = open(query, path, direction);
        const handle = anyHandle();
        const found: string[] = [];
        let cancelled = 0;
        for (let ended = false; !ended; ) {
          const operation = new CancelledAt('EvtNext', handle, step);
          const stopped = wasCancelled(() => {
            const events = runSync(set.next(size, operation));
            found.push(...events.map(identity));
            ended = events.length === 0;
          });
          if (!stopped) continue;
          cancelled++;
          // Cancelling each call at its first check point would never end: read a batch in between.
          const events = runSync(set.next(size, plainOperation()));
          found.push(...events.map(identity));
          ended = events.length === 0;
        }
        set.dispose();
        expect(found).toEqual(all);
        if (cancelled === 0) break;
      }
    });

    const seeks: [string, Omit<SeekRequest, 'bookmark'>][] = [
      ['first + 5', { origin: 'first', offset: 5, strict: false }],
      ['last - 1', { origin: 'last', offset: -1, strict: true }],
      ['current + 2', { origin: 'current', offset: 2, strict: true }],
      ['current - 2', { origin: 'current', offset: -2, strict: true }],
      ['bookmark + 1', { origin: 'bookmark', offset: 1, strict: true }],
      ['bookmark - 1', { origin: 'bookmark', offset: -1, strict: false }],
    ];
    test.each(seeks)('EvtSeek %s, cancelled at every check point: the position stays', (_, seek) => {
      const whole = open(query, path, direction);
      const all = readAll(whole);
      whole.dispose();
      for (let step = 1; ; step++) {
        const set = open(query, path, direction);
        const [, , bookmarked] = runSync(set.next(4, plainOperation()));
        const operation = new CancelledAt('EvtSeek', anyHandle(), step);
        const stopped = wasCancelled(() => runSync(set.seek({ ...seek, bookmark: bookmarked!.position }, operation)));
        const rest = readAll(set);
        set.dispose();
        if (!stopped) {
          expect(rest).not.toEqual(all.slice(4));
          break;
        }
        expect(rest).toEqual(all.slice(4));
      }
    });

    test('a cancelled EvtNext does not scan again what it has looked at', () => {
      const set = open(query, path, direction);
      const handle = anyHandle();
      let stops = 0;
      for (;;) {
        const operation = new CancelledAt('EvtNext', handle, 3);
        if (!wasCancelled(() => void runSync(set.next(64, operation)))) break;
        stops++;
      }
      // Every call gets three check points further, so the scan ends although no call runs to its own end before.
      expect(stops).toBeGreaterThan(2);
      set.dispose();
    });
  });
});

test('EvtQuery cancelled at every check point: 1223, and no file stays open', async () => {
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const long = writeLongLog(folder, 'long.evtx', 300);
  const structured = `<QueryList><Query Id="0"><Select Path="file://${long}">*</Select><Select Path="file://${one}">*</Select></Query></QueryList>`;
  const linux = process.platform === 'linux';
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));
  const before = linux ? openFiles() : 0;
  let step = 1;
  for (; ; step++) {
    const operation = new CancelledAt('EvtQuery', DEFAULT_SESSION, step);
    let set: ResultSet | undefined;
    const stopped = wasCancelled(() => {
      set = runSync(service.query(request(structured, undefined, 'forward'), operation));
    });
    set?.dispose();
    if (!stopped) break;
    expect(set).toBeUndefined();
  }
  expect(step).toBeGreaterThan(6);
  await settled();
  if (linux) expect(openFiles()).toBe(before);
});

test('the blocking and the asynchronous way of running a task give the same', async () => {
  const run = async (way: <T>(task: Task<T>) => T | Promise<T>) => {
    const set = await way(service.query(request(merged, undefined, 'forward'), plainOperation()));
    const events = await way(set.next(1024, plainOperation()));
    set.dispose();
    return events.map(identity);
  };
  expect(await run(runAsync)).toEqual(await run(runSync));
});
