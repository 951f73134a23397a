import { getI32 } from '../platform.ts';
import type { i32 } from '../types.ts';
import { jumpIfNull } from './program-builder.ts';
import {
  behind,
  dependencyOf,
  ELEMENT_CONTENTS,
  firstContent,
  isOptional,
  NO_DEPENDENCY,
  SUBSTITUTION_SLOT,
} from './tree.ts';

/** Jumps to the label where a Null value leaves out what has these parts. */
export function ifPartsOmitted(first: i32, count: i32, label: i32): i32 {
  let part = first;
  let omitted = label;
  for (let i = 0; i < count; i++) {
    if (isOptional(part)) omitted = jumpIfNull(getI32(part + SUBSTITUTION_SLOT), omitted);
    part = behind(part);
  }
  return omitted;
}

/** Jumps to the label where a Null value leaves out the element. */
export function ifOmitted(node: i32, label: i32): i32 {
  const omitted = ifPartsOmitted(firstContent(node), getI32(node + ELEMENT_CONTENTS), label);
  const dependency = dependencyOf(node);
  return dependency === NO_DEPENDENCY || dependsOnPart(node, dependency) ? omitted : jumpIfNull(dependency, omitted);
}

function dependsOnPart(node: i32, slot: i32): boolean {
  let part = firstContent(node);
  for (let i = getI32(node + ELEMENT_CONTENTS); i > 0; i--) {
    if (isOptional(part) && getI32(part + SUBSTITUTION_SLOT) === slot) return true;
    part = behind(part);
  }
  return false;
}
