import {
  DRAFT,
  DRAFT_PLACES,
  DRAFT_PLACES_SIZE,
  DRAFT_SIZE,
  DRAFT_TEXT,
  FORM_BYTES,
  FORM_CHAINS,
  FORM_NAME_COUNT,
  FORM_NAME_SIZE,
  FORM_NAMES,
  FORM_SIZE,
  FORM_TEMPLATE,
  FORMS,
  MAX_FORM_SIZE,
  MAX_TEMPLATES,
  NEEDS_MORE,
  NEEDS_NOTHING,
  TEMPLATE_COUNT,
  TEMPLATE_HIGHEST,
  TEMPLATE_JSON,
  TEMPLATE_NEEDS,
  TEMPLATE_PLAIN,
  TEMPLATE_ROOT_NAME,
  TEMPLATE_SIZE,
  TEMPLATE_TIME,
  TEMPLATE_TREE,
  TEMPLATE_XML,
  TEMPLATES,
  TESTS,
  TOKENS_LEFT,
} from '../layout.ts';
import { NAME_HEADER } from '../names.ts';
import { copyNamePart, copyPlain, getI32, inI32, inU8, inU16, keepInput, putI32 } from '../platform.ts';
import { CROWDED, JSON_PART, XML_ATTRIBUTE } from '../program.ts';
import { attributeList, moveTo, nameReference, position, textOffset, textToken, textUnitsRead } from '../stream.ts';
import {
  CLOSE_EMPTY,
  CLOSE_START,
  END_ELEMENT,
  END_OF_FRAGMENT,
  FRAGMENT_HEADER,
  isAttribute,
  isText,
  NORMAL_SUBSTITUTION,
  OPEN_ELEMENT_WITH_ATTRIBUTES,
  OPTIONAL_SUBSTITUTION,
  opensElement,
} from '../token.ts';
import type { i32 } from '../types.ts';
import { DEFINITION_HEADER, define, definitionSize, isCrowded } from './definitions.ts';
import { constant, keptDraft, setTextSize, take } from './pool.ts';
import {
  ATTRIBUTE,
  ATTRIBUTE_NAME,
  ATTRIBUTE_PARTS,
  ATTRIBUTE_SIZE,
  ATTRIBUTE_UNITS,
  behind,
  ELEMENT,
  ELEMENT_ATTRIBUTES,
  ELEMENT_CONTENTS,
  ELEMENT_DEPENDENCY,
  ELEMENT_EMPTY,
  ELEMENT_NAME,
  ELEMENT_SIZE,
  ELEMENT_UNITS,
  firstContent,
  isOptional,
  kindOf,
  NAME_SYSTEM,
  NAME_SYSTEM_TIME,
  NAME_TIME_CREATED,
  NO_DEPENDENCY,
  NODE_KIND,
  NODE_SIZE,
  onlySlot,
  SUBSTITUTION,
  SUBSTITUTION_OPTIONAL,
  SUBSTITUTION_SIZE,
  SUBSTITUTION_SLOT,
  SUBSTITUTION_TYPE,
  TEXT,
  TEXT_HALVES,
  TEXT_JSON,
  TEXT_NODE_SIZE,
  TEXT_UNITS,
  TEXT_XML,
} from './tree.ts';

/**
 * Reads template definitions as Windows writes them: one element, names and constant text in plain ASCII, values. What is not
 * that is for `binxml/reader.ts`, which says what is damaged, too.
 */

const MAX_ELEMENT_DEPTH = 64;
const MAX_ATTRIBUTES = 64;
/** Byte forms kept for one template id. Honest logs have a handful; a crafted log could make every look-up long. */
const MAX_FORMS_PER_ID = 64;
const SUBSTITUTION_TOKEN_SIZE = 4;
const NO_DEPENDENCY_ID = 0xffff;
/** Of an element: token, dependency id, size, name. */
const ELEMENT_TOKEN_SIZE = 11;
/** Cells of a name in DRAFT_PLACES: where its reference stands in the definition, where its entry stands in the chunk. */
const PLACE_SIZE = 8;

// The end of the nodes, and how many names there are.
let next = 0;
let names = 0;
let start = 0;
let highest = 0;
let tokens = 0;
// A text did not fit the pool.
let crowded = false;

