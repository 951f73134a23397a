import { KEY_SIZE, KEYS, MAX_KEYS } from './layout.ts';
import { NAME_HEADER } from './names.ts';
import { decimal } from './numbers.ts';
import {
  copyBytes,
  copyNamePart,
  getI32,
  getU8,
  inI32,
  inputSize,
  inU8,
  inU16,
  moveDown,
  putI32,
  putI32At,
  putU8,
  putU16,
} from './platform.ts';
import { FULL, JSON_PART, UNUSUAL, XML_ATTRIBUTE, XML_TEXT } from './program.ts';
import { NAME_EVENT_DATA, NAME_USER_DATA } from './templates/tree.ts';
import { text } from './text.ts';
import {
  CHARACTER_REFERENCE,
  CLOSE_EMPTY,
  CLOSE_START,
  END_ELEMENT,
  ENTITY_REFERENCE,
  isAttribute,
  isText,
  MORE,
  OPEN_ELEMENT,
  OPEN_ELEMENT_WITH_ATTRIBUTES,
  opensElement,
  TEXT_TOKEN,
} from './token.ts';
import type { i32 } from './types.ts';

/**
 * Writes elements that stand in a record without a template, token by token: forwarded events and some providers' data.
 * Constant text only; whatever else may stand there is the plain renderer's.
 */

const TEXT_HEADER = 4;
const TYPE_STRING = 0x01;
const MAX_ELEMENT_DEPTH = 64;
/** Elements in each other that a nested document may have: so many as an event may have behind those of its templates. */
const MAX_NESTED_LEVELS = 16;
const MAX_NAME = 256;
const MAX_ATTRIBUTES = 16;
const CHARACTER_REFERENCE_SIZE = 3;
/** Room for tags, quotes and braces around what is measured. */
const ROOM = 64;

// Where reading has come to; the limit of the output; the text token last read.
let at = 0;
let limit = 0;
let textAt = 0;
let textUnits = 0;
// The character data last read: where it begins and ends, its units (at least), its tokens.
let partsAt = 0;
let partsEnd = 0;
let partsUnits = 0;
let partsCount = 0;
// Member names of the objects that are open, the innermost last.
let keys = 0;

export function position(): i32 {
  return at;
}

/** Reading goes on there. */
export function moveTo(offset: i32): void {
  at = offset;
}

/** Where the characters of the text last read begin, and how many there are. */
export function textOffset(): i32 {
  return textAt;
}

export function textUnitsRead(): i32 {
  return textUnits;
}

/** The number of a name that documents nested in templates have; -1 for others. */
function wellKnown(name: i32): i32 {
  const units = inU16(name + 6);
  const first = inU16(name + NAME_HEADER);
  // "EventData" and "UserData" are told apart from others by all of their letters.
  if (units === 9 && first === 0x45 && spells(name, 0x6e657645, 0x74614474, 1)) return NAME_EVENT_DATA;
  if (units === 8 && first === 0x55 && spells(name, 0x72657355, 0x61746144, 0)) return NAME_USER_DATA;
  return -1;
}

function spells(name: i32, first: i32, second: i32, more: i32): boolean {
  for (let i = 0; i < 4; i++) {
    if (inU16(name + NAME_HEADER + 2 * i) !== ((first >> (8 * i)) & 0xff)) return false;
    if (inU16(name + NAME_HEADER + 8 + 2 * i) !== ((second >> (8 * i)) & 0xff)) return false;
  }
  return more === 0 || inU16(name + NAME_HEADER + 16) === 0x61;
}

/** The element at `from` as XML or as a JSON member. @param isNested it stands in a template @returns the address behind, or a negative reason */
export function streamed(out: i32, from: i32, end: i32, json: boolean, isNested: boolean, outLimit: i32): i32 {
  limit = outLimit;
  keys = 0;
  const depth = isNested ? MAX_ELEMENT_DEPTH - MAX_NESTED_LEVELS : 0;
  return json ? member(out, from, end, 0, depth) : element(out, from, end, depth);
}

/** Number of the root's name, for who must know whether it clashes. */
export function rootNumber(from: i32, end: i32): i32 {
  at = from + 5;
  const name = nameReference(end);
  return name < 0 ? -1 : wellKnown(name);
}

