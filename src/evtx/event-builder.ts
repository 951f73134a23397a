import {
  type AttributeValues,
  defineTemplate,
  element,
  emptyElement,
  eventDataTemplate,
  instance,
  optional,
} from '../binxml/template-builder.ts';
import type { ContentNode, ElementNode, Fragment, Template } from '../binxml/tree.ts';
import { type TypedValue, value } from '../binxml/typed-value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { EvtError } from '../errors/evt-error.ts';

const NAMESPACE = 'http://schemas.microsoft.com/win/2004/08/events/event';

/** Who wrote an event. Make one object per provider and use it for all its events. */
export interface EventProvider {
  readonly name: string;
  /** With or without braces. A classic provider's is text in the log and keeps its form and case. */
  readonly guid?: string;
  /** For a classic provider that has a manifest by now: the name it has as event source. */
  readonly eventSourceName?: string;
}

/** The System part of an event. What is not given is absent, as Windows leaves it out. */
export interface SystemFields {
  readonly provider: EventProvider;
  readonly eventId: number;
  /** High 16 bits of a classic event's message id. */
  readonly qualifiers?: number | undefined;
  readonly version?: number | undefined;
  readonly level?: number | undefined;
  readonly task?: number | undefined;
  readonly opcode?: number | undefined;
  readonly keywords?: bigint | undefined;
  /** FILETIME: 100 ns units since 1601-01-01 UTC. */
  readonly timeCreated: bigint;
  readonly eventRecordId: bigint;
  readonly activityId?: string | undefined;
  readonly relatedActivityId?: string | undefined;
  readonly processId?: number | undefined;
  readonly threadId?: number | undefined;
  readonly channel: string;
  readonly computer: string;
  /** SID of the account. */
  readonly userId?: string | undefined;
}

/** What the provider says: under `EventData`, or the provider's own element inside `UserData`. */
export type EventBody = { readonly eventData: ContentNode } | { readonly userData: ContentNode };

/** Without a body the whole event would vanish when it is rendered, so Windows writes an empty one. */
const NO_DATA: EventBody = { eventData: instance(eventDataTemplate([]), []) };

/** SIDs kept as values. */
const MAX_SIDS = 256;

type Form = 'EventData' | 'UserData';

// Substitution indexes of the outer templates, as Windows' event log service has them. The classic ones have provider
// and channel as text, and leave the indexes 13 to 17 to events that were converted from traces.
const Slot = {
  level: 0,
  opcode: 1,
  task: 2,
  eventId: 3,
  qualifiers: 4,
  keywords: 5,
  timeCreated: 6,
  activityId: 7,
  processId: 8,
  threadId: 9,
  eventRecordId: 10,
  version: 11,
  userId: 12,
} as const;
const ManifestSlot = { relatedActivityId: 13, providerName: 14, providerGuid: 15, channel: 16, body: 17 } as const;
const ClassicSlot = { relatedActivityId: 18, body: 19 } as const;

/**
 * Builds events in the template shapes that Windows' event log service writes. The templates are kept, one per computer
 * (and, for classic providers, per provider and channel), because those are text in them.
 */
export class EventBuilder {
  readonly #outer = new Map<string, Template>();
  readonly #guids = new WeakMap<EventProvider, TypedValue>();
  readonly #sids = new Map<string, TypedValue>();

  /**
   * An event of a provider with a manifest.
   * @throws EvtError ERROR_INVALID_PARAMETER (87) for a field that its type cannot hold
   */
  manifest(system: SystemFields, body: EventBody = NO_DATA): Fragment {
    const form = formOf(body);
    const { provider } = system;
    let guid = this.#guids.get(provider);
    if (guid === undefined) {
      guid = provider.guid === undefined ? value.none : value.guid(provider.guid);
      this.#guids.set(provider, guid);
    }
    const values = this.#commonValues(system);
    values.push(optionalGuid(system.relatedActivityId), value.string(provider.name), guid);
    values.push(value.string(system.channel), bodyValue(body));
    const template = this.#template(`${form}\n${system.computer}`, () => manifestTemplate(system.computer, form));
    return [instance(template, values)];
  }

  /**
   * An event of a classic provider: its name, GUIDs and channel are text in the template. Without GUID, version, opcode
   * and process it gets the oldest shape, which has no Version, Opcode, Correlation and Execution at all.
   * @throws EvtError ERROR_INVALID_PARAMETER (87) for a field that its type cannot hold
   */
  classic(system: SystemFields, body: EventBody = NO_DATA): Fragment {
    const form = formOf(body);
    const { provider, channel, computer } = system;
    const values = this.#commonValues(system);
    while (values.length < ClassicSlot.relatedActivityId) values.push(value.none);
    values.push(optionalGuid(system.relatedActivityId), bodyValue(body));
    const oldest = [provider.guid, system.version, system.opcode, system.processId].every((part) => part === undefined);
    const key = [form, oldest, computer, channel, provider.name, provider.guid, provider.eventSourceName].join('\n');
    const template = this.#template(key, () => classicTemplate(provider, channel, computer, form, oldest));
    return [instance(template, values)];
  }

