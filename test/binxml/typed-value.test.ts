import { describe, expect, test } from 'vitest';
import { valueAt } from '../../src/binxml/resolve.ts';
import { type TypedValue, value, valueTable } from '../../src/binxml/typed-value.ts';
import { arrayItems, valueText, valueVariant } from '../../src/binxml/value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';

/** A value as it is read from a record that was given it between two others. */
function stored(item: TypedValue) {
  return valueAt(valueTable([value.uint8(0xff), item, value.string('behind')]), 1);
}

test.each<[string, TypedValue, string, unknown]>([
  ['Null', value.none, '', null],
  ['String', value.string('Grüße 🙂'), 'Grüße 🙂', 'Grüße 🙂'],
  ['empty String', value.string(''), '', ''],
  ['AnsiString', value.ansi(Uint8Array.of(0x47, 0xe4)), 'Gä', 'Gä'],
  ['Int8', value.int8(-128), '-128', -128],
  ['UInt8', value.uint8(255), '255', 255],
  ['Int16', value.int16(-2), '-2', -2],
  ['UInt16', value.uint16(65_535), '65535', 65_535],
  ['Int32', value.int32(-0x8000_0000), '-2147483648', -0x8000_0000],
  ['UInt32', value.uint32(0xffff_ffff), '4294967295', 0xffff_ffff],
  ['Int64', value.int64(-1n), '-1', -1n],
  ['UInt64', value.uint64(2n ** 64n - 1n), '18446744073709551615', 2n ** 64n - 1n],
  ['Real32', value.real32(0.5), '0.5', 0.5],
  ['Real64', value.real64(3199.234), '3199.234', 3199.234],
  ['Bool', value.bool(true), 'true', true],
  ['Binary', value.binary(Uint8Array.of(0, 0xab)), '00AB', Uint8Array.of(0, 0xab)],
  [
    'GUID',
    value.guid('{54849625-5478-4994-A5BA-3E3B0328C30D}'),
    '{54849625-5478-4994-a5ba-3e3b0328c30d}',
    '{54849625-5478-4994-a5ba-3e3b0328c30d}',
  ],
  [
    'GUID in bytes',
    value.guidOf(Uint8Array.from({ length: 16 }, (_, i) => i)),
    '{03020100-0504-0706-0809-0a0b0c0d0e0f}',
    '{03020100-0504-0706-0809-0a0b0c0d0e0f}',
  ],
  ['SizeT of 32 bits', value.sizeT(0x7fn, 32), '0x7f', 0x7fn],
  ['SizeT of 64 bits', value.sizeT(2n ** 40n, 64), '0x10000000000', 2n ** 40n],
  ['FILETIME', value.fileTime(0x01d7_7f10_707d_0e8fn), '2021-07-22T15:44:21.4167183Z', 0x01d7_7f10_707d_0e8fn],
  [
    'SYSTEMTIME',
    value.systemTime({ year: 2024, month: 2, weekday: 4, day: 29, hour: 23, minute: 59, second: 58, millisecond: 7 }),
    '2024-02-29T23:59:58.0070000Z',
    '2024-02-29T23:59:58.0070000Z',
  ],
  ['SID', value.sid('S-1-5-21-1-2-3-500'), 'S-1-5-21-1-2-3-500', 'S-1-5-21-1-2-3-500'],
  ['HexInt32', value.hexInt32(0xc000_006d), '0xc000006d', 0xc000_006d],
  ['HexInt64', value.hexInt64(0x8020_0000_0000_0000n), '0x8020000000000000', 0x8020_0000_0000_0000n],
])('%s reads back as it was given', (_, item, text, typed) => {
  expect(valueText(stored(item))).toBe(text);
  expect(valueVariant(stored(item))).toEqual({ type: item.type, value: typed });
});

