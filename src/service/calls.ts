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
import { OperationQueue } from '../operations/operation-queue.ts';
import { runAsync, runSync, type Task } from '../operations/task.ts';
import type { ChannelConfig } from '../store/channel-config.ts';
import type { AppendResult } from '../store/channel-log.ts';
import type { Channel } from '../store/store-configuration.ts';
import { defaultStoreFolder } from '../store/store-folder.ts';
import { deliverByCallback, type EventSignal, SignalDelivery } from './delivery.ts';
import { closeAny, type HandleObject, handleObject, isKnown, keepHandle } from './handle-registry.ts';
import { LocalService } from './local/local-service.ts';
import type {
  ClearRequest,
  EventLogService,
  ExportRequest,
  ExportResult,
  LineRequest,
  LineResult,
  LogEvent,
  LogInfo,
  PathType,
  QueryRequest,
  ResultSet,
  SeekRequest,
  SourceStatus,
  SubscribeRequest,
  Subscription,
  WriteRequest,
} from './service.ts';

/**
 * The calls of the API, once: what each face adds is names and the shape of its errors. A handle is a number; 0 or null
 * stands for the local session where a session is meant.
 */

/** Events one EvtNext may ask for (MS-EVEN6). */
export const MAX_EVENTS_PER_READ = 1024;

/** Where the channels of the local session are, when the program does not say. */
const LOGS_VARIABLE = 'WINEVT_LOGS';
const STORE_VARIABLE = 'WINEVT_STORE';

/** Logs of this machine; channels are where the program or the environment says, else in this user's store. */
function localService(folder?: string): LocalService {
  const named = folder ?? (process.env[STORE_VARIABLE] || process.env[LOGS_VARIABLE]);
  return named ? new LocalService(named) : new LocalService(defaultStoreFolder(), true);
}

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

export class SessionObject implements HandleObject {
  readonly service: EventLogService;

  constructor(service: EventLogService) {
    this.service = service;
  }

  /** Logs that were written to are marked as closed; what cannot be marked is recovered by whoever opens it next. */
  release(): void {
    runAsync(this.service.closeWriters(new Operation('EvtClose', undefined))).catch(() => {});
  }
}

/** What EvtNext reads from: a result set or a subscription. */
export abstract class EventSourceObject implements HandleObject {
  readonly queue = new OperationQueue();
  /** Event handles read from it: closing it closes them. */
  readonly events = new Set<number>();

  /** @param waits for an event, as long as the operation's time lasts; only a subscription has something to wait for */
  abstract next(max: number, operation: Operation, waits: boolean): Task<LogEvent[]>;
  /** The logs of its query. */
  abstract readonly sources: readonly SourceStatus[];
  protected abstract dispose(): void;

  release(): void {
    for (const event of this.events) closeAny(event);
    this.queue.whenIdle(() => this.dispose());
  }
}

export class ResultSetObject extends EventSourceObject {
  readonly resultSet: ResultSet;

  constructor(resultSet: ResultSet) {
    super();
    this.resultSet = resultSet;
  }

  get sources(): readonly SourceStatus[] {
    return this.resultSet.sources;
  }

  next(max: number, operation: Operation): Task<LogEvent[]> {
    return this.resultSet.next(max, operation);
  }

  protected dispose(): void {
    this.resultSet.dispose();
  }
}

export class SubscriptionObject extends EventSourceObject {
  readonly subscription: Subscription;
  /** Says in the caller's signal that there are unread events. */
  signal: SignalDelivery | undefined;
  /** Its events go to a callback: EvtNext is not for it. */
  isPush = false;

  constructor(subscription: Subscription) {
    super();
    this.subscription = subscription;
  }

  get sources(): readonly SourceStatus[] {
    return this.subscription.sources;
  }

  *next(max: number, operation: Operation, waits: boolean): Task<LogEvent[]> {
    if (this.isPush) {
      throw new EvtError(
        'ERROR_INVALID_OPERATION',
        operation.api,
        'the events of this subscription go to its callback',
      );
    }
    for (;;) {
      const { changes } = this.subscription;
      const events = yield* this.subscription.next(max, operation);
      if (events.length > 0) {
        this.signal?.read();
        return events;
      }
      this.signal?.drained(changes);
      if (!waits) return events;
      yield* this.subscription.wait(operation);
    }
  }

  protected dispose(): void {
    this.signal?.end();
    this.subscription.dispose();
  }
}

export class EventObject implements HandleObject {
  readonly event: LogEvent;
  readonly #owner: EventSourceObject;
  readonly #handle: number;

  constructor(event: LogEvent, owner: EventSourceObject, handle: number) {
    this.event = event;
    this.#owner = owner;
    this.#handle = handle;
  }

  release(): void {
    this.#owner.events.delete(this.#handle);
  }
}

export class LogObject implements HandleObject {
  readonly service: EventLogService;
  readonly path: string;
  readonly pathType: PathType;

  constructor(service: EventLogService, path: string, pathType: PathType) {
    this.service = service;
    this.path = path;
    this.pathType = pathType;
  }

  release(): void {}
}

let localSession: SessionObject | undefined;

function sessionObject(session: number | null, api: string): { handle: number; object: SessionObject } {
  if (session === null || session === 0) {
    localSession ??= new SessionObject(localService());
    return { handle: DEFAULT_SESSION, object: localSession };
  }
  return { handle: session, object: handleObject(session, SessionObject, api) };
}

/** Opens a session on the logs of this machine. @param logsFolder folder whose files are the channels */
export function openLocalSession(logsFolder: string | undefined, api: string): number {
  const handle = openHandle(HandleKind.session, undefined, api);
  keepHandle(handle, new SessionObject(localService(logsFolder)));
  return handle;
}

