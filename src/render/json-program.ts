import type { AttributeNode, AttributePart, ContentNode, ElementNode } from '../binxml/tree.ts';
import { ValueType } from '../binxml/value-type.ts';
import {
  FLAG_ATTRIBUTE,
  FLAG_KEEPS_EMPTY,
  FLAG_NEEDED,
  FLAG_NO_ARRAY,
  FLAG_OPTIONAL,
  JSON_PART,
  OP_CLOSE,
  OP_CLOSE_OR_NULL,
  OP_GATHER,
  OP_GATHER_END,
  OP_GATHERED,
  OP_GATHERED_TEXT,
  OP_GIVE_UP,
  OP_IF_ALL_NULL,
  OP_IF_NULL,
  OP_MEMBER,
  OP_NESTED_MEMBERS,
  OP_NO_ARRAY,
  OP_TEXT_MEMBER,
  OP_VALUE,
} from '../kernel/program.ts';
import type { ProgramBuilder } from './program-builder.ts';
import { NotCompiled, omissionSlots, onlySubstitution, optionalSlots, rootElement } from './template-shape.ts';
import { characterData } from './text-content.ts';

/** What gathered values are the member of. */
const DATA = 'Data';

/**
 * A template as the program that writes its records as `renderJson` does: its root element as one member, with a comma.
 * What that shape makes depend on more than the presence of single values has no program.
 * @param numberOfName tells names apart by numbers
 * @throws NotCompiled
 */
export function compileJson(
  root: readonly ContentNode[],
  builder: ProgramBuilder,
  numberOfName: (name: string) => number,
): void {
  const node = rootElement(root);
  // Nested documents are written as members of the object around them, where Data have a meaning of their own.
  if (node.name === DATA) throw new NotCompiled();
  const omitted = builder.label();
  const end = builder.label();
  for (const slot of omissionSlots(node)) builder.jump(omitted, OP_IF_NULL, [slot]);
  new JsonCompiler(builder, numberOfName).element(node, node.name, true);
  builder.jump(end);
  builder.place(omitted);
  builder.op(OP_GIVE_UP);
  builder.place(end);
}

/** What the content of an element amounts to. */
type Content =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'value'; readonly slot: number }
  | { readonly kind: 'nested'; readonly slot: number }
  | { readonly kind: 'text'; readonly parts: readonly (ContentNode | AttributePart)[] }
  | { readonly kind: 'members'; readonly nodes: readonly ContentNode[] };

function contentOf({ content }: ElementNode): Content {
  if (content.some(({ kind }) => kind === 'element')) return { kind: 'members', nodes: content };
  if (content.length === 0) return { kind: 'nothing' };
  const value = onlySubstitution(content);
  if (value === undefined) return { kind: 'text', parts: content };
  return { kind: value.type === ValueType.BinXml ? 'nested' : 'value', slot: value.index };
}

/** Constant text; undefined when values are in it. */
function constantOf(parts: readonly (ContentNode | AttributePart)[]): string | undefined {
  let text = '';
  for (const part of parts) {
    if (part.kind === 'substitution' || part.kind === 'element' || part.kind === 'instance') return undefined;
    text += characterData(part);
  }
  return text;
}

/** The `Name` of a Data element that is a member by that name. */
function dataName({ name, attributes }: ElementNode): string | undefined {
  if (name !== DATA) return undefined;
  const attribute = attributes.find((each) => each.name === 'Name');
  if (attribute === undefined) return undefined;
  const text = constantOf(attribute.value);
  if (text === undefined) throw new NotCompiled();
  return text;
}

function isGathered(node: ElementNode): boolean {
  if (node.name !== DATA) return false;
  if (node.attributes.some(({ name, value }) => name !== 'Name' && optionalSlots(value).length > 0)) {
    // Whether it is one of the unnamed depends on values.
    if (dataName(node) === undefined) throw new NotCompiled();
  }
  if (node.attributes.length > 0) return false;
  const { kind } = contentOf(node);
  if (kind === 'members' || kind === 'nested') throw new NotCompiled();
  return true;
}

class JsonCompiler {
  readonly #builder: ProgramBuilder;
  readonly #numberOfName: (name: string) => number;

  constructor(builder: ProgramBuilder, numberOfName: (name: string) => number) {
    this.#builder = builder;
    this.#numberOfName = numberOfName;
  }

