import { DRAFT_MEMBERS, DRAFT_MEMBERS_SIZE, TEXT_SIZE } from '../layout.ts';
import { getI32, putI32 } from '../platform.ts';
import {
  FLAG_ATTRIBUTE,
  FLAG_KEEPS_EMPTY,
  FLAG_NEEDED,
  FLAG_NO_ARRAY,
  FLAG_OPTIONAL,
  JSON_PART,
  OP_CLOSE,
  OP_CLOSE_OR_NULL,
  OP_GATHER,
  OP_GATHER_END,
  OP_GATHERED,
  OP_GATHERED_TEXT,
  OP_GIVE_UP,
  OP_IF_ALL_NULL,
  OP_JUMP,
  OP_MEMBER,
  OP_NESTED_MEMBERS,
  OP_NO_ARRAY,
  OP_TEXT_MEMBER,
  OP_VALUE,
} from '../program.ts';
import type { i32 } from '../types.ts';
import { TYPE_BIN_XML } from '../value.ts';
import { ifOmitted, ifPartsOmitted } from './omission.ts';
import { addByte, addNumber, addText } from './pool.ts';
import {
  beginProgram,
  finished,
  flush,
  giveUp,
  hasFailed,
  jump,
  jumpIfNull,
  operand,
  operation,
  place,
  pooled,
  word,
} from './program-builder.ts';
import {
  ATTRIBUTE_NAME,
  ATTRIBUTE_PARTS,
  ATTRIBUTE_SIZE,
  behind,
  dependencyOf,
  ELEMENT,
  ELEMENT_ATTRIBUTES,
  ELEMENT_CONTENTS,
  ELEMENT_NAME,
  ELEMENT_SIZE,
  firstContent,
  isOptional,
  kindOf,
  NAME_ATTRIBUTES,
  NAME_DATA,
  NAME_NAME,
  NAME_TEXT,
  NO_DEPENDENCY,
  onlySlot,
  SUBSTITUTION,
  SUBSTITUTION_SLOT,
  SUBSTITUTION_TYPE,
  TEXT_HALVES,
  TEXT_JSON,
} from './tree.ts';

/**
 * A template as the program that writes its records as `renderJson` does: its root element as one member, with a comma.
 * What that shape makes depend on more than the presence of single values has no program.
 */

// What the content of an element amounts to.
const CONTENT_NOTHING = 0;
const CONTENT_VALUE = 1;
const CONTENT_NESTED = 2;
const CONTENT_TEXT = 3;
const CONTENT_MEMBERS = 4;

// What stands for several constant parts, or for none.
const NONE = 0;
const NONE_IS_NULL = 1;

/** Of an element whose value is gathered under `Data`, in the place of its name. */
const GATHERED = 0;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN = 123;
const UNDERSCORE = 95;

// How many names of members are in DRAFT_MEMBERS: those of the elements that are open.
let members = 0;

/** @param root the element that the template consists of @returns the program's address; 0 when there is none; CROWDED */
export function compiledJson(root: i32): i32 {
  beginProgram();
  members = 0;
  // Nested documents are written as members of the object around them, where Data have a meaning of their own.
  if (getI32(root + ELEMENT_NAME) === NAME_DATA) giveUp();
  const omitted = ifOmitted(root, 0);
  element(root, getI32(root + ELEMENT_NAME), 0, true);
  const end = jump(OP_JUMP, 0);
  place(omitted);
  operation(OP_GIVE_UP);
  place(end);
  return finished();
}

function contentOf(node: i32): i32 {
  const count = getI32(node + ELEMENT_CONTENTS);
  if (count === 0) return CONTENT_NOTHING;
  const first = firstContent(node);
  let part = first;
  for (let i = 0; i < count; i++) {
    if (kindOf(part) === ELEMENT) return CONTENT_MEMBERS;
    part = behind(part);
  }
  if (onlySlot(first, count) < 0) return CONTENT_TEXT;
  return getI32(first + SUBSTITUTION_TYPE) === TYPE_BIN_XML ? CONTENT_NESTED : CONTENT_VALUE;
}

