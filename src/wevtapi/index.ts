/**
 * winevt.h, blocking as in C: functions return a handle or null, true or false, and set the last error of the thread.
 *
 * Two things differ from C. What C writes into a caller's buffer (size, buffer, size used) comes through one out parameter,
 * so ERROR_INSUFFICIENT_BUFFER (122) does not occur. And a call blocks its thread: run long ones in a worker thread, or use
 * the same names from `winevt/wevtapi/promises`; handles of both are the same.
 *
 * Source: the winevt.h reference, learn.microsoft.com.
 */
import type { Variant } from '../binxml/value.ts';
import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import { callLogInfo, callNextHandles, callSeek, cancel, close, runBlocking } from '../service/calls.ts';
import * as channels from './channel-functions.ts';
import type { EvtHandle, EvtRpcLoginInfo } from './functions.ts';
import * as functions from './functions.ts';

export type { Variant, VariantScalar, VariantValue } from '../binxml/value.ts';
export { EvtError, isCancelled } from '../errors/evt-error.ts';
export type { Win32Symbol } from '../errors/win32.ts';
export * from './constants.ts';
export type { EvtHandle, EvtRpcLoginInfo } from './functions.ts';

/** A place that a function writes to: `{ value: undefined }` before the call. */
export interface Out<T> {
  value?: T | undefined;
}

// Each thread loads this module for itself: its last error is its own.
let lastError: number = WIN32.ERROR_SUCCESS;
let extendedStatus = '';

/** The Win32 code of this thread's last failure; a success leaves it as it was. */
export function GetLastError(): number {
  return lastError;
}

/** Sets this thread's last error, as a caller does who wants to tell a failure from an older one. */
export function SetLastError(code: number): void {
  lastError = code >>> 0;
}

/** Runs one function as C shows it: a failure becomes `failed` and the thread's last error. Bugs of ours pass through. */
function attempt<T, F>(failed: F, body: () => T): T | F {
  extendedStatus = '';
  try {
    return body();
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
    lastError = error.code;
    extendedStatus = error.extendedStatus;
    return failed;
  }
}

/**
 * Opens a session. Only this computer's (`Server` null) in this version; its `LogsFolder` holds the channels' files.
 * @returns a handle, or null: ERROR_INVALID_PARAMETER (87), ERROR_NOT_SUPPORTED (50) for another computer,
 *   ERROR_ACCESS_DENIED (5) for a password without a user
 */
export function EvtOpenSession(loginClass: number, login: EvtRpcLoginInfo, timeout = 0, flags = 0): EvtHandle | null {
  return attempt(null, () => functions.openSession(loginClass, login, timeout, flags));
}

/**
 * Runs a query. Cancelled through the session (null: the local one).
 * @param path    channel name (EvtQueryChannelPath), or log file or folder of logs (EvtQueryFilePath); null when the
 *   structured query names its own
 * @param query   XPath or structured XML; null for all events
 * @param flags   EvtQuery… flags
 * @returns the result set, or null: ERROR_INVALID_PARAMETER (87), ERROR_EVT_INVALID_QUERY (15001; see
 *   {@link EvtGetExtendedStatus}), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_FILE_NOT_FOUND (2), ERROR_PATH_NOT_FOUND (3),
 *   ERROR_ACCESS_DENIED (5), ERROR_EVENTLOG_FILE_CORRUPT (1500), ERROR_CANCELLED (1223)
 */
export function EvtQuery(
  session: EvtHandle | null,
  path: string | null,
  query: string | null,
  flags: number,
): EvtHandle | null {
  return attempt(null, () => runBlocking(functions.query(session, path, query, flags)));
}

/**
 * Next events of a result set. Cancelled through the result set: nothing is handed out then, and the next call gives what
 * this one would have given.
 * @param eventsSize 1 to 1024
 * @param events     takes the handles; close each with {@link EvtClose}
 * @param timeout    milliseconds to look for events; INFINITE and 0: no limit, files have nothing to wait for
 * @param returned   takes the number of handles; 0 when the call fails
 * @returns true, or false: ERROR_NO_MORE_ITEMS (259) at the end, ERROR_TIMEOUT (1460), ERROR_CANCELLED (1223),
 *   ERROR_INVALID_PARAMETER (87), ERROR_INVALID_HANDLE (6), ERROR_BUSY (170) while a promise call is pending on it here
 */
export function EvtNext(
  resultSet: EvtHandle,
  eventsSize: number,
  events: EvtHandle[],
  timeout: number,
  flags: number,
  returned: Out<number> = {},
): boolean {
  const api = 'EvtNext';
  events.length = 0;
  returned.value = 0;
  return attempt(false, () => {
    functions.noFlags(flags, api);
    const options = { timeoutMs: functions.timeoutMs(timeout, api) };
    const found = runBlocking(callNextHandles(resultSet, eventsSize, api, options));
    if (found.length === 0) throw new EvtError('ERROR_NO_MORE_ITEMS', api, 'the result set has no more events');
    events.push(...found);
    returned.value = events.length;
    return true;
  });
}

