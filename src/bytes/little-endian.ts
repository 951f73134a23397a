/** Little-endian integers at a byte offset. The caller has checked the bounds; a read past the end gives garbage. */

export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function u32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function i32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function u64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(u32(bytes, at + 4)) << 32n) | BigInt(u32(bytes, at));
}

export function i64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(i32(bytes, at + 4)) << 32n) | BigInt(u32(bytes, at));
}

/** A u64 as a double: exact below 2^53, else rounded. For ordering and progress, never for identity. */
export function u64Number(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 4) * 0x1_0000_0000 + u32(bytes, at);
}
