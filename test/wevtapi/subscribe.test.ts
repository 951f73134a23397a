import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openHandleCount } from '../../src/service/handle-registry.ts';
import { watchedLogCount } from '../../src/service/local/log-watch.ts';
import * as blocking from '../../src/wevtapi/index.ts';
import * as promises from '../../src/wevtapi/promises.ts';
import { temporaryFolder } from '../log-files.ts';
import { GrowingLog, largeEvent } from '../service/growing-log.ts';

const {
  EvtSubscribeActionDeliver: DELIVER,
  EvtSubscribeActionError: ERROR,
  EvtSubscribeStartAfterBookmark: AFTER,
  EvtSubscribeStartAtOldestRecord: OLDEST,
  EvtSubscribeStrict: STRICT,
  EvtSubscribeToFutureEvents: FUTURE,
} = blocking;

const folder = temporaryFolder();
let files = 0;
const newLog = (options?: ConstructorParameters<typeof GrowingLog>[1]) =>
  new GrowingLog(join(folder, `log-${++files}.evtx`), options);

/** A signal as the C face takes it. */
const word = () => new Int32Array(new SharedArrayBuffer(4));
const turn = () => new Promise((resolve) => setImmediate(resolve));

afterEach(() => {
  expect(openHandleCount()).toBe(0);
  expect(watchedLogCount()).toBe(0);
});

function open(log: GrowingLog, signal: Int32Array, flags = OLDEST, query: string | null = null): number {
  const handle = blocking.EvtSubscribe(null, signal, log.path, query, null, null, null, flags);
  expect(handle, `error ${blocking.GetLastError()}`).not.toBeNull();
  return handle!;
}

function recordId(event: number): number {
  const context = blocking.EvtCreateRenderContext(1, ['Event/System/EventRecordID'], blocking.EvtRenderContextValues)!;
  const values: blocking.Out<string | readonly blocking.Variant[]> = {};
  expect(blocking.EvtRender(context, event, blocking.EvtRenderEventValues, values)).toBe(true);
  blocking.EvtClose(context);
  return Number((values.value as readonly blocking.Variant[])[0]!.value);
}

/** Reads until EvtNext answers that there is no more. */
function drain(handle: number, size = 3): number[] {
  const found: number[] = [];
  const events: number[] = [];
  while (blocking.EvtNext(handle, size, events, 0, 0)) {
    for (const event of events) {
      found.push(recordId(event));
      blocking.EvtClose(event);
    }
  }
  expect(blocking.GetLastError()).toBe(259);
  return found;
}

const isSet = (signal: Int32Array) => Atomics.load(signal, 0) === 1;

