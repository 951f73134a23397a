import type { Executor } from './engine.ts';
import { INPUT, INPUT_SIZE, MEMORY_SIZE, PAGE_SIZE } from './layout.ts';
import { Memory } from './memory.ts';
import { WASM_CODE } from './wasm-code.ts';

/** The part of WebAssembly's interface that is used: it belongs to no library of ECMAScript. */
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
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
export function wasmExecutor(itemSizes: readonly number[]): { memory: Memory; executor: Executor } | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyApi };
  if (WebAssembly === undefined) return undefined;
  const pages = Math.ceil(MEMORY_SIZE / PAGE_SIZE);
  let kernel: Kernel;
  let buffer: ArrayBuffer;
  try {
    const module = new WebAssembly.Module(decodeBase64(WASM_CODE));
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as Kernel;
    buffer = memory.buffer;
  } catch {
    return undefined;
  }
  const memory = new Memory(itemSizes, buffer);
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
