import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePdu, encodePdu, type PduParts, PduStream } from '../../../src/even6/pdu/pdu.ts';
import { digits } from '../hex.ts';

const parts: fc.Arbitrary<PduParts> = fc.record({
  type: fc.nat(19),
  flags: fc.nat(0xff),
  callId: fc.nat(0xffff_ffff),
  // No padding reaches into the first eight bytes of a body.
  body: fc.uint8Array({ minLength: 8, maxLength: 300 }),
  auth: fc.option(
    fc.record({
      type: fc.nat(0xff),
      level: fc.nat(0xff),
      contextId: fc.nat(0xffff_ffff),
      token: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    }),
    { nil: undefined },
  ),
  padding: fc.nat(0xff),
});

/** Cuts bytes at given places, some of which may be the same. */
function pieces(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe('PDUs', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(parts, (given) => {
        const { type, flags, callId, body, auth } = given;
        const bytes = encodePdu(given);
        expect(decodePdu(bytes)).toMatchObject({ type, flags, callId, body, auth });
        expect(decodePdu(bytes).protectedEnd).toBe(16 + body.length + (auth === undefined ? 0 : given.padding!));
      }),
    );
  });

  it('put their trailer at a multiple of 4, unless told otherwise', () => {
    fc.assert(
      fc.property(parts, ({ padding: _, ...given }) => {
        expect(decodePdu(encodePdu(given)).protectedEnd % 4).toBe(given.auth === undefined ? given.body.length % 4 : 0);
      }),
    );
  });

  it('come out of the stream the same, however it is cut', () => {
    const many = fc.array(parts, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(many, fc.array(fc.nat(), { maxLength: 40 }), (given, cuts) => {
        const pdus = given.map(encodePdu);
        const incoming = new PduStream();
        const found: Uint8Array[] = [];
        for (const piece of pieces(new Uint8Array(Buffer.concat(pdus)), cuts)) found.push(...incoming.push(piece));
        expect(found.map(digits)).toEqual(pdus.map(digits));
        expect(incoming.isPartial).toBe(false);
      }),
    );
  });

  it('of one byte at a time are as good', () => {
    const pdu = encodePdu({ type: 0, flags: 3, callId: 1, body: new Uint8Array(5000).fill(7) });
    const incoming = new PduStream();
    const found: Uint8Array[] = [];
    for (const byte of pdu) {
      found.push(...incoming.push(Uint8Array.of(byte)));
      expect(incoming.isPartial).toBe(found.length === 0);
    }
    expect(found.map(digits)).toEqual([digits(pdu)]);
  });

  it('that were whole before something else came are given, and only then the rest is refused', () => {
    const good = encodePdu({ type: 0, flags: 3, callId: 1, body: new Uint8Array(8) });
    const bad = good.slice();
    bad[8] = 15;
    const found: Uint8Array[] = [];
    expect(() => {
      for (const pdu of new PduStream().push(new Uint8Array(Buffer.concat([good, good, bad])))) found.push(pdu);
    }).toThrow(expect.objectContaining({ name: 'PduError', isVersion: false }));
    expect(found).toEqual([good, good]);
  });

  it('are in memory of their own, so that one can be decrypted in place', () => {
    const bytes = encodePdu({ type: 0, flags: 3, callId: 1, body: new Uint8Array(8) });
    const twice = new Uint8Array(Buffer.concat([bytes, bytes]));
    const [first, second] = [...new PduStream().push(twice)];
    first!.fill(0xff);
    expect(second).toEqual(bytes);
    expect(twice.subarray(0, bytes.length)).toEqual(bytes);
  });

  it('of another version are known by their first byte', () => {
    expect(() => [...new PduStream().push(Uint8Array.of(4))]).toThrow(expect.objectContaining({ isVersion: true }));
  });

  it('whose token and padding are larger than they are, or whose integers are not little-endian, are refused', () => {
    const pdu = encodePdu({
      type: 0,
      flags: 3,
      callId: 1,
      body: new Uint8Array(8),
      auth: { type: 10, level: 6, contextId: 1, token: new Uint8Array(16) },
    });
    const changed = (at: number, value: number) => {
      const bytes = pdu.slice();
      bytes[at] = value;
      return () => decodePdu(bytes);
    };
    // Token, padding, representation, minor version: at the last value that holds, and past it.
    expect(changed(10, 24)).not.toThrow();
    expect(changed(10, 25)).toThrow(expect.objectContaining({ name: 'PduError' }));
    expect(changed(26, 0)).not.toThrow();
    expect(changed(26, 1)).toThrow(expect.objectContaining({ name: 'PduError' }));
    expect(changed(4, 0)).toThrow(expect.objectContaining({ name: 'PduError' }));
    expect(changed(1, 1)).not.toThrow();
    expect(changed(1, 2)).toThrow(expect.objectContaining({ name: 'PduError', isVersion: true }));
  });
});
