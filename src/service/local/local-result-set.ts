import { EvtError } from '../../errors/evt-error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { LogEvent, Progress, ResultSet, SeekRequest, SourceStatus } from '../service.ts';
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
    this.#parts.startBatch();
    const { order } = this.#parts;
    try {
      while (this.#stash.length < max) {
        const event = yield* order.next(operation);
        if (event === undefined) break;
        this.#stash.push(event);
      }
    } catch (error) {
      if (!(error instanceof OutOfTime)) throw error;
      if (this.#stash.length === 0) {
        throw new EvtError('ERROR_TIMEOUT', operation.api, 'the time ran out before a matching event was found');
      }
    }
    return operation.commit(() => {
      const events = this.#stash.splice(0, max);
      for (const event of events) event.position = order.position(event);
      return events;
    });
  }

  get #mark(): Mark {
    const first = this.#stash[0];
    return first === undefined ? this.#parts.order.mark : this.#parts.order.before(first);
  }

  /**
   * @throws EvtError ERROR_INVALID_PARAMETER (87) for an offset that points away from the result; ERROR_NOT_FOUND (1168)
   *   when strict and the position does not exist; ERROR_CANCELLED (1223). The position is unchanged then.
   */
  *seek(request: SeekRequest, operation: Operation): Task<void> {
    operation.checkpoint();
    const { origin, offset, strict, bookmark } = request;
    const fail = (detail: string) => new EvtError('ERROR_INVALID_PARAMETER', operation.api, detail);
    if (!Number.isSafeInteger(offset)) throw fail('the offset must be an integer');
    if (origin === 'first' && offset < 0) throw fail('an offset from the first event must not be negative');
    if (origin === 'last' && offset > 0) throw fail('an offset from the last event must not be positive');
    if (origin === 'bookmark' && bookmark === undefined) throw fail('a seek relative to a bookmark needs one');
    const { order } = this.#parts;
    const resume = order.mark;
    const target = { origin, offset, strict, bookmark };
    let result: { mark: Mark; exact: boolean };
    try {
      result = yield* order.seek(target, this.#mark, operation);
    } finally {
      order.restore(resume);
    }
    if (strict && !result.exact) {
      throw new EvtError('ERROR_NOT_FOUND', operation.api, 'there is no event at this position');
    }
    operation.commit(() => {
      this.#stash = [];
      order.restore(result.mark);
    });
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#stash = [];
    this.#parts.order.dispose();
  }
}
