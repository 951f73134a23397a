import { u16, u32 } from '../bytes/little-endian.ts';
import { DEFINITION_HEADER, NAME_HEADER } from './token.ts';
import type { ContentNode, Template } from './tree.ts';

/** Distinct definitions kept. The largest public collection of logs has some 1,700; a crafted one may have any number. */
const MAX_VARIANTS = 8192;
/** Byte forms kept for one template id. Honest logs have a handful; a crafted log could make every look-up long. */
const MAX_VARIANTS_PER_ID = 64;
/** Bytes of all names of a definition that is kept. They are in one chunk, but crafted ones lie upon each other. */
const MAX_NAME_BYTES = 128 * 1024;

/** A name reference inside a definition: where it stands, and what it must say. */
interface NameUse {
  /** Offset of the reference from the start of the definition. */
  readonly at: number;
  readonly inline: boolean;
  /** Where its characters begin among those of all names, and their bytes. */
  readonly from: number;
  readonly size: number;
}

/** One byte form of a template definition. The same template has several: each depends on which names were new in its chunk. */
export interface DefinitionForm {
  /** Header and Binary XML as first seen. */
  readonly bytes: Uint8Array;
  readonly names: readonly NameUse[];
  /** Of all names, in UTF-16LE. */
  readonly characters: Uint8Array;
}

interface Variant extends DefinitionForm {
  readonly template: Template;
  readonly view: DataView;
  readonly characterView: DataView;
}

/** Notes, while a definition is read, which of its bytes depend on the chunk it stands in. */
export class TemplateRecorder {
  readonly #chunk: Uint8Array;
  readonly #start: number;
  readonly #size: number;
  readonly #names: NameUse[] = [];
  /** Per name: where its characters stand in the chunk. */
  readonly #characters: number[] = [];
  #characterSize = 0;
  #comparable = true;

  constructor(chunk: Uint8Array, start: number, size: number) {
    this.#chunk = chunk;
    this.#start = start;
    this.#size = size;
  }

