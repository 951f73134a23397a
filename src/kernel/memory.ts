import type { DefinitionForm } from '../binxml/template-cache.ts';
import { u32 } from '../bytes/little-endian.ts';
import {
  DEFINED,
  DEFINED_COUNT,
  DEFINITIONS,
  DIGIT_PAIRS,
  FORM_CHAINS,
  FORM_NAME_SIZE,
  FORM_NAMES,
  FORMS,
  HEX_LOWER,
  HEX_UPPER,
  ITEM_SIZES,
  MAX_DEFINED,
  MAX_TEMPLATES,
  MAX_TEXT_CHAIN,
  MAX_TOKENS,
  NAME_CHAINS,
  NAME_FORM_SIZE,
  NAME_FORMS,
  NAME_NUMBERS,
  NAMED,
  NAMED_COUNT,
  POOL,
  POOL_FREE,
  POOL_SIZE,
  SHAPE_FOLLOWING,
  SHAPE_OTHER,
  SHAPE_SIZE,
  SHAPE_TEMPLATE,
  SHAPES,
  SHAPES_CROWDED,
  SLACK,
  SLOT_SIZE,
  SLOT_STRIDE,
  SLOTS,
  STEP_COUNT,
  STEPS,
  TEMPLATE_COUNT,
  TEMPLATE_HIGHEST,
  TEMPLATE_JSON,
  TEMPLATE_NEEDS,
  TEMPLATE_PLAIN,
  TEMPLATE_ROOT_NAME,
  TEMPLATE_SIZE,
  TEMPLATE_TIME,
  TEMPLATE_TREE,
  TEMPLATE_XML,
  TEMPLATES,
  TESTS,
  TEXT_ALIGNMENT,
  TEXT_CHAINS,
  TEXT_HASH,
  TEXT_NEXT,
  TEXT_SIZE,
  TEXTS,
  TOKENS_LEFT,
} from './layout.ts';
import { DEFINITION_HEADER } from './templates/definitions.ts';

/** Thrown when programs no longer fit: the owner empties the memory and begins again. */
export class PoolFull extends Error {}

/** Chunks that are still read with what is known of shapes, when there is no room for more of them: 16 MB. */
const MAX_CROWDED_CHUNKS = 256;

/** A program, or a tree, that nobody has asked for yet. */
const NOT_MADE = -1;

/** The first texts of the pool: `tree.ts` has their addresses. */
const KNOWN_TEXTS = [
  'EventData',
  'UserData',
  'Data',
  'Name',
  '#attributes',
  '#text',
  'System',
  'TimeCreated',
  'SystemTime',
];

/** A stretch of the memory for lines that stay there until somebody has looked at them. */
export interface OutputSlot {
  readonly address: number;
  readonly size: number;
}

const encoder = new TextEncoder();

/** The executor's memory, as those see it who put programs into it. */
export class Memory {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  /** The same in 64 bits. */
  readonly longs: BigUint64Array;
  #names = 0;
  readonly #texts = new Map<string, number>();
  readonly slots: readonly OutputSlot[];
  readonly #freeSlots: OutputSlot[];
  /** Chunks since there was no room for a further shape. */
  #crowdedChunks = 0;

  /** @param itemSizes bytes of one item by value type */
  constructor(itemSizes: readonly number[], buffer: ArrayBufferLike, slots: number) {
    this.slots = Array.from({ length: slots }, (_, i) => ({
      address: SLOTS + i * SLOT_STRIDE,
      size: SLOT_SIZE - SLACK,
    }));
    this.#freeSlots = [...this.slots];
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.longs = new BigUint64Array(buffer, 0, buffer.byteLength >> 3);
    const { bytes } = this;
    const put = (address: number, text: string) => {
      for (let i = 0; i < text.length; i++) bytes[address + i] = text.charCodeAt(i);
    };
    for (let byte = 0; byte < 256; byte++) {
      const pair = byte.toString(16).padStart(2, '0');
      put(HEX_LOWER + 2 * byte, pair);
      put(HEX_UPPER + 2 * byte, pair.toUpperCase());
    }
    for (let n = 0; n < 100; n++) put(DIGIT_PAIRS + 2 * n, String(n).padStart(2, '0'));
    for (let type = 0; type < 64; type++) bytes[ITEM_SIZES + type] = itemSizes[type] ?? 0;
    this.reset();
  }

