import type { Variant } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { EvtError } from '../errors/evt-error.ts';
import { localHandle } from '../operations/handle-table.ts';
import {
  type EventMetadata,
  MESSAGE_KINDS,
  NO_MESSAGE,
  NO_METADATA,
  type PublisherMetadata,
} from '../providers/metadata.ts';
import { variantText } from '../render/variant-text.ts';
import type { Call } from '../service/calls.ts';
import { type HandleObject, handleObject, keepHandle } from '../service/handle-registry.ts';
import { callRenderedXml, callText } from '../service/message-calls.ts';
import { EventObject, PublisherObject } from '../service/objects.ts';
import { callOpenPublisher, callPublisherEvents, callPublishers } from '../service/publisher-calls.ts';
import * as C from './constants.ts';
import { type EvtHandle, noFlags, type QueryOptions } from './functions.ts';

/** The publisher functions of both faces. Everything here throws EvtError. */

const NO_GUID = '{00000000-0000-0000-0000-000000000000}';
const NULL: Variant = { type: ValueType.Null, value: null };

function invalid(api: string, detail: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', api, detail);
}

class PublisherEnumObject implements HandleObject {
  readonly names: readonly string[];
  next = 0;

  constructor(names: readonly string[]) {
    this.names = names;
  }

  release(): void {}
}

/** What was read from a publisher: it closes with it. */
class PublisherPart<T> implements HandleObject {
  readonly items: readonly T[];
  readonly owner: PublisherObject;
  readonly #handle: number;

  constructor(items: readonly T[], owner: PublisherObject, handle: number) {
    this.items = items;
    this.owner = owner;
    this.#handle = handle;
  }

