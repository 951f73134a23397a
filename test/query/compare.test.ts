import { describe, expect, test } from 'vitest';
import type { Value } from '../../src/binxml/event-tree.ts';
import { valueAt } from '../../src/binxml/resolve.ts';
import { type TypedValue, value, valueTable } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import type { CompareOperator, Constant } from '../../src/query/ast.ts';
import { compareValue } from '../../src/query/compare.ts';
import { constantIsTrue, foldCase, readingsOf } from '../../src/query/constant.ts';

const at = { start: 0, end: 0 };
const text = (each: string): Constant => ({ kind: 'text', text: each, ...at });
const number = (each: number | bigint): Constant => ({
  kind: 'number',
  number: Number(each),
  integer: typeof each === 'bigint' ? each : Number.isInteger(each) ? BigInt(each) : undefined,
  ...at,
});
const stored = (one: TypedValue): Value => valueAt(valueTable([one]), 0);
const OPERATORS: readonly CompareOperator[] = ['=', '!=', '<', '<=', '>', '>='];

/** The operators that are true of a stored value and a constant, as text. */
function truths(one: TypedValue, constant: Constant): string {
  const readings = readingsOf(constant);
  return OPERATORS.filter((operator) => compareValue(stored(one), operator, readings)).join(' ');
}

/** A value as test titles show it. */
const shown = (one: TypedValue) => `${one.type}:${one.content}`;
const shownConstant = (one: Constant) => (one.kind === 'text' ? `'${one.text}'` : String(one.integer ?? one.number));

const EQUAL = '= <= >=';
const LESS = '!= < <=';
const GREATER = '!= > >=';
const GUID = '{54849625-5478-4994-a5ba-3e3b0328c30d}';
const OTHER_GUID = '{54849625-5478-4994-a5ba-3e3b0328c30e}';
const TIME = '2016-07-08T18:12:51.6816400Z';
const TICKS = 131_124_751_716_816_400n;
const fileTime = value.fileTime(TICKS);
const systemTime = value.systemTime({
  year: 2016,
  month: 7,
  weekday: 5,
  day: 8,
  hour: 18,
  minute: 12,
  second: 51,
  millisecond: 681,
});

describe('text', () => {
  test.each([
    ['a number token reads it as a number', '0010', number(10), EQUAL],
    ['also with blanks around', ' 10 ', number(10), EQUAL],
    ['also hexadecimal', '0x10', number(16), EQUAL],
    ['also with a fraction', '1.5', number(2), LESS],
    ['beyond 2^53 exactly', '9007199254740993', number(9_007_199_254_740_992n), GREATER],
    ['what is no number is only unequal to one', 'ten', number(10), '!='],
    ['such as empty text', '', number(0), '!='],
    ['quoted text is compared as text', '0010', text('10'), '!= <= >='],
    ['and in order as numbers', '9', text('10'), LESS],
    ['blanks count', 'User32 ', text('User32'), '!='],
    ['case does not', 'Winlogon', text('WINLOGON'), '='],
    ['nor does it beyond ASCII', 'Ärger ΟΔΟΣ', text('äRGER οδος'), '='],
    ['nothing is looked up', '%%1833', text('%%1833'), '='],
    ['empty is equal to empty', '', text(''), '='],
    ['it ends at U+0000', 'ab\0c', text('ab'), '='],
    ['text has no order', 'a', text('b'), '!='],
    ['GUIDs are equal by value', GUID.slice(1, -1).toUpperCase(), text(GUID), '='],
    ['and differ by value', OTHER_GUID, text(GUID), '!='],
    ['SIDs are equal by value', 's-1-05-18', text('S-1-5-18'), '='],
    ['times are equal by instant', '2016-07-08T18:12:51.681640000Z', text(TIME), EQUAL],
    ['and ordered by it', '2016-07-08T18:12:51.681Z', text(TIME), LESS],
    ['a time and what is none', 'never', text(TIME), '!='],
  ])('%s: "%s"', (_fact, is, constant, expected) => {
    expect(truths(value.string(is), constant)).toBe(expected);
  });

  test('ANSI strings are text', () => {
    expect(truths(value.ansi(Uint8Array.of(0x61, 0xe4)), text('Aä'))).toBe('=');
  });

  test('Null is empty text', () => {
    expect(truths(value.none, text(''))).toBe('=');
    expect(truths(value.none, number(0))).toBe('!=');
  });
});

