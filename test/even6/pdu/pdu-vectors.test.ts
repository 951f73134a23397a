import { describe, expect, it } from 'vitest';
import {
  BindNakReason,
  decodeBind,
  decodeBindAck,
  decodeBindNak,
  encodeBind,
  encodeBindAck,
  encodeBindNak,
} from '../../../src/even6/pdu/bind.ts';
import { decodeFaultBody, encodeCallBody, encodeFaultBody } from '../../../src/even6/pdu/call-bodies.ts';
import { decodePdu, encodePdu, type PduParts, PduType } from '../../../src/even6/pdu/pdu.ts';
import {
  ENDPOINT_MAPPER,
  EVENT_SERVICE,
  Feature,
  featureSyntax,
  featuresOf,
  MANAGEMENT,
  NDR,
  NDR64,
} from '../../../src/even6/pdu/syntaxes.ts';
import { checkVerificationTrailer } from '../../../src/even6/pdu/verification-trailer.ts';
import { decodeNegotiate, encodeNegotiate } from '../../../src/even6/security/ntlm-messages.ts';
import { AuthLevel, AuthType } from '../../../src/even6/security/security-context.ts';
import { digits, hex } from '../hex.ts';

const FIRST_AND_LAST = 0x03;
const MULTIPLEXING = 0x10;
const HEADER_SIGNING = 0x04;
const DID_NOT_EXECUTE = 0x20;

/** One PDU, both ways: the parts make the bytes, and the bytes give the parts. */
function isWritten(parts: PduParts, bytes: string): void {
  const { type, flags, callId, body, auth } = parts;
  expect(digits(encodePdu(parts))).toBe(digits(hex(bytes)));
  expect(decodePdu(hex(bytes))).toMatchObject({ type, flags, callId, body, auth });
}

describe('presentation syntaxes', () => {
  it.each([
    [EVENT_SERVICE, 'f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000'],
    [NDR, '045d888a eb1cc911 9fe80800 2b104860 02000000'],
    [NDR64, '33057171 babe3749 8319b5db ef9ccc36 01000000'],
    [featureSyntax(3), '2c1cb76c 12984045 03000000 00000000 01000000'],
    [ENDPOINT_MAPPER, '0883afe1 1f5dc911 91a40800 2b14a0fa 03000000'],
    [MANAGEMENT, '80bda8af 8a7dc911 bef40800 2b102989 01000000'],
  ])('%# stands as it is registered', (abstract, bytes) => {
    const item = { id: 0, abstract, transfers: [] };
    const bind = encodeBind({ maxTransmit: 0, maxReceive: 0, group: 0, contexts: [item] });
    expect(digits(bind.subarray(-20))).toBe(digits(hex(bytes)));
    expect(decodeBind(bind).contexts).toEqual([item]);
  });

  it('a request for features says which', () => {
    expect(featuresOf(featureSyntax(Feature.keepConnectionOnOrphan))).toBe(Feature.keepConnectionOnOrphan);
    expect(featuresOf(NDR)).toBeUndefined();
  });
});

