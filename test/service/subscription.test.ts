import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import {
  callNext,
  callSubscribe,
  callWait,
  cancel,
  close,
  runAsynchronous,
  runBlocking,
} from '../../src/service/calls.ts';
import { watchedLogCount } from '../../src/service/local/log-watch.ts';
import type { EventPosition, LogDamage, LogEvent, SubscribeRequest } from '../../src/service/service.ts';
import { sampleLog } from '../evtx/sample-events.ts';
import { temporaryFolder, writeTimedLog } from '../log-files.ts';
import { GrowingLog, largeEvent } from './growing-log.ts';

const folder = temporaryFolder();
let files = 0;
const newPath = () => join(folder, `log-${++files}.evtx`);

const ids = (events: readonly LogEvent[]) => events.map(({ recordId }) => Number(recordId));
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

interface Following {
  readonly handle: number;
  readonly missed: bigint[];
  readonly damages: LogDamage[];
  /** All that is there now. */
  read(): number[];
}

function follow(path: string, request: Partial<SubscribeRequest> = {}): Following {
  const missed: bigint[] = [];
  const damages: LogDamage[] = [];
  const whole: SubscribeRequest = {
    path,
    pathType: 'file',
    query: undefined,
    start: 'oldest',
    tolerate: false,
    strict: false,
    onMissed: ({ records }) => missed.push(records),
    onDamage: (damage) => damages.push(damage),
    ...request,
  };
  const handle = runBlocking(callSubscribe(null, whole, {}, 'EvtSubscribe'));
  return { handle, missed, damages, read: () => readAll(handle) };
}

function readAll(handle: number): number[] {
  const found: number[] = [];
  for (;;) {
    const events = runBlocking(callNext(handle, 7, 'EvtNext'));
    if (events.length === 0) return found;
    found.push(...ids(events));
  }
}

const bookmark = (name: string, recordId: bigint): EventPosition => ({
  names: [name],
  recordIds: [recordId],
  current: 0,
  direction: 'forward',
});

