import { EvtError } from '../../errors/evt-error.ts';
import { INFINITE } from '../../even6/stubs/limits.ts';
import { QUERY_NEXT, QUERY_SEEK, type QueryChannel, REGISTER_LOG_QUERY } from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import { bookmarkXml } from '../bookmark.ts';
import type {
  EventPosition,
  LineRequest,
  LineResult,
  LogEvent,
  Progress,
  QueryRequest,
  ResultSet,
  SeekRequest,
  SourceStatus,
} from '../service.ts';
import { EventFeed, outOfTime } from './event-feed.ts';
import { Interrupted, type RemoteCaller, statusError, statusOf } from './remote-call.ts';

const API_CLOSE = 'EvtClose';
const EVENTS_PER_BATCH = 256;
const CANCELLED = 1223;
/** So often a read begins anew at a server that says it was cancelled when nobody has. */
const MAX_RESTARTS = 3;
const SEEK_ORIGIN = { first: 1, last: 2, current: 3, bookmark: 4 } as const;
const SEEK_STRICT = 0x1_0000;
const QueryFlag = { channel: 1, file: 2, forward: 0x100, reverse: 0x200, tolerate: 0x1000 } as const;

/** The handles that a server has given for a query. */
interface Registration {
  readonly query: string | undefined;
  readonly control: string | undefined;
  readonly channels: readonly QueryChannel[];
}

/** Registers a query. @throws EvtError what the server says; ERROR_CANCELLED (1223), and nothing stays open there then */
export function* registerQuery(caller: RemoteCaller, request: QueryRequest, operation: Operation): Task<Registration> {
  const { path, pathType, query, direction, tolerate } = request;
  const flags =
    (pathType === 'channel' ? QueryFlag.channel : QueryFlag.file) |
    (direction === 'reverse' ? QueryFlag.reverse : QueryFlag.forward) |
    (tolerate ? QueryFlag.tolerate : 0);
  const { api } = operation;
  try {
    const { values, status } = yield* caller.call(REGISTER_LOG_QUERY, { path, query: query ?? '*', flags }, operation, {
      onGhost: (late) => caller.close([late.values.query, late.values.control], api),
    });
    const failure = statusOf(status, values.info);
    if (failure === 0) return values;
    caller.close([values.query, values.control], api);
    throw statusError(failure, api, `the query of ${path ?? 'the logs it names'}`);
  } catch (error) {
    if (error instanceof Interrupted) throw error.reason ?? outOfTime(api);
    throw error;
  }
}

/** The events that a query selects at a server. */
export class RemoteResultSet implements ResultSet {
  readonly sources: readonly SourceStatus[];
  readonly warnings: readonly string[] = [];
  readonly #caller: RemoteCaller;
  readonly #request: QueryRequest;
  readonly #feed: EventFeed;
  #registration: Registration;
  /** Of the last event that was handed out; undefined where there was none. */
  #position: EventPosition | undefined;
  /** Where the caller has gone since then. */
  #seeks: SeekRequest[] = [];
  #records = 0;
  #isDisposed = false;

  constructor(caller: RemoteCaller, request: QueryRequest, registration: Registration) {
    this.#caller = caller;
    this.#request = request;
    this.#registration = registration;
    this.sources = registration.channels;
    const names = registration.channels.filter(({ status }) => status === 0).map(({ name }) => name);
    // A server may leave channels out; then the query's own path is all there is.
    this.#feed = new EventFeed(caller, names.length > 0 ? names : [request.path ?? '']);
  }