describe('PDUs that tshark and Samba read', () => {
  it('a bind of three items with the first token of NTLM', () => {
    const contexts = [NDR, NDR64, featureSyntax(3)].map((transfer, id) => ({
      id,
      abstract: EVENT_SERVICE,
      transfers: [transfer],
    }));
    const offer = { maxTransmit: 5840, maxReceive: 5840, group: 0, contexts };
    const flags = 0xe208_8235;
    const token = encodeNegotiate(flags);
    const auth = { type: AuthType.ntlm, level: AuthLevel.privacy, contextId: 1, token };
    const body = encodeBind(offer);
    isWritten(
      { type: PduType.bind, flags: FIRST_AND_LAST | HEADER_SIGNING | MULTIPLEXING, callId: 1, body, auth },
      `05000b17 10000000 d0002800 01000000 d016d016 00000000 03000000 00000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000
       045d888a eb1cc911 9fe80800 2b104860 02000000 01000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 33057171 babe3749
       8319b5db ef9ccc36 01000000 02000100 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 2c1cb76c 12984045 03000000 00000000
       01000000 0a060000 01000000 4e544c4d 53535000 01000000 358208e2 00000000 28000000 00000000 28000000 0a006345 0000000f`,
    );
    expect(decodeBind(body)).toEqual(offer);
    expect(decodeNegotiate(token)).toEqual({ flags });
  });

  it('the answer to that bind', () => {
    const ack = {
      maxTransmit: 5840,
      maxReceive: 5840,
      group: 0x1001,
      secondaryAddress: '49900',
      results: [
        { result: 0, reason: 0, transfer: NDR },
        { result: 2, reason: 2, transfer: undefined },
        { result: 3, reason: 3, transfer: undefined },
      ],
    };
    const body = encodeBindAck(ack);
    isWritten(
      { type: PduType.bindAck, flags: FIRST_AND_LAST | MULTIPLEXING, callId: 1, body },
      `05000c13 10000000 6c000000 01000000 d016d016 01100000 06003439 39303000 03000000 00000000 045d888a eb1cc911 9fe80800
       2b104860 02000000 02000200 00000000 00000000 00000000 00000000 00000000 03000300 00000000 00000000 00000000 00000000
       00000000`,
    );
    expect(decodeBindAck(body)).toEqual(ack);
  });

  it('a refusal for the version', () => {
    const body = encodeBindNak(BindNakReason.version);
    isWritten(
      { type: PduType.bindNak, flags: FIRST_AND_LAST, callId: 1, body },
      '05000d03 10000000 18000000 01000000 04000105 00000000',
    );
    expect(decodeBindNak(body)).toBe(BindNakReason.version);
  });

  it('a fault', () => {
    const body = encodeFaultBody(0, 0x1c01_0002);
    isWritten(
      { type: PduType.fault, flags: FIRST_AND_LAST | DID_NOT_EXECUTE, callId: 7, body },
      '05000323 10000000 20000000 07000000 18000000 00000000 0200011c 00000000',
    );
    expect(decodeFaultBody(body)).toBe(0x1c01_0002);
  });

  it.each([
    ['a cancel', PduType.cancel, '05001203 10000000 10000000 07000000'],
    ['an orphaned call', PduType.orphaned, '05001303 10000000 10000000 07000000'],
  ])('%s', (_, type, bytes) => {
    isWritten({ type, flags: FIRST_AND_LAST, callId: 7, body: new Uint8Array() }, bytes);
  });

  it('a request before it is protected', () => {
    const body = encodeCallBody(20, 0, 14, hex('00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0'));
    const auth = { type: AuthType.ntlm, level: AuthLevel.privacy, contextId: 1, token: new Uint8Array(16) };
    isWritten(
      { type: PduType.request, flags: FIRST_AND_LAST, callId: 2, body, auth, padding: 12 },
      `05000003 10000000 50001000 02000000 14000000 00000e00 00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0 00000000 00000000
       00000000 0a060c00 01000000 00000000 00000000 00000000 00000000`,
    );
  });
});

describe('a verification trailer', () => {
  // Clients append it; ours does not, so there is nothing here that writes one.
  const TRAILER = hex(
    `8ae31371 02f43671 01000400 01000000 02402800 f7afbef6 191ebb4f 9f8fb89e 2018337c 01000000 045d888a eb1cc911 9fe80800
     2b104860 02000000`,
  );
  const MAGIC = TRAILER.subarray(0, 8);
  const call = { abstract: EVENT_SERVICE, transfer: NDR, callId: 2, contextId: 1, opnum: 14 };
  const stub = hex('00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0');
  const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  /** Header copy, last command: type, data representation, call, context, operation. */
  const headerCopy = (callId: number, contextId: number, opnum: number) => {
    const copy = hex('03401000 00000000 10000000 00000000 00000000');
    const view = new DataView(copy.buffer);
    view.setUint32(12, callId, true);
    view.setUint16(16, contextId, true);
    view.setUint16(18, opnum, true);
    return joined(MAGIC, copy);
  };

  it('of this call is cut off', () => {
    expect(checkVerificationTrailer(joined(stub, TRAILER), call)).toEqual(stub);
    expect(checkVerificationTrailer(joined(stub, headerCopy(2, 1, 14)), call)).toEqual(stub);
    expect(checkVerificationTrailer(stub, call)).toEqual(stub);
  });

  it('of another call is refused', () => {
    expect(checkVerificationTrailer(joined(stub, TRAILER), { ...call, abstract: MANAGEMENT })).toBeUndefined();
    expect(checkVerificationTrailer(joined(stub, TRAILER), { ...call, transfer: NDR64 })).toBeUndefined();
    for (const [callId, contextId, opnum] of [
      [3, 1, 14],
      [2, 0, 14],
      [2, 1, 13],
    ] as const) {
      expect(checkVerificationTrailer(joined(stub, headerCopy(callId, contextId, opnum)), call)).toBeUndefined();
    }
  });

  it('that is cut off, has no end, or says what must be understood and is not, is refused', () => {
    for (let cut = MAGIC.length; cut < TRAILER.length; cut++) {
      expect(checkVerificationTrailer(joined(stub, TRAILER.subarray(0, cut)), call), `cut at ${cut}`).toBeUndefined();
    }
    const unknown = (id: number) => joined(stub, MAGIC, new Uint8Array([id & 0xff, id >> 8, 0, 0]));
    expect(checkVerificationTrailer(unknown(0x4009), call)).toEqual(stub);
    expect(checkVerificationTrailer(unknown(0xc009), call)).toBeUndefined();
  });

  it('is looked for where it may be: the same bytes inside a parameter are none', () => {
    const parameter = joined(stub, MAGIC, new Uint8Array(1024));
    expect(checkVerificationTrailer(parameter, call)).toEqual(parameter);
    expect(checkVerificationTrailer(joined(parameter, TRAILER), call)).toEqual(parameter);
  });
});
