import { ITEM_SIZES } from './layout.ts';
import {
  bool,
  fileTime,
  guid,
  hex32,
  hex64At,
  hexBytes,
  sid,
  sidSize,
  signed32,
  signed64At,
  systemTime,
  unsigned32,
  unsigned64At,
} from './numbers.ts';
import { getU8, inI32, inU8, inU16, putI32At, putU8 } from './platform.ts';
import { JSON_VALUE, UNUSUAL } from './program.ts';
import { ansi, text } from './text.ts';
import type { i32 } from './types.ts';

// Value types, as `binxml/value-type.ts` has them: WebAssembly's compiler wants plain constants.
export const TYPE_NULL = 0x00;
export const TYPE_STRING = 0x01;
export const TYPE_ANSI_STRING = 0x02;
export const TYPE_INT8 = 0x03;
export const TYPE_UINT8 = 0x04;
export const TYPE_INT16 = 0x05;
export const TYPE_UINT16 = 0x06;
export const TYPE_INT32 = 0x07;
export const TYPE_UINT32 = 0x08;
export const TYPE_INT64 = 0x09;
export const TYPE_UINT64 = 0x0a;
export const TYPE_BOOL = 0x0d;
export const TYPE_BINARY = 0x0e;
export const TYPE_GUID = 0x0f;
export const TYPE_SIZE_T = 0x10;
export const TYPE_FILE_TIME = 0x11;
export const TYPE_SYS_TIME = 0x12;
export const TYPE_SID = 0x13;
export const TYPE_HEX_INT32 = 0x14;
export const TYPE_HEX_INT64 = 0x15;
export const TYPE_BIN_XML = 0x21;
export const TYPE_ARRAY = 0x80;

/** Bytes that any value but text and binary data fits in. */
export const MAX_SCALAR = 256;

/** True for types whose JSON is not text in quotes. */
function isJsonNumber(type: i32): boolean {
  return (type >= TYPE_INT8 && type <= TYPE_UINT64) || type === TYPE_BOOL;
}

/**
 * A single value as `mode` says. The caller has made room: {@link MAX_SCALAR} bytes, and six for each of its own.
 * @returns the address behind, or UNUSUAL for what the plain renderer has to do: reals, ANSI text beyond ASCII,
 *   markup, arrays
 */
export function value(out: i32, type: i32, at: i32, size: i32, mode: i32): i32 {
  if (type === TYPE_STRING) {
    if (mode !== JSON_VALUE) return text(out, at, size >> 1, mode, true);
    putU8(out, 34);
    const next = text(out + 1, at, size >> 1, mode, true);
    putU8(next, 34);
    return next + 1;
  }
  if (type === TYPE_ANSI_STRING) {
    if (mode !== JSON_VALUE) return ansi(out, at, size, mode);
    putU8(out, 34);
    const next = ansi(out + 1, at, size, mode);
    if (next < 0) return next;
    putU8(next, 34);
    return next + 1;
  }
  if (type >= 0x40) return UNUSUAL;
  if (size < getU8(ITEM_SIZES + type)) return quotedHex(out, at, size, mode);
  if (mode !== JSON_VALUE || isJsonNumber(type)) return scalar(out, type, at, size);
  if (type === TYPE_BINARY && size === 0) {
    putI32At(out, 0x6c6c756e); // null
    return out + 4;
  }
  putU8(out, 34);
  const next = scalar(out + 1, type, at, size);
  if (next < 0) return next;
  putU8(next, 34);
  return next + 1;
}

function quotedHex(out: i32, at: i32, size: i32, mode: i32): i32 {
  if (mode !== JSON_VALUE) return hexBytes(out, at, size);
  putU8(out, 34);
  const next = hexBytes(out + 1, at, size);
  putU8(next, 34);
  return next + 1;
}

function scalar(out: i32, type: i32, at: i32, size: i32): i32 {
  switch (type) {
    case TYPE_NULL:
      return out;
    case TYPE_INT8:
      return signed32(out, (inU8(at) << 24) >> 24);
    case TYPE_UINT8:
      return signed32(out, inU8(at));
    case TYPE_INT16:
      return signed32(out, (inU16(at) << 16) >> 16);
    case TYPE_UINT16:
      return signed32(out, inU16(at));
    case TYPE_INT32:
      return signed32(out, inI32(at));
    case TYPE_UINT32:
      return unsigned32(out, inI32(at));
    case TYPE_INT64:
      return signed64At(out, at);
    case TYPE_UINT64:
      return unsigned64At(out, at);
    case TYPE_BOOL:
      return bool(out, at);
    case TYPE_BINARY:
      return hexBytes(out, at, size);
    case TYPE_GUID:
      return guid(out, at);
    case TYPE_SIZE_T:
      if (size < 4) return hexBytes(out, at, size);
      return size >= 8 ? hex64At(out, at) : hex32(out, inI32(at));
    case TYPE_FILE_TIME:
      return fileTime(out, at);
    case TYPE_SID: {
      const need = sidSize(at, size);
      return need < 0 ? hexBytes(out, at, size) : sid(out, at, need);
    }
    case TYPE_HEX_INT32:
      return hex32(out, inI32(at));
    case TYPE_HEX_INT64:
      return hex64At(out, at);
    case TYPE_SYS_TIME:
      return systemTime(out, at);
    default:
      return UNUSUAL;
  }
}

/** Item type of an array; -1 for what only looks like one and is shown as binary data. */
export function itemTypeOf(type: i32): i32 {
  const item = type & 0x7f;
  return item === TYPE_BINARY || item === TYPE_BIN_XML || item === TYPE_NULL || item >= 0x40 ? -1 : item;
}

/** Bytes of the array item at `at`, of `left` bytes that are left; -1 at the end; UNUSUAL - 1 for items nobody can tell apart. */
export function itemSize(type: i32, at: i32, left: i32, size: i32): i32 {
  if (type === TYPE_STRING) {
    if (left < 2) return -1;
    let units = 0;
    const most = left >> 1;
    while (units < most && inU16(at + 2 * units) !== 0) units++;
    return 2 * units;
  }
  if (type === TYPE_SID) return sidSize(at, left);
  let fixed = getU8(ITEM_SIZES + type);
  if (type === TYPE_SIZE_T) fixed = size % 8 === 0 ? 8 : 4;
  if (fixed === 0) return UNUSUAL - 1;
  return left < fixed ? -1 : fixed;
}

/** Bytes from one array item to the next. */
export function itemStride(type: i32, size: i32): i32 {
  return type === TYPE_STRING ? size + 2 : size;
}