/**
 * Moves the position of a result set. Cancelled through the result set; failed or cancelled, the position stays.
 * @param position events of the result set, in its reading direction, from the origin in `flags`
 * @param bookmark with EvtSeekRelativeToBookmark, else null
 * @param timeout  must be 0
 * @returns true, or false: ERROR_NOT_FOUND (1168) with EvtSeekStrict, ERROR_INVALID_PARAMETER (87), ERROR_CANCELLED (1223)
 */
export function EvtSeek(
  resultSet: EvtHandle,
  position: number | bigint,
  bookmark: EvtHandle | null,
  timeout: number,
  flags: number,
): boolean {
  return attempt(false, () => {
    const request = functions.seekRequest(position, bookmark, timeout, flags);
    runBlocking(callSeek(resultSet, request, 'EvtSeek'));
    return true;
  });
}

/**
 * Cancels what is pending on a handle, from any thread, without waiting for it: EvtNext and EvtSeek through their result
 * set, EvtQuery through its session (null: the local one). The pending call fails with ERROR_CANCELLED (1223). The handle
 * stays open and usable: close it with {@link EvtClose} once the call has returned. With nothing pending: true, no effect.
 * @returns true, or false: ERROR_INVALID_HANDLE (6)
 */
export function EvtCancel(object: EvtHandle | null): boolean {
  return attempt(false, () => {
    cancel(object);
    return true;
  });
}

/**
 * Closes a handle of any kind, from any thread for sessions, result sets and logs, and the handles below it. What is still
 * pending on it ends with ERROR_CANCELLED (1223).
 * @returns true, or false: ERROR_INVALID_HANDLE (6)
 */
export function EvtClose(object: EvtHandle | null): boolean {
  return attempt(false, () => {
    close(object);
    return true;
  });
}

/**
 * What {@link EvtRender} shall give.
 * @param valuePathsCount number of `valuePaths`; 0 for System and User
 * @param valuePaths      for EvtRenderContextValues: XPaths of single nodes, such as `Event/System/EventID`
 * @returns a context for any number of events, or null: ERROR_INVALID_PARAMETER (87), ERROR_EVT_INVALID_QUERY (15001)
 */
export function EvtCreateRenderContext(
  valuePathsCount: number,
  valuePaths: readonly string[] | null,
  flags: number,
): EvtHandle | null {
  return attempt(null, () => functions.createRenderContext(valuePathsCount, valuePaths, flags));
}

/**
 * Renders an event as XML or values, or a bookmark as XML.
 * @param context  for EvtRenderEventValues, else null
 * @param fragment event handle, or bookmark handle with EvtRenderBookmark
 * @param rendered takes the XML, or one variant per value (type Null where the event lacks it)
 * @returns true, or false: ERROR_INVALID_HANDLE (6), ERROR_INVALID_PARAMETER (87), ERROR_EVT_INVALID_EVENT_DATA (15005)
 */
export function EvtRender(
  context: EvtHandle | null,
  fragment: EvtHandle,
  flags: number,
  rendered: Out<string | readonly Variant[]>,
): boolean {
  return attempt(false, () => {
    rendered.value = functions.render(context, fragment, flags);
    return true;
  });
}

/**
 * Makes a bookmark.
 * @param bookmarkXml what {@link EvtRender} gave for one; null for an empty one
 * @returns a handle, or null: ERROR_EVT_MALFORMED_XML_TEXT (15008), ERROR_INVALID_PARAMETER (87)
 */
export function EvtCreateBookmark(bookmarkXml: string | null): EvtHandle | null {
  return attempt(null, () => functions.createBookmark(bookmarkXml));
}

/** Moves a bookmark to an event. @returns true, or false: ERROR_INVALID_HANDLE (6) */
export function EvtUpdateBookmark(bookmark: EvtHandle, event: EvtHandle): boolean {
  return attempt(false, () => {
    functions.updateBookmark(bookmark, event);
    return true;
  });
}

/**
 * EvtEventQueryIDs: UInt32 array of the Query ids that selected the event (empty for XPath, 0xffffffff for a Query without
 * Id); EvtEventPath: the channel or file it was read from.
 * @returns true, or false: ERROR_INVALID_HANDLE (6), ERROR_INVALID_PARAMETER (87)
 */
export function EvtGetEventInfo(event: EvtHandle, propertyId: number, property: Out<Variant>): boolean {
  return attempt(false, () => {
    property.value = functions.eventInfo(event, propertyId);
    return true;
  });
}

/**
 * EvtQueryNames: String array of the query's logs; EvtQueryStatuses: UInt32 array, 0 or the Win32 code of each.
 * @returns true, or false: ERROR_INVALID_HANDLE (6), ERROR_INVALID_PARAMETER (87)
 */
