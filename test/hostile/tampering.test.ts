import { describe, expect, it } from 'vitest';
import { PduType } from '../../src/even6/pdu/pdu.ts';
import { fill, serve } from '../server/serve.ts';
import { type Tamper, tampering } from './server.ts';

const isCall = (pdu: Uint8Array) => pdu[2] === PduType.request || pdu[2] === PduType.response;

/** Changes the third call's PDU of one direction. */
function onThird(direction: 'to-server' | 'to-client', change: (pdu: Uint8Array) => readonly Uint8Array[]): Tamper {
  let seen = 0;
  return (pdu, way) => (way === direction && isCall(pdu) && ++seen === 3 ? change(pdu) : [pdu]);
}

function flipped(pdu: Uint8Array, at: number): Uint8Array {
  const copy = pdu.slice();
  copy[at]! ^= 1;
  return copy;
}

function withoutSignature(pdu: Uint8Array): Uint8Array {
  const bare = pdu.slice(0, pdu.length - 24);
  new DataView(bare.buffer).setUint16(8, bare.length, true);
  new DataView(bare.buffer).setUint16(10, 0, true);
  return bare;
}

const CHANGES: readonly (readonly [string, (pdu: Uint8Array) => readonly Uint8Array[]])[] = [
  ['comes twice', (pdu) => [pdu, pdu]],
  ['has a changed stub', (pdu) => [flipped(pdu, 26)]],
  ['has another call id', (pdu) => [flipped(pdu, 12)]],
  ['has another flag', (pdu) => [flipped(pdu, 3)]],
  ['has another opnum, or context', (pdu) => [flipped(pdu, pdu[2] === PduType.request ? 22 : 20)]],
  ['has another level in its trailer', (pdu) => [flipped(pdu, pdu.length - 23)]],
  ['has a changed signature', (pdu) => [flipped(pdu, pdu.length - 10)]],
  ['has another number in its signature', (pdu) => [flipped(pdu, pdu.length - 4)]],
  ['has no signature', (pdu) => [withoutSignature(pdu)]],
];

describe.each(['to-server', 'to-client'] as const)('a PDU on its way %s', (direction) => {
  it.each(CHANGES)('that %s ends the connection, and the call with it', async (_, change) => {
    for (const [authentication, protection] of [
      ['ntlm', 'integrity'],
      ['negotiate', 'privacy'],
    ] as const) {
      const { store, session, server } = await serve();
      await fill(store, 'App', 3);
      let changed = false;
      const port = await tampering(
        server.port,
        onThird(direction, (pdu) => {
          changed = true;
          return change(pdu);
        }),
      );
      const remote = session({ port, authentication, protection });
      const codes: number[] = [];
      for (let call = 0; call < 5; call++) {
        codes.push(
          await remote.getLogNames().then(
            () => 0,
            (error: { code: number }) => error.code,
          ),
        );
      }
      expect(changed).toBe(true);
      // A PDU that comes again may come behind the last answer that is waited for: then the next call fails.
      expect(codes.slice(0, 2)).toEqual([0, 0]);
      expect(codes.filter((code) => code !== 0).length).toBeGreaterThan(0);
      for (const code of codes) expect([0, 5, 1726, 1727, 1728, 1825]).toContain(code);
      // The connection is gone; a new one is as good as the first was.
      expect(await remote.getLogNames()).toContain('App');
    }
  });

  it('that is held back until the next one has gone ends the connection', async () => {
    const { store, session, server } = await serve();
    await fill(store, 'App', 3);
    let held: Uint8Array | undefined;
    let seen = 0;
    const port = await tampering(server.port, (pdu, way) => {
      if (way !== direction || !isCall(pdu)) return [pdu];
      if (++seen !== 2) return held === undefined || seen !== 3 ? [pdu] : [pdu, held];
      held = pdu;
      return [];
    });
    const remote = session({ port });
    await remote.getLogNames();
    // Two calls at the same time, on one connection.
    const codes = await Promise.all(
      [1, 2].map(() =>
        remote.getLogNames().then(
          () => 0,
          (error: { code: number }) => error.code,
        ),
      ),
    );
    expect(held).toBeDefined();
    for (const code of codes) expect([1726, 1727, 1728, 1825]).toContain(code);
  });
});
