const STATES = 256;

/** An RC4 stream: prescribed by NTLM, and no protection by today's measure. It runs on from one message to the next. */
export class Rc4 {
  readonly #state = new Uint8Array(STATES);
  #i = 0;
  #j = 0;

  constructor(key: Uint8Array) {
    const state = this.#state;
    for (let i = 0; i < STATES; i++) state[i] = i;
    for (let i = 0, j = 0; i < STATES; i++) {
      const value = state[i]!;
      j = (j + value + key[i % key.length]!) & 0xff;
      state[i] = state[j]!;
      state[j] = value;
    }
  }

  /** Encrypts or decrypts in place, which is the same. */
  apply(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = start; at < end; at++) {
      i = (i + 1) & 0xff;
      const a = state[i]!;
      j = (j + a) & 0xff;
      const b = state[j]!;
      state[i] = b;
      state[j] = a;
      bytes[at] = bytes[at]! ^ state[(a + b) & 0xff]!;
    }
    this.#i = i;
    this.#j = j;
  }

  dispose(): void {
    this.#state.fill(0);
  }
}

/** A copy of bytes, encrypted or decrypted by a stream of its own. */
export function rc4(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const stream = new Rc4(key);
  stream.apply(copy);
  stream.dispose();
  return copy;
}
