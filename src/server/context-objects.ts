import { EvtError } from '../errors/evt-error.ts';
import type { ContextObject } from '../even6/rpc/association-group.ts';
import { isOpen } from '../operations/handle-table.ts';
import type { EventMetadata } from '../providers/metadata.ts';
import { cancel, close } from '../service/calls.ts';
import type { LogInfo, PathType, SourceStatus } from '../service/service.ts';

/** What the context handles of a client stand for. */

/** What a cancelled call ends with. */
export function cancelled(api: string): EvtError {
  return new EvtError('ERROR_CANCELLED', api, 'cancelled by the client');
}

/** Lets go of a handle of the API; it may be closed already. */
function closeQuietly(handle: number): void {
  if (isOpen(handle)) close(handle);
}

/** A result set that a client reads. */
export class LogQuery implements ContextObject {
  /** Of the API. */
  readonly resultSet: number;
  readonly isReverse: boolean;
  /** Records that were read and did not reach the client: they come first in the next answer. */
  readonly surplus: Uint8Array[] = [];

  constructor(resultSet: number, isReverse: boolean) {
    this.resultSet = resultSet;
    this.isReverse = isReverse;
  }

  rundown(): void {
    closeQuietly(this.resultSet);
  }
}

/** A subscription of a client. */
export class RemoteSubscription implements ContextObject {
  /** Of the API. */
  readonly subscription: number;
  /** Its client fetches the events when it likes to; else each read waits for some. */
  readonly isPull: boolean;
  /** Records that were read and did not reach the client: they come first in the next answer. */
  readonly surplus: Uint8Array[] = [];

  constructor(subscription: number, isPull: boolean) {
    this.subscription = subscription;
    this.isPull = isPull;
  }

  rundown(): void {
    closeQuietly(this.subscription);
  }
}

/** Through what a client cancels: a query, a subscription, or the calls that were made with it. */
export class OperationControl implements ContextObject {
  readonly #target: number | undefined;
  readonly #calls = new Set<AbortController>();

  /** @param target result set or subscription; undefined: none */
  constructor(target: number | undefined) {
    this.#target = target;
  }

  /** Cancels what is pending now; what begins later runs. */
  cancel(): void {
    if (this.#target !== undefined && isOpen(this.#target)) cancel(this.#target);
    for (const call of this.#calls) call.abort(cancelled('EvtRpcCancel'));
  }

  /** Runs a call that is cancelled through this control, or by the signal it came with. */
  async run<T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = new AbortController();
    this.#calls.add(controller);
    try {
      return await call(AbortSignal.any([signal, controller.signal]));
    } finally {
      this.#calls.delete(controller);
    }
  }

  /** Closing a control cancels nothing. */
  rundown(): void {}
}

/** A log whose properties a client asks for. */
export class OpenLog implements ContextObject {
  readonly path: string;
  readonly pathType: PathType;
  readonly info: (signal: AbortSignal) => Promise<LogInfo>;

  constructor(path: string, pathType: PathType, info: (signal: AbortSignal) => Promise<LogInfo>) {
    this.path = path;
    this.pathType = pathType;
    this.info = info;
  }

  rundown(): void {}
}

/** A publisher whose metadata and messages a client asks for. */
export class OpenPublisher implements ContextObject {
  /** Of the API. */
  readonly publisher: number;

  constructor(publisher: number) {
    this.publisher = publisher;
  }

  rundown(): void {
    closeQuietly(this.publisher);
  }
}

/** The events that a publisher declares, handed out from first to last. */
export class EventMetadataList implements ContextObject {
  readonly #events: readonly EventMetadata[];
  #next = 0;

  constructor(events: readonly EventMetadata[]) {
    this.#events = events;
  }

  /**
   * The next events; none at the end.
   * @param maxUnits of their templates; one event is given however long its is
   */
  take(max: number, maxUnits: number): readonly EventMetadata[] {
    const first = this.#next;
    let units = 0;
    while (this.#next < this.#events.length && this.#next - first < max) {
      units += this.#events[this.#next]!.template.length;
      if (units > maxUnits && this.#next > first) break;
      this.#next++;
    }
    return this.#events.slice(first, this.#next);
  }

  rundown(): void {}
}

/** Channels as a client is told of them: those that are read first, as the positions of its events count them. */
export function toldChannels(sources: readonly SourceStatus[]): SourceStatus[] {
  return sources.toSorted((a, b) => Number(a.status !== 0) - Number(b.status !== 0));
}