describe('numbers', () => {
  const rows: [TypedValue, Constant, string][] = [
    [value.int8(-1), text('-1'), EQUAL],
    [value.int8(-1), number(0), LESS],
    [value.uint8(255), number(255), EQUAL],
    [value.int16(-300), number(1), LESS],
    [value.uint16(4624), number(4624), EQUAL],
    [value.uint16(4624), text('04624'), EQUAL],
    [value.uint16(4624), text('0x1210'), EQUAL],
    [value.uint16(4624), text('4624.5'), LESS],
    [value.uint16(4624), text('4.624e3'), EQUAL],
    [value.uint16(4624), text('4.624D3'), EQUAL],
    [value.uint16(4624), text('logon'), '!='],
    [value.uint16(4624), text(''), '!='],
    [value.int32(-2), number(2), LESS],
    [value.uint32(0xffff_ffff), number(0xffff_ffff), EQUAL],
    [value.int64(-1n), number(2n ** 64n - 1n), LESS],
    [value.uint64(2n ** 53n + 1n), number(2n ** 53n), GREATER],
    [value.uint64(999n), text('0x3e7'), EQUAL],
    [value.hexInt32(0x80), number(128), EQUAL],
    [value.hexInt64(2n ** 63n), text('0x8000000000000000'), EQUAL],
    [value.hexInt64(2n ** 63n), text('9223372036854775809'), LESS],
    [value.sizeT(16n, 32), number(16), EQUAL],
    [value.sizeT(2n ** 40n, 64), number(2n ** 40n), EQUAL],
    [value.real64(1.5), number(1.5), EQUAL],
    [value.real64(1.5), text('1'), GREATER],
    [value.real32(0.5), text('0.5'), EQUAL],
    [value.real64(Number.NaN), number(0), '!='],
    [value.real64(1), text('x'), '!='],
  ];
  test.each(rows.map((row) => [shown(row[0]), shownConstant(row[1]), ...row] as const))(
    '%s against %s',
    (_a, _b, one, constant, expected) => {
      expect(truths(one, constant)).toBe(expected);
    },
  );
});

describe('values that are no numbers', () => {
  const rows: [string, TypedValue, Constant, string][] = [
    ['boolean', value.bool(true), text('TRUE'), '='],
    ['boolean', value.bool(true), text('false'), '!='],
    ['boolean', value.bool(false), text('0'), '='],
    ['boolean', value.bool(true), number(2), '='],
    ['boolean', value.bool(false), number(1), '!='],
    ['boolean', value.bool(true), text('yes'), '!='],
    ['GUID', value.guid(GUID), text(GUID.toUpperCase()), '='],
    ['GUID', value.guid(GUID), text(GUID.slice(1, -1)), '='],
    ['GUID', value.guid(GUID), text(OTHER_GUID), '!='],
    ['GUID', value.guid(GUID), text('x'), ''],
    ['GUID', value.guid(GUID), number(1), ''],
    ['SID', value.sid('S-1-5-18'), text('S-1-5-18'), '='],
    ['SID', value.sid('S-1-5-18'), text('S-1-5-18-1'), '!='],
    ['SID', value.sid('S-1-5-18'), text('SYSTEM'), ''],
    ['SID', value.sid('S-1-5-18'), number(18), ''],
    ['FILETIME', fileTime, text(TIME), EQUAL],
    ['FILETIME', fileTime, text('2016-07-08T18:12:51.68164'), EQUAL],
    ['FILETIME', fileTime, text('2016-07-08T18:12:52Z'), LESS],
    ['FILETIME', fileTime, text('yesterday'), ''],
    ['FILETIME', fileTime, number(TICKS), EQUAL],
    ['FILETIME', fileTime, number(TICKS - 1n), GREATER],
    ['SYSTEMTIME', systemTime, text('2016-07-08T18:12:51.681Z'), EQUAL],
    ['SYSTEMTIME', systemTime, text(TIME), LESS],
    ['SYSTEMTIME', systemTime, text('x'), ''],
    ['binary', value.binary(Uint8Array.of(0x0a, 0xff)), text('0aFF'), '='],
    ['binary', value.binary(Uint8Array.of(0x0a, 0xff)), text('0aFE'), '!='],
    ['binary', value.binary(Uint8Array.of(0x0a, 0xff)), text('x'), ''],
    ['binary', value.binary(Uint8Array.of(0x10)), number(10), ''],
    ['binary', value.binary(new Uint8Array(0)), text(''), '='],
  ];
  test.each(rows.map((row) => [row[0], shownConstant(row[2]), ...row] as const))(
    '%s against %s',
    (_a, _b, _type, one, constant, expected) => {
      expect(truths(one, constant)).toBe(expected);
    },
  );

  test('a SYSTEMTIME that is no date is neither equal nor unequal to one', () => {
    const zeros = { type: ValueType.SysTime, sizeBytes: 16, content: new Uint8Array(16) };
    expect(truths(zeros, text(TIME))).toBe('');
  });
});

test.each([ValueType.UInt32, ValueType.UInt64, ValueType.Guid, ValueType.FileTime, ValueType.Sid, ValueType.SizeT])(
  'a value of type %i with too few bytes compares as the hex text that it is shown as',
  (type) => {
    const short = { type, sizeBytes: 2, content: Uint8Array.of(0x0a, 0xff) };
    expect(truths(short, text('0AFF'))).toBe('=');
    expect(truths(short, number(10))).toBe('!=');
  },
);

describe('case', () => {
  test.each([
    ['a', 'A'],
    ['ä', 'Ä'],
    ['ς', 'Σ'],
    ['я', 'Я'],
  ])('%s and %s are the same', (lower, upper) => {
    expect(foldCase(lower)).toBe(foldCase(upper));
  });

  test.each([
    ['i', 'ı'],
    ['i', 'İ'],
    ['k', '\u212a'],
    ['s', 'ſ'],
    ['ss', 'ß'],
  ])('%s and %s are not', (ascii, other) => {
    expect(foldCase(ascii)).not.toBe(foldCase(other));
  });
});

test('a constant by itself is true when it is a number that is not zero, or says true', () => {
  const all = [number(1), number(0.5), number(0), text('true'), text('TRUE'), text('x'), text('1'), text('')];
  expect(all.filter(constantIsTrue)).toEqual([number(1), number(0.5), text('true'), text('TRUE')]);
});
