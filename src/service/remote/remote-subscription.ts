import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import type { ContextHandle } from '../../even6/stubs/codec.ts';
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
import { Interrupted, type OnServer, type RemoteCaller, statusError, statusOf } from './remote-call.ts';
import { onServer } from './server-side.ts';

const API_CLOSE = 'EvtClose';
const EVENTS_PER_LOOK = 64;
const START = { future: 1, oldest: 2, bookmark: 3 } as const;
const Flag = { tolerate: 0x1000, strict: 0x1_0000, pull: 0x1000_0000 } as const;
const LOOK_TIMEOUT_MS = 5000;
/** Milliseconds between two waits at a server that does not let anybody wait. */
const RETRY_MS = 1000;
/** What servers say of a bookmark whose record is gone. */
const GONE: ReadonlySet<Win32Symbol> = new Set(['ERROR_NOT_FOUND', 'ERROR_EVT_QUERY_RESULT_STALE']);

/** What a server has opened for a subscription. */
interface Registration extends OnServer {
  readonly subscription: ContextHandle;
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
    const { values, status } = yield* caller.call(REGISTER_REMOTE_SUBSCRIPTION, input, operation);
    const failure = statusOf(status, values.info);
    if (failure === 0) return { ...values, losses: caller.client.losses };
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
  readonly lookMs = 1000;
  readonly #caller: RemoteCaller;
  readonly #request: SubscribeRequest;
  readonly #feed: EventFeed;
  #registration: Registration;
  /** Of the last event that was handed out, else where it began; undefined where that has no bookmark. */
  #position: EventPosition | undefined;
  #changes = 0;
  /** The wait for events that is pending at the server for those who want to be called back. */
  #isWatching = false;
  readonly #callbacks = new Set<() => void>();
  #pausing: NodeJS.Timeout | undefined;
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

  /** Where the connections have a thread of their own, this one may block. */
  get needsTurns(): boolean {
    return !this.#caller.canBlock;
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

  /** Keeps what it finds: a look at the server fetches. */
  *ready(operation: Operation): Task<boolean> {
    operation.checkpoint();
    if (this.#feed.ahead.length === 0) yield* this.#fetch(EVENTS_PER_LOOK, operation);
    return this.#feed.ahead.length > 0;
  }

  /** Fetches what is there at this time. */
  #fetch(max: number, operation: Operation): Task<void> {
    const feed = this.#feed;
    return this.#onServer(operation, function* (registration): Task<void> {
      const { subscription } = registration;
      for (;;) {
        const timeoutMs = Math.min(LOOK_TIMEOUT_MS, serverTimeMs(operation));
        const input = { subscription, count: max, timeoutMs, flags: 0 };
        const outcome = yield* feed.fetch(REMOTE_SUBSCRIPTION_NEXT, input, registration, operation);
        if (outcome !== 'none') return;
        // A filter that selects little takes its time: the server goes on from where it was.
        if (isOutOfTime(operation)) throw outOfTime(operation.api);
      }
    });
  }

  /** Makes calls when the server's position is what it should be. */
  #onServer<T>(operation: Operation, calls: (registration: Registration) => Task<T>): Task<T> {
    const onRegistered = function* (this: RemoteSubscription): Task<T> {
      if (this.#feed.isAstray || !this.#caller.isAlive(this.#registration)) yield* this.#renew(operation);
      return yield* calls(this.#registration);
    };
    return onServer(operation, () => this.#renew(operation), onRegistered.bind(this));
  }

  /**
   * Registers anew behind the last event that was handed out. A subscription to future events that has given none begins with those
   * of now: what came meanwhile is lost.
   * @throws EvtError ERROR_EVT_QUERY_RESULT_STALE (15011), when strict and that event is gone; the next call goes on with what is left
   */
  *#renew(operation: Operation): Task<void> {
    const { api } = operation;
    this.#feed.goAstray();
    this.#close(api);
    const bookmark = this.#position;
    const request = bookmark === undefined ? this.#request : { ...this.#request, start: 'bookmark' as const, bookmark };
    try {
      this.#registration = yield* registerSubscription(this.#caller, request, operation);
    } catch (error) {
      if (!request.strict || !(error instanceof EvtError) || !GONE.has(error.symbol)) throw error;
      const tolerant = { ...request, strict: false };
      this.#registration = yield* registerSubscription(this.#caller, tolerant, operation);
      this.#feed.restart();
      if (bookmark !== undefined) this.#feed.passOver(bookmark);
      const detail = 'records are gone that the server could have given; the next read goes on behind them';
      throw new EvtError('ERROR_EVT_QUERY_RESULT_STALE', api, detail, { cause: error });
    }
    this.#feed.restart();
  }

  *wait(operation: Operation): Task<void> {
    operation.checkpoint();
    if (this.#feed.ahead.length > 0) return;
    yield* this.#onServer(operation, (registration) => this.#waitThere(registration, operation));
  }

  *#waitThere(registration: Registration, operation: Operation): Task<void> {
    const { api } = operation;
    const { subscription } = registration;
    try {
      const { status } = yield* this.#caller.call(
        REMOTE_SUBSCRIPTION_WAIT_ASYNC,
        { subscription },
        operation,
        registration,
      );
      if (status !== 0) throw statusError(status, api, 'waiting for events');
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      // It moves nothing: where it has been answered or not, the next call finds what is there.
      throw error.reason ?? outOfTime(api);
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
    if (this.#isWatching || this.#isDisposed) return;
    this.#isWatching = true;
    const { subscription, losses } = this.#registration;
    const options = { isLong: true, losses };
    const waiting = this.#caller.client.call(REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription }, 'EvtSubscribe', options);
    const isOver = await waiting.answer.then(
      ({ status }) => status === 0,
      () => false,
    );
    if (this.#isDisposed) return;
    // Whoever looks then finds out what is the matter, but not again and again.
    if (!isOver) await this.#pause();
    this.#isWatching = false;
    this.#changes++;
    const callbacks = [...this.#callbacks];
    this.#callbacks.clear();
    for (const callback of callbacks) callback();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#pausing = setTimeout(resolve, RETRY_MS);
    });
  }

  #close(api: string): void {
    const { subscription, control, losses } = this.#registration;
    this.#caller.close([subscription, control], api, losses);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#callbacks.clear();
    clearTimeout(this.#pausing);
    if (this.#isWatching) this.#caller.cancel(this.#registration.control, API_CLOSE);
    this.#close(API_CLOSE);
  }
}
