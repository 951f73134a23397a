/** Bytes of grouped hex digits, as the protocol's documents print them. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** The digits of bytes. */
export function digits(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
