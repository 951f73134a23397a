import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NdrError } from '../../src/even6/ndr/ndr-error.ts';
import { NdrReader } from '../../src/even6/ndr/ndr-reader.ts';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  NO_INFO,
  type RpcOperation,
} from '../../src/even6/stubs/operations.ts';
import { type Variant, variantList } from '../../src/even6/stubs/variant.ts';
import { digits, hex } from './hex.ts';

const QUERY = 'a1a2a3a4a5a6a7a8a9aaabacadaeafb0';
const CONTROL = 'c1c2c3c4c5c6c7c8c9cacbcccdcecfd0';
const H_QUERY = '00000000 a1a2a3a4 a5a6a7a8 a9aaabac adaeafb0';
const H_CONTROL = '00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0';
const APPLICATION = '0c000000 00000000 0c000000 41007000 70006c00 69006300 61007400 69006f00 6e000000';
const STAR = '02000000 00000000 02000000 2a000000';
/** 83 bytes. */
const RECORD =
  '53000000 10000000 10000000 33000000 1b000000 0f010100 01110000 00ba0c05 00450076 0065006e 00740000 00030000 00000020' +
  '00000018 00000001 00000000 00000000 00000018 0000002a 00000000 000000';

function requests<In extends Fields>(operation: RpcOperation<In, Fields>, values: In, bytes: string): void {
  expect(digits(encodeRequest(operation, values))).toBe(digits(hex(bytes)));
  expect(decodeRequest(operation, hex(bytes))).toEqual(values);
}

function answers<Out extends Fields>(
  operation: RpcOperation<Fields, Out>,
  values: Out,
  status: number,
  bytes: string,
): void {
  expect(digits(encodeResponse(operation, values, status))).toBe(digits(hex(bytes)));
  expect(decodeResponse(operation, hex(bytes))).toEqual({ values, status });
}

describe('the stubs that impacket encodes and decodes', () => {
  it('of a query', () => {
    const { REGISTER_LOG_QUERY } = operations;
    requests(
      REGISTER_LOG_QUERY,
      { path: 'Application', query: '*', flags: 0x101 },
      `00000200 ${APPLICATION} ${STAR} 01010000`,
    );
    requests(
      REGISTER_LOG_QUERY,
      { path: undefined, query: '*', flags: 0x101 },
      '00000000 02000000 00000000 02000000 2a000000 01010000',
    );
    answers(
      REGISTER_LOG_QUERY,
      { query: QUERY, control: CONTROL, channels: [{ name: 'Application', status: 0 }], info: NO_INFO },
      0,
      `${H_QUERY} ${H_CONTROL} 01000000 00000200 01000000 04000200 00000000 ${APPLICATION}
       00000000 00000000 00000000 00000000`,
    );
  });

  it('of a read', () => {
    const { QUERY_NEXT } = operations;
    requests(
      QUERY_NEXT,
      { query: QUERY, count: 5, timeoutMs: 1000, flags: 0 },
      `${H_QUERY} 05000000 e8030000 00000000`,
    );
    answers(
      QUERY_NEXT,
      { records: { offsets: [0], sizes: [83], bytes: hex(RECORD) } },
      0,
      `01000000 00000200 01000000 00000000 04000200 01000000 53000000 53000000 08000200 53000000 ${RECORD} 00 00000000`,
    );
    answers(
      QUERY_NEXT,
      { records: { offsets: [], sizes: [], bytes: new Uint8Array() } },
      259,
      '00000000 00000000 00000000 00000000 00000000 03010000',
    );
  });

  it('of a subscription and of a seek, whose 64 bits are aligned', () => {
    requests(
      operations.REGISTER_REMOTE_SUBSCRIPTION,
      { channel: 'Security', query: '*', bookmark: undefined, flags: 0x1000_0002 },
      `00000200 09000000 00000000 09000000 53006500 63007500 72006900 74007900 00000000 ${STAR} 00000000 02000010`,
    );
    requests(
      operations.QUERY_SEEK,
      { query: QUERY, position: 0n, bookmark: undefined, timeoutMs: 0, flags: 2 },
      `${H_QUERY} 00000000 00000000 00000000 00000000 00000000 02000000`,
    );
  });

  it('of clearing and exporting', () => {
    requests(
      operations.CLEAR_LOG,
      { control: CONTROL, channel: 'Application', backup: undefined, flags: 0 },
      `${H_CONTROL} ${APPLICATION} 00000000 00000000`,
    );
    requests(
      operations.EXPORT_LOG,
      { control: CONTROL, channel: 'Application', query: '*', target: 'C:\\a.evtx', flags: 1 },
      `${H_CONTROL} 00000200 ${APPLICATION} ${STAR}
       0a000000 00000000 0a000000 43003a00 5c006100 2e006500 76007400 78000000 01000000`,
    );
  });

  it('of rendering, closing, cancelling, log information and lists', () => {
    requests(
      operations.MESSAGE_RENDER,
      {
        publisher: QUERY,
        event: hex('02200010 00000000 00000080 00000000'),
        messageId: 0,
        values: [{ type: 'string', value: 'abc', changed: false }],
        flags: 1,
        maxBytes: 1024,
      },
      `${H_QUERY} 10000000 10000000 02200010 00000000 00000080 00000000 00000000 01000000 00000200 01000000 00000000
       04000000 00000000 04000000 04000200 04000000 00000000 04000000 61006200 63000000 01000000 00040000`,
    );
    answers(operations.CLOSE, { handle: undefined }, 0, '00000000 00000000 00000000 00000000 00000000 00000000');
    requests(operations.CANCEL, { control: CONTROL }, H_CONTROL);
    answers(operations.CANCEL, {}, 0, '00000000');
    answers(
      operations.GET_LOG_FILE_INFO,
      { value: hex('20000000 00000000 01000000 0a000000'), length: 16 },
      0,
      '10000000 20000000 00000000 01000000 0a000000 10000000 00000000',
    );
    answers(
      operations.GET_CHANNEL_LIST,
      { names: ['Application', 'System'] },
      0,
      `02000000 00000200 02000000 04000200 08000200 ${APPLICATION}
       07000000 00000000 07000000 53007900 73007400 65006d00 00000000 00000000`,
    );
  });
});

