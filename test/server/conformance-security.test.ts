import { describe, expect, it } from 'vitest';
import { encodeAuthenticate } from '../../src/even6/security/ntlm-messages.ts';
import { decodeResponse, encodeInit, Oid } from '../../src/even6/security/spnego-tokens.ts';
import {
  CANCEL,
  decodeResponse as decodeAnswer,
  encodeRequest,
  GET_CHANNEL_LIST,
  QUERY_NEXT,
  REGISTER_LOG_QUERY,
  REGISTER_REMOTE_SUBSCRIPTION,
  REMOTE_SUBSCRIPTION_WAIT_ASYNC,
} from '../../src/even6/stubs/operations.ts';
import { digits, hex } from '../even6/hex.ts';
import {
  call,
  EVENTS,
  Flag,
  faultOf,
  isUsable,
  MANAGEMENT,
  NOT_EXECUTED,
  nakOf,
  offer,
  pdu,
  RawPeer,
  Syntax,
  Type,
} from './raw-peer.ts';
import { Level, logOn, NEGOTIATE, NTLM, negotiate, type Session, trailer } from './raw-security.ts';
import { fill, serve } from './serve.ts';

const ACCESS_DENIED = 5;
const BAD_STUB = 0x6f7;
const SECURITY = 0x721;
const PROTOCOL_ERROR = 0x1c01_000b;

const LIST = GET_CHANNEL_LIST.opnum;
const NO_FLAGS = new Uint8Array(4);
const QUERY = encodeRequest(REGISTER_LOG_QUERY, { path: 'App', query: '*', flags: 0x101 });
const REGISTER = REGISTER_LOG_QUERY.opnum;

async function served() {
  const { server, store } = await serve();
  await fill(store, 'App', 3);
  return { port: server.port, store, server };
}

async function channels(session: Session): Promise<readonly string[]> {
  return decodeAnswer(GET_CHANNEL_LIST, await session.call(LIST, NO_FLAGS)).values.names;
}

/** The fault that a request ends with. */
async function faultAt(session: Session, bytes: Uint8Array) {
  return faultOf(await session.peer.exchange(bytes));
}