  /** Forgets all templates and programs. */
  reset(): void {
    this.words[POOL_FREE >> 2] = POOL;
    this.words[TEMPLATE_COUNT >> 2] = 0;
    this.words.fill(0, TEXTS >> 2, (TEXTS >> 2) + TEXT_CHAINS);
    this.words.fill(0, FORMS >> 2, (FORMS >> 2) + FORM_CHAINS);
    this.words.fill(0, NAME_FORMS >> 2, (NAME_FORMS >> 2) + NAME_CHAINS);
    this.#forgetShapes();
    this.#names = 0;
    this.#texts.clear();
    for (const text of KNOWN_TEXTS) this.constant(text);
    this.forgetDefinitions();
  }

  /** Another chunk is at hand. */
  beginChunk(): void {
    this.forgetDefinitions();
    this.words[TOKENS_LEFT >> 2] = MAX_TOKENS;
    // One log with too many shapes must not slow down all that are read after it.
    if (this.words[SHAPES_CROWDED >> 2] === 0) return;
    this.#crowdedChunks++;
    if (this.#crowdedChunks >= MAX_CROWDED_CHUNKS) this.#forgetShapes();
  }

  /** What they are made of stays in the pool until that is full. */
  #forgetShapes(): void {
    this.words.fill(0, SHAPES >> 2, (SHAPES + SHAPE_SIZE) >> 2);
    this.words[SHAPES_CROWDED >> 2] = 0;
    this.#crowdedChunks = 0;
  }

  /** Forgets what is known of one chunk. */
  forgetDefinitions(): void {
    const { words } = this;
    const count = words[DEFINED_COUNT >> 2]!;
    for (let i = 0; i < count; i++) words[(DEFINITIONS >> 2) + words[(DEFINED >> 2) + i]!] = 0;
    words[DEFINED_COUNT >> 2] = 0;
    const named = words[NAMED_COUNT >> 2]!;
    for (let i = 0; i < named; i++) words[(NAME_NUMBERS >> 2) + words[(NAMED >> 2) + i]!] = 0;
    words[NAMED_COUNT >> 2] = 0;
  }

  /** The definition at a chunk offset is that of this template. */
  define(chunkOffset: number, template: number): void {
    const { words } = this;
    const count = words[DEFINED_COUNT >> 2]!++;
    words[(DEFINED >> 2) + count] = chunkOffset;
    words[(DEFINITIONS >> 2) + chunkOffset] = template;
  }

  /** The template whose definition stands at a chunk offset; 0 when it is not known. */
  definedAt(chunkOffset: number): number {
    return this.words[(DEFINITIONS >> 2) + chunkOffset]!;
  }

  /** True when no further definition of the chunk can be kept: crafted ones overlap. */
  get isCrowded(): boolean {
    return this.words[DEFINED_COUNT >> 2]! >= MAX_DEFINED;
  }

  /** Keeps a byte form of a template's definition, so that it is known in other chunks. @throws PoolFull */
  addForm({ bytes, names, characters }: DefinitionForm, template: number): void {
    const { words } = this;
    const address = this.putText(bytes);
    const charactersAt = this.putText(characters);
    const form = this.takeWords((FORM_NAMES + FORM_NAME_SIZE * names.length) / 4);
    const chain = (FORMS >> 2) + (u32(bytes, 4) & (FORM_CHAINS - 1));
    let cell = form >> 2;
    words[cell++] = words[chain]!;
    words[cell++] = template;
    words[cell++] = bytes.length - DEFINITION_HEADER;
    words[cell++] = address;
    words[cell++] = names.length;
    for (const { at, inline, from, size } of names) {
      words[cell++] = at;
      words[cell++] = inline ? 1 : 0;
      words[cell++] = charactersAt + from;
      words[cell++] = size;
    }
    words[chain] = form;
  }