describe('EvtSubscribe with a signal', () => {
  test('drained, the signal is 0; with unread events, it is 1', async () => {
    const log = newLog();
    log.append(4);
    const signal = word();
    const handle = open(log, signal);
    await turn();
    expect(isSet(signal)).toBe(true);
    expect(drain(handle)).toEqual([1, 2, 3, 4]);
    expect(isSet(signal)).toBe(false);
    for (let id = 5; id < 9; id++) {
      const set = Atomics.waitAsync(signal, 0, 0).value;
      log.append();
      await set;
      expect(isSet(signal)).toBe(true);
      expect(drain(handle)).toEqual([id]);
    }
    blocking.EvtClose(handle);
  });

  test('a signal that was reset too early is set again', async () => {
    const log = newLog();
    const signal = word();
    const handle = open(log, signal);
    log.append();
    expect(blocking.WaitForSingleObject(signal, blocking.INFINITE)).toBe(blocking.WAIT_OBJECT_0);
    // As in the sample of the documents, where the event comes between the last EvtNext and the reset.
    Atomics.store(signal, 0, 0);
    if (!isSet(signal)) await Atomics.waitAsync(signal, 0, 0).value;
    expect(drain(handle)).toEqual([1]);
    blocking.EvtClose(handle);
  });

  test('a thread that waits for it in WaitForSingleObject needs no event loop', () => {
    const log = newLog();
    const signal = word();
    const handle = open(log, signal);
    expect(blocking.WaitForSingleObject(signal, 0)).toBe(blocking.WAIT_TIMEOUT);
    expect(blocking.WaitForSingleObject(signal, 15)).toBe(blocking.WAIT_TIMEOUT);
    log.append(2);
    expect(blocking.WaitForSingleObject(signal, 0)).toBe(blocking.WAIT_OBJECT_0);
    expect(drain(handle)).toEqual([1, 2]);
    expect(blocking.WaitForSingleObject(signal, 0)).toBe(blocking.WAIT_TIMEOUT);
    blocking.EvtClose(handle);
    expect(blocking.WaitForSingleObject(new Int32Array(1), 0)).toBe(blocking.WAIT_FAILED);
    expect(blocking.GetLastError()).toBe(87);
  });

  test('events that the query does not select do not set it', async () => {
    const log = newLog();
    const signal = word();
    const handle = open(log, signal, OLDEST, '*[System[EventID=7]]');
    log.append(2);
    expect(blocking.WaitForSingleObject(signal, 0)).toBe(blocking.WAIT_TIMEOUT);
    log.append(1);
    expect(blocking.WaitForSingleObject(signal, 0)).toBe(blocking.WAIT_OBJECT_0);
    expect(drain(handle)).toEqual([3]);
    blocking.EvtClose(handle);
  });

  test('EvtCancel with nothing pending changes nothing, and EvtGetQueryInfo knows the log', () => {
    const log = newLog();
    log.append(1);
    const handle = open(log, word());
    expect(blocking.EvtCancel(handle)).toBe(true);
    expect(drain(handle)).toEqual([1]);
    const names: blocking.Out<blocking.Variant> = {};
    expect(blocking.EvtGetQueryInfo(handle, blocking.EvtQueryNames, names)).toBe(true);
    expect(names.value!.value).toEqual([log.path]);
    expect(blocking.EvtSeek(handle, 0, null, 0, blocking.EvtSeekRelativeToFirst)).toBe(false);
    expect(blocking.GetLastError()).toBe(6);
    blocking.EvtClose(handle);
  });

  test('a finite time-out of EvtNext waits so long, and not longer than for an event', () => {
    const log = newLog();
    const handle = open(log, word());
    const events: number[] = [];
    expect(blocking.EvtNext(handle, 1, events, 15, 0)).toBe(false);
    expect(blocking.GetLastError()).toBe(1460);
    log.append();
    expect(blocking.EvtNext(handle, 1, events, 60_000, 0)).toBe(true);
    expect(events.map(recordId)).toEqual([1]);
    expect(blocking.EvtNext(handle, 1, events, blocking.INFINITE, 0)).toBe(false);
    expect(blocking.GetLastError()).toBe(259);
    blocking.EvtClose(handle);
  });

  test('in promises, it may be an object: its promise is fulfilled while there are unread events', async () => {
    const log = newLog();
    const signal: promises.EventSignal = {};
    const handle = await promises.EvtSubscribe(null, signal, log.path, null, null, null, null, FUTURE);
    for (let id = 1; id < 4; id++) {
      const { signalled } = signal;
      log.append();
      await signalled;
      const events = await promises.EvtNext(handle, 10);
      expect(events.map(recordId)).toEqual([id]);
      expect(signal.signalled).toBe(signalled);
      expect(await promises.EvtNext(handle, 10)).toEqual([]);
      expect(signal.signalled).not.toBe(signalled);
    }
    await promises.EvtClose(handle);
  });

  test('closed with its session', async () => {
    const log = newLog();
    const session = blocking.EvtOpenSession(blocking.EvtRpcLogin, {})!;
    const handle = blocking.EvtSubscribe(session, word(), log.path, null, null, null, null, OLDEST)!;
    blocking.EvtClose(session);
    expect(blocking.EvtClose(handle)).toBe(false);
  });
});

interface Called {
  readonly action: number;
  readonly id: number;
}

