import { EvtError } from '../errors/evt-error.ts';
import { type EventMetadata, NO_MESSAGE, type PublisherMetadata } from '../providers/metadata.ts';
import { NULL_VARIANT, type Variant } from './stubs/variant.ts';

/**
 * The 29 properties of a publisher on the wire (MS-EVEN6 2.2.18; by their number in EVT_PUBLISHER_METADATA_PROPERTY_ID), and the 9 of
 * one of its events. Operation 24 answers some of them, operation 25 one group of the others.
 */

const PROPERTIES = 29;
const EVENT_PROPERTIES = 9;

const Property = {
  guid: 0,
  resourceFilePath: 1,
  parameterFilePath: 2,
  messageFilePath: 3,
  helpLink: 4,
  messageId: 5,
  channels: { path: 7, index: 8, id: 9, flags: 10, messageId: 11 },
  levels: { name: 13, value: 14, messageId: 15 },
  tasks: { name: 17, eventGuid: 18, value: 19, messageId: 20 },
  opcodes: { name: 22, value: 23, messageId: 24 },
  keywords: { name: 26, mask: 27, messageId: 28 },
} as const;

/** What operation 25 answers, by the number it is asked for; `registration` is what operation 24 does. */
export const RESOURCE_GROUPS = {
  helpLink: 4,
  messageId: 5,
  levels: 0xc,
  tasks: 0x10,
  opcodes: 0x15,
  keywords: 0x19,
} as const;

export type ResourceGroup = keyof typeof RESOURCE_GROUPS;
export type PropertyGroup = ResourceGroup | 'registration';

const NO_GUID = '00000000-0000-0000-0000-000000000000';
const BRACES = /[{}]/g;

const string = (value: string | undefined): Variant => (value === undefined ? NULL_VARIANT : { type: 'string', value });
const guid = (value: string): string => value.replaceAll(BRACES, '');
const strings = (value: readonly string[]): Variant => (value.length === 0 ? NULL_VARIANT : { type: 'strings', value });
const uint32s = (value: readonly number[]): Variant => (value.length === 0 ? NULL_VARIANT : { type: 'uint32s', value });
const messageIds = (rows: readonly { readonly messageId: number | undefined }[]): Variant =>
  uint32s(rows.map(({ messageId }) => messageId ?? NO_MESSAGE));

/** A publisher's properties as a list in their order: those of one group, the others null. */
export function variantsOfPublisher(metadata: PublisherMetadata, group: PropertyGroup): Variant[] {
  const variants: Variant[] = Array.from({ length: PROPERTIES }, () => NULL_VARIANT);
  const named = (
    rows: readonly { readonly name: string; readonly value: number; readonly messageId: number | undefined }[],
    places: { readonly name: number; readonly value: number; readonly messageId: number },
  ) => {
    variants[places.name] = strings(rows.map(({ name }) => name));
    variants[places.value] = uint32s(rows.map(({ value }) => value));
    variants[places.messageId] = messageIds(rows);
  };
  switch (group) {
    case 'registration': {
      const { channels } = metadata;
      if (metadata.guid !== undefined) variants[Property.guid] = { type: 'guid', value: guid(metadata.guid) };
      variants[Property.resourceFilePath] = string(metadata.resourceFilePath);
      variants[Property.parameterFilePath] = string(metadata.parameterFilePath);
      variants[Property.messageFilePath] = string(metadata.messageFilePath);
      variants[Property.channels.path] = strings(channels.map(({ path }) => path));
      variants[Property.channels.index] = uint32s(channels.map(({ index }) => index));
      variants[Property.channels.id] = uint32s(channels.map(({ id }) => id));
      variants[Property.channels.flags] = uint32s(channels.map(({ flags }) => flags));
      variants[Property.channels.messageId] = messageIds(channels);
      break;
    }
    case 'helpLink':
      variants[Property.helpLink] = string(metadata.helpLink);
      break;
    case 'messageId':
      if (metadata.messageId !== undefined) {
        variants[Property.messageId] = { type: 'uint32', value: metadata.messageId };
      }
      break;
    case 'levels':
      named(metadata.levels, Property.levels);
      break;
    case 'tasks': {
      const { tasks } = metadata;
      named(tasks, Property.tasks);
      const guids = tasks.map(({ eventGuid }) => guid(eventGuid ?? NO_GUID));
      if (guids.length > 0) variants[Property.tasks.eventGuid] = { type: 'guids', value: guids };
      break;
    }
    case 'opcodes':
      named(metadata.opcodes, Property.opcodes);
      break;
    case 'keywords': {
      const { keywords } = metadata;
      variants[Property.keywords.name] = strings(keywords.map(({ name }) => name));
      if (keywords.length > 0) {
        variants[Property.keywords.mask] = { type: 'uint64s', value: keywords.map(({ mask }) => mask) };
      }
      variants[Property.keywords.messageId] = messageIds(keywords);
      break;
    }
  }
  return variants;
}

