import { inVector } from './platform';
import { TYPE_BIN_XML } from './value';

/** Looks through value descriptors without keeping them, four at a time. `../descriptors.ts` is the same for JavaScript. */

export const NO_SLOT = -1;
export const SEVERAL_SLOTS = -2;

let slot: i32 = NO_SLOT;

/** Four descriptors from the `first`-th on; those behind the last one are of no bytes. */
@inline
function four(descriptors: i32, first: i32, count: i32): v128 {
  const there = i32x4.gt_s(i32x4.splat(count - first), i32x4(0, 1, 2, 3));
  return v128.and(inVector(descriptors + 4 * first), there);
}

@inline
function sum(lanes: v128): i32 {
  const pairs = i32x4.add(lanes, v128.shuffle<i32>(lanes, lanes, 2, 3, 0, 1));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

export function sizeOfValues(descriptors: i32, count: i32): i32 {
  let sizes = i32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    sizes = i32x4.add(sizes, v128.and(four(descriptors, i, count), i32x4.splat(0xffff)));
  }
  return sum(sizes);
}

export function measuredValues(descriptors: i32, count: i32): i32 {
  let sizes = i32x4.splat(0);
  let documents = i32x4.splat(0);
  let places = i32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    const descriptor = four(descriptors, i, count);
    sizes = i32x4.add(sizes, v128.and(descriptor, i32x4.splat(0xffff)));
    const nested = i32x4.eq(v128.and(descriptor, i32x4.splat(0xff0000)), i32x4.splat(TYPE_BIN_XML << 16));
    documents = i32x4.sub(documents, nested);
    places = v128.or(places, v128.and(nested, i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3))));
  }
  const found = sum(documents);
  slot = found === 1 ? sum(places) : found === 0 ? NO_SLOT : SEVERAL_SLOTS;
  return sum(sizes);
}

@inline
export function nestedSlot(): i32 {
  return slot;
}
