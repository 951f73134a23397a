import { describe, expect, it } from 'vitest';
import { decodeBindAck } from '../../../src/even6/pdu/bind.ts';
import { type Pdu, PduFlag, PduType } from '../../../src/even6/pdu/pdu.ts';
import { ClientAssociation } from '../../../src/even6/rpc/client-association.ts';
import { FaultStatus, RpcFault } from '../../../src/even6/rpc/fault.ts';
import type { RpcCall } from '../../../src/even6/rpc/rpc-interface.ts';
import * as operations from '../../../src/even6/stubs/operations.ts';
import { Operation } from '../../../src/operations/operation.ts';
import { runAsync } from '../../../src/operations/task.ts';
import { Interrupted, RemoteCaller } from '../../../src/service/remote/remote-call.ts';
import * as api from '../../../src/wevtapi/promises.ts';
import { afterTurns, until } from '../../server/raw-client.ts';
import { between, failing, gate, type ScriptedServer, scriptedServer } from '../../server/scripted-server.ts';
import { fill } from '../../server/serve.ts';

/** What a client makes of a server that is slow, late, forgetful, stubborn or gone; conformance cases 90 to 93 by their numbers. */

const CANCELLED = { code: 1223 };
const SUBSCRIBE = 0;
const SUBSCRIPTION_NEXT = 2;
const SUBSCRIPTION_WAIT = 3;
const CONTROL = 4;
const QUERY = 5;
const EXPORT = 7;
const NEXT = 11;
const SEEK = 12;
const CLOSE = 13;
const CANCEL = 14;
const OPEN_LOG = 17;

const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

async function numbersOf(events: readonly number[]): Promise<number[]> {
  const found: number[] = [];
  for (const event of events) {
    const xml = String(await api.EvtRender(null, event, api.EvtRenderEventXml));
    found.push(Number(/<Data Name='Number'>(\d+)</.exec(xml)?.[1]));
    await api.EvtClose(event);
  }
  return found;
}

const read = async (handle: number, max: number, ...more: [number?, number?]) =>
  numbersOf(await api.EvtNext(handle, max, ...more));

/** Everything that is left, in batches. */
async function rest(handle: number, max = 7): Promise<number[]> {
  const found: number[] = [];
  for (;;) {
    const batch = await read(handle, max);
    if (batch.length === 0) return found;
    found.push(...batch);
  }
}

async function withQuery(count: number, flags: number = api.EvtQueryChannelPath) {
  const server = await scriptedServer();
  await fill(server.store, 'App', count);
  const session = server.session();
  const handle = await api.EvtQuery(session.handle, 'App', '*', flags);
  return { server, session, handle };
}

function seen(server: ScriptedServer, opnum: number): number {
  return server.calls.filter((call) => call === opnum).length;
}

/** Holds the next answer of an operation back, once it has been made. */
function holdAnswer(server: ScriptedServer, opnum: number) {
  const held = gate();
  server.script = async (call, answer) => {
    if (call.opnum !== opnum) return answer();
    server.script = undefined;
    const made = await answer();
    await held.pass();
    return made;
  };
  return held;
}