/**
 * What a list of a publisher's properties says of one group.
 * @throws EvtError ERROR_INVALID_DATA (13) for a property of another type, and for columns of different lengths
 */
export function publisherProperties(
  variants: readonly Variant[],
  group: PropertyGroup,
  api: string,
): Partial<PublisherMetadata> {
  const said = new Properties(variants, `the publisher's ${group === 'registration' ? 'registration' : group}`, api);
  switch (group) {
    case 'registration': {
      const { path, index, id, flags, messageId } = Property.channels;
      const paths = said.strings(path) ?? [];
      const column = (place: number) => said.column(said.numbers(place), paths.length, place);
      const [indices, ids, bits, messages] = [column(index), column(id), column(flags), column(messageId)];
      return {
        guid: said.guid(Property.guid),
        resourceFilePath: said.string(Property.resourceFilePath),
        parameterFilePath: said.string(Property.parameterFilePath),
        messageFilePath: said.string(Property.messageFilePath),
        channels: paths.map((each, i) => ({
          path: each,
          index: indices?.[i] ?? i,
          id: ids?.[i] ?? 0,
          flags: bits?.[i] ?? 0,
          messageId: message(messages?.[i]),
        })),
      };
    }
    case 'helpLink':
      return { helpLink: said.string(Property.helpLink) };
    case 'messageId':
      return { messageId: message(said.number(Property.messageId)) };
    case 'levels':
      return { levels: said.rows(Property.levels) };
    case 'tasks': {
      const rows = said.rows(Property.tasks);
      const place = Property.tasks.eventGuid;
      const guids = said.column(said.guids(place), rows.length, place);
      return { tasks: rows.map((row, i) => ({ ...row, eventGuid: taskGuid(guids?.[i]) })) };
    }
    case 'opcodes':
      return { opcodes: said.rows(Property.opcodes) };
    case 'keywords': {
      const { name, mask, messageId } = Property.keywords;
      const masks = said.integers(mask) ?? [];
      const names = said.column(said.strings(name), masks.length, name);
      const messages = said.column(said.numbers(messageId), masks.length, messageId);
      return {
        keywords: masks.map((each, i) => ({ name: names?.[i] ?? '', mask: each, messageId: message(messages?.[i]) })),
      };
    }
  }
}

function message(id: number | undefined): number | undefined {
  return id === NO_MESSAGE ? undefined : id;
}

function taskGuid(text: string | undefined): string | undefined {
  return text === undefined || text === NO_GUID ? undefined : `{${text}}`;
}

/** A list of properties that another machine has sent. Integers come in 32 or 64 bits, whatever the tables say. */
class Properties {
  readonly #variants: readonly Variant[];
  readonly #what: string;
  readonly #api: string;

  constructor(variants: readonly Variant[], what: string, api: string) {
    this.#variants = variants;
    this.#what = what;
    this.#api = api;
  }