describe('conformance: who calls', () => {
  it('12: NTLM with the right password: a challenge, silence, and a call that is answered', async () => {
    const { port } = await served();
    const session = await logOn(port);
    expect(session.came.auth).toMatchObject({ type: 10, level: 6, contextId: 1 });
    expect(session.came.auth?.token.readUInt32LE(8)).toBe(2);
    // The first thing that comes behind the auth3 is the answer to this.
    session.peer.send(session.request(9, LIST, NO_FLAGS));
    const { stub, fragments } = await session.answer();
    expect(fragments).toMatchObject([{ type: Type.response, callId: 9, flags: Flag.whole }]);
    expect(decodeAnswer(GET_CHANNEL_LIST, stub).values.names).toContain('App');
  });

  it('13: NTLM with a wrong password: silence, and then no call is taken', async () => {
    const { port } = await served();
    const session = await logOn(port, { password: 'wrong' });
    // Access denied: it is what a client shows to its user. Samba says that the call is out of sequence.
    const fault = { status: ACCESS_DENIED, flags: NOT_EXECUTED, callId: 9, contextId: 0 };
    expect(await faultAt(session, session.request(9, LIST, NO_FLAGS))).toEqual(fault);
    await session.peer.ended();
  });

  it('13: no call is taken either before the last leg has come', async () => {
    const { port } = await served();
    const peer = await RawPeer.connect(port);
    const hello = hex('4e544c4d 53535000 01000000 358208e2');
    await peer.exchange(pdu(Type.bind, 1, offer([EVENTS]), { auth: trailer(10, Level.privacy, hello) }));
    expect(faultOf(await peer.exchange(pdu(Type.request, 2, call(LIST, NO_FLAGS)))).status).toBe(ACCESS_DENIED);
    await peer.ended();
  });

  it.each([Level.integrity, Level.privacy])('14: NTLM in SPNEGO at level %i', async (level) => {
    const { port } = await served();
    const { session, legs, last } = await negotiate(port, { level });
    expect(decodeResponse(legs[0]!.auth!.token)).toMatchObject({ state: 1, mechanism: Oid.ntlm });
    expect(last.type).toBe(Type.alterContextResponse);
    const { state, mic } = decodeResponse(last.auth!.token);
    expect([state, mic?.length]).toEqual([0, 16]);
    // The signature of the list was number 0 of its direction.
    const request = session.request(9, LIST, NO_FLAGS);
    expect(digits(request.subarray(-4))).toBe('01000000');
    session.peer.send(request);
    const { fragments } = await session.answer();
    expect(fragments[0]!.auth!.token.readUInt32LE(12)).toBe(1);
    expect(await channels(session)).toContain('App');
  });

  it('15: Kerberos first, NTLM behind: NTLM is asked for, and the list vouched for', async () => {
    const { port } = await served();
    const mechanisms = [Oid.microsoftKerberos, Oid.kerberos, Oid.ntlm];
    const { session, legs, last } = await negotiate(port, { mechanisms });
    const asked = decodeResponse(legs[0]!.auth!.token);
    expect(asked).toMatchObject({ state: 3, mechanism: Oid.ntlm, token: undefined, mic: undefined });
    expect(decodeResponse(legs[1]!.auth!.token).state).toBe(1);
    expect(decodeResponse(last.auth!.token).state).toBe(0);
    expect(await channels(session)).toContain('App');
  });

  it('15: without vouching for the list, nobody is let in who liked another mechanism better', async () => {
    const { port } = await served();
    const mechanisms = [Oid.kerberos, Oid.ntlm];
    expect(faultOf((await negotiate(port, { mechanisms, withoutMic: true })).last).status).toBe(SECURITY);
    // Who offers NTLM alone has nothing to vouch for, and its sequence numbers begin at 0.
    const { session, last } = await negotiate(port, { withoutMic: true });
    expect(decodeResponse(last.auth!.token)).toMatchObject({ state: 0, mic: undefined });
    expect(await channels(session)).toContain('App');
  });

  it('16: Kerberos alone is not known here', async () => {
    const { port } = await served();
    const peer = await RawPeer.connect(port);
    const { bytes: kerberos } = encodeInit([Oid.kerberos], hex('6e00'));
    const auth = trailer(NEGOTIATE, Level.privacy, kerberos);
    expect(nakOf(await peer.exchange(pdu(Type.bind, 1, offer([EVENTS]), { auth })))).toBe(8);
    await peer.ended();
  });

  it('17: SPNEGO with a wrong password is answered with a fault', async () => {
    const { port } = await served();
    const { session, last } = await negotiate(port, { password: 'wrong' });
    // Of the two codes that are possible, the one that Samba's tests expect of Windows.
    expect(faultOf(last)).toEqual({ status: SECURITY, flags: NOT_EXECUTED, callId: 2, contextId: 0 });
    await session.peer.ended();
  });

  it('18: nobody (no user, no response) is refused', async () => {
    const { port } = await served();
    const none = new Uint8Array();
    const FLAGS = 0xe288_8235;
    const nobody = () =>
      encodeAuthenticate({
        flags: FLAGS,
        lmResponse: none,
        ntResponse: none,
        domain: '',
        user: '',
        workstation: '',
        sessionKey: new Uint8Array(16),
      });
    const session = await logOn(port, { change: nobody });
    expect((await faultAt(session, session.request(9, LIST, NO_FLAGS))).status).toBe(ACCESS_DENIED);
    expect(faultOf((await negotiate(port, { change: nobody })).last).status).toBe(SECURITY);
  });

  it('19: the response of NTLMv1 is refused', async () => {
    const { port } = await served();
    const short = (token: Uint8Array) => {
      const changed = token.slice();
      new DataView(changed.buffer).setUint16(20, 24, true);
      return changed;
    };
    const session = await logOn(port, { change: short });
    expect((await faultAt(session, session.request(9, LIST, NO_FLAGS))).status).toBe(ACCESS_DENIED);
  });

  it('20: a bit of the MIC, or of the signature of the list, is wrong: refused', async () => {
    const { port } = await served();
    const flipped = (at: number) => (token: Uint8Array) => {
      const changed = token.slice();
      changed[at] = changed[at]! ^ 1;
      return changed;
    };
    const MIC_AT = 72;
    const session = await logOn(port, { change: flipped(MIC_AT) });
    expect((await faultAt(session, session.request(9, LIST, NO_FLAGS))).status).toBe(ACCESS_DENIED);
    expect(faultOf((await negotiate(port, { change: flipped(MIC_AT) })).last).status).toBe(SECURITY);
    expect(faultOf((await negotiate(port, { changeMic: flipped(4) })).last).status).toBe(SECURITY);
  });

  it.each(['', 'EVT'])('21: the domain is taken as it was sent: "%s"', async (domain) => {
    const { port } = await served();
    expect(await channels(await logOn(port, { domain }))).toContain('App');
  });

  it('22: without authentication, or below integrity, no event is read', async () => {
    const { port } = await served();
    const peer = await RawPeer.connect(port);
    await peer.exchange(pdu(Type.bind, 1, offer([EVENTS])));
    const fault = { status: ACCESS_DENIED, flags: NOT_EXECUTED, callId: 2, contextId: 0 };
    expect(faultOf(await peer.exchange(pdu(Type.request, 2, call(REGISTER, QUERY))))).toEqual(fault);
    const connected = await logOn(port, { level: Level.connect });
    expect(await faultAt(connected, pdu(Type.request, 2, call(REGISTER, QUERY)))).toEqual(fault);
    expect(await isUsable(connected.peer)).toBe(true);
    // Level call is of datagrams: over a connection, nobody offers it.
    const other = await RawPeer.connect(port);
    const auth = trailer(NTLM, Level.call, hex('4e544c4d'));
    expect(nakOf(await other.exchange(pdu(Type.bind, 1, offer([EVENTS]), { auth })))).toBe(9);
    // Level packet is signed as integrity is, and refused all the same: who wants to be protected says so.
    const session = await logOn(port, { level: Level.packet });
    expect(await faultAt(session, session.request(2, REGISTER, QUERY))).toEqual(fault);
    expect((await faultAt(session, pdu(Type.request, 3, call(REGISTER, QUERY)))).status).toBe(SECURITY);
    await session.peer.ended();
  });

  it('22: where privacy is demanded, integrity is too little', async () => {
    const { server } = await serve({ protection: 'privacy' });
    const session = await logOn(server.port, { level: Level.integrity });
    expect((await faultAt(session, session.request(2, LIST, NO_FLAGS))).status).toBe(ACCESS_DENIED);
    await channels(await logOn(server.port, { level: Level.privacy }));
  });
});

