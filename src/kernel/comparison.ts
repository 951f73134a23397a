import { ITEM_SIZES } from './layout.ts';
import { sidSize } from './numbers.ts';
import { getF64, getI32, getU8, inF64, inI32, inU8, inU16, sameBytes, toF64 } from './platform.ts';
import {
  COMPARISON_BOOLEAN,
  COMPARISON_CLOCK,
  COMPARISON_DAY,
  COMPARISON_FRACTION,
  COMPARISON_GUID,
  COMPARISON_NO_NUMBER,
  COMPARISON_NULL,
  COMPARISON_NUMBER,
  COMPARISON_NUMERIC,
  COMPARISON_OPERATOR,
  COMPARISON_SID,
  COMPARISON_SID_SIZE,
  COMPARISON_SIGNED,
  COMPARISON_TEXT,
  COMPARISON_TEXT_MODE,
  COMPARISON_TEXT_UNITS,
  COMPARISON_TIME,
  COMPARISON_UNSIGNED,
  EQUAL,
  FALSE,
  GREATER,
  GREATER_OR_EQUAL,
  IS_NUMBER,
  LESS,
  LESS_OR_EQUAL,
  TEXT_NUMBER,
  TEXT_PLAIN,
  TEXT_TIME,
  TRUE,
  UNEQUAL,
  UNKNOWN,
  WIDE_DIFFERENT,
  WIDE_FALSE,
  WIDE_HIGH,
  WIDE_INSIDE,
  WIDE_LOW,
  WIDE_UNKNOWN,
} from './test-program.ts';
import type { f64, i32 } from './types.ts';
import {
  TYPE_BOOL,
  TYPE_FILE_TIME,
  TYPE_GUID,
  TYPE_HEX_INT32,
  TYPE_HEX_INT64,
  TYPE_INT8,
  TYPE_INT16,
  TYPE_INT32,
  TYPE_INT64,
  TYPE_NULL,
  TYPE_SID,
  TYPE_SIZE_T,
  TYPE_STRING,
  TYPE_UINT8,
  TYPE_UINT16,
  TYPE_UINT32,
  TYPE_UINT64,
} from './value.ts';

/** Compares values with constants, as `query/compare.ts` does; what is not plain is left to it. */

const SIGN = -2_147_483_648;
/** Digits that surely fit an integer. */
const MAX_DIGITS = 9;

/** What {@link smallInteger} has read. */
let integer: f64 = 0;

/** Reads an integer of up to 32 bits. False for values of another kind. */
export function smallInteger(type: i32, at: i32): boolean {
  switch (type) {
    case TYPE_INT8:
      integer = toF64((inU8(at) << 24) >> 24);
      return true;
    case TYPE_UINT8:
      integer = toF64(inU8(at));
      return true;
    case TYPE_INT16:
      integer = toF64((inU16(at) << 16) >> 16);
      return true;
    case TYPE_UINT16:
      integer = toF64(inU16(at));
      return true;
    case TYPE_INT32:
      integer = toF64(inI32(at));
      return true;
    case TYPE_UINT32:
    case TYPE_HEX_INT32:
      integer = inF64(at);
      return true;
    default:
      return false;
  }
}

export function integerRead(): f64 {
  return integer;
}

/** What {@link digits} has read. */
let number = 0;

export function numberRead(): i32 {
  return number;
}

/** @returns 1 for text that is a number in digits, 0 for one that is surely no number, -1 for what may be one */
export function digits(at: i32, size: i32): i32 {
  const units = size >> 1;
  let count = 0;
  number = 0;
  while (count < units) {
    const unit = inU16(at + 2 * count);
    if (unit === 0) break;
    if (unit < 48 || unit > 57) {
      const lower = unit | 0x20;
      return count === 0 && lower >= 97 && lower <= 122 && unit < 128 ? 0 : -1;
    }
    if (count >= MAX_DIGITS) return -1;
    number = 10 * number + unit - 48;
    count++;
  }
  return count === 0 ? 0 : 1;
}

function verdict(holds: boolean): i32 {
  return holds ? TRUE : FALSE;
}

