import { type Duplex, duplexPair } from 'node:stream';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NDR } from '../../../src/even6/pdu/syntaxes.ts';
import { AssociationGroups } from '../../../src/even6/rpc/association-group.ts';
import { SYSTEM_CLOCK } from '../../../src/even6/rpc/clock.ts';
import type { RpcCall } from '../../../src/even6/rpc/rpc-interface.ts';
import { ServerConnection } from '../../../src/even6/rpc/server-connection.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../../../src/even6/rpc/server-limits.ts';
import { ServerLoad } from '../../../src/even6/rpc/server-load.ts';
import { AuthLevel, AuthType, type SecurityContext } from '../../../src/even6/security/security-context.ts';
import {
  call,
  Flag,
  faultOf,
  type Item,
  NOT_EXECUTED,
  offer,
  type PduOptions,
  pdu,
  Syntax,
  Type,
} from '../../server/raw-peer.ts';

/** Lets anybody in as alice, and signs nothing, so that PDUs can be made by hand. */
const trusting: SecurityContext = {
  type: AuthType.ntlm,
  identity: { user: 'alice', domain: '', workstation: '' },
  step: () => ({ token: undefined, done: true }),
  protect: () => {},
  unprotect: () => {},
  dispose: () => {},
};

const PUBLIC: Item = [0, Syntax.management, Syntax.ndr];
const FOR_USERS: Item = [1, Syntax.events, Syntax.ndr];
const EMPTY = new Uint8Array();
/** What a request to the interface for everybody takes. */
const MANAGEMENT_BYTES = 100;

/** A connection whose calls wait until they are told to end. */
class Fixture {
  readonly connection: ServerConnection;
  readonly groups = new AssociationGroups(DEFAULT_LIMITS);
  /** Calls that have begun, in order. */
  readonly calls: (RpcCall & { readonly end: (stub: Uint8Array) => void })[] = [];
  readonly #client: Duplex;
  readonly #came: Buffer[] = [];
  isEnded = false;

