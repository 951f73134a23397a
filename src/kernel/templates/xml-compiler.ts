import { getI32 } from '../platform.ts';
import {
  FLAG_ATTRIBUTE,
  FLAG_OPTIONAL,
  OP_GIVE_UP,
  OP_JUMP,
  OP_NO_ARRAY,
  OP_REPEAT,
  OP_REPEAT_END,
  OP_VALUE,
  XML_ATTRIBUTE,
  XML_TEXT,
} from '../program.ts';
import type { i32 } from '../types.ts';
import { ifOmitted, ifPartsOmitted } from './omission.ts';
import { addByte, addText } from './pool.ts';
import { beginProgram, field, finished, flush, jump, operation, place, pooled, word } from './program-builder.ts';
import {
  ATTRIBUTE_NAME,
  ATTRIBUTE_PARTS,
  ATTRIBUTE_SIZE,
  behind,
  costOf,
  dependencyOf,
  ELEMENT,
  ELEMENT_ATTRIBUTES,
  ELEMENT_CONTENTS,
  ELEMENT_EMPTY,
  ELEMENT_NAME,
  ELEMENT_SIZE,
  ELEMENT_UNITS,
  firstContent,
  isOptional,
  kindOf,
  NO_DEPENDENCY,
  onlySlot,
  SUBSTITUTION,
  SUBSTITUTION_SLOT,
  TEXT_XML,
} from './tree.ts';

/** A template as the program that writes its records as `renderXml` does. */

/** Cost per byte written up to which an element may be repeated for an array: see {@link costOf}. */
const MAX_COST_PER_BYTE = 16;

const LESS = 60;
const GREATER = 62;
const SLASH = 47;
const BLANK = 32;
const EQUALS = 61;
const QUOTE = 39;

/** @param root the element that the template consists of @returns the program's address; 0 when there is none; CROWDED */
export function compiledXml(root: i32): i32 {
  beginProgram();
  const omitted = ifOmitted(root, 0);
  element(root);
  const end = jump(OP_JUMP, 0);
  place(omitted);
  operation(OP_GIVE_UP);
  place(end);
  return finished();
}

function element(node: i32): void {
  const repeats = beginRepeat(node);
  const name = getI32(node + ELEMENT_NAME);
  addByte(LESS);
  addText(name);
  let part = node + ELEMENT_SIZE;
  for (let i = getI32(node + ELEMENT_ATTRIBUTES); i > 0; i--) {
    attribute(part);
    part = behind(part);
  }
  if (getI32(node + ELEMENT_EMPTY) !== 0) {
    addByte(SLASH);
    addByte(GREATER);
  } else {
    addByte(GREATER);
    for (let i = getI32(node + ELEMENT_CONTENTS); i > 0; i--) {
      if (kindOf(part) !== ELEMENT) characters(part, XML_TEXT);
      else if (!fieldOf(part)) {
        const omitted = ifOmitted(part, 0);
        element(part);
        place(omitted);
      }
      part = behind(part);
    }
    endTag(name);
  }
  if (repeats) operation(OP_REPEAT_END);
}

function endTag(name: i32): void {
  addByte(LESS);
  addByte(SLASH);
  addText(name);
  addByte(GREATER);
}

/** An element around one array is repeated; around others, no array may stand. */
function beginRepeat(node: i32): boolean {
  const first = firstContent(node);
  const count = getI32(node + ELEMENT_CONTENTS);
  let slots = 0;
  let slot = 0;
  let hasElements = false;
  let part = first;
  for (let i = 0; i < count; i++) {
    const kind = kindOf(part);
    if (kind === ELEMENT) hasElements = true;
    else if (kind === SUBSTITUTION) {
      slots++;
      slot = getI32(part + SUBSTITUTION_SLOT);
    }
    part = behind(part);
  }
  if (slots === 1 && !hasElements && costOf(node) <= MAX_COST_PER_BYTE * (5 + 2 * getI32(node + ELEMENT_UNITS))) {
    operation(OP_REPEAT);
    word(slot);
    return true;
  }
  part = first;
  for (let i = 0; i < count && slots > 0; i++) {
    if (kindOf(part) === SUBSTITUTION) {
      operation(OP_NO_ARRAY);
      word(getI32(part + SUBSTITUTION_SLOT));
    }
    part = behind(part);
  }
  return false;
}

/** An element of one value between constant tags: what most of an event is. False for others, of which nothing is written. */
function fieldOf(node: i32): boolean {
  const value = firstContent(node);
  const slot = onlySlot(value, getI32(node + ELEMENT_CONTENTS));
  if (slot < 0) return false;
  const dependency = dependencyOf(node);
  if (dependency !== NO_DEPENDENCY && dependency !== slot) return false;
  if (!hasConstantAttributes(node)) return false;
  flush();
  const name = getI32(node + ELEMENT_NAME);
  addByte(LESS);
  addText(name);
  let at = node + ELEMENT_SIZE;
  for (let i = getI32(node + ELEMENT_ATTRIBUTES); i > 0; i--) {
    beginAttribute(getI32(at + ATTRIBUTE_NAME));
    let part = at + ATTRIBUTE_SIZE;
    for (let j = getI32(at + ATTRIBUTE_PARTS); j > 0; j--) {
      addText(getI32(part + TEXT_XML));
      part = behind(part);
    }
    addByte(QUOTE);
    at = part;
  }
  addByte(GREATER);
  const before = pooled();
  endTag(name);
  const after = pooled();
  field(slot, before, after, isOptional(value) || dependency !== NO_DEPENDENCY ? FLAG_OPTIONAL : 0);
  return true;
}

function hasConstantAttributes(node: i32): boolean {
  let at = node + ELEMENT_SIZE;
  for (let i = getI32(node + ELEMENT_ATTRIBUTES); i > 0; i--) {
    let part = at + ATTRIBUTE_SIZE;
    for (let j = getI32(at + ATTRIBUTE_PARTS); j > 0; j--) {
      if (kindOf(part) === SUBSTITUTION) return false;
      part = behind(part);
    }
    at = part;
  }
  return true;
}

function beginAttribute(name: i32): void {
  addByte(BLANK);
  addText(name);
  addByte(EQUALS);
  addByte(QUOTE);
}

function attribute(node: i32): void {
  const parts = getI32(node + ATTRIBUTE_PARTS);
  let part = node + ATTRIBUTE_SIZE;
  const slot = onlySlot(part, parts);
  if (slot >= 0) {
    flush();
    beginAttribute(getI32(node + ATTRIBUTE_NAME));
    const before = pooled();
    addByte(QUOTE);
    const after = pooled();
    field(slot, before, after, FLAG_ATTRIBUTE | (isOptional(part) ? FLAG_OPTIONAL : 0));
    return;
  }
  const omitted = ifPartsOmitted(part, parts, 0);
  beginAttribute(getI32(node + ATTRIBUTE_NAME));
  for (let i = 0; i < parts; i++) {
    characters(part, XML_ATTRIBUTE);
    part = behind(part);
  }
  addByte(QUOTE);
  place(omitted);
}

function characters(part: i32, mode: i32): void {
  if (kindOf(part) !== SUBSTITUTION) {
    addText(getI32(part + TEXT_XML));
    return;
  }
  operation(OP_VALUE);
  word(getI32(part + SUBSTITUTION_SLOT));
  word(mode);
}
