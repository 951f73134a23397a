import { readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import * as api from '../../src/wevtapi/promises.ts';
import { fill, PASSWORD, serve } from './serve.ts';

const CANCELLED = { code: 1223 };

/** Lets what has been sent arrive, and what it sets going begin. */
async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A way to a server that lets no client ask for multiplexing. @returns its port, and how many connections there have been */
async function withoutMultiplexing(port: number): Promise<{ port: number; connections: () => number }> {
  const BIND = 11;
  const MULTIPLEXING = 0x10;
  let count = 0;
  const proxy = createServer((client) => {
    count++;
    const server = connect({ port, host: '127.0.0.1' });
    client.on('data', (bytes) => {
      if (bytes[2] === BIND) bytes[3] = bytes[3]! & ~MULTIPLEXING;
      server.write(bytes);
    });
    server.pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    for (const end of [client, server]) end.on('error', () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void proxy.close());
  return { port: (proxy.address() as AddressInfo).port, connections: () => count };
}

describe('EvtCancel on another machine', () => {
  it('ends a read that finds nothing in a long log, and the next one goes on', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 4000);
    const remote = session();
    const NEVER = "*[EventData[Data='never' or Data='again']]";
    const resultSet = await api.EvtQuery(remote.handle, 'App', NEVER, api.EvtQueryChannelPath);
    let cancels = 0;
    for (const turns of [0, 1, 2, 5, 20, 60]) {
      const reading = api.EvtNext(resultSet, 10);
      await afterTurns(turns);
      await api.EvtCancel(resultSet);
      // The read may have come to its end before the cancel.
      const outcome = await reading.catch((error: { code: number }) => error.code);
      expect([1223, []]).toContainEqual(outcome);
      if (outcome === 1223) cancels++;
    }
    expect(cancels).toBeGreaterThan(0);
    expect(await api.EvtNext(resultSet, 10)).toEqual([]);
    await api.EvtClose(resultSet);
  });

  it('loses and repeats nothing, however often and whenever it comes', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 600);
    const remote = session();
    const resultSet = await api.EvtQuery(remote.handle, 'App', '*', api.EvtQueryChannelPath);
    const found: unknown[] = [];
    let cancels = 0;
    for (let step = 0; ; step++) {
      const reading = api.EvtNext(resultSet, 7);
      if (step % 3 !== 0) {
        await afterTurns(step % 11);
        await api.EvtCancel(resultSet);
      }
      let events: number[];
      try {
        events = await reading;
      } catch (error) {
        expect(error).toMatchObject(CANCELLED);
        cancels++;
        continue;
      }
      if (events.length === 0) break;
      for (const event of events) {
        const xml = await api.EvtRender(null, event, api.EvtRenderEventXml);
        found.push(Number(/<Data Name='Number'>(\d+)</.exec(String(xml))?.[1]));
        await api.EvtClose(event);
      }
    }
    expect(found).toEqual(Array.from({ length: 600 }, (_, i) => i + 1));
    expect(cancels).toBeGreaterThan(0);
  });

  it('leaves a seek’s position where it was', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 4000);
    const remote = session();
    await using reader = remote.query('App', '*[System[EventID > 0]]');
    expect((await reader.readBatch(2)).map(({ id }) => id)).toEqual([1, 2]);
    for (const turns of [0, 1, 4]) {
      const seeking = reader.seek('last', 0);
      await afterTurns(turns);
      reader.cancelReading();
      const code = await seeking.then(
        () => 0,
        (error: { code: number }) => error.code,
      );
      const next = (await reader.readBatch(1))[0]?.id;
      // Cancelled, or it was done before.
      expect([code, next]).toEqual(code === 0 ? [0, 4000] : [1223, 3]);
      await reader.seek('first', 2);
    }
  });

  it('ends a wait for events, which are all there for the next read', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 1);
    const remote = session();
    const signal = { signalled: undefined as Promise<void> | undefined };
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const subscription = await api.EvtSubscribe(remote.handle, signal, 'App', null, null, null, null, flags);
    expect(await api.EvtNext(subscription, 10)).toHaveLength(1);
    const waiting = api.EvtNext(subscription, 10, 60_000);
    await afterTurns(30);
    const begun = performance.now();
    await api.EvtCancel(subscription);
    await expect(waiting).rejects.toMatchObject(CANCELLED);
    expect(performance.now() - begun).toBeLessThan(5000);
    await fill(store, 'App', 3, 2);
    const events = await api.EvtNext(subscription, 10, 60_000);
    expect(events.length).toBeGreaterThan(0);
    let all = events.length;
    while (all < 3) all += (await api.EvtNext(subscription, 10, 60_000)).length;
    expect(all).toBe(3);
    await api.EvtClose(subscription);
  });

  it('through the session ends an export, and no file is left there', async () => {
    const { store, session, exports } = await serve();
    await fill(store, 'App', 4000);
    const remote = session();
    for (const turns of [0, 2, 10, 40]) {
      const exporting = remote.exportLog('App', '*', `out-${turns}.evtx`);
      await afterTurns(turns);
      remote.cancelCurrentOperations();
      const code = await exporting.then(
        () => 0,
        (error: { code: number }) => error.code,
      );
      if (code === 0) continue;
      expect(code).toBe(1223);
      expect(readdirSync(exports)).not.toContain(`out-${turns}.evtx`);
    }
    expect(readdirSync(exports).filter((name) => !/^out-\d+\.evtx$/.test(name))).toEqual([]);
  });

  it('through the session ends a query that is being opened, and nothing stays open there', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 10);
    const remote = session();
    expect(await remote.getLogNames()).toContain('App');
    for (const turns of [0, 1, 3]) {
      const opening = api.EvtQuery(remote.handle, 'App', '*', api.EvtQueryChannelPath);
      await afterTurns(turns);
      await api.EvtCancel(remote.handle);
      const opened = await opening.catch((error: { code: number }) => error);
      if (typeof opened === 'number') await api.EvtClose(opened);
      else expect(opened).toMatchObject(CANCELLED);
    }
    // Whatever came late has been closed when a later call has been answered.
    for (let i = 0; i < 50 && server.openHandles > 0; i++) await remote.getLogNames();
    expect(server.openHandles).toBe(0);
  });

  it('an aborted signal ends its own call only, with its own reason', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 4000);
    const remote = session();
    await using reader = remote.query('App', "*[EventData[Data='never' or Data='again']]");
    await reader.open();
    const controller = new AbortController();
    const reading = reader.readBatch(10, { signal: controller.signal });
    // A turn for its task to begin: no answer has come by then.
    await Promise.resolve();
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toThrow('enough');
    expect(await reader.readBatch(10)).toEqual([]);
  });
});

