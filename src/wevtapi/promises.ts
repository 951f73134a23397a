/**
 * winevt.h with promises: the names of `winevt/wevtapi`, the same handles, and no blocked thread. A failure rejects with
 * {@link EvtError} (code, symbol, api, detail). Only the end of a result set is no failure: {@link EvtNext} gives an empty
 * array. Calls that can take long take a `signal`: aborting it ends that one call with the signal's reason.
 */
import type { Variant } from '../binxml/value.ts';
import { callNextHandles, callSeek, cancel, close, runAsynchronous } from '../service/calls.ts';
import type { EventSignal } from '../service/delivery.ts';
import { callLogInfo } from '../service/log-calls.ts';
import * as channels from './channel-functions.ts';
import type { EvtHandle, EvtRpcLoginInfo, EvtSubscribeCallback } from './functions.ts';
import * as functions from './functions.ts';
import type { FormattedMessage } from './publisher-functions.ts';
import * as publishers from './publisher-functions.ts';

export type { Variant, VariantScalar, VariantValue } from '../binxml/value.ts';
export { EvtError, isCancelled } from '../errors/evt-error.ts';
export type { Win32Symbol } from '../errors/win32.ts';
export type { EventSignal } from '../service/delivery.ts';
export * from './constants.ts';
export type { EvtHandle, EvtRpcLoginInfo, EvtSubscribeCallback } from './functions.ts';
export type { FormattedMessage } from './publisher-functions.ts';

/** Options of a call that can be cancelled. */
export interface CallOptions {
  /** Aborting it cancels this call, nothing else. */
  readonly signal?: AbortSignal | undefined;
}

/** See EvtOpenSession in `winevt/wevtapi`. */
export async function EvtOpenSession(
  loginClass: number,
  login: EvtRpcLoginInfo,
  timeout = 0,
  flags = 0,
): Promise<EvtHandle> {
  return functions.openSession(loginClass, login, timeout, flags, false);
}

/** Runs a query; cancelled through the session. See EvtQuery in `winevt/wevtapi`. */
export async function EvtQuery(
  session: EvtHandle | null,
  path: string | null,
  query: string | null,
  flags: number,
  options: CallOptions = {},
): Promise<EvtHandle> {
  return runAsynchronous(functions.query(session, path, query, flags, options));
}

/**
 * Subscribes to the events of channels; cancelled through the session. See EvtSubscribe in `winevt/wevtapi`.
 * @param signalEvent beside a word of shared memory, also a plain object: its `signalled` is a promise that is fulfilled while there
 *   are unread events, and another one from when EvtNext has given an empty array
 */
export async function EvtSubscribe<T = unknown>(
  session: EvtHandle | null,
  signalEvent: EventSignal | null,
  channelPath: string | null,
  query: string | null,
  bookmark: EvtHandle | null,
  context: T,
  callback: EvtSubscribeCallback<T> | null,
  flags: number,
  options: CallOptions = {},
): Promise<EvtHandle> {
  return runAsynchronous(
    functions.subscribe(session, signalEvent, channelPath, query, bookmark, context, callback, flags, options),
  );
}

/** Next events: their handles; an empty array at the end. Cancelled through the result set. See EvtNext in `winevt/wevtapi`. */
export async function EvtNext(
  resultSet: EvtHandle,
  eventsSize: number,
  timeout = 0xffffffff,
  flags = 0,
  options: CallOptions = {},
): Promise<EvtHandle[]> {
  const api = 'EvtNext';
  functions.noFlags(flags, api);
  const { signal } = options;
  const limits = { signal, timeoutMs: functions.timeoutMs(timeout, api) };
  return runAsynchronous(callNextHandles(resultSet, eventsSize, api, limits));
}

/** Moves the position of a result set; cancelled through it. See EvtSeek in `winevt/wevtapi`. */
export async function EvtSeek(
  resultSet: EvtHandle,
  position: number | bigint,
  bookmark: EvtHandle | null,
  timeout: number,
  flags: number,
  options: CallOptions = {},
): Promise<void> {
  const request = functions.seekRequest(position, bookmark, timeout, flags);
  return runAsynchronous(callSeek(resultSet, request, 'EvtSeek', options));
}

/** Cancels what is pending on a handle, before this function returns. See EvtCancel in `winevt/wevtapi`. */
export async function EvtCancel(object: EvtHandle | null): Promise<void> {
  cancel(object);
}