describe('a log that grows', () => {
  test('gives what is there, then what comes, whatever single write it is looked at behind', () => {
    const log = new GrowingLog(newPath(), { event: largeEvent });
    const { handle, read, damages } = follow(log.path);
    const found: number[] = [];
    for (const _ of log.appendSteps(40)) found.push(...read());
    expect(found).toEqual(from(1, 40));
    expect(damages).toEqual([]);
    close(handle);
  });

  test('from its future begins behind what is there', () => {
    const log = new GrowingLog(newPath());
    log.append(300);
    const { handle, read } = follow(log.path, { start: 'future' });
    expect(read()).toEqual([]);
    log.append(3);
    expect(read()).toEqual([301, 302, 303]);
    close(handle);
  });

  test('gives the events that the query selects, with the ids of their Query elements', () => {
    const log = new GrowingLog(newPath());
    const path = `file://${log.path}`;
    const query = `<QueryList><Query Id='7' Path='${path}'><Select>*[System[EventID=7]]</Select></Query></QueryList>`;
    const { handle } = follow(log.path, { path: undefined, query });
    log.append(10);
    const events = runBlocking(callNext(handle, 100, 'EvtNext'));
    expect(ids(events)).toEqual([3, 6, 9]);
    expect(events[0]!.queryIds).toEqual([7]);
    close(handle);
  });

  test('that wraps in front of its reader goes on, and skips nothing', () => {
    const log = new GrowingLog(newPath(), { maxSlots: 3, event: largeEvent });
    const { handle, read, missed } = follow(log.path);
    const found: number[] = [];
    for (const _ of log.appendSteps(60)) found.push(...read());
    expect(found).toEqual(from(1, 60));
    expect(missed).toEqual([]);
    close(handle);
  });

  test('that wraps past its reader goes on with the oldest that is left, and says how many are missing', () => {
    const log = new GrowingLog(newPath(), { maxSlots: 3, event: largeEvent });
    log.append(2);
    const { handle, read, missed } = follow(log.path);
    expect(read()).toEqual([1, 2]);
    log.append(48);
    const left = log.ids.map(Number);
    expect(left[0]).toBeGreaterThan(30);
    expect(read()).toEqual(left);
    expect(missed).toEqual([BigInt(left[0]! - 3)]);
    close(handle);
  });

  test('that was cleared or rotated is read to its end, then its successor', () => {
    const log = new GrowingLog(newPath(), { event: largeEvent });
    log.append(10);
    const { handle, read, missed } = follow(log.path);
    expect(ids(runBlocking(callNext(handle, 2, 'EvtNext')))).toEqual([1, 2]);
    log.clear();
    expect(read()).toEqual(from(3, 10));
    log.append(5);
    expect(read()).toEqual(from(11, 15));
    log.append(9);
    log.rotate();
    log.append(2);
    expect(read()).toEqual(from(16, 26));
    expect(missed).toEqual([]);
    close(handle);
  });

  test('that was cleared twice between two looks has lost what was in between', () => {
    const log = new GrowingLog(newPath());
    log.append(3);
    const { handle, read, missed } = follow(log.path);
    expect(read()).toEqual([1, 2, 3]);
    log.clear();
    log.append(4);
    log.clear();
    log.append(1);
    expect(read()).toEqual([8]);
    expect(missed).toEqual([4n]);
    close(handle);
  });

  test('strict, tells once that records are missing, behind what lies in front of them, and goes on', () => {
    const log = new GrowingLog(newPath(), { maxSlots: 3, event: largeEvent });
    log.append(4);
    const { handle, read } = follow(log.path, { strict: true });
    expect(ids(runBlocking(callNext(handle, 1, 'EvtNext')))).toEqual([1]);
    log.append(40);
    // The rest of the first chunk has been read with its first record.
    expect(ids(runBlocking(callNext(handle, 100, 'EvtNext')))).toEqual([2, 3, 4]);
    expect(() => runBlocking(callNext(handle, 100, 'EvtNext'))).toThrow(expect.objectContaining({ code: 15011 }));
    expect(read()).toEqual(log.ids.map(Number));
    close(handle);
  });

  test('that begins to count anew is read from its oldest record', () => {
    const path = newPath();
    const old = new GrowingLog(path, { firstId: 500n });
    old.append(3);
    const { handle, read, missed } = follow(path);
    expect(read()).toEqual([500, 501, 502]);
    old.close();
    writeTimedLog(folder, 'young.evtx', [1000, 2000]);
    renameSync(join(folder, 'young.evtx'), path);
    expect(read()).toEqual([1, 2]);
    expect(missed).toEqual([0n]);
    close(handle);
  });

  test('that an older copy takes the place of gives nothing twice', () => {
    const path = newPath();
    const log = new GrowingLog(path);
    log.append(5);
    copyFileSync(path, `${path}.older`);
    log.append(5);
    const { handle, read } = follow(path);
    expect(read()).toEqual(from(1, 10));
    renameSync(`${path}.older`, path);
    expect(read()).toEqual([]);
    close(handle);
  });
});

describe('a file that is being copied', () => {
  const bytes = sampleLog(700).log.bytes();

  test('gives each event once, wherever it is cut, and reports no damage', () => {
    const path = newPath();
    writeFileSync(path, bytes.subarray(0, HEADER_BLOCK_SIZE));
    const { handle, read, damages } = follow(path);
    const found = read();
    const step = 997;
    for (let at = HEADER_BLOCK_SIZE; at < bytes.length; at += step) {
      appendFileSync(path, bytes.subarray(at, at + step));
      found.push(...read());
    }
    expect(found).toEqual(from(1, 700));
    expect(damages).toEqual([]);
    close(handle);
  });

  test('likewise where its length is there from the start, and when it is written over', () => {
    const path = newPath();
    const length = HEADER_BLOCK_SIZE + Math.ceil((bytes.length - HEADER_BLOCK_SIZE) / CHUNK_SIZE) * CHUNK_SIZE;
    const empty = new Uint8Array(length);
    empty.set(bytes.subarray(0, HEADER_BLOCK_SIZE));
    writeFileSync(path, empty);
    const { handle, read, damages } = follow(path);
    const found = read();
    const fd = openSync(path, 'r+');
    const step = 1913;
    for (let at = HEADER_BLOCK_SIZE; at < bytes.length; at += step) {
      writeSync(fd, bytes, at, Math.min(step, bytes.length - at), at);
      found.push(...read());
    }
    closeSync(fd);
    expect(found).toEqual(from(1, 700));
    expect(damages).toEqual([]);
    // The same file again, cut to nothing first, and a longer one in its place.
    const longer = sampleLog(800).log.bytes();
    const again: number[] = [];
    writeFileSync(path, new Uint8Array(0));
    again.push(...read());
    for (let at = 0; at < longer.length; at += 30_011) {
      appendFileSync(path, longer.subarray(at, at + 30_011));
      again.push(...read());
    }
    expect(again).toEqual(from(701, 800));
    close(handle);
  });

  test('that has a damaged chunk in its middle is read on behind it', () => {
    const path = newPath();
    const damaged = bytes.slice();
    // The second chunk's records, from somewhere in it.
    damaged.fill(0xa5, HEADER_BLOCK_SIZE + CHUNK_SIZE + 20_000, HEADER_BLOCK_SIZE + CHUNK_SIZE + 20_100);
    writeFileSync(path, damaged);
    const { handle, read, damages } = follow(path);
    const found = read();
    expect(damages.length).toBeGreaterThan(0);
    expect(found.length).toBeGreaterThan(690);
    expect(found).toEqual([...new Set(found)].sort((a, b) => a - b));
    expect(found.at(-1)).toBe(700);
    close(handle);
  });
});

