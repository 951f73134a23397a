import { type TypedValue, value } from '../binxml/typed-value.ts';
import { parseFileTime } from '../bytes/time.ts';
import { EvtError } from '../errors/evt-error.ts';
import type { EventValue, NewEvent, UserDataElement } from './written-event.ts';

/**
 * Events as JSON objects, in two shapes: the fields of {@link NewEvent} by name, and what this package prints of an event
 * (`{"Event":{"System":{…},"EventData":{…}}}`), so that what one command prints another can write.
 */

function invalid(detail: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', 'event', detail);
}

type Json = Readonly<Record<string, unknown>>;

function isObject(given: unknown): given is Json {
  return typeof given === 'object' && given !== null && !Array.isArray(given);
}

const FIELDS: readonly string[] = [
  'provider',
  'id',
  'qualifiers',
  'version',
  'level',
  'task',
  'opcode',
  'keywords',
  'timeCreated',
  'activityId',
  'relatedActivityId',
  'processId',
  'threadId',
  'userId',
  'computer',
  'data',
  'binary',
  'userData',
] satisfies (keyof NewEvent)[];

/**
 * The event that a JSON value stands for.
 * @param defaults for what it leaves out
 * @throws EvtError ERROR_INVALID_PARAMETER (87), which names the field
 */
export function eventFromJson(given: unknown, defaults: Partial<NewEvent> = {}): NewEvent {
  if (!isObject(given)) throw invalid('an event is a JSON object');
  const fields = isObject(given['Event']) ? fromPrinted(given['Event']) : given;
  for (const name of Object.keys(fields)) {
    if (!FIELDS.includes(name)) throw invalid(`there is no field "${name}": ${FIELDS.join(', ')}`);
  }
  const merged: Json = { ...defaults, ...fields };
  const text = (name: string) =>
    optional(merged, name, 'text', (field) => (typeof field === 'string' ? field : undefined));
  const number = (name: string) => optional(merged, name, 'a number', numberOf);
  const id = number('id');
  if (id === undefined) throw invalid('an event needs an id');
  return {
    provider: providerOf(merged['provider']),
    id,
    qualifiers: number('qualifiers'),
    version: number('version'),
    level: number('level'),
    task: number('task'),
    opcode: number('opcode'),
    keywords: optional(merged, 'keywords', '64 bits, as 0x… or a number', bigOf),
    timeCreated: optional(merged, 'timeCreated', 'a time such as 2026-01-31T12:00:00.1234567Z', timeOf),
    activityId: text('activityId'),
    relatedActivityId: text('relatedActivityId'),
    processId: number('processId'),
    threadId: number('threadId'),
    userId: text('userId'),
    computer: text('computer'),
    data: optional(merged, 'data', 'an object of named values, or an array of strings', dataOf),
    binary: optional(merged, 'binary', 'bytes in hexadecimal', bytesOf),
    userData: optional(merged, 'userData', 'an object with "name" and "content"', userDataOf),
  };
}

function optional<T>(from: Json, name: string, what: string, read: (field: unknown) => T | undefined): T | undefined {
  const field = from[name];
  if (field === undefined || field === null) return undefined;
  const result = read(field);
  if (result === undefined) throw invalid(`"${name}" must be ${what}`);
  return result;
}

function providerOf(given: unknown): NewEvent['provider'] {
  if (typeof given === 'string' && given !== '') return given;
  if (!isObject(given) || typeof given['name'] !== 'string')
    throw invalid('"provider" must be a name, or {"name", "guid"}');
  const { name, guid, eventSourceName } = given;
  return {
    name,
    ...(typeof guid === 'string' ? { guid } : {}),
    ...(typeof eventSourceName === 'string' ? { eventSourceName } : {}),
  };
}

