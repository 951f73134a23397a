import {
  CHANNEL_IMPORTED,
  type EventMetadata as EventProperties,
  type MessageRequest,
  NO_EVENT,
  opcodeParts,
  type PublisherMetadata,
} from '../providers/metadata.ts';
import { runAsynchronous } from '../service/calls.ts';
import { isWithoutText } from '../service/message-calls.ts';
import { callPublisherMessage } from '../service/publisher-calls.ts';

/** What a provider consists of, under .NET's names. */

const API = 'ProviderMetadata';
/** A classic provider's events have a severity and a facility above their id. */
const EVENT_ID = 0xffff;

export interface TextOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A text, or undefined where there is none. */
export async function textOrNone<T>(text: Promise<T>): Promise<T | undefined> {
  try {
    return await text;
  } catch (error) {
    if (isWithoutText(error)) return undefined;
    throw error;
  }
}

/** Something that a provider has a text for. */
export class Described {
  /** Of its text; undefined where it has none of its own. */
  readonly messageId: number | undefined;
  /** Of the provider. */
  readonly #handle: number;

  constructor(handle: number, messageId: number | undefined) {
    this.#handle = handle;
    this.messageId = messageId;
  }

  /** @param instead what is asked for where it has no text of its own: others may have one */
  protected async text(instead: MessageRequest | undefined, options: TextOptions): Promise<string | undefined> {
    const { messageId } = this;
    const ask = async (request: MessageRequest) =>
      (await textOrNone(runAsynchronous(callPublisherMessage(this.#handle, request, API, options))))?.[0];
    const own = messageId === undefined ? undefined : await ask({ kind: 'id', event: NO_EVENT, messageId, values: [] });
    return own ?? (instead === undefined ? undefined : ask(instead));
  }
}

/** What a provider has given a name: a level, a task, an opcode, a keyword, or a channel that it writes to. */
export class Named extends Described {
  /** As the provider's manifest has it, such as `win:Error`. */
  readonly name: string;
  readonly #instead: MessageRequest;

  constructor(
    handle: number,
    { name, messageId }: { readonly name: string; readonly messageId: number | undefined },
    instead: Pick<MessageRequest, 'kind'> & { readonly event: Partial<MessageRequest['event']> },
  ) {
    super(handle, messageId);
    this.name = name;
    this.#instead = { kind: instead.kind, event: { ...NO_EVENT, ...instead.event }, messageId: 0, values: [] };
  }

  /** The text that is shown for it; undefined where there is none. */
  async getDisplayName(options: TextOptions = {}): Promise<string | undefined> {
    return this.text(this.#instead, options);
  }
}

export class EventLevel extends Named {
  readonly value: number;

  constructor(handle: number, level: PublisherMetadata['levels'][number]) {
    super(handle, level, { kind: 'level', event: { level: level.value } });
    this.value = level.value;
  }
}

export class EventTask extends Named {
  readonly value: number;
  /** GUID in braces; undefined where the task has none. */
  readonly eventGuid: string | undefined;

  constructor(handle: number, task: PublisherMetadata['tasks'][number]) {
    super(handle, task, { kind: 'task', event: { task: task.value } });
    this.value = task.value;
    this.eventGuid = task.eventGuid;
  }
}

export class EventOpcode extends Named {
  readonly value: number;
  /** The task that it is for; 0: any. */
  readonly task: number;

  constructor(handle: number, item: PublisherMetadata['opcodes'][number]) {
    const { opcode, task } = opcodeParts(item.value);
    super(handle, item, { kind: 'opcode', event: { opcode, task } });
    this.value = opcode;
    this.task = task;
  }
}

export class EventKeyword extends Named {
  /** One bit of 64. */
  readonly value: bigint;

  constructor(handle: number, keyword: PublisherMetadata['keywords'][number]) {
    super(handle, keyword, { kind: 'keyword', event: { keywords: keyword.mask } });
    this.value = keyword.mask;
  }
}

/** A channel that a provider writes to. */
export class EventLogLink extends Named {
  /** The number that the provider's events have for it. */
  readonly id: number;
  /** It is another provider's. */
  readonly isImported: boolean;

  constructor(handle: number, { path, id, flags, messageId }: PublisherMetadata['channels'][number]) {
    super(handle, { name: path, messageId }, { kind: 'channel', event: { channel: id } });
    this.id = id;
    this.isImported = (flags & CHANNEL_IMPORTED) !== 0;
  }

  /** The channel's name. */
  get logName(): string {
    return this.name;
  }
}

/** What an event refers to. */
export interface ProviderLists {
  readonly logLinks: readonly EventLogLink[];
  readonly levels: readonly EventLevel[];
  readonly tasks: readonly EventTask[];
  readonly opcodes: readonly EventOpcode[];
  readonly keywords: readonly EventKeyword[];
}

/** An event that a provider declares. What it refers to is undefined where the provider does not declare that. */
export class EventMetadata extends Described {
  readonly id: number;
  readonly version: number;
  readonly logLink: EventLogLink | undefined;
  readonly level: EventLevel | undefined;
  readonly opcode: EventOpcode | undefined;
  readonly task: EventTask | undefined;
  readonly keywords: readonly EventKeyword[];
  /** XML of the event's values, their names and types; empty where it has none. */
  readonly template: string;
  /** The numbers themselves. */
  readonly properties: EventProperties;

  constructor(handle: number, properties: EventProperties, lists: ProviderLists) {
    super(handle, properties.messageId);
    const { id, version, channel, level, opcode, task, keywords, template } = properties;
    const opcodes = lists.opcodes.filter(({ value }) => value === opcode);
    this.id = id;
    this.version = version;
    this.logLink = lists.logLinks.find((link) => link.id === channel);
    this.level = lists.levels.find(({ value }) => value === level);
    this.opcode = opcodes.find((each) => each.task === task) ?? opcodes.find((each) => each.task === 0);
    this.task = lists.tasks.find(({ value }) => value === task);
    this.keywords = lists.keywords.filter(({ value }) => (keywords & value) !== 0n);
    this.template = template;
    this.properties = properties;
  }

  /** The event's message with `%1`, `%2` … in it; undefined where there is none. */
  async getDescription(options: TextOptions = {}): Promise<string | undefined> {
    const event = { ...this.properties, id: this.id & EVENT_ID };
    return this.text({ kind: 'event', event, messageId: 0, values: [] }, options);
  }
}
