import { u32, u64 } from '../../bytes/little-endian.ts';
import { EvtError } from '../../errors/evt-error.ts';
import { channelOfVariants, variantsOfChannel } from '../../even6/channel-properties.ts';
import type { RpcAnswer, RpcClient } from '../../even6/rpc/rpc-client.ts';
import type { ContextHandle, Fields } from '../../even6/stubs/codec.ts';
import type { RpcInfo, RpcOperation } from '../../even6/stubs/operations.ts';
import * as operations from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { io, type Task } from '../../operations/task.ts';
import type { MessageRequest } from '../../providers/metadata.ts';
import { CHANNEL_PROPERTIES, type ChannelConfig } from '../../store/channel-config.ts';
import type { AppendResult } from '../../store/channel-log.ts';
import type { Channel } from '../../store/store-configuration.ts';
import type {
  ClearRequest,
  EventLogService,
  ExportRequest,
  ExportResult,
  LogInfo,
  PathType,
  Publisher,
  PublisherRequest,
  QueryRequest,
  ResultSet,
  SubscribeRequest,
  Subscription,
  WriteRequest,
} from '../service.ts';
import { outOfTime } from './event-feed.ts';
import { Interrupted, RemoteCaller, statusError, statusOf } from './remote-call.ts';
import { defaultMessage, openPublisher, publishersOfChannel } from './remote-publisher.ts';
import { RemoteResultSet, registerQuery } from './remote-result-set.ts';
import { RemoteSubscription, registerSubscription } from './remote-subscription.ts';
import { withPlace } from './server-says.ts';

const PathFlag = { channel: 1, file: 2 } as const;
const TOLERATE = 0x1000;
const INFO_PROPERTIES = 8;
const INFO_SIZE = 16;
const OPEN_CHANNEL = 1;
const ASSERT_CHANNEL = 0;

/** The event logs of another machine, over MS-EVEN6. It connects when it is first asked for something. */
export class RemoteService implements EventLogService {
  readonly #caller: RemoteCaller;
  readonly #host: string;

  constructor(host: string, client: RpcClient) {
    this.#host = host;
    this.#caller = new RemoteCaller(client);
  }

  *query(request: QueryRequest, operation: Operation): Task<ResultSet> {
    operation.checkpoint();
    if (request.recover) throw unsupported(operation.api, 'records are recovered from files of this machine only');
    try {
      const registration = yield* registerQuery(this.#caller, request, operation);
      return new RemoteResultSet(this.#caller, request, registration);
    } catch (error) {
      throw withPlace(error, request);
    }
  }

  *subscribe(request: SubscribeRequest, operation: Operation): Task<Subscription> {
    operation.checkpoint();
    if (request.pathType === 'file') throw unsupported(operation.api, 'only channels of other machines are followed');
    try {
      const registration = yield* registerSubscription(this.#caller, request, operation);
      return new RemoteSubscription(this.#caller, request, registration);
    } catch (error) {
      throw withPlace(error, request);
    }
  }

  // biome-ignore lint/correctness/useYield: a task that fails at once
  *write(_: WriteRequest, operation: Operation): Task<AppendResult[]> {
    throw unsupported(operation.api, 'the protocol has no way to write events to another machine');
  }

  /** The session ends: what it has open at the server is gone with its connections. */
  *closeWriters(): Task<void> {
    yield* io({
      sync: () => this.#caller.association.close(),
      async: async () => this.#caller.association.close(),
    });
  }

  /**
   * Exports into a file of the server. A cancelled export that the server had already finished leaves its file there.
   */
  *exportLog(request: ExportRequest, operation: Operation): Task<ExportResult> {
    operation.checkpoint();
    const { path, pathType, query, tolerate, target, overwrite } = request;
    const { api } = operation;
    if (overwrite) throw unsupported(api, 'a file of another machine is not replaced');
    const flags = PathFlag[pathType] | (tolerate ? TOLERATE : 0);
    try {
      yield* this.#controlled(
        operation,
        function* (caller, control) {
          const input = { control, channel: path, query: query ?? '*', target, flags };
          return yield* caller.call(operations.EXPORT_LOG, input, operation, { control });
        },
        `exporting to ${target}`,
      );
    } catch (error) {
      throw withPlace(error, request);
    }
    return yield* this.#exported(target, operation);
  }

  /** How much a file of the server holds, where it says so: the export itself has no such answer. */
  *#exported(target: string, operation: Operation): Task<ExportResult> {
    try {
      const { numberOfLogRecords, fileSize } = yield* this.logInfo(target, 'file', operation);
      return { records: Number(numberOfLogRecords), sizeBytes: Number(fileSize) };
    } catch (error) {
      // The export is done, whatever happens now.
      if (!(error instanceof EvtError)) throw error;
      return { records: Number.NaN, sizeBytes: Number.NaN };
    }
  }

  *clearLog({ channel, backup }: ClearRequest, operation: Operation): Task<void> {
    operation.checkpoint();
    yield* this.#controlled(
      operation,
      function* (caller, control) {
        const input = { control, channel, backup, flags: 0 };
        return yield* caller.call(operations.CLEAR_LOG, input, operation, { control });
      },
      `clearing ${channel}`,
    );
  }

  /** Runs a call that is cancelled through a control handle of its own. */
  *#controlled(
    operation: Operation,
    call: (caller: RemoteCaller, control: ContextHandle) => Task<RpcAnswer<{ readonly info: RpcInfo }>>,
    what: string,
  ): Task<void> {
    const { api } = operation;
    const { control } = yield* this.#ask(operations.REGISTER_CONTROLLABLE_OPERATION, {}, operation, what);
    try {
      const { values, status } = yield* call(this.#caller, control);
      const failure = statusOf(status, values.info);
      if (failure !== 0) throw statusError(failure, api, what);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const late = error.late as RpcAnswer<{ readonly info: RpcInfo }> | undefined;
      // It was done before the cancel came: the call succeeds.
      if (late !== undefined && statusOf(late.status, late.values.info) === 0) return;
      throw error.reason ?? outOfTime(api);
    } finally {
      this.#caller.close([control], api);
    }
  }

  #ask<In extends Fields, Out extends Fields>(
    asked: RpcOperation<In, Out>,
    input: In,
    operation: Operation,
    what: string,
  ): Task<Out> {
    return this.#caller.ask(asked, input, operation, what);
  }

