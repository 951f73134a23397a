import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PduType } from '../../src/even6/pdu/pdu.ts';
import { readResultRecord, recordsOf } from '../../src/even6/record.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { afterTurns, connectAs, type OperationClient, RawClient, until } from './raw-client.ts';
import { fill, serve } from './serve.ts';

/** The conformance cases of cancelling, by their numbers, at a server: single operations, on connections that the test makes itself. */

const OK = 0;
const CANCELLED = 1223;
const INVALID_PARAMETER = 87;
const END = 259;
const FOREIGN_HANDLE = { code: 6 };
const START_FUTURE_PULL = 0x1000_0001;
const START_OLDEST_PULL = 0x1000_0002;
const FORWARD_CHANNEL = 0x101;
const NO_LIMIT = 0xffff_ffff;
const NO_RECORDS = { offsets: [], sizes: [], bytes: new Uint8Array() };
/** Looks into every event, and finds the first three and the last one of a channel of so many. */
const ENDS_OF = (count: number) => `*[EventData[Data='1' or Data='2' or Data='3' or Data='${count}']]`;

type Caller = Pick<OperationClient, 'call'>;

async function subscribe(client: Caller, channel: string, flags: number) {
  const input = { channel, query: '*', bookmark: undefined, flags };
  const { values, status } = await client.call(operations.REGISTER_REMOTE_SUBSCRIPTION, input);
  expect(status).toBe(OK);
  return { subscription: values.subscription, control: values.control };
}

async function query(client: Caller, channel: string, text = '*') {
  const input = { path: channel, query: text, flags: FORWARD_CHANNEL };
  const { values, status } = await client.call(operations.REGISTER_LOG_QUERY, input);
  expect(status).toBe(OK);
  return { query: values.query, control: values.control };
}

