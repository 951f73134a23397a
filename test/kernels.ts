import { Kernel } from '../src/kernel/kernel.ts';

/** In WebAssembly and in JavaScript: whatever one says the other must. One each for all, as the JavaScript ones share memory. */
export const KERNELS: readonly Kernel[] = [new Kernel(true), new Kernel(false)];
