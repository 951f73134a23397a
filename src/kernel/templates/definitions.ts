import {
  DEFINED,
  DEFINED_COUNT,
  DEFINITIONS,
  FORM_BYTES,
  FORM_CHAINS,
  FORM_NAME_COUNT,
  FORM_NAME_SIZE,
  FORM_NAMES,
  FORM_SIZE,
  FORM_TEMPLATE,
  FORMS,
  MAX_DEFINED,
} from '../layout.ts';
import { NAME_HEADER } from '../names.ts';
import { getI32, inI32, inputSize, inU16, putI32, sameBytes } from '../platform.ts';
import type { i32 } from '../types.ts';

/** Bytes of a template definition in front of its Binary XML. */
export const DEFINITION_HEADER = 24;

/** Bytes of the Binary XML of the definition at `target`; 0 when it does not lie in front of `end`. */
export function definitionSize(target: i32, end: i32): i32 {
  if (target + DEFINITION_HEADER > end) return 0;
  const size = inI32(target + 20);
  return size <= 0 || size > end - target - DEFINITION_HEADER ? 0 : size;
}

/** No further definition of the chunk can be kept: crafted ones overlap. */
export function isCrowded(): boolean {
  return getI32(DEFINED_COUNT) >= MAX_DEFINED;
}

/** The definition at `target` is that of this template, as long as this chunk is at hand. */
export function define(target: i32, template: i32): void {
  const count = getI32(DEFINED_COUNT);
  putI32(DEFINED_COUNT, count + 1);
  putI32(DEFINED + 4 * count, target);
  putI32(DEFINITIONS + 4 * target, template);
}

/**
 * The number of the template whose definition stands at chunk offset `target`, told by comparing it with every form that has
 * been met: names resolved, exactly, as `binxml/template-cache.ts` does.
 * @param end what a definition must lie in front of
 * @returns 0 when it has not been met
 */
export function definition(target: i32, end: i32): i32 {
  const known = getI32(DEFINITIONS + 4 * target);
  if (known !== 0) return known;
  const size = definitionSize(target, end);
  if (size === 0) return 0;
  let form = getI32(FORMS + 4 * (inI32(target + 4) & (FORM_CHAINS - 1)));
  while (form !== 0) {
    if (getI32(form + FORM_SIZE) === size && matches(form, target, size)) {
      if (isCrowded()) return 0;
      const template = getI32(form + FORM_TEMPLATE);
      define(target, template);
      return template;
    }
    form = getI32(form);
  }
  return 0;
}

function matches(form: i32, start: i32, size: i32): boolean {
  const bytes = getI32(form + FORM_BYTES);
  const names = getI32(form + FORM_NAME_COUNT);
  // The first four bytes chain the chunk's definitions: they say nothing about this one.
  let from = 4;
  for (let i = 0; i < names; i++) {
    const name = form + FORM_NAMES + FORM_NAME_SIZE * i;
    const place = getI32(name);
    if (!sameBytes(bytes + from, start + from, place - from)) return false;
    const at = start + place;
    const target = inI32(at);
    const inline = target === at + 4;
    const characters = getI32(name + 12);
    if (inline !== (getI32(name + 4) !== 0) || target < 0 || target > at + 4) return false;
    if (target + NAME_HEADER + characters > inputSize() || inU16(target + 6) !== characters >> 1) return false;
    if (!sameBytes(getI32(name + 8), target + NAME_HEADER, characters)) return false;
    from = place + 4 + (inline ? NAME_HEADER + characters : 0);
  }
  return sameBytes(bytes + from, start + from, size + DEFINITION_HEADER - from);
}
