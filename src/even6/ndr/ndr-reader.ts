import { i64, u16, u32, u64 } from '../../bytes/little-endian.ts';
import { utf16Text } from '../../bytes/utf16.ts';
import { NdrError, type NdrFault } from './ndr-error.ts';

/** Reads a stub in NDR 2.0. Every count is held against the bytes that are left before anything is made of it. */
export class NdrReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** Pointees that come behind the construct being read; undefined outside of constructs. */
  #deferred: (() => void)[] | undefined;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  fail(what: string, fault: NdrFault = 'stub'): never {
    throw new NdrError(fault, this.#at, what);
  }

  align(size: number): void {
    this.#at = Math.ceil(this.#at / size) * size;
  }

  /** Offset of the next `size` bytes, which are there. */
  #take(size: number): number {
    if (size > this.left) this.fail(`${size} bytes are missing`);
    const at = this.#at;
    this.#at += size;
    return at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  u16(): number {
    this.align(2);
    return u16(this.#bytes, this.#take(2));
  }

  u32(): number {
    this.align(4);
    return u32(this.#bytes, this.#take(4));
  }

  u64(): bigint {
    this.align(8);
    return u64(this.#bytes, this.#take(8));
  }

  i64(): bigint {
    this.align(8);
    return i64(this.#bytes, this.#take(8));
  }

  /** The next bytes: a view, not a copy. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** A count that an array follows whose elements take at least `elementSize` bytes. */
  count(max: number, elementSize: number): number {
    const count = this.u32();
    if (count > max) this.fail(`a count of ${count} exceeds ${max}`, 'bound');
    if (count * elementSize > this.left) this.fail(`${count} elements cannot be in ${this.left} bytes`);
    return count;
  }

  /** The conformance of an array: the count that was said before. */
  conformance(count: number): void {
    const conformance = this.u32();
    if (conformance !== count) this.fail(`an array of ${count} says that it has ${conformance}`);
  }

  /** A `[string] wchar*`, without its terminator. @param maxUnits the terminator included */
  string(maxUnits: number): string {
    const max = this.u32();
    const offset = this.u32();
    const actual = this.u32();
    if (offset !== 0) this.fail('a string does not begin at its beginning');
    if (actual > max) this.fail('a string is longer than its maximum');
    if (actual === 0) this.fail('a string has no terminator');
    const at = this.#take(2 * actual);
    if (u16(this.#bytes, at + 2 * (actual - 1)) !== 0) this.fail('a string has no terminator');
    if (actual > maxUnits) this.fail(`a string of ${actual} units exceeds ${maxUnits}`, 'bound');
    const text = utf16Text(this.#bytes, at, actual - 1);
    // What follows a terminator is no part of the text, whatever its length says.
    const end = text.indexOf('\0');
    return end === -1 ? text : text.slice(0, end);
  }

  /**
   * A unique pointer. Outside of constructs its pointee follows at once, inside behind the construct.
   * @param read called with what it points to; not called for NULL
   * @returns false for NULL
   */
  pointer(read: () => void): boolean {
    if (this.u32() === 0) return false;
    if (this.#deferred === undefined) this.construct(read);
    else this.#deferred.push(read);
    return true;
  }

  /** Reads a structure or an array, and behind it what its pointers point to. */
  construct(read: () => void): void {
    if (this.#deferred !== undefined) {
      read();
      return;
    }
    const deferred: (() => void)[] = [];
    this.#deferred = deferred;
    read();
    this.#deferred = undefined;
    for (const pointee of deferred) this.construct(pointee);
  }
}
