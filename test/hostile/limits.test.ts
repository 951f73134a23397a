import { describe, expect, it } from 'vitest';
import { decodeBindAck } from '../../src/even6/pdu/bind.ts';
import { encodePdu, PduFlag, PduType } from '../../src/even6/pdu/pdu.ts';
import { FaultStatus } from '../../src/even6/rpc/fault.ts';
import { addressKey } from '../../src/even6/rpc/logon-failures.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../../src/even6/rpc/server-limits.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { fill, type Served, serve } from '../server/serve.ts';
import { ManualClock } from './manual-clock.ts';
import { RawClient } from './raw-client.ts';

const { first } = PduFlag;
const QUERY = { path: 'App', query: '*', flags: 0x101 };
const NEXT = { query: undefined, count: 1000, timeoutMs: 1000, flags: 0 };

interface Limited extends Served {
  readonly clock: ManualClock;
}

/** A server with limits, and a clock in the test's hand. */
async function limited(limits: Partial<ServerLimits>): Promise<Limited> {
  const clock = new ManualClock();
  const served = await serve({ limits, clock });
  await fill(served.store, 'App', 1);
  return { ...served, clock };
}

/** Lets the event loop turn until something holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets what has been sent arrive: a call that was made behind it has been answered. */
async function settled(client: RawClient): Promise<void> {
  await client.call(operations.GET_CHANNEL_LIST, { flags: 0 });
}

/** A log whose events fill several answers. */
async function fillLarge(store: string): Promise<void> {
  const session = EventLogSession.open({ store });
  const data = { text: 'x'.repeat(12_000) };
  await session.write(
    'Large',
    Array.from({ length: 300 }, (_, i) => ({ provider: 'P', id: i + 1, data })),
  );
  session.close();
}

describe('connections', () => {
  it('beyond the limit are refused when all that are there have authenticated', async () => {
    const { server } = await limited({ connections: 3 });
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.loggedOn(server.port)));
    for (const client of clients) await settled(client);
    const fourth = await RawClient.connect(server.port);
    await fourth.closed;
    for (const client of clients) await settled(client);
    expect(server.connections).toBe(3);
  });

  it('that have not authenticated give way, the oldest first', async () => {
    const { server } = await limited({ connections: 3 });
    const good = await RawClient.loggedOn(server.port);
    await settled(good);
    const strangers = [await RawClient.connect(server.port), await RawClient.connect(server.port)];
    await until(() => server.connections === 3);
    const next = await RawClient.loggedOn(server.port);
    await settled(next);
    await strangers[0]!.closed;
    expect(strangers[1]!.socket.closed).toBe(false);
    await settled(good);
  });

  it.skipIf(process.platform !== 'linux')('of one address leave room for those of others', async () => {
    const { server } = await limited({ connections: 10, connectionsPerAddress: 2 });
    const clients = [await RawClient.loggedOn(server.port), await RawClient.loggedOn(server.port)];
    for (const client of clients) await settled(client);
    await (await RawClient.connect(server.port)).closed;
    await settled(await RawClient.loggedOn(server.port, { localAddress: '127.0.0.2' }));
  });

  it('of one IPv6 network count as of one address', () => {
    expect(addressKey('2001:db8:1:2:3:4:5:6')).toBe(addressKey('2001:db8:1:2::7'));
    expect(addressKey('2001:db8:1:3::7')).not.toBe(addressKey('2001:db8:1:2::7'));
    expect(addressKey('::1')).toBe('0:0:0:0::/64');
    expect(addressKey('::ffff:10.0.0.1')).toBe('::ffff:10.0.0.1');
    expect(addressKey('10.0.0.1')).toBe('10.0.0.1');
  });

  it('that do not authenticate in time are ended, wherever they stopped', async () => {
    const { server, clock } = await limited({});
    const good = await RawClient.loggedOn(server.port);
    await settled(good);
    const silent = await RawClient.connect(server.port);
    const bound = await RawClient.connect(server.port);
    await bound.bind();
    const challenged = await RawClient.connect(server.port);
    const offer = encodePdu({ type: PduType.bind, flags: 3, callId: 1, body: new Uint8Array(12) }).subarray(0, 20);
    challenged.send(offer);
    await until(() => server.connections === 4);
    clock.advance(DEFAULT_LIMITS.handshakeMs - 1000);
    await settled(good);
    expect(server.connections).toBe(4);
    clock.advance(2001);
    await Promise.all([silent.closed, bound.closed, challenged.closed]);
    await settled(good);
  });

  it('without handles and calls are ended when they are silent for long; those with handles are not', async () => {
    const { server, clock } = await limited({ handleIdleMs: Number.POSITIVE_INFINITY });
    const idle = await RawClient.loggedOn(server.port);
    const busy = await RawClient.loggedOn(server.port);
    await settled(idle);
    const { query } = await busy.call(operations.REGISTER_LOG_QUERY, QUERY);
    clock.advance(DEFAULT_LIMITS.idleMs + 1001);
    await idle.closed;
    await busy.call(operations.QUERY_NEXT, { ...NEXT, query });
  });
});