  *logInfo(path: string, pathType: PathType, operation: Operation): Task<LogInfo> {
    const input = { path, flags: PathFlag[pathType] };
    const { log } = yield* this.#ask(operations.OPEN_LOG_HANDLE, input, operation, `the log ${path}`);
    try {
      const values: Uint8Array[] = [];
      for (let property = 0; property < INFO_PROPERTIES; property++) {
        const wanted = { log, property, size: INFO_SIZE };
        const { value } = yield* this.#ask(operations.GET_LOG_FILE_INFO, wanted, operation, `the log ${path}`);
        if (value.length < INFO_SIZE) throw new EvtError('ERROR_INVALID_DATA', operation.api, 'a property is cut off');
        values.push(value);
      }
      const number = (i: number) => u64(values[i]!, 0);
      return {
        creationTime: number(0),
        lastAccessTime: number(1),
        lastWriteTime: number(2),
        fileSize: number(3),
        attributes: u32(values[4]!, 0),
        numberOfLogRecords: number(5),
        oldestRecordNumber: number(6),
        full: u32(values[7]!, 0) !== 0,
      };
    } finally {
      this.#caller.close([log], operation.api);
    }
  }

  *channels(operation: Operation): Task<string[]> {
    const { names } = yield* this.#ask(
      operations.GET_CHANNEL_LIST,
      { flags: 0 },
      operation,
      `the channels of ${this.#host}`,
    );
    return [...names];
  }

  *publishers(operation: Operation): Task<string[]> {
    const { names } = yield* this.#ask(
      operations.GET_PUBLISHER_LIST,
      { flags: 0 },
      operation,
      `the publishers of ${this.#host}`,
    );
    return [...names];
  }

  *publishersOfChannel(channel: string, operation: Operation): Task<string[]> {
    return yield* publishersOfChannel(this.#caller, channel, operation);
  }

  *openPublisher(request: PublisherRequest, operation: Operation): Task<Publisher> {
    return yield* openPublisher(this.#caller, request, operation);
  }

  *defaultMessage(request: MessageRequest, operation: Operation): Task<readonly string[]> {
    return yield* defaultMessage(this.#caller, request, operation);
  }

  *channelConfig(channel: string, operation: Operation): Task<Channel> {
    const input = { channel, flags: 0 };
    const { properties } = yield* this.#ask(operations.GET_CHANNEL_CONFIG, input, operation, `the channel ${channel}`);
    return channelOfVariants(channel, properties);
  }

  *saveChannelConfig(channel: string, config: ChannelConfig, operation: Operation): Task<void> {
    const known = yield* this.channelConfig(channel, operation);
    const before = variantsOfChannel(known);
    const properties = variantsOfChannel({ ...known, file: config.logFilePath ?? known.file, config }).map(
      (variant, i) => ({
        ...variant,
        changed: !isSame(variant.value, before[i]!.value),
      }),
    );
    if (properties.length !== CHANNEL_PROPERTIES.length || !properties.some(({ changed }) => changed)) return;
    const what = `the channel ${channel}`;
    yield* this.#ask(operations.PUT_CHANNEL_CONFIG, { channel, flags: OPEN_CHANNEL, properties }, operation, what);
    yield* this.#ask(operations.ASSERT_CONFIG, { path: channel, flags: ASSERT_CHANNEL }, operation, what);
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) ? a.length === b.length && a.every((item, i) => item === b[i]) : a === b;
}

function unsupported(api: string, what: string): EvtError {
  return new EvtError('ERROR_NOT_SUPPORTED', api, what);
}
