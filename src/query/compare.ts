import type { Value } from '../binxml/event-tree.ts';
import { valueText } from '../binxml/value.ts';
import { FIXED_SIZE, ValueType } from '../binxml/value-type.ts';
import { GUID_SIZE, guidBytes } from '../bytes/guid.ts';
import { hexUpper } from '../bytes/hex.ts';
import { i32, i64, u16, u32, u64 } from '../bytes/little-endian.ts';
import { sidBytes, sidSize } from '../bytes/sid.ts';
import { fileTimeOfSystemTime, parseFileTime } from '../bytes/time.ts';
import type { CompareOperator } from './ast.ts';
import { foldCase, type Numeric, type Readings, readNumber } from './constant.ts';

/** Compares a stored value with a constant. The rules are those of MS-EVEN6 2.2.15, made total. */
export function compareValue(value: Value, operator: CompareOperator, constant: Readings): boolean {
  const { type, bytes, offset, size } = value;
  if (size < (FIXED_SIZE[type] ?? 0)) return compareText(valueText(value), operator, constant);
  switch (type) {
    case ValueType.Int8:
    case ValueType.UInt8:
    case ValueType.Int16:
    case ValueType.UInt16:
    case ValueType.Int32:
    case ValueType.UInt32:
    case ValueType.HexInt32:
      return compareSmall(smallInteger(value), operator, constant);
    case ValueType.Int64:
    case ValueType.UInt64:
    case ValueType.HexInt64:
    case ValueType.SizeT: {
      const integer = integerOf(value);
      if (integer === undefined) return compareText(valueText(value), operator, constant);
      return compareNumeric({ number: Number(integer), integer }, operator, constant);
    }
    case ValueType.Real32:
    case ValueType.Real64: {
      const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size);
      const number = type === ValueType.Real32 ? view.getFloat32(0, true) : view.getFloat64(0, true);
      return compareNumeric({ number, integer: undefined }, operator, constant);
    }
    case ValueType.Bool: {
      if (operator !== '=' && operator !== '!=') return false;
      if (constant.boolean === undefined) return operator === '!=';
      return ((u32(bytes, offset) !== 0) === constant.boolean) === (operator === '=');
    }
    case ValueType.Guid:
      return equality(operator, constant.guid && sameBytes(bytes, offset, constant.guid, GUID_SIZE));
    case ValueType.Sid: {
      const need = sidSize(bytes, offset, size);
      if (need === undefined) return compareText(valueText(value), operator, constant);
      return equality(
        operator,
        constant.sid && need === constant.sid.length && sameBytes(bytes, offset, constant.sid, need),
      );
    }
    case ValueType.FileTime:
      return compareTime(u64(bytes, offset), operator, constant);
    case ValueType.SysTime:
      return compareTime(fileTimeOfSystemTime(bytes, offset), operator, constant);
    case ValueType.Binary:
      if (!constant.quoted) return false;
      if (size === 0 && constant.text === '') return operator === '=';
      return equality(operator, constant.hex && hexUpper(bytes, offset, size) === constant.hex);
    default:
      return compareText(valueText(value), operator, constant);
  }
}

/** Types that only know "the same" and "another", and neither where the constant is nothing of their kind. */
function equality(operator: CompareOperator, same: boolean | '' | undefined): boolean {
  if (same === undefined || same === '') return false;
  if (operator === '=') return same;
  return operator === '!=' && !same;
}

function sameBytes(bytes: Uint8Array, offset: number, other: Uint8Array, size: number): boolean {
  for (let i = 0; i < size; i++) if (bytes[offset + i] !== other[i]) return false;
  return true;
}

function smallInteger({ type, bytes, offset }: Value): number {
  switch (type) {
    case ValueType.Int8:
      return (bytes[offset]! << 24) >> 24;
    case ValueType.UInt8:
      return bytes[offset]!;
    case ValueType.Int16:
      return (u16(bytes, offset) << 16) >> 16;
    case ValueType.UInt16:
      return u16(bytes, offset);
    case ValueType.Int32:
      return i32(bytes, offset);
    default:
      return u32(bytes, offset);
  }
}

/** Integers of up to 32 bits are exact as doubles, and so is their comparison with any constant. */
function compareSmall(number: number, operator: CompareOperator, { numeric }: Readings): boolean {
  return numeric === undefined ? operator === '!=' : ordered(number, operator, numeric.number);
}

function compareNumeric(stored: Numeric, operator: CompareOperator, { numeric }: Readings): boolean {
  if (numeric === undefined) return operator === '!=';
  if (stored.integer !== undefined && numeric.integer !== undefined) {
    return ordered(stored.integer, operator, numeric.integer);
  }
  return ordered(stored.number, operator, numeric.number);
}

function compareTime(stored: bigint | undefined, operator: CompareOperator, constant: Readings): boolean {
  const other = constant.quoted ? constant.time : constant.numeric?.integer;
  return stored !== undefined && other !== undefined && ordered(stored, operator, other);
}

