import { DATE_TEXT, DIGIT_PAIRS, HEX_LOWER, HEX_UPPER } from './layout.ts';
import {
  floor,
  getU16,
  inF64,
  inI32,
  inU8,
  inU16,
  leadingZeros,
  putI32At,
  putU8,
  putU16,
  toF64,
  toI32,
} from './platform.ts';
import { UNUSUAL } from './program.ts';
import type { f64, i32 } from './types.ts';

// Each function writes at address `out` and gives the address behind. The definition of every form is `binxml/value.ts`.

const MILLION = 1_000_000;
const HIGH_UNIT = 4_294_967_296.0;

function pair(out: i32, number: i32): void {
  putU16(out, getU16(DIGIT_PAIRS + 2 * number));
}

/** A number of 0 to 2^31 - 1. */
export function decimal(out: i32, value: i32): i32 {
  if (value < 10) {
    putU8(out, 48 + value);
    return out + 1;
  }
  if (value < 100) {
    pair(out, value);
    return out + 2;
  }
  let digits = 3;
  if (value >= 1_000_000)
    digits = value >= 100_000_000 ? (value >= 1_000_000_000 ? 10 : 9) : value >= 10_000_000 ? 8 : 7;
  else if (value >= 1000) digits = value >= 10_000 ? (value >= 100_000 ? 6 : 5) : 4;
  let at = out + digits;
  let rest = value;
  while (rest >= 100) {
    const tens = (rest / 100) | 0;
    at -= 2;
    pair(at, rest - 100 * tens);
    rest = tens;
  }
  if (rest >= 10) pair(at - 2, rest);
  else putU8(at - 1, 48 + rest);
  return out + digits;
}

/** 32 bits, unsigned. */
export function unsigned32(out: i32, bits: i32): i32 {
  if (bits >= 0) return decimal(out, bits);
  const value = toF64(bits) + HIGH_UNIT;
  const hundreds = floor(value / 100);
  const next = decimal(out, toI32(hundreds));
  pair(next, toI32(value - 100 * hundreds));
  return next + 2;
}

export function signed32(out: i32, value: i32): i32 {
  if (value >= 0) return decimal(out, value);
  putU8(out, 45);
  return unsigned32(out + 1, -value | 0);
}

/** Six digits, with zeros in front. */
function sixDigits(out: i32, value: i32): void {
  const high = (value / 10_000) | 0;
  const low = value - 10_000 * high;
  const middle = (low / 100) | 0;
  pair(out, high);
  pair(out + 2, middle);
  pair(out + 4, low - 100 * middle);
}

/** An unsigned 64-bit number in two halves. In groups of six digits every step is exact in a double. */
export function unsigned64(out: i32, high: f64, low: f64): i32 {
  if (high === 0.0) {
    if (low < 2_147_483_648.0) return decimal(out, toI32(low));
    return unsigned32(out, toI32(low - HIGH_UNIT));
  }
  const upper = floor(high / MILLION);
  const part = (high - MILLION * upper) * HIGH_UNIT + low;
  const lower = floor(part / MILLION);
  const rest = upper * HIGH_UNIT + lower;
  const front = floor(rest / MILLION);
  let next = out;
  if (front > 0.0) {
    next = decimal(next, toI32(front));
    sixDigits(next, toI32(rest - MILLION * front));
    next += 6;
  } else next = decimal(next, toI32(rest));
  sixDigits(next, toI32(part - MILLION * lower));
  return next + 6;
}

export function unsigned64At(out: i32, at: i32): i32 {
  return unsigned64(out, inF64(at + 4), inF64(at));
}

export function signed64At(out: i32, at: i32): i32 {
  if (inI32(at + 4) >= 0) return unsigned64At(out, at);
  putU8(out, 45);
  const low = inF64(at);
  const high = HIGH_UNIT - inF64(at + 4);
  return low === 0.0 ? unsigned64(out + 1, high, 0.0) : unsigned64(out + 1, high - 1.0, HIGH_UNIT - low);
}

