import { MAX_SLOTS, MISSING_AT, MISSING_END, TEMPLATE_HIGHEST, TEMPLATE_SIZE, TEMPLATES } from './layout.ts';
import { getI32, inI32, inputSize, putI32 } from './platform.ts';
import { MISSING, UNUSUAL } from './program.ts';
import { learnedDefinition } from './templates/definition-reader.ts';
import { DEFINITION_HEADER, definition } from './templates/definitions.ts';
import type { i32 } from './types.ts';

// Of the instance last opened.
let firstDescriptor = 0;
let valueCount = 0;

/** Chunk offset of its first value descriptor: u16 size, u8 type, u8 0, four bytes each. */
export function descriptorsOf(): i32 {
  return firstDescriptor;
}

/** How many values it has: at least as many as its template uses. */
export function countOf(): i32 {
  return valueCount;
}

/**
 * Opens the template instance at `at`: tells its template, and where its values are described.
 * @returns the template's number; UNUSUAL; MISSING for a definition that only `binxml/reader.ts` can read; CROWDED
 */
export function openInstance(at: i32, end: i32): i32 {
  if (at + 10 > end) return UNUSUAL;
  const target = inI32(at + 6);
  const inline = target === at + 10;
  if (target < 0 || target > 0xffff || (!inline && target > at)) return UNUSUAL;
  const limit = inline ? end : inputSize();
  let template = definition(target, limit);
  if (template === 0) template = learnedDefinition(target, limit);
  if (template < 0) return template;
  if (template === 0) {
    putI32(MISSING_AT, at);
    putI32(MISSING_END, end);
    return MISSING;
  }
  if (inI32(at + 2) !== inI32(target + 4)) return UNUSUAL;
  const from = inline ? target + DEFINITION_HEADER + inI32(target + 20) : at + 10;
  if (from + 4 > end) return UNUSUAL;
  const count = inI32(from);
  if (count < 0 || count > MAX_SLOTS || from + 4 + 4 * count > end) return UNUSUAL;
  if (getI32(TEMPLATES + TEMPLATE_SIZE * template + TEMPLATE_HIGHEST) >= count) return UNUSUAL;
  firstDescriptor = from + 4;
  valueCount = count;
  return template;
}
