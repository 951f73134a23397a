import type { AttributeNode, AttributePart, ContentNode, ElementNode } from '../../binxml/tree.ts';
import { TEXT_SIZE } from '../layout.ts';
import type { Memory } from '../memory.ts';
import {
  ATTRIBUTE,
  ATTRIBUTE_NAME,
  ATTRIBUTE_SIZE,
  ELEMENT,
  ELEMENT_DEPENDENCY,
  ELEMENT_EMPTY,
  ELEMENT_NAME,
  ELEMENT_SIZE,
  NODE_KIND,
  NODE_SIZE,
  SUBSTITUTION,
  SUBSTITUTION_OPTIONAL,
  SUBSTITUTION_SLOT,
  SUBSTITUTION_TYPE,
  TEXT_JSON,
} from './tree.ts';

/** The element that the kernel has read by itself: its texts are plain ASCII. */
export function readTree(memory: Memory, element: number): ElementNode {
  const { words } = memory;
  const attributes: AttributeNode[] = [];
  const content: ContentNode[] = [];
  const end = element + words[(element + NODE_SIZE) >> 2]!;
  for (let at = element + ELEMENT_SIZE; at < end; at += words[(at + NODE_SIZE) >> 2]!) {
    const kind = words[(at + NODE_KIND) >> 2];
    if (kind === ATTRIBUTE) attributes.push(readAttribute(memory, at));
    else if (kind === ELEMENT) content.push(readTree(memory, at));
    else content.push(readPart(memory, at));
  }
  return {
    kind: 'element',
    name: textAt(memory, words[(element + ELEMENT_NAME) >> 2]!),
    dependency: words[(element + ELEMENT_DEPENDENCY) >> 2]!,
    attributes,
    content,
    empty: words[(element + ELEMENT_EMPTY) >> 2] !== 0,
  };
}

function readAttribute(memory: Memory, attribute: number): AttributeNode {
  const { words } = memory;
  const value: AttributePart[] = [];
  const end = attribute + words[(attribute + NODE_SIZE) >> 2]!;
  for (let at = attribute + ATTRIBUTE_SIZE; at < end; at += words[(at + NODE_SIZE) >> 2]!)
    value.push(readPart(memory, at));
  return { name: textAt(memory, words[(attribute + ATTRIBUTE_NAME) >> 2]!), value };
}

function readPart(memory: Memory, part: number): AttributePart {
  const { words } = memory;
  if (words[(part + NODE_KIND) >> 2] !== SUBSTITUTION) {
    return { kind: 'text', text: textAt(memory, words[(part + TEXT_JSON) >> 2]!) };
  }
  return {
    kind: 'substitution',
    index: words[(part + SUBSTITUTION_SLOT) >> 2]!,
    type: words[(part + SUBSTITUTION_TYPE) >> 2]!,
    optional: words[(part + SUBSTITUTION_OPTIONAL) >> 2] !== 0,
  };
}

function textAt({ bytes, words }: Memory, text: number): string {
  let characters = '';
  const end = text + words[(text + TEXT_SIZE) >> 2]!;
  for (let at = text; at < end; at++) characters += String.fromCharCode(bytes[at]!);
  return characters;
}