function nibble(out: i32, value: i32): void {
  putU8(out, value < 10 ? 48 + value : 87 + value);
}

/** Hex digits without zeros in front. */
function hexDigits(out: i32, bits: i32): i32 {
  const digits = bits === 0 ? 1 : (35 - leadingZeros(bits)) >> 2;
  for (let i = 0; i < digits; i++) nibble(out + i, (bits >>> (4 * (digits - 1 - i))) & 15);
  return out + digits;
}

/** `0x…` of 32 bits. */
export function hex32(out: i32, bits: i32): i32 {
  putU16(out, 0x7830);
  return hexDigits(out + 2, bits);
}

/** `0x…` of 64 bits. */
export function hex64At(out: i32, at: i32): i32 {
  const high = inI32(at + 4);
  if (high === 0) return hex32(out, inI32(at));
  const next = hex32(out, high);
  for (let i = 0; i < 4; i++) putU16(next + 2 * i, getU16(HEX_LOWER + 2 * inU8(at + 3 - i)));
  return next + 8;
}

/** Upper-case hex pairs: binary data, and whatever is not what its type says. */
export function hexBytes(out: i32, at: i32, size: i32): i32 {
  for (let i = 0; i < size; i++) putU16(out + 2 * i, getU16(HEX_UPPER + 2 * inU8(at + i)));
  return out + 2 * size;
}

function hexPair(out: i32, byte: i32): void {
  putU16(out, getU16(HEX_LOWER + 2 * byte));
}

/** `{8-4-4-4-12}`, lower case. */
export function guid(out: i32, at: i32): i32 {
  putU8(out, 123);
  hexPair(out + 1, inU8(at + 3));
  hexPair(out + 3, inU8(at + 2));
  hexPair(out + 5, inU8(at + 1));
  hexPair(out + 7, inU8(at));
  putU8(out + 9, 45);
  hexPair(out + 10, inU8(at + 5));
  hexPair(out + 12, inU8(at + 4));
  putU8(out + 14, 45);
  hexPair(out + 15, inU8(at + 7));
  hexPair(out + 17, inU8(at + 6));
  putU8(out + 19, 45);
  hexPair(out + 20, inU8(at + 8));
  hexPair(out + 22, inU8(at + 9));
  putU8(out + 24, 45);
  for (let i = 0; i < 6; i++) hexPair(out + 25 + 2 * i, inU8(at + 10 + i));
  putU8(out + 37, 125);
  return out + 38;
}

const SID_HEADER = 8;
const MAX_SUB_AUTHORITIES = 15;

/** Bytes of the SID at `at` by its own count; -1 when it does not fit. */
export function sidSize(at: i32, size: i32): i32 {
  if (size < SID_HEADER) return -1;
  const count = inU8(at + 1);
  const need = SID_HEADER + 4 * count;
  return count > MAX_SUB_AUTHORITIES || need > size ? -1 : need;
}

/** `S-1-…`; authorities beyond 32 bits, which have another form, are left to the plain renderer. */
export function sid(out: i32, at: i32, size: i32): i32 {
  if (inU16(at + 2) !== 0) return UNUSUAL;
  putU16(out, 0x2d53);
  let next = decimal(out + 2, inU8(at));
  putU8(next, 45);
  const authority = (inU8(at + 4) << 24) | (inU8(at + 5) << 16) | (inU8(at + 6) << 8) | inU8(at + 7);
  next = unsigned32(next + 1, authority);
  for (let from = at + SID_HEADER; from < at + size; from += 4) {
    putU8(next, 45);
    next = unsigned32(next + 1, inI32(from));
  }
  return next;
}

/** Days from 0000-03-01 to 1601-01-01. */
const DAYS_TO_1601 = 584_694;
/** Highest upper half before the year 10000; later times are plain numbers. */
const MAX_HIGH = 617_110_000.0;
const TICKS_PER_SECOND = 10_000_000.0;

// The events of a log are neighbours in time: one day's text is enough of a cache.
let cachedDay = -1;