describe('a bookmark', () => {
  const path = newPath();
  const log = new GrowingLog(path, { maxSlots: 3, event: largeEvent });
  log.append(40);
  const left = log.ids.map(Number);
  const [oldest] = left as [number];

  const start = (id: bigint, strict = false) =>
    follow(path, { start: 'bookmark', bookmark: bookmark(path, id), strict });
  const readFrom = (id: bigint, strict = false) => {
    const { handle, read } = start(id, strict);
    const found = read();
    close(handle);
    return found;
  };

  test('resumes behind every single record', () => {
    for (const id of left) expect(readFrom(BigInt(id), true)).toEqual(left.filter((other) => other > id));
  });

  test('whose record was overwritten resumes at the oldest, or is 15011 when strict', () => {
    const { handle, read, missed } = start(3n);
    expect(read()).toEqual(left);
    expect(missed).toEqual([BigInt(oldest - 4)]);
    close(handle);
    expect(() => start(3n, true)).toThrow(expect.objectContaining({ code: 15011 }));
  });

  test('of a record that never was resumes at the oldest, or is 1168 when strict', () => {
    expect(readFrom(41n)).toEqual(left);
    expect(() => start(41n, true)).toThrow(expect.objectContaining({ code: 1168 }));
  });

  test('that does not name the log is the oldest, or 1168 when strict', () => {
    const other = bookmark('Other', 38n);
    const { handle, read } = follow(path, { start: 'bookmark', bookmark: other });
    expect(read()).toEqual(left);
    close(handle);
    expect(() => follow(path, { start: 'bookmark', bookmark: other, strict: true })).toThrow(
      expect.objectContaining({ code: 1168 }),
    );
  });

  test('of a log that was cleared afterwards is 15011 when strict, else nothing is missing', () => {
    const cleared = new GrowingLog(newPath());
    cleared.append(5);
    cleared.clear();
    const at = { start: 'bookmark', bookmark: bookmark(cleared.path, 5n) } as const;
    expect(() => follow(cleared.path, { ...at, strict: true })).toThrow(expect.objectContaining({ code: 15011 }));
    const { handle, read, missed } = follow(cleared.path, at);
    cleared.append(2);
    expect(read()).toEqual([6, 7]);
    expect(missed).toEqual([]);
    close(handle);
  });

  test('that events carry resumes behind them, in all logs of the subscription', () => {
    writeTimedLog(folder, 'One.evtx', [1, 4, 5]);
    writeTimedLog(folder, 'Two.evtx', [2, 3, 6]);
    const path = (name: string) => `file://${join(folder, name)}`;
    const query = `<QueryList><Query><Select Path='${path('One.evtx')}'>*</Select><Select Path='${path('Two.evtx')}'>*</Select></Query></QueryList>`;
    const both = { path: undefined, query } as const;
    const texts = (events: readonly LogEvent[]) => events.map((event) => /at \d/.exec(event.text('xml'))![0]);
    const { handle } = follow('', both);
    const events = runBlocking(callNext(handle, 10, 'EvtNext'));
    close(handle);
    expect(texts(events)).toEqual(['at 1', 'at 2', 'at 3', 'at 4', 'at 5', 'at 6']);
    for (const [i, { position }] of events.entries()) {
      const rest = follow('', { ...both, start: 'bookmark', bookmark: position });
      expect(texts(runBlocking(callNext(rest.handle, 10, 'EvtNext')))).toEqual(texts(events.slice(i + 1)).sort());
      close(rest.handle);
    }
  });
});

