import {
  MAX_NAMED,
  NAME_CHAINS,
  NAME_CHARACTERS,
  NAME_FORM_NUMBER,
  NAME_FORMS,
  NAME_NUMBERS,
  NAME_UNITS,
  NAMED,
  NAMED_COUNT,
} from './layout.ts';
import { getI32, inU16, putI32, sameBytes } from './platform.ts';
import type { i32 } from './types.ts';

/** Bytes of a name entry in front of its characters: the next entry of its chain, a hash, the count of units. */
export const NAME_HEADER = 8;

/** The number of the name that stands at a chunk offset; 0 for one that has not been met. The caller has checked its bounds. */
export function nameNumber(at: i32): i32 {
  const units = inU16(at + 6);
  let form = getI32(NAME_FORMS + 4 * (inU16(at + 4) & (NAME_CHAINS - 1)));
  while (form !== 0) {
    if (getI32(form + NAME_UNITS) === units && sameBytes(getI32(form + NAME_CHARACTERS), at + NAME_HEADER, 2 * units)) {
      const number = getI32(form + NAME_FORM_NUMBER);
      const count = getI32(NAMED_COUNT);
      if (count < MAX_NAMED) {
        putI32(NAMED + 4 * count, at);
        putI32(NAMED_COUNT, count + 1);
        putI32(NAME_NUMBERS + 4 * at, number);
      }
      return number;
    }
    form = getI32(form);
  }
  return 0;
}
