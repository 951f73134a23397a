import { guidBytes, guidText } from '../bytes/guid.ts';
import { EvtError } from '../errors/evt-error.ts';
import { definitionGuid, slotCount } from './definition.ts';
import {
  type AttributeNode,
  type AttributePart,
  type ContentNode,
  type ElementNode,
  type Fragment,
  type InstanceNode,
  NO_DEPENDENCY,
  type SubstitutionNode,
  type Template,
} from './tree.ts';
import { type TypedValue, valueTable } from './typed-value.ts';
import { ARRAY, ValueType } from './value-type.ts';

/** An attribute's value: plain text, one part, or several in a row. */
export type AttributeValue = string | AttributePart | readonly AttributePart[];

/** Attributes by name, in the order they are written. */
export type AttributeValues = Readonly<Record<string, AttributeValue>>;

function attributeNodes(attributes: AttributeValues): AttributeNode[] {
  return Object.entries(attributes).map(([name, given]) => {
    if (typeof given === 'string') return { name, value: [{ kind: 'text', text: given }] };
    return { name, value: 'kind' in given ? [given] : given };
  });
}

/**
 * An element `<name …>…</name>`, for a template definition or for a literal event. A string is text.
 * In a template, an optional substitution directly in its content makes the element depend on that value.
 */
export function element(
  name: string,
  attributes: AttributeValues = {},
  content: readonly (ContentNode | string)[] = [],
): ElementNode {
  const nodes = content.map((node): ContentNode => (typeof node === 'string' ? { kind: 'text', text: node } : node));
  const optionals = nodes.filter((node) => node.kind === 'substitution' && node.optional) as SubstitutionNode[];
  return {
    kind: 'element',
    name,
    dependency: optionals[0]?.index ?? NO_DEPENDENCY,
    attributes: attributeNodes(attributes),
    content: nodes,
    empty: false,
  };
}

/** An element that Windows shows as `<name …/>`. */
export function emptyElement(name: string, attributes: AttributeValues = {}): ElementNode {
  return { ...element(name, attributes), empty: true };
}

/** The place of value `index`; a Null value leaves it empty. */
export function substitution(index: number, type: number): SubstitutionNode {
  return { kind: 'substitution', index, type, optional: false };
}

/** The place of value `index`; a Null value leaves the attribute or element around it out. */
export function optional(index: number, type: number): SubstitutionNode {
  return { kind: 'substitution', index, type, optional: true };
}

/**
 * A template definition.
 * @param guid without it, a GUID derived from the content: equal definitions have equal GUIDs, wherever they are made
 * @throws EvtError ERROR_INVALID_PARAMETER (87) when `guid` is none
 */
export function defineTemplate(root: ElementNode | Fragment, guid?: string): Template {
  const fragment = 'kind' in root ? [root] : root;
  if (guid === undefined) {
    // Most templates are compared and never written: it is worked out when somebody asks.
    let derived: string | undefined;
    return {
      get guid() {
        derived ??= definitionGuid(fragment);
        return derived;
      },
      root: fragment,
    };
  }
  const bytes = guidBytes(guid);
  if (bytes === undefined) throw new EvtError('ERROR_INVALID_PARAMETER', 'template', `"${guid}" is no GUID`);
  return { guid: guidText(bytes, 0), root: fragment };
}

/**
 * A use of a template.
 * @throws EvtError ERROR_INVALID_PARAMETER (87) when there are fewer values than the template has places for
 */
export function instance(template: Template, values: readonly TypedValue[]): InstanceNode {
  if (values.length < slotCount(template)) {
    const detail = `${values.length} values for a template with ${slotCount(template)} places`;
    throw new EvtError('ERROR_INVALID_PARAMETER', 'template', detail);
  }
  return { kind: 'instance', template, values: valueTable(values) };
}

/** A `Data` element of a manifest event: its name and the declared type of its value. */
export interface DataField {
  readonly name: string;
  readonly type: number;
}

/**
 * The body of a manifest provider's event: `<EventData><Data Name='…'>…</Data>…</EventData>`, one value per field.
 * Its substitutions are not optional: a Null value leaves an empty `Data` element, as Windows writes these templates.
 */
export function eventDataTemplate(fields: readonly DataField[]): Template {
  const data = fields.map(({ name, type }, i) => element('Data', { Name: name }, [substitution(i, type)]));
  return defineTemplate(element('EventData', {}, data));
}

/**
 * The body of a classic (pre-manifest) event: one unnamed `Data` per string, then the raw data as `Binary`.
 * Three values: array of strings or Null, UInt32 size of the raw data (never shown), Binary or Null.
 */
export const CLASSIC_EVENT_DATA: Template = defineTemplate(
  element('EventData', {}, [
    element('Data', {}, [optional(0, ARRAY | ValueType.String)]),
    element('Binary', {}, [optional(2, ValueType.Binary)]),
  ]),
);
