import type { AttributeText, EventContent, EventElement } from '../binxml/event-tree.ts';
import { type Variant, valueVariant } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { guidBytes, guidText } from '../bytes/guid.ts';
import { parseFileTime } from '../bytes/time.ts';
import { textContent } from './text-content.ts';

/** EVT_SYSTEM_PROPERTY_ID: the order of the System render context (winevt.h). */
export const SYSTEM_PROPERTIES = [
  'ProviderName',
  'ProviderGuid',
  'EventID',
  'Qualifiers',
  'Level',
  'Task',
  'Opcode',
  'Keywords',
  'TimeCreated',
  'EventRecordId',
  'ActivityID',
  'RelatedActivityID',
  'ProcessID',
  'ThreadID',
  'Channel',
  'Computer',
  'UserID',
  'Version',
] as const;
export type SystemProperty = (typeof SYSTEM_PROPERTIES)[number];

/** Where each property stands below System, and its type. */
const PLACES: Readonly<
  Record<SystemProperty, readonly [element: string, attribute: string | undefined, type: number]>
> = {
  ProviderName: ['Provider', 'Name', ValueType.String],
  ProviderGuid: ['Provider', 'Guid', ValueType.Guid],
  EventID: ['EventID', undefined, ValueType.UInt16],
  Qualifiers: ['EventID', 'Qualifiers', ValueType.UInt16],
  Level: ['Level', undefined, ValueType.UInt8],
  Task: ['Task', undefined, ValueType.UInt16],
  Opcode: ['Opcode', undefined, ValueType.UInt8],
  Keywords: ['Keywords', undefined, ValueType.HexInt64],
  TimeCreated: ['TimeCreated', 'SystemTime', ValueType.FileTime],
  EventRecordId: ['EventRecordID', undefined, ValueType.UInt64],
  ActivityID: ['Correlation', 'ActivityID', ValueType.Guid],
  RelatedActivityID: ['Correlation', 'RelatedActivityID', ValueType.Guid],
  ProcessID: ['Execution', 'ProcessID', ValueType.UInt32],
  ThreadID: ['Execution', 'ThreadID', ValueType.UInt32],
  Channel: ['Channel', undefined, ValueType.String],
  Computer: ['Computer', undefined, ValueType.String],
  UserID: ['Security', 'UserID', ValueType.Sid],
  Version: ['Version', undefined, ValueType.UInt8],
};

/** What EVT_VARIANT has where the event lacks the node. */
export const NULL_VARIANT: Variant = { type: ValueType.Null, value: null };

/** The child element of that name; the first one counts. */
export function childElement(parent: EventElement | undefined, name: string): EventElement | undefined {
  return parent?.children.find((child): child is EventElement => child.kind === 'element' && child.name === name);
}

/** One property of System, or a Null variant. Records that hold all values as text give the same types. */
export function systemValue(event: EventElement | undefined, property: SystemProperty): Variant {
  const [elementName, attributeName, type] = PLACES[property];
  const element = childElement(childElement(event, 'System'), elementName);
  if (element === undefined) return NULL_VARIANT;
  if (attributeName === undefined) return typed(element.children, type);
  const attribute = element.attributes.find(({ name }) => name === attributeName);
  return attribute === undefined ? NULL_VARIANT : typed(attribute.value, type);
}

/** All 18 properties in the order of {@link SYSTEM_PROPERTIES}. */
export function systemValues(event: EventElement | undefined): Variant[] {
  return SYSTEM_PROPERTIES.map((property) => systemValue(event, property));
}

/**
 * Character data as a value of `type`: the stored value where there is one of that type, its text read as that type
 * otherwise. Text that is no such value stays a string.
 */
function typed(nodes: readonly (AttributeText | EventContent)[], type: number): Variant {
  const only = nodes[0];
  if (only === undefined) return type === ValueType.String ? { type, value: '' } : NULL_VARIANT;
  if (nodes.length === 1 && only.kind === 'value' && only.value.type === type) return valueVariant(only.value);
  const text = textContent(nodes);
  const value = readText(text, type);
  return value === undefined ? { type: ValueType.String, value: text } : { type, value };
}

const INTEGER_LIMIT: Readonly<Record<number, bigint>> = {
  [ValueType.UInt8]: 0xffn,
  [ValueType.UInt16]: 0xffffn,
  [ValueType.UInt32]: 0xffff_ffffn,
  [ValueType.UInt64]: 0xffff_ffff_ffff_ffffn,
  [ValueType.HexInt64]: 0xffff_ffff_ffff_ffffn,
};

function readText(text: string, type: number): string | number | bigint | undefined {
  switch (type) {
    case ValueType.String:
      return text;
    case ValueType.Sid:
      return text.startsWith('S-') ? text : undefined;
    case ValueType.Guid: {
      const bytes = guidBytes(text);
      return bytes && `{${guidText(bytes, 0)}}`;
    }
    case ValueType.FileTime:
      return parseFileTime(text);
    default: {
      const limit = INTEGER_LIMIT[type];
      if (limit === undefined || !/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text)) return undefined;
      const value = BigInt(text);
      if (value > limit) return undefined;
      return limit > 0xffff_ffffn ? value : Number(value);
    }
  }
}

/** FILETIME of System/TimeCreated, or of the record header where the event has none. */
export function eventTime(event: EventElement | undefined, writtenTime: bigint): bigint {
  const { value } = systemValue(event, 'TimeCreated');
  return typeof value === 'bigint' ? value : writtenTime;
}
