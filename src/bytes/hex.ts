const LOWER: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const UPPER: readonly string[] = LOWER.map((pair) => pair.toUpperCase());

/** Upper-case hex pairs without separators: how Windows renders binary data. */
export function hexUpper(bytes: Uint8Array, offset: number, size: number): string {
  let text = '';
  for (let at = offset, end = offset + size; at < end; at++) text += UPPER[bytes[at]!];
  return text;
}

/** Two lower-case hex digits of one byte. */
export function hexByte(byte: number): string {
  return LOWER[byte & 0xff]!;
}

/** An offset for a message, for example `0x1a40`. */
export function hexOffset(offset: number): string {
  return `0x${offset.toString(16)}`;
}
