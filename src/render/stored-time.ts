import type { InstanceCursor } from '../binxml/instance-cursor.ts';
import type { ElementNode, Template } from '../binxml/tree.ts';
import { ValueType } from '../binxml/value-type.ts';
import { u16, u64 } from '../bytes/little-endian.ts';
import { parseFileTime } from '../bytes/time.ts';
import { utf16Text } from '../bytes/utf16.ts';

/** Bytes of a time as text, in UTF-16: with nine digits of a second it has 30 characters. */
const MAX_TIME_TEXT = 64;

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
 * FILETIME of System/TimeCreated from a record's values, in place.
 * @returns undefined where it does not stand in one value: resolve the document then
 */
export function storedTime({ template, bytes, count, descriptors, firstValue }: InstanceCursor): bigint | undefined {
  const slot = slotOf(template);
  if (slot < 0 || slot >= count) return undefined;
  let at = firstValue;
  for (let i = 0; i < slot; i++) at += u16(bytes, descriptors + 4 * i);
  const size = u16(bytes, descriptors + 4 * slot);
  if (at + size > bytes.length) return undefined;
  const type = bytes[descriptors + 4 * slot + 2];
  if (type === ValueType.FileTime) return size >= 8 ? u64(bytes, at) : undefined;
  // Documents without a template have it as text.
  return type === ValueType.String && size <= MAX_TIME_TEXT
    ? parseFileTime(utf16Text(bytes, at, size >> 1))
    : undefined;
}
