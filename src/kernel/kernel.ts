import { highestSubstitution, isPlainDefinition, rootNeeds } from '../binxml/check.ts';
import { BinXmlError } from '../binxml/error.ts';
import type { ContentNode, Template } from '../binxml/tree.ts';
import { FIXED_SIZE } from '../binxml/value-type.ts';
import { u16, u32 } from '../bytes/little-endian.ts';
import type { Chunk } from '../evtx/chunk.ts';
import type { Executor } from './engine.ts';
import { javascriptExecutor } from './executor-javascript.ts';
import { type MemoryOptions, wasmExecutor } from './executor-wasm.ts';
import { MISSING_AT, MISSING_END, NEEDS_MORE, NEEDS_NOTHING } from './layout.ts';
import { Memory, PoolFull } from './memory.ts';
import { NAME_HEADER } from './names.ts';
import { UNUSUAL } from './program.ts';
import { readTree } from './templates/tree-reader.ts';

/** Of a template instance, from its token: where its definition stands in the chunk. */
const DEFINITION_OFFSET = 6;

/**
 * A thread's executor with its memory, and the templates that it knows by number. One for all who have programs in it, so that
 * a chunk is copied in once, and its definitions are told once.
 */
export class Kernel {
  readonly memory: Memory;
  readonly executor: Executor;
  /** Programs that were made in an earlier generation are gone. */
  generation = 0;
  /** Whose tests are those of the templates. */
  tests: object | undefined;
  #numbers = new WeakMap<Template, number>();
  /** By number: what those consist of that somebody has asked for. */
  #roots: (readonly ContentNode[] | undefined)[] = [];
  #chunk: Chunk | undefined;

  /**
   * @param wasm false: in JavaScript, also where WebAssembly is there
   * @param options of WebAssembly's memory; JavaScript's has one slot, and is nobody else's
   */
  constructor(wasm = true, options: MemoryOptions = { slots: 1, shared: false }) {
    const compiled = wasm ? wasmExecutor(FIXED_SIZE, options) : undefined;
    if (compiled !== undefined) {
      this.memory = compiled.memory;
      this.executor = compiled.executor;
      return;
    }
    const { buffer, slots, executor } = javascriptExecutor();
    this.memory = new Memory(FIXED_SIZE, buffer, slots);
    this.executor = executor;
  }

  /** The chunk that the following calls are about. */
  use(chunk: Chunk): void {
    if (chunk === this.#chunk) return;
    this.memory.beginChunk();
    this.executor.useInput(chunk.bytes);
    this.#chunk = chunk;
  }

  /** What a template consists of. */
  rootOf(number: number): readonly ContentNode[] {
    this.#roots[number] ??= [readTree(this.memory, this.memory.treeOf(number))];
    return this.#roots[number]!;
  }

  /**
   * Makes the definition known that the executor has stopped at as MISSING.
   * @param prepare makes what else is needed for its template, by number
   * @returns false when the definition is damaged or too large, or there are too many of them: the record is not for the executor
   */
  learn(prepare?: (number: number, template: Template) => void): boolean {
    const { words } = this.memory;
    const at = words[MISSING_AT >> 2]!;
    const chunk = this.#chunk!;
    let template: Template;
    try {
      template = chunk.templateAt(at, words[MISSING_END >> 2]!);
    } catch (error) {
      if (error instanceof BinXmlError) return false;
      throw error;
    }
    if (this.memory.isCrowded) return false;
    return this.fill(() => {
      const number = this.#define(chunk, u32(chunk.bytes, at + DEFINITION_OFFSET), template);
      prepare?.(number, template);
    });
  }

  /** Makes the name known that the executor has stopped at as NAMELESS. */
  learnName(): void {
    const { bytes } = this.#chunk!;
    const at = this.memory.words[MISSING_AT >> 2]!;
    const characters = bytes.subarray(at + NAME_HEADER, at + NAME_HEADER + 2 * u16(bytes, at + 6));
    this.fill(() => this.memory.addName(u16(bytes, at + 4), characters));
  }

  /** Makes the shape known that the executor has stopped at as SHAPELESS. */
  learnShape(): void {
    const { words } = this.memory;
    const template = this.#chunk!.templateOfShape(words[MISSING_AT >> 2]!, words[MISSING_END >> 2]!);
    const { generation } = this;
    this.fill(() => {
      // When the memory was full, the names in the shape have lost their numbers: it is looked at anew.
      if (generation !== this.generation) return;
      this.memory.addShape(template === undefined ? UNUSUAL : this.#numberOf(template));
    });
  }

  /** Puts something into the memory; when that is full, all that is in it goes first. @returns false when it does not fit even so */
  fill(put: () => void): boolean {
    for (let tries = 0; tries < 2; tries++) {
      try {
        put();
        return true;
      } catch (error) {
        if (!(error instanceof PoolFull)) throw error;
        this.empty();
      }
    }
    return false;
  }

  /** Forgets all that has been learned: the executor has stopped as CROWDED. */
  empty(): void {
    this.memory.reset();
    this.generation++;
    this.tests = undefined;
    this.#numbers = new WeakMap();
    this.#roots = [];
  }

  #define(chunk: Chunk, chunkOffset: number, template: Template): number {
    const known = this.memory.definedAt(chunkOffset);
    if (known !== 0) return known;
    const number = this.#numberOf(template);
    this.memory.define(chunkOffset, number);
    const form = chunk.definitionForm(chunkOffset);
    if (form !== undefined) this.memory.addForm(form, number);
    return number;
  }

  #numberOf(template: Template): number {
    let number = this.#numbers.get(template);
    if (number === undefined) {
      const [root] = template.root;
      const name = root?.kind === 'element' ? this.memory.constant(root.name) : 0;
      const [slot = NEEDS_NOTHING, ...more] = rootNeeds(template) ?? [NEEDS_MORE];
      const needs = more.length > 0 ? NEEDS_MORE : slot;
      number = this.memory.addTemplate(highestSubstitution(template), name, isPlainDefinition(template), needs);
      this.#numbers.set(template, number);
      this.#roots[number] = template.root;
    }
    return number;
  }
}

/** Watches what one record costs: what is needed for it alone may fill the memory again and again. */
export class Tries {
  readonly #kernel: Kernel;
  #at = -1;
  #generation = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The executor has stopped at this record of its list. @returns false when it is not worth another try */
  again(at: number): boolean {
    const { generation } = this.#kernel;
    if (at !== this.#at) {
      this.#at = at;
      this.#generation = generation;
    }
    return generation <= this.#generation + 1;
  }
}
