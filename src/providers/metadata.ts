/** What a publisher (a provider) says of itself, as plain data: winevt.h's and MS-EVEN6's properties by name. */

/** "There is no message" (a message id of the wire and of winevt.h). */
export const NO_MESSAGE = 0xffff_ffff;

/** What a publisher has given a number, a name, and perhaps a text. */
export interface PublisherValue {
  /** As its manifest has it, such as `win:Error`; empty where it has none. */
  readonly name: string;
  readonly value: number;
  /** Of its text; undefined where there is none. */
  readonly messageId: number | undefined;
}

export type PublisherLevel = PublisherValue;

export interface PublisherTask extends PublisherValue {
  /** GUID in braces; undefined where the task has none. */
  readonly eventGuid: string | undefined;
}

/** {@link PublisherValue.value} has the opcode in its high word, and in its low word the task it is for; 0: for any. */
export type PublisherOpcode = PublisherValue;

export interface PublisherKeyword {
  readonly name: string;
  /** One bit of 64. */
  readonly mask: bigint;
  readonly messageId: number | undefined;
}

/** A channel that a publisher writes to. */
export interface ChannelReference {
  /** The channel's name. */
  readonly path: string;
  readonly index: number;
  /** What its events' definitions call the channel. */
  readonly id: number;
  /** {@link CHANNEL_IMPORTED}: another publisher's channel. */
  readonly flags: number;
  readonly messageId: number | undefined;
}

/** EVT_CHANNEL_REFERENCE_FLAGS */
export const CHANNEL_IMPORTED = 1;

/** A publisher's properties. What it does not say is undefined, or an empty list. */
export interface PublisherMetadata {
  /** In braces. */
  readonly guid: string | undefined;
  readonly resourceFilePath: string | undefined;
  readonly parameterFilePath: string | undefined;
  readonly messageFilePath: string | undefined;
  readonly helpLink: string | undefined;
  /** Of its display name. */
  readonly messageId: number | undefined;
  readonly channels: readonly ChannelReference[];
  readonly levels: readonly PublisherLevel[];
  readonly tasks: readonly PublisherTask[];
  readonly opcodes: readonly PublisherOpcode[];
  readonly keywords: readonly PublisherKeyword[];
}

/** What a publisher declares of one of its events. */
export interface EventMetadata extends EventDescriptor {
  /** Of a classic publisher with all 32 bits: severity and facility besides. */
  readonly id: number;
  readonly messageId: number | undefined;
  /** XML of its values' names and types; empty where it has none. */
  readonly template: string;
}

/** Nothing is known of a publisher but its name. */
export const NO_METADATA: PublisherMetadata = {
  guid: undefined,
  resourceFilePath: undefined,
  parameterFilePath: undefined,
  messageFilePath: undefined,
  helpLink: undefined,
  messageId: undefined,
  channels: [],
  levels: [],
  tasks: [],
  opcodes: [],
  keywords: [],
};

/** True when a publisher says nothing at all. */
export function isUnknown(metadata: PublisherMetadata): boolean {
  return Object.values(metadata).every((value) => value === undefined || (Array.isArray(value) && value.length === 0));
}

/** The opcode and the task in the number of a {@link PublisherOpcode}. */
export function opcodeParts(value: number): { readonly opcode: number; readonly task: number } {
  return { opcode: value >>> 16, task: value & 0xffff };
}

/** What identifies an event to its publisher (EVENT_DESCRIPTOR). */
export interface EventDescriptor {
  readonly id: number;
  readonly version: number;
  /** {@link ChannelReference.id}; 0: none, or it is not known. */
  readonly channel: number;
  readonly level: number;
  readonly opcode: number;
  readonly task: number;
  readonly keywords: bigint;
}

export const NO_EVENT: EventDescriptor = { id: 0, version: 0, channel: 0, level: 0, opcode: 0, task: 0, keywords: 0n };

/** Texts that can be asked for, in the order of EVT_FORMAT_MESSAGE_FLAGS, which counts from 1. */
export const MESSAGE_KINDS = ['event', 'level', 'task', 'opcode', 'keyword', 'channel', 'provider', 'id'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** Which text is asked for. */
export interface MessageRequest {
  readonly kind: MessageKind;
  /** Whose text; not looked at for `provider` and `id`. */
  readonly event: EventDescriptor;
  /** Only for `id`. */
  readonly messageId: number;
  /** What goes in for %1, %2 … */
  readonly values: readonly string[];
}
