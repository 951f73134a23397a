import { HandleKind } from '../operations/handle-table.ts';
import { Operation, type OperationOptions } from '../operations/operation.ts';
import type { Task } from '../operations/task.ts';
import type { EventMetadata, MessageRequest, PublisherMetadata } from '../providers/metadata.ts';
import { type Call, callOpening, callSession } from './calls.ts';
import { handleObject } from './handle-registry.ts';
import { PublisherObject } from './objects.ts';
import type { EventLogService, Publisher, PublisherRequest } from './service.ts';

/** The calls on publishers: their names, what they say of themselves and of their events, their texts. */

/** Names of all publishers. */
export function callPublishers(session: number | null, api: string, options: OperationOptions = {}): Call<string[]> {
  return callSession(session, api, options, (service, operation) => service.publishers(operation));
}

/** Names of a channel's publishers. */
export function callPublishersOfChannel(
  session: number | null,
  channel: string,
  api: string,
  options: OperationOptions = {},
): Call<string[]> {
  return callSession(session, api, options, (service, operation) => service.publishersOfChannel(channel, operation));
}

/**
 * EvtOpenPublisherMetadata. Cancelled through the session; nothing stays open then.
 * @param known fail with ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND (15002) where no more than its name is known
 * @returns the publisher's handle
 */
export function callOpenPublisher(
  session: number | null,
  request: PublisherRequest,
  known: boolean,
  api: string,
  options: OperationOptions = {},
): Call<number> {
  function* find(service: EventLogService, operation: Operation) {
    const publisher = yield* service.openPublisher(request, operation);
    try {
      return { publisher, metadata: known ? yield* publisher.metadata(operation) : undefined };
    } catch (error) {
      publisher.dispose();
      throw error;
    }
  }
  return callOpening(
    session,
    HandleKind.publisher,
    api,
    options,
    find,
    ({ publisher, metadata }) => new PublisherObject(request.name, publisher, metadata),
    ({ publisher }) => publisher.dispose(),
  );
}

/** A call on an open publisher, cancelled through it. */
function callOpened<T>(
  publisher: number | null,
  api: string,
  options: OperationOptions,
  task: (publisher: Publisher, operation: Operation) => Task<T>,
): Call<T> {
  const { publisher: opened } = handleObject(publisher, PublisherObject, api);
  const operation = new Operation(api, publisher!, options);
  return { api, task: () => task(opened, operation), queue: undefined, signal: options.signal };
}

/** What an open publisher says of itself. Cancelled through it. */
export function callPublisherMetadata(
  publisher: number | null,
  api: string,
  options: OperationOptions = {},
): Call<PublisherMetadata> {
  return callOpened(publisher, api, options, (opened, operation) => opened.metadata(operation));
}

/** The events that an open publisher declares. Cancelled through it. */
export function callPublisherEvents(
  publisher: number | null,
  api: string,
  options: OperationOptions = {},
): Call<readonly EventMetadata[]> {
  return callOpened(publisher, api, options, (opened, operation) => opened.events(operation));
}

/** A text of an open publisher. Cancelled through it. */
export function callPublisherMessage(
  publisher: number | null,
  request: MessageRequest,
  api: string,
  options: OperationOptions = {},
): Call<readonly string[]> {
  return callOpened(publisher, api, options, (opened, operation) => opened.message(request, operation));
}

/** A text that needs no publisher. */
export function callDefaultMessage(
  session: number | null,
  request: MessageRequest,
  api: string,
  options: OperationOptions = {},
): Call<readonly string[]> {
  return callSession(session, api, options, (service, operation) => service.defaultMessage(request, operation));
}
