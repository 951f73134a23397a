import { EvtError } from '../errors/evt-error.ts';
import {
  cancelHandle,
  DEFAULT_SESSION,
  HandleKind,
  isThreadLocal,
  localHandle,
  openHandle,
} from '../operations/handle-table.ts';
import { Operation, type OperationOptions } from '../operations/operation.ts';
import type { OperationQueue } from '../operations/operation-queue.ts';
import { runAsync, runSync, type Task } from '../operations/task.ts';
import { deliverByCallback, type EventSignal, SignalDelivery } from './delivery.ts';
import { closeAny, type HandleObject, handleObject, isKnown, keepHandle } from './handle-registry.ts';
import { EventObject, EventSourceObject, ResultSetObject, SubscriptionObject, sessionObject } from './objects.ts';
import type {
  EventLogService,
  LineRequest,
  LineResult,
  LogEvent,
  QueryRequest,
  SeekRequest,
  SubscribeRequest,
  Subscription,
} from './service.ts';

/**
 * The calls of the API, once: what each face adds is names and the shape of its errors. A handle is a number; 0 or null
 * stands for the local session where a session is meant.
 */

/** Events one EvtNext may ask for (MS-EVEN6). */
export const MAX_EVENTS_PER_READ = 1024;

/** A call that has been made, and not yet run. It can be cancelled from here on. */
export interface Call<T> {
  readonly api: string;
  readonly task: () => Task<T>;
  /** The calls of one result set wait for each other. */
  readonly queue: OperationQueue | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Runs a call to its end; nothing else happens in this thread meanwhile. */
export function runBlocking<T>({ api, task, queue }: Call<T>): T {
  return queue === undefined ? runSync(task()) : queue.run(api, task);
}

/** Runs a call in turns of the event loop. */
export async function runAsynchronous<T>({ task, queue, signal }: Call<T>): Promise<T> {
  return queue === undefined ? runAsync(task()) : queue.enqueue(task, signal);
}

/** A call on a session, cancelled through it, that opens nothing. */
export function callSession<T>(
  session: number | null,
  api: string,
  options: OperationOptions,
  task: (service: EventLogService, operation: Operation) => Task<T>,
): Call<T> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  return { api, task: () => task(object.service, operation), queue: undefined, signal: options.signal };
}

/**
 * A call that opens something in a session, cancelled through it; nothing stays open then.
 * @param find  what is opened
 * @param keep  what stands behind its handle
 * @param letGo undoes `find`
 * @returns the handle
 */
export function callOpening<T>(
  session: number | null,
  kind: HandleKind,
  api: string,
  options: OperationOptions,
  find: (service: EventLogService, operation: Operation) => Task<T>,
  keep: (found: T, opened: number, service: EventLogService) => HandleObject,
  letGo: (found: T) => void,
): Call<number> {
  const { handle, object } = sessionObject(session, api);
  const { service } = object;
  const operation = new Operation(api, handle, options);
  function* task(): Task<number> {
    const found = yield* find(service, operation);
    try {
      return operation.commit(() => {
        const opened = openHandle(kind, handle === DEFAULT_SESSION ? undefined : handle, api);
        keepHandle(opened, keep(found, opened, service));
        return opened;
      });
    } catch (error) {
      letGo(found);
      throw error;
    }
  }
  return { api, task, queue: undefined, signal: options.signal };
}

/** EvtQuery. Cancelled through the session; nothing stays open then. @returns the result set's handle */
export function callQuery(
  session: number | null,
  request: QueryRequest,
  api: string,
  options: OperationOptions = {},
): Call<number> {
  return callOpening(
    session,
    HandleKind.resultSet,
    api,
    options,
    (service, operation) => service.query(request, operation),
    (resultSet) => new ResultSetObject(resultSet),
    (resultSet) => resultSet.dispose(),
  );
}

/**
 * EvtNext. No events: the end, or all that a subscription has at this time.
 * @param waits whether it waits for events of a subscription; where that is not said, with a time-out
 */
export function callNext(
  resultSet: number | null,
  max: number,
  api: string,
  options: OperationOptions = {},
  waits: boolean = options.timeoutMs !== undefined,
): Call<LogEvent[]> {
  const object = handleObject(resultSet, EventSourceObject, api);
  if (!Number.isInteger(max) || max < 1 || max > MAX_EVENTS_PER_READ) {
    throw new EvtError('ERROR_INVALID_PARAMETER', api, `the number of events must lie in 1 … ${MAX_EVENTS_PER_READ}`);
  }
  const operation = new Operation(api, resultSet!, options);
  const task = () => object.next(max, operation, waits);
  return { api, task, queue: object.queue, signal: options.signal };
}

