import { SaxesParser } from 'saxes';
import { EvtError } from '../errors/evt-error.ts';
import { type ChannelConfig, type ChannelProperty, PROPERTY_TYPES } from './channel-config.ts';

/** A channel's properties as wevtutil prints them: lines of text, and XML that can be read back. */

const NAMESPACE = 'http://schemas.microsoft.com/win/2004/08/events';
const TYPE_NAMES: readonly string[] = ['Admin', 'Operational', 'Analytic', 'Debug'];
const ISOLATION_NAMES: readonly string[] = ['Application', 'System', 'Custom'];

/** Names as wevtutil spells them, by where they stand. */
const HEAD = ['enabled', 'type', 'owningPublisher', 'isolation', 'channelAccess'] as const;
const LOGGING = ['logFileName', 'retention', 'autoBackup', 'maxSize'] as const;
const PUBLISHING = ['fileMax'] as const;

/** The property behind each of wevtutil's names. */
const PROPERTY: Readonly<Record<string, ChannelProperty>> = {
  enabled: 'enabled',
  type: 'type',
  owningPublisher: 'owningPublisher',
  isolation: 'isolation',
  access: 'access',
  channelAccess: 'access',
  logFileName: 'logFilePath',
  retention: 'retention',
  autoBackup: 'autoBackup',
  maxSize: 'maxSize',
  level: 'level',
  keywords: 'keywords',
  fileMax: 'fileMax',
};

/** What a person calls a value of a property. */
export function propertyText(property: ChannelProperty, config: ChannelConfig, file: string): string {
  const given = config[property];
  if (property === 'logFilePath') return file;
  if (property === 'type') return TYPE_NAMES[given as number] ?? String(given);
  if (property === 'isolation') return ISOLATION_NAMES[given as number] ?? String(given);
  if (typeof given === 'bigint') return `0x${given.toString(16)}`;
  return Array.isArray(given) ? given.join(', ') : String(given);
}

/**
 * The value that a text stands for.
 * @throws EvtError ERROR_INVALID_PARAMETER (87) when it is none of the property's
 */
export function propertyOfText(property: ChannelProperty, text: string, api: string): unknown {
  const word = text.trim();
  const fail = (what: string) => new EvtError('ERROR_INVALID_PARAMETER', api, `${property}: "${word}" is ${what}`);
  if (property === 'isolation') {
    const index = ISOLATION_NAMES.findIndex((name) => name.toLowerCase() === word.toLowerCase());
    if (index < 0) throw fail(`none of ${ISOLATION_NAMES.join(', ')}`);
    return index;
  }
  switch (PROPERTY_TYPES[property]) {
    case 'boolean':
      if (!/^(true|false)$/i.test(word)) throw fail('neither true nor false');
      return word.toLowerCase() === 'true';
    case 'number':
      if (!/^\d{1,15}$/.test(word)) throw fail('no number');
      return Number(word);
    case 'bigint':
      if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(word)) throw fail('no mask of 64 bits');
      return BigInt(word);
    default:
      return word;
  }
}

/** As `wevtutil gl` prints it. */
export function configText(name: string, config: ChannelConfig, file: string): string {
  const line = (label: string) => `${label}: ${propertyText(PROPERTY[label]!, config, file)}`.trimEnd();
  return [
    `name: ${name}`,
    ...HEAD.map(line),
    'logging:',
    ...LOGGING.map((label) => `  ${line(label)}`),
    'publishing:',
    ...PUBLISHING.map((label) => `  ${line(label)}`),
    '',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** As `wevtutil gl /f:xml` prints it. */
export function configXml(name: string, config: ChannelConfig, file: string): string {
  const text = (property: ChannelProperty) => escaped(propertyText(property, config, file));
  const element = (label: string) => `    <${label}>${text(PROPERTY[label]!)}</${label}>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<channel name="${escaped(name)}" isolation="${text('isolation')}" type="${text('type')}" enabled="${text('enabled')}"` +
      ` owningPublisher="${text('owningPublisher')}" classic="${text('classicEventlog')}" access="${text('access')}" xmlns="${NAMESPACE}">`,
    '  <logging>',
    ...LOGGING.map(element),
    '  </logging>',
    '  <publishing>',
    ...PUBLISHING.map(element),
    '  </publishing>',
    '</channel>',
    '',
  ].join('\n');
}

/** What a configuration file asks for. */
export interface WantedConfig {
  readonly name: string;
  readonly changes: readonly (readonly [property: ChannelProperty, text: string])[];
}

/** What {@link configXml} prints, and a channel cannot be given. */
const FIXED: readonly string[] = ['type', 'owningPublisher', 'classic', 'xmlns', 'value'];
const MAX_DEPTH = 8;

/**
 * Reads what {@link configXml} has written, or wevtutil.
 * @throws EvtError ERROR_EVT_MALFORMED_XML_TEXT (15008), ERROR_INVALID_DATA (13) for XML that is no channel
 */
export function parseConfigXml(xml: string, api: string): WantedConfig {
  const parser = new SaxesParser();
  const path: string[] = [];
  const changes: [ChannelProperty, string][] = [];
  let name: string | undefined;
  let text = '';
  const fail = (detail: string) => new EvtError('ERROR_INVALID_DATA', api, `line ${parser.line}: ${detail}`);
  const change = (label: string, given: string) => {
    const key = Object.keys(PROPERTY).find((one) => one.toLowerCase() === label.toLowerCase());
    if (key === undefined) throw fail(`"${label}" is no property that a channel can be given`);
    changes.push([PROPERTY[key]!, given]);
  };
  parser.on('error', (error) => {
    throw new EvtError('ERROR_EVT_MALFORMED_XML_TEXT', api, error.message);
  });
  parser.on('opentag', ({ name: tag, attributes }) => {
    if (path.length >= MAX_DEPTH) throw fail('elements are nested too deep');
    if (path.length === 0) {
      if (tag.toLowerCase() !== 'channel') throw fail(`the root element is <${tag}>, not <channel>`);
      for (const [label, given] of Object.entries(attributes)) {
        if (label === 'name') name = given as string;
        else if (!FIXED.includes(label) && !label.startsWith('xmlns:')) change(label, given as string);
      }
    }
    path.push(tag);
    text = '';
  });
  parser.on('text', (part) => {
    text += part;
  });
  parser.on('closetag', ({ name: tag }) => {
    path.pop();
    // channel > logging or publishing > property
    if (path.length === 2) change(tag, text);
  });
  parser.write(xml).close();
  if (name === undefined) throw new EvtError('ERROR_INVALID_DATA', api, 'the <channel> has no name');
  return { name, changes };
}
