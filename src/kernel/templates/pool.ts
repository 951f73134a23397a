import {
  DRAFT,
  DRAFT_TEXT,
  DRAFT_TEXT_SIZE,
  MAX_TEXT_CHAIN,
  POOL,
  POOL_FREE,
  POOL_SIZE,
  TEXT_ALIGNMENT,
  TEXT_CHAINS,
  TEXT_HASH,
  TEXT_NEXT,
  TEXT_SIZE,
  TEXTS,
} from '../layout.ts';
import { decimal } from '../numbers.ts';
import { copyText, getI32, getU8, putI32, putU8 } from '../platform.ts';
import type { i32 } from '../types.ts';

/**
 * The memory of what is learned. A text is in it once, so that its address tells it from others: templates have most of theirs in
 * common. `memory.ts` does the same from outside.
 */

/** Room for the longest number, and for what is copied in words. */
const ROOM = 64;

// The text at hand: its size, or more than there is room for.
let size = 0;

/** Room for so many bytes. @param alignment a power of two @returns its address; 0 when there is none */
export function take(bytes: i32, alignment: i32): i32 {
  const address = (getI32(POOL_FREE) + alignment - 1) & -alignment;
  if (address + bytes > POOL + POOL_SIZE) return 0;
  putI32(POOL_FREE, address + bytes);
  return address;
}

/** Puts the first bytes of the draft into the pool. @returns their address; 0 when there is no room */
export function keptDraft(bytes: i32): i32 {
  const address = take(bytes, 8);
  if (address !== 0) for (let i = 0; i < bytes; i += 4) putI32(address + i, getI32(DRAFT + i));
  return address;
}

export function beginText(): void {
  size = 0;
}

/** The text at hand is so long: its bytes have been written to where it lies. */
export function setTextSize(bytes: i32): void {
  size = bytes;
}

export function textSize(): i32 {
  return size;
}

/** True when the text at hand was cut off. */
export function isTooLong(): boolean {
  return size > DRAFT_TEXT_SIZE - ROOM;
}

export function addByte(byte: i32): void {
  if (isTooLong()) return;
  putU8(DRAFT_TEXT + size, byte);
  size++;
}

/** Adds a text of the pool. */
export function addText(text: i32): void {
  const more = getI32(text + TEXT_SIZE);
  if (size + more > DRAFT_TEXT_SIZE - ROOM) {
    size = DRAFT_TEXT_SIZE;
    return;
  }
  copyText(DRAFT_TEXT + size, text, more);
  size += more;
}

export function addNumber(number: i32): void {
  if (!isTooLong()) size = decimal(DRAFT_TEXT + size, number) - DRAFT_TEXT;
}

/** Puts the text at hand into the pool, unless it is there. @returns its address; 0 when there is no room */
export function constant(): i32 {
  let hash = 0;
  for (let i = 0; i < size; i++) hash = ((hash << 5) - hash + getU8(DRAFT_TEXT + i)) | 0;
  const chain = TEXTS + 4 * (hash & (TEXT_CHAINS - 1));
  let text = getI32(chain);
  let others = 0;
  while (text !== 0) {
    if (getI32(text + TEXT_HASH) === hash && getI32(text + TEXT_SIZE) === size && isAtHand(text)) return text;
    others++;
    if (others > MAX_TEXT_CHAIN) return 0;
    text = getI32(text + TEXT_NEXT);
  }
  const room = (size + TEXT_ALIGNMENT) & -TEXT_ALIGNMENT;
  text = take(TEXT_ALIGNMENT + room, TEXT_ALIGNMENT);
  if (text === 0) return 0;
  text += TEXT_ALIGNMENT;
  putI32(text + TEXT_NEXT, getI32(chain));
  putI32(text + TEXT_HASH, hash);
  putI32(text + TEXT_SIZE, size);
  // What is copied with its end must spell nothing.
  for (let i = 0; i < TEXT_ALIGNMENT; i++) putU8(DRAFT_TEXT + size + i, 0);
  for (let i = size & -4; i < room; i += 4) putI32(text + i, 0);
  copyText(text, DRAFT_TEXT, size);
  putI32(chain, text);
  return text;
}

function isAtHand(text: i32): boolean {
  let i = 0;
  for (; i + 4 <= size; i += 4) if (getI32(text + i) !== getI32(DRAFT_TEXT + i)) return false;
  for (; i < size; i++) if (getU8(text + i) !== getU8(DRAFT_TEXT + i)) return false;
  return true;
}