describe('conformance: protected calls', () => {
  it.each([Level.integrity, Level.privacy])('23: a bit of a request is wrong, at level %i', async (level) => {
    const { port } = await served();
    const session = await logOn(port, { level });
    const bytes = session.request(9, REGISTER, QUERY);
    bytes[40] = bytes[40]! ^ 1;
    expect(await faultAt(session, bytes)).toMatchObject({ status: SECURITY, callId: 9 });
    await session.peer.ended();
  });

  it('24: a request that comes twice', async () => {
    const { port } = await served();
    const session = await logOn(port);
    const bytes = session.request(9, LIST, NO_FLAGS);
    session.peer.send(bytes);
    await session.answer();
    expect(await faultAt(session, bytes)).toMatchObject({ status: SECURITY, callId: 9 });
    await session.peer.ended();
  });

  it('25: a context that was never agreed on', async () => {
    const { port } = await served();
    const session = await logOn(port);
    const fault = await faultAt(session, session.request(9, LIST, NO_FLAGS, { contextId: 3 }));
    expect(fault).toEqual({ status: 0x1c01_0003, flags: NOT_EXECUTED, callId: 9, contextId: 0 });
    expect(await channels(session)).toContain('App');
  });

  it('26: an operation that there is not', async () => {
    const { port } = await served();
    const session = await logOn(port);
    for (const opnum of [29, 65_535]) {
      const fault = await faultAt(session, session.request(opnum, opnum, NO_FLAGS));
      expect(fault).toEqual({ status: 0x1c01_0002, flags: NOT_EXECUTED, callId: opnum, contextId: 0 });
    }
    expect(await channels(session)).toContain('App');
  });

  it('27: a stub that is cut anywhere', async () => {
    const { port } = await served();
    const session = await logOn(port);
    for (let cut = 0; cut < QUERY.length; cut++) {
      const fault = await faultAt(session, session.request(cut, REGISTER, QUERY.subarray(0, cut)));
      expect(fault, `cut at ${cut}`).toEqual({ status: BAD_STUB, flags: Flag.whole, callId: cut, contextId: 0 });
    }
    expect(decodeAnswer(REGISTER_LOG_QUERY, await session.call(REGISTER, QUERY)).status).toBe(0);
  });

  it.each([
    ['has no terminator', '00000200 03000000 00000000 03000000 41007000 70000000', BAD_STUB],
    ['is longer than it may be', '00000200 02000000 00000000 03000000 41007000 00000000', BAD_STUB],
    ['does not begin at its beginning', '00000200 03000000 01000000 03000000 41007000 00000000', BAD_STUB],
    ['is empty, without even a terminator', '00000200 00000000 00000000 00000000', BAD_STUB],
    // Its bytes are there, but it is longer than the interface lets it be: the bound is told apart from what cannot be read.
    ['exceeds its range', `00000200 01800000 00000000 01800000 ${'41'.repeat(2 * 32_768)} 0000 0000`, 0x1c00_0007],
  ])('28: a path that %s', async (_, path, status) => {
    const { port } = await served();
    const session = await logOn(port);
    const stub = hex(`${path} 02000000 00000000 02000000 2a000000 01010000`);
    session.peer.send(...pieces(session, 9, stub, Math.ceil(stub.length / 5000)));
    expect(faultOf(await session.peer.next())).toMatchObject({ status, callId: 9 });
    expect(await channels(session)).toContain('App');
  });

  it('28: a property whose tag is not its type', async () => {
    const { server } = await serve();
    const session = await logOn(server.port, { user: 'carol' });
    const stub = hex(
      `02000000 00000000 02000000 41000000 00000000 01000000 00000200 01000000 01000000 01000000 02000000 01000000`,
    );
    expect(await faultAt(session, session.request(9, 21, stub))).toMatchObject({ status: 0x1c00_0006 });
  });

  it.each([Level.integrity, Level.privacy])('29: a request in pieces, each signed, at level %i', async (level) => {
    const { port } = await served();
    const session = await logOn(port, { level });
    const answers: string[] = [];
    for (const count of [1, 2, 17]) {
      session.peer.send(...pieces(session, count, QUERY, count));
      const { stub } = await session.answer();
      const { values, status } = decodeAnswer(REGISTER_LOG_QUERY, stub);
      expect(values.query).toBeDefined();
      answers.push(JSON.stringify([values.channels, values.info, status]));
    }
    expect(answers).toEqual(Array(3).fill(answers[0]));
  });

  it('30: a middle fragment without a first one', async () => {
    const { port } = await served();
    const session = await logOn(port);
    const fault = await faultAt(session, session.request(9, REGISTER, QUERY, { part: 'middle' }));
    expect(fault).toMatchObject({ status: PROTOCOL_ERROR, callId: 9 });
    await session.peer.ended();
  });

  it('31: a request that is too large, or says that it will be', async () => {
    const { port } = await served();
    const session = await logOn(port);
    const announced = session.request(9, LIST, NO_FLAGS, { part: 'first', hint: 0xffff_ffff });
    expect(await faultAt(session, announced)).toMatchObject({ status: ACCESS_DENIED, callId: 9 });
    // As Samba does it, and says that Windows does.
    await session.peer.ended();
    const another = await logOn(port);
    const MEBIBYTES_5 = new Uint8Array(5 * 1024 * 1024);
    another.peer.send(...pieces(another, 10, MEBIBYTES_5, 1000, 0));
    expect(faultOf(await another.peer.next())).toMatchObject({ status: ACCESS_DENIED, callId: 10 });
    await another.peer.ended();
    expect(await channels(await logOn(port))).toContain('App');
  });

  it('32: a verification trailer of this call is cut off, of another one refused', async () => {
    const { port } = await served();
    const session = await logOn(port);
    const verified = (context: Uint8Array) =>
      new Uint8Array(Buffer.concat([QUERY, hex('8ae31371 02f43671 01000400 01000000 02402800'), context, Syntax.ndr]));
    const answered = await session.call(REGISTER, verified(Syntax.events));
    expect(decodeAnswer(REGISTER_LOG_QUERY, answered).status).toBe(0);
    const fault = await faultAt(session, session.request(9, REGISTER, verified(Syntax.management)));
    expect(fault).toMatchObject({ status: ACCESS_DENIED, callId: 9 });
    expect(await channels(session)).toContain('App');
  });

  it.each([0, Flag.headerSigning])('33: header signing is agreed on as it is asked for: flag %i', async (flags) => {
    const { port } = await served();
    const session = await logOn(port, { level: Level.integrity, flags });
    expect(session.came.flags & Flag.headerSigning).toBe(flags);
    expect(await channels(session)).toContain('App');
    const { legs, session: negotiated } = await negotiate(port, { level: Level.integrity, flags });
    expect(legs[0]!.flags & Flag.headerSigning).toBe(flags);
    expect(await channels(negotiated)).toContain('App');
  });

  it('34: a second call while one is pending is out of sequence, without multiplexing', async () => {
    const { port } = await served();
    const session = await logOn(port);
    expect(session.came.flags & Flag.multiplexing).toBe(0);
    await waiting(session);
    expect(await faultAt(session, session.request(10, LIST, NO_FLAGS))).toMatchObject({ status: PROTOCOL_ERROR });
    await session.peer.ended();
  });

  it('34: with multiplexing both are answered, in any order', async () => {
    const { port } = await served();
    const session = await logOn(port, { flags: Flag.multiplexing });
    expect(session.came.flags & Flag.multiplexing).toBe(Flag.multiplexing);
    const { control } = await waiting(session);
    session.peer.send(session.request(10, LIST, NO_FLAGS));
    expect((await session.answer()).fragments[0]!.callId).toBe(10);
    session.peer.send(session.request(11, CANCEL.opnum, encodeRequest(CANCEL, { control })));
    const statuses = new Map<number, number>();
    for (let i = 0; i < 2; i++) {
      const { fragments, stub } = await session.answer();
      statuses.set(fragments[0]!.callId, stub.readUInt32LE(0));
    }
    expect(statuses).toEqual(
      new Map([
        [9, 1223],
        [11, 0],
      ]),
    );
  });

  it.each([Level.integrity, Level.privacy])('35: a large answer in small fragments, at level %i', async (level) => {
    const { port, store } = await served();
    await fill(store, 'App', 700, 4);
    const session = await logOn(port, { level, receive: 2048 });
    expect(session.ack.transmit).toBe(2048);
    const { query } = decodeAnswer(REGISTER_LOG_QUERY, await session.call(REGISTER, QUERY)).values;
    const read = encodeRequest(QUERY_NEXT, { query, count: 703, timeoutMs: 0xffff_ffff, flags: 0 });
    session.peer.send(session.request(9, QUERY_NEXT.opnum, read));
    const { stub, fragments } = await session.answer();
    expect(stub.length).toBeGreaterThan(300 * 1024);
    expect(decodeAnswer(QUERY_NEXT, stub).values.records.offsets.length).toBe(703);
    const first = fragments[0]!.auth!.token.readUInt32LE(12);
    let left = stub.length;
    for (const [i, { bytes, flags, callId, auth, body }] of fragments.entries()) {
      expect(bytes.length).toBeLessThanOrEqual(2048);
      expect(bytes.readUInt16LE(8)).toBe(bytes.length);
      const ends = (i === 0 ? Flag.first : 0) | (i === fragments.length - 1 ? Flag.last : 0);
      const sequence = auth!.token.readUInt32LE(12);
      expect([flags, callId, sequence, body.readUInt32LE(0)]).toEqual([ends, 9, first + i, left]);
      left -= body.length - 8;
    }
    expect(left).toBe(0);
    expect(await channels(session)).toContain('App');
  });

  it.each([0, 4, 12, 15])('36: %i bytes of padding in front of the trailer', async (padding) => {
    // 15 put the trailer where no client does; it is read from the end, so that it makes no difference.
    const { port } = await served();
    for (const level of [Level.integrity, Level.privacy]) {
      const session = await logOn(port, { level });
      session.peer.send(session.request(9, LIST, NO_FLAGS, { padding }));
      expect(decodeAnswer(GET_CHANNEL_LIST, (await session.answer()).stub).values.names).toContain('App');
    }
  });
});