/** Reads a name reference. @returns the chunk offset of the name, or -1 */
export function nameReference(end: i32): i32 {
  if (at + 4 > end) return -1;
  const target = inI32(at);
  at += 4;
  if (target < 0 || target > at || target + NAME_HEADER + 2 > inputSize()) return -1;
  const units = inU16(target + 6);
  if (units === 0 || units > MAX_NAME || target + NAME_HEADER + 2 * units > inputSize()) return -1;
  if (target === at) {
    at += NAME_HEADER + 2 * units + 2;
    if (at > end) return -1;
  } else if (target > at - 4) return -1;
  return target;
}

/** Writes a name. UNUSUAL for one that is not plainly an XML name. */
function putName(out: i32, name: i32): i32 {
  const units = inU16(name + 6);
  const first = inU16(name + NAME_HEADER);
  // No name begins with a digit, - or .
  if (first < 0x3a) return UNUSUAL;
  return copyNamePart(out, name + NAME_HEADER, units) === units ? out + units : UNUSUAL;
}

function sameName(a: i32, b: i32): boolean {
  if (a === b) return true;
  const units = inU16(a + 6);
  if (inU16(b + 6) !== units) return false;
  for (let i = 0; i < units; i++) if (inU16(a + NAME_HEADER + 2 * i) !== inU16(b + NAME_HEADER + 2 * i)) return false;
  return true;
}

/** Reads a text token. */
export function textToken(end: i32): boolean {
  if (at + TEXT_HEADER > end || !isText(inU8(at)) || inU8(at + 1) !== TYPE_STRING) return false;
  textUnits = inU16(at + 2);
  textAt = at + TEXT_HEADER;
  at = textAt + 2 * textUnits;
  return at <= end;
}

function putText(out: i32, mode: i32): i32 {
  if (out + 6 * textUnits + ROOM > limit) return FULL;
  return text(out, textAt, textUnits, mode, false);
}

/** Reads all character data that stands here: texts, references. False when there is something in it that is the plain renderer's. */
function parts(end: i32): boolean {
  partsAt = at;
  partsUnits = 0;
  partsCount = 0;
  while (at < end) {
    const token = inU8(at) & ~MORE;
    if (token === TEXT_TOKEN) {
      if (!textToken(end)) return false;
      partsUnits += textUnits;
    } else if (token === CHARACTER_REFERENCE) {
      at += CHARACTER_REFERENCE_SIZE;
      if (at > end) return false;
      partsUnits++;
    } else if (token === ENTITY_REFERENCE) {
      at++;
      if (entity(nameReference(end)) === 0) return false;
      partsUnits++;
    } else break;
    partsCount++;
  }
  partsEnd = at;
  return true;
}

/** The character that an entity of XML stands for; 0 for other entities. */
function entity(name: i32): i32 {
  if (name < 0) return 0;
  const units = inU16(name + 6);
  const first = inU16(name + NAME_HEADER);
  const second = inU16(name + NAME_HEADER + 2);
  if (units === 2) {
    // lt, gt
    if (second !== 0x74) return 0;
    return first === 0x6c ? 60 : first === 0x67 ? 62 : 0;
  }
  const third = inU16(name + NAME_HEADER + 4);
  // amp
  if (units === 3) return first === 0x61 && second === 0x6d && third === 0x70 ? 38 : 0;
  if (units !== 4) return 0;
  const fourth = inU16(name + NAME_HEADER + 6);
  // quot, apos
  if (first === 0x71) return second === 0x75 && third === 0x6f && fourth === 0x74 ? 34 : 0;
  return first === 0x61 && second === 0x70 && third === 0x6f && fourth === 0x73 ? 39 : 0;
}

/** Writes the character data last read. */
function putParts(out: i32, mode: i32): i32 {
  const resume = at;
  const end = partsEnd;
  const several = partsCount > 1;
  let next = out;
  at = partsAt;
  while (at < end) {
    const token = inU8(at) & ~MORE;
    if (token === TEXT_TOKEN) {
      if (!textToken(end)) return UNUSUAL;
      // Surrogates that stand apart in two parts are a pair in the joined text.
      if (mode === JSON_PART && several && textUnits > 0) {
        if (isSurrogate(inU16(textAt)) || isSurrogate(inU16(textAt + 2 * textUnits - 2))) return UNUSUAL;
      }
      next = putText(next, mode);
    } else if (token === CHARACTER_REFERENCE) {
      next = putCharacter(next, inU16(at + 1), mode);
      at += CHARACTER_REFERENCE_SIZE;
    } else {
      at++;
      next = putEntity(next, nameReference(end), mode);
    }
    if (next < 0) return next;
  }
  at = resume;
  return next;
}