function dateText(days: i32): void {
  const shifted = days + DAYS_TO_1601;
  const era = (shifted / 146_097) | 0;
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra =
    ((dayOfEra - ((dayOfEra / 1460) | 0) + ((dayOfEra / 36_524) | 0) - ((dayOfEra / 146_096) | 0)) / 365) | 0;
  const dayOfYear = dayOfEra - (365 * yearOfEra + ((yearOfEra / 4) | 0) - ((yearOfEra / 100) | 0));
  const month = ((5 * dayOfYear + 2) / 153) | 0;
  const day = dayOfYear - (((153 * month + 2) / 5) | 0) + 1;
  const civilMonth = month < 10 ? month + 3 : month - 9;
  const year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0);
  const century = (year / 100) | 0;
  pair(DATE_TEXT, century);
  pair(DATE_TEXT + 2, year - 100 * century);
  putU8(DATE_TEXT + 4, 45);
  pair(DATE_TEXT + 5, civilMonth);
  putU8(DATE_TEXT + 7, 45);
  pair(DATE_TEXT + 8, day);
  cachedDay = days;
}

/** `YYYY-MM-DDThh:mm:ss.fffffffZ` of a FILETIME. */
export function fileTime(out: i32, at: i32): i32 {
  const high = inF64(at + 4);
  if (high > MAX_HIGH) return UNUSUAL;
  // 2^32 = 429 s + 4,967,296 ticks, so every product stays below 2^53.
  const ticks = high * 4_967_296.0 + inF64(at);
  const carried = floor(ticks / TICKS_PER_SECOND);
  const fraction = toI32(ticks - carried * TICKS_PER_SECOND);
  const seconds = high * 429.0 + carried;
  const wholeDays = floor(seconds / 86_400.0);
  const second = toI32(seconds - wholeDays * 86_400.0);
  const days = toI32(wholeDays);
  if (days !== cachedDay) dateText(days);
  for (let i = 0; i < 10; i += 2) putU16(out + i, getU16(DATE_TEXT + i));
  const hour = (second / 3600) | 0;
  const minute = ((second - 3600 * hour) / 60) | 0;
  putU8(out + 10, 84);
  pair(out + 11, hour);
  putU8(out + 13, 58);
  pair(out + 14, minute);
  putU8(out + 16, 58);
  pair(out + 17, second - 3600 * hour - 60 * minute);
  putU8(out + 19, 46);
  const front = (fraction / 10) | 0;
  sixDigits(out + 20, front);
  putU8(out + 26, 48 + fraction - 10 * front);
  putU8(out + 27, 90);
  return out + 28;
}

/** A SYSTEMTIME in the same form; one whose fields have more digits is left to the plain renderer. */
export function systemTime(out: i32, at: i32): i32 {
  const year = inU16(at);
  const fraction = inU16(at + 14);
  if (year > 9999 || fraction > 999) return UNUSUAL;
  const century = (year / 100) | 0;
  pair(out, century);
  pair(out + 2, year - 100 * century);
  let next = out + 4;
  for (let field = 1; field < 7; field++) {
    if (field === 2) continue; // the day of the week
    const number = inU16(at + 2 * field);
    if (number > 99) return UNUSUAL;
    putU8(next, field === 4 ? 84 : field > 4 ? 58 : 45);
    pair(next + 1, number);
    next += 3;
  }
  putU8(next, 46);
  const hundreds = (fraction / 100) | 0;
  putU8(next + 1, 48 + hundreds);
  pair(next + 2, fraction - 100 * hundreds);
  putI32At(next + 4, 0x30303030);
  putU8(next + 8, 90);
  return next + 9;
}

const TRUE_LETTERS = 0x65757274; // "true"
const FALSE_LETTERS = 0x736c6166; // "fals"

export function bool(out: i32, at: i32): i32 {
  if (inI32(at) !== 0) {
    putI32At(out, TRUE_LETTERS);
    return out + 4;
  }
  putI32At(out, FALSE_LETTERS);
  putU8(out + 4, 101);
  return out + 5;
}
