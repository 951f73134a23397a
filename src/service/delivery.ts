import { EvtError } from '../errors/evt-error.ts';
import { isOpen } from '../operations/handle-table.ts';
import { Operation } from '../operations/operation.ts';
import type { OperationQueue } from '../operations/operation-queue.ts';
import type { Task } from '../operations/task.ts';
import type { LogEvent, Subscription } from './service.ts';

/** A subscription, and the handle its calls are cancelled through. */
export interface DeliverySource {
  readonly handle: number;
  readonly queue: OperationQueue;
  readonly subscription: Subscription;
}

/**
 * What tells that a subscription has unread events: one word of shared memory, 1 while there are some, whoever waits on it being
 * notified; or an object whose `signalled` is fulfilled while there are some, and is another promise when all have been read.
 */
export type EventSignal = Int32Array | { signalled?: Promise<void> | undefined };

const API = 'EvtSubscribe';
const EVENTS_PER_READ = 64;
/** After a failure, before it is tried again. */
const RETRY_MS = 1000;

/** The subscriptions of this thread that have a signal. */
const deliveries = new Set<SignalDelivery>();

/**
 * Sets the signal of a subscription while it has unread events. Level semantics: it is set again if it was reset too early, and
 * reset when EvtNext has given all there was.
 *
 * The looks are short and synchronous: between them, the thread's own calls on the subscription find nobody in their way.
 */
export class SignalDelivery {
  readonly #source: DeliverySource;
  readonly #signal: EventSignal;
  #seen: number;
  #fulfil: (() => void) | undefined;
  #endWait: (() => void) | undefined;
  #ended = false;
  /**
   * The next look is when somebody has read: another machine is not asked for changes while it has unread events, which is all that it
   * would say.
   */
  #isUnread = false;

  constructor(source: DeliverySource, signal: EventSignal) {
    this.#source = source;
    this.#signal = signal;
    this.#seen = source.subscription.changes;
    this.#reset();
    deliveries.add(this);
    setImmediate(() => void this.#run());
  }

  /** All events that were there have been read. @param seen the subscription's changes before that was found out */
  drained(seen: number): void {
    this.#seen = seen;
    this.#reset();
    this.#goOn();
  }

  /** Some events have been read: where the caller has reset the signal meanwhile, it is set again for the rest. */
  read(): void {
    const signal = this.#signal;
    const isSet = signal instanceof Int32Array ? Atomics.load(signal, 0) !== 0 : this.#fulfil === undefined;
    if (isSet) return;
    const { queue, subscription } = this.#source;
    if (subscription.needsTurns) this.#goOn();
    else queue.whenIdle(() => void this.look());
  }

  /** Looks again, where that was put off until somebody reads. */
  #goOn(): void {
    if (!this.#isUnread) return;
    this.#isUnread = false;
    this.#source.queue.whenIdle(() => void this.#run());
  }

  get signal(): EventSignal {
    return this.#signal;
  }

  #reset(): void {
    const signal = this.#signal;
    if (signal instanceof Int32Array) {
      Atomics.store(signal, 0, 0);
    } else if (this.#fulfil === undefined) {
      signal.signalled = new Promise((resolve) => {
        this.#fulfil = resolve;
      });
    }
  }

