import {
  DESCRIPTORS,
  MAX_OTHERS,
  MAX_SLOTS,
  MAX_STEPS,
  MISSING_AT,
  MISSING_END,
  NAME_NUMBERS,
  SHAPE_FOLLOWING,
  SHAPE_OTHER,
  SHAPE_TEMPLATE,
  SHAPES,
  SHAPES_CROWDED,
  STEP_COUNT,
  STEPS,
  VALUES,
  VALUES_SIZE,
} from './layout.ts';
import { nameNumber } from './names.ts';
import { getI32, inI32, inU8, putI32 } from './platform.ts';
import { NAMELESS, SHAPELESS, UNUSUAL } from './program.ts';
import { attributeList, moveTo, nameReference, position, textOffset, textToken, textUnitsRead } from './stream.ts';
import {
  CLOSE_EMPTY,
  CLOSE_START,
  END_ELEMENT,
  END_OF_FRAGMENT,
  isAttribute,
  OPEN_ELEMENT_WITH_ATTRIBUTES,
  opensElement,
} from './token.ts';
import type { i32 } from './types.ts';
import { TYPE_STRING } from './value.ts';

/**
 * Documents without a template, looked at as if they had one, as `binxml/bare-document.ts` does: elements and attributes are its
 * shape, texts its values. Shapes that have been met have the number of a template.
 */

const MAX_ELEMENT_DEPTH = 64;

// Steps of a shape; those of elements and attributes have the number of their name in front, as so many eights.
const ELEMENT = 1;
const ATTRIBUTE = 2;
const TEXT = 3;
const EMPTY = 4;
const CONTENT = 5;
const END = 6;
const NAME_UNIT = 8;

// The step of a known shape that the document at hand has come to; 0: its steps are kept, because no shape goes this way.
let last = 0;
let steps = 0;
let texts = 0;
let table = 0;

/** How many texts the element last opened has. */
export function textCount(): i32 {
  return texts;
}

/**
 * Opens the element at `from`, which must be all of its document, and puts its texts into a table of values.
 * @returns the number of the template that its shape stands for; UNUSUAL; SHAPELESS or NAMELESS for what has not been met
 */
export function openElement(from: i32, end: i32, into: i32): i32 {
  table = into;
  last = SHAPES;
  let reason = document(from, end);
  if (reason === 0) reason = getI32(last + SHAPE_TEMPLATE);
  if (reason === 0) reason = SHAPELESS;
  if (reason !== SHAPELESS) return reason;
  last = 0;
  steps = 0;
  reason = document(from, end);
  if (reason < 0) return reason;
  putI32(STEP_COUNT, steps);
  putI32(MISSING_AT, from);
  putI32(MISSING_END, end);
  return SHAPELESS;
}

function document(from: i32, end: i32): i32 {
  texts = 0;
  moveTo(from);
  const reason = element(end, 1);
  if (reason < 0) return reason;
  return position() < end && inU8(position()) !== END_OF_FRAGMENT ? UNUSUAL : 0;
}

function step(code: i32): i32 {
  return last === 0 ? keptStep(code) : knownStep(code);
}

function knownStep(code: i32): i32 {
  let next = getI32(last + SHAPE_FOLLOWING);
  let others = 0;
  while (next !== 0 && getI32(next) !== code) {
    if (++others >= MAX_OTHERS) {
      putI32(SHAPES_CROWDED, 1);
      return UNUSUAL;
    }
    next = getI32(next + SHAPE_OTHER);
  }
  if (next === 0) return SHAPELESS;
  last = next;
  return 0;
}

function keptStep(code: i32): i32 {
  if (steps >= MAX_STEPS) return UNUSUAL;
  putI32(STEPS + 4 * steps, code);
  steps++;
  return 0;
}

/** A step with a name. */
function named(kind: i32, end: i32): i32 {
  const from = position();
  let number = 0;
  // A name with a number has been looked at before; where it stands in front, there is nothing to pass by.
  if (from + 4 <= end) {
    const target = inI32(from);
    if (target >= 0 && target < from) number = getI32(NAME_NUMBERS + 4 * target);
  }
  if (number !== 0) {
    moveTo(from + 4);
    return step(NAME_UNIT * number + kind);
  }
  const at = nameReference(end);
  if (at < 0) return UNUSUAL;
  number = getI32(NAME_NUMBERS + 4 * at);
  if (number === 0) {
    number = nameNumber(at);
    if (number === 0) {
      putI32(MISSING_AT, at);
      return NAMELESS;
    }
  }
  return step(NAME_UNIT * number + kind);
}

function text(end: i32): i32 {
  if (texts >= MAX_SLOTS || !textToken(end)) return UNUSUAL;
  putI32(VALUES + VALUES_SIZE * table + 4 * texts, textOffset());
  putI32(DESCRIPTORS + VALUES_SIZE * table + 4 * texts, (TYPE_STRING << 16) | (2 * textUnitsRead()));
  texts++;
  return step(TEXT);
}

function element(end: i32, depth: i32): i32 {
  const from = position();
  if (depth > MAX_ELEMENT_DEPTH || from + 9 > end) return UNUSUAL;
  moveTo(from + 5);
  let reason = named(ELEMENT, end);
  if (reason === 0 && inU8(from) === OPEN_ELEMENT_WITH_ATTRIBUTES) reason = attributes(end);
  if (reason < 0) return reason;
  if (position() >= end) return UNUSUAL;
  const close = inU8(position());
  moveTo(position() + 1);
  if (close === CLOSE_EMPTY) return step(EMPTY);
  if (close !== CLOSE_START) return UNUSUAL;
  reason = step(CONTENT);
  while (reason === 0 && position() < end) {
    const token = inU8(position());
    if (token === END_ELEMENT) {
      moveTo(position() + 1);
      return step(END);
    }
    reason = opensElement(token) ? element(end, depth + 1) : text(end);
  }
  return reason < 0 ? reason : UNUSUAL;
}

function attributes(end: i32): i32 {
  const listEnd = attributeList(end);
  if (listEnd < 0) return UNUSUAL;
  while (position() < listEnd) {
    if (!isAttribute(inU8(position()))) return UNUSUAL;
    moveTo(position() + 1);
    let reason = named(ATTRIBUTE, listEnd);
    while (reason === 0 && position() < listEnd && !isAttribute(inU8(position()))) reason = text(listEnd);
    if (reason < 0) return reason;
  }
  return 0;
}
