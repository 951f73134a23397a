import type { i32 } from './types.ts';

/** Tokens of Binary XML. */
export const END_OF_FRAGMENT = 0x00;
export const OPEN_ELEMENT = 0x01;
export const OPEN_ELEMENT_WITH_ATTRIBUTES = 0x41;
export const CLOSE_START = 0x02;
export const CLOSE_EMPTY = 0x03;
export const END_ELEMENT = 0x04;
export const TEXT_TOKEN = 0x05;
export const ATTRIBUTE_TOKEN = 0x06;
export const CHARACTER_REFERENCE = 0x08;
export const ENTITY_REFERENCE = 0x09;
export const TEMPLATE_INSTANCE = 0x0c;
export const NORMAL_SUBSTITUTION = 0x0d;
export const OPTIONAL_SUBSTITUTION = 0x0e;
export const FRAGMENT_HEADER = 0x0f;
/** Of some: more of the kind follow. */
export const MORE = 0x40;

export function isText(token: i32): boolean {
  return (token & ~MORE) === TEXT_TOKEN;
}

export function isAttribute(token: i32): boolean {
  return (token & ~MORE) === ATTRIBUTE_TOKEN;
}

/** True of a token that begins an element. */
export function opensElement(token: i32): boolean {
  return token === OPEN_ELEMENT || token === OPEN_ELEMENT_WITH_ATTRIBUTES;
}
