import { u16, u32 } from './little-endian.ts';

/**
 * FILETIME: 100 ns units since 1601-01-01 UTC, unsigned 64 bits, proleptic Gregorian.
 * All arithmetic runs on two 32-bit halves: a double holds 53 bits only, and BigInt costs ten times as much.
 */

/** Days from 0000-03-01 to 1601-01-01. */
const DAYS_TO_1601 = 584_694;
/** Highest upper half that still lies before the year 10000 and keeps every step below exact in a double. */
const MAX_HIGH = 617_110_000;
const TICKS_PER_SECOND = 10_000_000;

const TWO: readonly string[] = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));

// One day's text is enough of a cache: the events of a log are neighbours in time.
let cachedDay = -1;
let cachedDate = '';

/** `YYYY-MM-DD` of the day `days` after 1601-01-01. Civil calendar from a day count, years starting in March. */
function dateText(days: number): string {
  if (days === cachedDay) return cachedDate;
  const shifted = days + DAYS_TO_1601;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  const civilMonth = month < 10 ? month + 3 : month - 9;
  const year = yearOfEra + era * 400 + (civilMonth <= 2 ? 1 : 0);
  cachedDay = days;
  cachedDate = `${String(year).padStart(4, '0')}-${TWO[civilMonth]}-${TWO[day]}`;
  return cachedDate;
}

/**
 * The FILETIME at `offset` as `YYYY-MM-DDThh:mm:ss.fffffffZ`.
 * @param digits 7, or 9 with two trailing zeros as Windows before 2020 wrote. After the year 9999: the plain number.
 */
export function fileTimeText(bytes: Uint8Array, offset: number, digits: 7 | 9): string {
  const high = u32(bytes, offset + 4);
  const low = u32(bytes, offset);
  if (high > MAX_HIGH) return ((BigInt(high) << 32n) | BigInt(low)).toString();
  // 2^32 = 429 s + 4,967,296 ticks, so every product stays below 2^53.
  const ticks = high * 4_967_296 + low;
  const carried = Math.floor(ticks / TICKS_PER_SECOND);
  const seconds = high * 429 + carried;
  const fraction = String(ticks - carried * TICKS_PER_SECOND).padStart(7, '0');
  const days = Math.floor(seconds / 86_400);
  const second = seconds - days * 86_400;
  const hour = Math.floor(second / 3600);
  const minute = Math.floor((second - hour * 3600) / 60);
  const date = dateText(days);
  return `${date}T${TWO[hour]}:${TWO[minute]}:${TWO[second % 60]}.${fraction}${digits === 9 ? '00' : ''}Z`;
}

/**
 * SYSTEMTIME (eight u16: year, month, weekday, day, hour, minute, second, ms) like a FILETIME, fields as they are.
 * @param digits as many as FILETIME has: Windows was seen to write both types alike.
 */
export function systemTimeText(bytes: Uint8Array, offset: number, digits: 7 | 9): string {
  const field = (index: number, width: number) => String(u16(bytes, offset + 2 * index)).padStart(width, '0');
  const fraction = field(7, 3).padEnd(digits, '0');
  return `${field(0, 4)}-${field(1, 2)}-${field(3, 2)}T${field(4, 2)}:${field(5, 2)}:${field(6, 2)}.${fraction}Z`;
}

/** Ticks between 1601-01-01 and 1970-01-01. */
const UNIX_EPOCH_TICKS = 116_444_736_000_000_000n;

/** FILETIME of a number of milliseconds since 1970. */
export function fileTimeOfUnixMs(ms: number): bigint {
  return BigInt(Math.trunc(ms)) * 10_000n + UNIX_EPOCH_TICKS;
}

/** Milliseconds since 1970 of a FILETIME, cut to whole milliseconds. */
export function unixMsOfFileTime(fileTime: bigint): number {
  const ticks = fileTime - UNIX_EPOCH_TICKS;
  const ms = ticks / 10_000n;
  return Number(ticks < 0n && ms * 10_000n !== ticks ? ms - 1n : ms);
}

const TIME_FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z?$/;

/**
 * FILETIME of `YYYY-MM-DDThh:mm:ss[.f…]Z`, one to nine fraction digits of which seven count; a missing `Z` is read as UTC.
 * Undefined for anything else, impossible dates and times before 1601 included.
 */
export function parseFileTime(text: string): bigint | undefined {
  const match = TIME_FORM.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (year < 1601 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  if (day < 1 || new Date(ms).getUTCDate() !== day) return undefined;
  return fileTimeOfUnixMs(ms) + BigInt((match[7] ?? '').padEnd(7, '0').slice(0, 7) || 0);
}

/** FILETIME of the SYSTEMTIME at `offset`; undefined when its fields are no date. */
export function fileTimeOfSystemTime(bytes: Uint8Array, offset: number): bigint | undefined {
  return parseFileTime(systemTimeText(bytes, offset, 7));
}
