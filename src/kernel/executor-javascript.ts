import type { Executor } from './engine.ts';
import { select } from './filter.ts';
import { Memory } from './memory.ts';
import { MEMORY, MEMORY_SLOTS, useInput } from './platform.ts';
import { records } from './records.ts';

/**
 * The executor as JavaScript, and the memory it works in. There is one per thread: who makes another takes the memory away from
 * the one before.
 */
export function javascriptExecutor(itemSizes: readonly number[]): { memory: Memory; executor: Executor } {
  const memory = new Memory(itemSizes, MEMORY, MEMORY_SLOTS);
  memory.reset();
  return { memory, executor: { name: 'javascript', useInput, records, select } };
}