  release(): void {
    this.owner.parts.delete(this.#handle);
  }
}

/** A list of a publisher's: each item by the numbers of its properties. */
class ObjectArray extends PublisherPart<ReadonlyMap<number, Variant>> {}

class EventMetadataEnum extends PublisherPart<EventMetadata> {
  next = 0;
}

class EventMetadataObject extends PublisherPart<EventMetadata> {}

function openPart<T>(
  kind: new (items: readonly T[], owner: PublisherObject, handle: number) => PublisherPart<T>,
  items: readonly T[],
  owner: PublisherObject,
): EvtHandle {
  const handle = localHandle();
  owner.parts.add(handle);
  keepHandle(handle, new kind(items, owner, handle));
  return handle;
}

export function namesOfPublishers(session: EvtHandle | null, flags: number, options: QueryOptions): Call<string[]> {
  const api = 'EvtOpenPublisherEnum';
  noFlags(flags, api);
  return callPublishers(session, api, options);
}

export function openPublisherEnum(names: readonly string[]): EvtHandle {
  const handle = localHandle();
  keepHandle(handle, new PublisherEnumObject(names));
  return handle;
}

/** @returns undefined at the end */
export function nextPublisherId(publisherEnum: EvtHandle): string | undefined {
  const object = handleObject(publisherEnum, PublisherEnumObject, 'EvtNextPublisherId');
  return object.names[object.next++];
}

export function openPublisherMetadata(
  session: EvtHandle | null,
  publisherId: string | null,
  logFilePath: string | null,
  locale: number,
  flags: number,
  options: QueryOptions,
): Call<EvtHandle> {
  const api = 'EvtOpenPublisherMetadata';
  noFlags(flags, api);
  if (!Number.isInteger(locale) || locale < 0 || locale > 0xffff_ffff) throw invalid(api, `locale ${locale}`);
  const request = { name: publisherId ?? undefined, logFilePath: logFilePath ?? undefined, locale };
  return callOpenPublisher(session, request, true, api, options);
}

const string = (value: string | undefined): Variant => (value === undefined ? NULL : { type: ValueType.String, value });
const uint32 = (value: number): Variant => ({ type: ValueType.UInt32, value });
const message = (id: number | undefined): Variant => uint32(id ?? NO_MESSAGE);

const PROPERTIES: ReadonlyMap<number, (metadata: PublisherMetadata) => Variant> = new Map([
  [
    C.EvtPublisherMetadataPublisherGuid,
    ({ guid }) => (guid === undefined ? NULL : { type: ValueType.Guid, value: guid }),
  ],
  [C.EvtPublisherMetadataResourceFilePath, ({ resourceFilePath }) => string(resourceFilePath)],
  [C.EvtPublisherMetadataParameterFilePath, ({ parameterFilePath }) => string(parameterFilePath)],
  [C.EvtPublisherMetadataMessageFilePath, ({ messageFilePath }) => string(messageFilePath)],
  [C.EvtPublisherMetadataHelpLink, ({ helpLink }) => string(helpLink)],
  [C.EvtPublisherMetadataPublisherMessageID, ({ messageId }) => message(messageId)],
]);

type Item = ReadonlyMap<number, Variant>;

const LISTS: ReadonlyMap<number, (metadata: PublisherMetadata) => readonly Item[]> = new Map([
  [
    C.EvtPublisherMetadataChannelReferences,
    ({ channels }: PublisherMetadata): readonly Item[] =>
      channels.map(
        ({ path, index, id, flags, messageId }) =>
          new Map([
            [C.EvtPublisherMetadataChannelReferencePath, string(path)],
            [C.EvtPublisherMetadataChannelReferenceIndex, uint32(index)],
            [C.EvtPublisherMetadataChannelReferenceID, uint32(id)],
            [C.EvtPublisherMetadataChannelReferenceFlags, uint32(flags)],
            [C.EvtPublisherMetadataChannelReferenceMessageID, message(messageId)],
          ]),
      ),
  ],
  [
    C.EvtPublisherMetadataLevels,
    ({ levels }: PublisherMetadata): readonly Item[] =>
      levels.map(
        ({ name, value, messageId }) =>
          new Map([
            [C.EvtPublisherMetadataLevelName, string(name)],
            [C.EvtPublisherMetadataLevelValue, uint32(value)],
            [C.EvtPublisherMetadataLevelMessageID, message(messageId)],
          ]),
      ),
  ],
  [
    C.EvtPublisherMetadataTasks,
    ({ tasks }: PublisherMetadata): readonly Item[] =>
      tasks.map(
        ({ name, eventGuid, value, messageId }) =>
          new Map([
            [C.EvtPublisherMetadataTaskName, string(name)],
            [C.EvtPublisherMetadataTaskEventGuid, { type: ValueType.Guid, value: eventGuid ?? NO_GUID }],
            [C.EvtPublisherMetadataTaskValue, uint32(value)],
            [C.EvtPublisherMetadataTaskMessageID, message(messageId)],
          ]),
      ),
  ],
  [
    C.EvtPublisherMetadataOpcodes,
    ({ opcodes }: PublisherMetadata): readonly Item[] =>
      opcodes.map(
        ({ name, value, messageId }) =>
          new Map([
            [C.EvtPublisherMetadataOpcodeName, string(name)],
            [C.EvtPublisherMetadataOpcodeValue, uint32(value)],
            [C.EvtPublisherMetadataOpcodeMessageID, message(messageId)],
          ]),
      ),
  ],
  [
    C.EvtPublisherMetadataKeywords,
    ({ keywords }: PublisherMetadata): readonly Item[] =>
      keywords.map(
        ({ name, mask, messageId }) =>
          new Map<number, Variant>([
            [C.EvtPublisherMetadataKeywordName, string(name)],
            [C.EvtPublisherMetadataKeywordValue, { type: ValueType.UInt64, value: mask }],
            [C.EvtPublisherMetadataKeywordMessageID, message(messageId)],
          ]),
      ),
  ],
]);

export function publisherMetadataProperty(publisher: EvtHandle, id: number, flags: number): Variant {
  const api = 'EvtGetPublisherMetadataProperty';
  noFlags(flags, api);
  const object = handleObject(publisher, PublisherObject, api);
  // It was read when the publisher was opened.
  const metadata = object.metadata ?? NO_METADATA;
  const list = LISTS.get(id)?.(metadata);
  if (list !== undefined) return { type: C.EvtVarTypeEvtHandle, value: openPart(ObjectArray, list, object) };
  const property = PROPERTIES.get(id);
  if (property === undefined) throw invalid(api, `property ${id}`);
  return property(metadata);
}

export function objectArraySize(objectArray: EvtHandle): number {
  return handleObject(objectArray, ObjectArray, 'EvtGetObjectArraySize').items.length;
}

export function objectArrayProperty(objectArray: EvtHandle, id: number, index: number, flags: number): Variant {
  const api = 'EvtGetObjectArrayProperty';
  noFlags(flags, api);
  const item = handleObject(objectArray, ObjectArray, api).items[index];
  if (item === undefined) throw invalid(api, `there is no item ${index}`);
  const value = item.get(id);
  if (value === undefined) throw invalid(api, `property ${id}`);
  return value;
}

export function eventsOfPublisher(
  publisher: EvtHandle,
  flags: number,
  options: QueryOptions,
): Call<readonly EventMetadata[]> {
  const api = 'EvtOpenEventMetadataEnum';
  noFlags(flags, api);
  return callPublisherEvents(publisher, api, options);
}

export function openEventMetadataEnum(publisher: EvtHandle, events: readonly EventMetadata[]): EvtHandle {
  return openPart(EventMetadataEnum, events, handleObject(publisher, PublisherObject, 'EvtOpenEventMetadataEnum'));
}

/** @returns undefined at the end */
export function nextEventMetadata(eventEnum: EvtHandle, flags: number): EvtHandle | undefined {
  const api = 'EvtNextEventMetadata';
  noFlags(flags, api);
  const object = handleObject(eventEnum, EventMetadataEnum, api);
  const event = object.items[object.next];
  if (event === undefined) return undefined;
  object.next++;
  return openPart(EventMetadataObject, [event], object.owner);
}

const EVENT_PROPERTIES: readonly ((event: EventMetadata) => Variant)[] = [
  ({ id }) => uint32(id),
  ({ version }) => uint32(version),
  ({ channel }) => uint32(channel),
  ({ level }) => uint32(level),
  ({ opcode }) => uint32(opcode),
  ({ task }) => uint32(task),
  ({ keywords }) => ({ type: ValueType.UInt64, value: keywords }),
  ({ messageId }) => message(messageId),
  ({ template }) => string(template),
];

export function eventMetadataProperty(eventMetadata: EvtHandle, id: number, flags: number): Variant {
  const api = 'EvtGetEventMetadataProperty';
  noFlags(flags, api);
  const [event] = handleObject(eventMetadata, EventMetadataObject, api).items;
  const property = EVENT_PROPERTIES[id];
  if (property === undefined) throw invalid(api, `property ${id}`);
  return property(event!);
}

/** What was formatted; of keywords one text for each. */
export type FormattedMessage = string | readonly string[];

export function formatMessage(
  publisher: EvtHandle | null,
  event: EvtHandle | null,
  messageId: number,
  valueCount: number,
  values: readonly Variant[] | null,
  flags: number,
  options: QueryOptions,
): Call<FormattedMessage> {
  const api = 'EvtFormatMessage';
  const given = values?.length ?? 0;
  if (valueCount !== given) throw invalid(api, `${valueCount} values announced, ${given} given`);
  const isXml = flags === C.EvtFormatMessageXml;
  const kind = MESSAGE_KINDS[flags - 1];
  if (kind === undefined && !isXml) throw invalid(api, `flags ${flags}`);
  const hasEvent = event !== null && event !== 0;
  if (!hasEvent && kind !== 'id' && kind !== 'provider') throw invalid(api, 'the event is missing');
  const tree = hasEvent ? handleObject(event, EventObject, api).event.tree : [];
  if (kind === undefined) return callRenderedXml(publisher, tree, api, options);
  const request = { kind, event: tree[0], messageId, values: values?.map(variantText) };
  const call = callText(publisher, request, api, options);
  return {
    ...call,
    *task() {
      const texts = yield* call.task();
      return kind === 'keyword' ? texts : (texts[0] ?? '');
    },
  };
}
