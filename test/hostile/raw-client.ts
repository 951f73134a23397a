import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { encodeBind } from '../../src/even6/pdu/bind.ts';
import { CALL_HEAD, decodeFaultBody, encodeCallBody } from '../../src/even6/pdu/call-bodies.ts';
import { decodePdu, encodePdu, type Pdu, PduFlag, PduStream, PduType } from '../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE, NDR } from '../../src/even6/pdu/syntaxes.ts';
import { fragments, PduSecurity, StubAssembly } from '../../src/even6/rpc/pdu-security.ts';
import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { AuthLevel, AuthType } from '../../src/even6/security/security-context.ts';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import { decodeResponse, encodeRequest, type RpcOperation } from '../../src/even6/stubs/operations.ts';
import { sealed } from '../even6/sealed.ts';
import { PASSWORD } from '../server/serve.ts';

const AUTH_CONTEXT = 1;
const WHOLE = PduFlag.first | PduFlag.last;

/** How a request differs from a decent one. */
export interface RequestOptions {
  readonly flags?: number;
  readonly callId?: number;
  readonly allocHint?: number;
  readonly contextId?: number;
}

/** A client that sends what it is told to, in order or not. */
export class RawClient {
  readonly socket: Socket;
  /** The connection has ended. */
  readonly closed: Promise<unknown>;
  readonly #stream = new PduStream();
  readonly #came: Pdu[] = [];
  readonly #wanted: ((pdu: Pdu | undefined) => void)[] = [];
  #security: PduSecurity | undefined;
  #nextCall = 1;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = once(socket, 'close').catch(() => {});
    socket.on('error', () => {});
    socket.on('data', (bytes: Uint8Array) => {
      for (const whole of this.#stream.push(bytes)) {
        const pdu = decodePdu(whole);
        if (pdu.type === PduType.response) this.#security?.open(pdu);
        const wanted = this.#wanted.shift();
        if (wanted === undefined) this.#came.push(pdu);
        else wanted(pdu);
      }
    });
    void this.closed.then(() => {
      for (const wanted of this.#wanted.splice(0)) wanted(undefined);
    });
    onTestFinished(() => void socket.destroy());
  }

  static async connect(port: number, localAddress?: string): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', ...(localAddress === undefined ? {} : { localAddress }) });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** A client that somebody has logged on with. */
  static async loggedOn(
    port: number,
    { user = 'alice', group = 0, localAddress }: LogonOptions = {},
  ): Promise<RawClient> {
    const client = await RawClient.connect(port, localAddress);
    await client.bind({ user, group });
    return client;
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  sendPdu(type: number, body: Uint8Array, callId = this.#nextCall++): void {
    this.send(encodePdu({ type, flags: WHOLE, callId, body }));
  }

  /** The next PDU; undefined when the connection ends without one. */
  next(): Promise<Pdu | undefined> {
    const pdu = this.#came.shift();
    if (pdu !== undefined) return Promise.resolve(pdu);
    return this.socket.closed ? Promise.resolve(undefined) : new Promise((resolve) => this.#wanted.push(resolve));
  }

  /** The group that the server has given. */
  group = 0;

  /**
   * Agrees on the interface, and says who it is.
   * @returns the answer to the bind
   */
  async bind({ user, password = PASSWORD, group = 0, contexts = 1 }: BindOptions = {}): Promise<Pdu | undefined> {
    const context = new NtlmClient({ user: user ?? '', domain: '', password, host: 'h', level: AuthLevel.integrity });
    const trailer = (token: Uint8Array | undefined) =>
      token === undefined
        ? undefined
        : { type: AuthType.ntlm, level: AuthLevel.integrity, contextId: AUTH_CONTEXT, token };
    const body = encodeBind({
      maxTransmit: 5840,
      maxReceive: 5840,
      group,
      contexts: Array.from({ length: contexts }, (_, id) => ({ id, abstract: EVENT_SERVICE, transfers: [NDR] })),
    });
    const auth = user === undefined ? undefined : trailer(context.step(undefined).token);
    const flags = WHOLE | PduFlag.multiplexing;
    this.send(encodePdu({ type: PduType.bind, flags, callId: this.#nextCall++, body, auth }));
    const ack = await this.next();
    if (ack === undefined) return undefined;
    this.group = new DataView(ack.body.buffer, ack.body.byteOffset).getUint32(4, true);
    if (auth === undefined || ack.auth === undefined) return ack;
    const last = trailer(context.step(ack.auth.token).token);
    this.send(
      encodePdu({ type: PduType.auth3, flags: WHOLE, callId: this.#nextCall++, body: new Uint8Array(4), auth: last }),
    );
    this.#security = new PduSecurity(context, AuthLevel.integrity, AUTH_CONTEXT);
    return ack;
  }

  /** One fragment of a request, whole unless its flags say otherwise, as the wire has it. */
  fragment(opnum: number, stub: Uint8Array, options: RequestOptions = {}): Uint8Array {
    const { flags = WHOLE, callId = this.#nextCall++, allocHint = stub.length, contextId = 0 } = options;
    const body = encodeCallBody(allocHint, contextId, opnum, stub);
    const parts = { type: PduType.request, flags, callId, body };
    return this.#security === undefined ? encodePdu(parts) : sealed(this.#security, parts);
  }

  /** Sends a request. @returns its call id */
  request<In extends Fields>(operation: RpcOperation<In, Fields>, input: In, callId = this.#nextCall++): number {
    const stub = encodeRequest(operation, input);
    const carrier = { type: PduType.request, flags: 0, callId, contextId: 0, opnum: operation.opnum };
    for (const pdu of fragments(stub, carrier, 5840, this.#security)) this.send(pdu);
    return callId;
  }

  /** Makes a call, and takes its answer. @throws Error with the fault's status */
  async call<In extends Fields, Out extends Fields>(operation: RpcOperation<In, Out>, input: In): Promise<Out> {
    this.request(operation, input);
    const assembly = new StubAssembly();
    for (;;) {
      const pdu = await this.next();
      if (pdu === undefined) throw new Error('the connection has ended');
      if (pdu.type === PduType.fault) throw new Error(`fault 0x${decodeFaultBody(pdu.body).toString(16)}`);
      assembly.add(pdu.body.subarray(CALL_HEAD), pdu.flags);
      if ((pdu.flags & PduFlag.last) === 0) continue;
      const { values, status } = decodeResponse(operation, assembly.stub);
      if (status !== 0) throw new Error(`status ${status}`);
      return values;
    }
  }

  /** The status of the fault that comes next; undefined for anything else. */
  async fault(): Promise<number | undefined> {
    const pdu = await this.next();
    return pdu?.type === PduType.fault ? decodeFaultBody(pdu.body) : undefined;
  }
}

interface LogonOptions {
  readonly user?: string;
  readonly group?: number;
  readonly localAddress?: string;
}

interface BindOptions {
  /** Nobody without one. */
  readonly user?: string;
  readonly password?: string;
  readonly group?: number;
  /** Presentation contexts that are offered. */
  readonly contexts?: number;
}