/** EvtQuery. Cancelled through the session; nothing stays open then. @returns the result set's handle */
export function callQuery(
  session: number | null,
  request: QueryRequest,
  api: string,
  options: OperationOptions = {},
): Call<number> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  function* task(): Task<number> {
    const resultSet = yield* object.service.query(request, operation);
    try {
      return operation.commit(() => {
        const parent = handle === DEFAULT_SESSION ? undefined : handle;
        const opened = openHandle(HandleKind.resultSet, parent, api);
        keepHandle(opened, new ResultSetObject(resultSet));
        return opened;
      });
    } catch (error) {
      resultSet.dispose();
      throw error;
    }
  }
  return { api, task, queue: undefined, signal: options.signal };
}

/** EvtNext. No events: the end, or all that a subscription has at this time; with a time-out, it waits for some. */
export function callNext(
  resultSet: number | null,
  max: number,
  api: string,
  options: OperationOptions = {},
): Call<LogEvent[]> {
  const object = handleObject(resultSet, EventSourceObject, api);
  if (!Number.isInteger(max) || max < 1 || max > MAX_EVENTS_PER_READ) {
    throw new EvtError('ERROR_INVALID_PARAMETER', api, `the number of events must lie in 1 … ${MAX_EVENTS_PER_READ}`);
  }
  const operation = new Operation(api, resultSet!, options);
  const task = () => object.next(max, operation, options.timeoutMs !== undefined);
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

/** Writes events to a channel. Cancelled through the session while it waits for its turn; none is written then. */
export function callWrite(
  session: number | null,
  request: WriteRequest,
  api: string,
  options: OperationOptions = {},
): Call<AppendResult[]> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  const task = () => object.service.write(request, operation);
  return { api, task, queue: undefined, signal: options.signal };
}

/** Marks the logs that this session has written to as closed. */
export function callCloseWriters(session: number | null, api: string): Call<void> {
  const { object } = sessionObject(session, api);
  const operation = new Operation(api, undefined);
  return { api, task: () => object.service.closeWriters(operation), queue: undefined, signal: undefined };
}

/** EvtExportLog. Cancelled through the session: the target is as it was then. */
export function callExportLog(
  session: number | null,
  request: ExportRequest,
  api: string,
  options: OperationOptions = {},
): Call<ExportResult> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  const task = () => object.service.exportLog(request, operation);
  return { api, task, queue: undefined, signal: options.signal };
}

/** EvtClearLog. Cancelled through the session: the log is untouched then, and there is no backup. */
export function callClearLog(
  session: number | null,
  request: ClearRequest,
  api: string,
  options: OperationOptions = {},
): Call<void> {
  const { handle, object } = sessionObject(session, api);
  if (request.channel === '') {
    throw new EvtError('ERROR_INVALID_PARAMETER', api, 'name the channel that is to be cleared');
  }
  const operation = new Operation(api, handle, options);
  const task = () => object.service.clearLog(request, operation);
  return { api, task, queue: undefined, signal: options.signal };
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
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  function* task(): Task<number> {
    const subscription = yield* object.service.subscribe(request, operation);
    try {
      return operation.commit(() => {
        const parent = handle === DEFAULT_SESSION ? undefined : handle;
        const opened = openHandle(HandleKind.subscription, parent, api);
        const subscribed = new SubscriptionObject(subscription);
        keepHandle(opened, subscribed);
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
        return opened;
      });
    } catch (error) {
      subscription.dispose();
      throw error;
    }
  }
  return { api, task, queue: undefined, signal: options.signal };
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

/** EvtOpenLog: checks that the log is there. */
export function callOpenLog(
  session: number | null,
  path: string,
  pathType: PathType,
  api: string,
  options: OperationOptions = {},
): Call<number> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  function* task(): Task<number> {
    yield* object.service.logInfo(path, pathType, operation);
    return operation.commit(() => {
      const opened = openHandle(HandleKind.log, handle === DEFAULT_SESSION ? undefined : handle, api);
      keepHandle(opened, new LogObject(object.service, path, pathType));
      return opened;
    });
  }
  return { api, task, queue: undefined, signal: options.signal };
}

/** EvtGetLogInfo of an open log. */
export function callLogInfo(log: number | null, api: string): Call<LogInfo> {
  const object = handleObject(log, LogObject, api);
  const operation = new Operation(api, log!);
  const task = () => object.service.logInfo(object.path, object.pathType, operation);
  return { api, task, queue: undefined, signal: undefined };
}

/** Information on a log by its name. */
export function callLogInfoOf(
  session: number | null,
  path: string,
  pathType: PathType,
  api: string,
  options: OperationOptions = {},
): Call<LogInfo> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  const task = () => object.service.logInfo(path, pathType, operation);
  return { api, task, queue: undefined, signal: options.signal };
}

/** A channel's properties. */
export function callChannelConfig(
  session: number | null,
  channel: string,
  api: string,
  options: OperationOptions = {},
): Call<Channel> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  return {
    api,
    task: () => object.service.channelConfig(channel, operation),
    queue: undefined,
    signal: options.signal,
  };
}

/** Keeps a channel's properties. */
export function callSaveChannelConfig(
  session: number | null,
  channel: string,
  config: ChannelConfig,
  api: string,
  options: OperationOptions = {},
): Call<void> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  const task = () => object.service.saveChannelConfig(channel, config, operation);
  return { api, task, queue: undefined, signal: options.signal };
}

/** Names of all channels. */
export function callChannels(session: number | null, api: string, options: OperationOptions = {}): Call<string[]> {
  const { handle, object } = sessionObject(session, api);
  const operation = new Operation(api, handle, options);
  return { api, task: () => object.service.channels(operation), queue: undefined, signal: options.signal };
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
