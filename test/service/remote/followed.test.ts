import { afterAll, describe, expect, it } from 'vitest';
import { openHandleCount } from '../../../src/service/handle-registry.ts';
import type { EventLogSession } from '../../../src/session/event-log-session.ts';
import type { EventRecord } from '../../../src/session/event-record.ts';
import * as api from '../../../src/wevtapi/promises.ts';
import { afterTurns, until } from '../../server/raw-client.ts';
import { gate, type ScriptedServer, scriptedServer } from '../../server/scripted-server.ts';
import { fill } from '../../server/serve.ts';

/** Subscriptions on another machine, through both faces: fetched, signalled, called back, watched. */

const SUBSCRIBE = 0;
const WAIT = 3;
const CANCELLED = { code: 1223 };
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const numberOf = (xml: string) => Number(/<Data Name='Number'>(\d+)</.exec(xml)?.[1]);
const ids = (events: readonly EventRecord[]) => events.map((event) => numberOf(event.xml()));

afterAll(() => {
  expect(openHandleCount()).toBe(0);
});

async function served(count: number) {
  const server = await scriptedServer();
  await fill(server.store, 'App', count);
  const session = server.session();
  return { server, session };
}

const seen = (server: ScriptedServer, opnum: number) => server.calls.filter((call) => call === opnum).length;

async function drained(handle: number): Promise<number[]> {
  const found: number[] = [];
  for (;;) {
    const events = await api.EvtNext(handle, 5);
    if (events.length === 0) return found;
    for (const event of events) {
      found.push(numberOf(String(await api.EvtRender(null, event, api.EvtRenderEventXml))));
      await api.EvtClose(event);
    }
  }
}

describe('a signal', () => {
  it('is set while there are unread events there, and only then', async () => {
    const { server, session } = await served(7);
    const signal: { signalled?: Promise<void> } = {};
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(session.handle, signal, 'App', null, null, null, null, flags);
    await signal.signalled;
    expect(await drained(handle)).toEqual(upTo(7));
    for (const first of [8, 11, 14]) {
      let isSet = false;
      void signal.signalled!.then(() => {
        isSet = true;
      });
      const waits = seen(server, WAIT);
      await until(() => seen(server, WAIT) > waits || isSet);
      expect(isSet).toBe(false);
      await fill(server.store, 'App', 3, first);
      await signal.signalled;
      expect(await drained(handle)).toEqual(upTo(first + 2, first));
    }
    await api.EvtClose(handle);
    session.close();
  });

  it('as a word of shared memory is set again when it was reset too early', async () => {
    const { session } = await served(3);
    const word = new Int32Array(new SharedArrayBuffer(4));
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(session.handle, word, 'App', null, null, null, null, flags);
    await until(() => Atomics.load(word, 0) === 1);
    Atomics.store(word, 0, 0);
    const [first] = await api.EvtNext(handle, 1);
    await api.EvtClose(first!);
    await until(() => Atomics.load(word, 0) === 1);
    expect(await drained(handle)).toEqual([2, 3]);
    expect(Atomics.load(word, 0)).toBe(0);
    await api.EvtClose(handle);
    session.close();
  });

  it('is asked for once while nobody reads', async () => {
    const { server, session } = await served(200);
    const signal: { signalled?: Promise<void> } = {};
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(session.handle, signal, 'App', null, null, null, null, flags);
    await signal.signalled;
    const calls = server.calls.length;
    await afterTurns(100);
    expect(server.calls.length).toBe(calls);
    expect(await drained(handle)).toEqual(upTo(200));
    await api.EvtClose(handle);
    session.close();
  });

  it('is set again for what came while the connection was lost', async () => {
    const { server, session } = await served(3);
    const signal: { signalled?: Promise<void> } = {};
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(session.handle, signal, 'App', null, null, null, null, flags);
    await signal.signalled;
    expect(await drained(handle)).toEqual(upTo(3));
    await until(() => seen(server, WAIT) > 0);
    server.dropConnections();
    await fill(server.store, 'App', 2, 4);
    await signal.signalled;
    expect(await drained(handle)).toEqual([4, 5]);
    await api.EvtClose(handle);
    session.close();
  });
});