function isSurrogate(unit: i32): boolean {
  return (unit & 0xf800) === 0xd800;
}

/** A character that stands as its number. */
function putCharacter(out: i32, code: i32, mode: i32): i32 {
  if (out + ROOM > limit) return FULL;
  if (mode !== JSON_PART) {
    if (code >= 0xd800 || (code < 0x20 && code !== 9 && code !== 10 && code !== 13)) return UNUSUAL;
    putU16(out, 0x2326); // &#
    const next = decimal(out + 2, code);
    putU8(next, 59);
    return next + 1;
  }
  let escaped = 0;
  if (code === 9) escaped = 116;
  else if (code === 10) escaped = 110;
  else if (code === 13) escaped = 114;
  else if (code === 34 || code === 92) escaped = code;
  else if (code < 0x20 || code > 0x7e) return UNUSUAL;
  if (escaped === 0) {
    putU8(out, code);
    return out + 1;
  }
  putU8(out, 92);
  putU8(out + 1, escaped);
  return out + 2;
}

/** An entity: in XML as it is, in JSON as its character. */
function putEntity(out: i32, name: i32, mode: i32): i32 {
  if (mode === JSON_PART) return putCharacter(out, entity(name), mode);
  if (out + ROOM > limit) return FULL;
  const units = inU16(name + 6);
  putU8(out, 38);
  for (let i = 0; i < units; i++) putU8(out + 1 + i, inU16(name + NAME_HEADER + 2 * i));
  putU8(out + 1 + units, 59);
  return out + 2 + units;
}

/** Reads one attribute: its name is returned, its character data is at hand. UNUSUAL for other contents. */
function attribute(listEnd: i32): i32 {
  if (!isAttribute(inU8(at))) return UNUSUAL;
  at++;
  const name = nameReference(listEnd);
  if (name < 0 || !parts(listEnd)) return UNUSUAL;
  if (at < listEnd && !isAttribute(inU8(at))) return UNUSUAL;
  return name;
}

/** Reads the size of an attribute list. @returns where it ends, or -1 */
export function attributeList(end: i32): i32 {
  if (at + 4 > end) return -1;
  const size = inI32(at);
  at += 4;
  return size <= 0 || size > end - at ? -1 : at + size;
}

/** True when no two attributes of the list have one name. The place is where it was. */
function areDistinct(listEnd: i32): boolean {
  const start = at;
  let count = 0;
  while (at < listEnd) {
    const name = attribute(listEnd);
    if (name < 0 || count >= MAX_ATTRIBUTES) return false;
    for (let i = 0; i < count; i++) if (sameName(getI32(KEYS + 4 * i + KEY_SIZE * keys), name)) return false;
    putI32(KEYS + KEY_SIZE * keys + 4 * count, name);
    count++;
  }
  at = start;
  return true;
}

function element(start: i32, from: i32, end: i32, depth: i32): i32 {
  if (depth >= MAX_ELEMENT_DEPTH) return UNUSUAL;
  if (start + 2 * MAX_NAME + ROOM > limit) return FULL;
  at = from + 5;
  const name = nameReference(end);
  if (name < 0) return UNUSUAL;
  putU8(start, 60);
  let out = putName(start + 1, name);
  if (out < 0) return out;
  if (inU8(from) === OPEN_ELEMENT_WITH_ATTRIBUTES) {
    const listEnd = attributeList(end);
    if (listEnd < 0 || !areDistinct(listEnd)) return UNUSUAL;
    while (at < listEnd) {
      const attributeName = attribute(listEnd);
      if (out + MAX_NAME + ROOM > limit) return FULL;
      putU8(out, 32);
      out = putName(out + 1, attributeName);
      if (out < 0) return out;
      putU16(out, 0x273d);
      out = putParts(out + 2, XML_ATTRIBUTE);
      if (out < 0) return out;
      putU8(out, 39);
      out++;
    }
  }
  if (at >= end) return UNUSUAL;
  const close = inU8(at);
  at++;
  if (close === CLOSE_EMPTY) {
    putU16(out, 0x3e2f);
    return out + 2;
  }
  if (close !== CLOSE_START) return UNUSUAL;
  putU8(out, 62);
  out++;
  while (true) {
    if (at >= end) return UNUSUAL;
    const token = inU8(at);
    if (token === END_ELEMENT) break;
    if (opensElement(token)) out = element(out, at, end, depth + 1);
    else {
      if (!parts(end) || partsCount === 0) return UNUSUAL;
      out = putParts(out, XML_TEXT);
    }
    if (out < 0) return out;
  }
  at++;
  if (out + MAX_NAME + ROOM > limit) return FULL;
  putU16(out, 0x2f3c);
  const units = inU16(name + 6);
  copyBytes(out + 2, start + 1, units);
  putU8(out + 2 + units, 62);
  return out + 3 + units;
}

