import { hostname } from 'node:os';
import { CLASSIC_EVENT_DATA, element, eventDataTemplate, instance } from '../binxml/template-builder.ts';
import type { ContentNode, Fragment, Template } from '../binxml/tree.ts';
import { type TypedValue, value } from '../binxml/typed-value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { fileTimeOfUnixMs } from '../bytes/time.ts';
import { EvtError } from '../errors/evt-error.ts';
import { type EventBody, EventBuilder, type EventProvider } from '../evtx/event-builder.ts';

/** A value of an event: what JavaScript has for it, or a {@link TypedValue} made by `value` where the type matters. */
export type EventValue = string | number | bigint | boolean | Date | Uint8Array | null | readonly string[] | TypedValue;

/** What stands under UserData: an element of the provider's own. */
export interface UserDataElement {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string>> | undefined;
  /** Elements, and text as strings. */
  readonly content?: readonly (UserDataElement | string)[] | undefined;
}

/** An event to be written. What is not given has the default that is named, or is absent. */
export interface NewEvent {
  /** Name, or name and GUID. Without GUID and with unnamed data it is a classic event source. */
  readonly provider: string | EventProvider;
  /** 0 … 65535 */
  readonly id: number;
  /** High 16 bits of a classic event's message id. */
  readonly qualifiers?: number | undefined;
  /** Default 0. */
  readonly version?: number | undefined;
  /** 1 critical, 2 error, 3 warning, 4 information (default), 5 verbose. */
  readonly level?: number | undefined;
  /** Default 0. */
  readonly task?: number | undefined;
  /** Default 0. */
  readonly opcode?: number | undefined;
  /** 64 bits; default 0x8000000000000000, for classic events 0x80000000000000. */
  readonly keywords?: bigint | undefined;
  /** Now by default. A bigint is a FILETIME: 100 ns units since 1601-01-01 UTC. */
  readonly timeCreated?: Date | bigint | undefined;
  readonly activityId?: string | undefined;
  readonly relatedActivityId?: string | undefined;
  /** This process by default. */
  readonly processId?: number | undefined;
  /** Default 0. */
  readonly threadId?: number | undefined;
  /** SID of the account. */
  readonly userId?: string | undefined;
  /** This computer by default. */
  readonly computer?: string | undefined;
  /** Named values, in their order; or, as classic events have them, strings without names. */
  readonly data?: Readonly<Record<string, EventValue>> | readonly string[] | undefined;
  /** Bytes behind a classic event's strings. */
  readonly binary?: Uint8Array | undefined;
  /** Instead of `data`. */
  readonly userData?: UserDataElement | undefined;
}

const KEYWORDS = 0x8000_0000_0000_0000n;
const CLASSIC_KEYWORDS = 0x80_0000_0000_0000n;
const INFORMATION = 4;
const TICKS_PER_MS = 10_000;
/** Shapes of data that are kept: a program has few. */
const MAX_TEMPLATES = 1024;

/** Now, as a FILETIME, finer than a millisecond. */
export function fileTimeNow(): bigint {
  const now = performance.timeOrigin + performance.now();
  const whole = Math.floor(now);
  return fileTimeOfUnixMs(whole) + BigInt(Math.floor((now - whole) * TICKS_PER_MS));
}

let computer: string | undefined;

function thisComputer(): string {
  computer ??= hostname();
  return computer;
}

function invalid(detail: string): EvtError {
  return new EvtError('ERROR_INVALID_PARAMETER', 'event', detail);
}

/** The type a value is stored with when nobody says. */
function typed(name: string, given: EventValue): TypedValue {
  switch (typeof given) {
    case 'string':
      return value.string(given);
    case 'boolean':
      return value.bool(given);
    case 'bigint':
      return given < 0n ? value.int64(given) : value.uint64(given);
    case 'number':
      if (!Number.isInteger(given)) return value.real64(given);
      if (given === (given | 0)) return value.int32(given);
      if (given > 0 && given === given >>> 0) return value.uint32(given);
      if (Number.isSafeInteger(given)) return value.int64(BigInt(given));
      return value.real64(given);
    default:
  }
  if (given === null) return value.none;
  if (given instanceof Date) return value.fileTime(fileTimeOf(given));
  if (given instanceof Uint8Array) return value.binary(given);
  if (Array.isArray(given)) return value.strings(given);
  if (typeof given === 'object' && 'type' in given && 'sizeBytes' in given) return given;
  throw invalid(`the data "${name}" has no type that an event can hold`);
}

