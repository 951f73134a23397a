import { EvtError } from '../errors/evt-error.ts';
import { INFINITE, MAX_RECORDS } from '../even6/stubs/limits.ts';
import * as operations from '../even6/stubs/operations.ts';
import { Operation } from '../operations/operation.ts';
import { runAsync } from '../operations/task.ts';
import { parseBookmark } from '../service/bookmark.ts';
import { callNext, callQuery, callSeek, runAsynchronous } from '../service/calls.ts';
import { handleObject } from '../service/handle-registry.ts';
import { EventSourceObject } from '../service/objects.ts';
import type { EventPosition, LogEvent, SeekOrigin } from '../service/service.ts';
import { demandQuery } from './access.ts';
import { LogQuery, OperationControl, toldChannels } from './context-objects.ts';
import { recordBatch } from './record-answer.ts';
import type { ServedLogs } from './served-logs.ts';
import { type ClientCall, type ServedOperation, serve } from './served-operation.ts';

/** Operations 5, 11 and 12: queries, reading and seeking in their results. */

const QueryFlag = { channel: 1, file: 2, forward: 0x100, reverse: 0x200, tolerate: 0x1000 } as const;
const QUERY_FLAGS = 0x1303;
const SEEK_ORIGINS: readonly (SeekOrigin | undefined)[] = [undefined, 'first', 'last', 'current', 'bookmark'];
const SEEK_ORIGIN_MASK = 7;
const SEEK_STRICT = 0x1_0000;

export function invalid(api: string, what: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', api, what);
}

/** The events that one read may ask for. @throws EvtError ERROR_INVALID_PARAMETER (87) */
export function checkCount(count: number, api: string): void {
  if (count < 1 || count > MAX_RECORDS)
    throw invalid(api, `${count} records: the number must lie in 1 … ${MAX_RECORDS}`);
}

export function timeout(timeoutMs: number): { readonly timeoutMs?: number } {
  return timeoutMs === INFINITE ? {} : { timeoutMs };
}

/** A client's bookmark. @throws EvtError ERROR_INVALID_PARAMETER (87), whatever is wrong with it */
export function clientBookmark(xml: string, api: string): EventPosition {
  try {
    return parseBookmark(xml, api);
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
    throw new EvtError('ERROR_INVALID_PARAMETER', api, error.detail, { cause: error });
  }
}

/** Where events come from, and those that were read and did not reach the client. */
export interface ReadSource {
  /** Of the result set or subscription: what is pending on it is cancelled through it. */
  readonly handle: number;
  readonly surplus: LogEvent[];
  readonly read: (max: number) => Promise<LogEvent[]>;
}

/**
 * Reads as many events as an answer takes; the rest waits for the next one, and all of them when the answer reaches nobody.
 * @returns no records at the end
 */
export async function readBatch(
  { handle, surplus, read }: ReadSource,
  count: number,
  { api, signal, onUndelivered }: Pick<ClientCall, 'api' | 'signal' | 'onUndelivered'>,
): Promise<operations.RecordBatch> {
  const operation = new Operation(api, handle, { signal });
  for (;;) {
    const events = surplus.length > 0 ? surplus.splice(0, count) : await read(count);
    let used = 0;
    try {
      const batch = await runAsync(recordBatch(events, operation));
      used = batch.used;
      onUndelivered(() => surplus.unshift(...events.slice(0, used)));
      // Where all were damaged inside, there may be more behind them.
      if (batch.records.offsets.length > 0 || events.length === 0) return batch.records;
    } finally {
      surplus.unshift(...events.slice(used));
    }
  }
}

export function endOfEvents(api: string): EvtError {
  return new EvtError('ERROR_NO_MORE_ITEMS', api, 'there are no more events');
}

export function queryOperations({ session, access, files }: ServedLogs): ServedOperation[] {
  return [
    serve(operations.REGISTER_LOG_QUERY, async ({ path, query, flags }, call) => {
      const { api, caller, signal } = call;
      const both = (a: number, b: number) => (flags & a) !== 0 && (flags & b) !== 0;
      if ((flags & ~QUERY_FLAGS) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
      if (both(QueryFlag.channel, QueryFlag.file)) throw invalid(api, 'the path is a channel or a file, not both');
      if (both(QueryFlag.forward, QueryFlag.reverse)) throw invalid(api, 'two directions');
      const request = {
        path: path === '' ? undefined : path,
        pathType: (flags & QueryFlag.channel) !== 0 ? 'channel' : 'file',
        query,
        direction: (flags & QueryFlag.reverse) !== 0 ? 'reverse' : 'forward',
        tolerate: (flags & QueryFlag.tolerate) !== 0,
        strict: false,
        recover: false,
        onDamage: undefined,
        onProgress: undefined,
      } as const;
      const allowed = demandQuery(request, access, files, caller.identity, api);
      const resultSet = await runAsynchronous(callQuery(session, { ...request, ...allowed }, api, { signal }));
      const { sources } = handleObject(resultSet, EventSourceObject, api);
      return {
        query: call.open(new LogQuery(resultSet, request.direction === 'reverse')),
        control: call.open(new OperationControl(resultSet)),
        channels: toldChannels(sources),
        info: operations.NO_INFO,
      };
    }),

    serve(operations.QUERY_NEXT, async ({ query, count, timeoutMs }, call) => {
      const { api, signal } = call;
      const { resultSet, surplus } = call.object(query, LogQuery);
      checkCount(count, api);
      const options = { signal, ...timeout(timeoutMs) };
      const read = (max: number) => runAsynchronous(callNext(resultSet, max, api, options));
      const records = await readBatch({ handle: resultSet, surplus, read }, count, call);
      if (records.offsets.length === 0) throw endOfEvents(api);
      return { records };
    }),

    serve(operations.QUERY_SEEK, async ({ query, position, bookmark, flags }, call) => {
      const { api, signal } = call;
      const { resultSet, surplus } = call.object(query, LogQuery);
      const origin = SEEK_ORIGINS[flags & SEEK_ORIGIN_MASK];
      if (origin === undefined || (flags & ~(SEEK_ORIGIN_MASK | SEEK_STRICT)) !== 0) {
        throw invalid(api, `flags 0x${flags.toString(16)}`);
      }
      // What has been read and not delivered lies behind the client's position, and in front of the result set's.
      const offset = Number(position) - (origin === 'current' ? surplus.length : 0);
      const request = {
        origin,
        offset,
        strict: (flags & SEEK_STRICT) !== 0,
        bookmark: origin === 'bookmark' && bookmark !== undefined ? clientBookmark(bookmark, api) : undefined,
      };
      await runAsynchronous(callSeek(resultSet, request, api, { signal }));
      surplus.length = 0;
      return { info: operations.NO_INFO };
    }),
  ];
}
