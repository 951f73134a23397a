import type { Executor } from './engine.ts';
import { select } from './filter.ts';
import { MEMORY, MEMORY_SLOTS, useInput } from './platform.ts';
import { records } from './records.ts';

/**
 * The executor as JavaScript, and the block it works in. There is one per thread: who makes another takes the memory away from
 * the one before.
 */
export function javascriptExecutor(): { buffer: ArrayBuffer; slots: number; executor: Executor } {
  return { buffer: MEMORY, slots: MEMORY_SLOTS, executor: { name: 'javascript', useInput, records, select } };
}
