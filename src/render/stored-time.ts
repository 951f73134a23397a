import type { ElementNode, Fragment, Template } from '../binxml/tree.ts';
import { ValueType } from '../binxml/value-type.ts';
import { u16, u64 } from '../bytes/little-endian.ts';

/** Value index of System/TimeCreated by template; -1 where it is no single value. */
const slots = new WeakMap<Template, number>();

function child(parent: ElementNode | undefined, name: string): ElementNode | undefined {
  const found = parent?.content.filter((node) => node.kind === 'element' && node.name === name);
  return found?.length === 1 ? (found[0] as ElementNode) : undefined;
}

function slotOf(template: Template): number {
  let slot = slots.get(template);
  if (slot === undefined) {
    const [root] = template.root;
    const event = template.root.length === 1 && root?.kind === 'element' ? root : undefined;
    const time = child(child(event, 'System'), 'TimeCreated');
    const attributes = time?.attributes.filter(({ name }) => name === 'SystemTime') ?? [];
    const [part] = attributes[0]?.value ?? [];
    const isOne = attributes.length === 1 && attributes[0]!.value.length === 1 && part?.kind === 'substitution';
    slot = isOne ? part.index : -1;
    slots.set(template, slot);
  }
  return slot;
}

/**
 * FILETIME of System/TimeCreated from a stored document, without resolving it.
 * @returns undefined where it does not stand in one value: resolve the document then
 */
export function storedTime(document: Fragment): bigint | undefined {
  const [node] = document;
  if (document.length !== 1 || node?.kind !== 'instance') return undefined;
  const slot = slotOf(node.template);
  const { bytes, count, descriptors, firstValue } = node.values;
  if (slot < 0 || slot >= count || bytes[descriptors + 4 * slot + 2] !== ValueType.FileTime) return undefined;
  let at = firstValue;
  for (let i = 0; i < slot; i++) at += u16(bytes, descriptors + 4 * i);
  return at + 8 <= bytes.length ? u64(bytes, at) : undefined;
}