describe('logons that fail', () => {
  it('are answered at once a few times, and then later and later; who knows his password does not wait', async () => {
    const { server, clock, told } = await limited({ failureDelayMs: 500 });
    const fail = async () => {
      const client = await RawClient.connect(server.port);
      await client.bind({ user: 'alice', password: 'wrong' });
      client.request(operations.GET_CHANNEL_LIST, { flags: 0 });
      return client;
    };
    for (let i = 0; i < DEFAULT_LIMITS.quickFailures; i++) {
      expect(await (await fail()).fault()).toBe(FaultStatus.accessDenied);
    }
    for (const delayMs of [250, 500, 500]) {
      const count: number = told.length;
      const late = await fail();
      const answer = late.fault();
      await until(() => told.length > count);
      await settled(await RawClient.loggedOn(server.port));
      clock.advance(delayMs - 1);
      expect(await Promise.race([answer, settled(await RawClient.loggedOn(server.port)).then(() => 'none')])).toBe(
        'none',
      );
      clock.advance(1);
      expect(await answer).toBe(FaultStatus.accessDenied);
    }
    clock.advance(61_000);
    expect(await (await fail()).fault()).toBe(FaultStatus.accessDenied);
    expect(told).toContain('a client at 127.0.0.1 was not let in');
  });
});

describe('what one connection may have', () => {
  it('presentation contexts', async () => {
    const { server } = await limited({ presentationContexts: 3 });
    const client = await RawClient.connect(server.port);
    const ack = await client.bind({ contexts: 5 });
    const results = decodeBindAck(ack!.body).results.map(({ result, reason }) => [result, reason]);
    expect(results).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
      [2, 3],
      [2, 3],
    ]);
  });

  it('one security context: a second one is refused', async () => {
    const { server } = await limited({});
    const client = await RawClient.loggedOn(server.port);
    await settled(client);
    const auth = { type: 10, level: 5, contextId: 2, token: new Uint8Array(40) };
    client.send(encodePdu({ type: PduType.alterContext, flags: 3, callId: 99, body: new Uint8Array(12), auth }));
    expect(await client.fault()).toBe(FaultStatus.protocolError);
  });

  it('calls that are pending', async () => {
    const { server } = await limited({ callsPerConnection: 4 });
    const client = await RawClient.loggedOn(server.port);
    const future = { channel: 'App', query: '*', bookmark: undefined, flags: 0x1000_0001 };
    const { subscription } = await client.call(operations.REGISTER_REMOTE_SUBSCRIPTION, future);
    for (let i = 0; i < 4; i++) client.request(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
    client.request(operations.GET_CHANNEL_LIST, { flags: 0 });
    expect(await client.fault()).toBe(FaultStatus.tooBusy);
  });

  it('call ids: one that is pending is not used again', async () => {
    const { server } = await limited({});
    const client = await RawClient.loggedOn(server.port);
    const future = { channel: 'App', query: '*', bookmark: undefined, flags: 0x1000_0001 };
    const { subscription } = await client.call(operations.REGISTER_REMOTE_SUBSCRIPTION, future);
    const id = client.request(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
    client.request(operations.GET_CHANNEL_LIST, { flags: 0 }, id);
    expect(await client.fault()).toBe(FaultStatus.protocolError);
    await client.closed;
  });
});

