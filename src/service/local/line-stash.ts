import type { EventPosition, LineContent, LineRequest } from '../service.ts';
import type { Mark, OrderLineSink } from './result-order.ts';

/** Room for the part that goes past the wanted number of bytes. */
const ROOM = 128 * 1024;

/** Most bytes of one call. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Lines on their way to a caller: they stay here when its call is cancelled. */
export class LineStash implements OrderLineSink {
  readonly format: LineContent;
  #request: LineRequest;
  #buffer: Uint8Array;
  #size = 0;
  #lent: Uint8Array | undefined;
  #release: (() => void) | undefined;
  events = 0;
  /** The position in front of the first line. */
  before: Mark | undefined;
  position: EventPosition | undefined;

  constructor(request: LineRequest) {
    this.format = request.format;
    this.#request = request;
    const { buffer, maxBytes } = request;
    if (request.format === 'nothing') {
      this.#buffer = new Uint8Array(0);
      return;
    }
    this.#buffer = isUsable(buffer) ? buffer : Buffer.allocUnsafeSlow(Math.min(maxBytes, MAX_BYTES) + ROOM);
  }

  get bytes(): Uint8Array {
    return this.#lent ?? this.#buffer.subarray(0, this.#size);
  }

  /** Whether lines may be left where they are until the next call. */
  get borrows(): boolean {
    return this.#request.borrow === true && this.format !== 'nothing' && this.#size === 0;
  }

  /**
   * Lines that stay where they are; nothing comes behind them.
   * @param release called when nobody looks at them any more
   */
  lend(lines: Uint8Array, events: number, before: Mark, release?: () => void): void {
    this.#lent = lines;
    this.#release = release;
    this.events += events;
    this.before ??= before;
  }

  /** Nobody looks at the lines any more. */
  release(): void {
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  get maxEvents(): number {
    return this.#request.maxEvents - this.events;
  }

  get maxBytes(): number {
    if (this.format === 'nothing') return Number.POSITIVE_INFINITY;
    return Math.min(this.#request.maxBytes, this.#buffer.length - ROOM) - this.#size;
  }

  get full(): boolean {
    return this.#lent !== undefined || this.maxEvents <= 0 || this.maxBytes <= 0;
  }

  /** Goes on for another call, as far as that one wants. @returns false when it cannot have what is here */
  goOnFor(request: LineRequest): boolean {
    const { format, maxEvents, buffer, borrow } = request;
    if (format !== this.format || this.events > maxEvents || borrow !== this.#request.borrow) return false;
    this.#request = request;
    if (this.#lent === undefined && isUsable(buffer) && buffer.length >= this.#size) {
      buffer.set(this.bytes);
      this.#buffer = buffer;
    }
    return true;
  }

  /** The call has ended without these lines, and its caller's memory is the caller's again. */
  keep(): void {
    if (this.#buffer !== this.#request.buffer) return;
    const own = Buffer.allocUnsafeSlow(this.#buffer.length);
    own.set(this.#buffer.subarray(0, this.#size));
    this.#buffer = own;
  }

  reached(position: EventPosition): void {
    this.position = position;
  }

  take(lines: Uint8Array, events: number, before: Mark | undefined): void {
    if (this.#size + lines.length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(this.#size + lines.length + ROOM);
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(lines, this.#size);
    this.#size += lines.length;
    this.events += events;
    this.before ??= before;
  }
}

/** Memory of the caller's that is worth being written to. */
function isUsable(buffer: Uint8Array | undefined): buffer is Uint8Array {
  return buffer !== undefined && buffer.length >= 2 * ROOM;
}
