import type { AttributeNode, AttributePart, ContentNode, ElementNode } from '../binxml/tree.ts';
import type { Memory } from '../kernel/memory.ts';
import { ATTRIBUTE, ELEMENT, SUBSTITUTION, TEXT } from '../kernel/templates/tree.ts';
import { escapeAttribute, escapeText } from './escape.ts';
import { characterData } from './text-content.ts';
import { constantXml } from './xml.ts';

/** Begins with the second, or ends with the first half of a surrogate pair. */
const HALVES = /^[\udc00-\udfff]|[\ud800-\udbff]$/;

/** Characters that all names and texts of a definition may have. A chunk has fewer, but crafted names can lie upon each other. */
const MAX_CHARACTERS = 1024 * 1024;

/**
 * Puts a definition that the kernel has not read by itself where it compiles it: constant text escaped, see `kernel/templates/tree.ts`.
 * @returns its address; 0 when the kernel has no form for it: the plain renderer does its records
 * @throws PoolFull
 */
export function putTree(memory: Memory, root: readonly ContentNode[]): number {
  const [only] = root;
  if (root.length !== 1 || only!.kind !== 'element' || holdsInstance(only!)) return 0;
  const cells: number[] = [];
  const writer = new TreeWriter(memory, cells);
  writer.element(only!);
  if (writer.isTooLarge) return 0;
  const address = memory.takeWords(cells.length);
  memory.words.set(cells, address >> 2);
  return address;
}

function holdsInstance({ content }: ElementNode): boolean {
  return content.some((node) => node.kind === 'instance' || (node.kind === 'element' && holdsInstance(node)));
}

class TreeWriter {
  readonly #memory: Memory;
  readonly #cells: number[];
  #left = MAX_CHARACTERS;

  constructor(memory: Memory, cells: number[]) {
    this.#memory = memory;
    this.#cells = cells;
  }

  get isTooLarge(): boolean {
    return this.#left < 0;
  }

  #constant(text: string): number {
    this.#left -= text.length;
    return this.isTooLarge ? 0 : this.#memory.constant(text);
  }

  /** A node, and what is in it: its second cell tells their size. */
  #node(kind: number, cells: readonly number[], putInside: () => void = () => {}): void {
    const at = this.#cells.length;
    this.#cells.push(kind, 0, ...cells);
    putInside();
    this.#cells[at + 1] = 4 * (this.#cells.length - at);
  }

  element({ name, dependency, empty, attributes, content }: ElementNode): void {
    const head = [this.#constant(name), name.length, dependency, empty ? 1 : 0, attributes.length, content.length];
    this.#node(ELEMENT, head, () => {
      for (const each of attributes) this.#attribute(each);
      for (const node of content) {
        if (node.kind === 'element') this.element(node);
        else this.#part(node, escapeText);
      }
    });
  }

  #attribute({ name, value }: AttributeNode): void {
    this.#node(ATTRIBUTE, [this.#constant(name), name.length, value.length], () => {
      for (const part of value) this.#part(part, escapeAttribute);
    });
  }

  #part(part: AttributePart | Exclude<ContentNode, ElementNode>, escaped: typeof escapeText): void {
    if (part.kind === 'substitution') {
      this.#node(SUBSTITUTION, [part.index, part.type, part.optional ? 1 : 0]);
      return;
    }
    if (part.kind === 'instance') throw new Error('an instance has no form');
    const text = characterData(part);
    const xml = this.#constant(constantXml(part, escaped));
    const json = this.#constant(JSON.stringify(text).slice(1, -1));
    this.#node(TEXT, [xml, json, 'text' in part ? part.text.length : 0, HALVES.test(text) ? 1 : 0]);
  }
}