/**
 * Learns the definition at chunk offset `target`, which has not been met.
 * @param end what a definition must lie in front of
 * @returns the number of its template; 0 when it is not for this reader; CROWDED
 */
export function learnedDefinition(target: i32, end: i32): i32 {
  const size = definitionSize(target, end);
  if (size === 0 || isCrowded()) return 0;
  next = DRAFT;
  names = 0;
  start = target;
  highest = -1;
  crowded = false;
  tokens = getI32(TOKENS_LEFT);
  const whole = fragment(target + DEFINITION_HEADER, target + DEFINITION_HEADER + size);
  putI32(TOKENS_LEFT, tokens);
  if (!whole) return crowded ? CROWDED : 0;
  const template = numbered(target);
  if (template <= 0) return template;
  if (!keepForm(target, size, template)) return CROWDED;
  define(target, template);
  return template;
}

function fragment(from: i32, end: i32): boolean {
  moveTo(inU8(from) === FRAGMENT_HEADER ? from + 4 : from);
  if (position() >= end || !opensElement(inU8(position())) || !element(end, 1)) return false;
  return position() === end || inU8(position()) === END_OF_FRAGMENT;
}

/** A node of so many bytes. @returns its address; 0 when there are too many of them */
function open(kind: i32, size: i32): i32 {
  const node = next;
  if (tokens <= 0 || node + size > DRAFT + DRAFT_SIZE) return 0;
  tokens--;
  next += size;
  putI32(node + NODE_KIND, kind);
  putI32(node + NODE_SIZE, size);
  return node;
}

/** The text at hand as one of the pool. */
function kept(units: i32): i32 {
  setTextSize(units);
  const text = constant();
  if (text === 0) crowded = true;
  return text;
}

/** Reads a name. @returns it as a text; 0 when it is none of ASCII, or damaged */
function name(end: i32): i32 {
  const at = position();
  const entry = nameReference(end);
  const place = DRAFT_PLACES + PLACE_SIZE * names;
  if (entry < 0 || place >= DRAFT_PLACES + DRAFT_PLACES_SIZE) return 0;
  const units = inU16(entry + 6);
  // No name begins with a digit, - or .
  if (inU16(entry + NAME_HEADER) < 0x3a) return 0;
  if (copyNamePart(DRAFT_TEXT, entry + NAME_HEADER, units) !== units) return 0;
  putI32(place, at - start);
  putI32(place + 4, entry);
  names++;
  return kept(units);
}

function unitsOfName(): i32 {
  return inU16(getI32(DRAFT_PLACES + PLACE_SIZE * (names - 1) + 4) + 6);
}

function element(end: i32, depth: i32): boolean {
  const from = position();
  const node = open(ELEMENT, ELEMENT_SIZE);
  if (node === 0 || depth > MAX_ELEMENT_DEPTH || from + ELEMENT_TOKEN_SIZE > end) return false;
  const dependency = inU16(from + 1);
  moveTo(from + 7);
  const named = name(end);
  if (named === 0) return false;
  putI32(node + ELEMENT_NAME, named);
  putI32(node + ELEMENT_UNITS, unitsOfName());
  putI32(node + ELEMENT_DEPENDENCY, dependency === NO_DEPENDENCY_ID ? NO_DEPENDENCY : dependency);
  putI32(node + ELEMENT_ATTRIBUTES, 0);
  putI32(node + ELEMENT_CONTENTS, 0);
  if (inU8(from) === OPEN_ELEMENT_WITH_ATTRIBUTES && !attributes(node, end)) return false;
  if (position() >= end) return false;
  const close = inU8(position());
  moveTo(position() + 1);
  putI32(node + ELEMENT_EMPTY, close === CLOSE_EMPTY ? 1 : 0);
  if (close !== CLOSE_EMPTY && (close !== CLOSE_START || !contents(node, end, depth))) return false;
  putI32(node + NODE_SIZE, next - node);
  return true;
}

