import type { AttributePart, ContentNode, ElementNode, SubstitutionNode } from '../binxml/tree.ts';
import { NO_DEPENDENCY } from '../binxml/tree.ts';

/** Thrown for a template that has no program: the plain renderer does its records. */
export class NotCompiled extends Error {}

export function isSubstitution(part: ContentNode): part is SubstitutionNode {
  return part.kind === 'substitution';
}

const NO_SLOTS: readonly number[] = [];

/** Slots whose Null value leaves out what these parts are the content or the value of. */
export function optionalSlots(parts: readonly (ContentNode | AttributePart)[]): readonly number[] {
  let slots: number[] | undefined;
  for (const part of parts) {
    if (part.kind !== 'substitution' || !part.optional || slots?.includes(part.index)) continue;
    slots ??= [];
    slots.push(part.index);
  }
  return slots ?? NO_SLOTS;
}

/** Slots whose Null value leaves the element out. */
export function omissionSlots({ dependency, content }: ElementNode): readonly number[] {
  const slots = optionalSlots(content);
  return dependency === NO_DEPENDENCY || slots.includes(dependency) ? slots : [...slots, dependency];
}

/** The one substitution that these parts are; undefined when they are anything else. */
export function onlySubstitution(parts: readonly (ContentNode | AttributePart)[]): SubstitutionNode | undefined {
  const [only] = parts;
  return parts.length === 1 && only!.kind === 'substitution' ? only : undefined;
}

/** What `resolve.ts` counts for one node beside its text. */
const NODE_COST = 32;
/** Most that a template may cost by itself: the executor does not count, the plain renderer does. */
const MAX_COST = 512 * 1024;

/** What the nodes of a template cost at least, as `resolve.ts` counts it. */
export function costOf(node: ContentNode): number {
  if (node.kind === 'element') {
    let cost = NODE_COST + 2 * node.name.length;
    for (const { name, value } of node.attributes) {
      cost += 2 * name.length;
      for (const part of value) cost += costOf(part);
    }
    for (const child of node.content) cost += costOf(child);
    return cost;
  }
  return NODE_COST + ('text' in node ? 2 * node.text.length : 0);
}

/** The element that a template consists of. @throws NotCompiled */
export function rootElement(root: readonly ContentNode[]): ElementNode {
  const [only] = root;
  if (root.length !== 1 || only!.kind !== 'element' || costOf(only!) > MAX_COST) throw new NotCompiled();
  return only!;
}
