import { EvtError } from '../errors/evt-error.ts';
import type { LogLimits, LogMode } from './channel-log.ts';
import { channelKey } from './channel-name.ts';

/** EVT_CHANNEL_TYPE */
export const ChannelType = { admin: 0, operational: 1, analytic: 2, debug: 3 } as const;
/** EVT_CHANNEL_ISOLATION_TYPE */
export const ChannelIsolation = { application: 0, system: 1, custom: 2 } as const;

/** A channel's properties, as EvtGetChannelConfigProperty has them. Sizes in bytes unless said otherwise. */
export interface ChannelConfig {
  readonly enabled: boolean;
  /** {@link ChannelIsolation} */
  readonly isolation: number;
  /** {@link ChannelType} */
  readonly type: number;
  readonly owningPublisher: string;
  readonly classicEventlog: boolean;
  /** Security descriptor, in SDDL. Kept and shown; who may do what is up to the file system. */
  readonly access: string;
  /** True: a full log does not overwrite. */
  readonly retention: boolean;
  /** True, with {@link retention}: a full log becomes an archive, and a new one begins. */
  readonly autoBackup: boolean;
  readonly maxSize: number;
  /** Undefined: a file of the channel's name in the store. */
  readonly logFilePath: string | undefined;
  readonly level: number;
  readonly keywords: bigint;
  readonly controlGuid: string;
  /** Kilobytes. */
  readonly bufferSize: number;
  readonly minBuffers: number;
  readonly maxBuffers: number;
  /** Milliseconds. */
  readonly latency: number;
  readonly clockType: number;
  readonly sidType: number;
  readonly publisherList: readonly string[];
  readonly fileMax: number;
}

export type ChannelProperty = keyof ChannelConfig;

/** Properties by their number in EVT_CHANNEL_CONFIG_PROPERTY_ID. */
export const CHANNEL_PROPERTIES: readonly ChannelProperty[] = [
  'enabled',
  'isolation',
  'type',
  'owningPublisher',
  'classicEventlog',
  'access',
  'retention',
  'autoBackup',
  'maxSize',
  'logFilePath',
  'level',
  'keywords',
  'controlGuid',
  'bufferSize',
  'minBuffers',
  'maxBuffers',
  'latency',
  'clockType',
  'sidType',
  'publisherList',
  'fileMax',
];

/** Those that a provider's manifest decides, not who administers the machine. */
const READ_ONLY: readonly ChannelProperty[] = [
  'type',
  'owningPublisher',
  'classicEventlog',
  'controlGuid',
  'bufferSize',
  'minBuffers',
  'maxBuffers',
  'latency',
  'clockType',
  'sidType',
  'publisherList',
];

const MIB = 1024 * 1024;
const SIZE_STEP = 64 * 1024;
/** The smallest log Windows allows. */
export const MIN_MAX_SIZE = MIB;
const CLASSIC_MAX_SIZE = 20 * MIB;
const MOST_FILES = 16;
const ALL_KEYWORDS = 0xffff_ffff_ffff_ffffn;
const NO_GUID = '{00000000-0000-0000-0000-000000000000}';

/** Channels every store has, and that cannot be switched off. */
export const CLASSIC_CHANNELS: readonly string[] = ['Application', 'Security', 'System'];

const APPLICATION_ACCESS =
  'O:BAG:SYD:(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x7;;;SO)(A;;0x3;;;IU)(A;;0x3;;;SU)(A;;0x3;;;S-1-5-3)(A;;0x3;;;S-1-5-33)(A;;0x1;;;S-1-5-32-573)';
const SYSTEM_ACCESS =
  'O:BAG:SYD:(A;;0xf0007;;;SY)(A;;0x7;;;BA)(A;;0x3;;;BO)(A;;0x5;;;SO)(A;;0x1;;;IU)(A;;0x3;;;SU)(A;;0x1;;;S-1-5-3)(A;;0x2;;;S-1-5-33)(A;;0x1;;;S-1-5-32-573)';
const CUSTOM_ACCESS = 'O:BAG:SYD:(A;;0xf0005;;;SY)(A;;0x5;;;BA)(A;;0x1;;;S-1-5-32-573)';

function accessOf(isolation: number): string {
  if (isolation === ChannelIsolation.application) return APPLICATION_ACCESS;
  return isolation === ChannelIsolation.system ? SYSTEM_ACCESS : CUSTOM_ACCESS;
}

