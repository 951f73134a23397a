import { EvtError } from '../../errors/evt-error.ts';
import type { RpcAnswer } from '../../even6/rpc/rpc-client.ts';
import { INFINITE } from '../../even6/stubs/limits.ts';
import type { RecordBatch, RpcOperation } from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventPosition, LogEvent } from '../service.ts';
import { Interrupted, type OnServer, type RemoteCaller, statusError } from './remote-call.ts';
import { eventsOf, type RemoteEvent } from './remote-event.ts';

const SUCCESS = 0;
const NO_MORE_ITEMS = 259;
const TIMEOUT = 1460;

type ReadOperation<In extends Readonly<Record<string, unknown>>> = RpcOperation<In, { readonly records: RecordBatch }>;

/** What one read has come to: `none` that the server has more to look through. */
export type ReadOutcome = 'events' | 'end' | 'none';

/**
 * The events of a server's result set or subscription, in the order of their coming. What a stopped read brings all the same is kept
 * and comes first in the next one: nothing is lost, whichever side was quicker.
 */
export class EventFeed {
  readonly #caller: RemoteCaller;
  readonly #names: readonly string[];
  readonly #ahead: RemoteEvent[] = [];
  #isAstray = false;
  /** Events up to here have been handed out, and may come again. */
  #known: EventPosition | undefined;

  constructor(caller: RemoteCaller, names: readonly string[]) {
    this.#caller = caller;
    this.#names = names;
  }

  /** Events that are here and have not been handed out. */
  get ahead(): readonly RemoteEvent[] {
    return this.#ahead;
  }

  /** Where the server's position is, nobody knows: it has to be told one. */
  get isAstray(): boolean {
    return this.#isAstray;
  }

  /** A call ended without saying whether it moved the server's position. */
  goAstray(): void {
    this.#isAstray = true;
  }

  /** What came is void: the server is told a position. */
  restart(): void {
    this.#ahead.length = 0;
    this.#isAstray = false;
    this.#known = undefined;
  }

  /** Events up to this one have been handed out, and come again. */
  passOver(known: EventPosition): void {
    this.#known = known;
  }

  /** The server's position is where it should be, behind what is here. @param isElsewhere what is here was on the way */
  arrive(isElsewhere: boolean): void {
    this.#isAstray = false;
    if (isElsewhere) this.restart();
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
    on: OnServer,
    operation: Operation,
  ): Task<ReadOutcome> {
    let answer: RpcAnswer<{ readonly records: RecordBatch }>;
    try {
      answer = yield* this.#caller.call(read, input, operation, on);
    } catch (error) {
      if (!(error instanceof Interrupted)) {
        this.#isAstray = true;
        throw error;
      }
      if (error.isUncertain) this.#isAstray = true;
      if (error.late !== undefined) this.#keep(error.late, operation.api);
      if (error.reason !== undefined) throw error.reason;
      return this.#ahead.length > 0 ? 'events' : 'none';
    }
    const { status } = answer;
    const came = this.#keep(answer, operation.api);
    if (this.#ahead.length > 0) return 'events';
    if (came > 0 || status === TIMEOUT) return 'none';
    if (status === SUCCESS || status === NO_MORE_ITEMS) return 'end';
    throw statusError(status, operation.api, 'reading events');
  }

  /** Records count, whatever the status says. @returns how many there were */
  #keep({ values }: RpcAnswer<{ readonly records: RecordBatch }>, api: string): number {
    const events = eventsOf(values.records, this.#names, api);
    for (const event of events) if (!isKnown(event, this.#known)) this.#ahead.push(event);
    return events.length;
  }
}

/** An event lies no further than a position: record ids ascend in a log, and descend where it is read backwards. */
function isKnown({ position }: LogEvent, known: EventPosition | undefined): boolean {
  const id = position.recordIds[position.current];
  const last = known?.recordIds[position.current];
  if (id === undefined || last === undefined) return false;
  return position.direction === 'reverse' ? id >= last : id <= last;
}

/** Below this, what is left of a call's time is not worth another question. */
const WORTH_ASKING_MS = 10;
/** The part of a call's time that the server gets: its answer needs some, too. */
const SERVER_PART = 3 / 4;

/**
 * The time that a server is given for a read. It ends the read by itself then; a cancel is for who cannot wait, and not every server goes
 * on where it was afterwards.
 */
export function serverTimeMs({ leftMs }: Operation): number {
  return leftMs === Number.POSITIVE_INFINITY
    ? INFINITE
    : Math.max(1, Math.min(INFINITE - 1, Math.floor(leftMs * SERVER_PART)));
}

/** Nothing was found, and no time is left to look on. */
export function isOutOfTime({ leftMs }: Operation): boolean {
  return leftMs < WORTH_ASKING_MS;
}

/** The call's time is over, and nothing was found. */
export function outOfTime(api: string): EvtError {
  return new EvtError('ERROR_TIMEOUT', api, 'no event was found in the given time; the next call goes on from here');
}
