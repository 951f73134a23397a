import { CHUNK_SIZE, ChunkHeaderOffset, FileHeaderOffset, HEADER_BLOCK_SIZE } from '../src/evtx/layout.ts';
import type { Random } from './random.ts';

/** Numbers at the edges of what sizes, counts, offsets and types can be. */
const EDGES: readonly number[] = [
  0, 1, 2, 3, 4, 7, 8, 24, 27, 28, 0x20, 0x7f, 0x80, 0x81, 0xff, 0x100, 0x1ff, 0x200, 0x7fff, 0x8000, 0xfff8, 0xffff,
  0x10000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
];
/** Token and type bytes of Binary XML. */
const TOKENS: readonly number[] = [
  0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x13, 0x21,
  0x41, 0x45, 0x46, 0x49, 0x81, 0x8e, 0x93, 0xa1,
];
const FILE_FIELDS = Object.values(FileHeaderOffset);
const CHUNK_FIELDS = Object.values(ChunkHeaderOffset);

/** Changes a log in a few places: fields of its headers, and anything inside its records. */
export function mutateLog(seed: Uint8Array, random: Random): Uint8Array {
  let bytes = seed.slice();
  const changes = 1 + random.below(6);
  for (let i = 0; i < changes; i++) {
    const inRecords =
      HEADER_BLOCK_SIZE + 0x200 + random.below(Math.max(1, Math.min(bytes.length - HEADER_BLOCK_SIZE - 0x204, 6000)));
    switch (random.below(9)) {
      case 0:
        putU32(bytes, random.pick(FILE_FIELDS), random.pick(EDGES));
        break;
      case 1: {
        const slot = random.below(Math.max(1, Math.floor((bytes.length - HEADER_BLOCK_SIZE) / CHUNK_SIZE)));
        putU32(bytes, HEADER_BLOCK_SIZE + slot * CHUNK_SIZE + random.pick(CHUNK_FIELDS), random.pick(EDGES));
        break;
      }
      case 2:
        putU32(bytes, inRecords & ~3, random.pick(EDGES));
        break;
      case 3:
        if (inRecords < bytes.length) bytes[inRecords] = random.pick(TOKENS);
        break;
      case 4:
        if (inRecords < bytes.length) bytes[inRecords]! ^= 1 << random.below(8);
        break;
      case 5: {
        // A chunk offset somewhere: names and definitions are found by these.
        putU32(bytes, inRecords, 0x200 + random.below(6000));
        break;
      }
      case 6: {
        const size = random.below(512);
        const from = random.below(Math.max(1, bytes.length - size));
        const to = random.below(Math.max(1, bytes.length - size));
        bytes.copyWithin(to, from, from + size);
        break;
      }
      case 7:
        bytes.fill(random.pick([0, 0xff]), inRecords, inRecords + random.below(256));
        break;
      default:
        if (random.below(4) === 0) bytes = bytes.slice(0, random.below(bytes.length));
    }
  }
  return bytes;
}

/** Changes bytes of any kind in a few places. */
export function mutateBytes(seed: Uint8Array, random: Random): Uint8Array {
  let bytes: Uint8Array = seed.slice();
  const changes = 1 + random.below(4);
  for (let i = 0; i < changes; i++) bytes = changeBytes(bytes, random);
  return bytes;
}

function changeBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const at = random.below(bytes.length + 1);
  switch (random.below(9)) {
    case 0:
      putU32(bytes, at & ~3, random.pick(EDGES));
      return bytes;
    case 1:
      putU16(bytes, at & ~1, random.pick(EDGES));
      return bytes;
    case 2:
      if (at < bytes.length) bytes[at] = random.pick(EDGES);
      return bytes;
    case 3:
      if (at < bytes.length) bytes[at]! ^= 1 << random.below(8);
      return bytes;
    case 4: {
      // A number a little off: counts, lengths, offsets.
      if (at < bytes.length) bytes[at] = bytes[at]! + random.below(5) - 2;
      return bytes;
    }
    case 5: {
      const size = random.below(Math.min(64, bytes.length + 1));
      bytes.copyWithin(at, random.below(bytes.length + 1 - size), bytes.length);
      return bytes;
    }
    case 6: {
      const inserted = Uint8Array.from({ length: 1 + random.below(16) }, () => random.next());
      return joined([bytes.subarray(0, at), inserted, bytes.subarray(at)]);
    }
    case 7:
      return joined([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + random.below(16)))]);
    default:
      return random.below(3) === 0 ? bytes.slice(0, at) : bytes;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Cuts bytes into pieces, as a network does. */
export function split(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const longest = random.pick([1, 3, 17, 600, 100_000]);
  for (let at = 0; at < bytes.length; ) {
    const size = 1 + random.below(longest);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

function putU16(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 2 && at + i < bytes.length; i++) bytes[at + i] = value >>> (8 * i);
}

function putU32(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4 && at + i < bytes.length; i++) bytes[at + i] = value >>> (8 * i);
}

const FRAGMENTS: readonly string[] = [
  '*',
  '[',
  ']',
  '(',
  ')',
  '/',
  '//',
  '@',
  'System',
  'EventID',
  '=',
  '!=',
  '<=',
  ' and ',
  ' or ',
  "'",
  '"',
  '4624',
  '0x',
  '-1',
  'not(',
  'band(',
  'timediff(',
  'position()',
  'text()',
  '::',
  ',',
  '&gt;',
  '<',
  '>',
  '<Select>',
  '</Select>',
  '<Query Id="0">',
  '<![CDATA[',
  ']]>',
  '<!--',
  '<!DOCTYPE x [<!ENTITY a "b">]>',
  '&a;',
  '\0',
  '\ud800',
  'é',
  '\n',
  '1e400',
  '.',
  '..',
];

/** Changes a query text: pieces of the language put in, taken out, doubled. */
export function mutateText(seed: string, random: Random): string {
  let text = seed;
  const changes = 1 + random.below(5);
  for (let i = 0; i < changes; i++) {
    const at = random.below(text.length + 1);
    const size = random.below(12);
    const piece = text.slice(at, at + size);
    switch (random.below(4)) {
      case 0:
        text = text.slice(0, at) + random.pick(FRAGMENTS) + text.slice(at);
        break;
      case 1:
        text = text.slice(0, at) + text.slice(at + size);
        break;
      case 2:
        text = text.slice(0, at) + piece.repeat(1 + random.below(40)) + text.slice(at);
        break;
      default:
        text = text.slice(0, at) + random.pick(FRAGMENTS) + text.slice(at + size);
    }
  }
  return text;
}
