import type { PublisherMetadata } from '../providers/metadata.ts';
import { close, runAsynchronous } from '../service/calls.ts';
import { handleObject, isKnown } from '../service/handle-registry.ts';
import { callRenderedXml, callText } from '../service/message-calls.ts';
import { PublisherObject } from '../service/objects.ts';
import { callOpenPublisher, callPublisherEvents } from '../service/publisher-calls.ts';
import type { EventRecord } from './event-record.ts';
import {
  Described,
  EventKeyword,
  EventLevel,
  EventLogLink,
  EventMetadata,
  EventOpcode,
  EventTask,
  type ProviderLists,
  type TextOptions,
  textOrNone,
} from './provider-items.ts';

const API = 'ProviderMetadata';

export interface ProviderOptions extends TextOptions {
  /** Windows' number of a language (LCID), for texts; by default the machine's own. */
  readonly locale?: number | undefined;
}

/**
 * A provider (a publisher), under .NET's names: what it says of itself and of its events, and the texts that it has. Texts come from
 * the machine whose provider it is, each when it is asked for. Close it.
 */
export class ProviderMetadata extends Described implements ProviderLists, AsyncDisposable {
  /** As it was asked for. */
  readonly name: string;
  /** GUID in braces. */
  readonly id: string | undefined;
  readonly helpLink: string | undefined;
  readonly messageFilePath: string | undefined;
  readonly resourceFilePath: string | undefined;
  readonly parameterFilePath: string | undefined;
  /** The channels that it writes to. */
  readonly logLinks: readonly EventLogLink[];
  readonly levels: readonly EventLevel[];
  readonly tasks: readonly EventTask[];
  readonly opcodes: readonly EventOpcode[];
  readonly keywords: readonly EventKeyword[];
  /** All of it, by winevt.h's names. */
  readonly properties: PublisherMetadata;
  /** For `winevt/wevtapi/promises`. */
  readonly handle: number;

  private constructor(name: string, handle: number, properties: PublisherMetadata) {
    super(handle, properties.messageId);
    this.name = name;
    this.handle = handle;
    this.properties = properties;
    this.id = properties.guid;
    this.helpLink = properties.helpLink;
    this.messageFilePath = properties.messageFilePath;
    this.resourceFilePath = properties.resourceFilePath;
    this.parameterFilePath = properties.parameterFilePath;
    this.logLinks = properties.channels.map((each) => new EventLogLink(handle, each));
    this.levels = properties.levels.map((each) => new EventLevel(handle, each));
    this.tasks = properties.tasks.map((each) => new EventTask(handle, each));
    this.opcodes = properties.opcodes.map((each) => new EventOpcode(handle, each));
    this.keywords = properties.keywords.map((each) => new EventKeyword(handle, each));
  }

  /** @internal Use {@link EventLogSession.getProviderMetadata}. */
  static async open(session: number | null, name: string, options: ProviderOptions): Promise<ProviderMetadata> {
    const request = { name, logFilePath: undefined, locale: options.locale ?? 0 };
    const handle = await runAsynchronous(callOpenPublisher(session, request, true, API, options));
    // What it says of itself was read when it was opened.
    return new ProviderMetadata(name, handle, handleObject(handle, PublisherObject, API).metadata!);
  }

  /** The name that is shown for it; undefined where there is none. */
  async getDisplayName(options: TextOptions = {}): Promise<string | undefined> {
    return this.text(undefined, options);
  }

  /** The events that it declares. */
  async getEvents(options: TextOptions = {}): Promise<EventMetadata[]> {
    const events = await runAsynchronous(callPublisherEvents(this.handle, API, options));
    return events.map((event) => new EventMetadata(this.handle, event, this));
  }

  /**
   * The message of one of its events, with the event's values in it; undefined where there is none.
   * @param options `values`: what goes into it instead of the event's own
   */
  async formatDescription(
    event: EventRecord,
    options: TextOptions & { readonly values?: readonly string[] | undefined } = {},
  ): Promise<string | undefined> {
    const request = { kind: 'event', event: event.tree[0], messageId: 0, values: options.values } as const;
    return (await textOrNone(runAsynchronous(callText(this.handle, request, API, options))))?.[0];
  }

  /** The XML of one of its events with all its texts in it (RenderingInfo), as Windows gives it to others. */
  async renderedXml(event: EventRecord, options: TextOptions = {}): Promise<string> {
    return runAsynchronous(callRenderedXml(this.handle, event.tree, API, options));
  }

  close(): void {
    if (isKnown(this.handle)) close(this.handle);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
