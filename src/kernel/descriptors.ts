import { inI32, putI32 } from './platform.ts';
import type { i32 } from './types.ts';
import { TYPE_BIN_XML } from './value.ts';

/**
 * Looks through value descriptors (u16 size, u8 type, u8 0; four bytes each) without keeping them, in JavaScript.
 * `wasm/descriptors.ts` is the same for WebAssembly.
 */

let slot = 0;
let documents = 0;

/** Bytes of the first `count` values. */
export function sizeOfValues(descriptors: i32, count: i32): i32 {
  let size = 0;
  for (let i = 0; i < count; i++) size += inI32(descriptors + 4 * i) & 0xffff;
  return size;
}

/** Bytes of all `count` values; {@link nestedCount} tells how many of them are nested documents, {@link nestedSlot} which one is. */
export function measuredValues(descriptors: i32, count: i32): i32 {
  let size = 0;
  documents = 0;
  for (let i = 0; i < count; i++) {
    const descriptor = inI32(descriptors + 4 * i);
    size += descriptor & 0xffff;
    if (((descriptor >> 16) & 0xff) !== TYPE_BIN_XML) continue;
    documents++;
    slot = i;
  }
  return size;
}

/**
 * Writes where each of `count` values begins to a table, at a multiple of sixteen; the first one is right behind the descriptors.
 * @returns where the last one ends; {@link nestedCount} tells how many are nested documents
 */
export function placedValues(descriptors: i32, count: i32, table: i32): i32 {
  let offset = descriptors + 4 * count;
  documents = 0;
  for (let i = 0; i < count; i++) {
    putI32(table + 4 * i, offset);
    const descriptor = inI32(descriptors + 4 * i);
    offset += descriptor & 0xffff;
    if (((descriptor >> 16) & 0xff) === TYPE_BIN_XML) documents++;
  }
  return offset;
}

export function nestedCount(): i32 {
  return documents;
}

/** The slot of the nested document among the values last measured, where it is the only one. */
export function nestedSlot(): i32 {
  return slot;
}
