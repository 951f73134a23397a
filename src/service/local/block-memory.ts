/** Memory that walks through logs use again: to ask for megabytes for each query, and to collect them, costs pauses. */

/** Memory of blocks that nobody points into, of logs that were closed, the smallest first. */
const spare: Uint8Array[] = [];
const MAX_SPARE = 3;

/** Memory for a block: one of `free`, if there is any that is large enough, or that of a closed log. */
export function takeBlock(free: Uint8Array[], size: number): Uint8Array {
  for (const some of [free, spare]) {
    const fitting = some.findIndex(({ buffer }) => buffer.byteLength >= size);
    if (fitting >= 0) return new Uint8Array(some.splice(fitting, 1)[0]!.buffer, 0, size);
  }
  return new Uint8Array(size);
}

/** Blocks of a log that is closed: others may have them. */
export function giveBlocks(blocks: readonly Uint8Array[]): void {
  // The largest are worth most: those of short logs would soon be all there is.
  spare.push(...blocks);
  spare.sort((a, b) => a.buffer.byteLength - b.buffer.byteLength);
  spare.splice(0, spare.length - MAX_SPARE);
}

/** Offsets of some fifty chunks share their memory: to ask for that of each, and to collect it, costs as much as finding them. */
const KEPT_OFFSETS = 4096;
let kept = new Int32Array(KEPT_OFFSETS);
let keptCount = 0;

/** A copy of a chunk's offsets, which stays as it is. */
export function keepOffsets(offsets: Int32Array): Int32Array {
  if (keptCount + offsets.length > KEPT_OFFSETS) {
    kept = new Int32Array(KEPT_OFFSETS);
    keptCount = 0;
  }
  const copy = kept.subarray(keptCount, keptCount + offsets.length);
  copy.set(offsets);
  keptCount += offsets.length;
  return copy;
}