function numberOf(field: unknown): number | undefined {
  const number = typeof field === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(field) ? Number(field) : field;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

function bigOf(field: unknown): bigint | undefined {
  if (typeof field === 'bigint') return field;
  if (typeof field === 'number') return Number.isSafeInteger(field) ? BigInt(field) : undefined;
  return typeof field === 'string' && /^(0x[0-9a-f]{1,16}|-?\d{1,20})$/i.test(field) ? BigInt(field) : undefined;
}

function timeOf(field: unknown): Date | bigint | undefined {
  if (typeof field === 'bigint' || field instanceof Date) return field;
  return typeof field === 'string' ? parseFileTime(field) : undefined;
}

function bytesOf(field: unknown): Uint8Array | undefined {
  if (field instanceof Uint8Array) return field;
  if (typeof field !== 'string' || field.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(field)) return undefined;
  return Uint8Array.from(field.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function dataOf(field: unknown): NewEvent['data'] {
  if (Array.isArray(field)) return field.every((item) => typeof item === 'string') ? field : undefined;
  if (!isObject(field)) return undefined;
  return Object.fromEntries(Object.entries(field).map(([name, given]) => [name, plainOrTyped(name, given)]));
}

/** A named value: plain JSON, or `{"type":"UInt32","value":5}` where the stored type matters. */
function plainOrTyped(name: string, given: unknown): EventValue {
  if (given === null || typeof given === 'string' || typeof given === 'number' || typeof given === 'boolean')
    return given;
  if (Array.isArray(given) && given.every((item) => typeof item === 'string')) return given;
  if (isObject(given) && typeof given['type'] === 'string') return typedOf(name, given['type'], given['value']);
  throw invalid(`"${name}" must be a JSON value, an array of strings, or {"type", "value"}`);
}

/** How each type is written in JSON. */
const MAKERS: Readonly<Record<string, (given: unknown) => TypedValue | undefined>> = {
  Null: () => value.none,
  String: ofText(value.string),
  Int8: ofNumber(value.int8),
  UInt8: ofNumber(value.uint8),
  Int16: ofNumber(value.int16),
  UInt16: ofNumber(value.uint16),
  Int32: ofNumber(value.int32),
  UInt32: ofNumber(value.uint32),
  Int64: ofBig(value.int64),
  UInt64: ofBig(value.uint64),
  Float: ofReal(value.real32),
  Double: ofReal(value.real64),
  Boolean: (given) => (typeof given === 'boolean' ? value.bool(given) : undefined),
  Binary: ofBytes(value.binary),
  GUID: ofText(value.guid),
  Pointer: (given) => {
    const bits = bigOf(given);
    return bits === undefined ? undefined : value.sizeT(bits, 64);
  },
  FILETIME: (given) => {
    const time = timeOf(given);
    return typeof time === 'bigint' ? value.fileTime(time) : undefined;
  },
  SID: ofText(value.sid),
  HexInt32: ofNumber(value.hexInt32),
  HexInt64: ofBig(value.hexInt64),
};

function ofText(make: (text: string) => TypedValue) {
  return (given: unknown) => (typeof given === 'string' ? make(given) : undefined);
}

function ofNumber(make: (n: number) => TypedValue) {
  return (given: unknown) => {
    const n = typeof given === 'string' && /^-\d+$/.test(given) ? Number(given) : numberOf(given);
    return n === undefined ? undefined : make(n);
  };
}

function ofReal(make: (n: number) => TypedValue) {
  return (given: unknown) => (typeof given === 'number' ? make(given) : undefined);
}

function ofBig(make: (n: bigint) => TypedValue) {
  return (given: unknown) => {
    const n = bigOf(given);
    return n === undefined ? undefined : make(n);
  };
}

function ofBytes(make: (bytes: Uint8Array) => TypedValue) {
  return (given: unknown) => {
    const bytes = bytesOf(given);
    return bytes === undefined ? undefined : make(bytes);
  };
}

function typedOf(name: string, type: string, given: unknown): TypedValue {
  const key = Object.keys(MAKERS).find((one) => one.toLowerCase() === type.toLowerCase().replace(/^(win|xs):/, ''));
  if (key === undefined) throw invalid(`"${name}": there is no type "${type}": ${Object.keys(MAKERS).join(', ')}`);
  const made = MAKERS[key]!(given);
  if (made === undefined) throw invalid(`"${name}": ${JSON.stringify(given)} is no ${key}`);
  return made;
}

const MAX_ELEMENTS_DEEP = 32;

function userDataOf(field: unknown, depth = 0): UserDataElement | undefined {
  if (!isObject(field) || typeof field['name'] !== 'string' || depth > MAX_ELEMENTS_DEEP) return undefined;
  const { name, attributes = {}, content = [] } = field;
  if (!isObject(attributes) || Object.values(attributes).some((text) => typeof text !== 'string')) return undefined;
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part) => (typeof part === 'string' ? part : userDataOf(part, depth + 1)));
  if (parts.includes(undefined)) return undefined;
  return { name, attributes: attributes as Record<string, string>, content: parts as (string | UserDataElement)[] };
}

const ATTRIBUTES = '#attributes';

/** Fields of an event as it is printed. What a log gives anew — record id, channel — is left out. */
function fromPrinted(event: Json): Json {
  const system = isObject(event['System']) ? event['System'] : {};
  const attributes = (name: string): Json => {
    const part = system[name];
    return isObject(part) && isObject(part[ATTRIBUTES]) ? part[ATTRIBUTES] : {};
  };
  const content = (name: string): unknown => {
    const part = system[name];
    return isObject(part) ? part['#text'] : part;
  };
  const provider = attributes('Provider');
  const eventData = event['EventData'];
  const printed: Record<string, unknown> = {
    provider: { name: provider['Name'], guid: provider['Guid'], eventSourceName: provider['EventSourceName'] },
    id: content('EventID'),
    qualifiers: attributes('EventID')['Qualifiers'],
    version: content('Version'),
    level: content('Level'),
    task: content('Task'),
    opcode: content('Opcode'),
    keywords: content('Keywords'),
    timeCreated: attributes('TimeCreated')['SystemTime'],
    activityId: attributes('Correlation')['ActivityID'],
    relatedActivityId: attributes('Correlation')['RelatedActivityID'],
    processId: attributes('Execution')['ProcessID'],
    threadId: attributes('Execution')['ThreadID'],
    userId: attributes('Security')['UserID'],
    computer: content('Computer'),
    ...(isObject(eventData) ? printedData(eventData) : {}),
  };
  if (isObject(event['UserData'])) {
    const [first] = Object.entries(event['UserData']).filter(([name]) => name !== ATTRIBUTES);
    if (first !== undefined) printed['userData'] = printedElement(first[0], first[1], 0);
  }
  return Object.fromEntries(Object.entries(printed).filter(([, field]) => field !== undefined && field !== null));
}

/** Named values stay named; a classic event's strings stand in `Data`, its bytes in `Binary`. */
function printedData(eventData: Json): Json {
  const entries = Object.entries(eventData).filter(([name]) => name !== ATTRIBUTES);
  const data = eventData['Data'];
  const strings = isObject(data) ? data['#text'] : data;
  if (strings !== undefined && entries.every(([name]) => name === 'Data' || name === 'Binary')) {
    const list = Array.isArray(strings) ? strings : [strings];
    return { data: list.map((text) => (text === null ? '' : String(text))), binary: eventData['Binary'] };
  }
  return {
    data: Object.fromEntries(entries.map(([name, given]) => [name, isObject(given) ? JSON.stringify(given) : given])),
  };
}

function printedElement(name: string, given: unknown, depth: number): unknown {
  if (depth > MAX_ELEMENTS_DEEP) return undefined;
  if (!isObject(given)) return { name, content: given === null || given === undefined ? [] : [String(given)] };
  const content = Object.entries(given).flatMap(([child, inner]) => {
    if (child === ATTRIBUTES) return [];
    if (child === '#text') return [String(inner)];
    return (Array.isArray(inner) ? inner : [inner]).map((item) => printedElement(child, item, depth + 1));
  });
  const attributes = isObject(given[ATTRIBUTES]) ? given[ATTRIBUTES] : {};
  const texts = Object.entries(attributes).map(([key, text]) => [key, String(text)]);
  return { name, attributes: Object.fromEntries(texts), content };
}