describe('requests', () => {
  it('that are announced as larger than the limit, or are, are refused', async () => {
    const { server } = await limited({ requestBytes: 20_000 });
    const client = await RawClient.loggedOn(server.port);
    client.send(client.fragment(5, new Uint8Array(8), { flags: first, callId: 50, allocHint: 0xffff_ffff }));
    expect(await client.fault()).toBe(FaultStatus.accessDenied);
    const other = await RawClient.loggedOn(server.port);
    for (let i = 0; i < 5; i++) {
      other.send(other.fragment(5, new Uint8Array(5000), { flags: i === 0 ? first : 0, callId: 60, allocHint: 0 }));
    }
    expect(await other.fault()).toBe(FaultStatus.accessDenied);
    await settled(await RawClient.loggedOn(server.port));
    expect(server.partialRequestBytes).toBe(0);
  });

  it('of somebody unknown are not kept, however they come', async () => {
    const { server } = await limited({});
    const client = await RawClient.connect(server.port);
    await client.bind();
    for (let i = 0; i < 10; i++) {
      client.send(client.fragment(5, new Uint8Array(5000), { flags: i === 0 ? first : 0, callId: 60 }));
    }
    expect(await client.fault()).toBe(FaultStatus.accessDenied);
    expect(server.partialRequestBytes).toBe(0);
  });

  it('that have come in part take no more than is allowed for all of them together', async () => {
    const { server } = await limited({ partialRequestBytes: 12_000 });
    const [one, other] = [await RawClient.loggedOn(server.port), await RawClient.loggedOn(server.port)];
    one.send(one.fragment(5, new Uint8Array(5000), { flags: first, callId: 60 }));
    one.send(one.fragment(5, new Uint8Array(5000), { flags: 0, callId: 60 }));
    await until(() => server.partialRequestBytes === 10_000);
    other.send(other.fragment(5, new Uint8Array(5000), { flags: first, callId: 60 }));
    expect(await other.fault()).toBe(FaultStatus.tooBusy);
    // What is whole needs no room there.
    await settled(await RawClient.loggedOn(server.port));
    one.socket.destroy();
    await until(() => server.partialRequestBytes === 0);
  });

  it('of which the rest does not come in time end the connection, also where it comes drop by drop', async () => {
    const { server, clock } = await limited({ stallMs: 10_000 });
    const request = await RawClient.loggedOn(server.port);
    request.send(request.fragment(5, new Uint8Array(100), { flags: first, callId: 60 }));
    await until(() => server.partialRequestBytes === 100);
    const good = await RawClient.loggedOn(server.port);
    const pdu = await RawClient.loggedOn(server.port);
    await settled(pdu);
    const rest = pdu.fragment(19, new Uint8Array(4));
    for (let i = 0; i < 9; i++) {
      pdu.send(rest.subarray(i, i + 1));
      await settled(good);
      clock.advance(1000);
    }
    expect([request.socket.closed, pdu.socket.closed]).toEqual([false, false]);
    clock.advance(3000);
    await Promise.all([request.closed, pdu.closed]);
    expect(server.partialRequestBytes).toBe(0);
  });

  it('with queries longer than the limit are answered with 15001', async () => {
    const { server } = await limited({ queryUnits: 1000 });
    const client = await RawClient.loggedOn(server.port);
    const long = { ...QUERY, query: `*[System[EventID=1]]${' '.repeat(1000)}` };
    await expect(client.call(operations.REGISTER_LOG_QUERY, long)).rejects.toThrow('status 15001');
    await client.call(operations.REGISTER_LOG_QUERY, QUERY);
  });
});

describe('answers that nobody reads', () => {
  /** Asks for large answers, and takes none. @returns when some of them wait in the server */
  async function stall(served: Served, client: RawClient, calls: number): Promise<void> {
    const queries: (string | undefined)[] = [];
    for (let i = 0; i < calls; i++) {
      queries.push((await client.call(operations.REGISTER_LOG_QUERY, { ...QUERY, path: 'Large' })).query);
    }
    client.socket.pause();
    for (const query of queries) client.request(operations.QUERY_NEXT, { ...NEXT, query });
    await until(() => served.server.unsentBytes > 1024 * 1024);
  }

  it('end the connection after some time', async () => {
    const served = await limited({ stallMs: 10_000 });
    const { server, clock, store } = served;
    await fillLarge(store);
    const slow = await RawClient.loggedOn(server.port);
    await stall(served, slow, 16);
    const good = await RawClient.loggedOn(server.port);
    await settled(good);
    clock.advance(9000);
    await settled(good);
    expect(server.connections).toBe(2);
    clock.advance(3000);
    await until(() => server.connections === 1);
    expect(server.unsentBytes).toBe(0);
    await settled(good);
  });

  it('stop the making of more answers, which come when those are taken', async () => {
    const served = await limited({ unsentBytes: 1024 * 1024 });
    await fillLarge(served.store);
    const slow = await RawClient.loggedOn(served.server.port);
    await stall(served, slow, 60);
    for (let i = 0; i < 20; i++) {
      await settled(await RawClient.loggedOn(served.server.port));
      // Two answers may be in the making when the limit is reached, with 2 MiB and a little each.
      expect(served.server.unsentBytes).toBeLessThan(6 * 1024 * 1024);
    }
    // The rest comes when it is taken.
    slow.socket.resume();
    for (let answers = 0; answers < 60; ) {
      const pdu = await slow.next();
      expect(pdu?.type).toBe(PduType.response);
      if ((pdu!.flags & PduFlag.last) !== 0) answers++;
    }
  });

  it('of all connections: when they are too many, who has taken nothing for longest has to go', async () => {
    const served = await limited({ totalUnsentBytes: 6 * 1024 * 1024 });
    const { server, clock, store } = served;
    await fillLarge(store);
    const slow: RawClient[] = [];
    for (let i = 0; i < 8; i++) {
      const client = await RawClient.loggedOn(server.port);
      slow.push(client);
      await stall(served, client, 12);
      clock.advance(100);
      expect(server.unsentBytes).toBeLessThanOrEqual(6 * 1024 * 1024);
    }
    expect(server.connections).toBeLessThan(8);
    await settled(await RawClient.loggedOn(server.port));
    expect(slow).toHaveLength(8);
  });
});