/** The character data at hand as a JSON string. */
function quoted(out: i32): i32 {
  if (out + ROOM > limit) return FULL;
  putU8(out, 34);
  const next = putParts(out + 1, JSON_PART);
  if (next < 0) return next;
  putU8(next, 34);
  return next + 1;
}

/**
 * Ends the member name that was written from `from` to `out`, with a number if the object has that name already.
 * @param first number of keys in front of the object's own
 */
function endKey(from: i32, out: i32, first: i32): i32 {
  const size = out - from;
  let next = out;
  let found = false;
  for (let i = first; i < keys && !found; i++) {
    const entry = KEYS + KEY_SIZE * i;
    if (getI32(entry + 4) !== size) continue;
    const other = getI32(entry);
    let same = true;
    for (let j = 0; j < size && same; j++) same = getU8(other + j) === getU8(from + j);
    if (!same) continue;
    found = true;
    putU8(next, 95);
    next = decimal(next + 1, getI32(entry + 8));
    putI32(entry + 8, getI32(entry + 8) + 1);
  }
  if (!found) {
    if (keys >= MAX_KEYS) return UNUSUAL;
    const entry = KEYS + KEY_SIZE * keys;
    putI32(entry, from);
    putI32(entry + 4, size);
    putI32(entry + 8, 1);
    keys++;
  }
  putU16(next, 0x3a22);
  return next + 2;
}

function putNull(out: i32): i32 {
  putI32At(out, 0x6c6c756e);
  return out + 4;
}

/** True of the name `Data`. */
function isData(name: i32): boolean {
  if (inU16(name + 6) !== 4) return false;
  const from = name + NAME_HEADER;
  return inU16(from) === 0x44 && inU16(from + 2) === 0x61 && inU16(from + 4) === 0x74 && inU16(from + 6) === 0x61;
}

/** True of the name `Name`. */
function isName(name: i32): boolean {
  if (inU16(name + 6) !== 4) return false;
  const from = name + NAME_HEADER;
  return inU16(from) === 0x4e && inU16(from + 2) === 0x61 && inU16(from + 4) === 0x6d && inU16(from + 6) === 0x65;
}

/** An element as a member with a comma. @param first see {@link endKey} */
function member(start: i32, from: i32, end: i32, first: i32, depth: i32): i32 {
  if (depth >= MAX_ELEMENT_DEPTH) return UNUSUAL;
  if (start + MAX_NAME + ROOM > limit) return FULL;
  at = from + 5;
  const name = nameReference(end);
  if (name < 0) return UNUSUAL;
  const attributed = inU8(from) === OPEN_ELEMENT_WITH_ATTRIBUTES;
  if (isData(name)) {
    if (!attributed) return UNUSUAL;
    const list = at;
    const named = dataMember(start, end, first);
    if (named !== 0) return named;
    at = list;
  }
  putU8(start, 34);
  let out = putName(start + 1, name);
  if (out < 0) return out;
  out = endKey(start + 1, out, first);
  if (out < 0) return out;
  if (attributed) {
    out = attributesMember(out, end);
    if (out < 0) return out;
  }
  out = content(out, end, attributed, depth);
  if (out < 0) return out;
  putU8(out, 44);
  return out + 1;
}

/** A Data element by the name in its attribute; 0 when it has none. */
function dataMember(start: i32, end: i32, first: i32): i32 {
  const listEnd = attributeList(end);
  if (listEnd < 0 || !areDistinct(listEnd)) return UNUSUAL;
  let out = 0;
  while (at < listEnd) {
    if (!isName(attribute(listEnd))) continue;
    putU8(start, 34);
    out = putParts(start + 1, JSON_PART);
    if (out < 0) return out;
    out = endKey(start + 1, out, first);
    if (out < 0) return out;
  }
  if (out === 0) return 0;
  out = leaf(out, end, true);
  if (out < 0) return out;
  putU8(out, 44);
  return out + 1;
}

