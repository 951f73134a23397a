import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeBind,
  decodeBindAck,
  decodeBindNak,
  encodeBind,
  encodeBindAck,
  encodeBindNak,
} from '../../../src/even6/pdu/bind.ts';
import {
  decodeFaultBody,
  decodeRequestBody,
  encodeCallBody,
  encodeFaultBody,
} from '../../../src/even6/pdu/call-bodies.ts';
import { PduError, PduFlag } from '../../../src/even6/pdu/pdu.ts';
import { digits } from '../hex.ts';

const u2 = fc.nat(0xffff);
const u4 = fc.nat(0xffff_ffff);
const syntax = fc.record({
  uuid: fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map(digits)
    .filter((uuid) => /[^0]/.test(uuid)),
  major: u2,
  minor: u2,
});
const bind = fc.record({
  maxTransmit: u2,
  maxReceive: u2,
  group: u4,
  contexts: fc.array(fc.record({ id: u2, abstract: syntax, transfers: fc.array(syntax, { maxLength: 3 }) }), {
    maxLength: 4,
  }),
});
const bindAck = fc.record({
  maxTransmit: u2,
  maxReceive: u2,
  group: u4,
  secondaryAddress: fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength: 6 }),
  results: fc.array(fc.record({ result: u2, reason: u2, transfer: fc.option(syntax, { nil: undefined }) }), {
    maxLength: 4,
  }),
});
const stub = fc.uint8Array({ maxLength: 40 });

describe('the bodies of PDUs are read as they were written', () => {
  it('bind', () => {
    fc.assert(
      fc.property(bind, (body) => {
        expect(decodeBind(encodeBind(body))).toEqual(body);
      }),
    );
  });

  it('bind_ack', () => {
    fc.assert(
      fc.property(bindAck, (body) => {
        expect(decodeBindAck(encodeBindAck(body))).toEqual(body);
      }),
    );
  });

  it('bind_nak and fault', () => {
    fc.assert(
      fc.property(u2, u4, (number, status) => {
        expect(decodeBindNak(encodeBindNak(number))).toBe(number);
        expect(decodeFaultBody(encodeFaultBody(number, status))).toBe(status);
      }),
    );
  });

  it('request, with an object in front of its stub or without', () => {
    fc.assert(
      fc.property(u4, u2, u2, stub, fc.boolean(), (allocHint, contextId, opnum, bytes, hasObject) => {
        const OBJECT = new Uint8Array(16).fill(0xee);
        const body = encodeCallBody(allocHint, contextId, opnum, hasObject ? Buffer.concat([OBJECT, bytes]) : bytes);
        const read = decodeRequestBody(body, hasObject ? PduFlag.objectUuid : 0);
        expect({ ...read, stub: digits(read.stub) }).toEqual({ allocHint, contextId, opnum, stub: digits(bytes) });
      }),
    );
  });
});

describe('a body that is cut', () => {
  const refusesCuts = (bytes: Uint8Array, decode: (body: Uint8Array) => unknown) => {
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(() => decode(bytes.subarray(0, cut)), `cut at ${cut}`).toThrow(PduError);
    }
  };

  it('of a bind, its answer, or a fault is refused', () => {
    // One without contexts may do without the padding in front of them.
    const offering = bind.filter(({ contexts }) => contexts.length > 0);
    refusesCuts(encodeBind(fc.sample(offering, { seed: 2, numRuns: 1 })[0]!), decodeBind);
    refusesCuts(encodeBindAck(fc.sample(bindAck, { seed: 2, numRuns: 1 })[0]!), decodeBindAck);
    // Behind the status stand four bytes that say nothing.
    refusesCuts(encodeFaultBody(1, 5).subarray(0, 12), decodeFaultBody);
  });

  it('of a request is refused in its head: the stub has no end of its own', () => {
    refusesCuts(encodeCallBody(1, 2, 3, new Uint8Array()), (body) => decodeRequestBody(body, 0));
    const withObject = encodeCallBody(1, 2, 3, new Uint8Array(16));
    refusesCuts(withObject, (body) => decodeRequestBody(body, PduFlag.objectUuid));
  });

  it('is changed: a bind or its answer is read or refused', () => {
    const hostile = fc.tuple(fc.oneof(bind.map(encodeBind), bindAck.map(encodeBindAck)), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(hostile, ([bytes, at, value]) => {
        bytes[at % bytes.length] = value;
        for (const decode of [decodeBind, decodeBindAck]) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(PduError);
          }
        }
      }),
    );
  });
});