describe('what cannot be subscribed to', () => {
  const fails = (code: number, request: Partial<SubscribeRequest>) =>
    expect(() => follow('Nothing', { pathType: 'channel', ...request })).toThrow(expect.objectContaining({ code }));

  test('is told with the code of the call', () => {
    fails(15007, {});
    fails(15000, { strict: true });
    fails(15000, { path: 'a<b' });
    fails(15001, { query: '*[' });
    fails(87, { path: undefined });
    fails(2, { path: join(folder, 'nothing.evtx'), pathType: 'file' });
  });

  test('is left out when that is tolerated, but not when it is strict', () => {
    const log = new GrowingLog(newPath());
    log.append(1);
    const select = (path: string) => `<Select Path='file://${path}'>*</Select>`;
    const lists = select(join(folder, 'nothing.evtx')) + select(log.path);
    const query = `<QueryList><Query>${lists}</Query></QueryList>`;
    const { handle, read } = follow('', { path: undefined, query, tolerate: true });
    expect(read()).toEqual([1]);
    close(handle);
    fails(2, { path: undefined, query, tolerate: true, strict: true });
  });
});

describe('waiting', () => {
  test('ends when an event comes, whoever writes it', async () => {
    const log = new GrowingLog(newPath());
    const { handle } = follow(log.path);
    for (let i = 1; i <= 5; i++) {
      const waiting = runAsynchronous(callWait(handle, 'wait'));
      setImmediate(() => log.append());
      await waiting;
      expect(ids(await runAsynchronous(callNext(handle, 10, 'EvtNext')))).toEqual([i]);
    }
    // The name leads to another file meanwhile.
    const waiting = runAsynchronous(callWait(handle, 'wait'));
    setImmediate(() => {
      log.clear();
      log.append();
    });
    await waiting;
    expect(ids(await runAsynchronous(callNext(handle, 10, 'EvtNext')))).toEqual([6]);
    close(handle);
  });

  test('goes on while only events come that the query does not select', async () => {
    const log = new GrowingLog(newPath());
    const { handle } = follow(log.path, { query: '*[System[EventID=7]]' });
    let over = false;
    const waiting = runAsynchronous(callNext(handle, 10, 'EvtNext', { timeoutMs: 60_000 })).then((events) => {
      over = true;
      return events;
    });
    log.append(2);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(over).toBe(false);
    log.append(1);
    expect(ids(await waiting)).toEqual([3]);
    close(handle);
  });

  test('is not done by EvtNext without a time-out; with one it ends with 1460', async () => {
    const log = new GrowingLog(newPath());
    const { handle } = follow(log.path);
    expect(await runAsynchronous(callNext(handle, 10, 'EvtNext'))).toEqual([]);
    await expect(runAsynchronous(callNext(handle, 10, 'EvtNext', { timeoutMs: 5 }))).rejects.toMatchObject({
      code: 1460,
    });
    expect(() => runBlocking(callNext(handle, 10, 'EvtNext', { timeoutMs: 5 }))).toThrow(
      expect.objectContaining({ code: 1460 }),
    );
    log.append(2);
    expect(ids(await runAsynchronous(callNext(handle, 10, 'EvtNext', { timeoutMs: 5 })))).toEqual([1, 2]);
    close(handle);
  });

  test('ends at once when it is cancelled, aborted or closed, also in the queue, and loses nothing', async () => {
    const log = new GrowingLog(newPath());
    const { handle } = follow(log.path);
    const wait = (signal?: AbortSignal) =>
      runAsynchronous(callNext(handle, 10, 'EvtNext', { timeoutMs: 60_000, signal }));
    const outcome = (call: Promise<unknown>) =>
      call.then(
        () => 'events',
        (error: { code?: number; message: string }) => error.code ?? error.message,
      );
    const both = [outcome(wait()), outcome(wait())];
    await new Promise((resolve) => setImmediate(resolve));
    cancel(handle);
    expect(await Promise.all(both)).toEqual([1223, 1223]);
    const controller = new AbortController();
    const aborted = outcome(wait(controller.signal));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('enough'));
    expect(await aborted).toBe('enough');
    log.append(2);
    expect(ids(await wait())).toEqual([1, 2]);
    const closed = outcome(wait());
    close(handle);
    expect(await closed).toBe(1223);
    expect(watchedLogCount()).toBe(0);
  });
});

test('a log that is gone for a while is waited for', () => {
  const log = new GrowingLog(newPath());
  log.append(2);
  const { handle, read } = follow(log.path);
  expect(read()).toEqual([1, 2]);
  rmSync(log.path);
  expect(read()).toEqual([]);
  const next = new GrowingLog(log.path, { firstId: 3n });
  next.append(1);
  expect(read()).toEqual([3]);
  close(handle);
});
