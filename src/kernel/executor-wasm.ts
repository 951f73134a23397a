import type { Executor } from './engine.ts';
import { INPUT, INPUT_SIZE, MEMORY_SIZE, PAGE_SIZE, SLOT_STRIDE } from './layout.ts';
import { Memory } from './memory.ts';
import { MEMORY_FLAGS_AT, WASM_CODE } from './wasm-code.ts';

/** The part of WebAssembly's interface that is used: it belongs to no library of ECMAScript. */
interface WebAssemblyApi {
  readonly Memory: new (size: {
    initial: number;
    maximum: number;
    shared: boolean;
  }) => {
    readonly buffer: ArrayBufferLike;
  };
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** In the module's import of its memory: it has a maximum, and is shared. */
const SHARED_MEMORY = 3;

/** How an executor's memory is made. */
export interface MemoryOptions {
  /** Slots for lines that stay there for a while. */
  readonly slots: number;
  /** Other threads look at it. */
  readonly shared: boolean;
}

/** What the compiled kernel exports. */
interface Kernel {
  useInput(address: number, size: number): void;
  records(first: number, last: number, format: number, out: number, limit: number): number;
  select(first: number, last: number, wholes: number): number;
}

function decodeBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * The executor as WebAssembly, and the memory it works in.
 * @returns undefined where WebAssembly, or its vectors, cannot be had
 */
export function wasmExecutor(
  itemSizes: readonly number[],
  { slots, shared }: MemoryOptions,
): { memory: Memory; executor: Executor } | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyApi };
  if (WebAssembly === undefined) return undefined;
  const pages = Math.ceil((MEMORY_SIZE + slots * SLOT_STRIDE) / PAGE_SIZE);
  let kernel: Kernel;
  let buffer: ArrayBufferLike;
  try {
    const code = decodeBase64(WASM_CODE);
    if (shared) code[MEMORY_FLAGS_AT] = SHARED_MEMORY;
    const module = new WebAssembly.Module(code);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
    kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel;
    buffer = memory.buffer;
  } catch {
    return undefined;
  }
  const memory = new Memory(itemSizes, buffer, slots);
  return {
    memory,
    executor: {
      name: 'wasm',
      useInput: (bytes) => {
        if (bytes.buffer === buffer) {
          kernel.useInput(bytes.byteOffset, bytes.length);
          return;
        }
        memory.bytes.set(bytes.subarray(0, INPUT_SIZE), INPUT);
        kernel.useInput(INPUT, bytes.length);
      },
      records: kernel.records,
      select: kernel.select,
    },
  };
}
