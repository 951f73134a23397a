/** The hash by which a chunk files its names and template definitions: `h = h * 65599 + unit`, modulo 2^32. */
const MULTIPLIER = 65_599;

/** Hash of a name's UTF-16 units. A name entry stores the low 16 bits; they also choose its bucket. */
export function nameHash(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, MULTIPLIER) + name.charCodeAt(i)) | 0;
  return hash >>> 0;
}

/** The same hash over bytes taken as u16 units: a GUID's 16 bytes choose the bucket of its template definition. */
export function unitsHash(bytes: Uint8Array, offset: number, units: number): number {
  let hash = 0;
  for (let at = offset, end = offset + 2 * units; at < end; at += 2) {
    hash = (Math.imul(hash, MULTIPLIER) + (bytes[at]! | (bytes[at + 1]! << 8))) | 0;
  }
  return hash >>> 0;
}
