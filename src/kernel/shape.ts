import {
  DESCRIPTORS,
  MAX_SLOTS,
  MAX_STEPS,
  MISSING_AT,
  MISSING_END,
  NAME_NUMBERS,
  SHAPE_CHAINS,
  SHAPE_COUNT,
  SHAPE_HASH,
  SHAPE_STEPS,
  SHAPE_TEMPLATE,
  SHAPES,
  STEP_COUNT,
  STEP_HASH,
  STEPS,
  VALUES,
  VALUES_SIZE,
} from './layout.ts';
import { nameNumber } from './names.ts';
import { getI32, inU8, putI32 } from './platform.ts';
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

// Steps of a shape. A name's number follows the first two.
const ELEMENT = -1;
const ATTRIBUTE = -2;
const TEXT = -3;
const EMPTY = -4;
const CONTENT = -5;
const END = -6;

let steps = 0;
let hash = 0;
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
  steps = 0;
  hash = 0;
  texts = 0;
  table = into;
  moveTo(from);
  const reason = element(end, 1);
  if (reason < 0) return reason;
  if (position() < end && inU8(position()) !== END_OF_FRAGMENT) return UNUSUAL;
  let shape = getI32(SHAPES + 4 * (hash & (SHAPE_CHAINS - 1)));
  while (shape !== 0) {
    if (getI32(shape + SHAPE_HASH) === hash && getI32(shape + SHAPE_COUNT) === steps && isSame(shape)) {
      return getI32(shape + SHAPE_TEMPLATE);
    }
    shape = getI32(shape);
  }
  putI32(STEP_COUNT, steps);
  putI32(STEP_HASH, hash);
  putI32(MISSING_AT, from);
  putI32(MISSING_END, end);
  return SHAPELESS;
}

function isSame(shape: i32): boolean {
  const other = shape + SHAPE_STEPS;
  for (let i = 0; i < steps; i++) if (getI32(other + 4 * i) !== getI32(STEPS + 4 * i)) return false;
  return true;
}

function step(code: i32): i32 {
  if (steps >= MAX_STEPS) return UNUSUAL;
  putI32(STEPS + 4 * steps, code);
  hash = ((hash << 5) - hash + code) | 0;
  steps++;
  return 0;
}

function name(end: i32): i32 {
  const at = nameReference(end);
  if (at < 0) return UNUSUAL;
  let number = getI32(NAME_NUMBERS + 4 * at);
  if (number === 0) {
    number = nameNumber(at);
    if (number === 0) {
      putI32(MISSING_AT, at);
      return NAMELESS;
    }
  }
  return step(number);
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
  let reason = step(ELEMENT);
  if (reason === 0) reason = name(end);
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
    let reason = step(ATTRIBUTE);
    if (reason === 0) reason = name(listEnd);
    while (reason === 0 && position() < listEnd && !isAttribute(inU8(position()))) reason = text(listEnd);
    if (reason < 0) return reason;
  }
  return 0;
}