  /** Keeps a name, so that it is known by a number. @param hash as its entry has it @throws PoolFull */
  addName(hash: number, characters: Uint8Array): void {
    const { words } = this;
    const address = this.putText(characters);
    const form = this.takeWords(NAME_FORM_SIZE / 4);
    const chain = (NAME_FORMS >> 2) + (hash & (NAME_CHAINS - 1));
    words.set([words[chain]!, ++this.#names, characters.length >> 1, address], form >> 2);
    words[chain] = form;
  }

  /** Keeps the shape of the document at hand. @param template its number, or a negative reason for one that none may have @throws PoolFull */
  addShape(template: number): void {
    const { words } = this;
    const count = words[STEP_COUNT >> 2]!;
    let last = SHAPES;
    for (let i = 0; i < count; i++) {
      const step = words[(STEPS >> 2) + i]!;
      let next = words[(last + SHAPE_FOLLOWING) >> 2]!;
      while (next !== 0 && words[next >> 2] !== step) next = words[(next + SHAPE_OTHER) >> 2]!;
      if (next === 0) {
        next = this.takeWords(SHAPE_SIZE / 4);
        words.set([step, 0, words[(last + SHAPE_FOLLOWING) >> 2]!, 0], next >> 2);
        words[(last + SHAPE_FOLLOWING) >> 2] = next;
      }
      last = next;
    }
    words[(last + SHAPE_TEMPLATE) >> 2] = template;
  }

  /** A number for a template that has no programs yet. @throws PoolFull */
  addTemplate(highest: number, rootName: number, isPlain: boolean, needs: number): number {
    const number = this.words[TEMPLATE_COUNT >> 2]! + 1;
    if (number >= MAX_TEMPLATES) throw new PoolFull();
    this.words[TEMPLATE_COUNT >> 2] = number;
    const at = (TEMPLATES + TEMPLATE_SIZE * number) >> 2;
    this.words.fill(0, at, at + TEMPLATE_SIZE / 4);
    this.words[at + TEMPLATE_XML / 4] = NOT_MADE;
    this.words[at + TEMPLATE_JSON / 4] = NOT_MADE;
    this.words[at + TEMPLATE_HIGHEST / 4] = highest;
    this.words[at + TEMPLATE_ROOT_NAME / 4] = rootName;
    this.words[at + TEMPLATE_PLAIN / 4] = isPlain ? 1 : 0;
    this.words[at + TEMPLATE_NEEDS / 4] = needs;
    this.words[at + TEMPLATE_TREE / 4] = NOT_MADE;
    this.words[at + TEMPLATE_TIME / 4] = -1;
    this.words[(TESTS >> 2) + number] = 0;
    return number;
  }

  /** Address of a template's definition; 0 when the kernel has no use for it; negative when nobody has asked yet. */
  treeOf(template: number): number {
    return this.words[(TEMPLATES + TEMPLATE_SIZE * template + TEMPLATE_TREE) >> 2]!;
  }

  setTree(template: number, address: number): void {
    this.words[(TEMPLATES + TEMPLATE_SIZE * template + TEMPLATE_TREE) >> 2] = address;
  }

  /** A slot that is the caller's until it is given back; undefined when all are taken. */
  takeSlot(): OutputSlot | undefined {
    return this.#freeSlots.pop();
  }

  giveSlot(slot: OutputSlot): void {
    this.#freeSlots.push(slot);
  }

  /** @throws PoolFull */
  #take(size: number, alignment: number): number {
    const address = Math.ceil(this.words[POOL_FREE >> 2]! / alignment) * alignment;
    if (address + size > POOL + POOL_SIZE) throw new PoolFull();
    this.words[POOL_FREE >> 2] = address + size;
    return address;
  }

  /** Address of constant text, in UTF-8: it is in the pool once, as `pool.ts` has it. @throws PoolFull */
  constant(text: string): number {
    let address = this.#texts.get(text);
    if (address === undefined) {
      address = this.#pooled(encoder.encode(text));
      this.#texts.set(text, address);
    }
    return address;
  }

  #pooled(text: Uint8Array): number {
    const { words } = this;
    let hash = 0;
    for (const byte of text) hash = ((hash << 5) - hash + byte) | 0;
    const chain = (TEXTS >> 2) + (hash & (TEXT_CHAINS - 1));
    let others = 0;
    for (let at = words[chain]!; at !== 0; at = words[(at + TEXT_NEXT) >> 2]!) {
      if (++others > MAX_TEXT_CHAIN) throw new PoolFull();
      if (words[(at + TEXT_HASH) >> 2] !== hash || words[(at + TEXT_SIZE) >> 2] !== text.length) continue;
      if (text.every((byte, i) => byte === this.bytes[at + i])) return at;
    }
    const cells = this.#take(TEXT_ALIGNMENT, TEXT_ALIGNMENT);
    const address = this.putText(text);
    words.set([words[chain]!, hash, text.length], cells >> 2);
    words[chain] = address;
    return address;
  }

  /** Room for constant text; what is copied in whole words may read a little behind it. @throws PoolFull */
  putText(text: Uint8Array): number {
    const size = Math.ceil((text.length + 1) / TEXT_ALIGNMENT) * TEXT_ALIGNMENT;
    const address = this.#take(size, TEXT_ALIGNMENT);
    this.bytes.fill(0, address, address + size);
    this.bytes.set(text, address);
    return address;
  }

  /** Room for a program of so many words, at a multiple of eight. @throws PoolFull */
  takeWords(count: number): number {
    return this.#take(4 * count, 8);
  }
}
