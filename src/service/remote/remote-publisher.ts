import { EvtError } from '../../errors/evt-error.ts';
import { WIN32 } from '../../errors/win32.ts';
import { decodeTexts, encodeDescriptor } from '../../even6/messages.ts';
import {
  eventOfVariants,
  type PropertyGroup,
  publisherProperties,
  RESOURCE_GROUPS,
  type ResourceGroup,
} from '../../even6/publisher-properties.ts';
import type { RpcAnswer } from '../../even6/rpc/rpc-client.ts';
import type { ContextHandle } from '../../even6/stubs/codec.ts';
import { MAX_PAYLOAD } from '../../even6/stubs/limits.ts';
import {
  GET_EVENT_METADATA_ENUM,
  GET_NEXT_EVENT_METADATA,
  GET_PUBLISHER_LIST_FOR_CHANNEL,
  GET_PUBLISHER_METADATA,
  GET_PUBLISHER_RESOURCE_METADATA,
  MESSAGE_RENDER,
  MESSAGE_RENDER_DEFAULT,
  type RpcInfo,
} from '../../even6/stubs/operations.ts';
import type { Variant } from '../../even6/stubs/variant.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import {
  type EventMetadata,
  isUnknown,
  MESSAGE_KINDS,
  type MessageRequest,
  NO_METADATA,
  type PublisherMetadata,
} from '../../providers/metadata.ts';
import type { Publisher, PublisherRequest } from '../service.ts';
import { type RemoteCaller, statusError, statusOf } from './remote-call.ts';

const API_CLOSE = 'EvtClose';
const EVENTS_PER_CALL = 64;
/** What a server may tell of one publisher: Windows' largest has some thousand events. */
const MAX_EVENTS = 65_536;
const MAX_TEMPLATE_UNITS = 32 * 1024 * 1024;
/** Most messages fit; the server says so where one does not. */
const USUAL_MESSAGE_BYTES = 64 * 1024;
/** The text is there, and some of what goes into it is not. */
const INCOMPLETE_TEXT: readonly number[] = [
  WIN32.ERROR_EVT_UNRESOLVED_VALUE_INSERT,
  WIN32.ERROR_EVT_UNRESOLVED_PARAMETER_INSERT,
  WIN32.ERROR_EVT_MAX_INSERTS_REACHED,
];

interface Registration {
  readonly properties: readonly Variant[];
  readonly publisher: ContextHandle;
}

/** @throws EvtError ERROR_EVT_CHANNEL_NOT_FOUND (15007) */
export function* publishersOfChannel(caller: RemoteCaller, channel: string, operation: Operation): Task<string[]> {
  const { api } = operation;
  const { values, status } = yield* caller.answer(GET_PUBLISHER_LIST_FOR_CHANNEL, { channel, flags: 0 }, operation);
  // The protocol has no code of its own for it.
  if (status === WIN32.ERROR_INVALID_PARAMETER) {
    throw new EvtError('ERROR_EVT_CHANNEL_NOT_FOUND', api, `there is no channel "${channel}" there`);
  }
  if (status !== 0) throw statusError(status, api, `the publishers of the channel ${channel}`);
  return [...values.names];
}

/** @throws EvtError ERROR_FILE_NOT_FOUND (2), or what else the server says */
export function* openPublisher(caller: RemoteCaller, request: PublisherRequest, operation: Operation): Task<Publisher> {
  const { name, logFilePath, locale } = request;
  const { api } = operation;
  const input = { publisher: name, file: logFilePath, locale, flags: 0 };
  const letGo = ({ values }: RpcAnswer<Registration>) => caller.close([values.publisher], api);
  const { values, status } = yield* caller.answer(GET_PUBLISHER_METADATA, input, operation, letGo);
  if (status === 0) return new RemotePublisher(caller, name ?? 'the default publisher', values);
  caller.close([values.publisher], api);
  // The protocol's text has one code for all that is wrong: with nothing else given, it is the name.
  if (status === WIN32.ERROR_INVALID_PARAMETER && logFilePath === undefined && locale === 0) {
    throw new EvtError('ERROR_FILE_NOT_FOUND', api, `the server knows no publisher "${name}"`);
  }
  throw statusError(status, api, `the publisher ${name}`);
}

/** A text that the server has for all publishers. */
export function* defaultMessage(
  caller: RemoteCaller,
  request: MessageRequest,
  operation: Operation,
): Task<readonly string[]> {
  return yield* rendered(request, operation, function* (wanted) {
    return yield* caller.answer(MESSAGE_RENDER_DEFAULT, wanted, operation);
  });
}

/** A publisher of another machine. */
class RemotePublisher implements Publisher {
  readonly #caller: RemoteCaller;
  readonly #name: string;
  readonly #registration: Registration;
  #metadata: PublisherMetadata | undefined;
  #isDisposed = false;

  constructor(caller: RemoteCaller, name: string, registration: Registration) {
    this.#caller = caller;
    this.#name = name;
    this.#registration = registration;
  }

