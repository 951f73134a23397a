import { EvtError } from '../errors/evt-error.ts';
import { propertyValue, variantsOfChannel } from '../even6/channel-properties.ts';
import * as operations from '../even6/stubs/operations.ts';
import type { Variant } from '../even6/stubs/variant.ts';
import { runAsynchronous } from '../service/calls.ts';
import { callChannelConfig, callChannels, callSaveChannelConfig } from '../service/log-calls.ts';
import {
  CHANNEL_PROPERTIES,
  type ChannelConfig,
  type ChannelProperty,
  changedConfig,
  defaultConfig,
} from '../store/channel-config.ts';
import { channelKey } from '../store/channel-name.ts';
import type { Channel } from '../store/store-configuration.ts';
import { accessDenied, writableFile } from './access.ts';
import { invalid } from './query-operations.ts';
import type { ServedLogs } from './served-logs.ts';
import { type ClientCall, type ServedOperation, serve } from './served-operation.ts';

/** Operations 15, 16 and 19 to 21: the channels and their configuration. */

const AssertKind = { channel: 0, publisher: 1 } as const;
const PutFlag = { openOrCreate: 0, open: 1, createAnew: 2, createOnly: 3 } as const;
/** What a client may not change. */
const FIXED: readonly ChannelProperty[] = ['bufferSize', 'minBuffers', 'maxBuffers', 'latency', 'clockType', 'sidType'];
/** Changes that wait to be asserted, of all clients. */
const MAX_PENDING = 1024;

export function configurationOperations(logs: ServedLogs): ServedOperation[] {
  const { session, access } = logs;
  /** What op 21 has changed and op 15 has not yet put into force, by channel. */
  const pending = new Map<string, { readonly name: string; readonly config: ChannelConfig }>();

  const administratorOnly = ({ api, caller }: ClientCall) => {
    if (!access.isAdministrator(caller.identity)) throw accessDenied(api, 'for administrators only');
  };

  return [
    serve(operations.GET_CHANNEL_LIST, async (_, { api, signal }) => ({
      names: await runAsynchronous(callChannels(session, api, { signal })),
    })),

    serve(operations.GET_CHANNEL_CONFIG, async ({ channel }, { api, signal }) => ({
      properties: variantsOfChannel(await runAsynchronous(callChannelConfig(session, channel, api, { signal }))),
    })),

    serve(operations.PUT_CHANNEL_CONFIG, async ({ channel, flags, properties }, call) => {
      const { api, signal } = call;
      administratorOnly(call);
      if (flags > PutFlag.createOnly) throw invalid(api, `flags ${flags}`);
      const known = await configOf(session, channel, api, signal);
      if (known === undefined) throw notHere(channel, flags, api);
      if (flags === PutFlag.createOnly) {
        throw new EvtError('ERROR_ALREADY_EXISTS', api, `there is a channel ${channel}`);
      }
      const key = channelKey(channel);
      if (pending.size >= MAX_PENDING && !pending.has(key)) {
        throw new EvtError('ERROR_OUTOFMEMORY', api, 'too many changes wait to be asserted');
      }
      const base =
        flags === PutFlag.createAnew ? defaultConfig(known.name) : (pending.get(key)?.config ?? known.config);
      const config = changed(base, known.name, properties, api);
      if (config.logFilePath !== base.logFilePath) checkLogFile(logs, config.logFilePath, api);
      pending.set(key, { name: known.name, config });
      return { info: operations.NO_INFO };
    }),

    serve(operations.ASSERT_CONFIG, async ({ path, flags }, call) => {
      const { api, signal } = call;
      administratorOnly(call);
      if (flags > AssertKind.publisher) throw invalid(api, `flags ${flags}`);
      // A publisher has nothing here that could be put into force.
      if (flags === AssertKind.publisher) return {};
      const { name } = await runAsynchronous(callChannelConfig(session, path, api, { signal }));
      const key = channelKey(name);
      const change = pending.get(key);
      if (change !== undefined) {
        await runAsynchronous(callSaveChannelConfig(session, change.name, change.config, api, { signal }));
        // What somebody has changed meanwhile waits for its own assertion.
        if (pending.get(key) === change) pending.delete(key);
      }
      return {};
    }),

    serve(operations.RETRACT_CONFIG, async ({ path, flags }, call) => {
      const { api, signal } = call;
      administratorOnly(call);
      if (flags > AssertKind.publisher) throw invalid(api, `flags ${flags}`);
      if (flags === AssertKind.channel) await runAsynchronous(callChannelConfig(session, path, api, { signal }));
      throw new EvtError('ERROR_NOT_SUPPORTED', api, 'channels and publishers of a store are not removed from afar');
    }),
  ];
}

/** A channel; undefined when there is none of that name. */
async function configOf(
  session: number | null,
  channel: string,
  api: string,
  signal: AbortSignal,
): Promise<Channel | undefined> {
  try {
    return await runAsynchronous(callChannelConfig(session, channel, api, { signal }));
  } catch (error) {
    if (error instanceof EvtError && error.symbol === 'ERROR_EVT_CHANNEL_NOT_FOUND') return undefined;
    throw error;
  }
}

function notHere(channel: string, flags: number, api: string): EvtError {
  return flags === PutFlag.open
    ? new EvtError('ERROR_NOT_FOUND', api, `there is no channel ${channel}`)
    : new EvtError('ERROR_NOT_SUPPORTED', api, 'a channel is made by its first event');
}

/** A log that a client moves is a file like any other that he names. @throws EvtError ERROR_ACCESS_DENIED (5), ERROR_INVALID_DATA (13) */
function checkLogFile(logs: ServedLogs, file: string | undefined, api: string): void {
  if (file === undefined) return;
  if (writableFile(logs, file, api) === file) return;
  throw new EvtError('ERROR_INVALID_DATA', api, `the log ${file} needs its whole path`);
}

/** A configuration with what a client has changed. @throws EvtError ERROR_INVALID_OPERATION (4317), ERROR_INVALID_DATA (13) */
function changed(config: ChannelConfig, channel: string, properties: readonly Variant[], api: string): ChannelConfig {
  let result = config;
  for (const [i, variant] of properties.entries()) {
    const property = CHANNEL_PROPERTIES[i];
    if (property === undefined || variant.changed !== true) continue;
    if (FIXED.includes(property)) throw new EvtError('ERROR_INVALID_OPERATION', api, `${property} is fixed`);
    try {
      result = changedConfig(result, channel, property, propertyValue(property, variant), api);
    } catch (error) {
      if (!(error instanceof EvtError) || error.symbol === 'ERROR_ACCESS_DENIED') throw error;
      throw new EvtError('ERROR_INVALID_DATA', api, error.detail, { cause: error });
    }
  }
  return result;
}
