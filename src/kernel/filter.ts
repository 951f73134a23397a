import { compared, compareWide, digits, integerRead, numberRead, smallInteger } from './comparison.ts';
import { measuredValues, nestedCount, nestedSlot, sizeOfValues } from './descriptors.ts';
import { countOf, descriptorsOf, openInstance } from './instance.ts';
import {
  BODY_SIZE,
  DESCRIPTORS,
  HIT_COUNT,
  HIT_UNKNOWN,
  HIT_WHOLE,
  HITS,
  ITEM_SIZES,
  LACKING_BODY,
  LACKING_SLOT,
  LACKING_TEMPLATE,
  LEVELS,
  NEEDS_MORE,
  NEEDS_NOTHING,
  RECORDS,
  STOPPED_AT,
  TABLE_COUNT,
  TABLE_INDEX,
  TABLE_PLACE,
  TABLE_SIZE,
  TABLES,
  TEMPLATE_NEEDS,
  TEMPLATE_PLAIN,
  TEMPLATE_SIZE,
  TEMPLATES,
  TEST_BODIES,
  TEST_HEADER,
  TEST_ROOM,
  TEST_SLOT,
  TESTS,
  VALUES,
  VALUES_SIZE,
} from './layout.ts';
import { getI32, getU8, inI32, inU8, putI32, toF64, toI32 } from './platform.ts';
import { LACKING, UNUSUAL } from './program.ts';
import { RECORD_BINXML_OFFSET, RECORD_SIZE_OFFSET } from './records.ts';
import { openElement, textCount } from './shape.ts';
import {
  FALSE,
  TABLE_BODY,
  TABLE_OUTER,
  TEST_ALL,
  TEST_ALTOGETHER,
  TEST_AND,
  TEST_ANY,
  TEST_BITS,
  TEST_COMPARE,
  TEST_CONSTANT,
  TEST_END,
  TEST_IN,
  TEST_NOT,
  TEST_OR,
  TEST_PRESENT,
  TEST_SINCE,
  TRUE,
  UNKNOWN,
} from './test-program.ts';
import { END_OF_FRAGMENT, FRAGMENT_HEADER, opensElement, TEMPLATE_INSTANCE } from './token.ts';
import type { i32 } from './types.ts';
import {
  TYPE_ARRAY,
  TYPE_BIN_XML,
  TYPE_BOOL,
  TYPE_FILE_TIME,
  TYPE_HEX_INT64,
  TYPE_INT64,
  TYPE_NULL,
  TYPE_SIZE_T,
  TYPE_STRING,
  TYPE_UINT64,
} from './value.ts';

/**
 * Tests records in place: the header's values first, those of the nested document only where they still count. What is not
 * plainly in order, and what only the whole event can tell, is UNKNOWN: who asked decides it.
 */

/** Instead of the slot of a nested document: there is none; there are several. */
const NO_SLOT = -1;
const SEVERAL_SLOTS = -2;
/** Instead of the chunk offset of a table's descriptors: they are at DESCRIPTORS, and the places of the values at VALUES. */
const KEPT = -1;

// Of the document last opened: the slot of its nested document.
let slot = NO_SLOT;

/**
 * Tests records `first … last - 1` of the list at RECORDS. Those that are taken, or UNKNOWN, go to HITS behind what is there.
 * @param wholes also tell which of them are whole
 * @returns 0 when all have been tested, or why the one at STOPPED_AT has not: MISSING, LACKING
 */
export function select(first: i32, last: i32, wholes: i32): i32 {
  let hits = getI32(HIT_COUNT);
  let reason = 0;
  let i = first;
  for (; i < last; i++) {
    const at = getI32(RECORDS + 4 * i);
    const verdict = tested(at + RECORD_BINXML_OFFSET, at + inI32(at + RECORD_SIZE_OFFSET) - 4, wholes);
    if (verdict === FALSE) continue;
    if (verdict < 0 && verdict !== UNUSUAL) {
      reason = verdict;
      break;
    }
    const told = verdict === TRUE ? 0 : verdict === TRUE + 1 ? HIT_WHOLE : HIT_UNKNOWN;
    putI32(HITS + 4 * hits, i | told);
    hits++;
  }
  putI32(STOPPED_AT, i);
  putI32(HIT_COUNT, hits);
  return reason;
}

