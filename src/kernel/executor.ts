import { nestedCount, placedValues } from './descriptors.ts';
import { countOf, descriptorsOf, openInstance } from './instance.ts';
import {
  LINE_TIME,
  MAX_DEPTH,
  MISSING_AT,
  MISSING_END,
  TEMPLATE_ROOT_NAME,
  TEMPLATE_SIZE,
  TEMPLATE_TIME,
  TEMPLATES,
  VALUES,
  VALUES_SIZE,
} from './layout.ts';
import { decimal } from './numbers.ts';
import { copyText, getI32, getU8, inI32, inU8, moveDown, putI32, putI32At, putU8, putU16 } from './platform.ts';
import {
  FLAG_ATTRIBUTE,
  FLAG_KEEPS_EMPTY,
  FLAG_NEEDED,
  FLAG_NO_ARRAY,
  FLAG_OPTIONAL,
  FORMAT_JSON,
  FULL,
  JSON_VALUE,
  MISSING,
  OP_CLOSE,
  OP_CLOSE_OR_NULL,
  OP_END,
  OP_FIELD,
  OP_GATHER,
  OP_GATHER_END,
  OP_GATHERED,
  OP_GATHERED_TEXT,
  OP_IF_ALL_NULL,
  OP_IF_NULL,
  OP_JUMP,
  OP_MEMBER,
  OP_NESTED_MEMBERS,
  OP_NO_ARRAY,
  OP_REPEAT,
  OP_REPEAT_END,
  OP_TEXT,
  OP_TEXT_MEMBER,
  OP_VALUE,
  UNUSUAL,
  XML_ATTRIBUTE,
  XML_TEXT,
} from './program.ts';
import { position, rootNumber, streamed } from './stream.ts';
import { compiled } from './templates/compiler.ts';
import { forgetHidden, hidden, text } from './text.ts';
import { END_OF_FRAGMENT, FRAGMENT_HEADER, opensElement, TEMPLATE_INSTANCE } from './token.ts';
import type { i32 } from './types.ts';
import {
  itemSize,
  itemStride,
  itemTypeOf,
  MAX_SCALAR,
  TYPE_ARRAY,
  TYPE_BIN_XML,
  TYPE_FILE_TIME,
  TYPE_NULL,
  TYPE_STRING,
  value,
} from './value.ts';

/**
 * Runs a template's program on the values of a record, straight to bytes.
 *
 * Whatever is not plainly in order ends with {@link UNUSUAL} and nothing decided: the plain renderer, which is the
 * definition, then writes the event or says what is damaged. So every check here may be stricter than it, and none laxer.
 */

/** Most items of an array that are written here: an event may grow to 16 MiB, and more would have to be counted. */
const MAX_ITEMS = 1024;
/** Bytes behind the end of texts that one event may have: the plain renderer counts them, and what is written here not. */
const MAX_HIDDEN = 1024 * 1024;

// The root name of the document just written, and the end of the output.
let rootName = 0;
let limit = 0;

export function setLimit(address: i32): void {
  limit = address;
}

/**
 * A document of one template instance or one element, as a member of an object in JSON. Empty for a document of no bytes.
 * @returns the address behind what was written, or a negative reason
 */
export function document(out: i32, from: i32, end: i32, depth: i32, format: i32): i32 {
  let at = from;
  rootName = 0;
  if (at < end && inU8(at) === FRAGMENT_HEADER) at += 4;
  if (at >= end) return at === from ? out : UNUSUAL;
  const token = inU8(at);
  if (opensElement(token)) {
    const next = streamed(out, at, end, format === FORMAT_JSON, depth > 0, limit);
    if (next < 0) return next;
    if (position() < end && inU8(position()) !== END_OF_FRAGMENT) return UNUSUAL;
    rootName = rootNumber(at, end);
    return next;
  }
  if (token !== TEMPLATE_INSTANCE || depth >= MAX_DEPTH) return UNUSUAL;
  const template = openInstance(at, end);
  if (template < 0) return template;
  const entry = TEMPLATES + TEMPLATE_SIZE * template;
  let program = getI32(entry + 4 * format);
  if (program < 0) {
    program = compiled(template, format);
    if (program === MISSING) {
      putI32(MISSING_AT, at);
      putI32(MISSING_END, end);
    }
    if (program < 0) return program;
  }
  if (program === 0) return UNUSUAL;
  const descriptors = descriptorsOf();
  const count = countOf();
  const values = VALUES + VALUES_SIZE * depth;
  const behind = placedValues(descriptors, count, values);
  const nested = nestedCount();
  if (behind > end || (behind < end && inU8(behind) !== END_OF_FRAGMENT)) return UNUSUAL;
  if (depth === 0) noteTime(getI32(entry + TEMPLATE_TIME), descriptors, count);
  const next = run(program, out, descriptors, count, depth, nested, format);
  rootName = getI32(entry + TEMPLATE_ROOT_NAME);
  return next;
}