describe('handles', () => {
  it('of one group', async () => {
    const { server } = await limited({ handlesPerGroup: 6 });
    const client = await RawClient.loggedOn(server.port);
    for (let i = 0; i < 3; i++) await client.call(operations.REGISTER_LOG_QUERY, QUERY);
    await expect(client.call(operations.REGISTER_LOG_QUERY, QUERY)).rejects.toThrow('fault 0x1c010014');
    expect(server.openHandles).toBe(6);
    await (await RawClient.loggedOn(server.port)).call(operations.REGISTER_LOG_QUERY, QUERY);
  });

  it('of one user leave some for others, and those of all users are bounded', async () => {
    const { server } = await limited({ handlesPerUser: 4, handles: 6 });
    const open = async (user: string) =>
      (await RawClient.loggedOn(server.port, { user })).call(operations.REGISTER_LOG_QUERY, QUERY);
    await open('alice');
    await open('alice');
    await expect(open('alice')).rejects.toThrow('fault 0x1c010014');
    await open('bob');
    await expect(open('bob')).rejects.toThrow('fault 0x1c010014');
  });

  it('of long queries count more than once', async () => {
    const { server } = await limited({ handlesPerGroup: 12 });
    const client = await RawClient.loggedOn(server.port);
    const long = { ...QUERY, query: `*[System[EventID=1]]${' '.repeat(2300)}` };
    const { query, control } = await client.call(operations.REGISTER_LOG_QUERY, long);
    await expect(client.call(operations.REGISTER_LOG_QUERY, long)).rejects.toThrow('fault 0x1c010014');
    await client.call(operations.CLOSE, { handle: query });
    await client.call(operations.CLOSE, { handle: control });
    await client.call(operations.REGISTER_LOG_QUERY, long);
  });

  it('that nobody has used for long are closed; while a call is pending, they are used', async () => {
    const { server, clock } = await limited({ handleIdleMs: 60_000 });
    const client = await RawClient.loggedOn(server.port);
    const { query } = await client.call(operations.REGISTER_LOG_QUERY, QUERY);
    const future = { channel: 'App', query: '*', bookmark: undefined, flags: 0x1000_0001 };
    const { subscription, control } = await client.call(operations.REGISTER_REMOTE_SUBSCRIPTION, future);
    const wait = client.request(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
    await settled(client);
    clock.advance(62_000);
    expect(server.openHandles).toBe(2);
    client.request(operations.QUERY_NEXT, { ...NEXT, query });
    expect(await client.fault()).toBe(FaultStatus.contextMismatch);
    // Its control is as used as the subscription is.
    client.request(operations.CANCEL, { control });
    const answered = [(await client.next())?.callId, (await client.next())?.callId];
    expect(answered).toContain(wait);
  });

  it('of a client that is gone are closed with its last connection', async () => {
    const { server } = await limited({});
    const one = await RawClient.loggedOn(server.port);
    await one.call(operations.REGISTER_LOG_QUERY, QUERY);
    const other = await RawClient.loggedOn(server.port, { group: one.group });
    await settled(other);
    one.socket.destroy();
    await until(() => server.connections === 1);
    expect(server.openHandles).toBe(2);
    other.socket.destroy();
    await until(() => server.openHandles === 0);
  });
});