describe('an answer that comes after the cancel', () => {
  it('case 90: brings events that the next read delivers first', async () => {
    const { server, handle } = await withQuery(20);
    const held = holdAnswer(server, NEXT);
    const reading = read(handle, 5);
    await held.reached;
    await api.EvtCancel(handle);
    await until(() => seen(server, CANCEL) === 1);
    held.open();
    await expect(reading).rejects.toMatchObject(CANCELLED);
    const reads = seen(server, NEXT);
    expect(await read(handle, 3)).toEqual([1, 2, 3]);
    expect(seen(server, NEXT), 'nothing was fetched for that').toBe(reads);
    expect(await rest(handle)).toEqual(upTo(20, 4));
  });

  it('case 90, of a subscription: brings events that the next read delivers first', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 20);
    const session = server.session();
    const signal = {};
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(session.handle, signal, 'App', null, null, null, null, flags);
    const held = holdAnswer(server, SUBSCRIPTION_NEXT);
    const reading = read(handle, 5);
    await held.reached;
    await api.EvtCancel(handle);
    held.open();
    await reading.catch((error: unknown) => expect(error).toMatchObject(CANCELLED));
    const first = await reading.catch(() => []);
    expect([...first, ...(await rest(handle))]).toEqual(upTo(20));
  });

  it('of a seek: leaves the reader where he was, at the server too', async () => {
    const { server, handle } = await withQuery(20);
    expect(await read(handle, 2)).toEqual([1, 2]);
    const held = holdAnswer(server, SEEK);
    const seeking = api.EvtSeek(handle, 0, null, 0, api.EvtSeekRelativeToLast);
    await held.reached;
    await api.EvtCancel(handle);
    held.open();
    await expect(seeking).rejects.toMatchObject(CANCELLED);
    expect(await rest(handle)).toEqual(upTo(20, 3));
  });

  it('of an aborted read: the signal’s reason, and no event is lost', async () => {
    const { server, handle } = await withQuery(20);
    const held = holdAnswer(server, NEXT);
    const controller = new AbortController();
    const reading = api.EvtNext(handle, 5, api.INFINITE, 0, { signal: controller.signal });
    await held.reached;
    controller.abort(new Error('enough'));
    held.open();
    await expect(reading).rejects.toThrow('enough');
    expect(await rest(handle)).toEqual(upTo(20));
  });

  it('of an export that was done: is a success', async () => {
    const { server, session } = await withQuery(5);
    const held = holdAnswer(server, EXPORT);
    const exporting = session.exportLog('App', '*', 'a.evtx');
    await held.reached;
    session.cancelCurrentOperations();
    held.open();
    // How much it wrote is not asked for any more.
    expect(await exporting).toEqual({ records: Number.NaN, sizeBytes: Number.NaN });
  });
});

describe('what is opened for a call that was cancelled meanwhile', () => {
  it.each([
    ['case 92: a query', QUERY, 2],
    ['case 92: a subscription', SUBSCRIBE, 2],
    ['a control of an export', CONTROL, 1],
    ['a log', OPEN_LOG, 1],
  ])('%s: is closed when the answer comes', async (_, opnum, handles) => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 5);
    const middle = await between(server.port);
    const session = server.session(middle.port);
    await session.getLogNames();
    // The answer is on its way when the server hears that nobody waits for it.
    const held = gate();
    middle.toClient = (pdu, pass) => {
      if (pdu.type === PduType.response) void held.pass().then(pass);
      else pass();
    };
    const controller = new AbortController();
    const { signal } = controller;
    const flags = api.EvtSubscribeToFutureEvents;
    const calls: Record<number, () => Promise<unknown>> = {
      [QUERY]: () => api.EvtQuery(session.handle, 'App', '*', api.EvtQueryChannelPath),
      [SUBSCRIBE]: () => api.EvtSubscribe(session.handle, {}, 'App', null, null, null, null, flags),
      [CONTROL]: () => session.exportLog('App', '*', 'a.evtx'),
      [OPEN_LOG]: () => session.getLogInformation('App', { signal }),
    };
    const opening = calls[opnum]!();
    const failed = expect(opening).rejects.toBeDefined();
    await held.reached;
    if (opnum === OPEN_LOG) controller.abort(new Error('enough'));
    else session.cancelCurrentOperations();
    await failed;
    expect(server.openHandles).toBe(handles);
    held.open();
    await until(() => server.openHandles === 0);
    expect(seen(server, CLOSE)).toBe(handles);
  });

  it('case 92, at a server that does not know orphaned calls: is closed as well', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 5);
    const middle = await between(server.port);
    middle.toClient = (pdu, pass) => {
      grantNothing(pdu);
      pass();
    };
    let orphaned = 0;
    middle.toServer = ({ type }, pass) => {
      if (type === PduType.orphaned) orphaned++;
      pass();
    };
    const session = server.session(middle.port);
    const held = holdAnswer(server, QUERY);
    const opening = api.EvtQuery(session.handle, 'App', '*', api.EvtQueryChannelPath);
    await held.reached;
    await api.EvtCancel(session.handle);
    await expect(opening).rejects.toMatchObject(CANCELLED);
    held.open();
    await until(() => seen(server, CLOSE) === 2);
    await until(() => server.openHandles === 0);
    expect(orphaned).toBe(0);
  });

  it('is not even asked for while the connection is being made', async () => {
    const server = await scriptedServer();
    const middle = await between(server.port);
    const held = gate();
    middle.toServer = (_, pass) => void held.pass().then(pass);
    const session = server.session(middle.port);
    const opening = api.EvtQuery(session.handle, 'App', '*', api.EvtQueryChannelPath);
    await held.reached;
    await api.EvtCancel(session.handle);
    await expect(opening).rejects.toMatchObject(CANCELLED);
    held.open();
    await expect(session.getLogNames()).resolves.toEqual([]);
    expect(seen(server, QUERY)).toBe(0);
  });
});

