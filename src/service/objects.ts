import { EvtError } from '../errors/evt-error.ts';
import { DEFAULT_SESSION, HandleKind, openHandle } from '../operations/handle-table.ts';
import { Operation } from '../operations/operation.ts';
import { OperationQueue } from '../operations/operation-queue.ts';
import { runAsync, type Task } from '../operations/task.ts';
import type { PublisherMetadata } from '../providers/metadata.ts';
import { defaultStoreFolder } from '../store/store-folder.ts';
import type { SignalDelivery } from './delivery.ts';
import { closeAny, type HandleObject, handleObject, keepHandle } from './handle-registry.ts';
import { LocalService } from './local/local-service.ts';
import type { RemoteSessionOptions } from './remote/credentials.ts';
import { openRemoteService } from './remote/open-service.ts';
import type {
  EventLogService,
  LogEvent,
  PathType,
  Publisher,
  ResultSet,
  SourceStatus,
  Subscription,
} from './service.ts';

/** What stands behind this thread's handles: sessions, result sets, subscriptions, events, logs. */

/** Where the channels of the local session are, when the program does not say. */
const LOGS_VARIABLE = 'WINEVT_LOGS';
const STORE_VARIABLE = 'WINEVT_STORE';

/** Logs of this machine; channels are where the program or the environment says, else in this user's store. */
function localService(folder?: string): LocalService {
  const named = folder ?? (process.env[STORE_VARIABLE] || process.env[LOGS_VARIABLE]);
  return named ? new LocalService(named) : new LocalService(defaultStoreFolder(), true);
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

/** A publisher that was opened. */
export class PublisherObject implements HandleObject {
  /** As it was asked for. */
  readonly name: string | undefined;
  readonly publisher: Publisher;
  /** What it says of itself, where that was asked for when it was opened. */
  readonly metadata: PublisherMetadata | undefined;
  /** Handles of what was read from it: closing it closes them. */
  readonly parts = new Set<number>();

  constructor(name: string | undefined, publisher: Publisher, metadata: PublisherMetadata | undefined) {
    this.name = name;
    this.publisher = publisher;
    this.metadata = metadata;
  }

  release(): void {
    for (const part of this.parts) closeAny(part);
    this.publisher.dispose();
  }
}

/**
 * Opens a session on the logs of another machine. It connects when something is first asked of it.
 * @param blocks its calls may block their thread: the connections then have one of their own
 * @throws EvtError ERROR_INVALID_PARAMETER (87), ERROR_ACCESS_DENIED (5), ERROR_NOT_SUPPORTED (50)
 */
export function openRemoteSession(options: RemoteSessionOptions, api: string, blocks = false): number {
  const service = openRemoteService(options, api, blocks);
  const handle = openHandle(HandleKind.session, undefined, api);
  keepHandle(handle, new SessionObject(service));
  return handle;
}

let localSession: SessionObject | undefined;

export function sessionObject(session: number | null, api: string): { handle: number; object: SessionObject } {
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
