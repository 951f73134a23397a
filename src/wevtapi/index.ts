/**
 * winevt.h, blocking as in C: functions return a handle or null, true or false, and set the last error of the thread.
 *
 * Two things differ from C. What C writes into a caller's buffer (size, buffer, size used) comes through one out parameter,
 * so ERROR_INSUFFICIENT_BUFFER (122) does not occur. And a call blocks its thread: run long ones in a worker thread, or use
 * the same names from `winevt/wevtapi/promises`; handles of both are the same.
 *
 * A blocked thread takes nothing from the network: a session with another computer that {@link EvtOpenSession} of this face opens has its
 * connections in a thread of their own. One that `winevt/wevtapi/promises` has opened cannot be blocked on: ERROR_NOT_SUPPORTED (50), and
 * {@link EvtGetExtendedStatus} says so.
 *
 * Source: the winevt.h reference, learn.microsoft.com.
 */
import type { Variant } from '../binxml/value.ts';
import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import { callNextHandles, callSeek, cancel, close, runBlocking } from '../service/calls.ts';
import { callLogInfo } from '../service/log-calls.ts';
import * as channels from './channel-functions.ts';
import { WAIT_FAILED } from './constants.ts';
import type { EvtHandle, EvtRpcLoginInfo, EvtSubscribeCallback } from './functions.ts';
import * as functions from './functions.ts';
import type { FormattedMessage } from './publisher-functions.ts';
import * as publishers from './publisher-functions.ts';

export type { Variant, VariantScalar, VariantValue } from '../binxml/value.ts';
export { EvtError, isCancelled } from '../errors/evt-error.ts';
export type { Win32Symbol } from '../errors/win32.ts';
export * from './constants.ts';
export type { EvtHandle, EvtRpcLoginInfo, EvtSubscribeCallback } from './functions.ts';
export type { FormattedMessage } from './publisher-functions.ts';

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
 * Opens a session with another computer, or with this one (`Server` null), whose `LogsFolder` then holds the channels' files. It
 * connects when something is first asked of it, in a thread of its own: calls of this face block on it, those of the other one do not.
 * Sessions that `winevt/wevtapi/promises` has opened cannot be blocked on: ERROR_NOT_SUPPORTED (50).
 * @returns a handle, or null: ERROR_INVALID_PARAMETER (87), ERROR_NOT_SUPPORTED (50) for Kerberos, ERROR_ACCESS_DENIED (5) for a
 *   password without a user, or a user without a password
 */
