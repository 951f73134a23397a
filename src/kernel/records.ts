import { event, setLimit } from './executor.ts';
import { LINE_ENDS, LINE_TIME, LINE_TIMES, OUT_AT, RECORDS, SLACK, STOPPED_AT } from './layout.ts';
import { getI32, inI32, putI32, putU8 } from './platform.ts';
import { FULL, UNUSUAL } from './program.ts';
import type { i32 } from './types.ts';

export const RECORD_SIZE_OFFSET = 4;
export const RECORD_BINXML_OFFSET = 24;
const LINE_FEED = 10;
/** An event that grows larger is left to the plain renderer, which counts what it costs. Real ones have 35 KB. */
const MAX_EVENT = 512 * 1024;

/**
 * Writes records `first … last` of the list at RECORDS, a line each, to `out` and not past `limit`.
 * STOPPED_AT tells which record it came to, OUT_AT where the last whole line ended, LINE_ENDS where each did, LINE_TIMES the events' times.
 * @returns 0 when all are written, or the reason why the record at STOPPED_AT is not
 */
export function records(first: i32, last: i32, format: i32, out: i32, limit: i32): i32 {
  const end = limit - SLACK;
  let next = out;
  for (let i = first; i < last; i++) {
    const at = getI32(RECORDS + 4 * i);
    const recordEnd = at + inI32(at + RECORD_SIZE_OFFSET) - 4;
    const whole = next + MAX_EVENT <= end;
    setLimit(whole ? next + MAX_EVENT : end);
    const written = event(next, at + RECORD_BINXML_OFFSET, recordEnd, format);
    if (written < 0) {
      putI32(STOPPED_AT, i);
      putI32(OUT_AT, next);
      return written === FULL && whole ? UNUSUAL : written;
    }
    putU8(written, LINE_FEED);
    next = written + 1;
    putI32(LINE_ENDS + 4 * i, next);
    putI32(LINE_TIMES + 8 * i, getI32(LINE_TIME));
    putI32(LINE_TIMES + 8 * i + 4, getI32(LINE_TIME + 4));
  }
  putI32(STOPPED_AT, last);
  putI32(OUT_AT, next);
  return 0;
}
