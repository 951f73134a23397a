import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeMapRequest,
  decodeMapResponse,
  EPT_NOT_REGISTERED,
  encodeMapRequest,
  encodeMapResponse,
} from '../../../src/even6/epm/ept-map.ts';
import { decodeTower, encodeTower, TOWER_SIZE } from '../../../src/even6/epm/tower.ts';
import { NdrError } from '../../../src/even6/ndr/ndr-error.ts';
import { EVENT_SERVICE, NDR } from '../../../src/even6/pdu/syntaxes.ts';
import { digits, hex } from '../hex.ts';

const QUERY_TOWER = hex(
  `05001300 0df7afbe f6191ebb 4f9f8fb8 9e201833 7c010002 00000013 000d045d 888aeb1c c9119fe8 08002b10 48600200 02000000 01000b02
   00000001 00070200 00000100 09040000 000000`,
);
const ANSWER_TOWER = hex(
  `05001300 0df7afbe f6191ebb 4f9f8fb8 9e201833 7c010002 00000013 000d045d 888aeb1c c9119fe8 08002b10 48600200 02000000 01000b02
   00000001 00070200 c2030100 0904000a 010203`,
);
const REQUEST = hex(
  `00000000 02000000 4b000000 4b000000 05001300 0df7afbe f6191ebb 4f9f8fb8 9e201833 7c010002 00000013 000d045d 888aeb1c c9119fe8
   08002b10 48600200 02000000 01000b02 00000001 00070200 00000100 09040000 00000000 00000000 00000000 00000000 00000000 00000000
   04000000`,
);
const RESPONSE = hex(
  `00000000 00000000 00000000 00000000 00000000 01000000 04000000 00000000 01000000 03000000 4b000000 4b000000 05001300 0df7afbe
   f6191ebb 4f9f8fb8 9e201833 7c010002 00000013 000d045d 888aeb1c c9119fe8 08002b10 48600200 02000000 01000b02 00000001 00070200
   c2030100 0904000a 01020300 00000000`,
);

/** A stub whose referent ids are ours: each writer has its own. @param at offset of one */
function withReferent(stub: Uint8Array, at: number): Uint8Array {
  const FIRST = 0x2_0000;
  const changed = stub.slice();
  new DataView(changed.buffer).setUint32(at, FIRST, true);
  return changed;
}

describe('a tower', () => {
  it.each([
    [QUERY_TOWER, 0, [0, 0, 0, 0]],
    [ANSWER_TOWER, 49_667, [10, 1, 2, 3]],
  ])('%# both ways', (bytes, port, address) => {
    const tower = { abstract: EVENT_SERVICE, transfer: NDR, port, address };
    expect(bytes.length).toBe(TOWER_SIZE);
    expect(digits(encodeTower(tower))).toBe(digits(bytes));
    expect(decodeTower(bytes)).toEqual(tower);
  });

  it('of any interface and place is read as it was written', () => {
    const syntax = fc.record({
      uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }).map(digits),
      major: fc.nat(0xffff),
      minor: fc.nat(0xffff),
    });
    const address = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.record({ abstract: syntax, transfer: syntax, port: fc.nat(0xffff), address }), (tower) => {
        expect(decodeTower(encodeTower(tower))).toEqual(tower);
      }),
    );
  });

  it('that is cut anywhere, or not of TCP and IP, is none', () => {
    for (let cut = 0; cut < ANSWER_TOWER.length; cut++)
      expect(decodeTower(ANSWER_TOWER.subarray(0, cut))).toBeUndefined();
    // Floors, protocols of each: UUID, UUID, connection-oriented, TCP, IP.
    for (const at of [0, 4, 29, 54, 61, 68]) {
      const changed = ANSWER_TOWER.slice();
      changed[at] = 0x1f;
      expect(decodeTower(changed), `byte ${at}`).toBeUndefined();
    }
  });
});

describe('ept_map', () => {
  it('asks as others ask', () => {
    const values = { tower: QUERY_TOWER, maxTowers: 4 };
    expect(digits(encodeMapRequest(values))).toBe(digits(withReferent(REQUEST, 4)));
    expect(decodeMapRequest(REQUEST)).toEqual(values);
    expect(decodeMapRequest(encodeMapRequest({ ...values, tower: undefined })).tower).toBeUndefined();
    // Windows sends an object, of all zeros.
    const withObject = new Uint8Array(Buffer.concat([hex('01000000'), new Uint8Array(16), REQUEST.subarray(4)]));
    expect(decodeMapRequest(withObject)).toEqual(values);
  });

  it('answers as others answer', () => {
    const values = { towers: [ANSWER_TOWER], status: 0 };
    expect(digits(encodeMapResponse(values, 4))).toBe(digits(withReferent(RESPONSE, 36)));
    expect(decodeMapResponse(RESPONSE)).toEqual(values);
    const none = { towers: [], status: EPT_NOT_REGISTERED };
    expect(decodeMapResponse(encodeMapResponse(none, 4))).toEqual(none);
  });

  it.each([
    ['a question', REQUEST, decodeMapRequest],
    ['an answer', RESPONSE, decodeMapResponse],
  ])('%s that is cut is refused, and whatever a byte of it says, it can be read or not', (_, stub, decode) => {
    for (let cut = 0; cut < stub.length; cut++) expect(() => decode(stub.subarray(0, cut)), `${cut}`).toThrow(NdrError);
    for (let at = 0; at < stub.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        const changed = stub.slice();
        changed[at] = value;
        try {
          decode(changed);
        } catch (error) {
          expect(error, `byte ${at}`).toBeInstanceOf(NdrError);
        }
      }
    }
  });
});