export function EvtGetQueryInfo(queryOrSubscription: EvtHandle, propertyId: number, property: Out<Variant>): boolean {
  return attempt(false, () => {
    property.value = functions.queryInfo(queryOrSubscription, propertyId);
    return true;
  });
}

/**
 * Removes all events of a channel, and saves them to a file first if one is named. Cancelled through the session (null: the local
 * one): the log is untouched then, and there is no file. Record ids go on; the clear is recorded as an event (1102 in Security, else 104 in
 * System).
 * @param targetFilePath absolute path of a file that is not there yet; null: the events are dropped
 * @returns true, or false: ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_FILE_EXISTS (80), ERROR_INVALID_PARAMETER (87),
 *   ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5), ERROR_DISK_FULL (112), ERROR_CANCELLED (1223)
 */
export function EvtClearLog(
  session: EvtHandle | null,
  channelPath: string,
  targetFilePath: string | null,
  flags = 0,
): boolean {
  return attempt(false, () => {
    runBlocking(functions.clearLog(session, channelPath, targetFilePath, flags));
    return true;
  });
}

/**
 * Opens a log to ask about it.
 * @param flags EvtOpenChannelPath or EvtOpenFilePath
 * @returns a handle, or null: ERROR_FILE_NOT_FOUND (2), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_INVALID_PARAMETER (87)
 */
export function EvtOpenLog(session: EvtHandle | null, path: string, flags: number): EvtHandle | null {
  return attempt(null, () => runBlocking(functions.openLog(session, path, flags)));
}

/**
 * One property of a log, EvtLog…; times are FILETIMEs of the file system.
 * @returns true, or false: ERROR_INVALID_HANDLE (6), ERROR_INVALID_PARAMETER (87)
 */
export function EvtGetLogInfo(log: EvtHandle, propertyId: number, property: Out<Variant>): boolean {
  return attempt(false, () => {
    const read = functions.logProperty(propertyId);
    property.value = read(runBlocking(callLogInfo(log, 'EvtGetLogInfo')));
    return true;
  });
}

/**
 * What more is to say about this thread's last failed call: which part of a query is wrong, and where. Kept until the next
 * call of this API.
 * @param text takes the sentence; empty when there is none
 * @returns 0
 */
export function EvtGetExtendedStatus(text: Out<string>): number {
  text.value = extendedStatus;
  return WIN32.ERROR_SUCCESS;
}

/**
 * The names of all channels, for {@link EvtNextChannelPath}.
 * @returns a handle, or null: ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5)
 */
export function EvtOpenChannelEnum(session: EvtHandle | null, flags = 0): EvtHandle | null {
  return attempt(null, () => channels.openChannelEnum(runBlocking(channels.namesOfChannels(session, flags))));
}

/** The next name. @returns true, or false: ERROR_NO_MORE_ITEMS (259) at the end */
export function EvtNextChannelPath(channelEnum: EvtHandle, channelPath: Out<string>): boolean {
  return attempt(false, () => {
    const name = channels.nextChannelPath(channelEnum);
    if (name === undefined)
      throw new EvtError('ERROR_NO_MORE_ITEMS', 'EvtNextChannelPath', 'there are no more channels');
    channelPath.value = name;
    return true;
  });
}

/**
 * A channel's properties.
 * @returns a handle, or null: ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_EVT_INVALID_CHANNEL_PATH (15000)
 */
export function EvtOpenChannelConfig(session: EvtHandle | null, channelPath: string, flags = 0): EvtHandle | null {
  return attempt(null, () =>
    channels.openChannelConfig(session, runBlocking(channels.findChannel(session, channelPath, flags))),
  );
}

/**
 * @param propertyId EvtChannelConfig…, EvtChannelLoggingConfig…, EvtChannelPublishingConfig…, EvtChannelPublisherList
 * @returns true, or false: ERROR_INVALID_PARAMETER (87)
 */
export function EvtGetChannelConfigProperty(
  channelConfig: EvtHandle,
  propertyId: number,
  flags: number,
  propertyValue: Out<Variant>,
): boolean {
  return attempt(false, () => {
    propertyValue.value = channels.channelConfigProperty(channelConfig, propertyId, flags);
    return true;
  });
}

/**
 * Changes the copy in the handle; {@link EvtSaveChannelConfig} keeps it.
 * @returns true, or false: ERROR_INVALID_PARAMETER (87), ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023), ERROR_ACCESS_DENIED (5)
 */
export function EvtSetChannelConfigProperty(
  channelConfig: EvtHandle,
  propertyId: number,
  flags: number,
  propertyValue: Variant,
): boolean {
  return attempt(false, () => {
    channels.setChannelConfigProperty(channelConfig, propertyId, flags, propertyValue);
    return true;
  });
}

/** Keeps the changes. @returns true, or false: ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023), ERROR_ACCESS_DENIED (5) */
export function EvtSaveChannelConfig(channelConfig: EvtHandle, flags = 0): boolean {
  return attempt(false, () => {
    runBlocking(channels.saveChannelConfig(channelConfig, flags));
    return true;
  });
}
