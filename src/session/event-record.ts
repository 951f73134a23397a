import type { EventElement } from '../binxml/event-tree.ts';
import type { Variant, VariantValue } from '../binxml/value.ts';
import { unixMsOfFileTime } from '../bytes/time.ts';
import { parseValuePath, selectFirst } from '../query/index.ts';
import { type JsonOptions, renderJson } from '../render/json.ts';
import { type SystemProperty, systemValue, systemValues } from '../render/system-values.ts';
import { type BodyValue, bodyValues } from '../render/user-values.ts';
import { type RenderOptions, renderXml } from '../render/xml.ts';
import type { LogEvent } from '../service/service.ts';
import { EventBookmark } from './event-bookmark.ts';

/**
 * One event. It owns its bytes: it stays whole after its reader is closed. Everything is decoded when it is asked for;
 * what the event lacks is undefined.
 *
 * Any property may throw EvtError ERROR_EVT_INVALID_EVENT_DATA (15005) for an event that is damaged inside.
 */
export class EventRecord {
  readonly #event: LogEvent;
  #data: Readonly<Record<string, VariantValue>> | undefined;

  constructor(event: LogEvent) {
    this.#event = event;
  }

  /** @internal */
  get tree(): readonly EventElement[] {
    return this.#event.tree;
  }

  get #root(): EventElement | undefined {
    return this.tree[0];
  }

  #number(property: SystemProperty): number | undefined {
    const { value } = systemValue(this.#root, property);
    return typeof value === 'number' ? value : undefined;
  }

  #text(property: SystemProperty): string | undefined {
    const { value } = systemValue(this.#root, property);
    return typeof value === 'string' ? value : undefined;
  }

  #bigint(property: SystemProperty): bigint | undefined {
    const { value } = systemValue(this.#root, property);
    return typeof value === 'bigint' ? value : undefined;
  }

  /** System/EventID. */
  get id(): number | undefined {
    return this.#number('EventID');
  }

  /** System/EventID/@Qualifiers: classic events only. */
  get qualifiers(): number | undefined {
    return this.#number('Qualifiers');
  }

  get version(): number | undefined {
    return this.#number('Version');
  }

  /** 1 critical, 2 error, 3 warning, 4 information, 5 verbose; 0 also for audit events. */
  get level(): number | undefined {
    return this.#number('Level');
  }

  get task(): number | undefined {
    return this.#number('Task');
  }

  get opcode(): number | undefined {
    return this.#number('Opcode');
  }

  /** 64 bits. */
  get keywords(): bigint | undefined {
    return this.#bigint('Keywords');
  }

  /** System/EventRecordID: the number the event had in the log it was written to. */
  get recordId(): bigint | undefined {
    return this.#bigint('EventRecordId');
  }

  /** Id in the record's header: counts in this file, is what bookmarks use, and differs from {@link recordId} in exports. */
  get fileRecordId(): bigint {
    return this.#event.recordId;
  }

  get providerName(): string | undefined {
    return this.#text('ProviderName');
  }

  /** GUID in braces. */
  get providerId(): string | undefined {
    return this.#text('ProviderGuid');
  }

  /** The channel the event was written to. */
  get logName(): string | undefined {
    return this.#text('Channel');
  }

  /** The computer it was written on. */
  get machineName(): string | undefined {
    return this.#text('Computer');
  }

  /** SID, `S-1-…`. */
  get userId(): string | undefined {
    return this.#text('UserID');
  }

  get processId(): number | undefined {
    return this.#number('ProcessID');
  }

  get threadId(): number | undefined {
    return this.#number('ThreadID');
  }

  /** GUID in braces. */
  get activityId(): string | undefined {
    return this.#text('ActivityID');
  }

  /** GUID in braces. */
  get relatedActivityId(): string | undefined {
    return this.#text('RelatedActivityID');
  }

  /** System/TimeCreated as FILETIME: units of 100 ns since 1601-01-01 UTC. */
  get timeCreatedFileTime(): bigint | undefined {
    return this.#bigint('TimeCreated');
  }

  /** System/TimeCreated, cut to whole milliseconds. */
  get timeCreated(): Date | undefined {
    const fileTime = this.timeCreatedFileTime;
    return fileTime === undefined ? undefined : new Date(unixMsOfFileTime(fileTime));
  }

  /** FILETIME in the record's header: when it was written. Wrong in most exported logs. */
  get writtenFileTime(): bigint {
    return this.#event.writtenTime;
  }

  /** The channel or file it was read from. */
  get containerLog(): string {
    return this.#event.path;
  }

  /** Ids of the Query elements that selected it; empty for an XPath query. */
  get matchedQueryIds(): readonly number[] {
    return this.#event.queryIds;
  }

  /** It was found in free space or behind damage, not among the log's live records. */
  get recovered(): boolean {
    return this.#event.recovered;
  }

  /** Where to resume: a reader with this bookmark begins at the event behind this one. */
  get bookmark(): EventBookmark {
    return new EventBookmark(this.#event.position);
  }

  /** The values of EventData or UserData in their order, typed; unnamed ones have the name ''. */
  get properties(): readonly BodyValue[] {
    return bodyValues(this.#root);
  }

  /**
   * The values of EventData or UserData by name. A name that repeats gives an array; unnamed values are under '', always as
   * an array. Types as in {@link Variant}.
   */
  get data(): Readonly<Record<string, VariantValue>> {
    this.#data ??= byName(this.properties);
    return this.#data;
  }

  /** The event's XML on one line, as Windows renders it. */
  xml(options?: RenderOptions): string {
    return options === undefined ? this.#event.text('xml') : renderXml(this.#event.tree, options);
  }

  /** The event as one line of JSON, in the shape that the field's tools exchange. 64-bit integers are not rounded. */
  json(options?: JsonOptions): string {
    return options === undefined ? this.#event.text('json') : renderJson(this.#event.tree, options);
  }

  /** {@link json} as an object, so that JSON.stringify works; integers beyond 2^53 are rounded. */
  toJSON(): unknown {
    return JSON.parse(this.json());
  }

  /**
   * Typed values: of the paths given (`Event/System/EventID`, `Event/EventData/Data[@Name='x']`; type Null where there is
   * none), or all 18 of System in the order of EVT_SYSTEM_PROPERTY_ID.
   * @throws EvtError ERROR_EVT_INVALID_QUERY (15001) for a path that is none
   */
  values(paths?: readonly string[]): Variant[] {
    if (paths === undefined) return systemValues(this.#root);
    return paths.map((path) => selectFirst(parseValuePath(path), this.#event.tree));
  }

  toString(): string {
    return this.xml();
  }
}

function byName(properties: readonly BodyValue[]): Readonly<Record<string, VariantValue>> {
  // No prototype: a log may name a value "__proto__" or "constructor".
  const data: Record<string, VariantValue> = Object.create(null);
  const repeated = new Map<string, VariantValue[]>();
  for (const { name, value } of properties) {
    const values = repeated.get(name);
    if (values === undefined) repeated.set(name, [value.value]);
    else values.push(value.value);
  }
  for (const [name, values] of repeated) {
    data[name] = values.length === 1 && name !== '' ? values[0]! : (values as VariantValue);
  }
  return data;
}
