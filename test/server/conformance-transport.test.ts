import { describe, expect, it } from 'vitest';
import { encodeRequest, REGISTER_LOG_QUERY } from '../../src/even6/stubs/operations.ts';
import { digits, hex } from '../even6/hex.ts';
import {
  ackOf,
  call,
  EVENTS,
  Flag,
  faultOf,
  type Item,
  isUsable,
  MANAGEMENT,
  nakOf,
  offer,
  pdu,
  RawPeer,
  Syntax,
  Type,
} from './raw-peer.ts';
import { serve } from './serve.ts';

const NDR = digits(Syntax.ndr);
const NOTHING = '0'.repeat(40);
const ACCEPTED = [0, 0, NDR] as const;
const UNKNOWN = [2, 1, NOTHING] as const;
const NO_TRANSFER = [2, 2, NOTHING] as const;

const QUERY = encodeRequest(REGISTER_LOG_QUERY, { path: 'App', query: '*', flags: 0x101 });
const REGISTER = 5;

async function connected() {
  const { server } = await serve();
  return { peer: await RawPeer.connect(server.port), server };
}

function bind(items: readonly Item[], options?: Parameters<typeof offer>[1], flags: number = Flag.whole): Uint8Array {
  return pdu(Type.bind, 1, offer(items, options), { flags });
}

describe('conformance: binding', () => {
  it('1: fragments of 5840, a group, the port and NDR are agreed on', async () => {
    const { peer, server } = await connected();
    const came = await peer.exchange(bind([EVENTS]));
    expect(came).toMatchObject({ type: Type.bindAck, flags: Flag.whole, callId: 1 });
    const ack = ackOf(came);
    expect(ack).toMatchObject({ transmit: 5840, receive: 5840, address: `${server.port}\0`, results: [ACCEPTED] });
    expect(ack.group).not.toBe(0);
  });

  it('2: three items, as Windows sends them, are answered each on its own', async () => {
    const { peer } = await connected();
    const came = await peer.exchange(
      hex(
        `05000b17 10000000 d0002800 01000000 d016d016 00000000 03000000 00000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000
         045d888a eb1cc911 9fe80800 2b104860 02000000 01000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 33057171 babe3749
         8319b5db ef9ccc36 01000000 02000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 2c1cb76c 12984045 03000000 00000000
         01000000 0a060000 01000000 4e544c4d 53535000 01000000 358208e2 00000000 28000000 00000000 28000000 0a006345
         0000000f`,
      ),
    );
    // Connections are kept when a call is orphaned (2), and may have several security contexts (1).
    expect(ackOf(came).results).toEqual([ACCEPTED, NO_TRANSFER, [3, 3, NOTHING]]);
    expect(came.flags).toBe(Flag.whole | Flag.headerSigning | Flag.multiplexing);
    expect(came.auth?.token.subarray(0, 12)).toEqual(Buffer.from('NTLMSSP\0\x02\0\0\0', 'latin1'));
  });

  it('3: an unknown interface, and versions of ours that are none, are not known; the connection stays usable', async () => {
    const { peer } = await connected();
    const unknown = Syntax.events.slice();
    unknown[0] = 0;
    const version = (major: number, minor: number) => {
      const syntax = Syntax.events.slice();
      syntax.set([major, 0, minor, 0], 16);
      return syntax;
    };
    const items = [unknown, version(2, 0), version(1, 1)].map((abstract, id): Item => [id, abstract, Syntax.ndr]);
    const ack = ackOf(await peer.exchange(bind([...items, MANAGEMENT])));
    expect(ack.results).toEqual([UNKNOWN, UNKNOWN, UNKNOWN, ACCEPTED]);
    expect(await isUsable(peer)).toBe(true);
    const altered = await peer.exchange(pdu(Type.alterContext, 2, offer([[0, Syntax.events, Syntax.ndr]])));
    expect(altered.type).toBe(Type.alterContextResponse);
    expect(ackOf(altered)).toMatchObject({ address: '', results: [ACCEPTED], group: ack.group });
  });

  it('4: of NDR64 and NDR in one item, NDR is taken', async () => {
    const { peer } = await connected();
    const both: Item = [0, Syntax.events, Syntax.ndr64, Syntax.ndr];
    const only: Item = [1, Syntax.events, Syntax.ndr64];
    expect(ackOf(await peer.exchange(bind([both, only]))).results).toEqual([ACCEPTED, NO_TRANSFER]);
  });

  it('5: small fragments become 2048, large ones 5840, and all are multiples of 8', async () => {
    for (const [given, agreed] of [
      [1000, 2048],
      [4282, 4280],
      [65_535, 5840],
    ] as const) {
      const { peer } = await connected();
      const ack = ackOf(await peer.exchange(bind([EVENTS], { transmit: given, receive: given })));
      expect([ack.transmit, ack.receive]).toEqual([agreed, agreed]);
    }
  });

  it('6: a group that is not there is refused, and the connection ends', async () => {
    const { peer } = await connected();
    expect(nakOf(await peer.exchange(bind([EVENTS], { group: 0xdead_beef })))).toBe(0);
    await peer.ended();
  });

  it('6: a group that is there is joined', async () => {
    const { peer, server } = await connected();
    const { group } = ackOf(await peer.exchange(bind([EVENTS])));
    const second = await RawPeer.connect(server.port);
    expect(ackOf(await second.exchange(bind([EVENTS], { group }))).group).toBe(group);
    peer.close();
    second.close();
    while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    const late = await RawPeer.connect(server.port);
    expect(nakOf(await late.exchange(bind([EVENTS], { group })))).toBe(0);
    await late.ended();
  });

  it('7: a bind of nothing is refused', async () => {
    const { peer } = await connected();
    expect(nakOf(await peer.exchange(bind([])))).toBe(0);
    await peer.ended();
  });

  it('8: another version of RPC is told which one is spoken here', async () => {
    const { peer } = await connected();
    const came = await peer.exchange(pdu(Type.bind, 1, offer([EVENTS]), { version: 4 }));
    expect(nakOf(came)).toBe(4);
    expect([...came.body.subarray(2, 5)]).toEqual([1, 5, 0]);
    await peer.ended();
  });

  it('9: a request as the first PDU is out of sequence', async () => {
    // A fault: the text allows for a bind_nak as well, but a client that has sent a request waits for its answer.
    const { peer } = await connected();
    const came = await peer.exchange(pdu(Type.request, 5, call(REGISTER, QUERY)));
    expect(faultOf(came)).toMatchObject({ status: 0x1c01_000b, callId: 5, contextId: 0 });
    await peer.ended();
  });

  it('10: a second bind is refused, and the connection ends', async () => {
    const { peer } = await connected();
    ackOf(await peer.exchange(bind([EVENTS])));
    expect(nakOf(await peer.exchange(bind([EVENTS])))).toBe(0);
    await peer.ended();
  });

  it.each([
    ['a type nobody knows', 77, 6, 8],
    ['Kerberos', 16, 6, 8],
    ['a level that is none', 10, 9, 0],
    ['level 1 with a token', 10, 1, 0],
  ])('11: %s (type %i, level %i) is refused for reason %i', async (_, type, level, reason) => {
    const { peer } = await connected();
    const token = hex('4e544c4d 53535000 01000000 358208e2');
    const auth = { type, level, contextId: 1, token };
    expect(nakOf(await peer.exchange(pdu(Type.bind, 1, offer([EVENTS]), { auth })))).toBe(reason);
    await peer.ended();
  });
});
