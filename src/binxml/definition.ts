import { GUID_SIZE, guidBytes, guidText } from '../bytes/guid.ts';
import { hexUpper } from '../bytes/hex.ts';
import { u16 } from '../bytes/little-endian.ts';
import { sha1 } from '../bytes/sha1.ts';
import { highestSubstitution } from './check.ts';
import type { Fragment, Template, ValueTable } from './tree.ts';

/** Namespace of the GUIDs made here (RFC 9562, version 5: SHA-1 of namespace and name). */
const NAMESPACE = guidBytes('5b6a3c1e-8f0d-4a52-9c37-e2d1b46f7a90')!;

/** Everything that a definition says, names spelled out: equal texts are equal definitions. */
export function definitionText(root: Fragment): string {
  return JSON.stringify(root, (_key, item: unknown) => (isValueTable(item) ? valueTableText(item) : item));
}

function isValueTable(item: unknown): item is ValueTable {
  return typeof item === 'object' && item !== null && 'descriptors' in item && 'firstValue' in item;
}

function valueTableText({ bytes, count, descriptors, firstValue }: ValueTable): string {
  let size = firstValue - descriptors;
  for (let i = 0; i < count; i++) size += u16(bytes, descriptors + 4 * i);
  return hexUpper(bytes, descriptors, size);
}

/** The GUID of a definition made here: derived from its content, so that equal definitions have equal GUIDs. */
export function definitionGuid(root: Fragment): string {
  const text = new TextEncoder().encode(definitionText(root));
  const message = new Uint8Array(NAMESPACE.length + text.length);
  message.set(NAMESPACE);
  message.set(text, NAMESPACE.length);
  const guid = sha1(message).subarray(0, GUID_SIZE);
  // Version and variant, where RFC 9562 has them once the first three fields are read as little-endian.
  guid[7] = (guid[7]! & 0x0f) | 0x50;
  guid[8] = (guid[8]! & 0x3f) | 0x80;
  return guidText(guid, 0);
}

/** Values an instance must have: one more than the highest substitution index. */
export function slotCount(template: Template): number {
  return highestSubstitution(template) + 1;
}