const wait = (client: Caller, subscription: string | undefined) =>
  client.call(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
const cancel = (client: Caller, control: string | undefined) => client.call(operations.CANCEL, { control });
const close = (client: Caller, handle: string | undefined) => client.call(operations.CLOSE, { handle });

function recordIds({ bytes, offsets, sizes }: operations.RecordBatch): number[] {
  return recordsOf(bytes, offsets, sizes).map((record) => {
    const { recordIds: ids, currentChannel } = readResultRecord(record);
    return Number(ids[currentChannel]);
  });
}

async function read(client: Caller, handle: string | undefined, count: number) {
  const input = { query: handle, count, timeoutMs: NO_LIMIT, flags: 0 };
  const { values, status } = await client.call(operations.QUERY_NEXT, input);
  return { status, ids: recordIds(values.records), records: values.records };
}

async function fetch(client: Caller, subscription: string | undefined) {
  const input = { subscription, count: 100, timeoutMs: NO_LIMIT, flags: 0 };
  const { values, status } = await client.call(operations.REMOTE_SUBSCRIPTION_NEXT, input);
  return { status, ids: recordIds(values.records) };
}

/** Each of the first turns, then ever wider apart: a disk may take thousands of them. */
const laterTurn = (turns: number) => turns + 1 + (turns >> 5);

/**
 * Cancels a call at each of the first 32 turns of the event loop in which it is pending, the server being in this very
 * thread, and at ever rarer ones from there on.
 * @param attempt makes the call, lets so many turns pass, cancels, checks. @returns the call's status
 */
async function atEveryTurn(attempt: (turns: number) => Promise<number>): Promise<void> {
  for (let turns = 0; ; turns = laterTurn(turns)) {
    const status = await attempt(turns);
    if (status === OK) {
      expect(turns, 'cancelled at least once').toBeGreaterThan(0);
      return;
    }
    expect(status).toBe(CANCELLED);
  }
}

/** A server with a channel of so many events, and a client of it. */
async function served(count: number, options: Parameters<typeof serve>[0] = {}) {
  const all = await serve(options);
  await fill(all.store, 'App', count);
  const { port } = all.server;
  return { ...all, port, alice: await connectAs(port, 'alice') };
}

async function rawClient(port: number, options?: Parameters<typeof RawClient.connect>[1]): Promise<RawClient> {
  const client = await RawClient.connect(port, options);
  if (client === undefined) throw new Error('the bind was refused');
  return client;
}

describe('a wait for events', () => {
  it('case 74: is cancelled on another connection of its group', async () => {
    const { port, alice } = await served(1);
    const other = await connectAs(port, 'alice', alice.group);
    const { subscription, control } = await subscribe(alice, 'App', START_FUTURE_PULL);
    const waiting = wait(other, subscription);
    await other.arrived();
    expect((await cancel(alice, control)).status).toBe(OK);
    expect((await waiting).status).toBe(CANCELLED);
  });

  it('case 75: is cancelled on its own connection, where calls overlap', async () => {
    const { alice } = await served(1);
    const { subscription, control } = await subscribe(alice, 'App', START_FUTURE_PULL);
    const [waited, cancelled] = await Promise.all([wait(alice, subscription), cancel(alice, control)]);
    expect([waited.status, cancelled.status]).toEqual([CANCELLED, OK]);
  });

  it('case 84: and a new event at the same moment: one answer, and the event once', async () => {
    const ROUNDS = 100;
    const { store, port, alice } = await served(1);
    const other = await connectAs(port, 'alice', alice.group);
    const { subscription, control } = await subscribe(alice, 'App', START_FUTURE_PULL);
    const writer = EventLogSession.open({ store });
    const ends = { [OK]: 0, [CANCELLED]: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      const waiting = wait(other, subscription);
      if (round % 2 === 0) await other.arrived();
      const writing = afterTurns(round % 5).then(() => writer.write('App', [{ provider: 'Test', id: 1, data: {} }]));
      const cancelling = afterTurns(round % 3).then(() => cancel(alice, control));
      const [{ status }] = await Promise.all([waiting, cancelling, writing]);
      expect([OK, CANCELLED]).toContain(status);
      ends[status as 0]++;
      expect(await fetch(alice, subscription)).toEqual({ status: OK, ids: [round + 2] });
      expect(await fetch(alice, subscription)).toEqual({ status: END, ids: [] });
    }
    writer.close();
    expect(ends[OK] + ends[CANCELLED]).toBe(ROUNDS);
    expect(ends[CANCELLED]).toBeGreaterThan(0);
  });

  it('case 85: ends when its subscription is closed', async () => {
    const { alice } = await served(1);
    const { subscription, control } = await subscribe(alice, 'App', START_FUTURE_PULL);
    const waiting = wait(alice, subscription);
    const closed = await close(alice, subscription);
    expect(closed).toEqual({ values: { handle: undefined }, status: OK });
    expect((await waiting).status).toBe(CANCELLED);
    // The control is a handle of its own.
    expect((await cancel(alice, control)).status).toBe(OK);
    expect((await close(alice, control)).status).toBe(OK);
  });

  it('goes on when only the control is closed', async () => {
    const { store, alice } = await served(1);
    const { subscription, control } = await subscribe(alice, 'App', START_FUTURE_PULL);
    const waiting = wait(alice, subscription);
    expect((await close(alice, control)).status).toBe(OK);
    await fill(store, 'App', 1);
    expect((await waiting).status).toBe(OK);
  });

  it('case 86: is ended by co_cancel with its own status; one for another call is nothing', async () => {
    const { port } = await served(1, { anonymousRead: true });
    const client = await rawClient(port);
    const { subscription } = await subscribe(client, 'App', START_FUTURE_PULL);
    const UNKNOWN = 4711;
    const callId = client.request(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
    client.send(PduType.cancel, UNKNOWN);
    client.send(PduType.cancel, callId);
    const answer = await client.answer(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, callId);
    expect(answer).toEqual({ values: {}, status: CANCELLED });
    // It has been answered: nothing is there to cancel.
    client.send(PduType.cancel, callId);
    expect((await fetch(client, subscription)).status).toBe(END);
  });

  it('is not begun cancelled by a co_cancel that comes before the rest of its request', async () => {
    const { port } = await served(1, { anonymousRead: true });
    const client = await rawClient(port);
    const input = { flags: 0 };
    const callId = client.firstFragment(operations.GET_CHANNEL_LIST, input);
    client.send(PduType.cancel, callId);
    client.lastFragment(operations.GET_CHANNEL_LIST, input, callId);
    expect(await client.answer(operations.GET_CHANNEL_LIST, callId)).toMatchObject({ status: OK });
  });

  it('case 87: that is orphaned is not answered, nor is a query, and no handle is left behind', async () => {
    const { server, port } = await served(1, { anonymousRead: true });
    const client = await rawClient(port);
    expect(client.features).toBe(2);
    const { subscription, control } = await subscribe(client, 'App', START_FUTURE_PULL);
    const waiting = client.request(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
    client.send(PduType.orphaned, waiting);
    const opening = client.request(operations.REGISTER_LOG_QUERY, { path: 'App', query: '*', flags: FORWARD_CHANNEL });
    client.send(PduType.orphaned, opening);
    // The next answers are those of later calls.
    expect((await close(client, subscription)).status).toBe(OK);
    expect((await close(client, control)).status).toBe(OK);
    await until(() => server.openHandles === 0);
  });

  it('case 87, at every turn: an orphaned query that had been opened is answered, else nothing of it is left', async () => {
    const { server, port } = await served(1, { anonymousRead: true });
    const client = await rawClient(port);
    for (let turns = 0; ; turns++) {
      const opening = client.request(operations.REGISTER_LOG_QUERY, {
        path: 'App',
        query: '*',
        flags: FORWARD_CHANNEL,
      });
      await afterTurns(turns);
      client.send(PduType.orphaned, opening);
      const later = client.request(operations.GET_CHANNEL_LIST, { flags: 0 });
      const first = await client.next();
      if (first?.callId === opening) {
        expect(server.openHandles).toBe(2);
        return;
      }
      expect(first?.callId).toBe(later);
      await until(() => server.openHandles === 0);
    }
  });

  it('that is orphaned leaves room for the next call, where calls do not overlap', async () => {
    const { port } = await served(1, { anonymousRead: true });
    const client = await rawClient(port, { multiplexed: false });
    const { subscription } = await subscribe(client, 'App', START_FUTURE_PULL);
    const waiting = client.request(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
    client.send(PduType.orphaned, waiting);
    expect((await fetch(client, subscription)).status).toBe(END);
  });

  it('case 88: on a connection that is lost leaves the subscription to the others', async () => {
    const { server, store, port, alice } = await served(1);
    const other = await connectAs(port, 'alice', alice.group);
    const { subscription } = await subscribe(alice, 'App', START_FUTURE_PULL);
    const waiting = wait(other, subscription);
    await other.arrived();
    other.close();
    await expect(waiting).rejects.toMatchObject({ code: 1726 });
    await until(() => server.connections === 1);
    await fill(store, 'App', 1);
    expect((await wait(alice, subscription)).status).toBe(OK);
    expect(await fetch(alice, subscription)).toEqual({ status: OK, ids: [2] });
  });
});

describe('op 14', () => {
  it('case 76: twice, and with nothing pending, is a success that ends nothing later', async () => {
    const { alice } = await served(3);
    const { query: handle, control } = await query(alice, 'App');
    expect((await cancel(alice, control)).status).toBe(OK);
    expect((await cancel(alice, control)).status).toBe(OK);
    expect(await read(alice, handle, 2)).toMatchObject({ status: OK, ids: [1, 2] });
  });

  it('case 77: with another handle than a control', async () => {
    const { alice } = await served(1);
    const { query: handle } = await query(alice, 'App');
    const { values } = await alice.call(operations.OPEN_LOG_HANDLE, { path: 'App', flags: 1 });
    expect((await cancel(alice, handle)).status).toBe(INVALID_PARAMETER);
    expect((await cancel(alice, values.log)).status).toBe(INVALID_PARAMETER);
  });

  it('case 78: with a handle of another group, or of another user of the same group', async () => {
    const { port, alice } = await served(1);
    const { query: handle, control } = await query(alice, 'App');
    const elsewhere = await connectAs(port, 'alice');
    expect(elsewhere.group).not.toBe(alice.group);
    const bob = await connectAs(port, 'bob', alice.group);
    for (const other of [elsewhere, bob]) {
      await expect(cancel(other, control)).rejects.toMatchObject(FOREIGN_HANDLE);
      await expect(close(other, control)).rejects.toMatchObject(FOREIGN_HANDLE);
    }
    expect((await read(alice, handle, 1)).ids).toEqual([1]);
  });

  it('case 79: ends a read in a long log, and the next one begins where that one did', async () => {
    const COUNT = 4000;
    const { alice } = await served(COUNT);
    const { query: handle, control } = await query(alice, 'App', ENDS_OF(COUNT));
    expect((await read(alice, handle, 2)).ids).toEqual([1, 2]);
    await atEveryTurn(async (turns) => {
      const reading = read(alice, handle, 2);
      await afterTurns(turns);
      expect((await cancel(alice, control)).status).toBe(OK);
      const { status, ids, records } = await reading;
      if (status === OK) expect(ids).toEqual([3, COUNT]);
      else expect(records).toEqual(NO_RECORDS);
      return status;
    });
    expect((await read(alice, handle, 2)).status).toBe(END);
  });

  it('case 80: ends a seek in a long log, and the position is what it was', async () => {
    const COUNT = 4000;
    const { alice } = await served(COUNT);
    const { query: handle, control } = await query(alice, 'App', ENDS_OF(COUNT));
    await atEveryTurn(async (turns) => {
      const seek = (position: bigint) => ({ query: handle, position, bookmark: undefined, timeoutMs: 0, flags: 1 });
      expect((await alice.call(operations.QUERY_SEEK, seek(1n))).status).toBe(OK);
      const seeking = alice.call(operations.QUERY_SEEK, seek(3n));
      await afterTurns(turns);
      await cancel(alice, control);
      const { status } = await seeking;
      expect((await read(alice, handle, 1)).ids).toEqual([status === OK ? COUNT : 2]);
      return status;
    });
  });

  it('case 81: ends an export, and no file is left', async () => {
    const { exports, alice } = await served(1000);
    const { values } = await alice.call(operations.REGISTER_CONTROLLABLE_OPERATION, {});
    await atEveryTurn(async (turns) => {
      const { control } = values;
      const exporting = alice.call(operations.EXPORT_LOG, {
        control,
        channel: 'App',
        query: '*',
        target: 'a.evtx',
        flags: 1,
      });
      await afterTurns(turns);
      expect((await cancel(alice, control)).status).toBe(OK);
      const { status } = await exporting;
      expect(readdirSync(exports)).toEqual(status === OK ? ['a.evtx'] : []);
      return status;
    });
  });

  it('case 82: ends a clear before its commit point, or comes too late for it: never half', async () => {
    const COUNT = 200;
    const { store, exports, alice } = await served(1);
    let round = 0;
    await atEveryTurn(async (turns) => {
      const channel = `Round${round++}`;
      const backup = `${channel}.evtx`;
      await fill(store, channel, COUNT);
      const { control } = (await alice.call(operations.REGISTER_CONTROLLABLE_OPERATION, {})).values;
      const clearing = alice.call(operations.CLEAR_LOG, { control, channel, backup, flags: 0 });
      await afterTurns(turns);
      expect((await cancel(alice, control)).status).toBe(OK);
      const { status } = await clearing;
      const asked = await query(alice, channel);
      const left = await read(alice, asked.query, 10);
      for (const handle of [asked.query, asked.control, control]) expect((await close(alice, handle)).status).toBe(OK);
      const file = path.join(exports, backup);
      expect(existsSync(file)).toBe(status === OK);
      if (status !== OK) {
        expect(left.ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      } else {
        expect(left).toMatchObject({ status: END, ids: [] });
        const saved = await EventLogSession.local().getLogInformation(file);
        expect(saved.numberOfLogRecords).toBe(BigInt(COUNT));
      }
      return status;
    });
    expect(readdirSync(exports)).toHaveLength(1);
  });

  it('case 83: ends all exports that were begun with its control, and only those', async () => {
    const { exports, alice } = await served(2000);
    const { control } = (await alice.call(operations.REGISTER_CONTROLLABLE_OPERATION, {})).values;
    const other = (await alice.call(operations.REGISTER_CONTROLLABLE_OPERATION, {})).values.control;
    const begin = (target: string, through: string | undefined) =>
      alice.call(operations.EXPORT_LOG, { control: through, channel: 'App', query: '*', target, flags: 1 });
    const answers = Promise.all([begin('a.evtx', control), begin('b.evtx', control), begin('c.evtx', other)]);
    expect((await cancel(alice, control)).status).toBe(OK);
    expect((await answers).map(({ status }) => status)).toEqual([CANCELLED, CANCELLED, OK]);
    expect(readdirSync(exports)).toEqual(['c.evtx']);
  });
});

describe('case 89: when all connections of a group are lost', () => {
  it('all its handles are gone, exports are undone, and the group is no more', async () => {
    const { server, exports, port, alice } = await served(3000);
    const other = await connectAs(port, 'alice', alice.group);
    const { subscription } = await subscribe(alice, 'App', START_OLDEST_PULL);
    await query(other, 'App');
    const { control } = (await alice.call(operations.REGISTER_CONTROLLABLE_OPERATION, {})).values;
    const pending = [
      other.call(operations.EXPORT_LOG, { control, channel: 'App', query: '*', target: 'a.evtx', flags: 1 }),
      wait(alice, subscription),
    ].map((call) => call.catch(({ code }) => code));
    await other.arrived();
    alice.close();
    await until(() => server.connections === 1);
    expect(server.openHandles).toBe(5);
    other.close();
    expect((await Promise.all(pending))[0]).toBe(1726);
    await until(() => server.connections === 0);
    expect(server.openHandles).toBe(0);
    await until(() => readdirSync(exports).length === 0);
    await expect(connectAs(port, 'alice', alice.group)).rejects.toMatchObject({ code: 5 });
  });
});