describe('properties', () => {
  const list: readonly Variant[] = [
    { type: 'boolean', value: true, changed: false },
    { type: 'uint32', value: 2, changed: false },
    { type: 'uint64', value: 0x1400000n, changed: false },
    { type: 'string', value: 'Sys', changed: false },
    { type: 'strings', value: ['A', 'B'], changed: false },
    { type: 'null', value: 0, changed: false },
  ];
  const bytes = hex(
    `06000000 00000200 06000000 00000000 01000000 00000000 01000000 01000000 02000000 00000000 02000000 02000000 03000000
     00000000 03000000 00000000 00004001 00000000 04000000 00000000 04000000 04000200 09000000 00000000 09000000 02000000
     08000200 00000000 00000000 00000000 00000000 00000000 04000000 00000000 04000000 53007900 73000000 02000000 0c000200
     10000200 02000000 00000000 02000000 41000000 02000000 00000000 02000000 42000000`,
  );

  it('of every kind stand where the interface puts them', () => {
    answers(operations.GET_CHANNEL_CONFIG, { properties: list }, 0, `${digits(bytes)} 00000000`);
  });

  it('of a channel stand as a Windows machine has sent them', () => {
    const flag: Variant = { type: 'boolean', value: false };
    const number: Variant = { type: 'uint32', value: 0 };
    const some: Variant = { type: 'string', value: 'x' };
    const none: Variant = { type: 'null', value: 0 };
    const properties: Variant[] = [
      ...[{ type: 'boolean', value: true } as const, number, number, some, flag, some, flag, flag],
      ...[
        { type: 'uint64', value: 0x140_0000n } as const,
        some,
        none,
        none,
        none,
        { type: 'uint32', value: 64 } as const,
      ],
      ...Array<Variant>(7).fill(number),
    ];
    const stub = encodeResponse(operations.GET_CHANNEL_CONFIG, { properties }, 0);
    for (const [at, published] of [
      [0, '15000000 00000200 15000000 00000000'],
      [16, '01000000 00000000 01000000 01000000'],
      [32, '02000000 00000000 02000000 00000000'],
      [48, '02000000 00000000 02000000 00000000'],
      [64, '04000000 00000000 04000000 04000200'],
      [144, '03000000 00000000 03000000 00000000 00004001 00000000'],
      [168, '04000000 00000000 04000000 0c000200'],
      [184, '00'.repeat(48)],
      [232, '02000000 00000000 02000000 40000000'],
    ] as const) {
      const expected = digits(hex(published));
      expect(digits(stub.subarray(at, at + expected.length / 2)), `at ${at}`).toBe(expected);
    }
  });

  it('that are many stand in arrays of their own: a truth takes one byte there', () => {
    const properties: readonly Variant[] = [{ type: 'booleans', value: [true, false, true], changed: false }];
    answers(
      operations.GET_CHANNEL_CONFIG,
      { properties },
      0,
      '01000000 00000200 01000000 00000000 06000000 00000000 06000000 03000000 04000200 03000000 01000100 00000000',
    );
  });

  it('with a tag that is not their type are refused', () => {
    const bad = bytes.slice();
    bad[24] = 2;
    expect(() => variantList.read(new NdrReader(bad), () => {})).toThrow(
      expect.objectContaining({ name: 'NdrError', fault: 'tag' }),
    );
  });
});

describe('whatever the bytes', () => {
  const exported: readonly unknown[] = Object.values(operations);
  const all = exported.filter(
    (value): value is RpcOperation<Fields, Fields> => typeof value === 'object' && value !== null && 'opnum' in value,
  );
  const decoders = all.flatMap((operation) => [
    (stub: Uint8Array) => decodeRequest(operation, stub),
    (stub: Uint8Array) => decodeResponse(operation, stub),
  ]);

  it('every operation is described once', () => {
    expect(all.map(({ opnum }) => opnum).toSorted((a, b) => a - b)).toEqual([
      ...Array(operations.OPERATION_COUNT).keys(),
    ]);
  });

  it('a stub gives values or an NdrError', () => {
    const words = fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(0x20000), fc.nat(0xffff_ffff)), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(words, fc.nat(3), (values, cut) => {
        const stub = new Uint8Array(new Uint32Array(values).buffer);
        for (const decode of decoders) {
          try {
            decode(stub.subarray(0, Math.max(0, stub.length - cut)));
          } catch (error) {
            expect(error).toBeInstanceOf(NdrError);
          }
        }
      }),
    );
  });

  it('a count that the bytes cannot hold takes no memory', () => {
    const stub = hex('ffffffff 00000200 ffffffff');
    expect(() => decodeResponse(operations.GET_CHANNEL_LIST, stub)).toThrow(
      expect.objectContaining({ name: 'NdrError', fault: 'bound' }),
    );
  });
});