/** The slot of an element that is one value or one nested document. */
function slotOf(node: i32): i32 {
  return getI32(firstContent(node) + SUBSTITUTION_SLOT);
}

function isConstant(first: i32, count: i32): boolean {
  let part = first;
  for (let i = 0; i < count; i++) {
    if (kindOf(part) === SUBSTITUTION) return false;
    part = behind(part);
  }
  return true;
}

/** True when there is no character in the constant parts. */
function isEmpty(first: i32, count: i32): boolean {
  let part = first;
  for (let i = 0; i < count; i++) {
    if (kindOf(part) !== SUBSTITUTION && getI32(getI32(part + TEXT_JSON) + TEXT_SIZE) > 0) return false;
    part = behind(part);
  }
  return true;
}

/** Constant parts inside a string. Halves of surrogate pairs may be one in the joined text. */
function addParts(first: i32, count: i32): void {
  let part = first;
  for (let i = 0; i < count; i++) {
    if (count > 1 && getI32(part + TEXT_HALVES) !== 0) giveUp();
    addText(getI32(part + TEXT_JSON));
    part = behind(part);
  }
}

/** How many values there are among the parts without which what is around them is left out. */
function optionals(first: i32, count: i32): i32 {
  let found = 0;
  let part = first;
  for (let i = 0; i < count; i++) {
    if (isOptional(part)) found++;
    part = behind(part);
  }
  return found;
}

/** The attribute `Name` of a Data element that is a member by that name; 0 when it is none. */
function nameAttribute(node: i32): i32 {
  if (getI32(node + ELEMENT_NAME) !== NAME_DATA) return 0;
  let at = node + ELEMENT_SIZE;
  for (let i = getI32(node + ELEMENT_ATTRIBUTES); i > 0; i--) {
    if (getI32(at + ATTRIBUTE_NAME) === NAME_NAME) {
      if (!isConstant(at + ATTRIBUTE_SIZE, getI32(at + ATTRIBUTE_PARTS))) giveUp();
      return at;
    }
    at = behind(at);
  }
  return 0;
}

/** The name that a member has if no sibling takes it first. */
function baseName(node: i32): i32 {
  const attribute = nameAttribute(node);
  if (attribute === 0 || hasFailed()) return getI32(node + ELEMENT_NAME);
  const first = attribute + ATTRIBUTE_SIZE;
  const parts = getI32(attribute + ATTRIBUTE_PARTS);
  if (parts === 1) return getI32(first + TEXT_JSON);
  flush();
  addParts(first, parts);
  return pooled();
}

function isGathered(node: i32): boolean {
  if (getI32(node + ELEMENT_NAME) !== NAME_DATA) return false;
  const attributes = getI32(node + ELEMENT_ATTRIBUTES);
  if (attributes > 0) {
    // Whether it is one of the unnamed depends on values.
    if (nameAttribute(node) !== 0) return false;
    let at = node + ELEMENT_SIZE;
    for (let i = 0; i < attributes; i++) {
      if (optionals(at + ATTRIBUTE_SIZE, getI32(at + ATTRIBUTE_PARTS)) > 0) giveUp();
      at = behind(at);
    }
    return false;
  }
  const content = contentOf(node);
  if (content === CONTENT_MEMBERS || content === CONTENT_NESTED) giveUp();
  return true;
}

/** `"name":`, with a number where siblings have the name, too. */
function addKey(name: i32, number: i32): void {
  addByte(QUOTE);
  addText(name);
  if (number > 0) {
    addByte(UNDERSCORE);
    addNumber(number);
  }
  addByte(QUOTE);
  addByte(COLON);
}

/** A key as an operand. */
function key(name: i32, number: i32): i32 {
  flush();
  addKey(name, number);
  return pooled();
}

function addNull(): void {
  addByte(110);
  addByte(117);
  addByte(108);
  addByte(108);
}

function member(slot: i32, key: i32, flags: i32): void {
  operation(OP_MEMBER);
  word(slot);
  operand(key);
  word(flags);
}

