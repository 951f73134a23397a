import { EvtError } from '../../errors/evt-error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventMetadata, MessageRequest, PublisherMetadata } from '../../providers/metadata.ts';
import { DEFAULT_PUBLISHER, defaultTexts } from '../../providers/winmeta.ts';
import type { Publisher } from '../service.ts';

/**
 * A publisher whose events are in logs of this machine. Its name is all that they tell: what it declares, and its messages, are in
 * files of its own, on the machine that wrote them.
 */
export class LocalPublisher implements Publisher {
  /** Undefined: what needs no publisher. */
  readonly #name: string | undefined;

  constructor(name: string | undefined) {
    this.#name = name;
  }

  #unknown({ api }: Operation): EvtError {
    const detail = `of the publisher ${this.#name} only the name is known here: what it declares is in its own files`;
    return new EvtError('ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND', api, detail);
  }

  // biome-ignore lint/correctness/useYield: a task that needs no I/O
  *metadata(operation: Operation): Task<PublisherMetadata> {
    operation.checkpoint();
    if (this.#name !== undefined) throw this.#unknown(operation);
    return DEFAULT_PUBLISHER;
  }

  // biome-ignore lint/correctness/useYield: a task that needs no I/O
  *events(operation: Operation): Task<readonly EventMetadata[]> {
    operation.checkpoint();
    if (this.#name !== undefined) throw this.#unknown(operation);
    return [];
  }

  *message(request: MessageRequest, operation: Operation): Task<readonly string[]> {
    return yield* defaultMessage(request, operation);
  }

  dispose(): void {}
}

/**
 * A text that needs no publisher.
 * @throws EvtError ERROR_EVT_MESSAGE_NOT_FOUND (15027), ERROR_EVT_MESSAGE_ID_NOT_FOUND (15028)
 */
// biome-ignore lint/correctness/useYield: a task that needs no I/O
export function* defaultMessage(request: MessageRequest, operation: Operation): Task<readonly string[]> {
  operation.checkpoint();
  const texts = defaultTexts(request);
  if (texts !== undefined) return texts;
  const { kind, messageId } = request;
  const { api } = operation;
  if (kind === 'id') throw new EvtError('ERROR_EVT_MESSAGE_ID_NOT_FOUND', api, `there is no message ${messageId} here`);
  throw new EvtError('ERROR_EVT_MESSAGE_NOT_FOUND', api, `the text of the ${kind} is in its publisher's files`);
}