/** The next events as lines of UTF-8. No events: the end. */
export function callLines(
  resultSet: number | null,
  request: LineRequest,
  api: string,
  options: OperationOptions = {},
): Call<LineResult> {
  const object = handleObject(resultSet, ResultSetObject, api);
  const operation = new Operation(api, resultSet!, options);
  const task = () => object.resultSet.lines(request, operation);
  return { api, task, queue: object.queue, signal: options.signal };
}

/** EvtSeek. */
export function callSeek(
  resultSet: number | null,
  request: SeekRequest,
  api: string,
  options: OperationOptions = {},
): Call<void> {
  const object = handleObject(resultSet, ResultSetObject, api);
  const operation = new Operation(api, resultSet!, options);
  const task = () => object.resultSet.seek(request, operation);
  return { api, task, queue: object.queue, signal: options.signal };
}

/** EvtNext with a handle for each event, below its result set. The handles are made where the read commits. */
export function callNextHandles(
  resultSet: number | null,
  max: number,
  api: string,
  options: OperationOptions = {},
): Call<number[]> {
  const call = callNext(resultSet, max, api, options);
  const owner = handleObject(resultSet, EventSourceObject, api);
  function* task(): Task<number[]> {
    const events = yield* call.task();
    return events.map((event) => openEvent(event, owner));
  }
  return { ...call, task };
}

/** A handle for an event, below what it was read from. */
function openEvent(event: LogEvent, owner: EventSourceObject): number {
  const handle = localHandle();
  owner.events.add(handle);
  keepHandle(handle, new EventObject(event, owner, handle));
  return handle;
}

/** Where the events of a subscription go, unless they are fetched. */
export interface SubscribeDelivery {
  /** Says that there are unread events. */
  readonly signal?: EventSignal | undefined;
  /** Takes each event, or the code of a failure; not before the call has returned. */
  readonly callback?: ((event: number | undefined, code: number) => unknown) | undefined;
}

/** EvtSubscribe. Cancelled through the session; nothing stays open then. @returns the subscription's handle */
export function callSubscribe(
  session: number | null,
  request: SubscribeRequest,
  { signal, callback }: SubscribeDelivery,
  api: string,
  options: OperationOptions = {},
): Call<number> {
  const keep = (subscription: Subscription, opened: number) => {
    const subscribed = new SubscriptionObject(subscription);
    const source = { handle: opened, queue: subscribed.queue, subscription };
    if (signal !== undefined) subscribed.signal = new SignalDelivery(source, signal);
    if (callback !== undefined) {
      subscribed.isPush = true;
      deliverByCallback(
        source,
        (event) => withEvent(event, subscribed, callback),
        (code) => callback(undefined, code),
      );
    }
    return subscribed;
  };
  return callOpening(
    session,
    HandleKind.subscription,
    api,
    options,
    (service, operation) => service.subscribe(request, operation),
    keep,
    (subscription) => subscription.dispose(),
  );
}

/** Calls back with a handle for an event that is closed afterwards. */
async function withEvent(
  event: LogEvent,
  owner: EventSourceObject,
  callback: (event: number, code: number) => unknown,
): Promise<void> {
  const handle = openEvent(event, owner);
  try {
    await callback(handle, 0);
  } finally {
    closeAny(handle);
  }
}

/** Waits until a subscription has unread events; a time-out ends it with ERROR_TIMEOUT (1460). */
export function callWait(subscription: number | null, api: string, options: OperationOptions = {}): Call<void> {
  const object = handleObject(subscription, SubscriptionObject, api);
  const operation = new Operation(api, subscription!, options);
  const task = () => object.subscription.wait(operation);
  return { api, task, queue: object.queue, signal: options.signal };
}

/**
 * EvtCancel: ends what is pending on the handle with ERROR_CANCELLED (1223), from any thread, and waits for nothing.
 * With nothing pending it does nothing. Null: the local session.
 * @throws EvtError ERROR_INVALID_HANDLE (6)
 */
export function cancel(handle: number | null): void {
  const target = handle === null || handle === 0 ? DEFAULT_SESSION : handle;
  const known = isThreadLocal(target) ? isKnown(target) : cancelHandle(target);
  if (!known) throw new EvtError('ERROR_INVALID_HANDLE', 'EvtCancel', 'the handle is not open');
}

/**
 * EvtClose: the handle and those below it are invalid at once; what is pending on them ends with ERROR_CANCELLED (1223).
 * @throws EvtError ERROR_INVALID_HANDLE (6)
 */
export function close(handle: number | null): void {
  if (handle === null || handle === 0 || !closeAny(handle)) {
    throw new EvtError('ERROR_INVALID_HANDLE', 'EvtClose', 'the handle is not open');
  }
}
