import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ContextItem, encodeBind } from '../../../src/even6/pdu/bind.ts';
import { decodeFaultBody, encodeCallBody } from '../../../src/even6/pdu/call-bodies.ts';
import {
  type AuthTrailer,
  decodePdu,
  encodePdu,
  type Pdu,
  PduFlag,
  type PduParts,
  PduStream,
  PduType,
} from '../../../src/even6/pdu/pdu.ts';
import { MANAGEMENT, NDR } from '../../../src/even6/pdu/syntaxes.ts';
import { PduSecurity } from '../../../src/even6/rpc/pdu-security.ts';
import { ntlmClient } from '../../../src/even6/security/ntlm-client.ts';
import { PASSWORD } from '../../server/serve.ts';

export const WHOLE: number = PduFlag.first | PduFlag.last;
/** The management interface: anybody may call it. */
export const CONTEXT: ContextItem = { id: 1, abstract: MANAGEMENT, transfers: [NDR] };

/** A client that says what it is told to say, PDU by PDU. */
export class RawClient {
  readonly #socket: Socket;
  readonly #stream = new PduStream();
  readonly #received: Uint8Array[] = [];
  #isEnded = false;
  #wake = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => {
      this.#received.push(...this.#stream.push(bytes));
      this.#wake();
    });
    socket.on('end', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(parts: Omit<PduParts, 'flags'> & { readonly flags?: number }): void {
    this.sendBytes(encodePdu({ flags: WHOLE, ...parts }));
  }

  sendBytes(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The next PDU; undefined when the server has ended the connection. */
  async receive(): Promise<Pdu | undefined> {
    while (this.#received.length === 0) {
      if (this.#isEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return decodePdu(this.#received.shift()!);
  }

  async negotiate(type: number, contexts: readonly ContextItem[], callId = 1, auth?: AuthTrailer): Promise<Pdu> {
    const body = encodeBind({ maxTransmit: 5840, maxReceive: 5840, group: 0, contexts });
    this.send({ type, callId, body, auth });
    const answer = await this.receive();
    if (answer === undefined) throw new Error('the server ended the connection');
    return answer;
  }

  /** Adds a security context of bare NTLM by alter_context, whose last leg is answered. */
  async authenticate(contextId: number, level: number): Promise<{ security: PduSecurity; last: Pdu }> {
    const context = ntlmClient({ user: 'alice', domain: '', password: PASSWORD, host: '127.0.0.1', level });
    const trailer = (token: Uint8Array): AuthTrailer => ({ type: context.type, level, contextId, token });
    const first = context.step(undefined).token!;
    const challenge = await this.negotiate(PduType.alterContext, [CONTEXT], 1, trailer(first));
    const second = context.step(challenge.auth!.token).token!;
    const last = await this.negotiate(PduType.alterContext, [CONTEXT], 1, trailer(second));
    return { security: new PduSecurity(context, level, contextId), last };
  }
}

/** A fragment of a request. */
export function request(
  callId: number,
  { flags = WHOLE, opnum = 2, contextId = CONTEXT.id, stub = new Uint8Array() } = {},
): PduParts {
  return { type: PduType.request, flags, callId, body: encodeCallBody(stub.length, contextId, opnum, stub) };
}

/** What a fault says: its call, status and flags. */
export function faultOf(pdu: Pdu | undefined): { callId: number; status: number; executed: boolean } {
  if (pdu?.type !== PduType.fault) throw new Error(`a PDU of type ${pdu?.type} instead of a fault`);
  return {
    callId: pdu.callId,
    status: decodeFaultBody(pdu.body),
    executed: (pdu.flags & PduFlag.didNotExecute) === 0,
  };
}