/**
 * A server that, once an operation was cancelled through its control, says so for ever.
 * @returns cancels a read while the server is answering it, and gives what the read ends with
 */
function stayCancelled(server: ScriptedServer): (handle: number, reading: Promise<number[]>) => Promise<number[]> {
  let held: ReturnType<typeof gate> | undefined;
  const targets = new Map<unknown, unknown>();
  const cancelled = new Set<unknown>();
  const handleOf = ({ opnum, stub }: RpcCall): unknown => {
    if (opnum === NEXT) return operations.decodeRequest(operations.QUERY_NEXT, stub).query;
    if (opnum === SEEK) return operations.decodeRequest(operations.QUERY_SEEK, stub).query;
    if (opnum === SUBSCRIPTION_NEXT)
      return operations.decodeRequest(operations.REMOTE_SUBSCRIPTION_NEXT, stub).subscription;
    return operations.decodeRequest(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, stub).subscription;
  };
  const answers: Record<number, operations.RpcOperation<never, never>> = {
    [NEXT]: operations.QUERY_NEXT,
    [SEEK]: operations.QUERY_SEEK,
    [SUBSCRIPTION_NEXT]: operations.REMOTE_SUBSCRIPTION_NEXT,
    [SUBSCRIPTION_WAIT]: operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC,
  } as never;
  server.script = async (call, answer) => {
    const { opnum, stub } = call;
    if (opnum === CANCEL) cancelled.add(targets.get(operations.decodeRequest(operations.CANCEL, stub).control));
    const operation = answers[opnum];
    if (operation !== undefined && cancelled.has(handleOf(call))) return failing(operation, CANCELLED.code);
    const made = await answer();
    if (operation !== undefined) await held?.pass();
    if (opnum === QUERY) {
      const { query, control } = operations.decodeResponse(operations.REGISTER_LOG_QUERY, made).values;
      targets.set(control, query);
    } else if (opnum === SUBSCRIBE) {
      const { subscription, control } = operations.decodeResponse(operations.REGISTER_REMOTE_SUBSCRIPTION, made).values;
      targets.set(control, subscription);
    }
    return made;
  };
  return async (handle, reading) => {
    held = gate();
    // What is here already, no server is asked for.
    const isOver = reading.then(
      () => true,
      () => true,
    );
    if (await Promise.race([held.reached, isOver])) return reading;
    const before = seen(server, CANCEL);
    await api.EvtCancel(handle);
    await until(() => seen(server, CANCEL) > before);
    held.open();
    held = undefined;
    return reading;
  };
}