/** Compares text: stored as such, or the text of a record that holds all its values as text. */
export function compareText(text: string, operator: CompareOperator, constant: Readings): boolean {
  if (!constant.quoted) {
    const numeric = readNumber(text);
    return numeric === undefined ? operator === '!=' : compareNumeric(numeric, operator, constant);
  }
  if (operator === '=' || operator === '!=') return sameText(text, constant) === (operator === '=');
  if (constant.time !== undefined) {
    const time = parseFileTime(text);
    return time !== undefined && ordered(time, operator, constant.time);
  }
  const numeric = constant.numeric && readNumber(text);
  return numeric !== undefined && compareNumeric(numeric, operator, constant);
}

/** A span of time in 100 ns, against a constant in milliseconds. */
export function compareSpan(ticks: bigint, operator: CompareOperator, { number, integer }: Numeric): boolean {
  if (integer !== undefined) return ordered(ticks, operator, integer * TICKS_PER_MS);
  return ordered(Number(ticks) / Number(TICKS_PER_MS), operator, number);
}

/**
 * True when some time of `to` less some time of `from` compares so. Never pair by pair: a crafted event has hundreds of
 * thousands of each.
 */
export function compareSpans(
  from: readonly bigint[],
  to: readonly bigint[],
  operator: CompareOperator,
  constant: Numeric,
): boolean {
  if (from.length === 0 || to.length === 0) return false;
  if (operator === '=') {
    const ticks = constant.integer === undefined ? spanTicks(constant.number) : constant.integer * TICKS_PER_MS;
    if (ticks === undefined || !compareSpan(ticks, '=', constant)) return false;
    const starts = new Set(from);
    return to.some((end) => starts.has(end - ticks));
  }
  const shortest = to.reduce(lower) - from.reduce(higher);
  const longest = to.reduce(higher) - from.reduce(lower);
  return compareSpan(shortest, operator, constant) || compareSpan(longest, operator, constant);
}

const TICKS_PER_MS = 10_000n;

function spanTicks(ms: number): bigint | undefined {
  const ticks = Math.round(ms * Number(TICKS_PER_MS));
  return Number.isFinite(ticks) ? BigInt(ticks) : undefined;
}

function lower(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function higher(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Equal as GUIDs, SIDs or times where both sides are one, else as text. */
function sameText(text: string, constant: Readings): boolean {
  if (constant.guid !== undefined) {
    const guid = guidBytes(text);
    if (guid !== undefined) return sameBytes(guid, 0, constant.guid, GUID_SIZE);
  }
  if (constant.sid !== undefined) {
    const sid = sidBytes(text);
    if (sid !== undefined) return sid.length === constant.sid.length && sameBytes(sid, 0, constant.sid, sid.length);
  }
  if (constant.time !== undefined) {
    const time = parseFileTime(text);
    if (time !== undefined) return time === constant.time;
  }
  return foldCase(text) === constant.folded;
}

/** `a operator b` for two numbers, or two bigints. NaN is unequal to everything and in no order. */
export function ordered<T extends number | bigint>(a: T, operator: CompareOperator, b: T): boolean {
  switch (operator) {
    case '=':
      return a === b;
    case '!=':
      return a !== b;
    case '<':
      return a < b;
    case '<=':
      return a <= b;
    case '>':
      return a > b;
    case '>=':
      return a >= b;
  }
}

/** A stored integer of any width; undefined for other types and for one with too few bytes. */
export function integerOf(value: Value): bigint | undefined {
  const { type, bytes, offset, size } = value;
  if (size < (FIXED_SIZE[type] ?? 0)) return undefined;
  switch (type) {
    case ValueType.Int8:
    case ValueType.UInt8:
    case ValueType.Int16:
    case ValueType.UInt16:
    case ValueType.Int32:
    case ValueType.UInt32:
    case ValueType.HexInt32:
      return BigInt(smallInteger(value));
    case ValueType.Int64:
      return i64(bytes, offset);
    case ValueType.UInt64:
    case ValueType.HexInt64:
    case ValueType.FileTime:
      return u64(bytes, offset);
    case ValueType.SizeT:
      return size >= 8 ? u64(bytes, offset) : size >= 4 ? BigInt(u32(bytes, offset)) : undefined;
    case ValueType.Bool:
      return u32(bytes, offset) === 0 ? 0n : 1n;
    default:
      return undefined;
  }
}

/** A stored instant as FILETIME: a time type, an integer as a count of 100 ns, or a text that spells either. */
export function timeOf(value: Value): bigint | undefined {
  if (value.type === ValueType.SysTime && value.size >= 16) return fileTimeOfSystemTime(value.bytes, value.offset);
  return integerOf(value) ?? timeOfText(valueText(value));
}

/** The instant that a text spells: ISO, or a FILETIME count. */
export function timeOfText(text: string): bigint | undefined {
  return parseFileTime(text) ?? readNumber(text)?.integer;
}
