/** Characters gathered before they are written. */
const CHUNK = 64 * 1024;
const BYTE_ORDER_MARK = '\ufeff';

/** Where results go: few large writes, no faster than the reader takes them. */
export class Output {
  readonly #stream: NodeJS.WriteStream;
  readonly #encoding: BufferEncoding;
  #pending = '';
  #closed = false;
  #failure: Error | undefined;

  constructor(stream: NodeJS.WriteStream, utf16 = false) {
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

  /** Takes whole lines. Resolves when more may come. */
  async write(text: string): Promise<void> {
    this.#pending += text;
    if (this.#pending.length >= CHUNK) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const text = this.#pending;
    this.#pending = '';
    if (text === '' || this.#closed) return;
    await new Promise<void>((resolve) => this.#stream.write(text, this.#encoding, () => resolve()));
    if (this.#failure !== undefined) throw this.#failure;
  }
}