describe('case 91: a server that says "cancelled" for ever', () => {
  it.each([
    ['forward', 0, upTo(60)],
    ['backward', api.EvtQueryReverseDirection, upTo(60).reverse()],
  ])('is read %s without gap or repeat, cancelled again and again', async (_, direction, expected) => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 60);
    const cancel = stayCancelled(server);
    const session = server.session();
    const handle = await api.EvtQuery(session.handle, 'App', '*', api.EvtQueryChannelPath | direction);
    const found: number[] = [];
    let cancels = 0;
    for (let step = 0; ; step++) {
      const reading = api.EvtNext(handle, 4);
      // What the cancelled one brings comes in the next one.
      const isCancelled = step % 3 === 0 && found.length < 60;
      const events = await (isCancelled ? cancel(handle, reading) : reading).catch((error: unknown) => {
        expect(error).toMatchObject(CANCELLED);
        cancels++;
        return undefined;
      });
      if (events === undefined) continue;
      if (events.length === 0) break;
      found.push(...(await numbersOf(events)));
    }
    expect(found).toEqual(expected);
    expect(cancels).toBeGreaterThan(5);
    // Each had to register anew, but for the last one.
    expect(seen(server, QUERY)).toBeGreaterThanOrEqual(cancels);
    await api.EvtClose(handle);
    await until(() => server.openHandles === 0);
  });

  it('is sought in, and read on from there', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 60);
    const cancel = stayCancelled(server);
    const handle = await api.EvtQuery(server.session().handle, 'App', '*', api.EvtQueryChannelPath);
    const cancelOnce = () => expect(cancel(handle, api.EvtNext(handle, 4))).rejects.toMatchObject(CANCELLED);
    expect(await read(handle, 10)).toEqual(upTo(10));
    await cancelOnce();
    await api.EvtSeek(handle, 5, null, 0, api.EvtSeekRelativeToCurrent);
    await cancelOnce();
    expect(await read(handle, 2)).toEqual([16, 17]);
    await api.EvtSeek(handle, 0, null, 0, api.EvtSeekRelativeToLast);
    await cancelOnce();
    expect(await read(handle, 2)).toEqual([60]);
    await cancelOnce();
    expect(await read(handle, 2)).toEqual([]);
    await cancelOnce();
    await api.EvtSeek(handle, -3, null, 0, api.EvtSeekRelativeToCurrent);
    await cancelOnce();
    expect(await rest(handle)).toEqual([58, 59, 60]);
  });

  it('is read on where the record is gone that was read last', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 10);
    const cancel = stayCancelled(server);
    const session = server.session();
    const handle = await api.EvtQuery(session.handle, 'App', '*', api.EvtQueryChannelPath);
    expect(await read(handle, 4)).toEqual(upTo(4));
    // Where the cancelled read brings nothing, the next one has to find its place.
    const seeking = api.EvtSeek(handle, 0, null, 0, api.EvtSeekRelativeToCurrent).then(() => []);
    await expect(cancel(handle, seeking)).rejects.toMatchObject(CANCELLED);
    await session.clearLog('App');
    await fill(server.store, 'App', 3, 11);
    expect(await rest(handle)).toEqual([11, 12, 13]);
  });

  it('is followed without gap or repeat', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 20);
    const cancel = stayCancelled(server);
    const flags = api.EvtSubscribeStartAtOldestRecord;
    const handle = await api.EvtSubscribe(server.session().handle, {}, 'App', null, null, null, null, flags);
    const found: number[] = [];
    let written = 20;
    for (let step = 0; found.length < 40; step++) {
      if (found.length === written) {
        await fill(server.store, 'App', 20, written + 1);
        written += 20;
      }
      const reading = api.EvtNext(handle, 3, found.length < 20 ? 0 : 60_000);
      const ended = step % 3 === 0 && found.length < 39 ? cancel(handle, reading) : reading;
      found.push(...(await ended.then(numbersOf).catch(() => [])));
    }
    expect(found).toEqual(upTo(40));
    // Anew at least once: how often depends on what each cancel comes in between.
    expect(seen(server, SUBSCRIBE)).toBeGreaterThan(1);
  });
});