export function EvtOpenSession(loginClass: number, login: EvtRpcLoginInfo, timeout = 0, flags = 0): EvtHandle | null {
  return attempt(null, () => functions.openSession(loginClass, login, timeout, flags, true));
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
 * Subscribes to the events of channels, those that are there and those that will come. Cancelled through the session (null: the
 * local one). Either a signal or a callback must be given. It ends with {@link EvtClose}; until then it keeps the process running.
 *
 * With a signal, {@link EvtNext} gives the events. The signal is a word of shared memory, `new Int32Array(new
 * SharedArrayBuffer(4))`: it is 1 while there are unread events, and 0 from when EvtNext has answered ERROR_NO_MORE_ITEMS (259)
 * until one comes. This thread sets it when its event loop turns, and in {@link WaitForSingleObject}; other threads can wait on it
 * with Atomics.wait. Waking somebody for nothing is possible: EvtNext decides.
 *
 * With a callback, each event goes to it in order, in later turns of this thread's event loop, the next one when the last has
 * returned; a promise it returns is waited for. What it throws becomes a warning of the process. None begins after EvtClose has
 * returned in this thread; EvtClose and EvtCancel may be called inside. EvtCancel on such a subscription has no effect.
 *
 * @param signalEvent  the signal, or null
 * @param channelPath  channel name; also, unlike Windows, an absolute path or a name in `.evtx`: a log file, which may be growing.
 *   Null when the structured query names its own
 * @param query        XPath or structured XML; null for all events
 * @param bookmark     with EvtSubscribeStartAfterBookmark, else null. Where its record is gone, the next one that is left comes
 *   first; a log it does not name is read from its oldest record
 * @param context      given to the callback
 * @param flags        EvtSubscribe… flags. With EvtSubscribeStrict a bookmark that does not fit is a failure, and where records are
 *   overwritten or cleared before they were read, EvtNext fails once with ERROR_EVT_QUERY_RESULT_STALE (15011), or the callback gets
 *   that code; it goes on with the oldest record that is left
 * @returns the subscription, or null: ERROR_INVALID_PARAMETER (87), ERROR_EVT_INVALID_CHANNEL_PATH (15000), ERROR_EVT_INVALID_QUERY
 *   (15001), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_FILE_NOT_FOUND (2), ERROR_ACCESS_DENIED (5), ERROR_EVENTLOG_FILE_CORRUPT
 *   (1500), ERROR_CANCELLED (1223); strict: ERROR_NOT_FOUND (1168) or 15011 for the bookmark, 15000 for any channel that is not there
 */
export function EvtSubscribe<T = unknown>(
  session: EvtHandle | null,
  signalEvent: Int32Array | null,
  channelPath: string | null,
  query: string | null,
  bookmark: EvtHandle | null,
  context: T,
  callback: EvtSubscribeCallback<T> | null,
  flags: number,
): EvtHandle | null {
  return attempt(null, () =>
    runBlocking(functions.subscribe(session, signalEvent, channelPath, query, bookmark, context, callback, flags)),
  );
}

/**
 * Waits for the signal of {@link EvtSubscribe}, as winbase.h's function does for its event; the signal stays as it is. While this
 * thread waits here, nothing else runs in it.
 * @param timeout milliseconds; INFINITE: no limit
 * @returns WAIT_OBJECT_0 (0), WAIT_TIMEOUT (258), or WAIT_FAILED for what is no signal: ERROR_INVALID_PARAMETER (87)
 */
export function WaitForSingleObject(signal: Int32Array, timeout: number): number {
  return attempt(WAIT_FAILED, () => functions.waitForSingleObject(signal, timeout));
}

/**
 * Next events of a result set or a subscription. Cancelled through it: nothing is handed out then, and the next call gives what
 * this one would have given.
 * @param eventsSize 1 to 1024
 * @param events     takes the handles; close each with {@link EvtClose}
 * @param timeout    milliseconds to look for events, and, on a subscription, to wait for some; INFINITE and 0: what is there, as on
 *   Windows
 * @param returned   takes the number of handles; 0 when the call fails
 * @returns true, or false: ERROR_NO_MORE_ITEMS (259) at the end, ERROR_TIMEOUT (1460), ERROR_CANCELLED (1223),
 *   ERROR_INVALID_PARAMETER (87), ERROR_INVALID_HANDLE (6), ERROR_BUSY (170) while a promise call is pending on it here,
 *   ERROR_EVT_QUERY_RESULT_STALE (15011) on a strict subscription, ERROR_INVALID_OPERATION (4317) on one with a callback
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
 * set or subscription, EvtQuery and EvtSubscribe through their session (null: the local one). The pending call fails with ERROR_CANCELLED (1223). The handle
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
 * Writes the events of a query to a new log, in its order. Cancelled through the session (null: the local one): the target is as it
 * was then. Record ids in the new log count from 1; each event keeps its EventRecordID.
 * @param path           channel (EvtExportLogChannelPath) or log file (EvtExportLogFilePath); null when the query names its own
 * @param query          XPath or structured XML; null for all events. A result without events makes a valid log without any
 * @param targetFilePath absolute path of a file that is not there yet; with EvtExportLogOverwrite it is replaced
 * @returns true, or false: ERROR_FILE_EXISTS (80), ERROR_INVALID_PARAMETER (87), ERROR_INVALID_NAME (123), ERROR_PATH_NOT_FOUND
 *   (3), ERROR_ACCESS_DENIED (5), ERROR_DISK_FULL (112), those of {@link EvtQuery}, ERROR_CANCELLED (1223)
 */
export function EvtExportLog(
  session: EvtHandle | null,
  path: string | null,
  query: string | null,
  targetFilePath: string,
  flags: number,
): boolean {
  return attempt(false, () => {
    runBlocking(functions.exportLog(session, path, query, targetFilePath, flags));
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

/**
 * The names of all publishers, for {@link EvtNextPublisherId}: those that the channels name, and those whose events are in their logs.
 * @returns a handle, or null: ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5), ERROR_CANCELLED (1223)
 */
export function EvtOpenPublisherEnum(session: EvtHandle | null, flags = 0): EvtHandle | null {
  return attempt(null, () =>
    publishers.openPublisherEnum(runBlocking(publishers.namesOfPublishers(session, flags, {}))),
  );
}

/** The next name. @returns true, or false: ERROR_NO_MORE_ITEMS (259) at the end */
export function EvtNextPublisherId(publisherEnum: EvtHandle, publisherId: Out<string>): boolean {
  return attempt(false, () => {
    const name = publishers.nextPublisherId(publisherEnum);
    if (name === undefined)
      throw new EvtError('ERROR_NO_MORE_ITEMS', 'EvtNextPublisherId', 'there are no more publishers');
    publisherId.value = name;
    return true;
  });
}

/**
 * What a publisher says of itself and of its events. It is closed with its session; what is read from it is closed with it.
 * @param publisherId null: what every machine has, whoever publishes
 * @param logFilePath an archived log whose messages come first, or null; logs of this machine have none
 * @param locale      Windows' number of a language; 0: the machine's own
 * @returns a handle, or null: ERROR_FILE_NOT_FOUND (2) for a publisher that is not known, ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND
 *   (15002) where no more than its name is, as for all of this machine's; ERROR_INVALID_PARAMETER (87), ERROR_CANCELLED (1223)
 */
export function EvtOpenPublisherMetadata(
  session: EvtHandle | null,
  publisherId: string | null,
  logFilePath: string | null = null,
  locale = 0,
  flags = 0,
): EvtHandle | null {
  return attempt(null, () =>
    runBlocking(publishers.openPublisherMetadata(session, publisherId, logFilePath, locale, flags, {})),
  );
}

/**
 * One property of a publisher. Of ChannelReferences, Levels, Tasks, Opcodes and Keywords it is a handle (EvtVarTypeEvtHandle) for
 * {@link EvtGetObjectArrayProperty}; close it.
 * @param propertyId EvtPublisherMetadata…
 * @returns true, or false: ERROR_INVALID_PARAMETER (87), ERROR_INVALID_HANDLE (6)
 */
export function EvtGetPublisherMetadataProperty(
  publisherMetadata: EvtHandle,
  propertyId: number,
  flags: number,
  propertyValue: Out<Variant>,
): boolean {
  return attempt(false, () => {
    propertyValue.value = publishers.publisherMetadataProperty(publisherMetadata, propertyId, flags);
    return true;
  });
}

/** @returns true, or false: ERROR_INVALID_HANDLE (6) */
export function EvtGetObjectArraySize(objectArray: EvtHandle, size: Out<number>): boolean {
  return attempt(false, () => {
    size.value = publishers.objectArraySize(objectArray);
    return true;
  });
}

/**
 * One property of an item of a publisher's list.
 * @param propertyId of the item, such as EvtPublisherMetadataLevelName
 * @returns true, or false: ERROR_INVALID_PARAMETER (87), also for an index that is too large
 */
export function EvtGetObjectArrayProperty(
  objectArray: EvtHandle,
  propertyId: number,
  arrayIndex: number,
  flags: number,
  propertyValue: Out<Variant>,
): boolean {
  return attempt(false, () => {
    propertyValue.value = publishers.objectArrayProperty(objectArray, propertyId, arrayIndex, flags);
    return true;
  });
}

/**
 * The events that a publisher declares, for {@link EvtNextEventMetadata}.
 * @returns a handle, or null: ERROR_INVALID_HANDLE (6), ERROR_CANCELLED (1223)
 */
export function EvtOpenEventMetadataEnum(publisherMetadata: EvtHandle, flags = 0): EvtHandle | null {
  return attempt(null, () =>
    publishers.openEventMetadataEnum(
      publisherMetadata,
      runBlocking(publishers.eventsOfPublisher(publisherMetadata, flags, {})),
    ),
  );
}

/** The next event's metadata; close it. @returns a handle, or null: ERROR_NO_MORE_ITEMS (259) at the end */
export function EvtNextEventMetadata(eventMetadataEnum: EvtHandle, flags = 0): EvtHandle | null {
  return attempt(null, () => {
    const event = publishers.nextEventMetadata(eventMetadataEnum, flags);
    if (event === undefined)
      throw new EvtError('ERROR_NO_MORE_ITEMS', 'EvtNextEventMetadata', 'there are no more events');
    return event;
  });
}

/** @param propertyId EventMetadataEvent… @returns true, or false: ERROR_INVALID_PARAMETER (87) */
export function EvtGetEventMetadataProperty(
  eventMetadata: EvtHandle,
  propertyId: number,
  flags: number,
  propertyValue: Out<Variant>,
): boolean {
  return attempt(false, () => {
    propertyValue.value = publishers.eventMetadataProperty(eventMetadata, propertyId, flags);
    return true;
  });
}

/**
 * A text of an event or of its publisher. Without a publisher: those that the event carries because it was forwarded, and those that
 * every machine has, in English. A text in which something is not resolved is a success.
 * @param publisherMetadata of the event's publisher, or null
 * @param event             null only for EvtFormatMessageId and EvtFormatMessageProvider
 * @param messageId         for EvtFormatMessageId
 * @param values            what goes into the text instead of the event's own values, or null
 * @param flags             one of EvtFormatMessage…
 * @param message           takes the text; with EvtFormatMessageKeyword an array of them
 * @returns true, or false: ERROR_EVT_MESSAGE_NOT_FOUND (15027), ERROR_EVT_MESSAGE_ID_NOT_FOUND (15028), ERROR_INVALID_PARAMETER (87),
 *   ERROR_INVALID_HANDLE (6)
 */
export function EvtFormatMessage(
  publisherMetadata: EvtHandle | null,
  event: EvtHandle | null,
  messageId: number,
  valueCount: number,
  values: readonly Variant[] | null,
  flags: number,
  message: Out<FormattedMessage>,
): boolean {
  return attempt(false, () => {
    message.value = runBlocking(
      publishers.formatMessage(publisherMetadata, event, messageId, valueCount, values, flags, {}),
    );
    return true;
  });
}