/** A callback that notes its calls, and whoever waits for them. */
class Callback {
  readonly calls: Called[] = [];
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  during: (event: number, call: number) => unknown = () => {};

  readonly take = async (action: number, context: string, event: number): Promise<void> => {
    expect(context).toBe('context');
    this.calls.push({ action, id: action === DELIVER ? recordId(event) : event });
    try {
      await this.during(event, this.calls.length);
    } finally {
      for (const { count, resolve } of this.#waiting) if (this.calls.length >= count) resolve();
    }
  };

  reached(count: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.calls.length >= count) resolve();
      else this.#waiting.push({ count, resolve });
    });
  }

  get ids(): number[] {
    return this.calls.map(({ id }) => id);
  }
}

function push(log: GrowingLog, callback: Callback, flags = OLDEST): number {
  const handle = blocking.EvtSubscribe(null, null, log.path, null, null, 'context', callback.take, flags);
  expect(handle, `error ${blocking.GetLastError()}`).not.toBeNull();
  return handle!;
}

describe('EvtSubscribe with a callback', () => {
  test('calls back in order, later, one at a time, with handles that are valid during the call only', async () => {
    const log = newLog();
    log.append(3);
    const callback = new Callback();
    let running = 0;
    const handles: number[] = [];
    callback.during = async (event) => {
      expect(++running).toBe(1);
      handles.push(event);
      await turn();
      expect(recordId(event)).toBe(callback.ids.at(-1));
      running--;
    };
    const handle = push(log, callback);
    expect(callback.calls).toEqual([]);
    await callback.reached(3);
    log.append(100);
    await callback.reached(103);
    await turn();
    expect(callback.ids).toEqual(Array.from({ length: 103 }, (_, i) => i + 1));
    for (const event of handles) expect(blocking.EvtClose(event)).toBe(false);
    blocking.EvtClose(handle);
  });

  test('no call begins after EvtClose has returned, wherever it is called', async () => {
    for (const inside of [true, false]) {
      const log = newLog();
      log.append(5);
      const callback = new Callback();
      const handle = push(log, callback);
      if (inside) {
        callback.during = (_, call) => {
          if (call === 2) expect(blocking.EvtClose(handle)).toBe(true);
        };
      }
      await callback.reached(2);
      if (!inside) blocking.EvtClose(handle);
      const { length } = callback.calls;
      log.append(3);
      for (let i = 0; i < 20; i++) await turn();
      expect(callback.calls.length).toBe(length);
      expect(callback.ids).toEqual([1, 2, 3, 4, 5].slice(0, length));
    }
  });

  test('EvtCancel, inside or outside, has no effect, and EvtNext is not for it', async () => {
    const log = newLog();
    log.append(2);
    const callback = new Callback();
    callback.during = () => expect(blocking.EvtCancel(handle)).toBe(true);
    const handle = push(log, callback);
    await callback.reached(2);
    for (let i = 0; i < 5; i++) {
      blocking.EvtCancel(handle);
      await turn();
    }
    log.append(1);
    await callback.reached(3);
    expect(callback.ids).toEqual([1, 2, 3]);
    await expect(promises.EvtNext(handle, 1, 0)).rejects.toMatchObject({ code: 4317 });
    blocking.EvtClose(handle);
  });

  test('a callback that throws is a warning of the process; the next event comes', async () => {
    const log = newLog();
    log.append(2);
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on('warning', note);
    const callback = new Callback();
    callback.during = (_, call) => {
      if (call === 1) throw new Error('not today');
    };
    const handle = push(log, callback);
    await callback.reached(2);
    await turn();
    expect(callback.ids).toEqual([1, 2]);
    process.off('warning', note);
    expect(warnings.map(({ message }) => message)).toEqual(['not today']);
    blocking.EvtClose(handle);
  });

  test.each([
    ['strict: 15011, once, in front of the event behind the gap', STRICT],
    ['not strict: nothing is said', 0],
  ])('of a log that wraps past it, %s', async (_, strict) => {
    const log = newLog({ maxSlots: 3, event: largeEvent });
    log.append(2);
    const callback = new Callback();
    callback.during = (_event, call) => {
      if (call === 2) log.append(40);
    };
    const handle = push(log, callback, OLDEST | strict);
    await callback.reached(2);
    const left = log.ids.map(Number);
    await callback.reached(2 + left.length + (strict ? 1 : 0));
    const told = strict ? [{ action: ERROR, id: 15011 }] : [];
    const deliver = (id: number) => ({ action: DELIVER, id });
    expect(callback.calls).toEqual([deliver(1), deliver(2), ...told, ...left.map(deliver)]);
    blocking.EvtClose(handle);
  });
});

