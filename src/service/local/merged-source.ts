import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { LineFormat } from '../service.ts';
import { LineRun } from './line-run.ts';
import type { LocalEvent } from './local-event.ts';
import type { SourcePlace } from './merged-place.ts';
import type { SingleOrder } from './single-order.ts';

/** Events of one log that are found in one go; fewer at the end of a chunk. */
const EVENTS_AHEAD = 16;

/** One log of a merge: its own order, and its next events as far as they are known: all as events, or all as lines. */
export class MergedSource {
  readonly order: SingleOrder;
  readonly name: string;
  /** Its place among the logs. */
  readonly index: number;
  readonly #ahead: LocalEvent[] = [];
  #at = 0;
  readonly #run: LineRun;
  #ended = false;
  #time = 0n;
  /** Where it stood when its lines at hand were written. */
  #place: SourcePlace;

  constructor(order: SingleOrder, name: string, index: number) {
    this.order = order;
    this.name = name;
    this.index = index;
    this.#run = new LineRun(order.step);
    this.#place = { mark: order.mark, lastId: undefined };
  }

  /** The next event is known. */
  get isReady(): boolean {
    return this.#at < this.#ahead.length || this.#run.isReady;
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

  /** Writes the lines of the next events, unless they are there. */
  *fillLines(format: LineFormat, operation: Operation): Task<void> {
    const run = this.#run;
    if (!run.isReady) {
      this.#place = this.place;
      run.clear();
      run.format = format;
      this.#ended = yield* this.order.writeRun(run, operation);
    }
    if (run.isReady) this.#time = run.time;
  }

  /** The line of the next event, which must be known; the one behind it is next then. It is there until the next {@link fillLines}. */
  takeLine(): Uint8Array {
    const line = this.#run.takeLine();
    if (this.#run.isReady) this.#time = this.#run.time;
    return line;
  }

  /** Where it stands, as lines are taken from it. */
  get place(): SourcePlace {
    return this.#run.place ?? this.#place;
  }

  #clear(): void {
    this.#ahead.length = 0;
    this.#at = 0;
    this.#run.clear();
  }

  /** How many events are known; they count as given then. */
  takeAll(): number {
    const count = this.#ahead.length - this.#at;
    this.#clear();
    return count;
  }

  restore(place: SourcePlace): void {
    this.order.restore(place.mark);
    this.#place = place;
    this.#clear();
    this.#ended = false;
  }
}
