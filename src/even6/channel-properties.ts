import {
  CHANNEL_PROPERTIES,
  type ChannelConfig,
  type ChannelProperty,
  defaultConfig,
} from '../store/channel-config.ts';
import type { Channel } from '../store/store-configuration.ts';
import { NULL_VARIANT, type Variant } from './stubs/variant.ts';

/** The 21 properties of a channel on the wire (MS-EVEN6 2.2.15): by their number in EVT_CHANNEL_CONFIG_PROPERTY_ID. */

const MS_PER_SECOND = 1000;
const BRACES = /[{}]/g;

/** A channel's properties as a list, in their order. */
export function variantsOfChannel({ file, config }: Channel): Variant[] {
  return CHANNEL_PROPERTIES.map((property) => variantOf(property, config, file));
}

function variantOf(property: ChannelProperty, config: ChannelConfig, file: string): Variant {
  switch (property) {
    case 'logFilePath':
      return { type: 'string', value: file };
    case 'controlGuid':
      return { type: 'guid', value: config.controlGuid.replaceAll(BRACES, '') };
    case 'publisherList':
      return { type: 'strings', value: config.publisherList };
    case 'owningPublisher':
      return config.owningPublisher === '' ? { type: 'string', value: undefined } : text(config.owningPublisher);
    case 'access':
      return text(config.access);
    case 'maxSize':
      return { type: 'uint64', value: BigInt(config.maxSize) };
    case 'keywords':
      return { type: 'uint64', value: config.keywords };
    case 'latency':
      return { type: 'uint32', value: Math.round(config.latency / MS_PER_SECOND) };
    default: {
      const value = config[property];
      return typeof value === 'boolean' ? { type: 'boolean', value } : { type: 'uint32', value };
    }
  }
}

function text(value: string): Variant {
  return { type: 'string', value };
}

/**
 * What a variant says of a property, in the types of {@link ChannelConfig}; undefined where it says nothing. Integers come in 32
 * or 64 bits, whatever the tables say.
 */
export function propertyValue(property: ChannelProperty, variant: Variant): unknown {
  if (variant.type === 'null' || variant.value === undefined) return undefined;
  const { value } = variant;
  if (property === 'controlGuid') return `{${String(value)}}`;
  if (property === 'keywords') return typeof value === 'number' ? BigInt(value) : value;
  if (property === 'latency') return Number(value) * MS_PER_SECOND;
  return typeof value === 'bigint' ? Number(value) : value;
}

/** A channel of another machine. What it does not say is as in a new channel. */
export function channelOfVariants(name: string, variants: readonly Variant[]): Channel {
  const config: Record<string, unknown> = { ...defaultConfig(name) };
  for (const [i, property] of CHANNEL_PROPERTIES.entries()) {
    const value = propertyValue(property, variants[i] ?? NULL_VARIANT);
    // A property of another type than it ought to have is as good as none.
    if (value !== undefined && isLike(config[property], value)) config[property] = value;
  }
  const file = typeof config['logFilePath'] === 'string' ? config['logFilePath'] : '';
  // Every property has kept the type that the defaults have.
  return { name, file, config: config as unknown as ChannelConfig };
}

function isLike(known: unknown, value: unknown): boolean {
  return known === undefined || (Array.isArray(known) ? Array.isArray(value) : typeof known === typeof value);
}