describe('what EvtSubscribe refuses', () => {
  const log = newLog();
  log.append(1);
  const callback = () => {};

  type Arguments = Parameters<typeof blocking.EvtSubscribe>;
  const refused: readonly (readonly [what: string, args: Arguments])[] = [
    ['a signal and a callback', [null, word(), log.path, null, null, null, callback, OLDEST]],
    ['neither', [null, null, log.path, null, null, null, null, OLDEST]],
    ['no origin', [null, word(), log.path, null, null, null, null, 0]],
    ['unknown flags', [null, word(), log.path, null, null, null, null, OLDEST | 0x20]],
    ['no path and no query', [null, word(), null, null, null, null, null, OLDEST]],
    ['no path for an XPath', [null, word(), null, '*', null, null, null, OLDEST]],
    ['a start without its bookmark', [null, word(), log.path, null, null, null, null, AFTER]],
    ['memory that is not shared', [null, new Int32Array(1), log.path, null, null, null, null, OLDEST]],
  ];

  test.each(refused)('%s: 87', (_, args) => {
    expect(blocking.EvtSubscribe(...args)).toBeNull();
    expect(blocking.GetLastError()).toBe(87);
  });

  test('a bookmark that does not belong: 87; one that is strictly wanted and empty: 1168', () => {
    const bookmark = blocking.EvtCreateBookmark(null);
    const subscribe = (flags: number) =>
      blocking.EvtSubscribe(null, word(), log.path, null, bookmark, null, null, flags);
    expect(subscribe(OLDEST)).toBeNull();
    expect(blocking.GetLastError()).toBe(87);
    expect(subscribe(AFTER | STRICT)).toBeNull();
    expect(blocking.GetLastError()).toBe(1168);
    const handle = subscribe(AFTER)!;
    expect(drain(handle)).toEqual([1]);
    blocking.EvtClose(handle);
    blocking.EvtClose(bookmark);
  });

  test('a channel that is not there: 15007, strict 15000; a bad query: 15001, with a sentence', () => {
    const subscribe = (path: string, query: string | null, flags: number) =>
      blocking.EvtSubscribe(null, word(), path, query, null, null, null, flags);
    expect(subscribe('No-Such-Channel', null, OLDEST)).toBeNull();
    expect(blocking.GetLastError()).toBe(15007);
    expect(subscribe('No-Such-Channel', null, OLDEST | STRICT)).toBeNull();
    expect(blocking.GetLastError()).toBe(15000);
    expect(subscribe(log.path, '*[System[', OLDEST)).toBeNull();
    expect(blocking.GetLastError()).toBe(15001);
    const text: blocking.Out<string> = {};
    blocking.EvtGetExtendedStatus(text);
    expect(text.value).not.toBe('');
  });
});

test('EvtSubscribe is cancelled through its session: 1223, and nothing is left', async () => {
  const log = newLog();
  log.append(300);
  const callback = new Callback();
  const pending = promises.EvtSubscribe(null, null, log.path, null, null, 'context', callback.take, OLDEST);
  await promises.EvtCancel(null);
  await expect(pending).rejects.toMatchObject({ code: 1223 });
  for (let i = 0; i < 5; i++) await turn();
  expect(callback.calls).toEqual([]);
});
