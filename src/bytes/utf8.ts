/** Text of UTF-8 bytes `from … to`, which are well formed. */
export type Utf8Text = (bytes: Uint8Array, from: number, to: number) => string;

const decoder = new TextDecoder();

let faster: Utf8Text | undefined;

/** Puts a faster implementation in place, where the platform has one; this room may not import it itself. */
export function useUtf8Text(implementation: Utf8Text | undefined): void {
  faster = implementation;
}

export function utf8Text(bytes: Uint8Array, from: number, to: number): string {
  return faster === undefined ? decoder.decode(bytes.subarray(from, to)) : faster(bytes, from, to);
}
