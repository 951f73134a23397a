import { isAbsolute } from 'node:path';
import type { Variant, VariantScalar } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { EvtError } from '../errors/evt-error.ts';
import { localHandle } from '../operations/handle-table.ts';
import { parseValuePath, selectFirst, type ValuePath } from '../query/index.ts';
import { systemValues } from '../render/system-values.ts';
import { bodyValues } from '../render/user-values.ts';
import { renderXml } from '../render/xml.ts';
import { bookmarkXml, EMPTY_POSITION, movedBookmark, parseBookmark } from '../service/bookmark.ts';
import { type Call, callQuery, callSubscribe } from '../service/calls.ts';
import { type EventSignal, waitForSignal } from '../service/delivery.ts';
import { type HandleObject, handleObject, keepHandle } from '../service/handle-registry.ts';
import { callClearLog, callExportLog, callOpenLog } from '../service/log-calls.ts';
import { EventObject, EventSourceObject, openLocalSession, openRemoteSession } from '../service/objects.ts';
import type { SessionAuthentication } from '../service/remote/credentials.ts';
import { HOST_FORMS, hostAndPort } from '../service/remote/host-and-port.ts';
import type {
  EventPosition,
  ExportResult,
  LogInfo,
  PathType,
  SeekOrigin,
  SeekRequest,
  SubscriptionStart,
} from '../service/service.ts';
import * as C from './constants.ts';

/** What both faces of winevt.h share: flags read, arguments checked. Everything here throws EvtError. */

/** An open handle: an opaque number, never used twice in a process. */
export type EvtHandle = number;

/** `EVT_RPC_LOGIN`. */
export interface EvtRpcLoginInfo {
  /** Null, empty or `localhost`: this computer. With `:PORT` behind it, its endpoint mapper is not asked. */
  readonly Server?: string | null;
  readonly User?: string | null;
  readonly Domain?: string | null;
  readonly Password?: string | null;
  /** One of EvtRpcLoginAuth… */
  readonly Flags?: number;
  /** Not in winevt.h: the folder whose files are the session's channels. */
  readonly LogsFolder?: string | null;
}

export interface QueryOptions {
  readonly signal?: AbortSignal | undefined;
}

function invalid(api: string, detail: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', api, detail);
}

const QUERY_FLAGS =
  C.EvtQueryChannelPath |
  C.EvtQueryFilePath |
  C.EvtQueryForwardDirection |
  C.EvtQueryReverseDirection |
  C.EvtQueryTolerateQueryErrors;

