import type { Duplex } from 'node:stream';

export interface SendEvents {
  /** The last byte has been handed to the system. */
  readonly sent?: () => void;
  /** The connection ended before that. */
  readonly dropped?: (() => void) | undefined;
}

/** What a message costs beside its bytes: the header of its PDU, and what this queue keeps of it. */
const MESSAGE_COST = 512;

/** Sends what connections have to say, in order, no faster than the other end takes it. */
export class SendQueue {
  readonly #stream: Duplex;
  readonly #now: () => number;
  readonly #onChange: (bytes: number) => void;
  readonly #waiting: { readonly pdus: Iterator<Uint8Array>; readonly size: number; readonly on: SendEvents }[] = [];
  #unsent = 0;
  #isBlocked = false;
  /** The connection is gone. */
  #isDropped = false;
  /** When something was last taken. */
  #progressAt: number;

  /** @param onChange told how many bytes more, or fewer, wait */
  constructor(
    stream: Duplex,
    now: () => number = () => performance.now(),
    onChange: (bytes: number) => void = () => {},
  ) {
    this.#stream = stream;
    this.#now = now;
    this.#onChange = onChange;
    this.#progressAt = now();
    stream.on('drain', () => {
      this.#isBlocked = false;
      this.#progressAt = this.#now();
      this.#pump();
    });
  }

  /** Bytes that wait, about. */
  get unsent(): number {
    return this.#unsent;
  }

  /** Milliseconds since something was taken; undefined while nothing waits. */
  stalledMs(now: number): number | undefined {
    return this.#isBlocked && !this.#isDropped ? now - this.#progressAt : undefined;
  }

  /**
   * @param pdus made when their turn has come: each is signed in the order of sending
   * @param size their bytes, about
   */
  push(pdus: Iterable<Uint8Array>, size: number, on: SendEvents = {}): void {
    if (this.#isDropped) {
      on.dropped?.();
      return;
    }
    const cost = size + MESSAGE_COST;
    this.#waiting.push({ pdus: pdus[Symbol.iterator](), size: cost, on });
    this.#change(cost);
    this.#pump();
  }

  #change(bytes: number): void {
    this.#unsent += bytes;
    this.#onChange(bytes);
  }

  /** The connection is gone: nothing more is sent. */
  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#change(-this.#unsent);
    for (const { on } of this.#waiting.splice(0)) on.dropped?.();
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isDropped && this.#waiting.length > 0) {
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
        this.#change(-size);
        on.sent?.();
      } else if (!this.#stream.write(next.value)) {
        this.#isBlocked = true;
        this.#progressAt = this.#now();
      }
    }
  }
}