/** A verdict, one more for a record that is taken and whole, or a negative reason. */
function tested(at: i32, end: i32, wholes: i32): i32 {
  const template = opened(at, end, TABLE_OUTER);
  if (template < 0) return template;
  const bodySlot = slot;
  if (bodySlot === SEVERAL_SLOTS) return UNKNOWN;
  let tests = getI32(TESTS + 4 * template);
  while (tests !== 0 && getI32(tests + TEST_SLOT) !== bodySlot) tests = getI32(tests);
  if (tests === 0) return lacking(template, bodySlot, 0);
  let verdict = run(getI32(tests + TEST_HEADER));
  if (bodySlot < 0) return verdict === TRUE && wholes !== 0 && isShown(template) ? TRUE + 1 : verdict;
  if (verdict === FALSE || (verdict === TRUE && (wholes === 0 || !isShown(template)))) return verdict;
  const nested = placeOf(TABLE_OUTER, bodySlot);
  const body = opened(nested, nested + (descriptorOf(TABLE_OUTER, bodySlot) & 0xffff), TABLE_BODY);
  if (body < 0) return body === UNUSUAL && verdict === TRUE ? TRUE : body;
  if (verdict === UNKNOWN) {
    if (slot !== NO_SLOT) return UNKNOWN;
    const test = testOf(tests, body);
    if (test === 0) return lacking(template, bodySlot, body);
    verdict = run(test);
    if (verdict !== TRUE) return verdict;
  }
  if (wholes === 0 || slot !== NO_SLOT || !isShown(template)) return verdict;
  return isPlain(body) ? TRUE + 1 : verdict;
}

function isPlain(template: i32): boolean {
  return getI32(TEMPLATES + TEMPLATE_SIZE * template + TEMPLATE_PLAIN) !== 0;
}

/** The record's root element is there. */
function isShown(template: i32): boolean {
  const needs = getI32(TEMPLATES + TEMPLATE_SIZE * template + TEMPLATE_NEEDS);
  if (needs === NEEDS_MORE || !isPlain(template)) return false;
  return (
    needs === NEEDS_NOTHING ||
    needs >= countOfTable(TABLE_OUTER) ||
    descriptorOf(TABLE_OUTER, needs) >> 16 !== TYPE_NULL
  );
}

function lacking(template: i32, bodySlot: i32, body: i32): i32 {
  putI32(LACKING_TEMPLATE, template);
  putI32(LACKING_SLOT, bodySlot);
  putI32(LACKING_BODY, body);
  return LACKING;
}

/** Address of the test for records with this body; 0: none yet. */
function testOf(tests: i32, body: i32): i32 {
  const bodies = getI32(tests + TEST_BODIES);
  const mask = getI32(tests + TEST_ROOM) - 1;
  let place = body & mask;
  while (true) {
    const entry = bodies + BODY_SIZE * place;
    const found = getI32(entry);
    if (found === body) return getI32(entry + 4);
    if (found === 0) return 0;
    place = (place + 1) & mask;
  }
}

/** Opens the document at `from` as one of the two tables. @returns its template's number, or a negative reason */
function opened(from: i32, end: i32, table: i32): i32 {
  let at = from;
  if (at < end && inU8(at) === FRAGMENT_HEADER) at += 4;
  if (at + 14 > end) return UNUSUAL;
  slot = NO_SLOT;
  if (opensElement(inU8(at))) {
    const shape = openElement(at, end, table);
    setTable(table, KEPT, textCount());
    return shape;
  }
  if (inU8(at) !== TEMPLATE_INSTANCE) return UNUSUAL;
  const template = openInstance(at, end);
  if (template < 0) return template;
  const descriptors = descriptorsOf();
  const count = countOf();
  const behind = descriptors + 4 * count + measuredValues(descriptors, count);
  if (behind > end || (behind < end && inU8(behind) !== END_OF_FRAGMENT)) return UNUSUAL;
  if (nestedCount() > 0) slot = nestedCount() === 1 ? nestedSlot() : SEVERAL_SLOTS;
  setTable(table, descriptors, count);
  return template;
}