  *metadata(operation: Operation): Task<PublisherMetadata> {
    operation.checkpoint();
    this.#metadata ??= yield* this.#read(operation);
    if (isUnknown(this.#metadata)) {
      const { api } = operation;
      const detail = `the server has no more of the publisher ${this.#name} than its name`;
      throw new EvtError('ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND', api, detail);
    }
    return this.#metadata;
  }

  *#read(operation: Operation): Task<PublisherMetadata> {
    const { api } = operation;
    let metadata = { ...NO_METADATA, ...publisherProperties(this.#registration.properties, 'registration', api) };
    for (const group of Object.keys(RESOURCE_GROUPS) as ResourceGroup[]) {
      metadata = { ...metadata, ...(yield* this.#group(group, operation)) };
    }
    return metadata;
  }

  *#group(group: ResourceGroup, operation: Operation): Task<Partial<PublisherMetadata>> {
    const { api } = operation;
    const { publisher } = this.#registration;
    const input = { publisher, property: RESOURCE_GROUPS[group], flags: 0 };
    const { values, status } = yield* this.#caller.answer(GET_PUBLISHER_RESOURCE_METADATA, input, operation);
    // So says a server of a publisher that has none of it.
    if (status === WIN32.ERROR_INVALID_DATA) return {};
    if (status !== 0) throw statusError(status, api, `the publisher ${this.#name}`);
    return publisherProperties(values.properties, group satisfies PropertyGroup, api);
  }

  *events(operation: Operation): Task<readonly EventMetadata[]> {
    const { api } = operation;
    const what = `the events of the publisher ${this.#name}`;
    const input = { publisher: this.#registration.publisher, flags: 0, filter: undefined };
    const { events } = yield* this.#caller.ask(GET_EVENT_METADATA_ENUM, input, operation, what, ({ values }) =>
      this.#caller.close([values.events], api),
    );
    try {
      const found: EventMetadata[] = [];
      let units = 0;
      for (;;) {
        const wanted = { events, flags: 0, count: EVENTS_PER_CALL };
        const { values, status } = yield* this.#caller.answer(GET_NEXT_EVENT_METADATA, wanted, operation);
        if (status !== 0 && status !== WIN32.ERROR_NO_DATA && status !== WIN32.ERROR_NO_MORE_ITEMS) {
          throw statusError(status, api, what);
        }
        for (const variants of values.events) {
          const event = eventOfVariants(variants, api);
          units += event.template.length;
          found.push(event);
        }
        // Servers end with a code, or with nothing.
        if (status !== 0 || values.events.length === 0) return found;
        if (found.length > MAX_EVENTS || units > MAX_TEMPLATE_UNITS) {
          throw new EvtError('ERROR_INVALID_DATA', api, `${what}: more than ${MAX_EVENTS}, or endless templates`);
        }
      }
    } finally {
      this.#caller.close([events], api);
    }
  }

  *message(request: MessageRequest, operation: Operation): Task<readonly string[]> {
    const { publisher } = this.#registration;
    const caller = this.#caller;
    return yield* rendered(request, operation, function* (wanted) {
      return yield* caller.answer(MESSAGE_RENDER, { publisher, ...wanted }, operation);
    });
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#caller.close([this.#registration.publisher], API_CLOSE);
  }
}

type WantedMessage = {
  readonly event: Uint8Array;
  readonly messageId: number;
  readonly values: readonly Variant[];
  readonly flags: number;
  readonly maxBytes: number;
};

interface AnsweredMessage {
  readonly text: { readonly bytes: Uint8Array; readonly needed: number };
  readonly info: RpcInfo;
}

/** Asks for a message; once more with a larger buffer where it does not fit. */
function* rendered(
  { kind, event, messageId, values }: MessageRequest,
  operation: Operation,
  ask: (wanted: WantedMessage) => Task<RpcAnswer<AnsweredMessage>>,
): Task<readonly string[]> {
  const { api } = operation;
  const wanted = {
    event: encodeDescriptor(event),
    messageId,
    values: values.map((value): Variant => ({ type: 'string', value })),
    flags: MESSAGE_KINDS.indexOf(kind) + 1,
  };
  let maxBytes = USUAL_MESSAGE_BYTES;
  for (;;) {
    const { values: answer, status } = yield* ask({ ...wanted, maxBytes });
    const { bytes, needed } = answer.text;
    const failure = statusOf(status, answer.info);
    if (failure === WIN32.ERROR_INSUFFICIENT_BUFFER && needed > maxBytes && needed <= MAX_PAYLOAD) {
      maxBytes = needed;
      continue;
    }
    const hasText = failure === 0 || (INCOMPLETE_TEXT.includes(failure) && bytes.length > 0);
    if (!hasText)
      throw statusError(failure, api, `the ${kind === 'id' ? `message ${messageId}` : `text of the ${kind}`}`);
    return decodeTexts(bytes, kind === 'keyword', api);
  }
}