function attributes(node: i32, end: i32): boolean {
  const listEnd = attributeList(end);
  if (listEnd < 0) return false;
  let count = 0;
  while (position() < listEnd) {
    const attribute = open(ATTRIBUTE, ATTRIBUTE_SIZE);
    if (attribute === 0 || !isAttribute(inU8(position())) || count >= MAX_ATTRIBUTES) return false;
    moveTo(position() + 1);
    const named = name(listEnd);
    if (named === 0) return false;
    for (let other = node + ELEMENT_SIZE; other < attribute; other = behind(other)) {
      if (getI32(other + ATTRIBUTE_NAME) === named) return false;
    }
    putI32(attribute + ATTRIBUTE_NAME, named);
    putI32(attribute + ATTRIBUTE_UNITS, unitsOfName());
    let parts = 0;
    while (position() < listEnd && !isAttribute(inU8(position()))) {
      if (!characters(listEnd)) return false;
      parts++;
    }
    putI32(attribute + ATTRIBUTE_PARTS, parts);
    putI32(attribute + NODE_SIZE, next - attribute);
    count++;
  }
  putI32(node + ELEMENT_ATTRIBUTES, count);
  return true;
}

function contents(node: i32, end: i32, depth: i32): boolean {
  let count = 0;
  while (position() < end) {
    const token = inU8(position());
    if (token === END_ELEMENT) {
      moveTo(position() + 1);
      putI32(node + ELEMENT_CONTENTS, count);
      return true;
    }
    if (opensElement(token)) {
      if (!element(end, depth + 1)) return false;
    } else if (!characters(end)) return false;
    count++;
  }
  return false;
}

/** Text, or the place of a value. */
function characters(end: i32): boolean {
  const at = position();
  const token = inU8(at);
  if (token === NORMAL_SUBSTITUTION || token === OPTIONAL_SUBSTITUTION) {
    const node = open(SUBSTITUTION, SUBSTITUTION_SIZE);
    if (node === 0 || at + SUBSTITUTION_TOKEN_SIZE > end) return false;
    moveTo(at + SUBSTITUTION_TOKEN_SIZE);
    const slot = inU16(at + 1);
    if (slot > highest) highest = slot;
    putI32(node + SUBSTITUTION_SLOT, slot);
    putI32(node + SUBSTITUTION_TYPE, inU8(at + 3));
    putI32(node + SUBSTITUTION_OPTIONAL, token === OPTIONAL_SUBSTITUTION ? 1 : 0);
    return true;
  }
  if (!isText(token)) return false;
  const node = open(TEXT, TEXT_NODE_SIZE);
  if (node === 0 || !textToken(end)) return false;
  const units = textUnitsRead();
  // What needs escaping nowhere is the same everywhere.
  if (copyPlain(DRAFT_TEXT, textOffset(), units, XML_ATTRIBUTE) !== units) return false;
  if (copyPlain(DRAFT_TEXT, textOffset(), units, JSON_PART) !== units) return false;
  const text = kept(units);
  if (text === 0) return false;
  putI32(node + TEXT_XML, text);
  putI32(node + TEXT_JSON, text);
  putI32(node + TEXT_UNITS, units);
  putI32(node + TEXT_HALVES, 0);
  return true;
}

/** The number of the template that has been read: that of a twin in another byte form, or a new one; 0; or CROWDED. */
function numbered(target: i32): i32 {
  const size = next - DRAFT;
  let forms = 0;
  let form = getI32(FORMS + 4 * (inI32(target + 4) & (FORM_CHAINS - 1)));
  while (form !== 0) {
    const template = getI32(form + FORM_TEMPLATE);
    const tree = getI32(TEMPLATES + TEMPLATE_SIZE * template + TEMPLATE_TREE);
    if (tree > 0 && isDraft(tree, size)) return template;
    if (++forms >= MAX_FORMS_PER_ID) return 0;
    form = getI32(form);
  }
  const template = getI32(TEMPLATE_COUNT) + 1;
  const tree = keptDraft(size);
  if (tree === 0 || template >= MAX_TEMPLATES) return CROWDED;
  const entry = TEMPLATES + TEMPLATE_SIZE * template;
  putI32(entry + TEMPLATE_XML, -1);
  putI32(entry + TEMPLATE_JSON, -1);
  putI32(entry + TEMPLATE_HIGHEST, highest);
  putI32(entry + TEMPLATE_ROOT_NAME, getI32(tree + ELEMENT_NAME));
  putI32(entry + TEMPLATE_PLAIN, 1);
  putI32(entry + TEMPLATE_NEEDS, needsOf(tree));
  putI32(entry + TEMPLATE_TREE, tree);
  putI32(entry + TEMPLATE_TIME, timeSlotOf(tree));
  putI32(TESTS + 4 * template, 0);
  putI32(TEMPLATE_COUNT, template);
  return template;
}