describe('case 93: a connection that is lost', () => {
  it.each([
    ['while a cancel is pending: 1223', true, 1223],
    ['while nobody cancels: 1726', false, 1726],
  ])('%s; the next read goes on where that one was', async (_, cancels, code) => {
    const { server, handle } = await withQuery(20);
    expect(await read(handle, 3)).toEqual([1, 2, 3]);
    const held = holdAnswer(server, NEXT);
    const reading = api.EvtNext(handle, 5);
    const failed = expect(reading).rejects.toMatchObject({ code });
    await held.reached;
    if (cancels) {
      await api.EvtCancel(handle);
      await until(() => seen(server, CANCEL) === 1);
    }
    server.dropConnections();
    await failed;
    expect(await rest(handle)).toEqual(upTo(20, 4));
    await api.EvtClose(handle);
    await until(() => server.openHandles === 0);
  });

  it.each([
    ['while an export is cancelled: 1223', true, 1223],
    ['while an export runs: 1726', false, 1726],
  ])('%s', async (_, cancels, code) => {
    const { server, session } = await withQuery(5);
    const held = holdAnswer(server, EXPORT);
    const exporting = session.exportLog('App', '*', 'a.evtx');
    const failed = expect(exporting).rejects.toMatchObject({ code });
    await held.reached;
    if (cancels) session.cancelCurrentOperations();
    if (cancels) await until(() => seen(server, CANCEL) === 1);
    server.dropConnections();
    await failed;
  });

  it('while nothing is pending: the next read goes on as if nothing had been', async () => {
    const { server, handle } = await withQuery(20);
    expect(await read(handle, 3)).toEqual([1, 2, 3]);
    server.dropConnections();
    await afterTurns(5);
    expect(await rest(handle)).toEqual(upTo(20, 4));
  });

  it('with a fault that says "cancelled" while a cancel is pending: 1223', async () => {
    const { server, handle } = await withQuery(20);
    const held = gate();
    server.script = async (call, answer) => {
      if (call.opnum !== NEXT) return answer();
      server.script = undefined;
      await held.pass();
      throw new RpcFault(FaultStatus.cancelled, 'test');
    };
    const reading = api.EvtNext(handle, 5);
    const failed = expect(reading).rejects.toMatchObject(CANCELLED);
    await held.reached;
    await api.EvtCancel(handle);
    held.open();
    await failed;
    expect(await rest(handle)).toEqual(upTo(20));
  });
});

describe('a server that answers nothing', () => {
  it('is given up when its time is over: 1223, and the next call has a connection of its own', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 3);
    const { port } = server;
    const cancelTimeoutMs = 1;
    const address = { host: '127.0.0.1', port, endpointMapperPort: 135, connectTimeoutMs: 60_000, cancelTimeoutMs };
    const association = new ClientAssociation(address, undefined);
    const caller = new RemoteCaller(association);
    const register = { path: 'App', query: '*', flags: 0x101 };
    const session = server.session();
    const call = <T>(task: (operation: Operation) => ReturnType<typeof caller.call<never, never>>) =>
      runAsync(task(new Operation('test', session.handle!))) as Promise<T>;
    const { values } = await runAsync(
      caller.call(operations.REGISTER_LOG_QUERY, register, new Operation('test', session.handle!)),
    );
    const silent = gate();
    server.script = () => silent.pass().then(() => new Uint8Array());
    const on = { control: values.control, losses: association.losses };
    const input = { query: values.query, count: 5, timeoutMs: 0xffff_ffff, flags: 0 };
    const reading = call((operation) => caller.call(operations.QUERY_NEXT, input, operation, on) as never);
    const failed = reading.catch((error: unknown) => error);
    await silent.reached;
    await api.EvtCancel(session.handle);
    const stopped = (await failed) as Interrupted<never>;
    expect(stopped).toBeInstanceOf(Interrupted);
    expect(stopped.reason).toMatchObject(CANCELLED);
    expect(stopped.isUncertain).toBe(true);
    server.script = undefined;
    silent.open();
    expect(association.losses).toBe(1);
    const answer = await association.call(operations.GET_CHANNEL_LIST, { flags: 0 }, 'test').answer;
    expect(answer.values.names).toContain('App');
    association.close();
  });
});