  #set(): void {
    const signal = this.#signal;
    if (signal instanceof Int32Array) {
      Atomics.store(signal, 0, 1);
      Atomics.notify(signal, 0);
    } else {
      this.#fulfil?.();
      this.#fulfil = undefined;
    }
  }

  /** Looks for unread events, and sets the signal if there are some. @returns false when there was no time for an answer */
  look(): boolean {
    const { handle, queue, subscription } = this.#source;
    // Who reads at this moment finds out himself.
    if (!isOpen(handle) || queue.busy || subscription.needsTurns) return true;
    this.#seen = subscription.changes;
    try {
      const operation = new Operation(API, handle, { timeoutMs: subscription.lookMs });
      if (queue.run(API, () => subscription.ready(operation))) this.#set();
      return true;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** The same for a subscription that another machine is asked for: calls on it wait until it has answered. */
  async #ask(): Promise<boolean> {
    const { handle, queue, subscription } = this.#source;
    if (!isOpen(handle)) return true;
    try {
      const operation = new Operation(API, handle);
      const look = function* (this: SignalDelivery): Task<boolean> {
        this.#seen = subscription.changes;
        return yield* subscription.ready(operation);
      };
      this.#isUnread = await queue.enqueue(look.bind(this));
      if (this.#isUnread) this.#set();
      return true;
    } catch (error) {
      const isKnown = this.#failed(error);
      this.#isUnread = isKnown;
      return isKnown;
    }
  }

  /** @returns false when there was no time for an answer */
  #failed(error: unknown): boolean {
    if (!(error instanceof EvtError)) throw error;
    if (error.symbol === 'ERROR_TIMEOUT' || error.symbol === 'ERROR_CANCELLED') return false;
    // EvtNext tells the reader.
    this.#set();
    return true;
  }

  async #run(): Promise<void> {
    if (this.#ended) return;
    const isKnown = this.#source.subscription.needsTurns ? await this.#ask() : this.look();
    if (this.#ended) return;
    if (!isKnown) {
      setImmediate(() => void this.#run());
      return;
    }
    if (this.#isUnread) return;
    this.#endWait = this.#source.subscription.onChange(this.#seen, () => {
      this.#source.queue.whenIdle(() => void this.#run());
    });
  }

  end(): void {
    this.#ended = true;
    deliveries.delete(this);
    this.#endWait?.();
  }
}

/**
 * Waits until a signal is set, in a thread that does nothing else meanwhile, not even for its own subscriptions.
 * @returns false when the time ran out
 */
export function waitForSignal(signal: Int32Array, timeoutMs: number): boolean {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    for (const delivery of deliveries) if (delivery.signal === signal) delivery.look();
    if (Atomics.load(signal, 0) !== 0) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    Atomics.wait(signal, 0, 0, Math.min(left, 10));
  }
}

/**
 * Hands each event to a callback, in order, the next one when the last has returned. It begins in a later turn of the event loop,
 * and ends with the subscription's handle.
 * @param deliver takes an event; what it throws is a warning of the process, and stops nothing
 * @param fail    takes the Win32 code of a failure: 15011 when records are missing; what it throws likewise
 */
export function deliverByCallback(
  source: DeliverySource,
  deliver: (event: LogEvent) => unknown,
  fail: (code: number) => unknown,
): void {
  setImmediate(() => void new CallbackDelivery(source, deliver, fail).run());
}

class CallbackDelivery {
  readonly #source: DeliverySource;
  readonly #deliver: (event: LogEvent) => unknown;
  readonly #fail: (code: number) => unknown;
  #lastFailure: number | undefined;

  constructor(source: DeliverySource, deliver: (event: LogEvent) => unknown, fail: (code: number) => unknown) {
    this.#source = source;
    this.#deliver = deliver;
    this.#fail = fail;
  }

  async run(): Promise<void> {
    while (isOpen(this.#source.handle)) {
      try {
        const events = await this.#next();
        this.#lastFailure = undefined;
        for (const event of events) await this.#call(() => this.#deliver(event));
      } catch (error) {
        // EvtCancel ends a read that waits; there is nobody here to tell.
        if (error instanceof EvtError && error.symbol === 'ERROR_CANCELLED') continue;
        if (!(error instanceof EvtError)) {
          warn(error);
          return;
        }
        await this.#failed(error);
      }
    }
  }

  #next(): Promise<LogEvent[]> {
    const { handle, queue, subscription } = this.#source;
    const operation = new Operation(API, handle);
    return queue.enqueue(function* () {
      yield* subscription.wait(operation);
      return yield* subscription.next(EVENTS_PER_READ, operation);
    });
  }

  async #failed({ code, symbol }: EvtError): Promise<void> {
    const isNew = code !== this.#lastFailure;
    this.#lastFailure = code;
    if (symbol === 'ERROR_EVT_QUERY_RESULT_STALE' || isNew) await this.#call(() => this.#fail(code));
    if (symbol !== 'ERROR_EVT_QUERY_RESULT_STALE' && isOpen(this.#source.handle)) await this.#pause();
  }

  async #pause(): Promise<void> {
    const operation = new Operation(API, this.#source.handle, { timeoutMs: RETRY_MS });
    const nobody = () => () => {};
    const pause = function* (): Task<void> {
      yield* operation.waitFor(nobody, RETRY_MS);
    };
    // Cancelled, it is over sooner.
    await this.#source.queue.enqueue(pause).catch(() => {});
  }

  async #call(callback: () => unknown): Promise<void> {
    if (!isOpen(this.#source.handle)) return;
    try {
      await callback();
    } catch (error) {
      warn(error);
    }
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
