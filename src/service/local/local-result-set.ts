import { EvtError } from '../../errors/evt-error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { LineRequest, LineResult, LogEvent, Progress, ResultSet, SeekRequest, SourceStatus } from '../service.ts';
import { LineStash } from './line-stash.ts';
import type { LocalEvent } from './local-event.ts';
import { OutOfTime } from './log-walker.ts';
import type { Mark, ResultOrder } from './result-order.ts';

export interface LocalResultSetParts {
  readonly order: ResultOrder;
  readonly sources: readonly SourceStatus[];
  readonly warnings: readonly string[];
  readonly progress: () => Progress;
  /** Called when a read begins: takes the time that timediff() counts from. */
  readonly startBatch: () => void;
  /** Told of an event that cannot be written. */
  readonly onDamaged: (event: LocalEvent, error: EvtError) => void;
}

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);

function outOfTime(operation: Operation): EvtError {
  return new EvtError('ERROR_TIMEOUT', operation.api, 'the time ran out before a matching event was found');
}

/**
 * The position of a result, and the reads and seeks that move it.
 *
 * Events found by a call that was then cancelled, or that ran out of time, wait in the stash: the next read hands them out
 * first, and nothing that was scanned is scanned again. What the caller sees as the position is the first event not yet
 * handed out, stashed or not.
 */
export class LocalResultSet implements ResultSet {
  readonly #parts: LocalResultSetParts;
  #stash: LocalEvent[] = [];
  /** Lines that a cancelled call has written. */
  #lines: LineStash | undefined;
  /** Lines that the caller has, and looks at until its next call. */
  #handedOut: LineStash | undefined;
  #disposed = false;

  constructor(parts: LocalResultSetParts) {
    this.#parts = parts;
  }

  get sources(): readonly SourceStatus[] {
    return this.#parts.sources;
  }

  get warnings(): readonly string[] {
    return this.#parts.warnings;
  }

  get progress(): Progress {
    return this.#parts.progress();
  }

  /**
   * @throws EvtError ERROR_TIMEOUT (1460) when the time ran out with nothing found; ERROR_CANCELLED (1223)
   */
  *next(max: number, operation: Operation): Task<LogEvent[]> {
    operation.checkpoint();
    this.#takeBack();
    this.#dropLines();
    this.#parts.startBatch();
    const { order } = this.#parts;
    try {
      yield* order.next(max, this.#stash, operation);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      if (this.#stash.length === 0) {
        throw outOfTime(operation);
      }
    }
    return operation.commit(() => {
      const events = this.#stash.splice(0, max);
      for (const event of events) event.handOut(order);
      return events;
    });
  }

