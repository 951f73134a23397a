import type { DefinitionForm } from '../binxml/template-cache.ts';
import { u32 } from '../bytes/little-endian.ts';
import { DEFINITION_HEADER } from './definitions.ts';
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
  NAME_CHAINS,
  NAME_FORM_SIZE,
  NAME_FORMS,
  NAME_NUMBERS,
  NAMED,
  NAMED_COUNT,
  POOL,
  POOL_SIZE,
  SHAPE_CHAINS,
  SHAPE_STEPS,
  SHAPES,
  SLACK,
  SLOT_SIZE,
  SLOT_STRIDE,
  SLOTS,
  STEP_COUNT,
  STEP_HASH,
  STEPS,
  TEMPLATE_HIGHEST,
  TEMPLATE_JSON,
  TEMPLATE_NEEDS,
  TEMPLATE_PLAIN,
  TEMPLATE_ROOT_NAME,
  TEMPLATE_SIZE,
  TEMPLATE_XML,
  TEMPLATES,
  TESTS,
} from './layout.ts';

/** Thrown when programs no longer fit: the owner empties the memory and begins again. */
export class PoolFull extends Error {}

/** A program that nobody has asked for yet. */
const NOT_MADE = -1;

/** Texts begin at multiples of this, so that they can be copied in words. */
const TEXT_ALIGNMENT = 16;

/** A stretch of the memory for lines that stay there until somebody has looked at them. */
export interface OutputSlot {
  readonly address: number;
  readonly size: number;
}

/** Constant text in the memory: its address, and its bytes. */
export type PlacedText = readonly [address: number, size: number];

const encoder = new TextEncoder();

/** The executor's memory, as those see it who put programs into it. */
export class Memory {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  #free = POOL;
  /** Templates with a number; 0 is none's. */
  #templates = 0;
  #names = 0;
  readonly #texts = new Map<string, PlacedText>();
  readonly slots: readonly OutputSlot[];
  readonly #freeSlots: OutputSlot[];

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
  }

  /** Forgets all templates and programs. */
  reset(): void {
    this.#free = POOL;
    this.#templates = 0;
    this.words.fill(0, FORMS >> 2, (FORMS >> 2) + FORM_CHAINS);
    this.words.fill(0, NAME_FORMS >> 2, (NAME_FORMS >> 2) + NAME_CHAINS);
    this.words.fill(0, SHAPES >> 2, (SHAPES >> 2) + SHAPE_CHAINS);
    this.#names = 0;
    this.#texts.clear();
    this.forgetDefinitions();
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

  isDefined(chunkOffset: number): boolean {
    return this.words[(DEFINITIONS >> 2) + chunkOffset] !== 0;
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
    const hash = words[STEP_HASH >> 2]!;
    const shape = this.takeWords(SHAPE_STEPS / 4 + count);
    const chain = (SHAPES >> 2) + (hash & (SHAPE_CHAINS - 1));
    words.set([words[chain]!, hash, template, count], shape >> 2);
    words.copyWithin((shape + SHAPE_STEPS) >> 2, STEPS >> 2, (STEPS >> 2) + count);
    words[chain] = shape;
  }

  /** A number for a template that has no programs yet. @throws PoolFull */
  addTemplate(highest: number, rootName: number, isPlain: boolean, needs: number): number {
    if (this.#templates + 1 >= MAX_TEMPLATES) throw new PoolFull();
    const number = ++this.#templates;
    const at = (TEMPLATES + TEMPLATE_SIZE * number) >> 2;
    this.words.fill(0, at, at + TEMPLATE_SIZE / 4);
    this.words[at + TEMPLATE_XML / 4] = NOT_MADE;
    this.words[at + TEMPLATE_JSON / 4] = NOT_MADE;
    this.words[at + TEMPLATE_HIGHEST / 4] = highest;
    this.words[at + TEMPLATE_ROOT_NAME / 4] = rootName;
    this.words[at + TEMPLATE_PLAIN / 4] = isPlain ? 1 : 0;
    this.words[at + TEMPLATE_NEEDS / 4] = needs;
    this.words[(TESTS >> 2) + number] = 0;
    return number;
  }

  /** Whether somebody has made a template's program, or found that it has none. */
  isMade(template: number, format: number): boolean {
    return this.words[((TEMPLATES + TEMPLATE_SIZE * template) >> 2) + format] !== NOT_MADE;
  }

  setProgram(template: number, format: number, address: number): void {
    this.words[((TEMPLATES + TEMPLATE_SIZE * template) >> 2) + format] = address;
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
    const address = Math.ceil(this.#free / alignment) * alignment;
    if (address + size > POOL + POOL_SIZE) throw new PoolFull();
    this.#free = address + size;
    return address;
  }

  /** Constant text, in UTF-8: templates have most of theirs in common. @throws PoolFull */
  constant(text: string): PlacedText {
    let placed = this.#texts.get(text);
    if (placed === undefined) {
      const bytes = encoder.encode(text);
      placed = [this.putText(bytes), bytes.length];
      this.#texts.set(text, placed);
    }
    return placed;
  }

  /** Room for constant text; what is copied in whole words may read a little behind it. @throws PoolFull */
  putText(text: Uint8Array): number {
    const address = this.#take(text.length + TEXT_ALIGNMENT, TEXT_ALIGNMENT);
    this.bytes.fill(0, address, address + text.length + TEXT_ALIGNMENT);
    this.bytes.set(text, address);
    return address;
  }

  /** Room for a program of so many words, at a multiple of eight. @throws PoolFull */
  takeWords(count: number): number {
    return this.#take(4 * count, 8);
  }
}
