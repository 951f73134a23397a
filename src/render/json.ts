import type { AttributeText, EventContent, EventElement, Value } from '../binxml/event-tree.ts';
import { CURRENT_STYLE, type ValueStyle, valueText } from '../binxml/value.ts';
import { FIXED_SIZE, ValueType } from '../binxml/value-type.ts';
import { characterData } from './text-content.ts';

/** How events are rendered as JSON. */
export interface JsonOptions {
  readonly style?: ValueStyle;
  /** Put an element's attributes beside it as `<name>_attributes` instead of into it as `#attributes`. */
  readonly attributesApart?: boolean;
}

/**
 * The event in the JSON shape that the field's tools exchange:
 *
 * - `{"Event":{"#attributes":{…},"System":{…},"EventData":{…}}}`; an element without attributes and children is its
 *   value, an empty one null; beside attributes the value is `#text`;
 * - `<Data Name='x'>` is the member `x`; unnamed Data become one `"Data":{"#text":…}`, an array when there are several;
 * - a name that repeats gets `_1`, `_2` …;
 * - integers, reals and booleans are JSON's own (64-bit integers unrounded), everything else is text as in the XML.
 *
 * One line. @param roots what `resolveDocument` gave
 */
export function renderJson(roots: readonly EventElement[], options: JsonOptions = {}): string {
  return new JsonWriter(options).members(roots);
}

/** One member of an object being built: its text is joined when the object closes. */
interface Member {
  readonly name: string;
  readonly text: string;
}

class JsonWriter {
  readonly #style: ValueStyle;
  readonly #apart: boolean;

  constructor(options: JsonOptions) {
    this.#style = options.style ?? CURRENT_STYLE;
    this.#apart = options.attributesApart ?? false;
  }

  /** An object of child elements, with repeated names told apart and unnamed Data gathered. */
  members(elements: readonly EventElement[], first: readonly Member[] = []): string {
    const members: Member[] = [...first];
    const seen = new Map<string, number>();
    const gathered: string[] = [];
    let gatheredAt = -1;
    const unique = (name: string) => {
      const count = seen.get(name);
      seen.set(name, (count ?? 0) + 1);
      return count === undefined ? name : `${name}_${count}`;
    };
    for (const element of elements) {
      const dataName = element.name === 'Data' ? element.attributes.find(({ name }) => name === 'Name') : undefined;
      if (dataName !== undefined) {
        members.push({ name: unique(this.#text(dataName.value)), text: this.#content(element.children, '""') });
        continue;
      }
      if (element.name === 'Data' && element.attributes.length === 0 && isLeaf(element)) {
        if (gatheredAt < 0) {
          gatheredAt = members.length;
          members.push({ name: unique('Data'), text: '' });
        }
        gathered.push(this.#content(element.children, '""'));
        continue;
      }
      const name = unique(element.name);
      if (this.#apart && element.attributes.length > 0) {
        members.push({ name: `${name}_attributes`, text: this.#attributes(element) });
        if (element.children.length > 0) members.push({ name, text: this.#element(element, false) });
      } else {
        members.push({ name, text: this.#element(element, !this.#apart) });
      }
    }
    if (gatheredAt >= 0) {
      const value = gathered.length === 1 ? gathered[0]! : `[${gathered.join(',')}]`;
      members[gatheredAt] = { name: members[gatheredAt]!.name, text: `{"#text":${value}}` };
    }
    return `{${members.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
  }

  #element(element: EventElement, withAttributes: boolean): string {
    const first: Member[] = [];
    if (withAttributes && element.attributes.length > 0) {
      first.push({ name: '#attributes', text: this.#attributes(element) });
    }
    const children = element.children.filter((child) => child.kind === 'element');
    if (children.length === 0) {
      const content = this.#content(element.children, 'null');
      // Only Data keep the difference between an empty text and none; elsewhere both are null.
      const text = content === '""' ? 'null' : content;
      if (first.length === 0) return text;
      if (text !== 'null') first.push({ name: '#text', text });
      return this.members([], first);
    }
    const texts = element.children.filter((child) => child.kind !== 'element');
    if (texts.length > 0) first.push({ name: '#text', text: this.#content(texts, 'null') });
    return this.members(children, first);
  }

  #attributes(element: EventElement): string {
    const parts = element.attributes.map(({ name, value }) => `${JSON.stringify(name)}:${this.#content(value, '""')}`);
    return `{${parts.join(',')}}`;
  }

  #text(parts: readonly AttributeText[]): string {
    let text = '';
    for (const part of parts) text += characterData(part, this.#style);
    return text;
  }

  /** A single value keeps its type; several parts are joined as text. */
  #content(nodes: readonly EventContent[], none: string): string {
    const only = nodes[0];
    if (only === undefined) return none;
    if (nodes.length === 1 && only.kind === 'value') return this.#value(only.value);
    let text = '';
    for (const node of nodes) text += characterData(node, this.#style);
    return JSON.stringify(text);
  }

  #value(value: Value): string {
    const text = valueText(value, this.#style);
    switch (value.type) {
      case ValueType.Int8:
      case ValueType.UInt8:
      case ValueType.Int16:
      case ValueType.UInt16:
      case ValueType.Int32:
      case ValueType.UInt32:
      case ValueType.Int64:
      case ValueType.UInt64:
      case ValueType.Bool:
        if (value.size >= FIXED_SIZE[value.type]!) return text;
        break;
      case ValueType.Real32:
      case ValueType.Real64:
        if (value.size >= FIXED_SIZE[value.type]! && !text.includes('#')) return text;
        break;
      case ValueType.Binary:
        if (value.size === 0) return 'null';
    }
    return JSON.stringify(text);
  }
}

function isLeaf(element: EventElement): boolean {
  return element.children.every((child) => child.kind !== 'element');
}