/** Keeps the record's time, for who must order lines by it. */
function noteTime(slot: i32, descriptors: i32, count: i32): void {
  if (slot < 0 || slot >= count) return;
  const descriptor = inI32(descriptors + 4 * slot);
  if (((descriptor >> 16) & 0xff) !== TYPE_FILE_TIME || (descriptor & 0xffff) < 8) return;
  const at = getI32(VALUES + 4 * slot);
  putI32(LINE_TIME, inI32(at));
  putI32(LINE_TIME + 4, inI32(at + 4));
}

/** @param nestedCount how many of the values are nested documents */
function run(program: i32, start: i32, descriptors: i32, count: i32, depth: i32, nestedCount: i32, format: i32): i32 {
  const values = VALUES + VALUES_SIZE * depth;
  let out = start;
  let pc = program;
  let nested = 0;
  // The array that is being repeated for, and its item at hand.
  let loopSlot = -1;
  let loopType = 0;
  let loopAt = 0;
  let loopSize = 0;
  let loopEnd = 0;
  let loopItem = 0;
  let loopStart = 0;
  // Where the gathered member begins, and how many values it has.
  let gatherAt = 0;
  let gatherText = 0;
  let gathered = 0;
  while (true) {
    switch (getI32(pc)) {
      case OP_TEXT: {
        const size = getI32(pc + 8);
        if (out + size > limit) return FULL;
        copyText(out, getI32(pc + 4), size);
        out += size;
        pc += 12;
        break;
      }
      case OP_FIELD: {
        const slot = getI32(pc + 4);
        const flags = getI32(pc + 24);
        const descriptor = inI32(descriptors + 4 * slot);
        const type = (descriptor >> 16) & 0xff;
        if (type === TYPE_NULL && (flags & FLAG_OPTIONAL) !== 0) {
          pc += 28;
          break;
        }
        const before = getI32(pc + 8);
        const beforeSize = getI32(pc + 12);
        const after = getI32(pc + 16);
        const afterSize = getI32(pc + 20);
        const size = descriptor & 0xffff;
        if (out + beforeSize + afterSize + 6 * size + MAX_SCALAR > limit) return FULL;
        let at = getI32(values + 4 * slot);
        pc += 28;
        if (type >= TYPE_ARRAY) {
          const itemType = itemTypeOf(type);
          if (itemType < 0 || (flags & FLAG_ATTRIBUTE) !== 0) return UNUSUAL;
          const end = at + size;
          let items = 0;
          while (true) {
            const length = itemSize(itemType, at, end - at, size);
            if (length < -1 || items > MAX_ITEMS) return UNUSUAL;
            if (length < 0) break;
            if (out + beforeSize + afterSize + 6 * length + MAX_SCALAR > limit) return FULL;
            copyText(out, before, beforeSize);
            out = value(out + beforeSize, itemType, at, length, XML_TEXT);
            if (out < 0) return out;
            copyText(out, after, afterSize);
            out += afterSize;
            at += itemStride(itemType, length);
            items++;
          }
          if (items === 0) {
            copyText(out, before, beforeSize);
            out += beforeSize;
            copyText(out, after, afterSize);
            out += afterSize;
          }
          break;
        }
        copyText(out, before, beforeSize);
        out += beforeSize;
        if (type === TYPE_BIN_XML) {
          if ((flags & FLAG_ATTRIBUTE) !== 0) return UNUSUAL;
          nested++;
          out = document(out, at, at + size, depth + 1, format);
        } else {
          const mode = (flags & FLAG_ATTRIBUTE) !== 0 ? XML_ATTRIBUTE : XML_TEXT;
          // What most values are takes one call less.
          out = type === TYPE_STRING ? text(out, at, size >> 1, mode, true) : value(out, type, at, size, mode);
        }
        if (out < 0) return out;
        if (out + afterSize > limit) return FULL;
        copyText(out, after, afterSize);
        out += afterSize;
        break;
      }
      case OP_VALUE: {
        const slot = getI32(pc + 4);
        const mode = getI32(pc + 8);
        pc += 12;
        const descriptor = inI32(descriptors + 4 * slot);
        let type = (descriptor >> 16) & 0xff;
        let at = getI32(values + 4 * slot);
        let size = descriptor & 0xffff;
        if (type === TYPE_NULL) break;
        if (type >= TYPE_ARRAY) {
          if (slot !== loopSlot) return UNUSUAL;
          // An empty array: its element stands once, with nothing in it.
          if (loopSize < 0) break;
          type = loopType;
          at = loopAt;
          size = loopSize;
        }
        if (out + 6 * size + MAX_SCALAR > limit) return FULL;
        if (type === TYPE_BIN_XML) {
          if (mode !== XML_TEXT) return UNUSUAL;
          nested++;
          out = document(out, at, at + size, depth + 1, format);
        } else out = value(out, type, at, size, mode);
        if (out < 0) return out;
        break;
      }
      case OP_IF_NULL: {
        const slot = getI32(pc + 4);
        if (slot < count && inU8(descriptors + 4 * slot + 2) === TYPE_NULL) pc = getI32(pc + 8);
        else pc += 12;
        break;
      }
      case OP_JUMP:
        pc = getI32(pc + 4);
        break;
      case OP_NO_ARRAY:
        if (inU8(descriptors + 4 * getI32(pc + 4) + 2) >= TYPE_ARRAY) return UNUSUAL;
        pc += 8;
        break;
      case OP_REPEAT: {
        const slot = getI32(pc + 4);
        const descriptor = inI32(descriptors + 4 * slot);
        const type = (descriptor >> 16) & 0xff;
        pc += 8;
        if (type >= TYPE_ARRAY) {
          loopType = itemTypeOf(type);
          if (loopType < 0 || loopSlot >= 0) return UNUSUAL;
          const size = descriptor & 0xffff;
          loopAt = getI32(values + 4 * slot);
          loopEnd = loopAt + size;
          loopSize = itemSize(loopType, loopAt, size, size);
          if (loopSize < -1) return UNUSUAL;
          loopSlot = slot;
          loopItem = 0;
          loopStart = pc;
        }
        break;
      }
      case OP_REPEAT_END: {
        pc += 4;
        if (loopSlot < 0) break;
        if (loopSize >= 0) {
          loopAt += itemStride(loopType, loopSize);
          loopItem++;
          const size = inI32(descriptors + 4 * loopSlot) & 0xffff;
          loopSize = itemSize(loopType, loopAt, loopEnd - loopAt, size);
          if (loopItem > MAX_ITEMS) return UNUSUAL;
          if (loopSize >= 0) {
            pc = loopStart;
            break;
          }
        }
        loopSlot = -1;
        break;
      }
      case OP_MEMBER: {
        const slot = getI32(pc + 4);
        const flags = getI32(pc + 16);
        const descriptor = inI32(descriptors + 4 * slot);
        const type = (descriptor >> 16) & 0xff;
        if (type === TYPE_NULL && (flags & FLAG_OPTIONAL) !== 0) {
          pc += 20;
          break;
        }
        const before = getI32(pc + 8);
        const beforeSize = getI32(pc + 12);
        const size = descriptor & 0xffff;
        const at = getI32(values + 4 * slot);
        pc += 20;
        if (type >= TYPE_ARRAY) {
          if ((flags & (FLAG_ATTRIBUTE | FLAG_NO_ARRAY)) !== 0) return UNUSUAL;
          out = memberArray(out, before, beforeSize, type, at, size, flags);
          if (out < 0) return out;
          break;
        }
        if (type === TYPE_BIN_XML) return UNUSUAL;
        if (out + beforeSize + 6 * size + MAX_SCALAR > limit) return FULL;
        copyText(out, before, beforeSize);
        out = jsonValue(out + beforeSize, type, at, size, flags);
        if (out < 0) return out;
        putU8(out, 44);
        out++;
        break;
      }
      case OP_TEXT_MEMBER: {
        const slot = getI32(pc + 4);
        pc += 8;
        const descriptor = inI32(descriptors + 4 * slot);
        const type = (descriptor >> 16) & 0xff;
        const size = descriptor & 0xffff;
        if (type >= TYPE_ARRAY || type === TYPE_BIN_XML) return UNUSUAL;
        if (type === TYPE_NULL) break;
        if (out + 6 * size + MAX_SCALAR > limit) return FULL;
        putI32At(out, 0x65742322); // "#te
        putI32At(out + 4, 0x3a227478); // xt":
        const next = jsonValue(out + 8, type, getI32(values + 4 * slot), size, 0);
        if (next < 0) return next;
        if (isNull(next)) break;
        putU8(next, 44);
        out = next + 1;
        break;
      }
      case OP_CLOSE:
        pc += 4;
        if (out + 16 > limit) return FULL;
        if (getU8(out - 1) === 44) out--;
        putU8(out, 125);
        out++;
        break;
      case OP_CLOSE_OR_NULL:
        pc += 4;
        if (out + 16 > limit) return FULL;
        if (getU8(out - 1) === 123) {
          putI32At(out - 1, 0x6c6c756e); // null
          out += 3;
          break;
        }
        if (getU8(out - 1) === 44) out--;
        putU8(out, 125);
        out++;
        break;
      case OP_IF_ALL_NULL: {
        const slots = getI32(pc + 8);
        let present = false;
        for (let i = 0; i < slots; i++) {
          const slot = getI32(pc + 12 + 4 * i);
          if (inU8(descriptors + 4 * slot + 2) !== TYPE_NULL) present = true;
        }
        if (present) pc += 12 + 4 * slots;
        else pc = getI32(pc + 4);
        break;
      }
      case OP_NESTED_MEMBERS: {
        const slot = getI32(pc + 4);
        const flags = getI32(pc + 8);
        const names = getI32(pc + 12);
        const descriptor = inI32(descriptors + 4 * slot);
        const type = (descriptor >> 16) & 0xff;
        if (type === TYPE_BIN_XML) {
          nested++;
          const at = getI32(values + 4 * slot);
          const next = document(out, at, at + (descriptor & 0xffff), depth + 1, format);
          if (next < 0) return next;
          if (next === out && (flags & FLAG_NEEDED) !== 0) return UNUSUAL;
          for (let i = 0; i < names; i++) if (rootName < 0 || getI32(pc + 16 + 4 * i) === rootName) return UNUSUAL;
          out = next;
        } else if (type !== TYPE_NULL || (flags & FLAG_NEEDED) !== 0) return UNUSUAL;
        pc += 16 + 4 * names;
        break;
      }
      case OP_GATHER:
        gatherAt = out;
        gathered = 0;
        gatherText = getI32(pc + 8);
        if (out + gatherText > limit) return FULL;
        copyText(out, getI32(pc + 4), gatherText);
        out += gatherText;
        pc += 12;
        break;
      case OP_GATHERED: {
        const slot = getI32(pc + 4);
        const flags = getI32(pc + 8);
        pc += 12;
        const descriptor = inI32(descriptors + 4 * slot);
        const type = (descriptor >> 16) & 0xff;
        if (type === TYPE_NULL && (flags & FLAG_OPTIONAL) !== 0) break;
        const size = descriptor & 0xffff;
        let at = getI32(values + 4 * slot);
        if (type === TYPE_BIN_XML) return UNUSUAL;
        if (type < TYPE_ARRAY) {
          if (out + 6 * size + MAX_SCALAR > limit) return FULL;
          out = jsonValue(out, type, at, size, FLAG_KEEPS_EMPTY);
          if (out < 0) return out;
          putU8(out, 44);
          out++;
          gathered++;
          break;
        }
        const itemType = itemTypeOf(type);
        if (itemType < 0) return UNUSUAL;
        const end = at + size;
        let items = 0;
        while (true) {
          const length = itemSize(itemType, at, end - at, size);
          if (length < -1 || items > MAX_ITEMS) return UNUSUAL;
          if (length < 0) break;
          if (out + 6 * length + MAX_SCALAR > limit) return FULL;
          out = jsonValue(out, itemType, at, length, FLAG_KEEPS_EMPTY);
          if (out < 0) return out;
          putU8(out, 44);
          out++;
          at += itemStride(itemType, length);
          items++;
        }
        if (items === 0) {
          if (out + MAX_SCALAR > limit) return FULL;
          putU16(out, 0x2222);
          putU8(out + 2, 44);
          out += 3;
          items = 1;
        }
        gathered += items;
        break;
      }
      case OP_GATHERED_TEXT: {
        const size = getI32(pc + 8);
        if (out + size > limit) return FULL;
        copyText(out, getI32(pc + 4), size);
        out += size;
        gathered++;
        pc += 12;
        break;
      }
      case OP_GATHER_END:
        pc += 4;
        if (gathered === 0) {
          out = gatherAt;
          break;
        }
        if (out + MAX_SCALAR > limit) return FULL;
        if (gathered === 1) {
          // One value stands alone: its bracket goes, and the comma behind it.
          moveDown(gatherAt + gatherText, out);
          putU16(out - 2, 0x2c7d);
        } else {
          putU8(out - 1, 93);
          putU16(out, 0x2c7d);
          out += 2;
        }
        break;
      case OP_END:
        // A nested document that no part of the template shows must be in order, too: the plain renderer looks at it.
        return nested === nestedCount ? out : UNUSUAL;
      default:
        return UNUSUAL;
    }
  }
}