  name(at: number, inline: boolean): void {
    const target = u32(this.#chunk, at);
    const size = 2 * u16(this.#chunk, target + 6);
    this.#names.push({ at: at - this.#start, inline, from: this.#characterSize, size });
    this.#characters.push(target + NAME_HEADER);
    this.#characterSize += size;
    if (this.#characterSize > MAX_NAME_BYTES) this.giveUp();
  }

  giveUp(): void {
    this.#comparable = false;
  }

  variant(template: Template): Variant | undefined {
    if (!this.#comparable) return undefined;
    const bytes = this.#chunk.slice(this.#start, this.#start + DEFINITION_HEADER + this.#size);
    const characters = new Uint8Array(this.#characterSize);
    for (let i = 0; i < this.#names.length; i++) {
      const { from, size } = this.#names[i]!;
      const at = this.#characters[i]!;
      for (let byte = 0; byte < size; byte++) characters[from + byte] = this.#chunk[at + byte]!;
    }
    const names = this.#names;
    return { template, bytes, names, characters, view: viewOf(bytes), characterView: viewOf(characters) };
  }
}

/**
 * Templates by content, so that a definition that every chunk of a log repeats is parsed once and has one identity.
 *
 * Definitions are compared exactly, names resolved, never by hash or GUID alone: a crafted log may give one GUID to two
 * definitions. Its own chunk always decides.
 */
export class TemplateCache {
  readonly #variants = new Map<number, Variant[]>();
  #count = 0;

  /** The template that the definition at `start` spells, if it has been met before. The caller has checked the bounds. */
  find(chunk: Uint8Array, start: number, size: number): Template | undefined {
    return this.#find(chunk, start, size)?.template;
  }

  /**
   * The bytes of the definition at `start` and the names it refers to, for who wants to know it again; undefined when it cannot
   * be told by them.
   */
  form(chunk: Uint8Array, start: number, size: number): DefinitionForm | undefined {
    return this.#find(chunk, start, size);
  }

  #find(chunk: Uint8Array, start: number, size: number): Variant | undefined {
    const variants = this.#variants.get(u32(chunk, start + 4));
    if (variants === undefined) return undefined;
    const view = viewOf(chunk);
    for (const variant of variants) if (matches(variant, chunk, view, start, size)) return variant;
    return undefined;
  }

  /** Keeps a freshly read template; gives back an equal one met before in another byte form. */
  add(template: Template, recorder: TemplateRecorder): Template {
    const variant = recorder.variant(template);
    if (variant === undefined) return template;
    if (this.#count >= MAX_VARIANTS) {
      this.#variants.clear();
      this.#count = 0;
    }
    const key = u32(variant.bytes, 4);
    const siblings = this.#variants.get(key) ?? [];
    if (siblings.length >= MAX_VARIANTS_PER_ID) return template;
    const twin = siblings.find((sibling) => areEqual(sibling.template.root, template.root));
    const kept = twin === undefined ? variant : { ...variant, template: twin.template };
    siblings.push(kept);
    this.#variants.set(key, siblings);
    this.#count++;
    return kept.template;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function matches(variant: Variant, chunk: Uint8Array, chunkView: DataView, start: number, size: number): boolean {
  const { bytes, view, names, characterView } = variant;
  if (bytes.length !== DEFINITION_HEADER + size) return false;
  // The first dword chains the template table: it says where the chunk keeps its previous definition, not what this one is.
  let from = 4;
  for (const use of names) {
    if (!equal(view, from, chunkView, start + from, use.at - from)) return false;
    const at = start + use.at;
    const target = u32(chunk, at);
    if ((target === at + 4) !== use.inline || target > at + 4) return false;
    const units = use.size >> 1;
    if (target + NAME_HEADER + use.size > chunk.length || u16(chunk, target + 6) !== units) return false;
    if (!equal(characterView, use.from, chunkView, target + NAME_HEADER, use.size)) return false;
    from = use.at + 4 + (use.inline ? NAME_HEADER + use.size : 0);
  }
  return equal(view, from, chunkView, start + from, bytes.length - from);
}

/** Whether nodes of two definitions are the same. */
function areEqual(some: readonly ContentNode[], others: readonly ContentNode[]): boolean {
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) if (!isEqual(some[i]!, others[i]!)) return false;
  return true;
}

function isEqual(one: ContentNode, other: ContentNode): boolean {
  switch (one.kind) {
    case 'element': {
      if (other.kind !== 'element' || one.name !== other.name || one.dependency !== other.dependency) return false;
      if (one.empty !== other.empty || one.attributes.length !== other.attributes.length) return false;
      for (let i = 0; i < one.attributes.length; i++) {
        const attribute = one.attributes[i]!;
        const { name, value } = other.attributes[i]!;
        if (attribute.name !== name || !areEqual(attribute.value, value)) return false;
      }
      return areEqual(one.content, other.content);
    }
    case 'substitution':
      return (
        other.kind === 'substitution' &&
        one.index === other.index &&
        one.type === other.type &&
        one.optional === other.optional
      );
    case 'text':
    case 'cdata':
      return other.kind === one.kind && one.text === other.text;
    case 'charref':
      return other.kind === 'charref' && one.code === other.code;
    case 'entityref':
      return other.kind === 'entityref' && one.name === other.name;
    case 'pi':
      return other.kind === 'pi' && one.target === other.target && one.data === other.data;
    case 'instance':
      // Its values are those of one place.
      return false;
  }
}

/** In words of four bytes: each chunk of a log is compared with what the last one had. */
function equal(a: DataView, aFrom: number, b: DataView, bFrom: number, size: number): boolean {
  let i = 0;
  for (; i + 4 <= size; i += 4) if (a.getInt32(aFrom + i, true) !== b.getInt32(bFrom + i, true)) return false;
  for (; i < size; i++) if (a.getUint8(aFrom + i) !== b.getUint8(bFrom + i)) return false;
  return true;
}
