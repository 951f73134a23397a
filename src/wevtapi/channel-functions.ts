import type { Variant } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { EvtError } from '../errors/evt-error.ts';
import { localHandle } from '../operations/handle-table.ts';
import type { Call } from '../service/calls.ts';
import { type HandleObject, handleObject, keepHandle } from '../service/handle-registry.ts';
import { callChannelConfig, callChannels, callSaveChannelConfig } from '../service/log-calls.ts';
import {
  CHANNEL_PROPERTIES,
  type ChannelConfig,
  type ChannelProperty,
  changedConfig,
} from '../store/channel-config.ts';
import type { Channel } from '../store/store-configuration.ts';
import { EVT_VARIANT_TYPE_ARRAY } from './constants.ts';
import { type EvtHandle, noFlags } from './functions.ts';

/** The channel functions of both faces: names of channels, and their properties. Everything here throws EvtError. */

class ChannelEnumObject implements HandleObject {
  readonly names: readonly string[];
  next = 0;

  constructor(names: readonly string[]) {
    this.names = names;
  }

  release(): void {}
}

class ChannelConfigObject implements HandleObject {
  readonly session: EvtHandle | null;
  readonly channel: string;
  readonly file: string;
  config: ChannelConfig;

  constructor(session: EvtHandle | null, { name, file, config }: Channel) {
    this.session = session;
    this.channel = name;
    this.file = file;
    this.config = config;
  }

  release(): void {}
}

export function namesOfChannels(session: EvtHandle | null, flags: number): Call<string[]> {
  noFlags(flags, 'EvtOpenChannelEnum');
  return callChannels(session, 'EvtOpenChannelEnum');
}

export function openChannelEnum(names: readonly string[]): EvtHandle {
  const handle = localHandle();
  keepHandle(handle, new ChannelEnumObject(names));
  return handle;
}

/** @returns undefined at the end */
export function nextChannelPath(channelEnum: EvtHandle): string | undefined {
  const object = handleObject(channelEnum, ChannelEnumObject, 'EvtNextChannelPath');
  return object.names[object.next++];
}

export function findChannel(session: EvtHandle | null, channel: string, flags: number): Call<Channel> {
  noFlags(flags, 'EvtOpenChannelConfig');
  return callChannelConfig(session, channel, 'EvtOpenChannelConfig');
}

export function openChannelConfig(session: EvtHandle | null, channel: Channel): EvtHandle {
  const handle = localHandle();
  keepHandle(handle, new ChannelConfigObject(session, channel));
  return handle;
}

function propertyOf(id: number, api: string): ChannelProperty {
  const property = CHANNEL_PROPERTIES[id];
  if (property === undefined) throw new EvtError('ERROR_INVALID_PARAMETER', api, `property ${id}`);
  return property;
}

const UINT32: readonly ChannelProperty[] = [
  'isolation',
  'type',
  'level',
  'bufferSize',
  'minBuffers',
  'maxBuffers',
  'latency',
  'clockType',
  'sidType',
  'fileMax',
];

export function channelConfigProperty(config: EvtHandle, id: number, flags: number): Variant {
  const api = 'EvtGetChannelConfigProperty';
  noFlags(flags, api);
  const object = handleObject(config, ChannelConfigObject, api);
  const property = propertyOf(id, api);
  const given = object.config[property];
  if (property === 'logFilePath') return { type: ValueType.String, value: object.file };
  if (property === 'owningPublisher' && given === '') return { type: ValueType.Null, value: null };
  if (property === 'controlGuid') return { type: ValueType.Guid, value: given as string };
  if (property === 'publisherList') {
    return { type: ValueType.String | EVT_VARIANT_TYPE_ARRAY, value: given as readonly string[] };
  }
  if (property === 'maxSize') return { type: ValueType.UInt64, value: BigInt(given as number) };
  if (property === 'keywords') return { type: ValueType.UInt64, value: given as bigint };
  if (UINT32.includes(property)) return { type: ValueType.UInt32, value: given as number };
  if (typeof given === 'boolean') return { type: ValueType.Bool, value: given };
  return { type: ValueType.String, value: given as string };
}

/** Changes the copy in the handle. */
export function setChannelConfigProperty(config: EvtHandle, id: number, flags: number, { value }: Variant): void {
  const api = 'EvtSetChannelConfigProperty';
  noFlags(flags, api);
  const object = handleObject(config, ChannelConfigObject, api);
  object.config = changedConfig(object.config, object.channel, propertyOf(id, api), value ?? undefined, api);
}

export function saveChannelConfig(config: EvtHandle, flags: number): Call<void> {
  const api = 'EvtSaveChannelConfig';
  noFlags(flags, api);
  const { session, channel, config: wanted } = handleObject(config, ChannelConfigObject, api);
  return callSaveChannelConfig(session, channel, wanted, api);
}