test.each<[string, TypedValue, string[]]>([
  ['strings, empty ones too', value.strings(['a', '', 'c']), ['a', '', 'c']],
  ['strings by the general maker', value.array(ValueType.String, [value.string('x'), value.string('')]), ['x', '']],
  ['no strings', value.strings([]), []],
  [
    'ANSI strings',
    value.array(ValueType.AnsiString, [value.ansi(Uint8Array.of(0x41)), value.ansi(Uint8Array.of())]),
    ['A', ''],
  ],
  ['UInt16', value.array(ValueType.UInt16, [value.uint16(1), value.uint16(65_535)]), ['1', '65535']],
  ['Int64', value.array(ValueType.Int64, [value.int64(-1n), value.int64(2n)]), ['-1', '2']],
  [
    'SIDs of different lengths',
    value.array(ValueType.Sid, [value.sid('S-1-5-18'), value.sid('S-1-5-21-7-8')]),
    ['S-1-5-18', 'S-1-5-21-7-8'],
  ],
  ['Bool', value.array(ValueType.Bool, [value.bool(false), value.bool(true)]), ['false', 'true']],
])('an array of %s reads back item by item', (_, item, texts) => {
  expect(arrayItems(stored(item)).map((each) => valueText(each))).toEqual(texts);
});

describe('what a type cannot hold is refused with ERROR_INVALID_PARAMETER', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['UInt8 256', () => value.uint8(256), /256 is no integer from 0 to 255/],
    ['Int8 -129', () => value.int8(-129), /no integer/],
    ['UInt32 1.5', () => value.uint32(1.5), /no integer/],
    ['UInt32 NaN', () => value.uint32(Number.NaN), /no integer/],
    ['UInt64 -1', () => value.uint64(-1n), /unsigned 64-bit/],
    ['Int64 2^63', () => value.int64(2n ** 63n), /a signed 64-bit/],
    ['FILETIME 2^64', () => value.fileTime(2n ** 64n), /unsigned 64-bit/],
    ['SizeT 2^32 in 32 bits', () => value.sizeT(2n ** 32n, 32), /does not fit 32 bits/],
    ['a text that is no GUID', () => value.guid('54849625'), /"54849625" is no GUID/],
    ['15 bytes as a GUID', () => value.guidOf(new Uint8Array(15)), /15 bytes are no GUID/],
    ['a text that is no SID', () => value.sid('S-1'), /"S-1" is no SID/],
    ['65,536 bytes', () => value.binary(new Uint8Array(65_536)), /65536 bytes: an event stores at most 65535/],
    ['32,768 units', () => value.string('x'.repeat(32_768)), /65536 bytes/],
    ['strings of 65,536 bytes', () => value.strings(['x'.repeat(32_767)]), /65536 bytes/],
    ['an item with U+0000', () => value.strings(['a\0b']), /holds U\+0000/],
    ['an ANSI item with a zero byte', () => value.array(2, [value.ansi(Uint8Array.of(0))]), /zero byte/],
    ['an array of mixed types', () => value.array(4, [value.uint8(1), value.uint16(1)]), /differ in type/],
    ['an array of Binary', () => value.array(0x0e, []), /no arrays of value type 14/],
    [
      'SYSTEMTIME year -1',
      () => value.systemTime({ year: -1, month: 1, weekday: 0, day: 1, hour: 0, minute: 0, second: 0, millisecond: 0 }),
      /no u16/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
    expect(make).toThrow(/ERROR_INVALID_PARAMETER \(87\)/);
  });

  test('65,535 bytes are accepted', () => {
    expect(value.binary(new Uint8Array(65_535)).sizeBytes).toBe(65_535);
  });
});

test('tables made one after the other share memory and keep apart', () => {
  const tables = Array.from({ length: 3000 }, (_, i) => valueTable([value.uint32(i), value.string(`${i}`.repeat(5))]));
  for (const [i, table] of tables.entries()) {
    expect(valueText(valueAt(table, 0))).toBe(String(i));
    expect(valueText(valueAt(table, 1))).toBe(`${i}`.repeat(5));
  }
});
