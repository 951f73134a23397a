import { WIN32 } from '../errors/win32.ts';
import { MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import * as operations from '../even6/stubs/operations.ts';
import { runAsynchronous } from '../service/calls.ts';
import { callChannelConfig, callClearLog, callExportLog, callLogInfoOf } from '../service/log-calls.ts';
import type { LogInfo, PathType } from '../service/service.ts';
import { demand, demandQuery } from './access.ts';
import { OpenLog, OperationControl } from './context-objects.ts';
import { invalid } from './query-operations.ts';
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

export function logOperations({ session, access, files }: ServedLogs): ServedOperation[] {
  return [
    serve(operations.REGISTER_CONTROLLABLE_OPERATION, (_, { open }) => ({
      control: open(new OperationControl(undefined)),
    })),

    serve(operations.CLEAR_LOG, async ({ control, channel, backup }, { api, caller, signal, object }) => {
      // Cancelled at whatever point: the control governs all of it.
      await object(control, OperationControl).run(signal, async (either) => {
        // Who may not clear learns all the same whether there is such a channel.
        await runAsynchronous(callChannelConfig(session, channel, api, { signal: either }));
        demand(access, caller.identity, channel, 'clear', api);
        const target = backup === undefined || backup === '' ? undefined : files.file(backup, api);
        const request = { channel, backup: target, onUnrecorded: undefined };
        await runAsynchronous(callClearLog(session, request, api, { signal: either }));
      });
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
        onDamage: undefined,
        onProgress: undefined,
      };
      const allowed = demandQuery(request, access, files, caller.identity, api);
      const target = files.file(input.target, api);
      await controls.run(signal, (either) =>
        runAsynchronous(callExportLog(session, { ...request, ...allowed, target }, api, { signal: either })),
      );
      return { info: operations.NO_INFO };
    }),

    serve(operations.LOCALIZE_EXPORT_LOG, async ({ control, file, flags }, { api, signal, object }) => {
      const controls = object(control, OperationControl);
      if (flags !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
      await controls.run(signal, (either) =>
        runAsynchronous(callLogInfoOf(session, files.file(file, api), 'file', api, { signal: either })),
      );
      // Windows succeeds and says in the details that no message was found: so it is for all events here.
      const error = WIN32.ERROR_EVT_MESSAGE_NOT_FOUND;
      return { info: { error, subError: 0, subErrorParameter: 0 } };
    }),

    serve(operations.OPEN_LOG_HANDLE, async ({ path, flags }, { api, caller, signal, open }) => {
      const pathType = pathTypeOf(flags, 0, api);
      const target = pathType === 'file' ? files.file(path, api) : path;
      const info = () => runAsynchronous(callLogInfoOf(session, target, pathType, api));
      // A log that is not there is told before anybody is asked for his rights.
      await runAsynchronous(callLogInfoOf(session, target, pathType, api, { signal }));
      if (pathType === 'channel') demand(access, caller.identity, path, 'read', api);
      return { log: open(new OpenLog(target, pathType, info)), info: operations.NO_INFO };
    }),

    serve(operations.GET_LOG_FILE_INFO, async ({ log, property, size }, { api, object }) => {
      const { info } = object(log, OpenLog);
      const wanted = INFO[property];
      if (wanted === undefined) throw invalid(api, `property ${property}`);
      if (size > MAX_PAYLOAD) throw invalid(api, `a buffer of ${size} bytes`);
      const value = new Uint8Array(size);
      if (size < INFO_SIZE) {
        throw new AnsweredFailure(WIN32.ERROR_INSUFFICIENT_BUFFER, { value, length: INFO_SIZE });
      }
      const view = new DataView(value.buffer);
      view.setBigUint64(0, wanted.of(await info()), true);
      view.setUint32(8, 1, true);
      view.setUint32(12, wanted.type, true);
      return { value, length: INFO_SIZE };
    }),
  ];
}
