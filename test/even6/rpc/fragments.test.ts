import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRequestBody } from '../../../src/even6/pdu/call-bodies.ts';
import { decodePdu, encodePdu, MAX_FRAGMENT, MIN_FRAGMENT, PduError, PduFlag } from '../../../src/even6/pdu/pdu.ts';
import { fragments, PduSecurity, StubAssembly } from '../../../src/even6/rpc/pdu-security.ts';
import { MessageProtection } from '../../../src/even6/security/message-protection.ts';
import {
  AuthLevel,
  AuthType,
  type SecurityContext,
  SecurityError,
} from '../../../src/even6/security/security-context.ts';
import { digits, hex } from '../hex.ts';

const EXPORTED = new Uint8Array(16).fill(0x55);

/** One end of a connection that is authenticated already, with the key of the documents' examples. */
function security(role: 'client' | 'server', level: number): PduSecurity {
  const protection = new MessageProtection(EXPORTED, role, true);
  const context: SecurityContext = {
    type: AuthType.ntlm,
    identity: undefined,
    step: () => ({ token: undefined, done: true }),
    protect: (...given) => protection.protect(...given),
    unprotect: (...given) => protection.unprotect(...given),
    dispose: () => protection.dispose(),
  };
  return new PduSecurity(context, level, 1);
}

const STUB = hex('00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0');
const request = (callId: number) => ({ type: 0, flags: 0, callId, contextId: 0, opnum: 14 });
const response = (callId: number) => ({ type: 2, flags: 0, callId, contextId: 0, opnum: 0 });

/** A call in one PDU, both ways: protected as the other implementations do it, and opened again. */
function isProtected(
  ends: { readonly from: PduSecurity; readonly to: PduSecurity },
  carrier: ReturnType<typeof request>,
  stub: Uint8Array,
  bytes: string,
): void {
  const [pdu, ...more] = fragments(stub, carrier, MAX_FRAGMENT, ends.from);
  expect(more).toEqual([]);
  expect(digits(pdu!)).toBe(digits(hex(bytes)));
  const came = decodePdu(hex(bytes));
  ends.to.open(came);
  expect(digits(decodeRequestBody(came.body, came.flags).stub)).toBe(digits(stub));
}

describe('PDUs as impacket protects them', () => {
  it('sealed: two requests and the answer to the first', () => {
    const client = security('client', AuthLevel.privacy);
    const server = security('server', AuthLevel.privacy);
    isProtected(
      { from: client, to: server },
      request(2),
      STUB,
      `05000003 10000000 50001000 02000000 14000000 00000e00 04e56d65 1fdb9c18 32a69309 2dd1bcca 4291c056 a694370b 0a7f34c3
       64e0ffa2 0a060c00 01000000 01000000 1079a899 bb7b6566 00000000`,
    );
    isProtected(
      { from: client, to: server },
      request(3),
      STUB,
      `05000003 10000000 50001000 03000000 14000000 00000e00 79e774fa f6fa9b09 42d65bda 8b66afd9 cb9e6c04 b842ffc8 f08b202d
       71b0b6fa 0a060c00 01000000 01000000 9d25d10e 75efc678 01000000`,
    );
    isProtected(
      { from: server, to: client },
      response(2),
      new Uint8Array(4),
      `05000203 10000000 40001000 02000000 04000000 00000000 46081db7 51ba1de9 28c427d7 235b2c27 0a060c00 01000000 01000000
       117dcefc b16dc2e0 00000000`,
    );
  });

  it('signed', () => {
    isProtected(
      { from: security('client', AuthLevel.integrity), to: security('server', AuthLevel.integrity) },
      request(2),
      STUB,
      `05000003 10000000 50001000 02000000 14000000 00000e00 00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0 00000000 00000000
       00000000 0a050c00 01000000 01000000 c3dd27cb c29266c1 00000000`,
    );
  });
});

const fragmentSize = fc.integer({ min: MIN_FRAGMENT / 8, max: MAX_FRAGMENT / 8 }).map((eighth) => 8 * eighth);
const levels = fc.constantFrom(undefined, AuthLevel.integrity, AuthLevel.privacy);