  /** An element as the member `name`. Its omission has been seen to. @param alone no sibling has its name */
  element(node: ElementNode, name: string, alone: boolean): void {
    const builder = this.#builder;
    const { attributes } = node;
    if (attributes.length === 0) {
      this.#bare(node, name, alone);
      return;
    }
    const conditions = attributes.map(({ value }) => optionalSlots(value));
    if (conditions.some(({ length }) => length > 1)) throw new NotCompiled();
    const end = builder.label();
    if (conditions.every(({ length }) => length === 1)) {
      const bare = builder.label();
      const attributed = builder.label();
      const slots = conditions.map(([slot]) => slot!);
      builder.jump(bare, OP_IF_ALL_NULL, [], [slots.length, ...slots]);
      builder.jump(attributed);
      builder.place(bare);
      this.#bare(node, name, alone);
      builder.jump(end);
      builder.place(attributed);
    }
    this.#attributed(node, name);
    builder.place(end);
  }

  /** Without attributes: the value itself. */
  #bare(node: ElementNode, name: string, alone: boolean): void {
    const builder = this.#builder;
    const key = `${JSON.stringify(name)}:`;
    const content = contentOf(node);
    switch (content.kind) {
      case 'nothing':
        builder.text(`${key}null,`);
        return;
      case 'value':
        builder.op(OP_MEMBER, content.slot, ...builder.operand(key), alone ? 0 : FLAG_NO_ARRAY);
        return;
      case 'text':
        builder.text(key);
        this.#string(content.parts, 'null');
        builder.text(',');
        return;
      case 'members':
        builder.text(`${key}{`);
        this.#members(content.nodes);
        builder.op(OP_CLOSE_OR_NULL);
        builder.text(',');
        return;
      case 'nested': {
        const nothing = builder.label();
        const end = builder.label();
        builder.jump(nothing, OP_IF_NULL, [content.slot]);
        builder.text(`${key}{`);
        builder.op(OP_NESTED_MEMBERS, content.slot, FLAG_NEEDED, 0);
        builder.op(OP_CLOSE);
        builder.text(',');
        builder.jump(end);
        builder.place(nothing);
        builder.text(`${key}null,`);
        builder.place(end);
      }
    }
  }

  /** With attributes: an object of them and the content. */
  #attributed(node: ElementNode, name: string): void {
    const builder = this.#builder;
    const content = contentOf(node);
    builder.text(`${JSON.stringify(name)}:{"#attributes":{`);
    for (const attribute of node.attributes) this.#attribute(attribute);
    builder.op(OP_CLOSE);
    builder.text(',');
    switch (content.kind) {
      case 'nothing':
        break;
      case 'value':
        builder.op(OP_TEXT_MEMBER, content.slot);
        break;
      case 'nested':
        builder.op(
          OP_NESTED_MEMBERS,
          content.slot,
          0,
          2,
          this.#numberOfName('#attributes'),
          this.#numberOfName('#text'),
        );
        break;
      case 'text':
        if (constantOf(content.parts) === '') break;
        builder.text('"#text":');
        this.#string(content.parts, 'null');
        builder.text(',');
        break;
      case 'members':
        this.#members(content.nodes);
    }
    builder.op(OP_CLOSE);
    builder.text(',');
  }

  #attribute({ name, value }: AttributeNode): void {
    const builder = this.#builder;
    const key = `${JSON.stringify(name)}:`;
    const only = onlySubstitution(value);
    if (only !== undefined) {
      const flags = FLAG_ATTRIBUTE | FLAG_KEEPS_EMPTY | (only.optional ? FLAG_OPTIONAL : 0);
      builder.op(OP_MEMBER, only.index, ...builder.operand(key), flags);
      return;
    }
    const behind = builder.label();
    for (const slot of optionalSlots(value)) builder.jump(behind, OP_IF_NULL, [slot]);
    builder.text(key);
    this.#string(value, '""');
    builder.text(',');
    builder.place(behind);
  }

  /** Several parts as one text. */
  #string(parts: readonly (ContentNode | AttributePart)[], none: string): void {
    const builder = this.#builder;
    const constant = constantOf(parts);
    if (constant !== undefined) {
      builder.text(constant === '' ? none : JSON.stringify(constant));
      return;
    }
    // Values alone: whether they are one typed value, or nothing at all, depends on which of them are there.
    if (constantOf(parts.filter((part) => part.kind !== 'substitution')) === '') throw new NotCompiled();
    // Surrogates that stand apart in two parts are a pair in the joined text.
    if (parts.some((part, i) => part.kind === 'substitution' && parts[i + 1]?.kind === 'substitution')) {
      throw new NotCompiled();
    }
    builder.text('"');
    for (const part of parts) {
      if (part.kind === 'substitution') {
        builder.op(OP_NO_ARRAY, part.index);
        builder.op(OP_VALUE, part.index, JSON_PART);
      } else if (part.kind === 'element' || part.kind === 'instance') throw new NotCompiled();
      else if (/^[\udc00-\udfff]|[\ud800-\udbff]$/.test(characterData(part))) throw new NotCompiled();
      else builder.text(JSON.stringify(characterData(part)).slice(1, -1));
    }
    builder.text('"');
  }

  #members(nodes: readonly ContentNode[]): void {
    const builder = this.#builder;
    const names = nodes.flatMap((node) =>
      node.kind === 'element' ? [isGathered(node) ? undefined : baseName(node)] : [],
    );
    const has = (name: string) => names.includes(name);
    const gathers = names.includes(undefined);
    if (gathers && (has(DATA) || !areTogether(names))) throw new NotCompiled();
    const seen = new Map<string, number>();
    let nested = false;
    let gathering = false;
    for (const node of nodes) {
      if (node.kind === 'substitution') {
        // What is text beside elements is another matter.
        if (node.type !== ValueType.BinXml || nested) throw new NotCompiled();
        nested = true;
        const known = new Set([...names.map((name) => name ?? DATA), '#attributes', '#text']);
        const numbers = [...known].map((name) => this.#numberOfName(name));
        builder.op(OP_NESTED_MEMBERS, node.index, 0, numbers.length, ...numbers);
        continue;
      }
      if (node.kind !== 'element') throw new NotCompiled();
      if (isGathered(node)) {
        if (!gathering) builder.op(OP_GATHER, ...builder.operand(`${JSON.stringify(DATA)}:{"#text":[`));
        gathering = true;
        this.#gathered(node);
        continue;
      }
      if (gathering) builder.op(OP_GATHER_END);
      gathering = false;
      const base = baseName(node);
      const count = names.filter((name) => name === base).length;
      const before = seen.get(base) ?? 0;
      seen.set(base, before + 1);
      const alone = count === 1;
      // The numbers of those behind depend on whether this one stands.
      if (!alone && omissionSlots(node).length > 0) throw new NotCompiled();
      this.#member(node, before === 0 ? base : `${base}_${before}`, alone);
    }
    if (gathering) builder.op(OP_GATHER_END);
  }

  #member(node: ElementNode, name: string, alone: boolean): void {
    const builder = this.#builder;
    const behind = builder.label();
    const isData = dataName(node) !== undefined;
    const content = contentOf(node);
    const slots = omissionSlots(node);
    if (isData && content.kind === 'value' && slots.every((slot) => slot === content.slot)) {
      const flags = (slots.length > 0 ? FLAG_OPTIONAL : 0) | FLAG_KEEPS_EMPTY | (alone ? 0 : FLAG_NO_ARRAY);
      builder.op(OP_MEMBER, content.slot, ...builder.operand(`${JSON.stringify(name)}:`), flags);
      return;
    }
    for (const slot of slots) builder.jump(behind, OP_IF_NULL, [slot]);
    if (isData) this.#data(content, name, alone);
    else this.element(node, name, alone);
    builder.place(behind);
  }

  #data(content: Content, name: string, alone: boolean): void {
    const builder = this.#builder;
    const key = `${JSON.stringify(name)}:`;
    switch (content.kind) {
      case 'nothing':
        builder.text(`${key}"",`);
        return;
      case 'value':
        builder.op(OP_MEMBER, content.slot, ...builder.operand(key), FLAG_KEEPS_EMPTY | (alone ? 0 : FLAG_NO_ARRAY));
        return;
      case 'text':
        builder.text(key);
        this.#string(content.parts, '""');
        builder.text(',');
        return;
      default:
        throw new NotCompiled();
    }
  }

  #gathered(node: ElementNode): void {
    const builder = this.#builder;
    const content = contentOf(node);
    const behind = builder.label();
    if (content.kind === 'value') {
      const slots = omissionSlots(node).filter((slot) => slot !== content.slot);
      for (const slot of slots) builder.jump(behind, OP_IF_NULL, [slot]);
      const optional = omissionSlots(node).includes(content.slot);
      builder.op(OP_GATHERED, content.slot, optional ? FLAG_OPTIONAL : 0);
    } else {
      const constant = content.kind === 'text' ? constantOf(content.parts) : '';
      if (constant === undefined) throw new NotCompiled();
      for (const slot of omissionSlots(node)) builder.jump(behind, OP_IF_NULL, [slot]);
      builder.op(OP_GATHERED_TEXT, ...builder.operand(`${JSON.stringify(constant)},`));
    }
    builder.place(behind);
  }
}

/** The name that a member has if no sibling takes it first. */
function baseName(node: ElementNode): string {
  return dataName(node) ?? node.name;
}

/** The gathered ones, whose names are undefined, stand side by side. */
function areTogether(names: readonly (string | undefined)[]): boolean {
  return (
    names.lastIndexOf(undefined) - names.indexOf(undefined) + 1 === names.filter((name) => name === undefined).length
  );
}
