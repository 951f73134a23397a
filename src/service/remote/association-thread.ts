import { workerData } from 'node:worker_threads';
import { EvtError } from '../../errors/evt-error.ts';
import { ClientAssociation } from '../../even6/rpc/client-association.ts';
import type { SentCall } from '../../even6/rpc/client-connection.ts';
import { addressOf, securityOf } from './credentials.ts';
import {
  type ThreadData,
  type ThreadReply,
  type ThreadRequest,
  ThreadState,
  type WaitWord,
} from './threaded-association.ts';

/** The thread that has the connections of a session whose calls block. */

const API = 'EvtOpenSession';
const { port, options, state } = workerData as ThreadData;
const association = new ClientAssociation(addressOf(options, API), securityOf(options, API), (connections) =>
  Atomics.store(state, ThreadState.connections, connections),
);
const sent = new Map<number, SentCall>();

process.on('exit', () => {
  Atomics.store(state, ThreadState.ended, 1);
  Atomics.add(state, ThreadState.replies, 1);
  Atomics.notify(state, ThreadState.replies);
});

function reply(message: ThreadReply, wake: WaitWord | undefined): void {
  sent.delete(message.id);
  port.postMessage(message);
  Atomics.add(state, ThreadState.replies, 1);
  Atomics.notify(state, ThreadState.replies);
  if (wake !== undefined) Atomics.notify(wake.words, wake.index);
}

function failureOf(error: unknown): NonNullable<ThreadReply['failure']> {
  if (error instanceof EvtError) return { symbol: error.symbol, what: error.detail };
  return { what: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

async function call({ id, opnum, stub, api, isLong, wake }: Extract<ThreadRequest, { kind: 'call' }>): Promise<void> {
  try {
    const made = await association.send(opnum, stub, api, isLong);
    sent.set(id, made);
    reply({ id, stub: await made.answer }, wake);
  } catch (error) {
    reply({ id, failure: failureOf(error) }, wake);
  }
}

port.on('message', (request: ThreadRequest) => {
  switch (request.kind) {
    case 'call':
      void call(request);
      return;
    case 'orphan': {
      const { id } = request;
      const isGone = sent.get(id)?.orphan() === true;
      if (isGone) reply({ id, failure: { symbol: 'RPC_S_CALL_CANCELLED', what: 'given up' } }, undefined);
      return;
    }
    case 'drop':
      association.drop();
      return;
    default:
      association.close();
      port.close();
  }
});