  /**
   * @throws EvtError ERROR_TIMEOUT (1460) when the time ran out with nothing found; ERROR_CANCELLED (1223)
   */
  *lines(request: LineRequest, operation: Operation): Task<LineResult> {
    operation.checkpoint();
    this.#takeBack();
    // A count that was stopped between two logs can only go on to the end.
    const mustEnd = this.#parts.order.isTorn && request.maxEvents !== Number.POSITIVE_INFINITY;
    if (mustEnd || this.#lines?.goOnFor(request) === false) this.#dropLines();
    this.#lines ??= new LineStash(request);
    const lines = this.#lines;
    try {
      yield* this.#fill(lines, operation);
      return operation.commit(() => {
        this.#lines = undefined;
        this.#handedOut = lines;
        return lines;
      });
    } finally {
      this.#lines?.keep();
    }
  }

  /** @throws EvtError ERROR_TIMEOUT (1460) when the time ran out with nothing to hand over */
  *#fill(lines: LineStash, operation: Operation): Task<void> {
    if (lines.full) return;
    try {
      yield* this.#write(lines, operation);
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      if (lines.events === 0 || this.#parts.order.isTorn) throw outOfTime(operation);
    }
  }

  *#write(lines: LineStash, operation: Operation): Task<void> {
    const { order } = this.#parts;
    this.#parts.startBatch();
    // Events that a cancelled read has left are there already.
    for (const event of this.#stash.splice(0, lines.maxEvents)) this.#writeEvent(event, lines);
    if (lines.full || this.#stash.length > 0) return;
    const { format, maxEvents, maxBytes } = lines;
    const take: LineStash['take'] = (bytes, events, before) => lines.take(bytes, events, before);
    const lend: LineStash['lend'] = (bytes, events, before, release) => lines.lend(bytes, events, before, release);
    const reached: LineStash['reached'] = (position) => lines.reached(position);
    const sink = { format, maxEvents, maxBytes, take, reached, lend: lines.borrows ? lend : undefined };
    yield* order.lines(sink, operation);
  }

  #writeEvent(event: LocalEvent, lines: LineStash): void {
    const { order } = this.#parts;
    if (lines.format === 'nothing') {
      lines.take(NOTHING, 1, order.before(event));
      lines.position = order.position(event);
      return;
    }
    try {
      lines.take(encoder.encode(`${event.text(lines.format)}\n`), 1, order.before(event));
      lines.position = order.position(event);
    } catch (error) {
      if (!(error instanceof EvtError)) throw error;
      this.#parts.onDamaged(event, error);
    }
  }

  /** What a cancelled call has written is read as events, or in another form: the position is in front of it. */
  #dropLines(): void {
    const before = this.#lines?.before;
    this.#forgetLines();
    if (before === undefined) return;
    this.#parts.order.restore(before);
    this.#stash = [];
  }

  #forgetLines(): void {
    this.#lines?.release();
    this.#lines = undefined;
  }

  /** The caller has made another call: what was lent to it is used again. */
  #takeBack(): void {
    this.#handedOut?.release();
    this.#handedOut = undefined;
  }

  get #mark(): Mark {
    const lines = this.#lines?.before;
    if (lines !== undefined) return lines;
    const first = this.#stash[0];
    return first === undefined ? this.#parts.order.mark : this.#parts.order.before(first);
  }

  /**
   * @throws EvtError ERROR_INVALID_PARAMETER (87) for an offset that points away from the result; ERROR_NOT_FOUND (1168)
   *   when strict and the position does not exist; ERROR_TIMEOUT (1460); ERROR_CANCELLED (1223). The position is unchanged then.
   */
  *seek(request: SeekRequest, operation: Operation): Task<void> {
    operation.checkpoint();
    this.#takeBack();
    const { origin, offset, strict, bookmark } = request;
    const fail = (detail: string) => new EvtError('ERROR_INVALID_PARAMETER', operation.api, detail);
    if (!Number.isSafeInteger(offset)) throw fail('the offset must be an integer');
    if (origin === 'first' && offset < 0) throw fail('an offset from the first event must not be negative');
    if (origin === 'last' && offset > 0) throw fail('an offset from the last event must not be positive');
    if (origin === 'bookmark' && bookmark === undefined) throw fail('a seek relative to a bookmark needs one');
    const { order } = this.#parts;
    // A count that was stopped between two logs does not outlive the place it was stopped in.
    if (order.isTorn) this.#dropLines();
    const resume = order.mark;
    const target = { origin, offset, strict, bookmark };
    let result: { mark: Mark; exact: boolean };
    try {
      result = yield* order.seek(target, this.#mark, operation);
    } catch (error) {
      throw error instanceof OutOfTime ? outOfTime(operation) : error;
    } finally {
      order.restore(resume);
    }
    if (strict && !result.exact) {
      throw new EvtError('ERROR_NOT_FOUND', operation.api, 'there is no event at this position');
    }
    operation.commit(() => {
      this.#stash = [];
      this.#forgetLines();
      order.restore(result.mark);
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#stash = [];
    this.#takeBack();
    this.#forgetLines();
    this.#parts.order.dispose();
  }
}
