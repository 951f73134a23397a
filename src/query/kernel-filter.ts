import type { ContentNode } from '../binxml/tree.ts';
import type { Chunk } from '../evtx/chunk.ts';
import { type Kernel, Tries } from '../kernel/kernel.ts';
import {
  BODY_SIZE,
  HIT_COUNT,
  HIT_UNKNOWN,
  HITS,
  LACKING_BODY,
  LACKING_SLOT,
  LACKING_TEMPLATE,
  MAX_TEMPLATES,
  RECORDS,
  STOPPED_AT,
  TEST_BODIES,
  TEST_ROOM,
  TEST_SIZE,
  TEST_SLOT,
  TESTS,
} from '../kernel/layout.ts';
import { CROWDED, LACKING, NAMELESS, SHAPELESS } from '../kernel/program.ts';
import type { Code } from './code.ts';
import { TestAssembler } from './code-program.ts';
import type { Shape } from './compile.ts';

/** Tests of bodies that there is room for at first. */
const BODIES = 64;

/** Tests records of a chunk by the run, in the kernel. What it cannot tell of a record is left to the caller. */
export class KernelFilter {
  readonly #kernel: Kernel;
  readonly #codeOf: (shape: Shape) => Code;
  #assembler: TestAssembler;
  #generation: number;
  /** Per template number: address of its tests, while those of another filter are in their place. */
  #tests = new Int32Array(MAX_TEMPLATES);

  /** @param codeOf what is asked of a template's slots */
  constructor(kernel: Kernel, codeOf: (shape: Shape) => Code) {
    this.#kernel = kernel;
    this.#codeOf = codeOf;
    this.#assembler = new TestAssembler(kernel.memory);
    this.#generation = kernel.generation;
  }

  /**
   * Tests records of a chunk: `first`, `first + step` and so on, `count` of them and at most MAX_RECORDS.
   * @param offsets where the chunk's records are
   * @param now     what timediff() counts from
   * @param hits    gets what is taken, in that order: how many records in, and HIT_WHOLE or HIT_UNKNOWN
   * @param wholes  also tell which are whole: nothing in them can turn out to be damaged
   * @returns how many hits there are
   */
  select(
    chunk: Chunk,
    offsets: ArrayLike<number>,
    first: number,
    step: number,
    count: number,
    now: bigint,
    hits: Int32Array,
    wholes: boolean,
  ): number {
    const kernel = this.#kernel;
    const { executor } = kernel;
    const { words } = kernel.memory;
    for (let i = 0; i < count; i++) words[(RECORDS >> 2) + i] = offsets[first + i * step]!;
    kernel.use(chunk);
    this.#takeOver();
    this.#assembler.now = now;
    words[HIT_COUNT >> 2] = 0;
    const tries = new Tries(kernel);
    for (let at = 0; at < count; ) {
      const reason = executor.select(at, count, wholes ? 1 : 0);
      if (reason === 0) break;
      at = words[STOPPED_AT >> 2]!;
      if (!tries.again(at) || !this.#helps(reason)) {
        words[(HITS >> 2) + words[HIT_COUNT >> 2]!++] = at | HIT_UNKNOWN;
        at++;
      }
      this.#takeOver();
    }
    const found = words[HIT_COUNT >> 2]!;
    for (let i = 0; i < found; i++) hits[i] = words[(HITS >> 2) + i]!;
    return found;
  }

  /** Gives the kernel what it has stopped for; false when the record is not for it. */
  #helps(reason: number): boolean {
    const kernel = this.#kernel;
    if (reason === LACKING) this.#compile();
    else if (reason === NAMELESS) kernel.learnName();
    else if (reason === SHAPELESS) kernel.learnShape();
    else if (reason === CROWDED) kernel.empty();
    else return kernel.learn();
    return true;
  }

  /** Puts this filter's tests in the place of those of another one; all are gone when the memory was full. */
  #takeOver(): void {
    const kernel = this.#kernel;
    if (kernel.tests === this && kernel.generation === this.#generation) return;
    if (kernel.generation !== this.#generation) {
      this.#generation = kernel.generation;
      this.#tests.fill(0);
      this.#assembler = new TestAssembler(kernel.memory);
    }
    kernel.memory.words.set(this.#tests, TESTS >> 2);
    kernel.tests = this;
  }

  /** Makes the test that the kernel has asked for. */
  #compile(): void {
    const { words } = this.#kernel.memory;
    const number = words[LACKING_TEMPLATE >> 2]!;
    const bodySlot = words[LACKING_SLOT >> 2]!;
    const body = words[LACKING_BODY >> 2]!;
    const root = this.#kernel.rootOf(number);
    const bodyRoot = body === 0 ? undefined : this.#kernel.rootOf(body);
    const { generation } = this.#kernel;
    this.#kernel.fill(() => {
      // When the memory was full, templates have lost their numbers: the record is looked at anew.
      if (generation === this.#kernel.generation) this.#add(number, bodySlot, root, body, bodyRoot);
    });
  }

  #add(
    number: number,
    bodySlot: number,
    root: readonly ContentNode[],
    body: number,
    bodyRoot: readonly ContentNode[] | undefined,
  ): void {
    const { memory } = this.#kernel;
    const { words } = memory;
    const test = this.#assembler.assemble(this.#codeOf({ content: root, bodySlot, body: bodyRoot, repeats: true }));
    let tests = words[(TESTS >> 2) + number]!;
    while (tests !== 0 && words[(tests + TEST_SLOT) >> 2] !== bodySlot) tests = words[tests >> 2]!;
    if (body !== 0) {
      this.#addBody(tests, body, test);
      return;
    }
    const entry = memory.takeWords(TEST_SIZE / 4);
    const cells = [words[(TESTS >> 2) + number]!, bodySlot, test, this.#roomForBodies(BODIES), BODIES];
    words.set(cells, entry >> 2);
    words[(TESTS >> 2) + number] = entry;
    this.#tests[number] = entry;
  }

  #roomForBodies(count: number): number {
    const { memory } = this.#kernel;
    const address = memory.takeWords((count * BODY_SIZE) / 4);
    memory.words.fill(0, address >> 2, (address + count * BODY_SIZE) >> 2);
    return address;
  }

  #addBody(tests: number, body: number, test: number): void {
    const { words } = this.#kernel.memory;
    const room = words[(tests + TEST_ROOM) >> 2]!;
    const bodies = words[(tests + TEST_BODIES) >> 2]!;
    const known: [body: number, test: number][] = [[body, test]];
    for (let i = 0; i < room; i++) {
      const at = (bodies + BODY_SIZE * i) >> 2;
      if (words[at] !== 0) known.push([words[at]!, words[at + 1]!]);
    }
    // A quarter stays free, so that who is looked for in vain is soon known not to be there.
    if (known.length <= (room * 3) / 4) {
      putBody(words, bodies, room, body, test);
      return;
    }
    const larger = this.#roomForBodies(2 * room);
    for (const [each, its] of known) putBody(words, larger, 2 * room, each, its);
    words[(tests + TEST_BODIES) >> 2] = larger;
    words[(tests + TEST_ROOM) >> 2] = 2 * room;
  }
}

function putBody(words: Int32Array, bodies: number, room: number, body: number, test: number): void {
  let place = body & (room - 1);
  while (words[(bodies + BODY_SIZE * place) >> 2] !== 0) place = (place + 1) & (room - 1);
  words[(bodies + BODY_SIZE * place) >> 2] = body;
  words[(bodies + BODY_SIZE * place + 4) >> 2] = test;
}