/** Closes a handle, before this function returns. See EvtClose in `winevt/wevtapi`. */
export async function EvtClose(object: EvtHandle | null): Promise<void> {
  close(object);
}

/** See EvtCreateRenderContext in `winevt/wevtapi`. */
export async function EvtCreateRenderContext(
  valuePathsCount: number,
  valuePaths: readonly string[] | null,
  flags: number,
): Promise<EvtHandle> {
  return functions.createRenderContext(valuePathsCount, valuePaths, flags);
}

/** The XML, or one variant per value. See EvtRender in `winevt/wevtapi`. */
export async function EvtRender(
  context: EvtHandle | null,
  fragment: EvtHandle,
  flags: number,
): Promise<string | readonly Variant[]> {
  return functions.render(context, fragment, flags);
}

/** See EvtCreateBookmark in `winevt/wevtapi`. */
export async function EvtCreateBookmark(bookmarkXml: string | null): Promise<EvtHandle> {
  return functions.createBookmark(bookmarkXml);
}

/** See EvtUpdateBookmark in `winevt/wevtapi`. */
export async function EvtUpdateBookmark(bookmark: EvtHandle, event: EvtHandle): Promise<void> {
  functions.updateBookmark(bookmark, event);
}

/** See EvtGetEventInfo in `winevt/wevtapi`. */
export async function EvtGetEventInfo(event: EvtHandle, propertyId: number): Promise<Variant> {
  return functions.eventInfo(event, propertyId);
}

/** See EvtGetQueryInfo in `winevt/wevtapi`. */
export async function EvtGetQueryInfo(queryOrSubscription: EvtHandle, propertyId: number): Promise<Variant> {
  return functions.queryInfo(queryOrSubscription, propertyId);
}

/** Writes the events of a query to a new log; cancelled through the session. See EvtExportLog in `winevt/wevtapi`. */
export async function EvtExportLog(
  session: EvtHandle | null,
  path: string | null,
  query: string | null,
  targetFilePath: string,
  flags: number,
  options: CallOptions = {},
): Promise<void> {
  await runAsynchronous(functions.exportLog(session, path, query, targetFilePath, flags, options));
}

/** Removes all events of a channel; cancelled through the session. See EvtClearLog in `winevt/wevtapi`. */
export async function EvtClearLog(
  session: EvtHandle | null,
  channelPath: string,
  targetFilePath: string | null,
  flags = 0,
  options: CallOptions = {},
): Promise<void> {
  return runAsynchronous(functions.clearLog(session, channelPath, targetFilePath, flags, options));
}

/** See EvtOpenLog in `winevt/wevtapi`. */
export async function EvtOpenLog(
  session: EvtHandle | null,
  path: string,
  flags: number,
  options: CallOptions = {},
): Promise<EvtHandle> {
  return runAsynchronous(functions.openLog(session, path, flags, options));
}

/** See EvtGetLogInfo in `winevt/wevtapi`. */
export async function EvtGetLogInfo(log: EvtHandle, propertyId: number): Promise<Variant> {
  const read = functions.logProperty(propertyId);
  return read(await runAsynchronous(callLogInfo(log, 'EvtGetLogInfo')));
}

/** The names of all channels, for {@link EvtNextChannelPath}. See EvtOpenChannelEnum in `winevt/wevtapi`. */
export async function EvtOpenChannelEnum(session: EvtHandle | null, flags = 0): Promise<EvtHandle> {
  return channels.openChannelEnum(await runAsynchronous(channels.namesOfChannels(session, flags)));
}

/** The next name; undefined at the end. See EvtNextChannelPath in `winevt/wevtapi`. */
export async function EvtNextChannelPath(channelEnum: EvtHandle): Promise<string | undefined> {
  return channels.nextChannelPath(channelEnum);
}

/** See EvtOpenChannelConfig in `winevt/wevtapi`. */
export async function EvtOpenChannelConfig(
  session: EvtHandle | null,
  channelPath: string,
  flags = 0,
): Promise<EvtHandle> {
  return channels.openChannelConfig(session, await runAsynchronous(channels.findChannel(session, channelPath, flags)));
}

/** See EvtGetChannelConfigProperty in `winevt/wevtapi`. */
export async function EvtGetChannelConfigProperty(
  channelConfig: EvtHandle,
  propertyId: number,
  flags = 0,
): Promise<Variant> {
  return channels.channelConfigProperty(channelConfig, propertyId, flags);
}

