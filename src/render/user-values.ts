import type { EventContent, EventElement } from '../binxml/event-tree.ts';
import { type Variant, valueVariant } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { childElement } from './system-values.ts';
import { textContent } from './text-content.ts';

/** A leaf of the event's body: its name (of Data: the Name attribute; empty for unnamed Data) and its value. */
export interface BodyValue {
  readonly name: string;
  readonly value: Variant;
}

/** The elements that may hold an event's own data, in the order the event schema gives. */
const BODIES: readonly string[] = ['EventData', 'UserData', 'BinaryEventData', 'DebugData', 'ProcessingErrorData'];

/** The event's body element; undefined for an event that is System only. */
export function bodyElement(event: EventElement | undefined): EventElement | undefined {
  for (const name of BODIES) {
    const body = childElement(event, name);
    if (body !== undefined) return body;
  }
  return undefined;
}

/** Leaves of the body in document order, typed as stored: the User render context. One entry per array item. */
export function bodyValues(event: EventElement | undefined): BodyValue[] {
  return bodyLeaves(event).map(({ name, content }) => ({ name, value: contentVariant(content) }));
}

/** The texts of {@link bodyValues}, as they stand in the event's XML: what goes into its message. */
export function bodyTexts(event: EventElement | undefined): string[] {
  return bodyLeaves(event).map(({ content }) => textContent(content));
}

interface Leaf {
  readonly name: string;
  readonly content: readonly EventContent[];
}

function bodyLeaves(event: EventElement | undefined): Leaf[] {
  const body = bodyElement(event);
  const leaves: Leaf[] = [];
  if (body !== undefined) collect(body, leaves, true);
  return leaves;
}

function collect(element: EventElement, out: Leaf[], isBody: boolean): void {
  const children = element.children.filter((child): child is EventElement => child.kind === 'element');
  if (children.length > 0) {
    for (const child of children) collect(child, out, false);
    return;
  }
  // An empty EventData has no values; an empty element inside it is one empty value.
  if (isBody && element.children.length === 0) return;
  const attribute = element.attributes.find(({ name }) => name === 'Name');
  const isData = element.name === 'Data' || element.name === 'ComplexData';
  const name = isData ? textContent(attribute?.value ?? []) : element.name;
  out.push({ name, content: element.children });
}

/** Character data as one variant: typed when it is a single value, a string otherwise. */
export function contentVariant(nodes: readonly EventContent[]): Variant {
  const only = nodes[0];
  if (nodes.length === 1 && only?.kind === 'value') return valueVariant(only.value);
  return { type: ValueType.String, value: textContent(nodes) };
}
