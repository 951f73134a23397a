import { workerData } from 'node:worker_threads';
import { EvtError } from '../../errors/evt-error.ts';
import { ClientAssociation } from '../../even6/rpc/client-association.ts';
import type { StubCall } from '../../even6/rpc/rpc-client.ts';
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
const association = new ClientAssociation(addressOf(options, API), securityOf(options, API), (losses) =>
  Atomics.store(state, ThreadState.losses, losses),
);
const sent = new Map<number, StubCall>();

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

async function call({
  id,
  opnum,
  stub,
  api,
  options: callOptions,
  wake,
}: Extract<ThreadRequest, { kind: 'call' }>): Promise<void> {
  try {
    const made = association.send(opnum, stub, api, callOptions);
    sent.set(id, made);
    reply({ id, stub: await made.answer }, wake);
  } catch (error) {
    reply({ id, failure: failureOf(error) }, wake);
  }
}

/** The server is told; one that does not understand it has so long to answer. */
function giveUp(id: number, graceMs: number): void {
  const call = sent.get(id);
  if (call === undefined || call.withdraw() || call.orphan()) return;
  const timer = setTimeout(() => call.drop(), graceMs);
  const end = () => clearTimeout(timer);
  call.answer.then(end, end);
}

port.on('message', (request: ThreadRequest) => {
  switch (request.kind) {
    case 'call':
      void call(request);
      return;
    case 'giveUp':
      giveUp(request.id, request.graceMs);
      return;
    case 'drop':
      sent.get(request.id)?.drop();
      return;
    default:
      association.close();
      port.close();
  }
});