/** What a channel is like when nobody has said anything else. */
export function defaultConfig(channel: string): ChannelConfig {
  const classic = CLASSIC_CHANNELS.some((name) => channelKey(name) === channelKey(channel));
  const isolation =
    !classic || channelKey(channel) === 'application'
      ? ChannelIsolation.application
      : channelKey(channel) === 'system'
        ? ChannelIsolation.system
        : ChannelIsolation.custom;
  return {
    enabled: true,
    isolation,
    type: /\/operational$/i.test(channel) ? ChannelType.operational : ChannelType.admin,
    owningPublisher: '',
    classicEventlog: classic,
    access: accessOf(isolation),
    retention: false,
    autoBackup: false,
    maxSize: classic ? CLASSIC_MAX_SIZE : MIN_MAX_SIZE,
    logFilePath: undefined,
    level: 0,
    keywords: ALL_KEYWORDS,
    controlGuid: NO_GUID,
    bufferSize: 64,
    minBuffers: 0,
    maxBuffers: 64,
    latency: 1000,
    clockType: 0,
    sidType: 1,
    publisherList: [],
    fileMax: 1,
  };
}

/** The type of a property's value. */
export const PROPERTY_TYPES = {
  enabled: 'boolean',
  isolation: 'number',
  type: 'number',
  owningPublisher: 'string',
  classicEventlog: 'boolean',
  access: 'string',
  retention: 'boolean',
  autoBackup: 'boolean',
  maxSize: 'number',
  logFilePath: 'string',
  level: 'number',
  keywords: 'bigint',
  controlGuid: 'string',
  bufferSize: 'number',
  minBuffers: 'number',
  maxBuffers: 'number',
  latency: 'number',
  clockType: 'number',
  sidType: 'number',
  publisherList: 'strings',
  fileMax: 'number',
} as const satisfies Record<ChannelProperty, string>;

function hasType(property: ChannelProperty, given: unknown): boolean {
  const type = PROPERTY_TYPES[property];
  if (type === 'strings') return Array.isArray(given) && given.every((item) => typeof item === 'string');
  if (type === 'number') return Number.isSafeInteger(given) && (given as number) >= 0;
  return typeof given === type || (property === 'logFilePath' && given === undefined);
}

/**
 * A configuration with one property changed. Sizes are rounded up to 64 KiB; a new isolation brings its own access.
 * @param channel whose it is
 * @throws EvtError ERROR_INVALID_PARAMETER (87) for a value of the wrong type and for a property that cannot be changed;
 *   ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023) for a value that is not possible; ERROR_ACCESS_DENIED (5) for what the
 *   classic channels keep
 */
export function changedConfig(
  config: ChannelConfig,
  channel: string,
  property: ChannelProperty,
  given: unknown,
  api: string,
): ChannelConfig {
  if (READ_ONLY.includes(property)) {
    throw new EvtError('ERROR_INVALID_PARAMETER', api, `the property ${property} of a channel cannot be changed`);
  }
  const value = property === 'maxSize' && typeof given === 'bigint' ? Number(given) : given;
  if (!hasType(property, value)) {
    throw new EvtError(
      'ERROR_INVALID_PARAMETER',
      api,
      `${property}: ${String(given)} is no ${PROPERTY_TYPES[property]}`,
    );
  }
  const isClassic = CLASSIC_CHANNELS.some((name) => channelKey(name) === channelKey(channel));
  if (isClassic && (property === 'enabled' || property === 'isolation') && value !== config[property]) {
    throw new EvtError('ERROR_ACCESS_DENIED', api, `${property} of the channel ${channel} cannot be changed`);
  }
  if (property === 'maxSize') {
    if ((value as number) < MIN_MAX_SIZE) throw wrong(api, `maxSize: ${String(value)} is less than 1048576 bytes`);
    return { ...config, maxSize: Math.ceil((value as number) / SIZE_STEP) * SIZE_STEP };
  }
  if (property === 'isolation') {
    if ((value as number) > ChannelIsolation.custom) throw wrong(api, `isolation: ${String(value)} is none of 0, 1, 2`);
    return { ...config, isolation: value as number, access: accessOf(value as number) };
  }
  if (property === 'level' && (value as number) > 0xff) throw wrong(api, `level: ${String(value)} is more than 255`);
  if (property === 'fileMax' && ((value as number) < 1 || (value as number) > MOST_FILES)) {
    throw wrong(api, `fileMax: ${String(value)} is not in 1 … ${MOST_FILES}`);
  }
  if (property === 'access' && !/^(O:|G:|D:|S:)/i.test(value as string)) throw wrong(api, 'access is no SDDL text');
  return { ...config, [property]: value };
}

function wrong(api: string, detail: string): EvtError {
  return new EvtError('ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE', api, detail);
}

/**
 * What holds between the properties of a configuration that is saved.
 * @throws EvtError ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023)
 */
export function checkConfig({ retention, autoBackup }: ChannelConfig, api: string): void {
  if (autoBackup && !retention) throw wrong(api, 'autoBackup needs retention: a log that overwrites never gets full');
}

export function logMode({ retention, autoBackup }: Pick<ChannelConfig, 'retention' | 'autoBackup'>): LogMode {
  return retention ? (autoBackup ? 'autoBackup' : 'retain') : 'circular';
}

export function logLimits(config: ChannelConfig): LogLimits {
  return { maxSizeBytes: config.maxSize, mode: logMode(config) };
}
