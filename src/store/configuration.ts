import { EvtError } from '../errors/evt-error.ts';
import { type ChannelConfig, type ChannelProperty, defaultConfig, PROPERTY_TYPES } from './channel-config.ts';
import { channelKey, checkChannelName } from './channel-name.ts';

/**
 * The text of a store's configuration file: JSON for people, with what differs from the defaults.
 *
 *     { "version": 1, "channels": { "Application": { "maxSize": 41943040 }, "App/Operational": {} } }
 */
export interface Configuration {
  /** Channels by name, in the file's order. */
  readonly channels: ReadonlyMap<string, ChannelConfig>;
  /** What a later version may have written beside: kept. */
  readonly other: Readonly<Record<string, unknown>>;
}

const VERSION = 1;
/** A store with thousands of channels has a file of some hundred KB. */
const MAX_TEXT = 64 * 1024 * 1024;

const PROPERTIES = Object.keys(PROPERTY_TYPES) as ChannelProperty[];

/**
 * Reads a configuration.
 * @param file for messages
 * @throws EvtError ERROR_INVALID_DATA (13), which names the place
 */
export function parseConfiguration(text: string, file: string, api: string): Configuration {
  const fail = (detail: string) => new EvtError('ERROR_INVALID_DATA', api, `${file}: ${detail}`);
  if (text.length > MAX_TEXT) throw fail('it is too long for a configuration');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw fail(`this is no JSON: ${(error as Error).message}`);
  }
  if (!isObject(json)) throw fail('it must hold an object');
  const { version, channels: given = {}, ...other } = json;
  if (version !== VERSION) throw fail(`version ${JSON.stringify(version)} is not known: 1 is`);
  if (!isObject(given)) throw fail('"channels" must be an object');
  const channels = new Map<string, ChannelConfig>();
  const keys = new Set<string>();
  for (const [name, properties] of Object.entries(given)) {
    try {
      checkChannelName(name, api);
    } catch (error) {
      throw fail((error as EvtError).detail);
    }
    if (keys.has(channelKey(name))) throw fail(`the channel "${name}" stands twice: names have no case`);
    keys.add(channelKey(name));
    if (!isObject(properties)) throw fail(`channel "${name}": it must be an object`);
    channels.set(name, configOf(name, properties, fail));
  }
  return { channels, other };
}

function configOf(name: string, properties: Json, fail: (detail: string) => EvtError): ChannelConfig {
  let config = defaultConfig(name);
  for (const [property, given] of Object.entries(properties)) {
    const known = PROPERTIES.find((one) => one === property);
    if (known === undefined)
      throw fail(`channel "${name}": there is no property "${property}": ${PROPERTIES.join(', ')}`);
    const value = jsonValue(known, given);
    if (value === undefined) {
      throw fail(`channel "${name}": ${property} must be ${TYPE_WORDS[PROPERTY_TYPES[known]]}`);
    }
    config = { ...config, [known]: value };
  }
  return config;
}

const TYPE_WORDS = {
  boolean: 'true or false',
  number: 'a whole number, 0 or more',
  string: 'text',
  bigint: 'text such as "0xffffffffffffffff"',
  strings: 'an array of texts',
} as const;

function jsonValue(property: ChannelProperty, given: unknown): unknown {
  switch (PROPERTY_TYPES[property]) {
    case 'bigint':
      return typeof given === 'string' && /^0x[0-9a-f]{1,16}$/i.test(given) ? BigInt(given) : undefined;
    case 'number':
      return Number.isSafeInteger(given) && (given as number) >= 0 ? given : undefined;
    case 'strings':
      return Array.isArray(given) && given.every((item) => typeof item === 'string') ? given : undefined;
    default:
      return typeof given === PROPERTY_TYPES[property] ? given : undefined;
  }
}

/** The text of a configuration. */
export function configurationText({ channels, other }: Configuration): string {
  const written: Record<string, Record<string, unknown>> = {};
  for (const [name, config] of channels) {
    const defaults = defaultConfig(name);
    const different = PROPERTIES.filter((property) => !isEqual(config[property], defaults[property]));
    written[name] = Object.fromEntries(different.map((property) => [property, jsonOf(config[property])]));
  }
  return `${JSON.stringify({ version: VERSION, ...other, channels: written }, undefined, 2)}\n`;
}

function jsonOf(given: unknown): unknown {
  return typeof given === 'bigint' ? `0x${given.toString(16)}` : given;
}

function isEqual(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

type Json = Readonly<Record<string, unknown>>;

function isObject(given: unknown): given is Json {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}