function setTable(table: i32, at: i32, count: i32): void {
  const cells = TABLES + TABLE_SIZE * table;
  putI32(cells, at);
  putI32(cells + TABLE_COUNT, count);
  putI32(cells + TABLE_INDEX, 0);
  putI32(cells + TABLE_PLACE, at + 4 * count);
}

function run(program: i32): i32 {
  let pc = program;
  let verdict = UNKNOWN;
  while (true) {
    switch (getI32(pc)) {
      case TEST_END:
        return verdict;
      case TEST_CONSTANT:
        verdict = getI32(pc + 4);
        pc += 8;
        break;
      case TEST_PRESENT: {
        const table = getI32(pc + 4);
        const index = getI32(pc + 8);
        pc += 12;
        const absent = index < countOfTable(table) && descriptorOf(table, index) >> 16 === TYPE_NULL;
        verdict = absent ? FALSE : TRUE;
        break;
      }
      case TEST_COMPARE: {
        const table = getI32(pc + 4);
        const index = getI32(pc + 8);
        const comparison = getI32(pc + 12);
        pc += 16;
        if (index >= countOfTable(table)) verdict = UNKNOWN;
        else verdict = compared(descriptorOf(table, index), placeOf(table, index), comparison);
        break;
      }
      case TEST_BITS: {
        const table = getI32(pc + 4);
        const index = getI32(pc + 8);
        const low = getI32(pc + 12);
        const high = getI32(pc + 16);
        pc += 20;
        if (index >= countOfTable(table)) verdict = UNKNOWN;
        else verdict = hasBits(descriptorOf(table, index), placeOf(table, index), low, high);
        break;
      }
      case TEST_IN: {
        const table = getI32(pc + 4);
        const index = getI32(pc + 8);
        const bitmap = getI32(pc + 12);
        const ofNull = getI32(pc + 16);
        const takesText = getI32(pc + 20);
        pc += 24;
        if (index >= countOfTable(table)) verdict = UNKNOWN;
        else verdict = isIn(descriptorOf(table, index), placeOf(table, index), bitmap, ofNull, takesText);
        break;
      }
      case TEST_SINCE: {
        const table = getI32(pc + 4);
        const index = getI32(pc + 8);
        const instant = getI32(pc + 12);
        const operator = getI32(pc + 16);
        pc += 20;
        verdict = UNKNOWN;
        if (index >= countOfTable(table)) break;
        const descriptor = descriptorOf(table, index);
        const at = placeOf(table, index);
        if (descriptor >> 16 === TYPE_NULL) verdict = FALSE;
        else if (descriptor >> 16 === TYPE_FILE_TIME && (descriptor & 0xffff) >= 8) {
          verdict = compareWide(inI32(at), inI32(at + 4), instant, 0, operator);
        }
        break;
      }
      case TEST_ALL:
        putI32(LEVELS + 4 * getI32(pc + 4), TRUE);
        pc += 8;
        break;
      case TEST_ANY:
        putI32(LEVELS + 4 * getI32(pc + 4), FALSE);
        pc += 8;
        break;
      case TEST_AND: {
        if (verdict === FALSE) {
          pc = getI32(pc + 8);
          break;
        }
        if (verdict === UNKNOWN) putI32(LEVELS + 4 * getI32(pc + 4), UNKNOWN);
        pc += 12;
        break;
      }
      case TEST_OR: {
        if (verdict === TRUE) {
          pc = getI32(pc + 8);
          break;
        }
        if (verdict === UNKNOWN) putI32(LEVELS + 4 * getI32(pc + 4), UNKNOWN);
        pc += 12;
        break;
      }
      case TEST_ALTOGETHER:
        verdict = getI32(LEVELS + 4 * getI32(pc + 4));
        pc += 8;
        break;
      case TEST_NOT:
        verdict = TRUE - verdict;
        pc += 4;
        break;
      default:
        return UNKNOWN;
    }
  }
}

