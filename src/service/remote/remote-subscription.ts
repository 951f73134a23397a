import { EvtError } from '../../errors/evt-error.ts';
import {
  type QueryChannel,
  REGISTER_REMOTE_SUBSCRIPTION,
  REMOTE_SUBSCRIPTION_NEXT,
  REMOTE_SUBSCRIPTION_WAIT_ASYNC,
} from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import { bookmarkXml } from '../bookmark.ts';
import type { EventPosition, LogEvent, SourceStatus, SubscribeRequest, Subscription } from '../service.ts';
import { EventFeed, isOutOfTime, outOfTime, serverTimeMs } from './event-feed.ts';
import { Interrupted, type RemoteCaller, statusError, statusOf } from './remote-call.ts';

const API_CLOSE = 'EvtClose';
const EVENTS_PER_LOOK = 64;
const CANCELLED = 1223;
const START = { future: 1, oldest: 2, bookmark: 3 } as const;
const Flag = { tolerate: 0x1000, strict: 0x1_0000, pull: 0x1000_0000 } as const;
const LOOK_TIMEOUT_MS = 5000;

interface Registration {
  readonly subscription: string | undefined;
  readonly control: string | undefined;
  readonly channels: readonly QueryChannel[];
}

/** Registers a pull subscription. @throws EvtError what the server says; ERROR_CANCELLED (1223), and nothing stays open there then */
export function* registerSubscription(
  caller: RemoteCaller,
  request: SubscribeRequest,
  operation: Operation,
): Task<Registration> {
  const { path, query, start, bookmark, tolerate, strict } = request;
  const { api } = operation;
  const input = {
    channel: path,
    query: query ?? '*',
    bookmark: bookmark === undefined ? undefined : bookmarkXml(bookmark),
    flags: START[start] | Flag.pull | (tolerate ? Flag.tolerate : 0) | (strict ? Flag.strict : 0),
  };
  try {
    const { values, status } = yield* caller.call(REGISTER_REMOTE_SUBSCRIPTION, input, operation, {
      onGhost: (late) => caller.close([late.values.subscription, late.values.control], api),
    });
    const failure = statusOf(status, values.info);
    if (failure === 0) return values;
    caller.close([values.subscription, values.control], api);
    throw statusError(failure, api, `the subscription to ${path ?? 'the logs it names'}`);
  } catch (error) {
    if (error instanceof Interrupted) throw error.reason ?? outOfTime(api);
    throw error;
  }
}

/** The events that a query selects at a server, and those that will come. */
export class RemoteSubscription implements Subscription {
  readonly sources: readonly SourceStatus[];
  readonly warnings: readonly string[] = [];
  readonly missed = 0n;
  readonly #caller: RemoteCaller;
  readonly #request: SubscribeRequest;
  readonly #feed: EventFeed;
  #registration: Registration;
  #position: EventPosition | undefined;
  #changes = 0;
  /** The wait for events that is pending at the server for those who want to be called back. */
  #waiting = false;
  readonly #callbacks = new Set<() => void>();
  #isDisposed = false;

  constructor(caller: RemoteCaller, request: SubscribeRequest, registration: Registration) {
    this.#caller = caller;
    this.#request = request;
    this.#registration = registration;
    this.#position = request.bookmark;
    this.sources = registration.channels;
    const names = registration.channels.filter(({ status }) => status === 0).map(({ name }) => name);
    this.#feed = new EventFeed(caller, names.length > 0 ? names : [request.path ?? '']);
  }

  get changes(): number {
    return this.#changes;
  }

  *next(max: number, operation: Operation): Task<LogEvent[]> {
    operation.checkpoint();
    if (this.#feed.ahead.length === 0) yield* this.#fetch(max, operation);
    return operation.commit(() => {
      const events = this.#feed.take(max);
      this.#position = events.at(-1)?.position ?? this.#position;
      return events;
    });
  }

  *ready(operation: Operation): Task<boolean> {
    operation.checkpoint();
    if (this.#feed.ahead.length === 0) yield* this.#fetch(EVENTS_PER_LOOK, operation);
    return this.#feed.ahead.length > 0;
  }

  /** Fetches what is there at this time. */
  *#fetch(max: number, operation: Operation): Task<void> {
    for (;;) {
      if (this.#feed.isAstray) yield* this.#resume(operation);
      const { subscription, control } = this.#registration;
      const input = {
        subscription,
        count: max,
        timeoutMs: Math.min(LOOK_TIMEOUT_MS, serverTimeMs(operation)),
        flags: 0,
      };
      const outcome = yield* this.#feed.fetch(REMOTE_SUBSCRIPTION_NEXT, input, control, operation);
      if (outcome !== 'timeout') return;
      // A filter that selects little takes its time: the server goes on from where it was.
      if (isOutOfTime(operation)) throw outOfTime(operation.api);
    }
  }

  /**
   * Registers anew behind the last event that was handed out, after a read whose answer never came. A subscription to future
   * events that has given none begins with those of now.
   */
  *#resume(operation: Operation): Task<void> {
    const { subscription, control } = this.#registration;
    this.#caller.close([subscription, control], operation.api);
    const bookmark = this.#position;
    const request = bookmark === undefined ? this.#request : { ...this.#request, start: 'bookmark' as const, bookmark };
    this.#registration = yield* registerSubscription(this.#caller, request, operation);
    this.#feed.restart();
  }

  *wait(operation: Operation): Task<void> {
    operation.checkpoint();
    if (this.#feed.ahead.length > 0) return;
    if (this.#feed.isAstray) yield* this.#resume(operation);
    const { subscription, control } = this.#registration;
    try {
      const { status } = yield* this.#caller.call(REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription }, operation, {
        control,
      });
      if (status !== 0) throw statusError(status, operation.api, 'waiting for events');
    } catch (error) {
      if (error instanceof Interrupted) throw error.reason ?? outOfTime(operation.api);
      if (error instanceof EvtError && error.code === CANCELLED) operation.checkpoint();
      throw error;
    }
  }

  onChange(seen: number, callback: () => void): () => void {
    if (seen !== this.#changes) {
      queueMicrotask(callback);
      return () => {};
    }
    this.#callbacks.add(callback);
    void this.#watch();
    return () => this.#callbacks.delete(callback);
  }

  /** One wait at the server for all who want to be called back. */
  async #watch(): Promise<void> {
    if (this.#waiting || this.#isDisposed) return;
    this.#waiting = true;
    const { subscription } = this.#registration;
    const api = 'EvtSubscribe';
    await this.#caller.association
      .call(REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription }, api, true)
      .then(({ answer }) => answer)
      // Whoever looks next finds out what is the matter.
      .catch(() => {});
    this.#waiting = false;
    this.#changes++;
    for (const callback of this.#callbacks) callback();
    this.#callbacks.clear();
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { subscription, control } = this.#registration;
    if (this.#waiting) this.#caller.cancel(control, API_CLOSE);
    this.#caller.close([subscription, control], API_CLOSE);
  }
}
