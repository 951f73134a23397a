import { connect } from 'node:net';
import { onTestFinished } from 'vitest';
import { ContextOutcome, decodeBindAck, encodeBind } from '../../src/even6/pdu/bind.ts';
import { CALL_HEAD, decodeFaultBody, encodeCallBody } from '../../src/even6/pdu/call-bodies.ts';
import { decodePdu, encodePdu, MAX_FRAGMENT, type Pdu, PduFlag, PduStream, PduType } from '../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE, Feature, featureSyntax, NDR } from '../../src/even6/pdu/syntaxes.ts';
import { ClientConnection, type ClientSecurity } from '../../src/even6/rpc/client-connection.ts';
import { ntlmClient } from '../../src/even6/security/ntlm-client.ts';
import { AuthLevel } from '../../src/even6/security/security-context.ts';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import {
  decodeResponse,
  encodeRequest,
  GET_CHANNEL_LIST,
  type RpcOperation,
} from '../../src/even6/stubs/operations.ts';
import { PASSWORD } from './serve.ts';

/** Lets what has been sent arrive, and what it sets going begin. */
export async function afterTurns(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits for something that is sure to come. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await afterTurns(1);
}

export interface Answer<Out> {
  readonly values: Out;
  readonly status: number;
}

/** One connection of a client that makes single operations: of an association group, of a user. */
export interface OperationClient {
  readonly group: number;
  call<In extends Fields, Out extends Fields>(operation: RpcOperation<In, Out>, input: In): Promise<Answer<Out>>;
  /** Everything sent before has arrived at the server, and has begun, when this is over. */
  arrived(): Promise<void>;
  /** Breaks the connection off. */
  close(): void;
}

/** A connection of a user, protected by privacy. @param group 0: a new one */
export async function connectAs(port: number, user: string, group = 0): Promise<OperationClient> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const connection = new ClientConnection(socket, () => {});
  onTestFinished(() => connection.close());
  const level = AuthLevel.privacy;
  const security: ClientSecurity = {
    level,
    context: () => ntlmClient({ user, domain: '', password: PASSWORD, host: '127.0.0.1', level }),
  };
  await connection.bind(EVENT_SERVICE, group, security, 'test');
  const call: OperationClient['call'] = async (operation, input) =>
    decodeResponse(operation, await connection.call(operation.opnum, encodeRequest(operation, input), 'test').answer);
  return {
    group: connection.group,
    call,
    arrived: async () => void (await call(GET_CHANNEL_LIST, { flags: 0 })),
    close: () => connection.close(),
  };
}

/** A connection of nobody in particular, PDU by PDU: it can do what no client should. */
export class RawClient {
  readonly #socket;
  readonly #incoming = new PduStream();
  readonly #waiting: ((pdu: Pdu | undefined) => void)[] = [];
  readonly #pdus: Pdu[] = [];
  #isClosed = false;
  #nextCall = 1;
  group = 0;
  /** Of the features that were asked for, those that are granted. */
  features = 0;

  private constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', (bytes: Uint8Array) => {
      for (const pdu of this.#incoming.push(bytes)) this.#give(decodePdu(pdu));
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#isClosed = true;
      for (const waiting of this.#waiting.splice(0)) waiting(undefined);
    });
    onTestFinished(() => void this.#socket.destroy());
  }

  /** @returns undefined when the bind is refused */
  static async connect(port: number, { group = 0, multiplexed = true } = {}): Promise<RawClient | undefined> {
    const client = new RawClient(port);
    const contexts = [
      { id: 0, abstract: EVENT_SERVICE, transfers: [NDR] },
      { id: 1, abstract: EVENT_SERVICE, transfers: [featureSyntax(Feature.keepConnectionOnOrphan)] },
    ];
    const body = encodeBind({ maxTransmit: MAX_FRAGMENT, maxReceive: MAX_FRAGMENT, group, contexts });
    client.send(PduType.bind, client.#nextCall++, body, multiplexed ? PduFlag.multiplexing : 0);
    const answer = await client.next();
    if (answer?.type !== PduType.bindAck) return undefined;
    const ack = decodeBindAck(answer.body);
    client.group = ack.group;
    if (ack.results[1]?.result === ContextOutcome.negotiateAck) client.features = ack.results[1].reason;
    return client;
  }

  #give(pdu: Pdu): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#pdus.push(pdu);
    else waiting(pdu);
  }

  /** The next PDU from the server; undefined when the connection ends. */
  next(): Promise<Pdu | undefined> {
    const pdu = this.#pdus.shift();
    if (pdu !== undefined || this.#isClosed) return Promise.resolve(pdu);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(type: number, callId: number, body: Uint8Array = new Uint8Array(), flags = 0): void {
    this.#socket.write(encodePdu({ type, callId, body, flags: flags | PduFlag.first | PduFlag.last }));
  }

  /** Sends a request, and waits for nothing. @param flags of its only fragment. @returns its call id */
  request<In extends Fields>(operation: RpcOperation<In, Fields>, input: In): number {
    const callId = this.#nextCall++;
    const stub = encodeRequest(operation, input);
    this.send(PduType.request, callId, encodeCallBody(stub.length, 0, operation.opnum, stub));
    return callId;
  }

  /** The first fragment of a request whose rest does not come. @returns its call id */
  firstFragment<In extends Fields>(operation: RpcOperation<In, Fields>, input: In): number {
    const callId = this.#nextCall++;
    const stub = encodeRequest(operation, input).subarray(0, 8);
    const body = encodeCallBody(stub.length, 0, operation.opnum, stub);
    this.#socket.write(encodePdu({ type: PduType.request, callId, body, flags: PduFlag.first }));
    return callId;
  }

  /** The rest of it. */
  lastFragment<In extends Fields>(operation: RpcOperation<In, Fields>, input: In, callId: number): void {
    const stub = encodeRequest(operation, input).subarray(8);
    const body = encodeCallBody(stub.length, 0, operation.opnum, stub);
    this.#socket.write(encodePdu({ type: PduType.request, callId, body, flags: PduFlag.last }));
  }

  /** The next answer, which is to this call. @returns a number for a fault */
  async answer<Out extends Fields>(
    operation: Pick<RpcOperation<Fields, Out>, 'output'>,
    callId: number,
  ): Promise<Answer<Out> | { readonly fault: number }> {
    const pdu = await this.next();
    if (pdu === undefined || pdu.callId !== callId) throw new Error(`the next answer is to call ${pdu?.callId}`);
    if (pdu.type === PduType.fault) return { fault: decodeFaultBody(pdu.body) };
    return decodeResponse(operation as RpcOperation<Fields, Out>, pdu.body.subarray(CALL_HEAD));
  }

  async call<In extends Fields, Out extends Fields>(operation: RpcOperation<In, Out>, input: In): Promise<Answer<Out>> {
    const answer = await this.answer(operation, this.request(operation, input));
    if ('fault' in answer) throw new Error(`fault 0x${answer.fault.toString(16)}`);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }
}