/** What stands between the start tag, whose end is next, and the end tag: character data or nothing. */
function leaf(out: i32, end: i32, keepsEmpty: boolean): i32 {
  if (at >= end || out + ROOM > limit) return UNUSUAL;
  const close = inU8(at);
  at++;
  if (close === CLOSE_EMPTY) {
    partsAt = at;
    partsEnd = at;
    partsUnits = 0;
  } else {
    if (close !== CLOSE_START || !parts(end) || at >= end || inU8(at) !== END_ELEMENT) return UNUSUAL;
    at++;
  }
  return partsUnits === 0 && !keepsEmpty ? putNull(out) : quoted(out);
}

/** `{"#attributes":{…}` */
function attributesMember(start: i32, end: i32): i32 {
  const listEnd = attributeList(end);
  if (listEnd < 0 || !areDistinct(listEnd) || start + ROOM > limit) return UNUSUAL;
  putI32At(start, 0x6123227b); // {"#a
  putI32At(start + 4, 0x69727474); // ttri
  putI32At(start + 8, 0x65747562); // bute
  putI32At(start + 12, 0x7b3a2273); // s":{
  let out = start + 16;
  while (at < listEnd) {
    const name = attribute(listEnd);
    if (out + MAX_NAME + ROOM > limit) return FULL;
    putU8(out, 34);
    out = putName(out + 1, name);
    if (out < 0) return out;
    putU16(out, 0x3a22);
    out = quoted(out + 2);
    if (out < 0) return out;
    putU8(out, 44);
    out++;
  }
  if (getU8(out - 1) === 44) out--;
  putU8(out, 125);
  return out + 1;
}

/** The value of a member: what stands behind its start tag. @param attributed an object is open, with the attributes in it */
function content(start: i32, end: i32, attributed: boolean, depth: i32): i32 {
  let out = start;
  if (at + 1 >= end || out + ROOM > limit) return UNUSUAL;
  const token = inU8(at) === CLOSE_START ? inU8(at + 1) : END_ELEMENT;
  if (!opensElement(token)) {
    if (!attributed) return leaf(out, end, false);
    putU8(out, 44);
    putI32At(out + 1, 0x65742322); // "#te
    putI32At(out + 5, 0x3a227478); // xt":
    const next = leaf(out + 9, end, false);
    if (next < 0) return next;
    // Beside attributes, no text is no member.
    if (partsUnits > 0) out = next;
    putU8(out, 125);
    return out + 1;
  }
  at++;
  putU8(out, attributed ? 44 : 123);
  out++;
  const first = keys;
  let gatherAt = -1;
  let gathered = 0;
  while (true) {
    if (at >= end) return UNUSUAL;
    const next = inU8(at);
    if (next === END_ELEMENT) break;
    if (!opensElement(next)) return UNUSUAL;
    if (next === OPEN_ELEMENT && isUnnamedData(end)) {
      if (gatherAt < 0) {
        // No member may have the name before it, and none behind it may.
        gatherAt = out;
        if (out + ROOM > limit) return FULL;
        putI32At(out, 0x74614422); // "Dat
        putI32At(out + 4, 0x7b3a2261); // a":{
        putI32At(out + 8, 0x65742322); // "#te
        putI32At(out + 12, 0x3a227478); // xt":
        if (endKey(out + 1, out + 5, first) !== out + 7) return UNUSUAL;
        putU8(out + 16, 91);
        out += 17;
      } else if (gathered < 0) return UNUSUAL;
      out = leaf(out, end, true);
      if (out < 0) return out;
      putU8(out, 44);
      out++;
      gathered++;
      continue;
    }
    if (gathered > 0) {
      out = endGather(gatherAt, out, gathered);
      gathered = -1;
    }
    const from = at;
    out = member(out, from, end, first, depth + 1);
    if (out < 0) return out;
  }
  if (gathered > 0) out = endGather(gatherAt, out, gathered);
  at++;
  keys = first;
  if (getU8(out - 1) === 44) out--;
  putU8(out, 125);
  return out + 1;
}

/** True when the element here is a Data without attributes; reading goes on behind its name then. */
function isUnnamedData(end: i32): boolean {
  const from = at;
  at = from + 5;
  const name = nameReference(end);
  if (name >= 0 && isData(name)) return true;
  at = from;
  return false;
}

/** Behind `"Data":{"#text":[` and the gathered values, each with a comma. */
function endGather(gatherAt: i32, out: i32, gathered: i32): i32 {
  if (gathered === 1) {
    moveDown(gatherAt + 17, out);
    putU16(out - 2, 0x2c7d);
    return out;
  }
  putU8(out - 1, 93);
  putU16(out, 0x2c7d);
  return out + 2;
}