/** An element as the member `name`. Its omission has been seen to. @param alone no sibling has its name */
function element(node: i32, name: i32, number: i32, alone: boolean): void {
  const attributes = getI32(node + ELEMENT_ATTRIBUTES);
  if (attributes === 0) {
    bare(node, name, number, alone);
    return;
  }
  let dependent = 0;
  let at = node + ELEMENT_SIZE;
  for (let i = 0; i < attributes; i++) {
    const found = optionals(at + ATTRIBUTE_SIZE, getI32(at + ATTRIBUTE_PARTS));
    if (found > 1) giveUp();
    dependent += found;
    at = behind(at);
  }
  let end = 0;
  if (dependent === attributes) {
    const without = jump(OP_IF_ALL_NULL, 0);
    word(attributes);
    at = node + ELEMENT_SIZE;
    for (let i = 0; i < attributes; i++) {
      word(optionalSlot(at));
      at = behind(at);
    }
    const attributed = jump(OP_JUMP, 0);
    place(without);
    bare(node, name, number, alone);
    end = jump(OP_JUMP, 0);
    place(attributed);
  }
  withAttributes(node, name, number);
  place(end);
}

/** The slot of the one optional value of an attribute. */
function optionalSlot(attribute: i32): i32 {
  let part = attribute + ATTRIBUTE_SIZE;
  for (let i = getI32(attribute + ATTRIBUTE_PARTS); i > 1 && !isOptional(part); i--) part = behind(part);
  return getI32(part + SUBSTITUTION_SLOT);
}

/** Without attributes: the value itself. */
function bare(node: i32, name: i32, number: i32, alone: boolean): void {
  const content = contentOf(node);
  if (content === CONTENT_VALUE) {
    member(slotOf(node), key(name, number), alone ? 0 : FLAG_NO_ARRAY);
    return;
  }
  let nothing = 0;
  if (content === CONTENT_NESTED) nothing = jumpIfNull(slotOf(node), 0);
  addKey(name, number);
  if (content === CONTENT_NOTHING) addNull();
  else if (content === CONTENT_TEXT) string(firstContent(node), getI32(node + ELEMENT_CONTENTS), NONE_IS_NULL);
  else {
    addByte(OPEN);
    if (content === CONTENT_MEMBERS) {
      membersOf(node);
      operation(OP_CLOSE_OR_NULL);
    } else {
      operation(OP_NESTED_MEMBERS);
      word(slotOf(node));
      word(FLAG_NEEDED);
      word(0);
      operation(OP_CLOSE);
    }
  }
  addByte(COMMA);
  if (content !== CONTENT_NESTED) return;
  const end = jump(OP_JUMP, 0);
  place(nothing);
  addKey(name, number);
  addNull();
  addByte(COMMA);
  place(end);
}

/** With attributes: an object of them and the content. */
function withAttributes(node: i32, name: i32, number: i32): void {
  const content = contentOf(node);
  const first = firstContent(node);
  const count = getI32(node + ELEMENT_CONTENTS);
  addKey(name, number);
  addByte(OPEN);
  addKey(NAME_ATTRIBUTES, 0);
  addByte(OPEN);
  let at = node + ELEMENT_SIZE;
  for (let i = getI32(node + ELEMENT_ATTRIBUTES); i > 0; i--) {
    attribute(at);
    at = behind(at);
  }
  operation(OP_CLOSE);
  addByte(COMMA);
  if (content === CONTENT_VALUE) {
    operation(OP_TEXT_MEMBER);
    word(slotOf(node));
  } else if (content === CONTENT_NESTED) {
    operation(OP_NESTED_MEMBERS);
    word(slotOf(node));
    word(0);
    word(2);
    word(NAME_ATTRIBUTES);
    word(NAME_TEXT);
  } else if (content === CONTENT_TEXT) {
    if (!isConstant(first, count) || !isEmpty(first, count)) {
      addKey(NAME_TEXT, 0);
      string(first, count, NONE_IS_NULL);
      addByte(COMMA);
    }
  } else if (content === CONTENT_MEMBERS) membersOf(node);
  operation(OP_CLOSE);
  addByte(COMMA);
}

