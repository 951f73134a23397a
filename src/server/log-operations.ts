import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import { FaultStatus, RpcFault } from '../even6/rpc/fault.ts';
import { MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import * as operations from '../even6/stubs/operations.ts';
import { runAsynchronous } from '../service/calls.ts';
import { callChannelConfig, callClearLog, callExportLog, callLogInfoOf } from '../service/log-calls.ts';
import type { LogInfo, PathType } from '../service/service.ts';
import { admission, demand, readableFile, writableFile } from './access.ts';
import { OpenLog, OperationControl } from './context-objects.ts';
import { invalid, queryWeight } from './query-operations.ts';
import type { ServedLogs } from './served-logs.ts';
import { AnsweredFailure, type ServedOperation, serve } from './served-operation.ts';

/** Operations 4, 6 to 8, 17 and 18: clearing, exporting, and what is known of a log. */

const PathFlag = { channel: 1, file: 2 } as const;
const TOLERATE = 0x1000;
/** Of a BinXmlVariant: eight bytes of value, a count, a type. */
const INFO_SIZE = 16;
const InfoType = { fileTime: 0x11, uint64: 0xa, uint32: 0x8, boolean: 0xd } as const;

/** The properties of a log by their number (EVT_LOG_PROPERTY_ID). */
const INFO: readonly { readonly type: number; readonly of: (info: LogInfo) => bigint }[] = [
  { type: InfoType.fileTime, of: ({ creationTime }) => creationTime },
  { type: InfoType.fileTime, of: ({ lastAccessTime }) => lastAccessTime },
  { type: InfoType.fileTime, of: ({ lastWriteTime }) => lastWriteTime },
  { type: InfoType.uint64, of: ({ fileSize }) => fileSize },
  { type: InfoType.uint32, of: ({ attributes }) => BigInt(attributes) },
  { type: InfoType.uint64, of: ({ numberOfLogRecords }) => numberOfLogRecords },
  { type: InfoType.uint64, of: ({ oldestRecordNumber }) => oldestRecordNumber },
  { type: InfoType.boolean, of: ({ full }) => (full ? 1n : 0n) },
];

/** Exactly one of the two. @throws EvtError ERROR_INVALID_PARAMETER (87) */
function pathTypeOf(flags: number, others: number, api: string): PathType {
  const kind = flags & ~others;
  if (kind !== PathFlag.channel && kind !== PathFlag.file) throw invalid(api, `flags 0x${flags.toString(16)}`);
  return kind === PathFlag.file ? 'file' : 'channel';
}

export function logOperations(logs: ServedLogs): ServedOperation[] {
  const { session, access, queryUnits } = logs;
  return [
    serve(operations.REGISTER_CONTROLLABLE_OPERATION, (_, { open }) => ({
      control: open(new OperationControl(undefined)),
    })),

    serve(operations.CLEAR_LOG, async ({ control, channel, backup }, { api, caller, signal, object }) => {
      const controls = object(control, OperationControl);
      // Who may not clear learns all the same whether there is such a channel.
      await runAsynchronous(callChannelConfig(session, channel, api, { signal }));
      demand(access, caller.identity, channel, 'clear', api);
      const target = backup === undefined || backup === '' ? undefined : writableFile(logs, backup, api);
      const request = { channel, backup: target, onUnrecorded: undefined };
      await controls.run(signal, (either) => runAsynchronous(callClearLog(session, request, api, { signal: either })));
      return { info: operations.NO_INFO };
    }),

    serve(operations.EXPORT_LOG, async (input, { api, caller, signal, object }) => {
      const { control, channel, query, flags } = input;
      const controls = object(control, OperationControl);
      const request = {
        path: channel === '' ? undefined : channel,
        pathType: pathTypeOf(flags, TOLERATE, api),
        query: query === '' ? undefined : query,
        tolerate: (flags & TOLERATE) !== 0,
        overwrite: false,
        target: writableFile(logs, input.target, api),
        onDamage: undefined,
        onProgress: undefined,
        admit: admission(logs, caller.identity, api),
      };
      queryWeight(query, queryUnits, api);
      await controls.run(signal, (either) => runAsynchronous(callExportLog(session, request, api, { signal: either })));
      return { info: operations.NO_INFO };
    }),

    serve(operations.LOCALIZE_EXPORT_LOG, async ({ control, file, flags }, { api, caller, signal, object }) => {
      object(control, OperationControl);
      if (flags !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
      const target = readableFile(logs, caller.identity, file, api);
      await runAsynchronous(callLogInfoOf(session, target, 'file', api, { signal }));
      // Windows succeeds and says in the details that no message was found: so it is for all events here.
      const error = WIN32.ERROR_EVT_MESSAGE_NOT_FOUND;
      return { info: { error, subError: 0, subErrorParameter: 0 } };
    }),

    serve(operations.OPEN_LOG_HANDLE, async ({ path, flags }, { api, caller, signal, open }) => {
      const pathType = pathTypeOf(flags, 0, api);
      const target = pathType === 'file' ? readableFile(logs, caller.identity, path, api) : path;
      const info = (given: AbortSignal) =>
        runAsynchronous(callLogInfoOf(session, target, pathType, api, { signal: given }));
      // A log that is not there is told before anybody is asked for his rights.
      await info(signal);
      if (pathType === 'channel') demand(access, caller.identity, path, 'read', api);
      return { log: open(new OpenLog(target, pathType, info)), info: operations.NO_INFO };
    }),

    serve(operations.GET_LOG_FILE_INFO, async ({ log, property, size }, { api, signal, object }) => {
      if (size > MAX_PAYLOAD) throw new RpcFault(FaultStatus.invalidBound, `a buffer of ${size} bytes`);
      const value = new Uint8Array(size);
      try {
        const { info } = object(log, OpenLog);
        const wanted = INFO[property];
        if (wanted === undefined) throw invalid(api, `property ${property}`);
        if (size < INFO_SIZE) throw new AnsweredFailure(WIN32.ERROR_INSUFFICIENT_BUFFER, { value, length: INFO_SIZE });
        const view = new DataView(value.buffer);
        view.setBigUint64(0, wanted.of(await info(signal)), true);
        view.setUint32(8, 1, true);
        view.setUint32(12, wanted.type, true);
        return { value, length: INFO_SIZE };
      } catch (error) {
        // The answer has as many bytes as the client has room for, whatever it says.
        if (error instanceof EvtError) throw new AnsweredFailure(error.code, { value });
        throw error;
      }
    }),
  ];
}
