import { EvtError } from '../errors/evt-error.ts';
import * as operations from '../even6/stubs/operations.ts';
import { Operation } from '../operations/operation.ts';
import { runAsync } from '../operations/task.ts';
import { callNext, callSubscribe, runAsynchronous } from '../service/calls.ts';
import { handleObject } from '../service/handle-registry.ts';
import { EventSourceObject, SubscriptionObject } from '../service/objects.ts';
import type { EventPosition, SubscribeRequest, SubscriptionStart } from '../service/service.ts';
import { admission } from './admission.ts';
import { OperationControl, RemoteSubscription, toldChannels } from './context-objects.ts';
import {
  checkChannels,
  checkCount,
  clientBookmark,
  deadline,
  endOfEvents,
  invalid,
  queryWeight,
  readBatch,
} from './query-operations.ts';
import type { ServedLogs } from './served-logs.ts';
import { type ServedOperation, serve } from './served-operation.ts';

/** Operations 0 to 3: subscriptions, which the client reads when it likes to (pull) or waits for (push). */

const STARTS: readonly (SubscriptionStart | undefined)[] = [undefined, 'future', 'oldest', 'bookmark'];
const START_MASK = 3;
const Flag = { tolerate: 0x1000, strict: 0x1_0000, pull: 0x1000_0000 } as const;
const FLAGS = START_MASK | Flag.tolerate | Flag.strict | Flag.pull;
/** Milliseconds that one look for events may take before others have their turn. */
const LOOK_MS = 50;

/**
 * The bookmark of a subscription.
 * @throws EvtError ERROR_INVALID_PARAMETER (87) where there is none that can be read; strict, ERROR_NOT_FOUND (1168)
 */
function startBookmark(xml: string | undefined, strict: boolean, api: string): EventPosition {
  try {
    if (xml === undefined) throw invalid(api, 'there is no bookmark');
    return clientBookmark(xml, api);
  } catch (error) {
    if (!(error instanceof EvtError) || !strict) throw error;
    throw new EvtError('ERROR_NOT_FOUND', api, error.detail, { cause: error });
  }
}

/** Waits until a subscription has unread events, in nobody's way: reads go on meanwhile. */
async function waitForEvents(handle: number, api: string, signal: AbortSignal): Promise<void> {
  const { queue, subscription } = handleObject(handle, SubscriptionObject, api);
  const operation = new Operation(api, handle, { signal });
  for (;;) {
    // A look of its own would not know of a cancel that came between two.
    operation.checkpoint();
    const seen = subscription.changes;
    const look = new Operation(api, handle, { signal, timeoutMs: LOOK_MS });
    try {
      if (await queue.enqueue(() => subscription.ready(look), signal)) return;
    } catch (error) {
      if (!(error instanceof EvtError) || error.symbol !== 'ERROR_TIMEOUT') throw error;
      continue;
    }
    await runAsync(operation.waitFor((wake) => subscription.onChange(seen, wake), LOOK_MS));
  }
}

export function subscriptionOperations(logs: ServedLogs): ServedOperation[] {
  const { session, queryUnits } = logs;
  return [
    serve(operations.REGISTER_REMOTE_SUBSCRIPTION, async ({ channel, query, bookmark, flags }, call) => {
      const { api, caller, signal } = call;
      const start = STARTS[flags & START_MASK];
      if (start === undefined || (flags & ~FLAGS) !== 0) throw invalid(api, `flags 0x${flags.toString(16)}`);
      const strict = (flags & Flag.strict) !== 0;
      const request: SubscribeRequest = {
        path: channel === '' ? undefined : channel,
        pathType: 'channel',
        query: query === '' ? undefined : query,
        start,
        bookmark: start === 'bookmark' ? startBookmark(bookmark, strict, api) : undefined,
        tolerate: (flags & Flag.tolerate) !== 0,
        strict,
        onMissed: undefined,
        onDamage: undefined,
        admit: admission(logs, caller.identity, api),
      };
      const weight = queryWeight(query, queryUnits, api);
      // Besides, there is what cancels it.
      call.demandRoom(weight + 1);
      const opened = await runAsynchronous(callSubscribe(session, request, {}, api, { signal }));
      const channels = toldChannels(handleObject(opened, EventSourceObject, api).sources);
      checkChannels(channels, opened, api);
      return {
        subscription: call.open(new RemoteSubscription(opened, (flags & Flag.pull) !== 0), weight),
        control: call.open(new OperationControl(opened)),
        channels,
        info: operations.NO_INFO,
      };
    }),

    serve(operations.REMOTE_SUBSCRIPTION_NEXT_ASYNC, async ({ subscription, count }, call) => {
      const { api, signal } = call;
      const { subscription: handle, surplus, isPull } = call.object(subscription, RemoteSubscription);
      if (isPull) throw new EvtError('ERROR_INVALID_OPERATION', api, 'the subscription is read by its client');
      checkCount(count, api);
      // It waits for the first events only.
      const read = (max: number, found: number) => runAsynchronous(callNext(handle, max, api, { signal }, found === 0));
      return { records: await readBatch({ handle, surplus, read, waits: true }, count, call) };
    }),

    serve(operations.REMOTE_SUBSCRIPTION_NEXT, async ({ subscription, count, timeoutMs }, call) => {
      const { api, signal } = call;
      const { subscription: handle, surplus, isPull } = call.object(subscription, RemoteSubscription);
      if (!isPull) throw new EvtError('ERROR_INVALID_OPERATION', api, 'the subscription waits for its client');
      checkCount(count, api);
      const left = deadline(timeoutMs);
      const read = (max: number) => runAsynchronous(callNext(handle, max, api, { signal, ...left() }, false));
      const records = await readBatch({ handle, surplus, read }, count, call);
      if (records.offsets.length === 0) throw endOfEvents(api);
      return { records };
    }),

    serve(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, async ({ subscription }, { api, signal, object }) => {
      const { subscription: handle, surplus, isPull } = object(subscription, RemoteSubscription);
      if (!isPull) throw new EvtError('ERROR_INVALID_OPERATION', api, 'the subscription waits for its client');
      if (surplus.length === 0) await waitForEvents(handle, api, signal);
      return {};
    }),
  ];
}
