import { inVector } from './platform';
import { TYPE_BIN_XML } from './value';

/** Looks through value descriptors without keeping them, four at a time. `../descriptors.ts` is the same for JavaScript. */

let slot: i32 = 0;
let documents: i32 = 0;

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

@inline
function isNested(descriptor: v128): v128 {
  return i32x4.eq(v128.and(descriptor, i32x4.splat(0xff0000)), i32x4.splat(TYPE_BIN_XML << 16));
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
  let found = i32x4.splat(0);
  let places = i32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    const descriptor = four(descriptors, i, count);
    sizes = i32x4.add(sizes, v128.and(descriptor, i32x4.splat(0xffff)));
    const nested = isNested(descriptor);
    found = i32x4.sub(found, nested);
    places = v128.or(places, v128.and(nested, i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3))));
  }
  documents = sum(found);
  slot = sum(places);
  return sum(sizes);
}

export function placedValues(descriptors: i32, count: i32, table: i32): i32 {
  let offset = i32x4.splat(descriptors + 4 * count);
  let found = i32x4.splat(0);
  for (let i = 0; i < count; i += 4) {
    const descriptor = four(descriptors, i, count);
    const size = v128.and(descriptor, i32x4.splat(0xffff));
    // Each lane plus those in front of it.
    const pairs = i32x4.add(size, v128.shuffle<i32>(size, i32x4.splat(0), 4, 0, 1, 2));
    const behind = i32x4.add(pairs, v128.shuffle<i32>(pairs, i32x4.splat(0), 4, 4, 0, 1));
    v128.store(table + 4 * i, i32x4.add(offset, i32x4.sub(behind, size)));
    offset = i32x4.add(offset, v128.shuffle<i32>(behind, behind, 3, 3, 3, 3));
    found = i32x4.sub(found, isNested(descriptor));
  }
  documents = sum(found);
  return i32x4.extract_lane(offset, 0);
}

@inline
export function nestedCount(): i32 {
  return documents;
}

@inline
export function nestedSlot(): i32 {
  return slot;
}
