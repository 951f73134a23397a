import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import { decodeDescriptor, encodeTexts } from '../even6/messages.ts';
import {
  RESOURCE_GROUPS,
  type ResourceGroup,
  variantsOfEvent,
  variantsOfPublisher,
} from '../even6/publisher-properties.ts';
import { MAX_EVENT_METADATA, MAX_NAMES, MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import * as operations from '../even6/stubs/operations.ts';
import type { Variant } from '../even6/stubs/variant.ts';
import { MESSAGE_KINDS, type MessageKind, type MessageRequest, NO_METADATA } from '../providers/metadata.ts';
import { runAsynchronous } from '../service/calls.ts';
import { callChannels } from '../service/log-calls.ts';
import {
  callDefaultMessage,
  callOpenPublisher,
  callPublisherEvents,
  callPublisherMessage,
  callPublisherMetadata,
  callPublishers,
  callPublishersOfChannel,
} from '../service/publisher-calls.ts';
import { demand } from './access.ts';
import { EventMetadataList, OpenPublisher } from './context-objects.ts';
import { invalid } from './query-operations.ts';
import type { ServedLogs } from './served-logs.ts';
import { AnsweredFailure, type ClientCall, type ServedOperation, serve } from './served-operation.ts';

/**
 * Operations 9, 10 and 22 to 28: publishers and messages. Of a publisher whose name is all that the served logs know, a client gets
 * what it would of one that declares nothing, and the texts that every machine has.
 */

const CLASSIC_LOGS: ReadonlyMap<string, string> = new Map([
  ['application', 'Application'],
  ['security', 'Security'],
  ['system', 'System'],
]);
const FALLBACK_LOCALE = 0x100;
/** Of one answer to operation 27: templates take two bytes a unit. */
const MAX_TEMPLATE_UNITS = MAX_PAYLOAD / 4;
/** Texts that no publisher is needed for. */
const DEFAULT_KINDS: readonly MessageKind[] = ['event', 'level', 'task', 'opcode', 'keyword', 'id'];

/** What a client asks for with operations 9 and 10. */
interface AskedMessage {
  readonly event: Uint8Array;
  readonly messageId: number;
  readonly values: readonly Variant[];
  readonly flags: number;
  readonly maxBytes: number;
}

/** @throws EvtError ERROR_INVALID_PARAMETER (87) */
function messageRequest(asked: AskedMessage, kinds: readonly MessageKind[], api: string): MessageRequest {
  const kind = MESSAGE_KINDS[asked.flags - 1];
  if (kind === undefined || !kinds.includes(kind)) throw invalid(api, `flags ${asked.flags}`);
  const event = decodeDescriptor(asked.event, api);
  return { kind, event, messageId: asked.messageId, values: asked.values.map(insertText) };
}

/** A value as it stands in a message. */
function insertText(variant: Variant): string {
  switch (variant.type) {
    case 'null':
      return '';
    case 'guid':
      return `{${variant.value ?? ''}}`;
    case 'guids':
      return variant.value.map((each) => `{${each}}`).join(', ');
    default:
      return Array.isArray(variant.value) ? variant.value.join(', ') : String(variant.value ?? '');
  }
}

type Rendered = { readonly bytes: Uint8Array; readonly needed: number };

/** Texts as an answer. @throws AnsweredFailure ERROR_INSUFFICIENT_BUFFER (122) */
function rendered(texts: readonly string[], isList: boolean, maxBytes: number) {
  const bytes = encodeTexts(texts, isList);
  if (bytes.length > Math.min(maxBytes, MAX_PAYLOAD)) {
    throw new AnsweredFailure<{ text: Rendered }>(WIN32.ERROR_INSUFFICIENT_BUFFER, {
      text: { bytes: new Uint8Array(), needed: bytes.length },
    });
  }
  return { text: { bytes, needed: bytes.length }, info: operations.NO_INFO };
}

/** What the call gives; something else where no more than the publisher's name is known. */
async function unlessUnknown<T>(call: Promise<T>, instead: T): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof EvtError && error.symbol === 'ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND') return instead;
    throw error;
  }
}