export function query(
  session: EvtHandle | null,
  path: string | null,
  text: string | null,
  flags: number,
  options: QueryOptions = {},
): Call<EvtHandle> {
  const api = 'EvtQuery';
  const both = (a: number, b: number) => (flags & a) !== 0 && (flags & b) !== 0;
  if (!Number.isInteger(flags) || (flags & ~QUERY_FLAGS) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
  if (both(C.EvtQueryChannelPath, C.EvtQueryFilePath)) throw invalid(api, 'the path is a channel or a file, not both');
  if (both(C.EvtQueryForwardDirection, C.EvtQueryReverseDirection)) throw invalid(api, 'two directions');
  if (path === null && text === null) throw invalid(api, 'neither a path nor a query');
  const request = {
    path: path ?? undefined,
    // Windows 7 and later take a path without either flag for a file.
    pathType: (flags & C.EvtQueryChannelPath) !== 0 ? 'channel' : 'file',
    query: text ?? undefined,
    direction: (flags & C.EvtQueryReverseDirection) !== 0 ? 'reverse' : 'forward',
    tolerate: (flags & C.EvtQueryTolerateQueryErrors) !== 0,
    strict: false,
    recover: false,
    onDamage: undefined,
    onProgress: undefined,
  } as const;
  return callQuery(session, request, api, options);
}

/**
 * Takes what happens in a subscription (EVT_SUBSCRIBE_CALLBACK).
 * @param action      EvtSubscribeActionDeliver or EvtSubscribeActionError
 * @param userContext as given to EvtSubscribe
 * @param event       an event handle, valid during the call only, until the returned promise settles; or a Win32 code
 */
export type EvtSubscribeCallback<T = unknown> = (action: number, userContext: T, event: EvtHandle) => unknown;

const SUBSCRIBE_FLAGS = C.EvtSubscribeOriginMask | C.EvtSubscribeTolerateQueryErrors | C.EvtSubscribeStrict;
const STARTS: readonly (SubscriptionStart | undefined)[] = [undefined, 'future', 'oldest', 'bookmark'];

/** No channel is called like a file, or by a whole path. */
function isFilePath(path: string): boolean {
  return /\.evtx$/i.test(path) || isAbsolute(path);
}

export function subscribe<T>(
  session: EvtHandle | null,
  signal: EventSignal | null,
  channelPath: string | null,
  query: string | null,
  bookmark: EvtHandle | null,
  context: T,
  callback: EvtSubscribeCallback<T> | null,
  flags: number,
  options: QueryOptions = {},
): Call<EvtHandle> {
  const api = 'EvtSubscribe';
  if (!Number.isInteger(flags) || (flags & ~SUBSCRIBE_FLAGS) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
  const start = STARTS[flags & C.EvtSubscribeOriginMask];
  if (start === undefined) throw invalid(api, 'the flags do not say where to begin');
  if ((signal === null) === (callback === null)) throw invalid(api, 'either a signal or a callback must be given');
  if (signal instanceof Int32Array && !(signal.buffer instanceof SharedArrayBuffer && signal.length > 0)) {
    throw invalid(api, 'the signal is no word of shared memory');
  }
  const hasBookmark = bookmark !== null && bookmark !== 0;
  if (hasBookmark !== (start === 'bookmark')) {
    throw invalid(api, 'a bookmark goes with EvtSubscribeStartAfterBookmark, and only with it');
  }
  if (channelPath === null && query === null) throw invalid(api, 'neither a channel nor a query');
  const request = {
    path: channelPath ?? undefined,
    pathType: channelPath !== null && isFilePath(channelPath) ? 'file' : 'channel',
    query: query ?? undefined,
    start,
    bookmark: hasBookmark ? handleObject(bookmark, BookmarkObject, api).position : undefined,
    tolerate: (flags & C.EvtSubscribeTolerateQueryErrors) !== 0,
    strict: (flags & C.EvtSubscribeStrict) !== 0,
    onMissed: undefined,
    onDamage: undefined,
  } as const;
  const delivery = {
    signal: signal ?? undefined,
    callback:
      callback === null
        ? undefined
        : (event: EvtHandle | undefined, code: number) =>
            event === undefined
              ? callback(C.EvtSubscribeActionError, context, code)
              : callback(C.EvtSubscribeActionDeliver, context, event),
  };
  return callSubscribe(session, request, delivery, api, options);
}

/** What WaitForSingleObject answers. */
export function waitForSingleObject(signal: Int32Array, timeout: number): number {
  const isSignal = signal instanceof Int32Array && signal.buffer instanceof SharedArrayBuffer && signal.length > 0;
  if (!isSignal) throw invalid('WaitForSingleObject', 'the signal is no word of shared memory');
  const limit = timeoutMs(timeout, 'WaitForSingleObject') ?? (timeout === 0 ? 0 : Number.POSITIVE_INFINITY);
  return waitForSignal(signal, limit) ? C.WAIT_OBJECT_0 : C.WAIT_TIMEOUT;
}

/** Milliseconds as {@link OperationOptions} has them. 0 waits for nothing, and a file has nothing to wait for. */
export function timeoutMs(timeout: number, api: string): number | undefined {
  if (!Number.isInteger(timeout) || timeout < 0 || timeout > C.INFINITE) throw invalid(api, `time-out ${timeout}`);
  return timeout === 0 || timeout === C.INFINITE ? undefined : timeout;
}

export function noFlags(flags: number, api: string): void {
  if (flags !== 0) throw invalid(api, 'flags must be 0');
}

const ORIGINS: readonly (SeekOrigin | undefined)[] = [undefined, 'first', 'last', 'current', 'bookmark'];

export function seekRequest(
  position: number | bigint,
  bookmark: EvtHandle | null,
  timeout: number,
  flags: number,
): SeekRequest {
  const api = 'EvtSeek';
  const origin = ORIGINS[flags & C.EvtSeekOriginMask];
  if (origin === undefined) throw invalid(api, 'exactly one origin must be given');
  if ((flags & ~(C.EvtSeekOriginMask | C.EvtSeekStrict)) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
  if (timeout !== 0) throw invalid(api, 'the time-out must be 0');
  const given = origin === 'bookmark' ? handleObject(bookmark, BookmarkObject, api).position : undefined;
  return { origin, offset: Number(position), bookmark: given, strict: (flags & C.EvtSeekStrict) !== 0 };
}

export class BookmarkObject implements HandleObject {
  position: EventPosition;

  constructor(position: EventPosition) {
    this.position = position;
  }

  release(): void {}
}

export function createBookmark(xml: string | null): EvtHandle {
  const position = xml === null ? EMPTY_POSITION : parseBookmark(xml, 'EvtCreateBookmark');
  const handle = localHandle();
  keepHandle(handle, new BookmarkObject(position));
  return handle;
}

export function updateBookmark(bookmark: EvtHandle, event: EvtHandle): void {
  const api = 'EvtUpdateBookmark';
  const target = handleObject(bookmark, BookmarkObject, api);
  target.position = movedBookmark(target.position, handleObject(event, EventObject, api).event.position);
}

class RenderContextObject implements HandleObject {
  readonly flags: number;
  readonly paths: readonly ValuePath[];

  constructor(flags: number, paths: readonly ValuePath[]) {
    this.flags = flags;
    this.paths = paths;
  }

  release(): void {}
}

export function createRenderContext(count: number, paths: readonly string[] | null, flags: number): EvtHandle {
  const api = 'EvtCreateRenderContext';
  const given = paths ?? [];
  if (count !== given.length) throw invalid(api, `${count} value paths announced, ${given.length} given`);
  if (flags !== C.EvtRenderContextValues && given.length > 0) throw invalid(api, 'only Values takes value paths');
  if (flags !== C.EvtRenderContextValues && flags !== C.EvtRenderContextSystem && flags !== C.EvtRenderContextUser) {
    throw invalid(api, `flags ${flags}`);
  }
  if (flags === C.EvtRenderContextValues && given.length === 0) throw invalid(api, 'Values needs value paths');
  const handle = localHandle();
  keepHandle(
    handle,
    new RenderContextObject(
      flags,
      given.map((path) => parseValuePath(path)),
    ),
  );
  return handle;
}

export function render(context: EvtHandle | null, fragment: EvtHandle, flags: number): string | readonly Variant[] {
  const api = 'EvtRender';
  const noContext = context === null || context === 0;
  if (flags === C.EvtRenderEventValues) {
    const { flags: kind, paths } = handleObject(context, RenderContextObject, api);
    const { tree } = handleObject(fragment, EventObject, api).event;
    if (kind === C.EvtRenderContextSystem) return systemValues(tree[0]);
    if (kind === C.EvtRenderContextUser) return bodyValues(tree[0]).map(({ value }) => value);
    return paths.map((path) => selectFirst(path, tree));
  }
  if (!noContext) throw invalid(api, 'only values are rendered with a context');
  if (flags === C.EvtRenderEventXml) return renderXml(handleObject(fragment, EventObject, api).event.tree);
  if (flags === C.EvtRenderBookmark) return bookmarkXml(handleObject(fragment, BookmarkObject, api).position);
  throw invalid(api, `flags ${flags}`);
}

export function eventInfo(event: EvtHandle, property: number): Variant {
  const api = 'EvtGetEventInfo';
  const object = handleObject(event, EventObject, api).event;
  if (property === C.EvtEventQueryIDs) return array(ValueType.UInt32, object.queryIds);
  if (property === C.EvtEventPath) return { type: ValueType.String, value: object.path };
  throw invalid(api, `property ${property}`);
}

export function queryInfo(resultSet: EvtHandle, property: number): Variant {
  const api = 'EvtGetQueryInfo';
  const { sources } = handleObject(resultSet, EventSourceObject, api);
  if (property === C.EvtQueryNames)
    return array(
      ValueType.String,
      sources.map(({ name }) => name),
    );
  if (property === C.EvtQueryStatuses)
    return array(
      ValueType.UInt32,
      sources.map(({ status }) => status),
    );
  throw invalid(api, `property ${property}`);
}

function array(itemType: number, value: readonly VariantScalar[]): Variant {
  return { type: itemType | C.EVT_VARIANT_TYPE_ARRAY, value };
}

export function openLog(session: EvtHandle | null, path: string, flags: number, options: QueryOptions = {}) {
  const api = 'EvtOpenLog';
  if (flags !== C.EvtOpenChannelPath && flags !== C.EvtOpenFilePath) throw invalid(api, `flags ${flags}`);
  const type: PathType = flags === C.EvtOpenChannelPath ? 'channel' : 'file';
  return callOpenLog(session, path, type, api, options);
}

const EXPORT_FLAGS =
  C.EvtExportLogChannelPath | C.EvtExportLogFilePath | C.EvtExportLogTolerateQueryErrors | C.EvtExportLogOverwrite;

export function exportLog(
  session: EvtHandle | null,
  path: string | null,
  text: string | null,
  target: string,
  flags: number,
  options: QueryOptions = {},
): Call<ExportResult> {
  const api = 'EvtExportLog';
  const isChannel = (flags & C.EvtExportLogChannelPath) !== 0;
  const isFile = (flags & C.EvtExportLogFilePath) !== 0;
  if (!Number.isInteger(flags) || (flags & ~EXPORT_FLAGS) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
  if (isChannel === isFile) throw invalid(api, 'the path is either a channel or a file: exactly one flag says which');
  if (path === null && text === null) throw invalid(api, 'neither a path nor a query');
  const request = {
    path: path ?? undefined,
    pathType: isChannel ? 'channel' : 'file',
    query: text ?? undefined,
    target,
    tolerate: (flags & C.EvtExportLogTolerateQueryErrors) !== 0,
    overwrite: (flags & C.EvtExportLogOverwrite) !== 0,
    onDamage: undefined,
    onProgress: undefined,
  } as const;
  return callExportLog(session, request, api, options);
}

export function clearLog(
  session: EvtHandle | null,
  channel: string,
  target: string | null,
  flags: number,
  options: QueryOptions = {},
): Call<void> {
  const api = 'EvtClearLog';
  noFlags(flags, api);
  const backup = target === null || target === '' ? undefined : target;
  return callClearLog(session, { channel, backup, onUnrecorded: undefined }, api, options);
}

const LOG_PROPERTIES: readonly ((info: LogInfo) => Variant)[] = [
  (info) => ({ type: ValueType.FileTime, value: info.creationTime }),
  (info) => ({ type: ValueType.FileTime, value: info.lastAccessTime }),
  (info) => ({ type: ValueType.FileTime, value: info.lastWriteTime }),
  (info) => ({ type: ValueType.UInt64, value: info.fileSize }),
  (info) => ({ type: ValueType.UInt32, value: info.attributes }),
  (info) => ({ type: ValueType.UInt64, value: info.numberOfLogRecords }),
  (info) => ({ type: ValueType.UInt64, value: info.oldestRecordNumber }),
  (info) => ({ type: ValueType.Bool, value: info.full }),
];

export function logProperty(property: number): (info: LogInfo) => Variant {
  const read = LOG_PROPERTIES[property];
  if (read === undefined) throw invalid('EvtGetLogInfo', `property ${property}`);
  return read;
}

const LOCAL_NAMES: readonly string[] = ['', '.', 'localhost', '127.0.0.1', '::1'];

const AUTHENTICATIONS: readonly (SessionAuthentication | undefined)[] = ['default', 'negotiate', 'kerberos', 'ntlm'];

export function openSession(
  loginClass: number,
  login: EvtRpcLoginInfo,
  timeout: number,
  flags: number,
  blocks: boolean,
): EvtHandle {
  const api = 'EvtOpenSession';
  if (loginClass !== C.EvtRpcLogin) throw invalid(api, `login class ${loginClass}: only EvtRpcLogin (1) exists`);
  if (timeout !== 0 || flags !== 0) throw invalid(api, 'time-out and flags must be 0');
  if (login.Password != null && login.User == null) {
    throw new EvtError('ERROR_ACCESS_DENIED', api, 'a password was given without a user');
  }
  const server = login.Server ?? '';
  if (!LOCAL_NAMES.includes(server.toLowerCase())) {
    const authentication = AUTHENTICATIONS[login.Flags ?? C.EvtRpcLoginAuthDefault];
    if (authentication === undefined) throw invalid(api, `login flags ${login.Flags}`);
    const computer = hostAndPort(server);
    if (computer === undefined) throw invalid(api, `"${server}" is no computer: ${HOST_FORMS}`);
    const password = login.Password ?? undefined;
    const domain = login.Domain ?? undefined;
    const options = { ...computer, user: login.User ?? undefined, domain, password, authentication };
    return openRemoteSession(options, api, blocks);
  }
  return openLocalSession(login.LogsFolder ?? undefined, api);
}
