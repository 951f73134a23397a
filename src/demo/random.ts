import { GUID_SIZE, guidText } from '../bytes/guid.ts';

/** A generator of pseudo-random choices: the same seed gives the same demonstration log everywhere ("sfc32", public domain). */
export class Random {
  #a: number;
  #b = 0x9e3779b9;
  #c = 0x243f6a88;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    // The first outputs of neighbouring seeds resemble each other.
    for (let i = 0; i < 12; i++) this.next();
  }

  /** 32 random bits, as an unsigned integer. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** At least 0, below 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer from `low` to `high`, both possible. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)]!;
  }

  /** `count` different items, or all. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items];
    return Array.from(
      { length: Math.min(count, items.length) },
      () => left.splice(this.between(0, left.length - 1), 1)[0]!,
    );
  }

  /** `digits` hexadecimal digits, upper case. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.next().toString(16).padStart(8, '0');
    return text.slice(0, digits).toUpperCase();
  }

  /** A random (version 4) UUID in its 16 bytes, the first three fields little-endian. */
  uuidBytes(): Uint8Array {
    const bytes = new Uint8Array(GUID_SIZE);
    for (let i = 0, word = 0; i < GUID_SIZE; i++, word >>>= 8) {
      if (i % 4 === 0) word = this.next();
      bytes[i] = word;
    }
    bytes[7] = (bytes[7]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes;
  }

  /** The same as text, without braces. */
  uuid(): string {
    return guidText(this.uuidBytes(), 0);
  }
}
