import { u16 } from '../bytes/little-endian.ts';
import { BinXmlError } from './error.ts';
import type { AttributeText, EventAttribute, EventContent, EventElement, Value } from './event-tree.ts';
import {
  type AttributePart,
  type ContentNode,
  type ElementNode,
  type Fragment,
  NO_DEPENDENCY,
  type ValueTable,
} from './tree.ts';
import { arrayItems, arrayItemType } from './value.ts';
import { ValueType } from './value-type.ts';

/**
 * Bytes one event may grow to. A template can use a 64 KB value any number of times and repeat it per array item, so
 * a small record could otherwise fill the memory. The largest real event renders to 35,085 characters.
 */
const EVENT_BUDGET = 16 * 1024 * 1024;
/** What one node costs beside its text. */
const NODE_COST = 32;
const MAX_DEPTH = 64;

/** Type of value `index`; Null for an index the instance does not have (the caller decides whether that is an error). */
export function valueType(values: ValueTable, index: number): number {
  return index < values.count ? values.bytes[values.descriptors + 4 * index + 2]! : ValueType.Null;
}

/** Value `index` in place, whatever its type. */
export function valueAt(values: ValueTable, index: number): Value {
  const { bytes, descriptors } = values;
  let offset = values.firstValue;
  for (let i = 0; i < index; i++) offset += u16(bytes, descriptors + 4 * i);
  return { type: bytes[descriptors + 4 * index + 2]!, bytes, offset, size: u16(bytes, descriptors + 4 * index) };
}

/**
 * Fills the templates of a document: the elements of the event, as Windows renders them.
 *
 * - An element whose dependency id names a Null value is left out, and so is one with a Null optional substitution
 *   directly in its content; an attribute with a Null optional substitution is left out. Only the Null *type* does that:
 *   an empty string leaves an empty element.
 * - An element with an array value in its content stands once per item, attributes included; an empty array leaves one
 *   empty element. Further arrays in it, or in its attributes, give their item of the same index.
 * - A nested document (type 0x21) is put in place of its substitution.
 *
 * @throws BinXmlError for a substitution without a value, Binary XML in an attribute, or an event that grows past 16 MiB
 */
export function resolveDocument(document: Fragment): EventElement[] {
  const content: EventContent[] = [];
  new Resolver().nodes(document, undefined, content, 0, 0);
  return content.filter((node) => node.kind === 'element');
}

class Resolver {
  #left = EVENT_BUDGET;
  /** Items of the arrays met so far, by their descriptor: an element takes them one by one, up to 65,535 times. */
  readonly #arrays = new WeakMap<ValueTable, Map<number, Value[]>>();

  nodes(nodes: Fragment, values: ValueTable | undefined, out: EventContent[], item: number, depth: number): void {
    for (const node of nodes) this.#node(node, values, out, item, depth);
  }

  #spend(size: number): void {
    this.#left -= NODE_COST + size;
    if (this.#left < 0) throw new BinXmlError(0, `the event grows past ${EVENT_BUDGET} bytes`);
  }

  #node(node: ContentNode, values: ValueTable | undefined, out: EventContent[], item: number, depth: number): void {
    switch (node.kind) {
      case 'element':
        this.#element(node, values, out, depth + 1);
        return;
      case 'instance':
        this.#spend(0);
        this.nodes(node.template.root, node.values, out, 0, depth + 1);
        return;
      case 'substitution': {
        const type = this.#type(node.index, values);
        if (type !== ValueType.BinXml) this.#text(node.index, values!, out, item);
        else this.nodes(values!.nested(node.index), undefined, out, 0, depth + 1);
        return;
      }
      default:
        this.#spend('text' in node ? 2 * node.text.length : 0);
        out.push(node);
    }
  }

  /** Type of value `index`, which must be there. */
  #type(index: number, values: ValueTable | undefined): number {
    if (values === undefined || index >= values.count) {
      throw new BinXmlError(
        values?.descriptors ?? 0,
        `substitution ${index} has no value: the instance has ${values?.count ?? 0}`,
      );
    }
    return valueType(values, index);
  }

  #text(index: number, values: ValueTable, out: { push(node: AttributeText): unknown }, item: number): void {
    const type = valueType(values, index);
    if (type === ValueType.Null) return;
    const single = arrayItemType(type) === undefined ? valueAt(values, index) : this.#items(index, values)[item];
    if (single === undefined) return;
    this.#spend(single.size);
    out.push({ kind: 'value', value: single });
  }

  #items(index: number, values: ValueTable): Value[] {
    let arrays = this.#arrays.get(values);
    if (arrays === undefined) {
      arrays = new Map();
      this.#arrays.set(values, arrays);
    }
    let items = arrays.get(index);
    if (items === undefined) {
      items = arrayItems(valueAt(values, index));
      arrays.set(index, items);
    }
    return items;
  }

  #element(node: ElementNode, values: ValueTable | undefined, out: EventContent[], depth: number): void {
    if (depth > MAX_DEPTH)
      throw new BinXmlError(values?.descriptors ?? 0, `the event is nested more than ${MAX_DEPTH} deep`);
    if (values !== undefined && isOmitted(node, values)) return;
    const items = values === undefined ? -1 : this.#itemCount(node.content, values);
    for (let item = 0; item < Math.max(1, items); item++) {
      this.#spend(2 * node.name.length);
      const attributes: EventAttribute[] = [];
      for (const attribute of node.attributes) {
        if (values !== undefined && hasNullOptional(attribute.value, values)) continue;
        const value: AttributeText[] = [];
        for (const part of attribute.value) this.#attributePart(part, values, value, item);
        this.#spend(2 * attribute.name.length);
        attributes.push({ name: attribute.name, value });
      }
      const children: EventContent[] = [];
      this.nodes(node.content, values, children, item, depth);
      out.push({
        kind: 'element',
        name: node.name,
        attributes,
        children,
        empty: node.empty,
        item: items < 0 ? -1 : item,
      });
    }
  }

  /** Items of the longest array directly in `content`; -1 when there is none. */
  #itemCount(content: readonly ContentNode[], values: ValueTable): number {
    let count = -1;
    for (const part of content) {
      if (part.kind !== 'substitution' || arrayItemType(valueType(values, part.index)) === undefined) continue;
      count = Math.max(count, this.#items(part.index, values).length);
    }
    return count;
  }

  #attributePart(part: AttributePart, values: ValueTable | undefined, out: AttributeText[], item: number): void {
    if (part.kind !== 'substitution') {
      this.#spend('text' in part ? 2 * part.text.length : 0);
      out.push(part);
      return;
    }
    if (this.#type(part.index, values) === ValueType.BinXml) {
      throw new BinXmlError(
        valueAt(values!, part.index).offset,
        `substitution ${part.index} puts Binary XML into an attribute`,
      );
    }
    this.#text(part.index, values!, out, item);
  }
}

/** True when Null values leave the whole element out. */
export function isOmitted(node: ElementNode, values: ValueTable): boolean {
  // A dependency on a value that does not exist counts as none.
  const { dependency } = node;
  if (dependency !== NO_DEPENDENCY && dependency < values.count && valueType(values, dependency) === ValueType.Null) {
    return true;
  }
  return hasNullOptional(node.content, values);
}

function hasNullOptional(parts: readonly ContentNode[], values: ValueTable): boolean {
  for (const part of parts) {
    if (part.kind === 'substitution' && part.optional && part.index < values.count) {
      if (valueType(values, part.index) === ValueType.Null) return true;
    }
  }
  return false;
}