/** A value ends with a digit, a quote or the `e` of a boolean: only `null` with an `l`. */
function isNull(out: i32): boolean {
  return getU8(out - 1) === 108;
}

/** A value as it stands alone in JSON; what is empty is `null`, or `""` where that is kept apart. */
function jsonValue(out: i32, type: i32, at: i32, size: i32, flags: i32): i32 {
  if (type === TYPE_NULL) {
    if ((flags & FLAG_KEEPS_EMPTY) === 0) {
      putI32At(out, 0x6c6c756e); // null
      return out + 4;
    }
    putU16(out, 0x2222);
    return out + 2;
  }
  const next = value(out, type, at, size, JSON_VALUE);
  if (next === out + 2 && (flags & FLAG_KEEPS_EMPTY) === 0 && getU8(out) === 34) {
    putI32At(out, 0x6c6c756e); // null
    return out + 4;
  }
  return next;
}

/** `"name":item,"name_1":item,` and so on; an empty array is one empty member. */
function memberArray(start: i32, before: i32, beforeSize: i32, type: i32, from: i32, size: i32, flags: i32): i32 {
  const itemType = itemTypeOf(type);
  if (itemType < 0) return UNUSUAL;
  const end = from + size;
  let at = from;
  let out = start;
  let items = 0;
  while (true) {
    const length = itemSize(itemType, at, end - at, size);
    if (length < -1 || items > MAX_ITEMS) return UNUSUAL;
    if (length < 0 && items > 0) return out;
    if (out + beforeSize + 6 * (length < 0 ? 0 : length) + MAX_SCALAR > limit) return FULL;
    copyText(out, before, beforeSize);
    out += beforeSize;
    if (items > 0) {
      // In place of the closing quote and the colon.
      putU8(out - 2, 95);
      out = decimal(out - 1, items);
      putU16(out, 0x3a22);
      out += 2;
    }
    out = length < 0 ? jsonValue(out, TYPE_NULL, 0, 0, flags) : jsonValue(out, itemType, at, length, flags);
    if (out < 0) return out;
    putU8(out, 44);
    out++;
    if (length < 0) return out;
    at += itemStride(itemType, length);
    items++;
  }
}

/**
 * The event of a record.
 * @param at chunk offset of its Binary XML
 */
export function event(out: i32, at: i32, end: i32, format: i32): i32 {
  forgetHidden();
  putI32(LINE_TIME, 0);
  putI32(LINE_TIME + 4, 0);
  if (format !== FORMAT_JSON) {
    const next = document(out, at, end, 0, format);
    return next === out || hidden() > MAX_HIDDEN ? UNUSUAL : next;
  }
  if (out + MAX_SCALAR > limit) return FULL;
  putU8(out, 123);
  const next = document(out + 1, at, end, 0, format);
  if (next < 0) return next;
  if (next === out + 1 || getU8(next - 1) !== 44 || hidden() > MAX_HIDDEN) return UNUSUAL;
  putU8(next - 1, 125);
  return next;
}