function isDraft(tree: i32, size: i32): boolean {
  if (getI32(tree + NODE_SIZE) !== size) return false;
  for (let i = 0; i < size; i += 4) if (getI32(tree + i) !== getI32(DRAFT + i)) return false;
  return true;
}

/** The slot without whose value the root is left out, as `binxml/check.ts` tells it. */
function needsOf(root: i32): i32 {
  let needs = getI32(root + ELEMENT_DEPENDENCY);
  if (needs === NO_DEPENDENCY) needs = NEEDS_NOTHING;
  let part = firstContent(root);
  for (let i = getI32(root + ELEMENT_CONTENTS); i > 0; i--) {
    if (isOptional(part)) {
      const slot = getI32(part + SUBSTITUTION_SLOT);
      if (needs === NEEDS_NOTHING) needs = slot;
      else if (needs !== slot) return NEEDS_MORE;
    }
    part = behind(part);
  }
  return needs;
}

/** The slot that has the event's time, as `render/stored-time.ts` tells it; -1 where it stands in no single one. */
function timeSlotOf(root: i32): i32 {
  const system = onlyChild(root, NAME_SYSTEM);
  const time = system === 0 ? 0 : onlyChild(system, NAME_TIME_CREATED);
  if (time === 0) return -1;
  let at = time + ELEMENT_SIZE;
  for (let i = getI32(time + ELEMENT_ATTRIBUTES); i > 0; i--) {
    if (getI32(at + ATTRIBUTE_NAME) === NAME_SYSTEM_TIME) {
      return onlySlot(at + ATTRIBUTE_SIZE, getI32(at + ATTRIBUTE_PARTS));
    }
    at = behind(at);
  }
  return -1;
}

/** The one child of that name; 0 when there is none, or more than one. */
function onlyChild(parent: i32, named: i32): i32 {
  let found = 0;
  let node = firstContent(parent);
  for (let i = getI32(parent + ELEMENT_CONTENTS); i > 0; i--) {
    if (kindOf(node) === ELEMENT && getI32(node + ELEMENT_NAME) === named) {
      if (found !== 0) return 0;
      found = node;
    }
    node = behind(node);
  }
  return found;
}

/** Keeps the byte form, unless it is overly large, so that it is known in other chunks. False when there is no room. */
function keepForm(target: i32, size: i32, template: i32): boolean {
  const cells = FORM_NAMES + FORM_NAME_SIZE * names;
  let elsewhere = 0;
  for (let i = 0; i < names; i++) {
    const place = DRAFT_PLACES + PLACE_SIZE * i;
    const entry = getI32(place + 4);
    if (entry !== target + getI32(place) + 4) elsewhere += 2 * inU16(entry + 6);
  }
  if (DEFINITION_HEADER + size + elsewhere > MAX_FORM_SIZE) return true;
  const form = take(cells + DEFINITION_HEADER + size + elsewhere, 8);
  if (form === 0) return false;
  const bytes = form + cells;
  let characters = bytes + DEFINITION_HEADER + size;
  keepInput(bytes, target, DEFINITION_HEADER + size);
  for (let i = 0; i < names; i++) {
    const place = DRAFT_PLACES + PLACE_SIZE * i;
    const at = getI32(place);
    const entry = getI32(place + 4);
    const length = 2 * inU16(entry + 6);
    const inline = entry === target + at + 4;
    const cell = form + FORM_NAMES + FORM_NAME_SIZE * i;
    putI32(cell, at);
    putI32(cell + 4, inline ? 1 : 0);
    putI32(cell + 8, inline ? bytes + at + 4 + NAME_HEADER : characters);
    putI32(cell + 12, length);
    if (inline) continue;
    keepInput(characters, entry + NAME_HEADER, length);
    characters += length;
  }
  const chain = FORMS + 4 * (inI32(target + 4) & (FORM_CHAINS - 1));
  putI32(form, getI32(chain));
  putI32(form + FORM_TEMPLATE, template);
  putI32(form + FORM_SIZE, size);
  putI32(form + FORM_BYTES, bytes);
  putI32(form + FORM_NAME_COUNT, names);
  putI32(chain, form);
  return true;
}