function attribute(node: i32): void {
  const name = getI32(node + ATTRIBUTE_NAME);
  const parts = getI32(node + ATTRIBUTE_PARTS);
  const first = node + ATTRIBUTE_SIZE;
  const slot = onlySlot(first, parts);
  if (slot >= 0) {
    const flags = FLAG_ATTRIBUTE | FLAG_KEEPS_EMPTY | (isOptional(first) ? FLAG_OPTIONAL : 0);
    member(slot, key(name, 0), flags);
    return;
  }
  const omitted = ifPartsOmitted(first, parts, 0);
  addKey(name, 0);
  string(first, parts, NONE);
  addByte(COMMA);
  place(omitted);
}

/** Several parts as one text. @param none what no text at all is */
function string(first: i32, count: i32, none: i32): void {
  const empty = isEmpty(first, count);
  if (isConstant(first, count)) {
    if (empty && none === NONE_IS_NULL) {
      addNull();
      return;
    }
    addByte(QUOTE);
    addParts(first, count);
    addByte(QUOTE);
    return;
  }
  // Values alone: whether they are one typed value, or nothing at all, depends on which of them are there.
  if (empty) giveUp();
  addByte(QUOTE);
  let part = first;
  let wasValue = false;
  for (let i = 0; i < count; i++) {
    const isValue = kindOf(part) === SUBSTITUTION;
    if (isValue) {
      // Surrogates that stand apart in two parts are a pair in the joined text.
      if (wasValue) giveUp();
      const slot = getI32(part + SUBSTITUTION_SLOT);
      operation(OP_NO_ARRAY);
      word(slot);
      operation(OP_VALUE);
      word(slot);
      word(JSON_PART);
    } else {
      if (getI32(part + TEXT_HALVES) !== 0) giveUp();
      addText(getI32(part + TEXT_JSON));
    }
    // A text of nothing keeps nothing apart.
    if (isValue || !isEmpty(part, 1)) wasValue = isValue;
    part = behind(part);
  }
  addByte(QUOTE);
}

/** Puts the names of an element's members where they are looked up. @returns how many there are */
function nameMembers(node: i32): i32 {
  let count = 0;
  let part = firstContent(node);
  for (let i = getI32(node + ELEMENT_CONTENTS); i > 0; i--) {
    if (kindOf(part) === ELEMENT) {
      const name = isGathered(part) ? GATHERED : baseName(part);
      if (4 * (members + count) >= DRAFT_MEMBERS_SIZE) giveUp();
      else {
        putI32(DRAFT_MEMBERS + 4 * (members + count), name);
        count++;
      }
    }
    part = behind(part);
  }
  return count;
}

function memberName(index: i32): i32 {
  return getI32(DRAFT_MEMBERS + 4 * index);
}

/** How many of the members `from … to` have this name. */
function countNamed(name: i32, from: i32, to: i32): i32 {
  let count = 0;
  for (let i = from; i < to; i++) if (memberName(i) === name) count++;
  return count;
}

/** The gathered ones stand side by side, and no member has their name. */
function canBeGathered(from: i32, to: i32): boolean {
  const gathered = countNamed(GATHERED, from, to);
  if (gathered === 0) return true;
  let first = from;
  while (memberName(first) !== GATHERED) first++;
  return countNamed(GATHERED, first, first + gathered) === gathered && countNamed(NAME_DATA, from, to) === 0;
}

function membersOf(node: i32): void {
  const from = members;
  const to = from + nameMembers(node);
  members = to;
  if (!canBeGathered(from, to)) giveUp();
  let index = from;
  let nested = false;
  let gathering = false;
  let gathered = false;
  let part = firstContent(node);
  for (let i = getI32(node + ELEMENT_CONTENTS); i > 0 && !hasFailed(); i--) {
    if (kindOf(part) === ELEMENT) {
      const name = memberName(index);
      if (name === GATHERED) {
        if (!gathering) {
          // A nested document stands between them.
          if (gathered) giveUp();
          beginGathering();
        }
        gathering = true;
        gathered = true;
        gatheredValue(part);
      } else {
        if (gathering) operation(OP_GATHER_END);
        gathering = false;
        const alone = countNamed(name, from, to) === 1;
        // The numbers of those behind depend on whether this one stands.
        if (!alone && canBeOmitted(part)) giveUp();
        memberOf(part, name, countNamed(name, from, index), alone);
      }
      index++;
    } else if (kindOf(part) === SUBSTITUTION && getI32(part + SUBSTITUTION_TYPE) === TYPE_BIN_XML && !nested) {
      nested = true;
      if (gathering) operation(OP_GATHER_END);
      gathering = false;
      nestedMembers(getI32(part + SUBSTITUTION_SLOT), from, to);
    }
    // What is text beside elements is another matter.
    else giveUp();
    part = behind(part);
  }
  if (gathering) operation(OP_GATHER_END);
  members = from;
}

