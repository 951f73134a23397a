/** UTF-16LE text in bytes. One place, because the fastest way differs by length (measured on Node 20). */

/** Below this length, appending unit by unit beats filling an array first. */
const SHORT_UNITS = 24;
/** Arguments per fromCharCode call: well below every engine's argument limit. */
const UNITS_PER_CALL = 4096;

/**
 * The `units` UTF-16 code units at `offset`, unpaired surrogates included as they are.
 * The caller has checked the bounds.
 */
export function utf16Text(bytes: Uint8Array, offset: number, units: number): string {
  if (units <= SHORT_UNITS) {
    let text = '';
    for (let at = offset, end = offset + 2 * units; at < end; at += 2) {
      text += String.fromCharCode(bytes[at]! | (bytes[at + 1]! << 8));
    }
    return text;
  }
  let text = '';
  const codes = new Uint16Array(Math.min(units, UNITS_PER_CALL));
  for (let done = 0; done < units; ) {
    const count = Math.min(units - done, UNITS_PER_CALL);
    for (let i = 0, at = offset + 2 * done; i < count; i++, at += 2) codes[i] = bytes[at]! | (bytes[at + 1]! << 8);
    text += String.fromCharCode.apply(null, (count === codes.length ? codes : codes.subarray(0, count)) as never);
    done += count;
  }
  return text;
}

/** Code units before the first U+0000, at most `units`: a string value ends there. */
export function utf16Length(bytes: Uint8Array, offset: number, units: number): number {
  for (let i = 0, at = offset; i < units; i++, at += 2) {
    if (bytes[at] === 0 && bytes[at + 1] === 0) return i;
  }
  return units;
}

/** `text` as UTF-16LE bytes, without terminator. */
export function utf16Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(2 * text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    bytes[2 * i] = unit;
    bytes[2 * i + 1] = unit >>> 8;
  }
  return bytes;
}