  #at(place: number): Variant {
    return this.#variants[place] ?? NULL_VARIANT;
  }

  #damaged(what: string): EvtError {
    return new EvtError('ERROR_INVALID_DATA', this.#api, `${this.#what}: ${what}`);
  }

  #wrongType(place: number): EvtError {
    return this.#damaged(`property ${place} is of the type ${this.#at(place).type}`);
  }

  string(place: number): string | undefined {
    const variant = this.#at(place);
    if (variant.type === 'null') return undefined;
    if (variant.type !== 'string') throw this.#wrongType(place);
    return variant.value;
  }

  integer(place: number): bigint | undefined {
    const variant = this.#at(place);
    if (variant.type === 'null') return undefined;
    if (variant.type !== 'uint32' && variant.type !== 'uint64') throw this.#wrongType(place);
    return BigInt(variant.value);
  }

  number(place: number): number | undefined {
    const integer = this.integer(place);
    return integer === undefined ? undefined : this.#small(integer, place);
  }

  #small(integer: bigint, place: number): number {
    if (integer > 0xffff_ffffn) throw this.#damaged(`property ${place} is ${integer}, of 32 bits`);
    return Number(integer);
  }

  /** In braces. */
  guid(place: number): string | undefined {
    const variant = this.#at(place);
    if (variant.type === 'null' || variant.value === undefined) return undefined;
    if (variant.type !== 'guid') throw this.#wrongType(place);
    return `{${variant.value}}`;
  }

  strings(place: number): readonly string[] | undefined {
    const variant = this.#at(place);
    if (variant.type === 'null') return undefined;
    if (variant.type !== 'strings') throw this.#wrongType(place);
    return variant.value;
  }

  integers(place: number): readonly bigint[] | undefined {
    const variant = this.#at(place);
    if (variant.type === 'null') return undefined;
    if (variant.type !== 'uint32s' && variant.type !== 'uint64s') throw this.#wrongType(place);
    return variant.value.map(BigInt);
  }

  numbers(place: number): readonly number[] | undefined {
    return this.integers(place)?.map((integer) => this.#small(integer, place));
  }

  guids(place: number): readonly string[] | undefined {
    const variant = this.#at(place);
    if (variant.type === 'null') return undefined;
    if (variant.type !== 'guids') throw this.#wrongType(place);
    return variant.value;
  }

  /** A column beside others: it has as many entries, or none. */
  column<T>(values: readonly T[] | undefined, length: number, place: number): readonly T[] | undefined {
    if (values === undefined || values.length === length) return values;
    if (values.length === 0) return undefined;
    throw this.#damaged(`property ${place} has ${values.length} entries, where there are ${length}`);
  }

  /** Names, numbers and messages side by side. */
  rows(places: { readonly name: number; readonly value: number; readonly messageId: number }) {
    const values = this.numbers(places.value) ?? [];
    const names = this.column(this.strings(places.name), values.length, places.name);
    const messages = this.column(this.numbers(places.messageId), values.length, places.messageId);
    return values.map((value, i) => ({ name: names?.[i] ?? '', value, messageId: message(messages?.[i]) }));
  }
}

/** What a publisher declares of an event, as a list in its order. */
export function variantsOfEvent(event: EventMetadata): Variant[] {
  const { id, version, channel, level, opcode, task, keywords, messageId, template } = event;
  const number = (value: number): Variant => ({ type: 'uint32', value });
  return [
    ...[id, version, channel, level, opcode, task].map(number),
    { type: 'uint64', value: keywords },
    number(messageId ?? NO_MESSAGE),
    { type: 'string', value: template },
  ];
}

/** @throws EvtError ERROR_INVALID_DATA (13) for too few properties, and for one of another type */
export function eventOfVariants(variants: readonly Variant[], api: string): EventMetadata {
  const said = new Properties(variants, 'an event of the publisher', api);
  if (variants.length < EVENT_PROPERTIES) {
    throw new EvtError('ERROR_INVALID_DATA', api, `an event of the publisher has ${variants.length} properties`);
  }
  const number = (place: number) => said.number(place) ?? 0;
  return {
    id: number(0),
    version: number(1),
    channel: number(2),
    level: number(3),
    opcode: number(4),
    task: number(5),
    keywords: said.integer(6) ?? 0n,
    messageId: message(said.number(7)),
    template: said.string(8) ?? '',
  };
}
