/** What runs programs: JavaScript or WebAssembly, over the same memory. */
export interface Executor {
  readonly name: 'javascript' | 'wasm';
  /** The chunk that the following calls read. It must not change meanwhile. */
  useInput(bytes: Uint8Array): void;
  /** See `records.ts`. */
  records(first: number, last: number, format: number, out: number, limit: number): number;
  /** See `filter.ts`. */
  select(first: number, last: number, wholes: number): number;
}