/** Changes the copy in the handle. See EvtSetChannelConfigProperty in `winevt/wevtapi`. */
export async function EvtSetChannelConfigProperty(
  channelConfig: EvtHandle,
  propertyId: number,
  flags: number,
  propertyValue: Variant,
): Promise<void> {
  channels.setChannelConfigProperty(channelConfig, propertyId, flags, propertyValue);
}

/** Keeps the changes. See EvtSaveChannelConfig in `winevt/wevtapi`. */
export async function EvtSaveChannelConfig(channelConfig: EvtHandle, flags = 0): Promise<void> {
  return runAsynchronous(channels.saveChannelConfig(channelConfig, flags));
}

/** The names of all publishers, for {@link EvtNextPublisherId}. See EvtOpenPublisherEnum in `winevt/wevtapi`. */
export async function EvtOpenPublisherEnum(
  session: EvtHandle | null,
  flags = 0,
  options: CallOptions = {},
): Promise<EvtHandle> {
  return publishers.openPublisherEnum(await runAsynchronous(publishers.namesOfPublishers(session, flags, options)));
}

/** The next name; undefined at the end. See EvtNextPublisherId in `winevt/wevtapi`. */
export async function EvtNextPublisherId(publisherEnum: EvtHandle): Promise<string | undefined> {
  return publishers.nextPublisherId(publisherEnum);
}

/** What a publisher says of itself; cancelled through the session. See EvtOpenPublisherMetadata in `winevt/wevtapi`. */
export async function EvtOpenPublisherMetadata(
  session: EvtHandle | null,
  publisherId: string | null,
  logFilePath: string | null = null,
  locale = 0,
  flags = 0,
  options: CallOptions = {},
): Promise<EvtHandle> {
  return runAsynchronous(publishers.openPublisherMetadata(session, publisherId, logFilePath, locale, flags, options));
}

/** See EvtGetPublisherMetadataProperty in `winevt/wevtapi`. */
export async function EvtGetPublisherMetadataProperty(
  publisherMetadata: EvtHandle,
  propertyId: number,
  flags = 0,
): Promise<Variant> {
  return publishers.publisherMetadataProperty(publisherMetadata, propertyId, flags);
}

/** See EvtGetObjectArraySize in `winevt/wevtapi`. */
export async function EvtGetObjectArraySize(objectArray: EvtHandle): Promise<number> {
  return publishers.objectArraySize(objectArray);
}

/** See EvtGetObjectArrayProperty in `winevt/wevtapi`. */
export async function EvtGetObjectArrayProperty(
  objectArray: EvtHandle,
  propertyId: number,
  arrayIndex: number,
  flags = 0,
): Promise<Variant> {
  return publishers.objectArrayProperty(objectArray, propertyId, arrayIndex, flags);
}

/** The events that a publisher declares; cancelled through it. See EvtOpenEventMetadataEnum in `winevt/wevtapi`. */
export async function EvtOpenEventMetadataEnum(
  publisherMetadata: EvtHandle,
  flags = 0,
  options: CallOptions = {},
): Promise<EvtHandle> {
  const events = await runAsynchronous(publishers.eventsOfPublisher(publisherMetadata, flags, options));
  return publishers.openEventMetadataEnum(publisherMetadata, events);
}

/** The next event's metadata; undefined at the end. See EvtNextEventMetadata in `winevt/wevtapi`. */
export async function EvtNextEventMetadata(eventMetadataEnum: EvtHandle, flags = 0): Promise<EvtHandle | undefined> {
  return publishers.nextEventMetadata(eventMetadataEnum, flags);
}

/** See EvtGetEventMetadataProperty in `winevt/wevtapi`. */
export async function EvtGetEventMetadataProperty(
  eventMetadata: EvtHandle,
  propertyId: number,
  flags = 0,
): Promise<Variant> {
  return publishers.eventMetadataProperty(eventMetadata, propertyId, flags);
}

/** A text of an event or of its publisher; cancelled through the publisher. See EvtFormatMessage in `winevt/wevtapi`. */
export async function EvtFormatMessage(
  publisherMetadata: EvtHandle | null,
  event: EvtHandle | null,
  messageId: number,
  valueCount: number,
  values: readonly Variant[] | null,
  flags: number,
  options: CallOptions = {},
): Promise<FormattedMessage> {
  return runAsynchronous(
    publishers.formatMessage(publisherMetadata, event, messageId, valueCount, values, flags, options),
  );
}
