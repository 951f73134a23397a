import { describe, expect, it } from 'vitest';
import { BindNakReason, decodeBindAck, decodeBindNak } from '../../../src/even6/pdu/bind.ts';
import { MAX_FRAGMENT, PduFlag, PduType, TRAILER_SIZE } from '../../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE, NDR64 } from '../../../src/even6/pdu/syntaxes.ts';
import { FaultStatus } from '../../../src/even6/rpc/fault.ts';
import type { PduSecurity } from '../../../src/even6/rpc/pdu-security.ts';
import { AuthLevel } from '../../../src/even6/security/security-context.ts';
import { serve } from '../../server/serve.ts';
import { sealed } from '../sealed.ts';
import { CONTEXT, faultOf, RawClient, request } from './raw-client.ts';

const { alterContext, alterContextResponse, bind, bindAck, bindNak, response } = PduType;

async function connected(): Promise<RawClient> {
  const { server } = await serve();
  return RawClient.connect(server.port);
}

async function bound(): Promise<RawClient> {
  const client = await connected();
  expect((await client.negotiate(bind, [CONTEXT])).type).toBe(bindAck);
  return client;
}

function ask(client: RawClient, security: PduSecurity, callId: number, given: Parameters<typeof request>[1] = {}) {
  client.sendBytes(sealed(security, request(callId, given)));
}

describe('what two ends agree on', () => {
  it.each([
    ['no context', []],
    ['a context without a transfer syntax', [{ ...CONTEXT, transfers: [] }]],
  ])('a bind with %s is refused, under its own call id', async (_, contexts) => {
    const client = await connected();
    const answer = await client.negotiate(bind, contexts, 77);
    expect([answer.type, answer.callId]).toEqual([bindNak, 77]);
    expect(decodeBindNak(answer.body)).toBe(BindNakReason.unspecified);
    expect(await client.receive()).toBeUndefined();
  });

  it('a bind that cannot be read is refused, and the connection ends', async () => {
    const client = await connected();
    client.send({ type: bind, callId: 5, body: new Uint8Array(4) });
    const answer = await client.receive();
    expect([answer?.type, answer?.callId, decodeBindNak(answer!.body)]).toEqual([bindNak, 5, BindNakReason.version]);
    expect(await client.receive()).toBeUndefined();
  });

  it.each([
    ['another interface', { ...CONTEXT, abstract: EVENT_SERVICE }],
    ['another transfer syntax', { ...CONTEXT, transfers: [NDR64] }],
  ])('a context is not made one of %s', async (_, context) => {
    const client = await bound();
    const answer = await client.negotiate(alterContext, [context], 9);
    expect(faultOf(answer)).toEqual({ callId: 9, status: FaultStatus.protocolError, executed: false });
    expect(await client.receive()).toBeUndefined();
  });

  it('one size holds for both directions, and a fragment beyond what anybody may send ends the connection', async () => {
    const client = await connected();
    const answer = await client.negotiate(bind, [CONTEXT]);
    expect(decodeBindAck(answer.body)).toMatchObject({ maxTransmit: MAX_FRAGMENT, maxReceive: MAX_FRAGMENT });
    client.send(request(2, { stub: new Uint8Array(MAX_FRAGMENT) }));
    expect(faultOf(await client.receive()).status).toBe(FaultStatus.protocolError);
    expect(await client.receive()).toBeUndefined();
  });
});

describe('the security contexts of a connection', () => {
  it('may be several: each call is answered under its own', async () => {
    const client = await bound();
    const first = await client.authenticate(3, AuthLevel.integrity);
    const second = await client.authenticate(4, AuthLevel.privacy);
    for (const [callId, { security }] of [first, second, first].entries()) {
      ask(client, security, callId + 10);
      const answer = await client.receive();
      expect([answer?.type, answer?.auth?.contextId]).toEqual([response, security.contextId]);
      security.open(answer!);
    }
    client.send(request(20));
    expect((await client.receive())?.auth).toBeUndefined();
  });

  it('are eight at most', async () => {
    const client = await bound();
    for (let id = 0; id < 8; id++) await client.authenticate(id, AuthLevel.integrity);
    await expect(client.authenticate(8, AuthLevel.integrity)).rejects.toThrow();
  });

  it('the last leg of bare NTLM by alter_context is answered with a trailer that has no token', async () => {
    const client = await bound();
    const { last } = await client.authenticate(6, AuthLevel.integrity);
    expect([last.type, last.auth]).toEqual([alterContextResponse, undefined]);
    const trailer = last.bytes.subarray(last.bytes.length - TRAILER_SIZE);
    expect([...trailer]).toEqual([10, AuthLevel.integrity, expect.any(Number), 0, 6, 0, 0, 0]);
  });

  it('that nobody knows is no way to call', async () => {
    const client = await bound();
    const { security } = await client.authenticate(3, AuthLevel.integrity);
    const auth = { type: security.context.type, level: security.level, contextId: 4, token: new Uint8Array(16) };
    client.send({ ...request(2), auth });
    expect(faultOf(await client.receive())).toEqual({ callId: 2, status: FaultStatus.accessDenied, executed: true });
    expect(await client.receive()).toBeUndefined();
  });
});

describe('the fragments of a request', () => {
  const stub = new Uint8Array(16);

  it('are of the context and operation that the first one names', async () => {
    const client = await bound();
    const { security } = await client.authenticate(3, AuthLevel.privacy);
    ask(client, security, 5, { flags: PduFlag.first, stub });
    ask(client, security, 5, { flags: 0, opnum: 99, contextId: 99, stub });
    ask(client, security, 5, { flags: PduFlag.last, stub });
    const answer = await client.receive();
    expect([answer?.type, answer?.callId]).toEqual([response, 5]);
  });

  it('do not mix with those of another one, which is a fault of the first', async () => {
    const client = await bound();
    client.send(request(5, { flags: PduFlag.first, stub }));
    client.send(request(6));
    expect(faultOf(await client.receive())).toEqual({ callId: 5, status: FaultStatus.protocolError, executed: true });
    expect(await client.receive()).toBeUndefined();
  });

  it('are all signed when the first one is', async () => {
    const client = await bound();
    const { security } = await client.authenticate(3, AuthLevel.integrity);
    ask(client, security, 5, { flags: PduFlag.first, stub });
    client.send(request(5, { flags: PduFlag.last, stub }));
    expect(faultOf(await client.receive()).status).toBe(FaultStatus.protocolError);
    expect(await client.receive()).toBeUndefined();
  });
});