  get progress(): Progress {
    return { readBytes: 0, totalBytes: 0, records: this.#records };
  }

  *next(max: number, operation: Operation): Task<LogEvent[]> {
    operation.checkpoint();
    if (this.#feed.ahead.length === 0 && !(yield* this.#fill(max, operation))) return operation.commit(() => []);
    return operation.commit(() => {
      const events = this.#feed.take(max);
      const last = events.at(-1);
      if (last !== undefined) {
        this.#position = last.position;
        this.#seeks = [];
      }
      this.#records += events.length;
      return events;
    });
  }

  /** @returns false at the end */
  *#fill(max: number, operation: Operation): Task<boolean> {
    const { api } = operation;
    for (let attempt = 0; ; attempt++) {
      if (this.#feed.isAstray) yield* this.#resume(operation);
      const { query, control } = this.#registration;
      const input = { query, count: max, timeoutMs: INFINITE, flags: 0 };
      try {
        const outcome = yield* this.#feed.fetch(QUERY_NEXT, input, control, operation);
        if (outcome === 'timeout' && operation.timedOut) throw outOfTime(api);
        if (outcome !== 'timeout') return outcome === 'events';
      } catch (error) {
        // A server that remembers an old cancel for ever: the query is registered anew.
        operation.checkpoint();
        const isSticky = error instanceof EvtError && error.code === CANCELLED && attempt < MAX_RESTARTS;
        if (!isSticky) throw error;
        yield* this.#register(operation);
      }
    }
  }

  *#register(operation: Operation): Task<void> {
    const { query, control } = this.#registration;
    this.#caller.close([query, control], operation.api);
    this.#registration = yield* registerQuery(this.#caller, this.#request, operation);
  }

  /** Sets the server's position behind the last event that was handed out, after a read whose answer never came. */
  *#resume(operation: Operation): Task<void> {
    if (!this.#caller.association.isConnected) yield* this.#register(operation);
    const position = this.#position;
    if (position === undefined) yield* this.#seek({ origin: 'first', offset: 0, strict: false }, operation);
    else yield* this.#seek({ origin: 'bookmark', offset: 1, bookmark: position, strict: false }, operation);
    for (const seek of this.#seeks) yield* this.#seek(seek, operation);
    this.#feed.restart();
  }

  *lines(request: LineRequest, operation: Operation): Task<LineResult> {
    const { format } = request;
    const parts: Buffer[] = [];
    let bytes = 0;
    const max = Math.min(request.maxEvents, EVENTS_PER_BATCH);
    const events = yield* this.next(max, operation);
    for (const event of events) {
      if (format === 'nothing') break;
      try {
        const line = Buffer.from(`${event.text(format)}\n`);
        parts.push(line);
        bytes += line.length;
      } catch (error) {
        if (!(error instanceof EvtError)) throw error;
        this.#request.onDamage?.({ path: event.path, severity: 'error', slot: -1, fileOffset: 0, what: error.detail });
      }
    }
    const buffer =
      request.buffer !== undefined && request.buffer.length >= bytes ? request.buffer : new Uint8Array(bytes);
    let at = 0;
    for (const part of parts) {
      buffer.set(part, at);
      at += part.length;
    }
    return { bytes: buffer.subarray(0, bytes), events: events.length, position: events.at(-1)?.position };
  }

  *seek(request: SeekRequest, operation: Operation): Task<void> {
    operation.checkpoint();
    if (this.#feed.isAstray) yield* this.#resume(operation);
    // What has come and was not handed out lies behind the caller's position, and in front of the server's.
    const ahead = request.origin === 'current' ? this.#feed.ahead.length : 0;
    yield* this.#seek({ ...request, offset: request.offset - ahead }, operation);
    operation.commit(() => {
      this.#feed.restart();
      this.#seeks.push(request);
    });
  }

  *#seek({ origin, offset, bookmark, strict }: SeekRequest, operation: Operation): Task<void> {
    const { api } = operation;
    const { query, control } = this.#registration;
    const input = {
      query,
      position: BigInt(offset),
      bookmark: bookmark === undefined ? undefined : bookmarkXml(bookmark),
      timeoutMs: 0,
      flags: SEEK_ORIGIN[origin] | (strict ? SEEK_STRICT : 0),
    };
    try {
      const { values, status } = yield* this.#caller.call(QUERY_SEEK, input, operation, { control });
      const failure = statusOf(status, values.info);
      if (failure !== 0) throw statusError(failure, api, 'the position');
    } catch (error) {
      if (error instanceof Interrupted) throw error.reason ?? outOfTime(api);
      throw error;
    }
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    const { query, control } = this.#registration;
    this.#caller.close([query, control], API_CLOSE);
  }
}
