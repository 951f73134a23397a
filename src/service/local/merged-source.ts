import type { BinXmlError } from '../../binxml/error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { LineFormat } from '../service.ts';
import type { LocalEvent } from './local-event.ts';
import { threadRenderer } from './renderer.ts';
import type { Mark, ResultOrder } from './result-order.ts';

/** Events of one log that are found, and written, in one go; fewer at the end of a chunk. */
const EVENTS_AHEAD = 16;
/** Room for their lines at first. */
const LINES_ROOM = 32 * 1024;

/** One log of a merge: its own order, and its next events as far as they are known. */
export class MergedSource {
  readonly order: ResultOrder;
  readonly name: string;
  /** Its place among the logs. */
  readonly index: number;
  readonly #ahead: LocalEvent[] = [];
  #at = 0;
  #ended = false;
  #time = 0n;
  /** Lines of the events ahead, once somebody has asked for them; where each ends; and what is wrong with those that have none. */
  #lines = new Uint8Array(0);
  readonly #ends: number[] = [];
  readonly #damaged: (BinXmlError | undefined)[] = [];
  #format: LineFormat | undefined;

  constructor(order: ResultOrder, name: string, index: number) {
    this.order = order;
    this.name = name;
    this.index = index;
  }

  /** The next event is known. */
  get isReady(): boolean {
    return this.#at < this.#ahead.length;
  }

  /** There are no events but those that are known. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Time of the next event. */
  get time(): bigint {
    return this.#time;
  }

  /** Finds the next events, unless they are known. What a stopped search had found stays. */
  *fill(operation: Operation): Task<void> {
    if (!this.isReady) {
      this.#clear();
      yield* this.order.next(EVENTS_AHEAD, this.#ahead, operation, true);
      this.#ended = this.#ahead.length === 0;
    }
    if (this.isReady) this.#time = this.#ahead[this.#at]!.time;
  }

  /** The next event, which must be known; the one behind it is next then. */
  take(): LocalEvent {
    const event = this.#ahead[this.#at++]!;
    if (this.isReady) this.#time = this.#ahead[this.#at]!.time;
    return event;
  }

  /** The line of the event that {@link take} has given last; or why there is none. It is there until the next {@link fill}. */
  line(format: LineFormat): Uint8Array | BinXmlError {
    const last = this.#at - 1;
    if (format !== this.#format) this.#write(format, last);
    const from = last === 0 ? 0 : this.#ends[last - 1]!;
    return this.#damaged[last] ?? this.#lines.subarray(from, this.#ends[last]);
  }

  /** Writes all events ahead: from one chunk to another's costs as much as some events. */
  #write(format: LineFormat, first: number): void {
    const renderer = threadRenderer();
    let size = 0;
    this.#ends.length = 0;
    this.#damaged.length = 0;
    for (const [i, { found }] of this.#ahead.entries()) {
      let damaged: BinXmlError | undefined;
      if (i >= first) {
        const { chunk, chunkOffset } = found;
        renderer.clear();
        const reached = renderer.lines(chunk, [chunkOffset], 0, 1, format, (_, error) => {
          damaged = error;
        });
        const line = reached === 0 ? renderer.large(chunk, chunkOffset, format) : renderer.output;
        if (size + line.length > this.#lines.length) {
          const larger = new Uint8Array(Math.max(LINES_ROOM, 2 * (size + line.length)));
          larger.set(this.#lines.subarray(0, size));
          this.#lines = larger;
        }
        this.#lines.set(line, size);
        size += line.length;
      }
      this.#ends.push(size);
      this.#damaged.push(damaged);
    }
    this.#format = format;
  }

  #clear(): void {
    this.#ahead.length = 0;
    this.#at = 0;
    this.#format = undefined;
  }

  /** How many events are known; they count as given then. */
  takeAll(): number {
    const count = this.#ahead.length - this.#at;
    this.#clear();
    return count;
  }

  restore(mark: Mark): void {
    this.order.restore(mark);
    this.#clear();
    this.#ended = false;
  }
}