export function publisherOperations({ session, access }: ServedLogs): ServedOperation[] {
  /** Of all channels that the client may read: what the events of the others name is none of its business. */
  async function publishersFor({ api, signal, caller }: ClientCall): Promise<string[]> {
    const channels = await runAsynchronous(callChannels(session, api, { signal }));
    const readable = channels.filter((channel) => access.allows(caller.identity, channel, 'read'));
    if (readable.length === channels.length) return runAsynchronous(callPublishers(session, api, { signal }));
    const names = new Set<string>();
    for (const channel of readable) {
      for (const name of await runAsynchronous(callPublishersOfChannel(session, channel, api, { signal }))) {
        names.add(name);
      }
    }
    return [...names].sort();
  }

  const metadataOf = ({ publisher }: OpenPublisher, { api, signal }: ClientCall) =>
    unlessUnknown(runAsynchronous(callPublisherMetadata(publisher, api, { signal })), NO_METADATA);

  return [
    serve(operations.MESSAGE_RENDER, async ({ publisher: handle, ...asked }, { api, object, signal }) => {
      const { publisher } = object(handle, OpenPublisher);
      const request = messageRequest(asked, MESSAGE_KINDS, api);
      const texts = await runAsynchronous(callPublisherMessage(publisher, request, api, { signal }));
      return rendered(texts, request.kind === 'keyword', asked.maxBytes);
    }),

    serve(operations.MESSAGE_RENDER_DEFAULT, async (asked, { api, signal }) => {
      const request = messageRequest(asked, DEFAULT_KINDS, api);
      const texts = await runAsynchronous(callDefaultMessage(session, request, api, { signal }));
      return rendered(texts, request.kind === 'keyword', asked.maxBytes);
    }),

    serve(operations.GET_PUBLISHER_LIST, async (_, call) => ({
      names: (await publishersFor(call)).slice(0, MAX_NAMES),
    })),

    serve(operations.GET_PUBLISHER_LIST_FOR_CHANNEL, async ({ channel }, { api, signal, caller }) => {
      demand(access, caller.identity, channel, 'read', api);
      try {
        const names = await runAsynchronous(callPublishersOfChannel(session, channel, api, { signal }));
        return { names: names.slice(0, MAX_NAMES) };
      } catch (error) {
        const isChannel =
          error instanceof EvtError &&
          (error.symbol === 'ERROR_EVT_CHANNEL_NOT_FOUND' || error.symbol === 'ERROR_EVT_INVALID_CHANNEL_PATH');
        throw isChannel ? invalid(api, error.detail) : error;
      }
    }),

    serve(operations.GET_PUBLISHER_METADATA, async ({ publisher: name, locale }, call) => {
      const { api, signal } = call;
      // A log file that the client names lies elsewhere.
      const request = { name, logFilePath: undefined, locale };
      const opened = new OpenPublisher(
        await runAsynchronous(callOpenPublisher(session, request, false, api, { signal })),
      );
      try {
        const properties = variantsOfPublisher(await metadataOf(opened, call), 'registration');
        return { properties, publisher: call.open(opened) };
      } catch (error) {
        opened.rundown();
        throw error;
      }
    }),

    serve(operations.GET_PUBLISHER_RESOURCE_METADATA, async ({ publisher, property }, call) => {
      const opened = call.object(publisher, OpenPublisher);
      const groups = Object.keys(RESOURCE_GROUPS) as ResourceGroup[];
      const group = groups.find((each) => RESOURCE_GROUPS[each] === property);
      if (group === undefined) throw invalid(call.api, `property ${property}`);
      return { properties: variantsOfPublisher(await metadataOf(opened, call), group) };
    }),

    serve(operations.GET_EVENT_METADATA_ENUM, async ({ publisher: handle }, { api, object, open, signal }) => {
      const { publisher } = object(handle, OpenPublisher);
      const events = await unlessUnknown(runAsynchronous(callPublisherEvents(publisher, api, { signal })), []);
      return { events: open(new EventMetadataList(events)) };
    }),

    serve(operations.GET_NEXT_EVENT_METADATA, ({ events, count }, { object }) => {
      const next = object(events, EventMetadataList).take(Math.min(count, MAX_EVENT_METADATA), MAX_TEMPLATE_UNITS);
      return { events: next.map(variantsOfEvent) };
    }),

    serve(operations.GET_CLASSIC_LOG_DISPLAY_NAME, ({ channel, flags }, { api }) => {
      if ((flags & ~FALLBACK_LOCALE) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
      const name = CLASSIC_LOGS.get(channel.toLowerCase());
      if (name === undefined) throw new EvtError('ERROR_NOT_FOUND', api, `${channel} is no classic log`);
      return { name };
    }),
  ];
}
