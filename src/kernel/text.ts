import { HEX_LOWER } from './layout.ts';
import { copyPlain, copyPlainBytes, getU16, inU8, inU16, putI32At, putU8, putU16 } from './platform.ts';
import { JSON_PART, JSON_VALUE, UNUSUAL, XML_ATTRIBUTE } from './program.ts';
import type { i32 } from './types.ts';

let hiddenBytes = 0;

/** Bytes behind the U+0000 of texts since {@link forgetHidden}. */
export function hidden(): i32 {
  return hiddenBytes;
}

export function forgetHidden(): void {
  hiddenBytes = 0;
}

/**
 * Text in UTF-16LE as UTF-8, escaped as `mode` says. Values end at their first U+0000, constants don't. In XML, what XML 1.0 forbids becomes U+FFFD;
 * in JSON, it is escaped as JSON.stringify does.
 * @returns the address behind
 */
export function text(out: i32, at: i32, units: i32, mode: i32, stopsAtZero: boolean): i32 {
  const end = at + 2 * units;
  let from = at;
  let next = out;
  while (from < end) {
    const plain = copyPlain(next, from, (end - from) >> 1, mode);
    next += plain;
    from += 2 * plain;
    // Characters that need more come in runs, too: a log in Japanese has little else.
    while (from < end) {
      const unit = inU16(from);
      if (unit >= 0x20 && unit < 0x80 && unit !== 0x22 && unit !== 0x26 && unit !== 0x27) {
        if (unit !== 0x3c && unit !== 0x3e && unit !== 0x5c) break;
      }
      if (unit === 0 && stopsAtZero) {
        hiddenBytes += end - from;
        return next;
      }
      from += 2;
      if ((unit & 0xf800) === 0xd800) {
        const low = unit < 0xdc00 && from < end ? inU16(from) : 0;
        if ((low & 0xfc00) === 0xdc00) {
          next = fourBytes(next, 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
          from += 2;
        } else next = loneSurrogate(next, unit, mode);
      } else next = character(next, unit, mode);
    }
  }
  return next;
}

/** ANSI text up to its first zero; UNUSUAL beyond ASCII, where its code page counts. */
export function ansi(out: i32, at: i32, size: i32, mode: i32): i32 {
  let next = out;
  let done = 0;
  while (done < size) {
    const plain = copyPlainBytes(next, at + done, size - done, mode);
    next += plain;
    done += plain;
    if (done >= size) break;
    const unit = inU8(at + done);
    if (unit >= 0x80) return UNUSUAL;
    if (unit === 0) {
      hiddenBytes += size - done;
      return next;
    }
    next = character(next, unit, mode);
    done++;
  }
  return next;
}

function character(out: i32, unit: i32, mode: i32): i32 {
  if (unit >= 0x80) {
    if (unit < 0x800) {
      putU8(out, 0xc0 | (unit >> 6));
      putU8(out + 1, 0x80 | (unit & 0x3f));
      return out + 2;
    }
    if (unit >= 0xfffe && mode <= XML_ATTRIBUTE) return threeBytes(out, 0xfffd);
    return threeBytes(out, unit);
  }
  if (mode === JSON_VALUE || mode === JSON_PART) return jsonCharacter(out, unit);
  if (unit < 0x20) {
    if (unit !== 9 && unit !== 10 && unit !== 13) return threeBytes(out, 0xfffd);
  } else if (unit === 0x26)
    return entity(out, 0x706d6126, 0x3b); // &amp;
  else if (unit === 0x3c) {
    putI32At(out, 0x3b746c26); // &lt;
    return out + 4;
  } else if (unit === 0x3e) {
    putI32At(out, 0x3b746726); // &gt;
    return out + 4;
  } else if (mode === XML_ATTRIBUTE) {
    if (unit === 0x22) return entity(out, 0x6f757126, 0x3b74); // &quot;
    if (unit === 0x27) return entity(out, 0x6f706126, 0x3b73); // &apos;
  }
  putU8(out, unit);
  return out + 1;
}

/** Four letters, and one or two more. */
function entity(out: i32, letters: i32, rest: i32): i32 {
  putI32At(out, letters);
  putU16(out + 4, rest);
  return rest > 0xff ? out + 6 : out + 5;
}

function jsonCharacter(out: i32, unit: i32): i32 {
  if (unit >= 0x20) {
    if (unit !== 0x22 && unit !== 0x5c) {
      putU8(out, unit);
      return out + 1;
    }
    putU8(out, 0x5c);
    putU8(out + 1, unit);
    return out + 2;
  }
  let letter = 0;
  if (unit === 8) letter = 98;
  else if (unit === 9) letter = 116;
  else if (unit === 10) letter = 110;
  else if (unit === 12) letter = 102;
  else if (unit === 13) letter = 114;
  if (letter === 0) return jsonEscape(out, unit);
  putU8(out, 0x5c);
  putU8(out + 1, letter);
  return out + 2;
}

/** `\uXXXX` */
function jsonEscape(out: i32, unit: i32): i32 {
  putU16(out, 0x755c);
  putU16(out + 2, getU16(HEX_LOWER + 2 * (unit >> 8)));
  putU16(out + 4, getU16(HEX_LOWER + 2 * (unit & 0xff)));
  return out + 6;
}

function loneSurrogate(out: i32, unit: i32, mode: i32): i32 {
  return mode === JSON_VALUE || mode === JSON_PART ? jsonEscape(out, unit) : threeBytes(out, 0xfffd);
}

function threeBytes(out: i32, unit: i32): i32 {
  putU8(out, 0xe0 | (unit >> 12));
  putU8(out + 1, 0x80 | ((unit >> 6) & 0x3f));
  putU8(out + 2, 0x80 | (unit & 0x3f));
  return out + 3;
}

function fourBytes(out: i32, code: i32): i32 {
  putU8(out, 0xf0 | (code >> 18));
  putU8(out + 1, 0x80 | ((code >> 12) & 0x3f));
  putU8(out + 2, 0x80 | ((code >> 6) & 0x3f));
  putU8(out + 3, 0x80 | (code & 0x3f));
  return out + 4;
}
