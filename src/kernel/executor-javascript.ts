import type { Executor } from './engine.ts';
import { Memory } from './memory.ts';
import { attach, useInput } from './platform.ts';
import { records } from './records.ts';

/**
 * The executor as JavaScript, and the memory it works in. One per thread: its modules hold the memory they work on, so the
 * last one made is the one that works.
 */
export function javascriptExecutor(itemSizes: readonly number[]): { memory: Memory; executor: Executor } {
  const memory = new Memory(itemSizes);
  return {
    memory,
    executor: {
      name: 'javascript',
      useInput: (bytes) => {
        attach(memory.buffer);
        useInput(bytes);
      },
      records,
    },
  };
}
