import { EvtError } from '../errors/evt-error.ts';
import { RecordLayout } from '../even6/record.ts';
import { INFINITE, MAX_PAYLOAD, MAX_QUERY_CHANNELS, MAX_RECORDS } from '../even6/stubs/limits.ts';
import * as operations from '../even6/stubs/operations.ts';
import { Operation } from '../operations/operation.ts';
import { runAsync, turn } from '../operations/task.ts';
import { parseBookmark } from '../service/bookmark.ts';
import { callNext, callQuery, callSeek, close, runAsynchronous } from '../service/calls.ts';
import { handleObject } from '../service/handle-registry.ts';
import { EventSourceObject } from '../service/objects.ts';
import type { EventPosition, LogEvent, SeekOrigin } from '../service/service.ts';
import { admission } from './admission.ts';
import { LogQuery, OperationControl, toldChannels } from './context-objects.ts';
import { addEvents } from './record-answer.ts';
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

/** A client's bookmark. @throws EvtError ERROR_INVALID_PARAMETER (87), whatever is wrong with it */
export function clientBookmark(xml: string, api: string): EventPosition {
  try {
    return parseBookmark(xml, api);
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
    throw new EvtError('ERROR_INVALID_PARAMETER', api, error.detail, { cause: error });
  }
}

/** Where events come from, and records that were read and did not reach the client. */
export interface ReadSource {
  /** Of the API: a cancel of it ends the read. */
  readonly handle: number;
  readonly surplus: Uint8Array[];
  /** Its first read waits for events that are still to come: it must not keep others from being answered. */
  readonly waits?: boolean;
  /** Reads events. @param found records that the answer has already: the read need not wait for more */
  readonly read: (max: number, found: number) => Promise<LogEvent[]>;
}

/** Events that are held at a time, each with its chunk, until they are records: however many are asked for. */
const EVENTS_PER_STEP = 64;

/**
 * Reads as many events as an answer takes; what it does not take waits for the next one, and all of it when the answer reaches nobody.
 * @returns no records at the end
 */
export async function readBatch(
  { handle, surplus, read, waits = false }: ReadSource,
  count: number,
  { api, signal, lane, onUndelivered }: Pick<ClientCall, 'api' | 'signal' | 'lane' | 'onUndelivered'>,
): Promise<operations.RecordBatch> {
  // Between two steps nothing is pending on the handle that a cancel could end.
  const operation = new Operation(api, handle, { signal });
  const answer = new RecordLayout(MAX_PAYLOAD);
  const putBack = () => surplus.unshift(...answer.records());
  try {
    while (answer.count < count) {
      operation.checkpoint();
      if (!waits || answer.count > 0 || surplus.length > 0) {
        while (!lane.tryEnter()) await runAsync(operation.waitFor((wake) => lane.onRoom(wake), 0));
      }
      const next = surplus[0];
      if (next === undefined) {
        const events = await read(Math.min(count - answer.count, EVENTS_PER_STEP), answer.count);
        if (events.length === 0) break;
        // Those that are damaged inside are left out: there may be more behind them.
        surplus.push(...addEvents(answer, events));
        if (operation.turnDue()) await turn();
      } else if (answer.addBytes(next)) surplus.shift();
      else break;
    }
  } catch (error) {
    const isCancel = signal.aborted || (error instanceof EvtError && error.symbol === 'ERROR_CANCELLED');
    // Whatever else it is, the time being over or a log that cannot be read on, is told when there is nothing better to tell.
    if (isCancel || answer.count === 0) {
      putBack();
      throw error;
    }
  }
  onUndelivered(putBack);
  return answer;
}

/** An answer tells of so many channels. @throws EvtError ERROR_INVALID_PARAMETER (87), and what was opened is closed */
export function checkChannels({ length }: readonly unknown[], opened: number, api: string): void {
  if (length <= MAX_QUERY_CHANNELS) return;
  close(opened);
  throw invalid(api, `${length} logs at once: no more than ${MAX_QUERY_CHANNELS} can be told of`);
}

/** A time-out of several reads in a row. */
export function deadline(timeoutMs: number, now: () => number = () => performance.now()): () => { timeoutMs?: number } {
  const end = now() + timeoutMs;
  return () => (timeoutMs === INFINITE ? {} : { timeoutMs: Math.max(0, end - now()) });
}

export function endOfEvents(api: string): EvtError {
  return new EvtError('ERROR_NO_MORE_ITEMS', api, 'there are no more events');
}

/** Units of a query's text that count as a handle: what is kept of a query grows with it. */
const UNITS_PER_HANDLE = 256;

/** How many handles a query counts as. @throws EvtError ERROR_EVT_INVALID_QUERY (15001) for one that is longer than the server takes */
export function queryWeight(query: string, maxUnits: number, api: string): number {
  if (query.length > maxUnits) {
    throw new EvtError('ERROR_EVT_INVALID_QUERY', api, `the query is longer than ${maxUnits} UTF-16 units`);
  }
  return Math.max(1, Math.ceil(query.length / UNITS_PER_HANDLE));
}

export function queryOperations(logs: ServedLogs): ServedOperation[] {
  const { session, queryUnits } = logs;
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
        admit: admission(logs, caller.identity, api),
      } as const;
      const weight = queryWeight(query, queryUnits, api);
      // Besides, there is what cancels it.
      call.demandRoom(weight + 1);
      const resultSet = await runAsynchronous(callQuery(session, request, api, { signal }));
      const channels = toldChannels(handleObject(resultSet, EventSourceObject, api).sources);
      checkChannels(channels, resultSet, api);
      return {
        query: call.open(new LogQuery(resultSet, request.direction === 'reverse'), weight),
        control: call.open(new OperationControl(resultSet)),
        channels,
        info: operations.NO_INFO,
      };
    }),

    serve(operations.QUERY_NEXT, async ({ query, count, timeoutMs }, call) => {
      const { api, signal } = call;
      const { resultSet, surplus } = call.object(query, LogQuery);
      checkCount(count, api);
      const left = deadline(timeoutMs);
      const read = (max: number) => runAsynchronous(callNext(resultSet, max, api, { signal, ...left() }));
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
