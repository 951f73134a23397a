import type { Progress } from '../index.ts';

/** Nothing is shown for work that takes less. */
const AFTER_MS = 500;
const EVERY_MS = 100;
const MEGABYTE = 1_000_000;

/** What is needed of a terminal. */
export type TerminalStream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { write(text: string): boolean };

/** A line on the terminal that says how far long work has come; nothing where stderr is no terminal. */
export class ProgressLine {
  readonly #stream: TerminalStream;
  readonly #started = performance.now();
  readonly #enabled: boolean;
  #shownAt = 0;
  #shown = false;

  constructor(stream: TerminalStream, enabled: boolean) {
    this.#stream = stream;
    this.#enabled = enabled && stream.isTTY === true;
  }

  /** @param what has been done with the events */
  update({ readBytes, totalBytes, records }: Progress, events: number, what = 'found'): void {
    if (!this.#enabled) return;
    const now = performance.now();
    if (now - this.#started < AFTER_MS || now - this.#shownAt < EVERY_MS) return;
    this.#shownAt = now;
    this.#shown = true;
    const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((100 * readBytes) / totalBytes));
    const rate = readBytes / MEGABYTE / ((now - this.#started) / 1000);
    const line = `${percent} %, ${rate.toFixed(0)} MB/s, ${records.toLocaleString('en')} records read, ${events.toLocaleString('en')} ${what} (Ctrl-C stops)`;
    this.#stream.write(`\r\x1b[K${line.slice(0, (this.#stream.columns ?? 80) - 1)}`);
  }

  /** Takes the line away. */
  clear(): void {
    if (this.#shown) this.#stream.write('\r\x1b[K');
    this.#shown = false;
  }
}
