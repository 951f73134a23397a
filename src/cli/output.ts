/** Characters gathered before they are written. */
const ENOUGH = 64 * 1024;
const BYTE_ORDER_MARK = '\ufeff';

/** Where results go: few large writes, no faster than the reader takes them. */
export class Output {
  readonly #stream: NodeJS.WritableStream;
  readonly #encoding: BufferEncoding;
  #pending = '';
  #closed = false;
  #failure: Error | undefined;

  constructor(stream: NodeJS.WritableStream, utf16 = false) {
    this.#stream = stream;
    this.#encoding = utf16 ? 'utf16le' : 'utf8';
    if (utf16) this.#pending = BYTE_ORDER_MARK;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      this.#closed = true;
      // The reader has seen enough, as in `| head`: no failure.
      if (error.code !== 'EPIPE') this.#failure = error;
    });
  }

  /** True when nobody takes results any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** True when it is time to flush. */
  get full(): boolean {
    return this.#pending.length >= ENOUGH;
  }

  /** Takes whole lines. */
  add(text: string): void {
    this.#pending += text;
  }

  /** True when bytes of UTF-8 can be written as they are. */
  get takesBytes(): boolean {
    return this.#encoding === 'utf8';
  }

  /** Hands over lines of UTF-8, behind what was gathered. The result is as {@link flush}'s. */
  async write(lines: Uint8Array): Promise<boolean> {
    if (this.#pending !== '') await this.flush();
    if (lines.length > 0 && !this.#closed) {
      await new Promise<void>((resolve) => this.#stream.write(lines, () => resolve()));
    }
    return this.#outcome();
  }

  /** Hands over what was gathered. @returns whether the reader has taken it. @throws when it cannot be written */
  async flush(): Promise<boolean> {
    const text = this.#pending;
    this.#pending = '';
    if (text !== '' && !this.#closed) {
      await new Promise<void>((resolve) => this.#stream.write(text, this.#encoding, () => resolve()));
    }
    return this.#outcome();
  }

  #outcome(): boolean {
    if (this.#failure !== undefined) {
      throw new Error(`the output cannot be written: ${this.#failure.message}`, { cause: this.#failure });
    }
    return !this.#closed;
  }
}
