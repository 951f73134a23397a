import { POOL } from '../layout.ts';
import { getI32 } from '../platform.ts';
import type { i32 } from '../types.ts';

/**
 * A template's definition as the kernel keeps it: nodes of 32-bit cells, each followed by those inside of it. Texts are addresses
 * in the pool. Whoever compiles it sees what `binxml/tree.ts` has, with constant text escaped already.
 */

/** Cells that all nodes have: what it is, and its size in bytes with all that is in it. */
export const NODE_KIND = 0;
export const NODE_SIZE = 4;

export const ELEMENT = 1;
/** Its name, and the name's count of UTF-16 units. */
export const ELEMENT_NAME = 8;
export const ELEMENT_UNITS = 12;
/** Slot whose Null value leaves it out, or -1. */
export const ELEMENT_DEPENDENCY = 16;
/** 1: written as `<x/>`. */
export const ELEMENT_EMPTY = 20;
/** How many attributes, and how many other nodes behind them. */
export const ELEMENT_ATTRIBUTES = 24;
export const ELEMENT_CONTENTS = 28;
export const ELEMENT_SIZE = 32;

export const ATTRIBUTE = 2;
export const ATTRIBUTE_NAME = 8;
export const ATTRIBUTE_UNITS = 12;
export const ATTRIBUTE_PARTS = 16;
export const ATTRIBUTE_SIZE = 20;

/** Constant character data. */
export const TEXT = 3;
/** As XML, and inside a string of JSON. */
export const TEXT_XML = 8;
export const TEXT_JSON = 12;
/** Its UTF-16 units as `binxml/resolve.ts` counts them. */
export const TEXT_UNITS = 16;
/** 1: begins or ends with half of a surrogate pair. */
export const TEXT_HALVES = 20;
export const TEXT_NODE_SIZE = 24;

export const SUBSTITUTION = 4;
export const SUBSTITUTION_SLOT = 8;
export const SUBSTITUTION_TYPE = 12;
export const SUBSTITUTION_OPTIONAL = 16;
export const SUBSTITUTION_SIZE = 20;

export const NO_DEPENDENCY = -1;

// Texts that `memory.ts` puts first into the pool, so that their addresses are known.
const FIRST_TEXT = POOL + 16;
/** Of one of less than 16 bytes, with its cells. */
const KNOWN_TEXT_SIZE = 32;
export const NAME_EVENT_DATA = FIRST_TEXT;
export const NAME_USER_DATA = FIRST_TEXT + KNOWN_TEXT_SIZE;
export const NAME_DATA = FIRST_TEXT + 2 * KNOWN_TEXT_SIZE;
export const NAME_NAME = FIRST_TEXT + 3 * KNOWN_TEXT_SIZE;
export const NAME_ATTRIBUTES = FIRST_TEXT + 4 * KNOWN_TEXT_SIZE;
export const NAME_TEXT = FIRST_TEXT + 5 * KNOWN_TEXT_SIZE;
export const NAME_SYSTEM = FIRST_TEXT + 6 * KNOWN_TEXT_SIZE;
export const NAME_TIME_CREATED = FIRST_TEXT + 7 * KNOWN_TEXT_SIZE;
export const NAME_SYSTEM_TIME = FIRST_TEXT + 8 * KNOWN_TEXT_SIZE;

export function kindOf(node: i32): i32 {
  return getI32(node + NODE_KIND);
}

/** What stands behind a node and all that is in it. */
export function behind(node: i32): i32 {
  return node + getI32(node + NODE_SIZE);
}

/** The first node that an element has behind its attributes. */
export function firstContent(element: i32): i32 {
  let at = element + ELEMENT_SIZE;
  for (let i = getI32(element + ELEMENT_ATTRIBUTES); i > 0; i--) at = behind(at);
  return at;
}

/** The slot of the only part, when that is a value; -1 when the parts are anything else. */
export function onlySlot(first: i32, count: i32): i32 {
  return count === 1 && kindOf(first) === SUBSTITUTION ? getI32(first + SUBSTITUTION_SLOT) : -1;
}

/** True of a value whose absence leaves out what is around it. */
export function isOptional(part: i32): boolean {
  return kindOf(part) === SUBSTITUTION && getI32(part + SUBSTITUTION_OPTIONAL) !== 0;
}

export function dependencyOf(element: i32): i32 {
  return getI32(element + ELEMENT_DEPENDENCY);
}

/** How many elements an element has in each other, itself included. */
export function levelsOf(element: i32): i32 {
  let levels = 0;
  const end = behind(element);
  for (let at = firstContent(element); at < end; at = behind(at)) {
    if (kindOf(at) === ELEMENT) {
      const inside = levelsOf(at);
      if (inside > levels) levels = inside;
    }
  }
  return levels + 1;
}

/** What `binxml/resolve.ts` counts for one node beside its text. */
const NODE_COST = 32;

/** What a node, with all in it, costs at least, as `binxml/resolve.ts` counts it. */
export function costOf(node: i32): i32 {
  const kind = kindOf(node);
  if (kind === TEXT) return NODE_COST + 2 * getI32(node + TEXT_UNITS);
  if (kind === SUBSTITUTION) return NODE_COST;
  let cost = 0;
  let at = 0;
  if (kind === ATTRIBUTE) {
    cost = 2 * getI32(node + ATTRIBUTE_UNITS);
    at = node + ATTRIBUTE_SIZE;
  } else {
    cost = NODE_COST + 2 * getI32(node + ELEMENT_UNITS);
    at = node + ELEMENT_SIZE;
  }
  const end = behind(node);
  for (; at < end; at = behind(at)) cost += costOf(at);
  return cost;
}
