import { TEMPLATE_SIZE, TEMPLATE_TREE, TEMPLATES } from '../layout.ts';
import { getI32, putI32 } from '../platform.ts';
import { FORMAT_JSON, MISSING } from '../program.ts';
import type { i32 } from '../types.ts';
import { compiledJson } from './json-compiler.ts';
import { costOf, levelsOf } from './tree.ts';
import { compiledXml } from './xml-compiler.ts';

/** Most that a template may cost by itself: the executor does not count, the plain renderer does. */
const MAX_COST = 512 * 1024;
/** Elements in each other that a template may have. Real ones have nine: those that are nested in it must not reach the 64 of an event. */
const MAX_TREE_LEVELS = 10;

/** Makes the program that a template has not had so far. @returns its address; 0 when it has none; CROWDED; MISSING: its definition is not there */
export function compiled(template: i32, format: i32): i32 {
  const entry = TEMPLATES + TEMPLATE_SIZE * template;
  const tree = getI32(entry + TEMPLATE_TREE);
  if (tree < 0) return MISSING;
  let program = 0;
  if (tree !== 0 && costOf(tree) <= MAX_COST && levelsOf(tree) <= MAX_TREE_LEVELS) {
    program = format === FORMAT_JSON ? compiledJson(tree) : compiledXml(tree);
  }
  if (program >= 0) putI32(entry + 4 * format, program);
  return program;
}
