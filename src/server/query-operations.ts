import { EvtError } from '../errors/evt-error.ts';
import { INFINITE, MAX_QUERY_CHANNELS, MAX_RECORDS } from '../even6/stubs/limits.ts';
import * as operations from '../even6/stubs/operations.ts';
import { parseBookmark } from '../service/bookmark.ts';
import { callNext, callQuery, callSeek, close, runAsynchronous } from '../service/calls.ts';
import { handleObject } from '../service/handle-registry.ts';
import { EventSourceObject } from '../service/objects.ts';
import type { EventPosition, LogEvent, SeekOrigin } from '../service/service.ts';
import { admission } from './access.ts';
import { LogQuery, OperationControl, toldChannels } from './context-objects.ts';
import { RecordAnswer } from './record-answer.ts';
import type { ServedLogs } from './served-logs.ts';
import { type ClientCall, type ServedOperation, serve } from './served-operation.ts';

/** Operations 5, 11 and 12: queries, reading and seeking in their results. */

const QueryFlag = { channel: 1, file: 2, forward: 0x100, reverse: 0x200, tolerate: 0x1000 } as const;
const QUERY_FLAGS = 0x1303;
const SEEK_ORIGINS: readonly (SeekOrigin | undefined)[] = [undefined, 'first', 'last', 'current', 'bookmark'];
const SEEK_ORIGIN_MASK = 7;
const SEEK_STRICT = 0x1_0000;
/** Events that are read in one go: so many wait in memory at most when an answer is full before. */
const EVENTS_PER_READ = 128;

export function invalid(api: string, what: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', api, what);
}

/** The events that one read may ask for. @throws EvtError ERROR_INVALID_PARAMETER (87) */
export function checkCount(count: number, api: string): void {
  if (count < 1 || count > MAX_RECORDS)
    throw invalid(api, `${count} records: the number must lie in 1 … ${MAX_RECORDS}`);
}

/** The time that a call has, from now on: for each of its reads what is left of it. */
export function timeLimit(timeoutMs: number): () => { readonly timeoutMs?: number } {
  if (timeoutMs === INFINITE) return () => ({});
  const end = performance.now() + timeoutMs;
  return () => ({ timeoutMs: Math.max(0, end - performance.now()) });
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
  readonly surplus: LogEvent[];
  /** @param isFirst nothing has been found yet: it may wait for something */
  readonly read: (max: number, isFirst: boolean) => Promise<LogEvent[]>;
}

/**
 * Reads as many events as are asked for and an answer takes. What was read beyond that waits for the next one, and so do all of them
 * when the answer reaches nobody, or the call is cancelled.
 * @returns no records at the end
 */
export async function readBatch(
  { surplus, read }: ReadSource,
  count: number,
  { signal, onUndelivered }: Pick<ClientCall, 'signal' | 'onUndelivered'>,
): Promise<operations.RecordBatch> {
  const answer = new RecordAnswer();
  const taken: LogEvent[] = [];
  const putBack = () => void surplus.unshift(...taken.splice(0));
  onUndelivered(putBack);
  while (answer.count < count) {
    let events: LogEvent[];
    try {
      const wanted = Math.min(count - answer.count, EVENTS_PER_READ);
      events = surplus.length > 0 ? surplus.splice(0, wanted) : await read(wanted, answer.count === 0);
    } catch (error) {
      const isCancel = signal.aborted || (error instanceof EvtError && error.symbol === 'ERROR_CANCELLED');
      if (isCancel) putBack();
      // Whatever else it is, the time being over or a log that cannot be read on, is told when there is nothing better to tell.
      if (isCancel || answer.count === 0) throw error;
      break;
    }
    if (events.length === 0) break;
    const room = events.findIndex((event) => !answer.add(event));
    taken.push(...events.slice(0, room === -1 ? undefined : room));
    if (room === -1) continue;
    surplus.unshift(...events.slice(room));
    break;
  }
  return answer.batch;
}

/** An answer tells of so many channels. @throws EvtError ERROR_INVALID_PARAMETER (87), and what was opened is closed */
export function checkChannels({ length }: readonly unknown[], opened: number, api: string): void {
  if (length <= MAX_QUERY_CHANNELS) return;
  close(opened);
  throw invalid(api, `${length} logs at once: no more than ${MAX_QUERY_CHANNELS} can be told of`);
}

export function endOfEvents(api: string): EvtError {
  return new EvtError('ERROR_NO_MORE_ITEMS', api, 'there are no more events');
}

export function queryOperations(logs: ServedLogs): ServedOperation[] {
  const { session } = logs;
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
      const resultSet = await runAsynchronous(callQuery(session, request, api, { signal }));
      const channels = toldChannels(handleObject(resultSet, EventSourceObject, api).sources);
      checkChannels(channels, resultSet, api);
      return {
        query: call.open(new LogQuery(resultSet, request.direction === 'reverse')),
        control: call.open(new OperationControl(resultSet)),
        channels,
        info: operations.NO_INFO,
      };
    }),

    serve(operations.QUERY_NEXT, async ({ query, count, timeoutMs }, call) => {
      const { api, signal } = call;
      const { resultSet, surplus } = call.object(query, LogQuery);
      checkCount(count, api);
      const limit = timeLimit(timeoutMs);
      const read = (max: number) => runAsynchronous(callNext(resultSet, max, api, { signal, ...limit() }));
      const records = await readBatch({ surplus, read }, count, call);
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
