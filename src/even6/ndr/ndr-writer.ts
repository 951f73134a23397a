import { utf16Bytes } from '../../bytes/utf16.ts';

/** Referent ids as Windows counts them; a reader only asks whether they are 0. */
const FIRST_REFERENT = 0x0002_0000;
const REFERENT_STEP = 4;
const FIRST_SIZE = 256;

/** Writes a stub in NDR 2.0. */
export class NdrWriter {
  #bytes = new Uint8Array(FIRST_SIZE);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #referent = FIRST_REFERENT;
  /** Pointees that go behind the construct being written; undefined outside of constructs. */
  #deferred: (() => void)[] | undefined;

  /** What has been written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Offset of the next `size` bytes, which are zero. */
  #take(size: number): number {
    const at = this.#at;
    const end = at + size;
    if (end > this.#bytes.length) {
      // What follows something large is small: no second copy for that.
      const grown = new Uint8Array(Math.max(end + FIRST_SIZE, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#at = end;
    return at;
  }

  align(size: number): void {
    this.#take(Math.ceil(this.#at / size) * size - this.#at);
  }

  u8(value: number): void {
    const at = this.#take(1);
    this.#view.setUint8(at, value);
  }

  u16(value: number): void {
    this.align(2);
    const at = this.#take(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    this.align(4);
    const at = this.#take(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    this.align(8);
    const at = this.#take(8);
    this.#view.setBigUint64(at, value, true);
  }

  i64(value: bigint): void {
    this.align(8);
    const at = this.#take(8);
    this.#view.setBigInt64(at, value, true);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#take(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** A `[string] wchar*`; the terminator is added. */
  string(text: string): void {
    const units = text.length + 1;
    this.u32(units);
    this.u32(0);
    this.u32(units);
    this.bytes(utf16Bytes(text));
    this.u16(0);
  }

  /** A unique pointer. @param write what it points to; undefined for NULL */
  pointer(write: (() => void) | undefined): void {
    if (write === undefined) {
      this.u32(0);
      return;
    }
    this.u32(this.#referent);
    this.#referent += REFERENT_STEP;
    if (this.#deferred === undefined) this.construct(write);
    else this.#deferred.push(write);
  }

  /** Writes a structure or an array, and behind it what its pointers point to. */
  construct(write: () => void): void {
    if (this.#deferred !== undefined) {
      write();
      return;
    }
    const deferred: (() => void)[] = [];
    this.#deferred = deferred;
    write();
    this.#deferred = undefined;
    for (const pointee of deferred) this.construct(pointee);
  }
}