  /** Values 0 to 12, which all shapes share. */
  #commonValues(system: SystemFields): TypedValue[] {
    const { level, opcode, task, qualifiers, keywords, processId, threadId, version, userId } = system;
    return [
      level === undefined ? value.none : value.uint8(level),
      opcode === undefined ? value.none : value.uint8(opcode),
      task === undefined ? value.none : value.uint16(task),
      value.uint16(system.eventId),
      qualifiers === undefined ? value.none : value.uint16(qualifiers),
      keywords === undefined ? value.none : value.hexInt64(keywords),
      value.fileTime(system.timeCreated),
      optionalGuid(system.activityId),
      processId === undefined ? value.none : value.uint32(processId),
      threadId === undefined ? value.none : value.uint32(threadId),
      value.uint64(system.eventRecordId),
      version === undefined ? value.none : value.uint8(version),
      userId === undefined ? value.none : this.#sid(userId),
    ];
  }

  /** A log names few accounts, and each of them often. */
  #sid(text: string): TypedValue {
    let sid = this.#sids.get(text);
    if (sid === undefined) {
      if (this.#sids.size >= MAX_SIDS) this.#sids.clear();
      sid = value.sid(text);
      this.#sids.set(text, sid);
    }
    return sid;
  }

  #template(key: string, make: () => Template): Template {
    let template = this.#outer.get(key);
    if (template === undefined) {
      template = make();
      this.#outer.set(key, template);
    }
    return template;
  }
}

function formOf(body: EventBody): Form {
  return 'eventData' in body ? 'EventData' : 'UserData';
}

function bodyValue(body: EventBody): TypedValue {
  return value.fragment(['eventData' in body ? body.eventData : body.userData]);
}

function optionalGuid(guid: string | undefined): TypedValue {
  return guid === undefined ? value.none : value.guid(guid);
}

const TYPES = {
  eventId: ValueType.UInt16,
  version: ValueType.UInt8,
  level: ValueType.UInt8,
  task: ValueType.UInt16,
  opcode: ValueType.UInt8,
  keywords: ValueType.HexInt64,
} as const;

/** An element that stands for one optional value. */
function field(name: string, slot: keyof typeof TYPES, attributes: AttributeValues = {}): ElementNode {
  return element(name, attributes, [optional(Slot[slot], TYPES[slot])]);
}

const EVENT_ID = field('EventID', 'eventId', { Qualifiers: optional(Slot.qualifiers, ValueType.UInt16) });
const TIME_CREATED = emptyElement('TimeCreated', { SystemTime: optional(Slot.timeCreated, ValueType.FileTime) });
const EVENT_RECORD_ID = element('EventRecordID', {}, [optional(Slot.eventRecordId, ValueType.UInt64)]);
const SECURITY = emptyElement('Security', { UserID: optional(Slot.userId, ValueType.Sid) });
const LEVEL = field('Level', 'level');
const TASK = field('Task', 'task');
const KEYWORDS = field('Keywords', 'keywords');

/** From EventID to Execution, in Windows' order. */
function fullFields(relatedActivityId: number): ElementNode[] {
  return [
    EVENT_ID,
    field('Version', 'version'),
    LEVEL,
    TASK,
    field('Opcode', 'opcode'),
    KEYWORDS,
    TIME_CREATED,
    EVENT_RECORD_ID,
    emptyElement('Correlation', {
      ActivityID: optional(Slot.activityId, ValueType.Guid),
      RelatedActivityID: optional(relatedActivityId, ValueType.Guid),
    }),
    emptyElement('Execution', {
      ProcessID: optional(Slot.processId, ValueType.UInt32),
      ThreadID: optional(Slot.threadId, ValueType.UInt32),
    }),
  ];
}

function eventTemplate(system: readonly ElementNode[], form: Form, bodySlot: number): Template {
  const slot = optional(bodySlot, ValueType.BinXml);
  const body = form === 'EventData' ? slot : element('UserData', {}, [slot]);
  return defineTemplate(element('Event', { xmlns: NAMESPACE }, [element('System', {}, system), body]));
}

function manifestTemplate(computer: string, form: Form): Template {
  const system = [
    emptyElement('Provider', {
      Name: optional(ManifestSlot.providerName, ValueType.String),
      Guid: optional(ManifestSlot.providerGuid, ValueType.Guid),
    }),
    ...fullFields(ManifestSlot.relatedActivityId),
    element('Channel', {}, [optional(ManifestSlot.channel, ValueType.String)]),
    element('Computer', {}, [computer]),
    SECURITY,
  ];
  return eventTemplate(system, form, ManifestSlot.body);
}

function classicTemplate(
  provider: EventProvider,
  channel: string,
  computer: string,
  form: Form,
  oldest: boolean,
): Template {
  const { name, guid, eventSourceName } = provider;
  if (eventSourceName !== undefined && guid === undefined) {
    throw new EvtError('ERROR_INVALID_PARAMETER', 'event', `provider "${name}" has an event source name but no GUID`);
  }
  const attributes: AttributeValues = {
    Name: name,
    ...(guid === undefined ? {} : { Guid: guid }),
    ...(eventSourceName === undefined ? {} : { EventSourceName: eventSourceName }),
  };
  const fields = oldest
    ? [EVENT_ID, LEVEL, TASK, KEYWORDS, TIME_CREATED, EVENT_RECORD_ID]
    : fullFields(ClassicSlot.relatedActivityId);
  const system = [
    emptyElement('Provider', attributes),
    ...fields,
    element('Channel', {}, [channel]),
    element('Computer', {}, [computer]),
    SECURITY,
  ];
  return eventTemplate(system, form, ClassicSlot.body);
}