describe('a callback', () => {
  /** Subscribes with a callback that notes what it is called with. */
  async function withCallback(session: EventLogSession, onCall: () => void = () => {}) {
    const found: number[] = [];
    const failures: number[] = [];
    const callback = async (action: number, _: unknown, event: number) => {
      onCall();
      if (action === api.EvtSubscribeActionError) failures.push(event);
      else found.push(numberOf(String(await api.EvtRender(null, event, api.EvtRenderEventXml))));
    };
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(session.handle, null, 'App', null, null, null, callback, flags);
    return { handle, found, failures };
  }

  it('gets every event once, in order, cancelled at odd moments and past lost connections', async () => {
    const { server, session } = await served(10);
    const { handle, found, failures } = await withCallback(session);
    for (let round = 1; round <= 8; round++) {
      await afterTurns(round);
      await api.EvtCancel(handle);
      if (round % 3 === 0) server.dropConnections();
      await fill(server.store, 'App', 5, 5 + round * 5 + 1);
    }
    await until(() => found.length >= 50);
    expect(found).toEqual(upTo(50));
    for (const code of failures) expect([1722, 1726, 1727]).toContain(code);
    await api.EvtClose(handle);
    session.close();
  });

  it('is not called after EvtClose has returned, whatever is on its way', async () => {
    for (let turns = 0; turns < 12; turns++) {
      const { server, session } = await served(30);
      let closed = false;
      let after = 0;
      const { handle } = await withCallback(session, () => {
        if (closed) after++;
      });
      await afterTurns(4 * turns);
      await api.EvtClose(handle);
      closed = true;
      await fill(server.store, 'App', 3, 31);
      await until(() => server.openHandles === 0);
      await afterTurns(20);
      expect(after).toBe(0);
      session.close();
    }
  });

  it('is not called for a subscription that was cancelled while it was being opened', async () => {
    const { server, session } = await served(5);
    for (let turns = 0; turns < 12; turns++) {
      let calls = 0;
      const flags = api.EvtSubscribeStartAtOldestRecord;
      const opening = api.EvtSubscribe(session.handle, null, 'App', null, null, null, () => void calls++, flags);
      await afterTurns(turns);
      await api.EvtCancel(session.handle);
      const opened = await opening.catch((error: unknown) => error);
      if (typeof opened === 'number') {
        await api.EvtClose(opened);
      } else {
        expect(opened).toMatchObject(CANCELLED);
        await afterTurns(10);
        expect(calls).toBe(0);
      }
      await until(() => server.openHandles === 0);
    }
    session.close();
  });
});

describe('a watcher', () => {
  it('goes on past lost connections, behind the last event it gave', async () => {
    const { server, session } = await served(10);
    const found: number[] = [];
    for await (const event of session.watch('App', '*', { start: 'oldest', pathType: 'channel' })) {
      found.push(numberOf(event.xml()));
      if (found.length === 40) break;
      if (found.length % 10 !== 0) continue;
      server.dropConnections();
      await fill(server.store, 'App', 10, found.length + 1);
    }
    expect(found).toEqual(upTo(40));
    expect(seen(server, SUBSCRIBE)).toBeGreaterThan(1);
    session.close();
  });

  it('goes on past a connection that is lost while it waits', async () => {
    const { server, session } = await served(2);
    const watcher = session.watch('App', '*', { start: 'oldest', pathType: 'channel' });
    expect(ids(await watcher.readBatch())).toEqual([1, 2]);
    for (const number of [3, 4, 5]) {
      const waits = seen(server, WAIT);
      const reading = watcher.readBatch();
      await until(() => seen(server, WAIT) > waits);
      server.dropConnections();
      await fill(server.store, 'App', 1, number);
      expect(ids(await reading)).toEqual([number]);
    }
    watcher.close();
    session.close();
  });

  it('says that records are gone, once, when it is strict', async () => {
    const { server, session } = await served(5);
    const watcher = session.watch('App', '*', { start: 'oldest', pathType: 'channel', strict: true });
    expect(ids(await watcher.readBatch())).toEqual(upTo(5));
    await fill(server.store, 'App', 4, 6);
    await session.clearLog('App');
    server.dropConnections();
    await afterTurns(5);
    await fill(server.store, 'App', 2, 10);
    await expect(watcher.readBatch()).rejects.toMatchObject({ code: 15011 });
    expect(ids(await watcher.readBatch())).toEqual([10, 11]);
    watcher.close();
    session.close();
  });

  it('is cancelled and aborted at odd moments, and loses nothing', async () => {
    const { server, session } = await served(1);
    const watcher = session.watch('App', '*', { start: 'oldest', pathType: 'channel' });
    await watcher.open();
    const found: number[] = [];
    let written = 1;
    for (let round = 0; found.length < 40; round++) {
      const controller = new AbortController();
      const reading = watcher.readBatch(3, { signal: controller.signal }).then(ids, (): number[] => []);
      await afterTurns(round % 7);
      if (round % 2 === 0) watcher.cancelReading();
      else if (round % 3 === 0) controller.abort(new Error('enough'));
      if (written < 40) await fill(server.store, 'App', 1, ++written);
      found.push(...(await reading));
    }
    expect(found).toEqual(upTo(40));
    watcher.close();
    session.close();
  });

  it('that is closed while its server answers nothing ends at once', async () => {
    const { server, session } = await served(1);
    const watcher = session.watch('App', '*', { start: 'future', pathType: 'channel' });
    await watcher.open();
    const silent = gate();
    server.script = async (call, answer) => {
      if (call.opnum === WAIT) await silent.pass();
      return answer();
    };
    const reading = watcher.readBatch();
    const failed = expect(reading).rejects.toMatchObject(CANCELLED);
    await silent.reached;
    session.close();
    await failed;
    silent.open();
    watcher.close();
  });
});
