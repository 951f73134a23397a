import { useUtf8Text } from '../../bytes/utf8.ts';
import type { MemoryOptions } from '../../kernel/executor-wasm.ts';
import { Kernel } from '../../kernel/kernel.ts';
import { CompiledRenderer } from '../../render/compiled.ts';

/** `off`: events are written and selected by JavaScript, also where WebAssembly is there. */
const KERNEL_VARIABLE = 'WINEVT_KERNEL';

let lastBytes: Uint8Array | undefined;
let lastBuffer: Buffer = Buffer.alloc(0);

/** As TextDecoder does, at a fraction of its price for short texts. */
function bufferText(bytes: Uint8Array, from: number, to: number): string {
  if (bytes !== lastBytes) {
    lastBytes = bytes;
    lastBuffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return lastBuffer.toString('utf8', from, to);
}

let kernel: Kernel | undefined;

/**
 * This thread's kernel, made when the first log is looked at.
 * @param options of its memory, when it is made
 */
export function threadKernel(options?: MemoryOptions): Kernel {
  kernel ??= new Kernel(process.env[KERNEL_VARIABLE]?.toLowerCase() !== 'off', options);
  return kernel;
}

let renderer: CompiledRenderer | undefined;

/** This thread's renderer, made when the first event is written. Its output is gone when somebody else uses it. */
export function threadRenderer(): CompiledRenderer {
  useUtf8Text(bufferText);
  renderer ??= new CompiledRenderer(threadKernel());
  return renderer;
}
