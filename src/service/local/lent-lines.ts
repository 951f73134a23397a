import type { OutputSlot } from '../../kernel/memory.ts';
import type { LineContent } from '../service.ts';
import { type LineSink, RUN_ROOM } from './line-walk.ts';
import { threadKernel } from './renderer.ts';
import type { Mark, OrderLineSink } from './result-order.ts';

/** Lines that are written into a slot of this thread's kernel, and lent to the caller from there: nobody copies them. */
export class LentLines implements LineSink {
  readonly format: LineContent;
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly slot: OutputSlot;
  readonly #lend: NonNullable<OrderLineSink['lend']>;
  #size = 0;
  /** One event that is larger than the slot. */
  #large: Uint8Array | undefined;
  #events = 0;
  #before: Mark | undefined;

  /** @returns undefined when the lines are to be copied: nobody borrows them, or all slots are lent */
  static of(sink: OrderLineSink): LentLines | undefined {
    if (sink.lend === undefined || sink.format === 'nothing') return undefined;
    const slot = threadKernel().memory.takeSlot();
    return slot && new LentLines(sink, sink.lend, slot);
  }

  private constructor(sink: OrderLineSink, lend: NonNullable<OrderLineSink['lend']>, slot: OutputSlot) {
    this.format = sink.format;
    this.maxEvents = sink.maxEvents;
    this.maxBytes = Math.min(sink.maxBytes, slot.size - RUN_ROOM);
    this.slot = slot;
    this.#lend = lend;
  }

  take(lines: Uint8Array, events: number, before: Mark): void {
    this.#before ??= before;
    this.#events += events;
    if (lines.buffer === threadKernel().memory.buffer) this.#size += lines.length;
    else this.#large = lines;
  }

  /** Gives the caller what there is, or the slot back. */
  handOver(): void {
    const { memory } = threadKernel();
    const { address } = this.slot;
    const release = () => memory.giveSlot(this.slot);
    if (this.#events === 0) release();
    else {
      const lines = this.#large ?? memory.bytes.subarray(address, address + this.#size);
      this.#lend(lines, this.#events, this.#before!, release);
    }
  }
}
