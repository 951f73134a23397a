import { INPUT, MEMORY_SIZE, SLOT_STRIDE } from './layout.ts';
import { JSON_PART, JSON_VALUE, XML_ATTRIBUTE } from './program.ts';
import type { f64, i32 } from './types.ts';

/**
 * Memory as the executor sees it, in JavaScript. `wasm/platform.ts` is the same for WebAssembly.
 *
 * One block per thread, in constants: the compiler then knows where it lies, which makes every access cheaper. The chunk at
 * hand is copied into it; its addresses are chunk offsets. The caller checks bounds.
 */

export const MEMORY = new ArrayBuffer(MEMORY_SIZE + SLOT_STRIDE);
export const MEMORY_SLOTS = 1;
const U8 = new Uint8Array(MEMORY);
const U16 = new Uint16Array(MEMORY);
const I32 = new Int32Array(MEMORY);
const F64 = new Float64Array(MEMORY);
const VIEW = new DataView(MEMORY);
let size = 0;

/** The chunk that the following calls read. */
export function useInput(bytes: Uint8Array): void {
  size = bytes.length;
  U8.set(bytes, INPUT);
}

/** Bytes of the chunk. */
export function inputSize(): i32 {
  return size;
}

export function inU8(at: i32): i32 {
  return U8[INPUT + at]!;
}

export function inU16(at: i32): i32 {
  return VIEW.getUint16(INPUT + at, true);
}

/** 32 bits as they are: the highest one makes it negative. */
export function inI32(at: i32): i32 {
  return VIEW.getInt32(INPUT + at, true);
}

/** 32 bits, unsigned. */
export function inF64(at: i32): f64 {
  return VIEW.getUint32(INPUT + at, true);
}

export function getI32(address: i32): i32 {
  return I32[address >> 2]!;
}

export function putI32(address: i32, value: i32): void {
  I32[address >> 2] = value;
}

/** At a multiple of eight. */
export function getF64(address: i32): f64 {
  return F64[address >> 3]!;
}

export function getU8(address: i32): i32 {
  return U8[address]!;
}

export function putU8(address: i32, value: i32): void {
  U8[address] = value;
}

/** At an even address. */
export function getU16(address: i32): i32 {
  return U16[address >> 1]!;
}

export function putU16(address: i32, value: i32): void {
  VIEW.setInt16(address, value, true);
}

export function putI32At(address: i32, value: i32): void {
  VIEW.setInt32(address, value, true);
}

/** True when the bytes at `address` are those at chunk offset `at`. */
export function sameBytes(address: i32, at: i32, size: i32): boolean {
  let i = 0;
  for (; i + 4 <= size; i += 4)
    if (VIEW.getInt32(address + i, true) !== VIEW.getInt32(INPUT + at + i, true)) return false;
  for (; i < size; i++) if (U8[address + i] !== U8[INPUT + at + i]) return false;
  return true;
}

/** Copies bytes of the chunk to where they stay. */
export function keepInput(to: i32, at: i32, size: i32): void {
  U8.copyWithin(to, INPUT + at, INPUT + at + size);
}

/** Moves bytes one place down. */
export function moveDown(from: i32, to: i32): void {
  U8.copyWithin(from - 1, from, to);
}

export function toI32(value: f64): i32 {
  return value | 0;
}

export function toF64(value: i32): f64 {
  return value;
}

export function leadingZeros(value: i32): i32 {
  return Math.clz32(value);
}

export function floor(value: f64): f64 {
  return Math.floor(value);
}

/** Copies a few bytes that stand before `to`. */
export function copyBytes(to: i32, from: i32, size: i32): void {
  for (let i = 0; i < size; i++) U8[to + i] = U8[from + i]!;
}

/** Copies constant text, a multiple of eight bytes at least as long. It is UTF-8, which no word of spells a NaN. */
export function copyText(to: i32, from: i32, size: i32): void {
  let done = 0;
  do {
    VIEW.setFloat64(to + done, F64[(from + done) >> 3]!, true);
    done += 8;
  } while (done < size);
}

const ASCII_ONLY = -8_323_200; // 0xff80ff80
const HIGH_BITS = -2_139_062_144; // 0x80808080
const LOW_BITS = 0x01010101;
const BLANKS = 0x20202020;

/** A set bit in some byte of the result: some byte of `word` is zero. */
function zeroByte(word: i32): i32 {
  return (word - LOW_BITS) & ~word & HIGH_BITS;
}

/** Not zero when one of four ASCII characters may need more than copying. */
function suspicious(four: i32, mode: i32): i32 {
  const control = ((four - BLANKS) | 0) & ~four & HIGH_BITS;
  // 0xfa leaves & ' " and # alike, 0xfd < and >.
  if (mode === JSON_VALUE || mode === JSON_PART)
    return control | zeroByte(four ^ 0x22222222) | zeroByte(four ^ 0x5c5c5c5c);
  const angle = zeroByte((four & -33_686_019) ^ 0x3c3c3c3c);
  if (mode === XML_ATTRIBUTE) return control | angle | zeroByte((four & -84_215_046) ^ 0x22222222);
  return control | angle | zeroByte(four ^ 0x26262626);
}

/** True for an ASCII character that is written as it is. */
function isPlain(unit: i32, mode: i32): boolean {
  if (unit < 0x20 || unit > 0x7f) return false;
  if (mode === JSON_VALUE || mode === JSON_PART) return unit !== 0x22 && unit !== 0x5c;
  if (unit === 0x26 || unit === 0x3c || unit === 0x3e) return false;
  return mode !== XML_ATTRIBUTE || (unit !== 0x22 && unit !== 0x27);
}

/** Writes the UTF-16 units at chunk offset `at` as they are, up to the first that needs more. @returns how many */
export function copyPlain(to: i32, at: i32, units: i32, mode: i32): i32 {
  let done = 0;
  while (done + 4 <= units) {
    const from = INPUT + at + 2 * done;
    const a = VIEW.getInt32(from, true);
    const b = VIEW.getInt32(from + 4, true);
    if (((a | b) & ASCII_ONLY) !== 0) break;
    const four = ((a | (a >>> 8)) & 0xffff) | ((b | (b >>> 8)) << 16);
    if (suspicious(four, mode) !== 0) break;
    VIEW.setInt32(to + done, four, true);
    done += 4;
  }
  while (done < units) {
    const unit = VIEW.getUint16(INPUT + at + 2 * done, true);
    if (!isPlain(unit, mode)) break;
    U8[to + done] = unit;
    done++;
  }
  return done;
}

/** Writes the bytes of ASCII text at chunk offset `at` as they are, up to the first that needs more. @returns how many */
export function copyPlainBytes(to: i32, at: i32, size: i32, mode: i32): i32 {
  let done = 0;
  while (done < size) {
    const unit = U8[INPUT + at + done]!;
    if (!isPlain(unit, mode)) break;
    U8[to + done] = unit;
    done++;
  }
  return done;
}

/**
 * Writes the UTF-16 units at chunk offset `at`, as far as they are letters, digits and signs that a name of XML may have behind its
 * beginning. @returns how many
 */
export function copyNamePart(to: i32, at: i32, units: i32): i32 {
  let done = 0;
  while (done < units) {
    const unit = VIEW.getUint16(INPUT + at + 2 * done, true);
    const lower = unit | 0x20;
    if (!((lower >= 97 && lower <= 122 && unit < 128) || (unit >= 48 && unit <= 58))) {
      if (unit !== 45 && unit !== 46 && unit !== 95) break;
    }
    U8[to + done] = unit;
    done++;
  }
  return done;
}
