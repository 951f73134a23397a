import type { EventElement } from '../binxml/event-tree.ts';
import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import { Operation, type OperationOptions } from '../operations/operation.ts';
import type { Task } from '../operations/task.ts';
import { carriedTexts, descriptorOf, RENDERED_KINDS, renderedXml } from '../providers/event-texts.ts';
import {
  type EventDescriptor,
  type MessageKind,
  type MessageRequest,
  NO_EVENT,
  type PublisherMetadata,
} from '../providers/metadata.ts';
import { defaultTexts } from '../providers/winmeta.ts';
import { systemValue } from '../render/system-values.ts';
import { bodyTexts } from '../render/user-values.ts';
import type { Call } from './calls.ts';
import { handleObject } from './handle-registry.ts';
import { PublisherObject } from './objects.ts';

/** The texts of events: of their publisher, of those that they carry themselves, and of those that every machine has. */

/** Texts are in the language that the publisher was opened with; what is not said otherwise is English. */
const CULTURE = 'en-US';

const NO_TEXT: readonly number[] = [
  WIN32.ERROR_RESOURCE_DATA_NOT_FOUND,
  WIN32.ERROR_RESOURCE_TYPE_NOT_FOUND,
  WIN32.ERROR_RESOURCE_NAME_NOT_FOUND,
  WIN32.ERROR_RESOURCE_LANG_NOT_FOUND,
  WIN32.ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND,
  WIN32.ERROR_EVT_MESSAGE_NOT_FOUND,
  WIN32.ERROR_EVT_MESSAGE_ID_NOT_FOUND,
  WIN32.ERROR_EVT_EVENT_DEFINITION_NOT_FOUND,
  WIN32.ERROR_EVT_MESSAGE_LOCALE_NOT_FOUND,
  WIN32.ERROR_MUI_FILE_NOT_FOUND,
  WIN32.ERROR_MUI_FILE_NOT_LOADED,
];

/** True for what a publisher fails with that has no such text. */
export function isWithoutText(error: unknown): error is EvtError {
  return error instanceof EvtError && NO_TEXT.includes(error.code);
}

/** Which text is wanted. */
export interface TextRequest {
  readonly kind: MessageKind;
  /** Whose; not looked at for `id` and `provider`. */
  readonly event: EventElement | undefined;
  /** Only for `id`. */
  readonly messageId: number;
  /** Instead of the event's own. */
  readonly values?: readonly string[] | undefined;
}

/**
 * EvtFormatMessage: one text, or of keywords one for each. Cancelled through the publisher.
 * @param publisher null: the texts that the event carries, and those that need no publisher
 */
export function callText(
  publisher: number | null,
  request: TextRequest,
  api: string,
  options: OperationOptions = {},
): Call<readonly string[]> {
  const source = textSource(publisher, api, options);
  return { api, task: () => textOf(source, request), queue: undefined, signal: options.signal };
}

/** EvtFormatMessage for all texts at once: the event's XML with those that there are. */
export function callRenderedXml(
  publisher: number | null,
  roots: readonly EventElement[],
  api: string,
  options: OperationOptions = {},
): Call<string> {
  const source = textSource(publisher, api, options);
  function* task(): Task<string> {
    const texts = new Map<MessageKind, readonly string[]>();
    for (const kind of RENDERED_KINDS) {
      try {
        texts.set(kind, yield* textOf(source, { kind, event: roots[0], messageId: 0 }));
      } catch (error) {
        if (!isWithoutText(error)) throw error;
      }
    }
    return renderedXml(roots, texts, CULTURE);
  }
  return { api, task, queue: undefined, signal: options.signal };
}

interface TextSource {
  readonly publisher: PublisherObject | undefined;
  readonly operation: Operation;
}

function textSource(publisher: number | null, api: string, options: OperationOptions): TextSource {
  if (publisher === null || publisher === 0) {
    return { publisher: undefined, operation: new Operation(api, undefined, options) };
  }
  const object = handleObject(publisher, PublisherObject, api);
  return { publisher: object, operation: new Operation(api, publisher, options) };
}

function* textOf({ publisher, operation }: TextSource, wanted: TextRequest): Task<readonly string[]> {
  const { kind, event, messageId, values } = wanted;
  operation.checkpoint();
  const request: MessageRequest = {
    kind,
    event: event === undefined ? NO_EVENT : inPublisher(event, publisher?.metadata),
    messageId,
    values: values ?? (kind === 'event' ? bodyTexts(event) : []),
  };
  const carried = carriedTexts(event, kind);
  if (publisher === undefined) {
    const texts = carried ?? defaultTexts(request);
    if (texts !== undefined) return texts;
    const symbol = kind === 'id' ? 'ERROR_EVT_MESSAGE_ID_NOT_FOUND' : 'ERROR_EVT_MESSAGE_NOT_FOUND';
    throw new EvtError(
      symbol,
      operation.api,
      `only its publisher has the text of ${kind === 'id' ? 'a' : 'the'} ${kind}`,
    );
  }
  try {
    return yield* publisher.publisher.message(request, operation);
  } catch (error) {
    if (carried !== undefined && isWithoutText(error)) return carried;
    throw error;
  }
}

/** An event's descriptor with the number that its publisher has for its channel. */
function inPublisher(event: EventElement, metadata: PublisherMetadata | undefined): EventDescriptor {
  const { value: channel } = systemValue(event, 'Channel');
  const known = metadata?.channels.find(({ path }) => path === channel);
  return { ...descriptorOf(event), channel: known?.id ?? 0 };
}