function countOfTable(table: i32): i32 {
  return getI32(TABLES + TABLE_SIZE * table + TABLE_COUNT);
}

function descriptorOf(table: i32, index: i32): i32 {
  const at = getI32(TABLES + TABLE_SIZE * table);
  if (at === KEPT) return getI32(DESCRIPTORS + VALUES_SIZE * table + 4 * index);
  return inI32(at + 4 * index) & 0xffffff;
}

/** Where a value begins. Those that are asked for are mostly in order: the way goes on from the last one. */
function placeOf(table: i32, index: i32): i32 {
  const cells = TABLES + TABLE_SIZE * table;
  const at = getI32(cells);
  if (at === KEPT) return getI32(VALUES + VALUES_SIZE * table + 4 * index);
  let last = getI32(cells + TABLE_INDEX);
  let place = getI32(cells + TABLE_PLACE);
  if (index < last) {
    last = 0;
    place = at + 4 * countOfTable(table);
  }
  place += sizeOfValues(at + 4 * last, index - last);
  putI32(cells + TABLE_INDEX, index);
  putI32(cells + TABLE_PLACE, place);
  return place;
}

/** Whether an integer has one of these bits; Null has none. */
function hasBits(descriptor: i32, at: i32, low: i32, high: i32): i32 {
  const type = descriptor >> 16;
  const size = descriptor & 0xffff;
  if (type === TYPE_NULL) return FALSE;
  if (type >= TYPE_ARRAY || type === TYPE_BIN_XML || type === TYPE_STRING || size < getU8(ITEM_SIZES + type)) {
    return UNKNOWN;
  }
  let lowBits = 0;
  let highBits = 0;
  if (type === TYPE_INT64 || type === TYPE_UINT64 || type === TYPE_HEX_INT64 || type === TYPE_FILE_TIME) {
    lowBits = inI32(at);
    highBits = inI32(at + 4);
  } else if (type === TYPE_SIZE_T && size >= 4) {
    lowBits = inI32(at);
    highBits = size >= 8 ? inI32(at + 4) : 0;
  } else if (type === TYPE_BOOL) lowBits = inI32(at) === 0 ? 0 : 1;
  else if (smallInteger(type, at)) {
    const value = integerRead();
    if (value < 0) {
      lowBits = toI32(value);
      highBits = -1;
    } else if (value > toF64(0x7fffffff)) lowBits = inI32(at);
    else lowBits = toI32(value);
  } else return UNKNOWN;
  return (lowBits & low) !== 0 || (highBits & high) !== 0 ? TRUE : FALSE;
}

/** Whether an integer is one of a set of small ones. @param takesText text that spells a number is compared as one */
function isIn(descriptor: i32, at: i32, bitmap: i32, ofNull: i32, takesText: i32): i32 {
  const type = descriptor >> 16;
  const size = descriptor & 0xffff;
  if (type === TYPE_NULL) return ofNull;
  if (type === TYPE_STRING) {
    if (takesText === 0) return UNKNOWN;
    const told = digits(at, size);
    if (told < 0) return UNKNOWN;
    return told === 0 || numberRead() > 0xffff ? FALSE : bitOf(bitmap, numberRead());
  }
  if (type >= 0x20 || size < getU8(ITEM_SIZES + type) || !smallInteger(type, at)) return UNKNOWN;
  const value = integerRead();
  return value < 0 || value > toF64(0xffff) ? FALSE : bitOf(bitmap, toI32(value));
}

function bitOf(bitmap: i32, bit: i32): i32 {
  return ((getU8(bitmap + (bit >> 3)) >> (bit & 7)) & 1) !== 0 ? TRUE : FALSE;
}