function canBeOmitted(node: i32): boolean {
  return dependencyOf(node) !== NO_DEPENDENCY || optionals(firstContent(node), getI32(node + ELEMENT_CONTENTS)) > 0;
}

/** True when the absence of another value than this one leaves out the element. */
function dependsOnOther(node: i32, slot: i32): boolean {
  return dependencyOf(node) !== NO_DEPENDENCY && dependencyOf(node) !== slot;
}

/** The members of a nested document, whose name must be none of those around it. */
function nestedMembers(slot: i32, from: i32, to: i32): void {
  operation(OP_NESTED_MEMBERS);
  word(slot);
  word(0);
  word(to - from + 2);
  for (let i = from; i < to; i++) word(memberName(i) === GATHERED ? NAME_DATA : memberName(i));
  word(NAME_ATTRIBUTES);
  word(NAME_TEXT);
}

function beginGathering(): void {
  flush();
  addKey(NAME_DATA, 0);
  addByte(OPEN);
  addKey(NAME_TEXT, 0);
  addByte(91);
  const text = pooled();
  operation(OP_GATHER);
  operand(text);
}

function memberOf(node: i32, name: i32, number: i32, alone: boolean): void {
  const isData = nameAttribute(node) !== 0;
  const content = contentOf(node);
  if (isData && content === CONTENT_VALUE && !dependsOnOther(node, slotOf(node))) {
    const optional = canBeOmitted(node) ? FLAG_OPTIONAL : 0;
    member(slotOf(node), key(name, number), optional | FLAG_KEEPS_EMPTY | (alone ? 0 : FLAG_NO_ARRAY));
    return;
  }
  const omitted = ifOmitted(node, 0);
  if (isData) data(node, content, name, number, alone);
  else element(node, name, number, alone);
  place(omitted);
}

function data(node: i32, content: i32, name: i32, number: i32, alone: boolean): void {
  if (content === CONTENT_VALUE) {
    member(slotOf(node), key(name, number), FLAG_KEEPS_EMPTY | (alone ? 0 : FLAG_NO_ARRAY));
    return;
  }
  if (content === CONTENT_MEMBERS || content === CONTENT_NESTED) giveUp();
  addKey(name, number);
  if (content === CONTENT_TEXT) string(firstContent(node), getI32(node + ELEMENT_CONTENTS), NONE);
  else {
    addByte(QUOTE);
    addByte(QUOTE);
  }
  addByte(COMMA);
}

/** One of the unnamed Data. */
function gatheredValue(node: i32): void {
  const first = firstContent(node);
  const count = getI32(node + ELEMENT_CONTENTS);
  if (contentOf(node) === CONTENT_VALUE) {
    const slot = slotOf(node);
    let omitted = 0;
    if (dependsOnOther(node, slot)) omitted = jumpIfNull(dependencyOf(node), 0);
    const optional = isOptional(first) || dependencyOf(node) === slot;
    operation(OP_GATHERED);
    word(slot);
    word(optional ? FLAG_OPTIONAL : 0);
    place(omitted);
    return;
  }
  if (!isConstant(first, count)) giveUp();
  const omitted = ifOmitted(node, 0);
  flush();
  addByte(QUOTE);
  if (!hasFailed()) addParts(first, count);
  addByte(QUOTE);
  addByte(COMMA);
  const text = pooled();
  operation(OP_GATHERED_TEXT);
  operand(text);
  place(omitted);
}