  constructor(limits: Partial<ServerLimits> = {}) {
    const [client, server] = duplexPair();
    this.#client = client;
    client.on('data', (bytes: Buffer) => this.#came.push(bytes));
    client.on('error', () => {});
    client.on('end', () => {
      this.isEnded = true;
    });
    const offered = (uuid: Uint8Array, minLevel: number, requestBytes?: number) => ({
      ...(requestBytes === undefined ? {} : { requestBytes }),
      syntax: { ...NDR, uuid: Buffer.from(uuid.subarray(0, 16)).toString('hex'), major: 1 },
      operations: 2,
      minLevel,
      call: (made: RpcCall) =>
        new Promise<Uint8Array>((end, reject) => {
          this.calls.push({ ...made, end });
          made.signal.addEventListener('abort', () => reject(made.signal.reason));
        }),
    });
    const all = { ...DEFAULT_LIMITS, ...limits };
    this.connection = new ServerConnection(server, 'here', {
      interfaces: [
        offered(Syntax.management, AuthLevel.none, MANAGEMENT_BYTES),
        offered(Syntax.events, AuthLevel.connect),
      ],
      groups: this.groups,
      limits: all,
      load: new ServerLoad(all, SYSTEM_CLOCK),
      clock: SYSTEM_CLOCK,
      authenticate: () => trusting,
      secondaryAddress: '1',
      localAddress: '127.0.0.1',
      onRefused: () => 0,
      onError: () => {},
    });
    onTestFinished(() => this.connection.close());
  }

  /** Sends PDUs and gives what has come when they have been dealt with. */
  async send(...pdus: readonly Uint8Array[]): Promise<Buffer[]> {
    for (const each of pdus) this.#client.write(each);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    return this.#came.splice(0);
  }

  /** Takes nothing of what the server sends, or everything again. */
  take(isTaking: boolean): void {
    if (isTaking) this.#client.resume();
    else this.#client.pause();
  }

  async bind(isUser: boolean, flags: number = Flag.multiplexing): Promise<this> {
    const auth = { type: 10, level: AuthLevel.connect, contextId: 1, token: new Uint8Array(4) };
    const options: PduOptions = { flags: Flag.whole | flags, auth: isUser ? auth : undefined };
    const [ack] = await this.send(pdu(Type.bind, 1, offer([PUBLIC, FOR_USERS]), options));
    expect(ack?.[2]).toBe(Type.bindAck);
    return this;
  }

  /** Looks whether the connection has to be ended, at a time so long after now. */
  reapAfter(ms: number): boolean {
    this.connection.reap(performance.now() + ms);
    return this.connection.isClosed;
  }
}

function part(
  callId: number,
  flags: number,
  stub: Uint8Array = EMPTY,
  { contextId = 0, opnum = 0, hint = 0 } = {},
): Uint8Array {
  return pdu(Type.request, callId, call(opnum, stub, { contextId, hint }), { flags });
}

/** Type, call and status of each fault. */
function faults(came: readonly Buffer[]): unknown[] {
  return came.map((bytes) => {
    const { status, flags, callId } = faultOf({
      type: bytes[2]!,
      flags: bytes[3]!,
      callId: bytes.readUInt32LE(12),
      body: bytes.subarray(16),
      padding: 0,
      auth: undefined,
      bytes,
    });
    return [callId, status, flags];
  });
}

describe('a call that cannot be taken', () => {
  it('is refused at its first fragment, and the rest of it swallowed', async () => {
    const fixture = await new Fixture().bind(false);
    for (const [id, what, status] of [
      [1, { contextId: 9 }, 0x1c01_0003],
      [2, { contextId: FOR_USERS[0] }, 5],
      [3, { opnum: 2 }, 0x1c01_0002],
    ] as const) {
      expect(faults(await fixture.send(part(id, Flag.first, EMPTY, what)))).toEqual([[id, status, NOT_EXECUTED]]);
      expect(await fixture.send(part(id, 0), part(id, Flag.last))).toEqual([]);
    }
    expect(fixture.calls).toEqual([]);
    // Once it has ended, another fragment of it is out of sequence.
    expect(faults(await fixture.send(part(2, 0)))).toMatchObject([[2, 0x1c01_000b, Flag.whole]]);
    expect(fixture.isEnded).toBe(true);
  });

  it('begins while another one is still coming: fragments of two do not mix', async () => {
    const fixture = await new Fixture().bind(false);
    const came = await fixture.send(part(1, Flag.first), part(2, Flag.first));
    expect(faults(came)).toEqual([[2, 0x1c01_000b, Flag.whole]]);
    expect(fixture.isEnded).toBe(true);
    expect(fixture.calls).toEqual([]);
  });

  it('is one more than may be pending', async () => {
    const fixture = await new Fixture({ callsPerConnection: 2 }).bind(false);
    const [, , third] = [1, 2, 3].map((id) => part(id, Flag.whole));
    expect(await fixture.send(part(1, Flag.whole), part(2, Flag.whole))).toEqual([]);
    expect(faults(await fixture.send(third!))).toEqual([[3, 0x1c01_0014, NOT_EXECUTED]]);
    fixture.calls[0]!.end(EMPTY);
    expect((await fixture.send())[0]?.[2]).toBe(Type.response);
    expect(await fixture.send(third!)).toEqual([]);
    expect(fixture.calls.length).toBe(3);
  });
});

describe('the bytes of requests are bounded', () => {
  it('more closely where nobody has to say who he is', async () => {
    const limits = { requestBytes: 1000 };
    const nobody = await new Fixture(limits).bind(false);
    const alice = await new Fixture(limits).bind(true);
    const stub = new Uint8Array(60);
    const whole = (contextId: number) => [
      part(1, Flag.first, stub, { contextId }),
      part(1, Flag.last, stub, { contextId }),
    ];
    expect(faults(await nobody.send(...whole(0)))).toEqual([[1, 5, Flag.whole]]);
    expect(nobody.isEnded).toBe(true);
    expect(await alice.send(...whole(1))).toEqual([]);
    expect(alice.calls[0]!.stub.length).toBe(120);
    // What a request says of itself is enough.
    expect(faults(await alice.send(part(2, Flag.first, EMPTY, { contextId: 1, hint: 1001 })))).toEqual([
      [2, 5, Flag.whole],
    ]);
  });

  it('for all of a connection that have no answer yet', async () => {
    const fixture = await new Fixture({ pendingRequestBytes: 100 }).bind(true);
    const stub = new Uint8Array(60);
    expect(await fixture.send(part(1, Flag.whole, stub))).toEqual([]);
    expect(faults(await fixture.send(part(2, Flag.first, stub)))).toEqual([[2, 0x1c01_0014, NOT_EXECUTED]]);
    fixture.calls[0]!.end(EMPTY);
    expect((await fixture.send(part(2, Flag.last, stub)))[0]?.[2]).toBe(Type.response);
    expect(await fixture.send(part(3, Flag.whole, stub))).toEqual([]);
    expect(fixture.calls.length).toBe(2);
  });
});

describe('a client that does not take its answers', () => {
  it('is not listened to, until it takes them; then nothing is missing', async () => {
    const fixture = await new Fixture({ unsentBytes: 2000 }).bind(false);
    fixture.take(false);
    const many = Array.from({ length: 2000 }, (_, i) => part(i, Flag.whole, EMPTY, { contextId: 9 }));
    for (let i = 0; i < many.length; i += 100) await fixture.send(...many.slice(i, i + 100));
    fixture.take(true);
    const came: Buffer[] = [];
    for (let more = await fixture.send(); more.length > 0; more = await fixture.send()) came.push(...more);
    const bytes = Buffer.concat(came);
    expect(bytes.length).toBe(32 * many.length);
    expect(many.map((_, i) => bytes.readUInt32LE(32 * i + 12))).toEqual(many.map((_, i) => i));
  });
});

describe('a connection is ended', () => {
  const { handshakeMs, stallMs, idleMs } = DEFAULT_LIMITS;

  it('when nobody has said who he is in time, whatever he has begun to send', async () => {
    const silent = await new Fixture().bind(false);
    const begun = await new Fixture().bind(false);
    await begun.send(part(1, Flag.first));
    const busy = await new Fixture().bind(false);
    await busy.send(part(1, Flag.whole));
    expect([silent, begun, busy].map((each) => each.reapAfter(handshakeMs / 2))).toEqual([false, false, false]);
    expect([silent, begun, busy].map((each) => each.reapAfter(handshakeMs + 1))).toEqual([true, true, false]);
  });

  it('when a request, or a PDU, does not go on', async () => {
    const ready = await new Fixture().bind(true);
    const request = await new Fixture().bind(true);
    await request.send(part(1, Flag.first));
    const half = await new Fixture().bind(true);
    await half.send(part(1, Flag.whole).subarray(0, 10));
    expect([ready, request, half].map((each) => each.reapAfter(stallMs / 2))).toEqual([false, false, false]);
    expect([ready, request, half].map((each) => each.reapAfter(stallMs + 1))).toEqual([false, true, true]);
  });

  it('when it has been idle for long; not while a call is pending or a handle open', async () => {
    const idle = await new Fixture().bind(true);
    const calling = await new Fixture().bind(true);
    await calling.send(part(1, Flag.whole));
    const holding = await new Fixture().bind(true);
    await holding.send(part(1, Flag.whole));
    const { group, caller, end } = holding.calls[0]!;
    let isGone = false;
    const handle = group.open(
      {
        rundown() {
          isGone = true;
        },
      },
      caller,
    );
    end(EMPTY);
    await holding.send();
    expect([idle, calling, holding].map((each) => each.reapAfter(idleMs / 2))).toEqual([false, false, false]);
    expect([idle, calling, holding].map((each) => each.reapAfter(idleMs + 1))).toEqual([true, false, false]);
    group.close(handle, caller);
    expect(isGone).toBe(true);
    expect(holding.reapAfter(idleMs + 1)).toBe(true);
    expect(holding.groups.size).toBe(0);
  });
});

describe('a call is cancelled', () => {
  const cancel = (callId: number) => pdu(Type.cancel, callId, EMPTY);

  it('while it runs; not while its request is still coming, nor by another number', async () => {
    const fixture = await new Fixture().bind(true);
    await fixture.send(part(1, Flag.first), cancel(1), part(1, Flag.last), cancel(2));
    expect(fixture.calls[0]!.signal.aborted).toBe(false);
    await fixture.send(cancel(1));
    expect(fixture.calls[0]!.signal.aborted).toBe(true);
  });

  it('and forgotten when its client orphans it, or is gone: what it made is undone', async () => {
    for (const isLost of [false, true]) {
      const fixture = await new Fixture().bind(true);
      await fixture.send(part(1, Flag.whole));
      const [made] = fixture.calls;
      let undone = 0;
      made!.onUndelivered(() => undone++);
      if (isLost) fixture.connection.close();
      else await fixture.send(pdu(Type.orphaned, 1, EMPTY));
      expect(made!.signal.aborted).toBe(true);
      expect(await fixture.send()).toEqual([]);
      expect(undone).toBe(1);
    }
  });

  it('before it has come as a whole: the rest of it is not taken', async () => {
    const fixture = await new Fixture().bind(true);
    expect(await fixture.send(part(1, Flag.first), pdu(Type.orphaned, 1, EMPTY))).toEqual([]);
    expect(await fixture.send(part(1, Flag.whole))).toEqual([]);
    expect(fixture.calls.length).toBe(1);
  });
});
