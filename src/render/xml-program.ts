import { type AttributeNode, type ContentNode, type ElementNode, NO_DEPENDENCY } from '../binxml/tree.ts';
import {
  FLAG_ATTRIBUTE,
  FLAG_OPTIONAL,
  OP_GIVE_UP,
  OP_IF_NULL,
  OP_NO_ARRAY,
  OP_REPEAT,
  OP_REPEAT_END,
  OP_VALUE,
  XML_ATTRIBUTE,
  XML_TEXT,
} from '../kernel/program.ts';
import { escapeAttribute, escapeText } from './escape.ts';
import type { ProgramBuilder } from './program-builder.ts';
import {
  costOf,
  isSubstitution,
  NotCompiled,
  omissionSlots,
  onlySubstitution,
  optionalSlots,
  rootElement,
} from './template-shape.ts';
import { constantXml } from './xml.ts';

/** Cost per byte written up to which an element may be repeated for an array: see `costOf`. */
const MAX_COST_PER_BYTE = 16;

/** A template as the program that writes its records as `renderXml` does. @throws NotCompiled */
export function compileXml(root: readonly ContentNode[], builder: ProgramBuilder): void {
  const node = rootElement(root);
  const omitted = builder.label();
  const end = builder.label();
  for (const slot of omissionSlots(node)) builder.jump(omitted, OP_IF_NULL, [slot]);
  new XmlCompiler(builder).element(node);
  builder.jump(end);
  builder.place(omitted);
  builder.op(OP_GIVE_UP);
  builder.place(end);
}

// A class, not closures: these would be strangers to V8's compiler in every template anew.
class XmlCompiler {
  readonly #builder: ProgramBuilder;

  constructor(builder: ProgramBuilder) {
    this.#builder = builder;
  }

  element(node: ElementNode): void {
    const builder = this.#builder;
    const repeats = this.#beginRepeat(node);
    builder.text(`<${node.name}`);
    for (const each of node.attributes) this.#attribute(each);
    if (node.empty) builder.text('/>');
    else {
      builder.text('>');
      for (const part of node.content) {
        if (part.kind !== 'element') this.#characters(part, XML_TEXT);
        else if (!this.#field(part)) this.#optionalElement(part);
      }
      builder.text(`</${node.name}>`);
    }
    if (repeats) builder.op(OP_REPEAT_END);
  }

  /** An element around one array is repeated; around others, no array may stand. */
  #beginRepeat(node: ElementNode): boolean {
    const builder = this.#builder;
    let slots = 0;
    let slot = 0;
    let hasElements = false;
    for (const part of node.content) {
      if (part.kind === 'element') hasElements = true;
      else if (part.kind === 'substitution') {
        slots++;
        slot = part.index;
      }
    }
    if (slots === 1 && !hasElements && costOf(node) <= MAX_COST_PER_BYTE * (5 + 2 * node.name.length)) {
      builder.op(OP_REPEAT, slot);
      return true;
    }
    if (slots > 0) for (const part of node.content) if (isSubstitution(part)) builder.op(OP_NO_ARRAY, part.index);
    return false;
  }

  #optionalElement(node: ElementNode): void {
    const builder = this.#builder;
    const behind = builder.label();
    for (const slot of omissionSlots(node)) builder.jump(behind, OP_IF_NULL, [slot]);
    this.element(node);
    builder.place(behind);
  }

  /** An element of one value between constant tags: what most of an event is. */
  #field(node: ElementNode): boolean {
    const value = onlySubstitution(node.content);
    if (value === undefined) return false;
    const { dependency } = node;
    if (dependency !== NO_DEPENDENCY && dependency !== value.index) return false;
    let start = `<${node.name}`;
    for (const { name, value: parts } of node.attributes) {
      start += ` ${name}='`;
      for (const part of parts) {
        if (part.kind === 'substitution') return false;
        start += constantXml(part, escapeAttribute);
      }
      start += "'";
    }
    const isOptional = value.optional || dependency !== NO_DEPENDENCY;
    this.#builder.field(value.index, `${start}>`, `</${node.name}>`, isOptional ? FLAG_OPTIONAL : 0);
    return true;
  }

  #attribute({ name, value }: AttributeNode): void {
    const builder = this.#builder;
    const only = onlySubstitution(value);
    if (only !== undefined) {
      builder.field(only.index, ` ${name}='`, "'", FLAG_ATTRIBUTE | (only.optional ? FLAG_OPTIONAL : 0));
      return;
    }
    const behind = builder.label();
    for (const slot of optionalSlots(value)) builder.jump(behind, OP_IF_NULL, [slot]);
    builder.text(` ${name}='`);
    for (const part of value) this.#characters(part, XML_ATTRIBUTE);
    builder.text("'");
    builder.place(behind);
  }

  #characters(part: Exclude<ContentNode, ElementNode>, mode: number): void {
    const builder = this.#builder;
    if (part.kind === 'substitution') builder.op(OP_VALUE, part.index, mode);
    else if (part.kind === 'instance') throw new NotCompiled();
    else builder.text(constantXml(part, mode === XML_TEXT ? escapeText : escapeAttribute));
  }
}
