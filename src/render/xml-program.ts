import type { AttributeNode, AttributePart, ContentNode, ElementNode } from '../binxml/tree.ts';
import {
  FLAG_ATTRIBUTE,
  FLAG_OPTIONAL,
  OP_FIELD,
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
  const slots = omissionSlots(node);
  for (const slot of slots) builder.jump(omitted, OP_IF_NULL, [slot]);
  element(node);
  builder.jump(end);
  builder.place(omitted);
  builder.op(OP_GIVE_UP);
  builder.place(end);

  function element(node: ElementNode): void {
    const substitutions = node.content.filter(isSubstitution);
    const [slot] = new Set(substitutions.map(({ index }) => index));
    const hasElements = node.content.some(({ kind }) => kind === 'element');
    const repeats =
      substitutions.length === 1 && !hasElements && costOf(node) <= MAX_COST_PER_BYTE * (5 + 2 * node.name.length);
    if (repeats) builder.op(OP_REPEAT, slot!);
    else for (const { index } of substitutions) builder.op(OP_NO_ARRAY, index);
    builder.text(`<${node.name}`);
    for (const each of node.attributes) attribute(each);
    if (node.empty) builder.text('/>');
    else {
      builder.text('>');
      for (const part of node.content) {
        if (part.kind !== 'element') characters(part, XML_TEXT);
        else if (!field(part)) optionalElement(part);
      }
      builder.text(`</${node.name}>`);
    }
    if (repeats) builder.op(OP_REPEAT_END);
  }

  function optionalElement(node: ElementNode): void {
    const behind = builder.label();
    for (const slot of omissionSlots(node)) builder.jump(behind, OP_IF_NULL, [slot]);
    element(node);
    builder.place(behind);
  }

  /** An element of one value between constant tags: what most of an event is. */
  function field(node: ElementNode): boolean {
    const value = onlySubstitution(node.content);
    if (value === undefined || node.attributes.some(({ value: parts }) => parts.some(isSubstitution))) return false;
    const slots = omissionSlots(node);
    if (slots.some((slot) => slot !== value.index)) return false;
    const tag = node.attributes.map(({ name, value: parts }) => ` ${name}='${parts.map(constant).join('')}'`).join('');
    builder.op(
      OP_FIELD,
      value.index,
      ...builder.operand(`<${node.name}${tag}>`),
      ...builder.operand(`</${node.name}>`),
      slots.length > 0 ? FLAG_OPTIONAL : 0,
    );
    return true;
  }

  function constant(part: AttributePart): string {
    if (part.kind === 'substitution') throw new NotCompiled();
    return constantXml(part, escapeAttribute);
  }

  function attribute({ name, value }: AttributeNode): void {
    const only = onlySubstitution(value);
    if (only !== undefined) {
      const flags = FLAG_ATTRIBUTE | (only.optional ? FLAG_OPTIONAL : 0);
      builder.op(OP_FIELD, only.index, ...builder.operand(` ${name}='`), ...builder.operand("'"), flags);
      return;
    }
    const behind = builder.label();
    for (const slot of optionalSlots(value)) builder.jump(behind, OP_IF_NULL, [slot]);
    builder.text(` ${name}='`);
    for (const part of value) characters(part, XML_ATTRIBUTE);
    builder.text("'");
    builder.place(behind);
  }

  function characters(part: Exclude<ContentNode, ElementNode>, mode: number): void {
    if (part.kind === 'substitution') builder.op(OP_VALUE, part.index, mode);
    else if (part.kind === 'instance') throw new NotCompiled();
    else builder.text(constantXml(part, mode === XML_TEXT ? escapeText : escapeAttribute));
  }
}
