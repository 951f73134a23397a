import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { readWireDocument, writeWireDocument } from '../../src/binxml/wire.ts';
import { EvtError } from '../../src/errors/evt-error.ts';
import {
  layOutRecords,
  type ResultRecord,
  readResultRecord,
  recordsOf,
  writeResultRecord,
} from '../../src/even6/record.ts';
import { renderXml } from '../../src/render/xml.ts';
import { digits, hex } from './hex.ts';

/** `<Event/>` */
const EVENT = hex('0f010100 01110000 00ba0c05 00450076 0065006e 00740000 000300');

const records: fc.Arbitrary<ResultRecord> = fc.record({
  binXml: fc.uint8Array({ maxLength: 200 }),
  subqueryIds: fc.array(fc.nat(0xffff_ffff), { maxLength: 10 }),
  recordIds: fc.array(fc.bigInt(0n, 0xffff_ffff_ffff_ffffn), { maxLength: 10 }),
  currentChannel: fc.nat(0xffff_ffff),
  reverse: fc.boolean(),
});

describe('a record of a result', () => {
  it.each<[string, ResultRecord, string]>([
    [
      'of one channel, without subqueries',
      { binXml: EVENT, subqueryIds: [], recordIds: [42n], currentChannel: 0, reverse: false },
      `53000000 10000000 10000000 33000000 1b000000 0f010100 01110000 00ba0c05 00450076 0065006e 00740000 00030000 00000020
       00000018 00000001 00000000 00000000 00000018 0000002a 00000000 000000`,
    ],
    [
      'of two channels and one subquery, newest first',
      { binXml: EVENT, subqueryIds: [7], recordIds: [0n, 42n], currentChannel: 1, reverse: true },
      `5f000000 10000000 10000000 37000000 1b000000 0f010100 01110000 00ba0c05 00450076 0065006e 00740000 00030001 00000007
       00000028 00000018 00000002 00000001 00000001 00000018 00000000 00000000 0000002a 00000000 000000`,
    ],
  ])('%s', (_, record, bytes) => {
    expect(digits(writeResultRecord(record))).toBe(digits(hex(bytes)));
    expect(readResultRecord(hex(bytes))).toEqual(record);
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(readResultRecord(writeResultRecord(record))).toEqual(record);
      }),
    );
  });

  it('is read by its offsets, wherever they lead inside of it', () => {
    // Header, four bytes that nobody knows, bookmark, event: in another order than the one they are written in.
    const bytes = hex(
      `57000000 14000000 34000000 14000000 eeeeeeee 20000000 18000000 01000000 00000000 00000000 18000000 2a000000 00000000
       1b000000 0f010100 01110000 00ba0c05 00450076 0065006e 00740000 00030000 000000`,
    );
    expect(readResultRecord(bytes)).toEqual({
      binXml: EVENT,
      subqueryIds: [],
      recordIds: [42n],
      currentChannel: 0,
      reverse: false,
    });
  });

  it('that is cut anywhere, or of which any byte is changed, is a record or an EvtError', () => {
    const record = { binXml: EVENT, subqueryIds: [7], recordIds: [0n, 42n], currentChannel: 1, reverse: true };
    const bytes = writeResultRecord(record);
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(() => readResultRecord(bytes.subarray(0, cut)), `cut at ${cut}`).toThrow(
        expect.objectContaining({ symbol: 'ERROR_EVT_INVALID_EVENT_DATA' }),
      );
    }
    for (let at = 0; at < bytes.length; at++) {
      for (const value of [0, 1, 0x14, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        try {
          const { binXml, recordIds, subqueryIds } = readResultRecord(changed);
          expect(binXml.length + 8 * recordIds.length + 4 * subqueryIds.length).toBeLessThanOrEqual(3 * bytes.length);
        } catch (error) {
          expect(error).toBeInstanceOf(EvtError);
        }
      }
    }
  });
});

describe('the records of an answer', () => {
  it('begin at even offsets, as in a Windows machine’s answer', () => {
    const sizes = [1805, 3247, 2281, 3225, 2281];
    const { bytes, offsets, ...rest } = layOutRecords(sizes.map((size, i) => new Uint8Array(size).fill(i + 1)));
    expect(offsets).toEqual([0, 1806, 5054, 7336, 10_562]);
    expect(rest.sizes).toEqual(sizes);
    expect(bytes.length).toBe(12_843);
    expect(recordsOf(bytes, offsets, sizes).map((record) => [record[0], record.at(-1), record.length])).toEqual(
      sizes.map((size, i) => [i + 1, i + 1, size]),
    );
  });

  it('are told apart by offsets and sizes alone, and lie in the answer or are refused', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4);
    expect(recordsOf(bytes, [2, 0], [2, 2]).map(digits)).toEqual(['0304', '0102']);
    // They share no bytes: a small answer would be a thousand large records.
    expect(() => recordsOf(bytes, [2, 0], [2, 3])).toThrow(EvtError);
    expect(() => recordsOf(bytes, [2], [3])).toThrow(EvtError);
    expect(() => recordsOf(bytes, [0xffff_ffff], [0xffff_ffff])).toThrow(EvtError);
  });
});

describe('Binary XML on the wire', () => {
  it('the smallest document, both ways', () => {
    const document = readWireDocument(EVENT);
    expect(renderXml(resolveDocument(document))).toMatch(/^<Event\s*(\/>|><\/Event>)$/);
    expect(digits(writeWireDocument(document))).toBe(digits(EVENT));
  });

  /** A template instance as Windows sends it: the definition holds a fragment of its own, and may be longer than what it says. */
  const instance = (length: string, unused: string) =>
    hex(
      `0f010100 0c 00 000102030405060708090a0b0c0d0e0f ${length}000000
       0f010100 01 1100 16000000 ba0c 0500 45007600 65006e00 74000000 02 0d 0000 08 04 00 ${unused}
       01000000 04000800 07000000 00`,
    );

  it('a template instance brings its definition, which is as long as it says', () => {
    const document = readWireDocument(instance('22', ''));
    expect(renderXml(resolveDocument(document))).toBe('<Event>7</Event>');
    expect(renderXml(resolveDocument(readWireDocument(instance('26', 'cccccccc'))))).toBe('<Event>7</Event>');
    // Written as often as it is asked for, and each time with its definition.
    for (let i = 0; i < 2; i++) expect(digits(writeWireDocument(document))).toBe(digits(instance('22', '')));
  });
});