function ordered(difference: i32, operator: i32): i32 {
  switch (operator) {
    case EQUAL:
      return verdict(difference === 0);
    case UNEQUAL:
      return verdict(difference !== 0);
    case LESS:
      return verdict(difference < 0);
    case LESS_OR_EQUAL:
      return verdict(difference <= 0);
    case GREATER:
      return verdict(difference > 0);
    case GREATER_OR_EQUAL:
      return verdict(difference >= 0);
    default:
      return UNKNOWN;
  }
}

function compareNumber(left: f64, comparison: i32): i32 {
  const numeric = getI32(comparison + COMPARISON_NUMERIC);
  if (numeric !== IS_NUMBER) return numeric;
  const right = getF64(comparison + COMPARISON_NUMBER);
  return ordered(left < right ? -1 : left > right ? 1 : 0, getI32(comparison + COMPARISON_OPERATOR));
}

/** 64 bits against a wide constant. @param sign 0, or {@link SIGN} where both are signed */
export function compareWide(low: i32, high: i32, wide: i32, sign: i32, operator: i32): i32 {
  const place = getI32(wide);
  if (place === WIDE_FALSE) return FALSE;
  if (place === WIDE_UNKNOWN) return UNKNOWN;
  if (place === WIDE_DIFFERENT) return verdict(operator === UNEQUAL);
  if (place !== WIDE_INSIDE) return ordered(-place, operator);
  // With their highest bit turned over, unsigned words are in the order of signed ones.
  const turn = sign === 0 ? SIGN : 0;
  const otherHigh = getI32(wide + WIDE_HIGH);
  const otherLow = getI32(wide + WIDE_LOW);
  if (high !== otherHigh) return ordered((high ^ turn) < (otherHigh ^ turn) ? -1 : 1, operator);
  if (low !== otherLow) return ordered((low ^ SIGN) < (otherLow ^ SIGN) ? -1 : 1, operator);
  return ordered(0, operator);
}

/** UTF-16 text up to its first U+0000, without regard to the case of ASCII. No unit beyond ASCII equals one in it. */
function isText(at: i32, size: i32, text: i32, length: i32): boolean {
  const units = size >> 1;
  for (let i = 0; i < units; i++) {
    let unit = inU16(at + 2 * i);
    if (unit === 0) return i === length;
    if (i >= length) return false;
    if (unit >= 0x41 && unit <= 0x5a) unit |= 0x20;
    if (unit !== getU8(text + i)) return false;
  }
  return units === length;
}

function compareText(at: i32, size: i32, comparison: i32): i32 {
  const mode = getI32(comparison + COMPARISON_TEXT_MODE);
  if (mode === TEXT_PLAIN) {
    const text = getI32(comparison + COMPARISON_TEXT);
    const same = isText(at, size, text, getI32(comparison + COMPARISON_TEXT_UNITS));
    return verdict(same === (getI32(comparison + COMPARISON_OPERATOR) === EQUAL));
  }
  if (mode === TEXT_TIME) return compareTime(at, size, comparison);
  if (mode !== TEXT_NUMBER) return UNKNOWN;
  const told = digits(at, size);
  if (told < 0) return UNKNOWN;
  return told === 0 ? getI32(comparison + COMPARISON_NO_NUMBER) : compareNumber(toF64(number), comparison);
}

// What is left to read of a text that may be an instant, and where the text ends.
let rest = 0;
let restEnd = 0;

/** The next digits as a number; -1 where not all of them are digits. */
function decimals(count: i32): i32 {
  if (rest + 2 * count > restEnd) return -1;
  let value = 0;
  for (let i = 0; i < count; i++) {
    const unit = inU16(rest + 2 * i);
    if (unit < 48 || unit > 57) return -1;
    value = 10 * value + unit - 48;
  }
  rest += 2 * count;
  return value;
}

/** Passes by one character. */
function passes(unit: i32): boolean {
  if (rest + 2 > restEnd || inU16(rest) !== unit) return false;
  rest += 2;
  return true;
}

