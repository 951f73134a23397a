import type { Duplex } from 'node:stream';

export interface SendEvents {
  /** The last byte has been handed to the system. */
  readonly sent?: () => void;
  /** The connection ended before that. */
  readonly dropped?: (() => void) | undefined;
}

/** Bytes that something takes while it waits, beside its own: small things are counted as what they are. */
const ENTRY_BYTES = 256;

/** Sends what connections have to say, in order, no faster than the other end takes it. */
export class SendQueue {
  readonly #stream: Duplex;
  readonly #waiting: { readonly pdus: Iterator<Uint8Array>; readonly size: number; readonly on: SendEvents }[] = [];
  #unsent = 0;
  #isBlocked = false;
  /** Milliseconds of `performance.now()` when something was last taken. */
  #progressAt = performance.now();

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('drain', () => {
      this.#isBlocked = false;
      this.#progressAt = performance.now();
      this.#pump();
    });
  }

  /** Bytes that wait, about. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Milliseconds since something was taken, while something waits; else 0. */
  stalledMs(now: number): number {
    return this.#isBlocked ? now - this.#progressAt : 0;
  }

  /**
   * @param pdus made when their turn has come: each is signed in the order of sending
   * @param size their bytes, about
   */
  push(pdus: Iterable<Uint8Array>, size: number, on: SendEvents = {}): void {
    const entry = { pdus: pdus[Symbol.iterator](), size: size + ENTRY_BYTES, on };
    this.#unsent += entry.size;
    this.#waiting.push(entry);
    this.#pump();
  }

  /** The connection is gone: nothing more is sent. */
  drop(): void {
    this.#isBlocked = true;
    for (const { on } of this.#waiting.splice(0)) on.dropped?.();
  }

  #pump(): void {
    while (!this.#isBlocked && this.#waiting.length > 0) {
      const { pdus, size, on } = this.#waiting[0]!;
      let next: IteratorResult<Uint8Array>;
      try {
        next = pdus.next();
      } catch (error) {
        // A PDU that cannot be signed is not sent, nor is anything behind it.
        this.#isBlocked = true;
        this.#stream.destroy(error as Error);
        return;
      }
      if (next.done) {
        this.#waiting.shift();
        this.#unsent -= size;
        on.sent?.();
      } else if (!this.#stream.write(next.value)) {
        this.#isBlocked = true;
        this.#progressAt = performance.now();
      }
    }
  }
}