describe('conformance: the endpoint mapper', () => {
  const MAP = 3;
  const NOT_REGISTERED = 0x16c9_a0d6;
  const NONE = '00000000 00000000 00000000 00000000 00000000';
  const request = (uuid: string, maxTowers: string) =>
    hex(
      `00000000 02000000 4b000000 4b000000 05001300 0d${uuid}0100 02000000 13000d04 5d888aeb 1cc9119f e808002b 10486002
       00020000 0001000b 02000000 01000702 00000001 00090400 00000000 00 00000000 00000000 00000000 00000000 00000000
       ${maxTowers}`,
    );
  const EVENTS_UUID = digits(Syntax.events.subarray(0, 16));

  async function ask(stub: Uint8Array): Promise<{ stub: Buffer; port: number }> {
    const { server } = await serve({ endpointMapperPort: 0 });
    const peer = await RawPeer.connect(server.endpointMapperPort!);
    const ack = await peer.exchange(pdu(Type.bind, 1, offer([[0, Syntax.mapper, Syntax.ndr], MANAGEMENT])));
    expect(ack.type).toBe(Type.bindAck);
    const came = await peer.exchange(pdu(Type.request, 2, call(MAP, stub)));
    expect(came.type).toBe(Type.response);
    expect(await isUsable(peer)).toBe(true);
    return { stub: came.body.subarray(8), port: server.port };
  }

  it('37: gives the port of the event log interface, at the address that was reached', async () => {
    const { stub, port } = await ask(request(EVENTS_UUID, '04000000'));
    const digitsOfPort = port.toString(16).padStart(4, '0');
    expect(digits(stub)).toBe(
      digits(
        hex(
          `${NONE} 01000000 04000000 00000000 01000000 00000200 4b000000 4b000000 05001300 0d${EVENTS_UUID}0100 02000000
           13000d04 5d888aeb 1cc9119f e808002b 10486002 00020000 0001000b 02000000 01000702 00${digitsOfPort}01 00090400
           7f000001 00 00000000`,
        ),
      ),
    );
  });

  it('37: knows no other interface', async () => {
    const { stub } = await ask(request('00'.repeat(16), '04000000'));
    expect(digits(stub)).toBe(digits(hex(`${NONE} 00000000 04000000 00000000 00000000 d6a0c916`)));
    expect(stub.readUInt32LE(stub.length - 4)).toBe(NOT_REGISTERED);
  });

  it('37: gives no tower to who has room for none', async () => {
    const { stub } = await ask(request(EVENTS_UUID, '00000000'));
    expect(digits(stub)).toBe(digits(hex(`${NONE} 00000000 00000000 00000000 00000000 00000000`)));
  });
});