/** What text `YYYY-MM-DDTHH:MM:SS.fffffffZ` says against the instant of a comparison. UNKNOWN for what may be no instant. */
function compareTime(at: i32, size: i32, comparison: i32): i32 {
  rest = at;
  restEnd = at + (size & ~1);
  const year = decimals(4);
  if (year < 1601 || !passes(45)) return UNKNOWN;
  const month = decimals(2);
  if (month < 1 || month > 12 || !passes(45)) return UNKNOWN;
  const day = decimals(2);
  // The last days of months are for who has a calendar.
  if (day < 1 || day > 30 || (day > 28 && month === 2) || !passes(84)) return UNKNOWN;
  const hour = decimals(2);
  if (hour < 0 || hour > 23 || !passes(58)) return UNKNOWN;
  const minute = decimals(2);
  if (minute < 0 || minute > 59 || !passes(58)) return UNKNOWN;
  const second = decimals(2);
  if (second < 0 || second > 59) return UNKNOWN;
  let fraction = 0;
  let places = 0;
  if (passes(46)) {
    for (let digit = decimals(1); digit >= 0; digit = decimals(1)) {
      if (places < 7) fraction = 10 * fraction + digit;
      places++;
    }
    if (places === 0 || places > 9) return UNKNOWN;
  }
  for (; places < 7; places++) fraction *= 10;
  passes(90);
  if (rest < restEnd && inU16(rest) !== 0) return UNKNOWN;
  let difference = 10_000 * year + 100 * month + day - getI32(comparison + COMPARISON_DAY);
  if (difference === 0) difference = 10_000 * hour + 100 * minute + second - getI32(comparison + COMPARISON_CLOCK);
  if (difference === 0) difference = fraction - getI32(comparison + COMPARISON_FRACTION);
  return ordered(difference, getI32(comparison + COMPARISON_OPERATOR));
}

/** Types that only know "the same" and "another". */
function same(equal: boolean, operator: i32): i32 {
  if (operator === EQUAL) return verdict(equal);
  return verdict(operator === UNEQUAL && !equal);
}

/** The value that a descriptor describes, against the constant of a comparison. */
export function compared(descriptor: i32, at: i32, comparison: i32): i32 {
  const type = (descriptor >> 16) & 0xff;
  const size = descriptor & 0xffff;
  if (type === TYPE_STRING) return compareText(at, size, comparison);
  if (type === TYPE_NULL) return getI32(comparison + COMPARISON_NULL);
  if (type >= 0x20 || size < getU8(ITEM_SIZES + type)) return UNKNOWN;
  if (smallInteger(type, at)) return compareNumber(integer, comparison);
  const operator = getI32(comparison + COMPARISON_OPERATOR);
  switch (type) {
    case TYPE_INT64:
      return compareWide(inI32(at), inI32(at + 4), comparison + COMPARISON_SIGNED, SIGN, operator);
    case TYPE_UINT64:
    case TYPE_HEX_INT64:
      return compareWide(inI32(at), inI32(at + 4), comparison + COMPARISON_UNSIGNED, 0, operator);
    case TYPE_SIZE_T: {
      if (size < 4) return UNKNOWN;
      const high = size >= 8 ? inI32(at + 4) : 0;
      return compareWide(inI32(at), high, comparison + COMPARISON_UNSIGNED, 0, operator);
    }
    case TYPE_FILE_TIME:
      return compareWide(inI32(at), inI32(at + 4), comparison + COMPARISON_TIME, 0, operator);
    case TYPE_BOOL: {
      if (operator !== EQUAL && operator !== UNEQUAL) return FALSE;
      const wanted = getI32(comparison + COMPARISON_BOOLEAN);
      if (wanted < 0) return verdict(operator === UNEQUAL);
      return verdict(((inI32(at) !== 0) === (wanted !== 0)) === (operator === EQUAL));
    }
    case TYPE_GUID: {
      const guid = getI32(comparison + COMPARISON_GUID);
      return guid === 0 ? FALSE : same(sameBytes(guid, at, 16), operator);
    }
    case TYPE_SID: {
      const need = sidSize(at, size);
      if (need < 0) return UNKNOWN;
      const sid = getI32(comparison + COMPARISON_SID);
      if (sid === 0) return FALSE;
      return same(need === getI32(comparison + COMPARISON_SID_SIZE) && sameBytes(sid, at, need), operator);
    }
    default:
      return UNKNOWN;
  }
}
