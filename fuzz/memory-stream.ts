import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** One end of a connection whose other end is the fuzzer: what is written to it is handed over, what comes is given in the same turn. */
export class MemoryStream extends Duplex {
  readonly #onWritten: (bytes: Uint8Array) => void;

  constructor(onWritten: (bytes: Uint8Array) => void) {
    super();
    this.#onWritten = onWritten;
  }

  override _read(): void {}

  override _write(bytes: Buffer, _: BufferEncoding, done: () => void): void {
    this.#onWritten(new Uint8Array(bytes));
    done();
  }

  /** Something comes from the other end. Whatever its taker throws is thrown here. */
  give(bytes: Uint8Array): void {
    if (!this.destroyed) this.emit('data', Buffer.from(bytes));
  }

  /** As much of a socket as connections use. */
  get socket(): Socket {
    return Object.assign(this, { ref: () => this, unref: () => this }) as unknown as Socket;
  }
}
