import { EvtError } from '../errors/evt-error.ts';
import { HandleKind } from '../operations/handle-table.ts';
import { Operation, type OperationOptions } from '../operations/operation.ts';
import type { ChannelConfig } from '../store/channel-config.ts';
import type { AppendResult } from '../store/channel-log.ts';
import type { Channel } from '../store/store-configuration.ts';
import { type Call, callOpening, callSession } from './calls.ts';
import { handleObject } from './handle-registry.ts';
import { LogObject, sessionObject } from './objects.ts';
import type { ClearRequest, ExportRequest, ExportResult, LogInfo, PathType, WriteRequest } from './service.ts';

/** The calls on whole logs: writing, exporting, clearing, what is known of a log, and of its channel. */

/** Writes events to a channel. Cancelled through the session while it waits for its turn; none is written then. */
export function callWrite(
  session: number | null,
  request: WriteRequest,
  api: string,
  options: OperationOptions = {},
): Call<AppendResult[]> {
  return callSession(session, api, options, (service, operation) => service.write(request, operation));
}

/** Marks the logs that this session has written to as closed. */
export function callCloseWriters(session: number | null, api: string): Call<void> {
  const { object } = sessionObject(session, api);
  const operation = new Operation(api, undefined);
  return { api, task: () => object.service.closeWriters(operation), queue: undefined, signal: undefined };
}

/** EvtExportLog. Cancelled through the session: the target is as it was then. */
export function callExportLog(
  session: number | null,
  request: ExportRequest,
  api: string,
  options: OperationOptions = {},
): Call<ExportResult> {
  return callSession(session, api, options, (service, operation) => service.exportLog(request, operation));
}

/** EvtClearLog. Cancelled through the session: the log is untouched then, and there is no backup. */
export function callClearLog(
  session: number | null,
  request: ClearRequest,
  api: string,
  options: OperationOptions = {},
): Call<void> {
  if (request.channel === '') {
    throw new EvtError('ERROR_INVALID_PARAMETER', api, 'name the channel that is to be cleared');
  }
  return callSession(session, api, options, (service, operation) => service.clearLog(request, operation));
}

/** EvtOpenLog: checks that the log is there. */
export function callOpenLog(
  session: number | null,
  path: string,
  pathType: PathType,
  api: string,
  options: OperationOptions = {},
): Call<number> {
  return callOpening(
    session,
    HandleKind.log,
    api,
    options,
    (service, operation) => service.logInfo(path, pathType, operation),
    (_, __, service) => new LogObject(service, path, pathType),
    () => {},
  );
}

/** EvtGetLogInfo of an open log. */
export function callLogInfo(log: number | null, api: string): Call<LogInfo> {
  const object = handleObject(log, LogObject, api);
  const operation = new Operation(api, log!);
  const task = () => object.service.logInfo(object.path, object.pathType, operation);
  return { api, task, queue: undefined, signal: undefined };
}

/** Information on a log by its name. */
export function callLogInfoOf(
  session: number | null,
  path: string,
  pathType: PathType,
  api: string,
  options: OperationOptions = {},
): Call<LogInfo> {
  return callSession(session, api, options, (service, operation) => service.logInfo(path, pathType, operation));
}

/** A channel's properties. */
export function callChannelConfig(
  session: number | null,
  channel: string,
  api: string,
  options: OperationOptions = {},
): Call<Channel> {
  return callSession(session, api, options, (service, operation) => service.channelConfig(channel, operation));
}

/** Keeps a channel's properties. */
export function callSaveChannelConfig(
  session: number | null,
  channel: string,
  config: ChannelConfig,
  api: string,
  options: OperationOptions = {},
): Call<void> {
  return callSession(session, api, options, (service, operation) =>
    service.saveChannelConfig(channel, config, operation),
  );
}

/** Names of all channels. */
export function callChannels(session: number | null, api: string, options: OperationOptions = {}): Call<string[]> {
  return callSession(session, api, options, (service, operation) => service.channels(operation));
}
