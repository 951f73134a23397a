import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import * as operations from '../even6/stubs/operations.ts';
import { NULL_VARIANT, type Variant } from '../even6/stubs/variant.ts';
import { runAsynchronous } from '../service/calls.ts';
import { callChannelConfig, callChannels } from '../service/log-calls.ts';
import { EventMetadataList, OpenPublisher } from './context-objects.ts';
import { keywordStrings, levelString, opcodeString, taskString } from './default-strings.ts';
import { invalid } from './query-operations.ts';
import type { ServedLogs } from './served-logs.ts';
import { AnsweredFailure, type ClientCall, type ServedOperation, serve } from './served-operation.ts';

/**
 * Operations 9, 10 and 22 to 28: publishers and messages. A store knows the names of the publishers that its channels name, and no
 * messages: those are in the publishers' own files, on the machines that wrote the events.
 */

const METADATA_ENTRIES = 29;
const RESOURCE_PROPERTIES: readonly number[] = [4, 5, 0xc, 0x10, 0x15, 0x19];
const CLASSIC_LOGS: ReadonlyMap<string, string> = new Map([
  ['application', 'Application'],
  ['security', 'Security'],
  ['system', 'System'],
]);
const FALLBACK_LOCALE = 0x100;
const EVENT_ID_SIZE = 16;

const RenderFlag = { event: 1, level: 2, task: 3, opcode: 4, keyword: 5, channel: 6, provider: 7, id: 8 } as const;

/** 29 properties of which nothing is known. */
function noMetadata(): Variant[] {
  return Array.from({ length: METADATA_ENTRIES }, () => NULL_VARIANT);
}

/** The strings that a message is asked for, of those that need no publisher; undefined where there is none. */
function defaultStrings(event: Uint8Array, flags: number, api: string): string[] | undefined {
  if (event.length < EVENT_ID_SIZE) throw invalid(api, 'the event descriptor is too short');
  const view = new DataView(event.buffer, event.byteOffset, event.byteLength);
  const one = (text: string | undefined) => (text === undefined ? undefined : [text]);
  switch (flags) {
    case RenderFlag.level:
      return one(levelString(view.getUint8(4)));
    case RenderFlag.opcode:
      return one(opcodeString(view.getUint8(5)));
    case RenderFlag.task:
      return one(taskString(view.getUint16(6, true)));
    case RenderFlag.keyword: {
      const names = keywordStrings(view.getBigUint64(8, true));
      return names.length === 0 ? undefined : names;
    }
    default:
      return undefined;
  }
}

/** Strings as they are answered: each terminated, several with one terminator more. */
function rendered(
  strings: readonly string[],
  isList: boolean,
  maxBytes: number,
): { text: Rendered; info: typeof operations.NO_INFO } {
  const text = strings.map((string) => `${string}\0`).join('') + (isList ? '\0' : '');
  const bytes = Buffer.from(text, 'utf16le');
  if (bytes.length > maxBytes) {
    throw new AnsweredFailure<{ text: Rendered }>(WIN32.ERROR_INSUFFICIENT_BUFFER, {
      text: { bytes: new Uint8Array(), needed: bytes.length },
    });
  }
  return { text: { bytes, needed: bytes.length }, info: operations.NO_INFO };
}

type Rendered = { readonly bytes: Uint8Array; readonly needed: number };

function render(event: Uint8Array, flags: number, maxBytes: number, api: string) {
  const strings = flags === RenderFlag.id ? undefined : defaultStrings(event, flags, api);
  if (strings !== undefined) return rendered(strings, flags === RenderFlag.keyword, maxBytes);
  const symbol = flags === RenderFlag.id ? 'ERROR_EVT_MESSAGE_ID_NOT_FOUND' : 'ERROR_EVT_MESSAGE_NOT_FOUND';
  throw new EvtError(symbol, api, 'the messages of publishers are not here');
}

export function publisherOperations({ session }: ServedLogs): ServedOperation[] {
  /** The publishers that a channel's configuration names. */
  async function publishersOf(channel: string, { api, signal }: ClientCall): Promise<string[]> {
    const { config } = await runAsynchronous(callChannelConfig(session, channel, api, { signal }));
    return [config.owningPublisher, ...config.publisherList].filter((name) => name !== '');
  }

  async function allPublishers(call: ClientCall): Promise<string[]> {
    const names = new Set<string>();
    for (const channel of await runAsynchronous(callChannels(session, call.api, { signal: call.signal }))) {
      for (const name of await publishersOf(channel, call)) names.add(name);
    }
    return [...names].sort();
  }

  return [
    serve(operations.MESSAGE_RENDER, ({ publisher, event, flags, maxBytes }, { api, object }) => {
      object(publisher, OpenPublisher);
      if (flags < RenderFlag.event || flags > RenderFlag.id) throw invalid(api, `flags ${flags}`);
      return render(event, flags, maxBytes, api);
    }),

    serve(operations.MESSAGE_RENDER_DEFAULT, ({ event, flags, maxBytes }, { api }) => {
      const isKnown = flags >= RenderFlag.event && flags <= RenderFlag.id;
      if (!isKnown || flags === RenderFlag.channel || flags === RenderFlag.provider)
        throw invalid(api, `flags ${flags}`);
      return render(event, flags, maxBytes, api);
    }),

    serve(operations.GET_PUBLISHER_LIST, async (_, call) => ({ names: await allPublishers(call) })),

    serve(operations.GET_PUBLISHER_LIST_FOR_CHANNEL, async ({ channel }, call) => {
      try {
        return { names: await publishersOf(channel, call) };
      } catch (error) {
        if (!(error instanceof EvtError)) throw error;
        throw invalid(call.api, error.detail);
      }
    }),

    serve(operations.GET_PUBLISHER_METADATA, async ({ publisher }, call) => {
      if (publisher !== undefined && !(await allPublishers(call)).includes(publisher)) {
        throw new EvtError('ERROR_FILE_NOT_FOUND', call.api, `nothing is known of a publisher ${publisher}`);
      }
      return { properties: noMetadata(), publisher: call.open(new OpenPublisher(publisher)) };
    }),

    serve(operations.GET_PUBLISHER_RESOURCE_METADATA, ({ publisher, property }, { api, object }) => {
      object(publisher, OpenPublisher);
      if (!RESOURCE_PROPERTIES.includes(property)) throw invalid(api, `property ${property}`);
      return { properties: noMetadata() };
    }),

    serve(operations.GET_EVENT_METADATA_ENUM, ({ publisher }, { object, open }) => {
      object(publisher, OpenPublisher);
      return { events: open(new EventMetadataList()) };
    }),

    serve(operations.GET_NEXT_EVENT_METADATA, ({ events }, { object }) => {
      object(events, EventMetadataList);
      return { events: [] };
    }),

    serve(operations.GET_CLASSIC_LOG_DISPLAY_NAME, ({ channel, flags }, { api }) => {
      if ((flags & ~FALLBACK_LOCALE) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
      const name = CLASSIC_LOGS.get(channel.toLowerCase());
      if (name === undefined) throw new EvtError('ERROR_NOT_FOUND', api, `${channel} is no classic log`);
      return { name };
    }),
  ];
}