function fileTimeOf(time: Date | bigint): bigint {
  if (typeof time === 'bigint') return time;
  const ms = time.getTime();
  if (!Number.isFinite(ms)) throw invalid('the time is no date');
  return fileTimeOfUnixMs(ms);
}

/** Makes stored events of {@link NewEvent}s; templates are kept by provider and shape, so that equal events share theirs. */
export class EventWriterForms {
  readonly #builder = new EventBuilder();
  readonly #providers = new Map<string, EventProvider>();
  readonly #bodies = new Map<string, Template>();

  /**
   * What is to be appended.
   * @throws EvtError ERROR_INVALID_PARAMETER (87) for a field that its type cannot hold
   */
  draft(event: NewEvent, channel: string): { document: (recordId: bigint) => Fragment; writtenTime: bigint } {
    const { provider: given } = event;
    const provider = typeof given === 'string' ? this.#provider(given) : given;
    if (typeof provider?.name !== 'string' || provider.name === '') throw invalid('an event needs a provider');
    if (!Number.isInteger(event.id)) throw invalid(`"${event.id}" is no event id: 0 to 65535`);
    const timeCreated = event.timeCreated === undefined ? fileTimeNow() : fileTimeOf(event.timeCreated);
    const isClassic = isClassicShape(event);
    const body = this.#body(event);
    const system = {
      provider,
      channel,
      timeCreated,
      eventId: event.id,
      qualifiers: event.qualifiers,
      version: event.version ?? 0,
      level: event.level ?? INFORMATION,
      task: event.task ?? 0,
      opcode: event.opcode ?? 0,
      keywords: event.keywords ?? (isClassic ? CLASSIC_KEYWORDS : KEYWORDS),
      activityId: event.activityId,
      relatedActivityId: event.relatedActivityId,
      processId: event.processId ?? process.pid,
      threadId: event.threadId ?? 0,
      userId: event.userId,
      computer: event.computer ?? thisComputer(),
    };
    const document = (eventRecordId: bigint) =>
      isClassic
        ? this.#builder.classic({ ...system, eventRecordId }, body)
        : this.#builder.manifest({ ...system, eventRecordId }, body);
    return { document, writtenTime: timeCreated };
  }

  #provider(name: string): EventProvider {
    let provider = this.#providers.get(name);
    if (provider === undefined) {
      provider = { name };
      this.#providers.set(name, provider);
    }
    return provider;
  }

  #body({ data, binary, userData }: NewEvent): EventBody | undefined {
    if (userData !== undefined) {
      if (data !== undefined) throw invalid('an event has data or user data, not both');
      return { userData: userElement(userData) };
    }
    if (Array.isArray(data) || (data === undefined && binary !== undefined)) {
      const strings = (data ?? []) as readonly string[];
      if (strings.some((text) => typeof text !== 'string')) throw invalid('data without names holds strings only');
      const items = strings.length === 0 ? value.none : value.strings(strings);
      const bytes = binary === undefined ? value.none : value.binary(binary);
      return { eventData: instance(CLASSIC_EVENT_DATA, [items, value.uint32(binary?.length ?? 0), bytes]) };
    }
    if (data === undefined) return undefined;
    if (binary !== undefined) throw invalid('bytes stand behind data without names only');
    const fields = Object.entries(data as Readonly<Record<string, EventValue>>);
    const values = fields.map(([name, given]) => typed(name, given));
    const key = fields.map(([name], i) => `${name}\0${values[i]!.type}`).join('\n');
    let template = this.#bodies.get(key);
    if (template === undefined) {
      if (this.#bodies.size >= MAX_TEMPLATES) this.#bodies.clear();
      template = eventDataTemplate(fields.map(([name], i) => ({ name, type: values[i]!.type || ValueType.String })));
      this.#bodies.set(key, template);
    }
    return { eventData: instance(template, values) };
  }
}

/** Classic sources write strings without names. */
function isClassicShape({ data, binary, userData, provider }: NewEvent): boolean {
  const named = typeof provider !== 'string' && provider.guid !== undefined && provider.eventSourceName === undefined;
  return userData === undefined && !named && (Array.isArray(data) || binary !== undefined);
}

function userElement({ name, attributes = {}, content = [] }: UserDataElement): ContentNode {
  return element(
    name,
    attributes,
    content.map((part) => (typeof part === 'string' ? part : userElement(part))),
  );
}
