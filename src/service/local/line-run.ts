import type { LineFormat } from '../service.ts';
import type { LineSink, WrittenRun } from './line-walk.ts';
import { timeOfRecord } from './local-event.ts';
import type { Boundary, Step } from './log-walker.ts';

/** Room for lines at first. */
const LINES_ROOM = 32 * 1024;

/** The next few events of one log as lines, with what a merge must know of each: nothing points into the log's memory. */
export class LineRun implements LineSink {
  format: LineFormat = 'xml';
  readonly maxEvents = Number.POSITIVE_INFINITY;
  /** The first lines that are there are enough. */
  readonly maxBytes = 1;
  readonly #step: Step;
  #bytes = new Uint8Array(0);
  #size = 0;
  #chunk = 0;
  readonly #ends: number[] = [];
  readonly #times: bigint[] = [];
  readonly #ids: bigint[] = [];
  readonly #records: number[] = [];
  #at = 0;

  constructor(step: Step) {
    this.#step = step;
  }

  clear(): void {
    this.#size = 0;
    this.#at = 0;
    this.#ends.length = 0;
    this.#times.length = 0;
    this.#ids.length = 0;
    this.#records.length = 0;
  }

  /** There is an event. */
  get isReady(): boolean {
    return this.#at < this.#ends.length;
  }

  /** Time of the next event. */
  get time(): bigint {
    return this.#times[this.#at]!;
  }

  /** The line of the next event, which must be there; the one behind it is next then. It is there until {@link clear}. */
  takeLine(): Uint8Array {
    const at = this.#at++;
    return this.#bytes.subarray(at === 0 ? 0 : this.#ends[at - 1]!, this.#ends[at]);
  }

  /** The place behind the event taken last, and its record id; undefined when none has been. */
  get place(): { readonly mark: Boundary; readonly lastId: bigint } | undefined {
    if (this.#at === 0) return undefined;
    const record = this.#records[this.#at - 1]!;
    const mark = { chunk: this.#chunk, record: this.#step > 0 ? record + 1 : record };
    return { mark, lastId: this.#ids[this.#at - 1]! };
  }

  takeRun({ loaded, chunk, records, offsets, from, to, endOf, timeOf }: WrittenRun): void {
    this.#chunk = loaded.index;
    let last = 0;
    for (let i = from; i < to; i++) {
      const end = endOf(i);
      // Nothing was written of a damaged one.
      if (end === last) continue;
      last = end;
      const offset = offsets[i]!;
      this.#ends.push(this.#size + end);
      this.#times.push(timeOf(i) ?? timeOfRecord(chunk, offset));
      this.#ids.push(chunk.recordId(offset));
      this.#records.push(records[i]!);
    }
  }

  take(lines: Uint8Array): void {
    if (this.#size + lines.length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(LINES_ROOM, this.#size + lines.length));
      larger.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = larger;
    }
    this.#bytes.set(lines, this.#size);
    this.#size += lines.length;
  }
}