describe('the way for a cancel', () => {
  /** A way to a server on which calls do not overlap. */
  async function oneAtATime(server: ScriptedServer) {
    const middle = await between(server.port);
    middle.toServer = (pdu, pass) => {
      if (pdu.type === PduType.bind) pdu.bytes[3] = pdu.bytes[3]! & ~PduFlag.multiplexing;
      pass();
    };
    return middle;
  }

  it('is there before it is needed, where calls do not overlap', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 5);
    const middle = await oneAtATime(server);
    const session = server.session(middle.port);
    const handle = await api.EvtQuery(session.handle, 'App', '*', api.EvtQueryChannelPath);
    expect(middle.connections).toBe(1);
    const held = holdAnswer(server, NEXT);
    const reading = api.EvtNext(handle, 2);
    const failed = expect(reading).rejects.toMatchObject(CANCELLED);
    await held.reached;
    await until(() => middle.connections === 2);
    // A short call takes it, and another one is made.
    expect(await session.getLogNames()).toContain('App');
    await until(() => middle.connections === 3);
    await api.EvtCancel(handle);
    await until(() => seen(server, CANCEL) === 1);
    expect(middle.connections).toBe(3);
    held.open();
    await failed;
    expect(await rest(handle)).toEqual(upTo(5));
  });

  it('is the connection itself, where calls overlap', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 5);
    const middle = await between(server.port);
    const handle = await api.EvtQuery(server.session(middle.port).handle, 'App', '*', api.EvtQueryChannelPath);
    const held = holdAnswer(server, NEXT);
    const reading = api.EvtNext(handle, 2);
    const failed = expect(reading).rejects.toMatchObject(CANCELLED);
    await held.reached;
    await api.EvtCancel(handle);
    await until(() => seen(server, CANCEL) === 1);
    held.open();
    await failed;
    expect(middle.connections).toBe(1);
  });

  it('is not taken when nothing is pending, nor when the answer is there already', async () => {
    const { server, handle } = await withQuery(5);
    await api.EvtCancel(handle);
    expect(await read(handle, 2)).toEqual([1, 2]);
    await api.EvtCancel(handle);
    expect(await rest(handle)).toEqual([3, 4, 5]);
    expect(seen(server, CANCEL)).toBe(0);
  });
});

describe('closing with work pending', () => {
  it('a subscription that waits: the wait ends with 1223, and nothing is left there', async () => {
    const server = await scriptedServer();
    await fill(server.store, 'App', 1);
    const flags = api.EvtSubscribeToFutureEvents;
    const handle = await api.EvtSubscribe(server.session().handle, {}, 'App', null, null, null, null, flags);
    const waiting = api.EvtNext(handle, 5, 60_000);
    const failed = expect(waiting).rejects.toMatchObject(CANCELLED);
    await until(() => seen(server, SUBSCRIPTION_WAIT) > 0);
    await api.EvtClose(handle);
    await failed;
    await until(() => server.openHandles === 0);
  });

  it('a session: everything ends with 1223, and no call is made any more', async () => {
    const { server, session, handle } = await withQuery(5);
    const held = holdAnswer(server, NEXT);
    const reading = api.EvtNext(handle, 2);
    const failed = expect(reading).rejects.toMatchObject(CANCELLED);
    await held.reached;
    session.close();
    await failed;
    held.open();
    await until(() => server.openHandles === 0);
    await expect(session.getLogNames()).rejects.toMatchObject({ code: 6 });
  });
});

/** Takes back the features that the answer to a bind grants. */
function grantNothing(pdu: Pdu): void {
  if (pdu.type !== PduType.bindAck) return;
  const { results } = decodeBindAck(pdu.body);
  const RESULT_SIZE = 24;
  const at = pdu.bytes.length - (results.length - 1) * RESULT_SIZE;
  // Its result, acknowledged, has the mask behind it.
  new DataView(pdu.bytes.buffer, pdu.bytes.byteOffset).setUint16(at + 2, 0, true);
}
