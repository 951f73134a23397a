import { SecurityError } from './security-context.ts';

/** As much of DER as SPNEGO needs: short tags, definite lengths. */

export interface DerItem {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag and length included. */
  readonly bytes: Uint8Array;
}

const LONG_TAG = 0x1f;
const LONG_LENGTH = 0x80;
const MAX_LENGTH_BYTES = 3;

function malformed(what: string): SecurityError {
  return new SecurityError('malformed', `SPNEGO: ${what}`);
}

/** The item that begins here. @throws SecurityError malformed */
export function readItem(bytes: Uint8Array, at: number): { readonly item: DerItem; readonly end: number } {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & LONG_TAG) === LONG_TAG) throw malformed('no item');
  let length = first;
  let start = at + 2;
  if (first >= LONG_LENGTH) {
    const count = first - LONG_LENGTH;
    if (count === 0 || count > MAX_LENGTH_BYTES) throw malformed('a length of another form');
    length = 0;
    for (const byte of bytes.subarray(start, start + count)) length = length * 256 + byte;
    start += count;
  }
  const end = start + length;
  if (end > bytes.length) throw malformed('an item is cut off');
  return { item: { tag, content: bytes.subarray(start, end), bytes: bytes.subarray(at, end) }, end };
}

/** The one item that bytes hold. @throws SecurityError malformed, also when its tag is another */
export function onlyItem(bytes: Uint8Array, tag: number): DerItem {
  const { item } = readItem(bytes, 0);
  if (item.tag !== tag) throw malformed(`tag ${item.tag} where ${tag} must be`);
  return item;
}

/** All items in bytes. @throws SecurityError malformed */
export function readItems(bytes: Uint8Array): DerItem[] {
  const items: DerItem[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { item, end } = readItem(bytes, at);
    items.push(item);
    at = end;
  }
  return items;
}

/** An item of parts. */
export function derItem(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head =
    length < LONG_LENGTH
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return new Uint8Array(Buffer.concat([Uint8Array.from(head), content]));
}
