import type { Memory, PlacedText } from '../kernel/memory.ts';
import { OP_END, OP_FIELD, OP_JUMP, OP_TEXT } from '../kernel/program.ts';

/** A place that is jumped to before it is known. */
export interface Label {
  address: number | undefined;
  readonly uses: number[];
}

/** Puts a program together: constant text is gathered until an operation stands between. */
export class ProgramBuilder {
  readonly #memory: Memory;
  readonly #words: number[] = [];
  readonly #labels: Label[] = [];
  #pending = '';

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Constant text. */
  text(text: string): void {
    this.#pending += text;
  }

  /** Constant text as an operand: address and size. */
  operand(text: string): PlacedText {
    return this.#memory.constant(text);
  }

  /** A value between constant texts. */
  field(slot: number, before: string, behind: string, flags: number): void {
    this.#flush();
    const [beforeAt, beforeSize] = this.operand(before);
    const [behindAt, behindSize] = this.operand(behind);
    this.#words.push(OP_FIELD, slot, beforeAt, beforeSize, behindAt, behindSize, flags);
  }

  op(operation: number, ...operands: number[]): void {
    this.#flush();
    this.#words.push(operation, ...operands);
  }

  /** An operation whose operand at `place` is a jump target. */
  jump(label: Label, operation: number = OP_JUMP, before: readonly number[] = [], after: readonly number[] = []): void {
    this.#flush();
    this.#words.push(operation, ...before);
    label.uses.push(this.#words.length);
    this.#words.push(0, ...after);
  }

  label(): Label {
    const label: Label = { address: undefined, uses: [] };
    this.#labels.push(label);
    return label;
  }

  /** The label stands here. */
  place(label: Label): void {
    this.#flush();
    label.address = this.#words.length;
  }

  #flush(): void {
    if (this.#pending === '') return;
    const [address, size] = this.operand(this.#pending);
    this.#pending = '';
    this.#words.push(OP_TEXT, address, size);
  }

  /** Ends the program and puts it into memory. @returns its address */
  finish(): number {
    this.op(OP_END);
    const start = this.#memory.takeWords(this.#words.length);
    for (const { address, uses } of this.#labels) {
      for (const use of uses) this.#words[use] = start + 4 * address!;
    }
    this.#memory.words.set(this.#words, start >> 2);
    return start;
  }
}
