import { hexByte } from './hex.ts';

/** Byte order of a GUID in memory: the first three fields are little-endian. */
const ORDER: readonly number[] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** Bytes of a GUID. */
export const GUID_SIZE = 16;

/** The GUID at `offset` as 8-4-4-4-12 lower-case digits, without braces. */
export function guidText(bytes: Uint8Array, offset: number): string {
  let text = '';
  for (let i = 0; i < GUID_SIZE; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
    text += hexByte(bytes[offset + ORDER[i]!]!);
  }
  return text;
}

const GUID_FORM = /^\{?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\}?$/i;

/** The 16 bytes of a GUID in text, with or without braces; undefined when it is none. */
export function guidBytes(text: string): Uint8Array | undefined {
  const match = GUID_FORM.exec(text);
  if (match === null || text.startsWith('{') !== text.endsWith('}')) return undefined;
  const digits = match.slice(1).join('');
  const bytes = new Uint8Array(GUID_SIZE);
  for (let i = 0; i < GUID_SIZE; i++) bytes[ORDER[i]!] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