/** A request in so many fragments, each signed. @param hint what the first one says of the whole */
function pieces(session: Session, callId: number, stub: Uint8Array, count: number, hint = stub.length): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const part = stub.subarray(Math.floor((i * stub.length) / count), Math.floor(((i + 1) * stub.length) / count));
    const place = count === 1 ? 'whole' : i === 0 ? 'first' : i === count - 1 ? 'last' : 'middle';
    return session.request(callId, REGISTER, part, { part: place, hint: hint === 0 ? 0 : stub.length });
  });
}

/** Makes a call (9) that waits for an event that never comes. */
async function waiting(session: Session): Promise<{ control: string | undefined }> {
  const FUTURE_PULL = 0x1000_0001;
  const input = { channel: 'App', query: '*', bookmark: undefined, flags: FUTURE_PULL };
  const opened = await session.call(
    REGISTER_REMOTE_SUBSCRIPTION.opnum,
    encodeRequest(REGISTER_REMOTE_SUBSCRIPTION, input),
  );
  const { subscription, control } = decodeAnswer(REGISTER_REMOTE_SUBSCRIPTION, opened).values;
  const wait = encodeRequest(REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
  session.peer.send(session.request(9, REMOTE_SUBSCRIPTION_WAIT_ASYNC.opnum, wait));
  return { control };
}
