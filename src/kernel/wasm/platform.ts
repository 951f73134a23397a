import { INPUT } from './layout';
import { JSON_PART, JSON_VALUE, XML_ATTRIBUTE } from './program';

/**
 * Memory as the executor sees it, in WebAssembly (AssemblyScript). `../platform.ts` is the same for JavaScript.
 *
 * One memory: the chunk at hand lies at `input` in it, so that its addresses are chunk offsets here, too. Reads up to
 * 65,535 bytes past its end stay inside.
 */

let input: i32 = INPUT;
let size: i32 = 0;

/** The chunk that the following calls read. */
export function useInput(address: i32, bytes: i32): void {
  input = address;
  size = bytes;
}

@inline
export function inputSize(): i32 {
  return size;
}

@inline
export function inU8(at: i32): i32 {
  return load<u8>(input + at);
}

@inline
export function inU16(at: i32): i32 {
  return load<u16>(input + at);
}

@inline
export function inI32(at: i32): i32 {
  return load<i32>(input + at);
}

@inline
export function inF64(at: i32): f64 {
  return <f64>load<u32>(input + at);
}

/** Sixteen bytes of the chunk. */
@inline
export function inVector(at: i32): v128 {
  return v128.load(input + at);
}

@inline
export function getI32(address: i32): i32 {
  return load<i32>(address);
}

@inline
export function putI32(address: i32, value: i32): void {
  store<i32>(address, value);
}

@inline
export function getF64(address: i32): f64 {
  return load<f64>(address);
}

@inline
export function getU8(address: i32): i32 {
  return load<u8>(address);
}

@inline
export function putU8(address: i32, value: i32): void {
  store<u8>(address, value);
}

@inline
export function getU16(address: i32): i32 {
  return load<u16>(address);
}

@inline
export function putU16(address: i32, value: i32): void {
  store<u16>(address, value);
}

@inline
export function putI32At(address: i32, value: i32): void {
  store<i32>(address, value);
}

/** True when the bytes at `address` are those at chunk offset `at`. */
export function sameBytes(address: i32, at: i32, size: i32): bool {
  const from = input + at;
  let i = 0;
  for (; i + 16 <= size; i += 16) {
    if (v128.any_true(v128.xor(v128.load(address + i), v128.load(from + i)))) return false;
  }
  if (i >= size) return true;
  // What lies behind them is compared, too, and does not count.
  const same = i8x16.bitmask(i8x16.eq(v128.load(address + i), v128.load(from + i)));
  return ((same | (-1 << (size - i))) & 0xffff) === 0xffff;
}

/** Copies bytes of the chunk to where they stay. */
export function keepInput(to: i32, at: i32, size: i32): void {
  memory.copy(to, input + at, size);
}

/** Moves bytes one place down. */
export function moveDown(from: i32, to: i32): void {
  memory.copy(from - 1, from, to - from);
}

@inline
export function toI32(value: f64): i32 {
  return <i32>value;
}

@inline
export function toF64(value: i32): f64 {
  return <f64>value;
}

@inline
export function leadingZeros(value: i32): i32 {
  return i32.clz(value);
}

@inline
export function floor(value: f64): f64 {
  return f64.floor(value);
}

/** Copies a few bytes that stand before `to`. */
export function copyBytes(to: i32, from: i32, size: i32): void {
  copyText(to, from, size);
}

/** Copies constant text, which has room for whole vectors on both sides. */
@inline
export function copyText(to: i32, from: i32, size: i32): void {
  let done = 0;
  do {
    v128.store(to + done, v128.load(from + done));
    done += 16;
  } while (done < size);
}

/** Bytes of characters that are not written as they are; what is beyond ASCII has come out as 0x80 or more. */
@inline
function special(packed: v128, mode: i32): v128 {
  // As signed bytes, control characters and all beyond ASCII are below the blank.
  let found = i8x16.lt_s(packed, i8x16.splat(0x20));
  if (mode === JSON_VALUE || mode === JSON_PART) {
    found = v128.or(found, i8x16.eq(packed, i8x16.splat(0x22)));
    return v128.or(found, i8x16.eq(packed, i8x16.splat(0x5c)));
  }
  found = v128.or(found, i8x16.eq(packed, i8x16.splat(0x26)));
  // < and > differ in one bit.
  found = v128.or(found, i8x16.eq(v128.and(packed, i8x16.splat(-3)), i8x16.splat(0x3c)));
  if (mode === XML_ATTRIBUTE) {
    found = v128.or(found, i8x16.eq(packed, i8x16.splat(0x22)));
    found = v128.or(found, i8x16.eq(packed, i8x16.splat(0x27)));
  }
  return found;
}

/** How many of sixteen characters can stay: up to the first of `found`, and no more than are `left`. */
@inline
function staying(found: i32, left: i32): i32 {
  return i32.ctz(found | (1 << (left < 16 ? left : 16)));
}

/** Writes the UTF-16 units at chunk offset `at` as they are, up to the first that needs more. @returns how many */
@inline
export function copyPlain(to: i32, at: i32, units: i32, mode: i32): i32 {
  let from = input + at;
  let done = 0;
  while (done < units) {
    // Saturating: every unit beyond 0xff becomes 0xff, and those of 0x8000 and more, which are negative, 0; see below.
    const packed = i8x16.narrow_i16x8_u(v128.load(from), v128.load(from, 16));
    // What lies behind the text is read and written with it, and not counted.
    v128.store(to + done, packed);
    const plain = staying(i8x16.bitmask(special(packed, mode)), units - done);
    done += plain;
    if (plain < 16) break;
    from += 32;
  }
  return done;
}

/** Writes the bytes of ASCII text at chunk offset `at` as they are, up to the first that needs more. @returns how many */
export function copyPlainBytes(to: i32, at: i32, size: i32, mode: i32): i32 {
  let from = input + at;
  let done = 0;
  while (done < size) {
    const packed = v128.load(from);
    // What lies behind the text is read and written with it, and not counted.
    v128.store(to + done, packed);
    const plain = staying(i8x16.bitmask(special(packed, mode)), size - done);
    done += plain;
    if (plain < 16) break;
    from += 16;
  }
  return done;
}

/**
 * Writes the UTF-16 units at chunk offset `at`, as far as they are letters, digits and signs that a name of XML may have behind its
 * beginning. @returns how many
 */
export function copyNamePart(to: i32, at: i32, units: i32): i32 {
  let from = input + at;
  let done = 0;
  while (done < units) {
    // Saturating: what is beyond 0xff becomes 0xff, and what is negative 0: neither is in a name.
    const packed = i8x16.narrow_i16x8_u(v128.load(from), v128.load(from, 16));
    const lower = i8x16.sub(v128.or(packed, i8x16.splat(0x20)), i8x16.splat(0x61));
    let good = i8x16.lt_u(lower, i8x16.splat(26));
    // 0 to 9, and the colon behind them.
    good = v128.or(good, i8x16.lt_u(i8x16.sub(packed, i8x16.splat(0x30)), i8x16.splat(11)));
    // - and . stand side by side.
    good = v128.or(good, i8x16.lt_u(i8x16.sub(packed, i8x16.splat(0x2d)), i8x16.splat(2)));
    good = v128.or(good, i8x16.eq(packed, i8x16.splat(0x5f)));
    v128.store(to + done, packed);
    const plain = staying(~i8x16.bitmask(good), units - done);
    done += plain;
    if (plain < 16) break;
    from += 32;
  }
  return done;
}
