import {
  DEFINITIONS,
  DIGIT_PAIRS,
  HEX_LOWER,
  HEX_UPPER,
  ITEM_SIZES,
  MAX_TEMPLATES,
  MEMORY_SIZE,
  POOL,
  POOL_SIZE,
  TEMPLATE_HIGHEST,
  TEMPLATE_ROOT_NAME,
  TEMPLATE_SIZE,
  TEMPLATES,
} from './layout.ts';

/** Thrown when programs no longer fit: the owner empties the memory and begins again. */
export class PoolFull extends Error {}

/** Texts begin at multiples of this, so that they can be copied in words. */
const TEXT_ALIGNMENT = 16;

/** The executor's memory, as those see it who put programs into it. */
export class Memory {
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  #free = POOL;
  /** Templates with a number; 0 is none's. */
  #templates = 0;
  /** Chunk offsets that have an entry in the table of definitions. */
  readonly #defined: number[] = [];

  /** @param itemSizes bytes of one item by value type */
  constructor(itemSizes: readonly number[], buffer: ArrayBuffer = new ArrayBuffer(MEMORY_SIZE)) {
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
    this.forgetDefinitions();
  }

  /** Forgets what is known of one chunk. */
  forgetDefinitions(): void {
    for (const offset of this.#defined) this.words[(DEFINITIONS >> 2) + offset] = 0;
    this.#defined.length = 0;
  }

  /** The definition at a chunk offset is that of this template. */
  define(chunkOffset: number, template: number): void {
    this.words[(DEFINITIONS >> 2) + chunkOffset] = template;
    this.#defined.push(chunkOffset);
  }

  /** A number for a template that has no programs yet. @throws PoolFull */
  addTemplate(highest: number, rootName: number): number {
    if (this.#templates + 1 >= MAX_TEMPLATES) throw new PoolFull();
    const number = ++this.#templates;
    const at = (TEMPLATES + TEMPLATE_SIZE * number) >> 2;
    this.words.fill(0, at, at + TEMPLATE_SIZE / 4);
    this.words[at + TEMPLATE_HIGHEST / 4] = highest;
    this.words[at + TEMPLATE_ROOT_NAME / 4] = rootName;
    return number;
  }

  setProgram(template: number, format: number, address: number): void {
    this.words[((TEMPLATES + TEMPLATE_SIZE * template) >> 2) + format] = address;
  }

  /** @throws PoolFull */
  #take(size: number, alignment: number): number {
    const address = Math.ceil(this.#free / alignment) * alignment;
    if (address + size > POOL + POOL_SIZE) throw new PoolFull();
    this.#free = address + size;
    return address;
  }

  /** Room for constant text; what is copied in whole words may read a little behind it. @throws PoolFull */
  putText(text: Uint8Array): number {
    const address = this.#take(text.length + TEXT_ALIGNMENT, TEXT_ALIGNMENT);
    this.bytes.fill(0, address, address + text.length + TEXT_ALIGNMENT);
    this.bytes.set(text, address);
    return address;
  }

  /** Room for a program of so many words. @throws PoolFull */
  takeWords(count: number): number {
    return this.#take(4 * count, 4);
  }
}