describe('a server that takes one call at a time on a connection', () => {
  it('is cancelled on another one', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 1);
    const { port, connections } = await withoutMultiplexing(server.port);
    const remote = session({ port });
    const from = api.EvtSubscribeStartAtOldestRecord;
    const subscription = await api.EvtSubscribe(remote.handle, {}, 'App', null, null, null, null, from);
    expect(await api.EvtNext(subscription, 10)).toHaveLength(1);
    const waiting = api.EvtNext(subscription, 10, 60_000);
    await afterTurns(20);
    await api.EvtCancel(subscription);
    await expect(waiting).rejects.toMatchObject(CANCELLED);
    expect(connections()).toBeGreaterThan(1);
    await fill(store, 'App', 1, 2);
    expect(await api.EvtNext(subscription, 10, 60_000)).toHaveLength(1);
    await api.EvtClose(subscription);
  });
});

describe('closing', () => {
  it('a subscription while it is read ends the read, and lets go of it there', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 1);
    const remote = session();
    const future = api.EvtSubscribeToFutureEvents;
    const subscription = await api.EvtSubscribe(remote.handle, {}, 'App', null, null, null, null, future);
    const reading = api.EvtNext(subscription, 10, 60_000);
    await afterTurns(10);
    await api.EvtClose(subscription);
    await expect(reading).rejects.toMatchObject(CANCELLED);
    for (let i = 0; i < 50 && server.openHandles > 0; i++) await remote.getLogNames();
    expect(server.openHandles).toBe(0);
  });
});

describe('a connection that is lost', () => {
  it('while nobody cancels is a failed call, and the next one reads on without a gap', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 300);
    const remote = session();
    await using reader = remote.query('App');
    const first = await reader.readBatch(10);
    expect(first.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const found = [...first.map(({ id }) => id)];
    for (let tries = 0; found.length < 300 && tries < 100; tries++) {
      if (tries % 4 === 0) server.dropConnections();
      try {
        found.push(...(await reader.readBatch(25)).map(({ id }) => id));
      } catch (error) {
        expect([1722, 1726, 1727, 6]).toContain((error as { code: number }).code);
      }
    }
    expect(found).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });

  it('is a new one for the next call', async () => {
    const { server, store, session } = await serve();
    await fill(store, 'App', 3);
    const remote = session({ password: PASSWORD });
    expect(await remote.getLogNames()).toContain('App');
    server.dropConnections();
    await afterTurns(20);
    expect(await remote.getLogNames()).toContain('App');
  });
});
