import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import type { RpcAnswer } from '../../even6/rpc/rpc-client.ts';
import type { ContextHandle } from '../../even6/stubs/codec.ts';
import {
  QUERY_NEXT,
  QUERY_SEEK,
  type QueryChannel,
  REGISTER_LOG_QUERY,
  type RpcInfo,
} from '../../even6/stubs/operations.ts';
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
import { EventFeed, isOutOfTime, outOfTime, serverTimeMs } from './event-feed.ts';
import { Interrupted, type OnServer, type RemoteCaller, statusError, statusOf } from './remote-call.ts';
import { onServer } from './server-side.ts';

const API_CLOSE = 'EvtClose';
const EVENTS_PER_BATCH = 256;
const EVENTS_PER_LOOK = 64;
/** What servers say of a place that is not there. */
const NO_SUCH_PLACE: ReadonlySet<Win32Symbol> = new Set(['ERROR_NOT_FOUND', 'ERROR_EVT_QUERY_RESULT_STALE']);
const SEEK_ORIGIN = { first: 1, last: 2, current: 3, bookmark: 4 } as const;
const SEEK_STRICT = 0x1_0000;
const QueryFlag = { channel: 1, file: 2, forward: 0x100, reverse: 0x200, tolerate: 0x1000 } as const;

/** What a server has opened for a query. */
interface Registration extends OnServer {
  readonly query: ContextHandle;
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
    const { values, status } = yield* caller.call(REGISTER_LOG_QUERY, { path, query: query ?? '*', flags }, operation);
    const failure = statusOf(status, values.info);
    if (failure === 0) return { ...values, losses: caller.client.losses };
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
  /** Of the last event that was handed out; undefined at the beginning, and where the caller has gone elsewhere since. */
  #delivered: EventPosition | undefined;
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
        this.#delivered = last.position;
        this.#seeks = [];
      }
      this.#records += events.length;
      return events;
    });
  }

  /** @returns false at the end */
  #fill(max: number, operation: Operation): Task<boolean> {
    const feed = this.#feed;
    return this.#onServer(operation, function* (registration): Task<boolean> {
      for (;;) {
        const input = { query: registration.query, count: max, timeoutMs: serverTimeMs(operation), flags: 0 };
        const outcome = yield* feed.fetch(QUERY_NEXT, input, registration, operation);
        if (outcome !== 'none') return outcome === 'events';
        if (isOutOfTime(operation)) throw outOfTime(operation.api);
      }
    });
  }

  /** Makes calls when the server's position is what it should be. */
  #onServer<T>(operation: Operation, calls: (registration: Registration) => Task<T>): Task<T> {
    const onRegistered = function* (this: RemoteResultSet): Task<T> {
      if (!this.#caller.isAlive(this.#registration)) yield* this.#renew(operation);
      else if (this.#feed.isAstray) yield* this.#resume(operation);
      return yield* calls(this.#registration);
    };
    return onServer(operation, () => this.#renew(operation), onRegistered.bind(this));
  }

  /** Registers the query anew, and goes where the caller is. */
  *#renew(operation: Operation): Task<void> {
    this.#feed.goAstray();
    this.#close(operation.api);
    this.#registration = yield* registerQuery(this.#caller, this.#request, operation);
    yield* this.#resume(operation);
  }

  /** Sets the server's position to the caller's: behind the last event that was handed out, and from there as he has gone. */
  *#resume(operation: Operation): Task<void> {
    const seeks = this.#seeks;
    // Stopped on the way, it begins again.
    this.#feed.restart();
    this.#feed.goAstray();
    if (seeks.length === 0 || seeks[0]!.origin === 'current') yield* this.#goBehind(this.#delivered, operation);
    for (const [i, seek] of seeks.entries()) {
      const offset = seek.offset - (i === 0 ? this.#aheadOf(seek) : 0);
      yield* this.#seek({ ...seek, offset, strict: false }, operation);
    }
    this.#feed.arrive(seeks.length > 0);
  }

  /** What has come and was not handed out lies behind the caller's position, and in front of the server's. */
  #aheadOf({ origin }: SeekRequest): number {
    return origin === 'current' ? this.#feed.ahead.length : 0;
  }

  /**
   * Goes behind an event. At the end of the result that is no place for a strict seek: then to the event itself, which comes again. Where
   * its record is gone, to the beginning: what is left there is newer, or has been read.
   */
  *#goBehind(delivered: EventPosition | undefined, operation: Operation): Task<void> {
    const first = { origin: 'first', offset: 0, strict: false } as const;
    if (delivered === undefined) {
      yield* this.#seek(first, operation);
      return;
    }
    const bookmark = { origin: 'bookmark', bookmark: delivered, strict: true } as const;
    if (yield* this.#canSeek({ ...bookmark, offset: 1 }, operation)) return;
    if (!(yield* this.#canSeek({ ...bookmark, offset: 0 }, operation))) yield* this.#seek(first, operation);
    this.#feed.passOver(delivered);
    const { query } = this.#registration;
    for (;;) {
      const input = { query, count: EVENTS_PER_LOOK, timeoutMs: serverTimeMs(operation), flags: 0 };
      if ((yield* this.#feed.fetch(QUERY_NEXT, input, this.#registration, operation)) !== 'none') return;
      if (isOutOfTime(operation)) throw outOfTime(operation.api);
    }
  }

  /** @returns false when there is no such place */
  *#canSeek(request: SeekRequest, operation: Operation): Task<boolean> {
    try {
      yield* this.#seek(request, operation);
      return true;
    } catch (error) {
      if (error instanceof EvtError && NO_SUCH_PLACE.has(error.symbol)) return false;
      throw error;
    }
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
    const seekThere = function* (this: RemoteResultSet): Task<void> {
      yield* this.#seek({ ...request, offset: request.offset - this.#aheadOf(request) }, operation);
    };
    yield* this.#onServer(operation, seekThere.bind(this));
    this.#commitSeek(request, operation);
  }

  #commitSeek(request: SeekRequest, operation: Operation): void {
    try {
      operation.commit(() => {
        this.#feed.restart();
        if (request.origin !== 'current') {
          this.#delivered = undefined;
          this.#seeks = [];
        }
        this.#seeks.push(request);
      });
    } catch (error) {
      // The server has gone there, and the caller is told that he has not.
      this.#feed.goAstray();
      throw error;
    }
  }

  *#seek({ origin, offset, bookmark, strict }: SeekRequest, operation: Operation): Task<void> {
    const { api } = operation;
    const input = {
      query: this.#registration.query,
      position: BigInt(offset),
      bookmark: bookmark === undefined ? undefined : bookmarkXml(bookmark),
      timeoutMs: 0,
      flags: SEEK_ORIGIN[origin] | (strict ? SEEK_STRICT : 0),
    };
    let answer: RpcAnswer<{ readonly info: RpcInfo }>;
    try {
      answer = yield* this.#caller.call(QUERY_SEEK, input, operation, this.#registration);
    } catch (error) {
      const isStopped = error instanceof Interrupted;
      // It may have gone there, or it has.
      if (!isStopped || error.isUncertain || error.late?.status === 0) this.#feed.goAstray();
      throw isStopped ? (error.reason ?? outOfTime(api)) : error;
    }
    const failure = statusOf(answer.status, answer.values.info);
    if (failure !== 0) throw statusError(failure, api, 'the position');
  }

  #close(api: string): void {
    const { query, control, losses } = this.#registration;
    this.#caller.close([query, control], api, losses);
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#close(API_CLOSE);
  }
}