describe('a stub', () => {
  it('is the same when its fragments are put together, none of which is larger than was agreed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20_000 }), fragmentSize, levels, (stub, maxFragment, level) => {
        const [from, to] = (['client', 'server'] as const).map((role) =>
          level === undefined ? undefined : security(role, level),
        );
        const pdus = [...fragments(stub, request(9), maxFragment, from)].map((bytes) => decodePdu(bytes));
        const assembly = new StubAssembly();
        for (const [i, pdu] of pdus.entries()) {
          expect(pdu.bytes.length).toBeLessThanOrEqual(maxFragment);
          const ends = (i === 0 ? PduFlag.first : 0) | (i === pdus.length - 1 ? PduFlag.last : 0);
          expect(pdu).toMatchObject({ type: 0, callId: 9, flags: ends });
          to?.open(pdu);
          const { allocHint, contextId, opnum, stub: part } = decodeRequestBody(pdu.body, pdu.flags);
          expect([allocHint, contextId, opnum]).toEqual([stub.length - assembly.size, 0, 14]);
          expect(assembly.add(part, pdu.flags)).toBe(true);
        }
        expect(assembly.size).toBe(stub.length);
        expect(digits(assembly.stub)).toBe(digits(stub));
      }),
    );
  });

  it('fills the largest fragment, and starts another only for what is left', () => {
    for (const [size, count] of [
      [0, 1],
      [5792, 1],
      [5793, 2],
      [2 * 5792, 2],
    ] as const) {
      const pdus = [
        ...fragments(new Uint8Array(size), request(1), MAX_FRAGMENT, security('client', AuthLevel.privacy)),
      ];
      expect(pdus.length, `${size} bytes`).toBe(count);
    }
  });

  it('of any pieces, empty ones among them, is put together', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 60 }), (parts) => {
        const kept = parts.map((part) => part.slice());
        const assembly = new StubAssembly();
        for (const [i, part] of parts.entries()) assembly.add(part, i === 0 ? PduFlag.first : 0);
        expect(digits(assembly.stub)).toBe(digits(Buffer.concat(kept)));
        expect(parts).toEqual(kept);
      }),
    );
  });
});

describe.each([AuthLevel.integrity, AuthLevel.privacy])('a request that is protected at level %i', (level) => {
  const good = () => [...fragments(STUB, request(2), MAX_FRAGMENT, security('client', level))][0]!;
  /** What the other end makes of it: the call as it understands it, or nothing. */
  const taken = (bytes: Uint8Array) => {
    try {
      const pdu = decodePdu(bytes);
      security('server', level).open(pdu);
      return { ...decodeRequestBody(pdu.body, pdu.flags), type: pdu.type, callId: pdu.callId };
    } catch (error) {
      if (error instanceof PduError || error instanceof SecurityError) return undefined;
      throw error;
    }
  };

  it('is taken as it is', () => {
    expect(taken(good())).toMatchObject({ type: 0, callId: 2, opnum: 14, stub: STUB });
  });

  it('is refused with any one bit changed: all of its bits are signed', () => {
    // What a bit of the type (byte 2) or of the length (bytes 8 and 9) does before that is the connection's affair: it makes another
    // kind of PDU, or moves where the next one begins. Signed as they are here, neither is taken for the request that it was.
    const NOT_SIGNED: readonly number[] = [];
    const size = good().length;
    const accepted: number[] = [];
    for (let bit = 0; bit < 8 * size; bit++) {
      const changed = good();
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      if (taken(changed) !== undefined) accepted.push(bit);
    }
    expect(accepted).toEqual(NOT_SIGNED);
  });

  it('is refused cut off, without its signature, under another level, and twice', () => {
    for (let cut = 16; cut < good().length; cut++)
      expect(taken(good().subarray(0, cut)), `cut at ${cut}`).toBeUndefined();
    expect(taken(encodePdu({ type: 0, flags: 3, callId: 2, body: good().slice(16, 44) }))).toBeUndefined();
    const other = level === AuthLevel.privacy ? AuthLevel.integrity : AuthLevel.privacy;
    const weaker = [...fragments(STUB, request(2), MAX_FRAGMENT, security('client', other))][0]!;
    expect(taken(weaker)).toBeUndefined();
    const server = security('server', level);
    server.open(decodePdu(good()));
    expect(() => server.open(decodePdu(good()))).toThrow(SecurityError);
  });
});
