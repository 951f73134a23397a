import { EvtError } from '../../errors/evt-error.ts';
import type { RpcAnswer } from '../../even6/rpc/rpc-client.ts';
import type { ContextHandle } from '../../even6/stubs/codec.ts';
import type { RecordBatch, RpcOperation } from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import { Interrupted, type RemoteCaller, statusError } from './remote-call.ts';
import { eventsOf, type RemoteEvent } from './remote-event.ts';

const SUCCESS = 0;
const NO_MORE_ITEMS = 259;
const CANCELLED = 1223;
const TIMEOUT = 1460;

type ReadOperation<In extends Readonly<Record<string, unknown>>> = RpcOperation<In, { readonly records: RecordBatch }>;

/** What one read has come to. */
export type ReadOutcome = 'events' | 'end' | 'timeout';

/**
 * The events of a server's result set or subscription, in the order of their coming. What a stopped read brings all the same is kept
 * and comes first in the next one: nothing is lost, whichever side was quicker.
 */
export class EventFeed {
  readonly #caller: RemoteCaller;
  readonly #names: readonly string[];
  readonly #ahead: RemoteEvent[] = [];
  /** A read failed in the middle: where the server's position is now, nobody knows. */
  #isAstray = false;

  constructor(caller: RemoteCaller, names: readonly string[]) {
    this.#caller = caller;
    this.#names = names;
  }

  /** Events that are here and have not been handed out. */
  get ahead(): readonly RemoteEvent[] {
    return this.#ahead;
  }

  /** Where the server's position is, is not known: it has to be told one. */
  get isAstray(): boolean {
    return this.#isAstray;
  }

  /** The server's position is known, or set, again; what came before that is void. */
  restart(): void {
    this.#ahead.length = 0;
    this.#isAstray = false;
  }

  /** Hands out events that are here. */
  take(max: number): RemoteEvent[] {
    return this.#ahead.splice(0, max);
  }

  /**
   * Fetches events.
   * @throws EvtError ERROR_CANCELLED (1223), RPC_S_CALL_FAILED (1726), or what the server says; an AbortSignal's reason
   */
  *fetch<In extends Readonly<Record<string, unknown>>>(
    read: ReadOperation<In>,
    input: In,
    control: ContextHandle,
    operation: Operation,
  ): Task<ReadOutcome> {
    let answer: RpcAnswer<{ readonly records: RecordBatch }>;
    try {
      answer = yield* this.#caller.call(read, input, operation, { control });
    } catch (error) {
      if (!(error instanceof Interrupted)) {
        this.#isAstray = true;
        throw error;
      }
      // No answer at all: the server may have moved on, or not.
      if (error.late === undefined) this.#isAstray = true;
      else this.#keep(error.late, operation.api);
      if (error.reason !== undefined) throw error.reason;
      return this.#ahead.length > 0 ? 'events' : 'timeout';
    }
    const { status } = answer;
    this.#keep(answer, operation.api);
    if (this.#ahead.length > 0) return 'events';
    if (status === SUCCESS || status === NO_MORE_ITEMS) return 'end';
    if (status === TIMEOUT) return 'timeout';
    if (status === CANCELLED) this.#isAstray = true;
    throw statusError(status, operation.api, 'reading events');
  }

  /** Records count, whatever the status says. */
  #keep({ values }: RpcAnswer<{ readonly records: RecordBatch }>, api: string): void {
    this.#ahead.push(...eventsOf(values.records, this.#names, api));
  }
}

/** The call's time is over, and nothing was found. */
export function outOfTime(api: string): EvtError {
  return new EvtError('ERROR_TIMEOUT', api, 'no event was found in the given time; the next call goes on from here');
}
