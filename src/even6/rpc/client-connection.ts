import type { Socket } from 'node:net';
import { EvtError } from '../../errors/evt-error.ts';
import {
  type BindAckBody,
  BindNakReason,
  ContextOutcome,
  decodeBindAck,
  decodeBindNak,
  encodeBind,
  type Syntax,
} from '../pdu/bind.ts';
import { CALL_HEAD, decodeFaultBody } from '../pdu/call-bodies.ts';
import {
  type AuthTrailer,
  decodePdu,
  encodePdu,
  MAX_FRAGMENT,
  MIN_FRAGMENT,
  type Pdu,
  PduError,
  PduFlag,
  PduStream,
  PduType,
} from '../pdu/pdu.ts';
import { Feature, featureSyntax, NDR } from '../pdu/syntaxes.ts';
import { AuthType, type SecurityContext, SecurityError } from '../security/security-context.ts';
import { FaultStatus } from './fault.ts';
import { fragments, PduSecurity, StubAssembly } from './pdu-security.ts';
import { faultError, lostError } from './rpc-failure.ts';
import { SendQueue } from './send-queue.ts';

const CONTEXT = 0;
const FEATURE_CONTEXT = 1;
const AUTH_CONTEXT = 1;
/** Legs of an authentication: plain NTLM has three, NTLM in SPNEGO up to five. */
const MAX_LEGS = 8;
/** Bytes of one answer: MAX_PAYLOAD and the lists beside it. */
const MAX_ANSWER = 16 * 1024 * 1024;
/** Orphaned calls whose answers are still looked for: later ones push the oldest out. */
const MAX_ORPHANS = 256;

/** How a client protects its calls: a security context of its own for each connection. */
export interface ClientSecurity {
  readonly level: number;
  readonly context: () => SecurityContext;
}

interface PendingCall {
  readonly api: string;
  readonly assembly: StubAssembly;
  readonly resolve: (stub: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** A call that has been sent. */
export interface SentCall {
  readonly answer: Promise<Uint8Array>;
  /**
   * Nobody waits for the answer any more: the server need not send one, but one that is on its way is still taken. False when the
   * server does not understand that.
   */
  orphan(): boolean;
  /** Ends the connection. */
  drop(): void;
}

/** One connection of a client, once it is bound. */
export class ClientConnection {
  readonly #socket: Socket;
  readonly #incoming = new PduStream();
  readonly #outgoing: SendQueue;
  readonly #calls = new Map<number, PendingCall>();
  /** Calls that the server was told to forget: it may have answered before it heard of that. */
  readonly #orphans = new Map<number, PendingCall>();
  readonly #onClose: () => void;
  #security: PduSecurity | undefined;
  /** The server has not yet shown whether it takes the last leg of the authentication. */
  #isUnproven = false;
  #nextCall = 1;
  #maxTransmit = MIN_FRAGMENT;
  #group = 0;
  #isMultiplexed = false;
  #keepsOnOrphan = false;
  #failure: EvtError | undefined;
  /** Why this end has given the connection up; undefined when the other end has. */
  #reason: EvtError | undefined;
  /** Takes the answer to a bind or to a leg of the authentication. */
  #onHandshake: ((pdu: Pdu) => void) | undefined;

  /** @param socket connected */
  constructor(socket: Socket, onClose: () => void) {
    this.#socket = socket;
    this.#outgoing = new SendQueue(socket);
    this.#onClose = onClose;
    socket.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    socket.on('error', () => this.close());
    socket.on('close', () => this.close());
    socket.on('end', () => this.close());
  }

  get isClosed(): boolean {
    return this.#failure !== undefined;
  }

  /** Nothing is pending, or several calls may be. */
  get isFree(): boolean {
    return !this.isClosed && (this.#isMultiplexed || this.#calls.size === 0);
  }

  get isMultiplexed(): boolean {
    return this.#isMultiplexed;
  }

  /** The association group that further connections name. */
  get group(): number {
    return this.#group;
  }

  /** Keeps the process running, or not: it does while calls are pending. */
  #keepAlive(): void {
    if (this.#calls.size > 0 || this.#onHandshake !== undefined) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Ends the connection: what is pending fails. @param reason why, where that has a name of its own */
  close(reason?: EvtError): void {
    if (this.#failure !== undefined) return;
    this.#reason = reason;
    this.#failure = reason ?? new EvtError('RPC_S_CALL_FAILED', 'RPC', 'the connection was closed');
    this.#socket.destroy();
    this.#outgoing.drop();
    this.#security?.context.dispose();
    const calls = [...this.#calls.values(), ...this.#orphans.values()];
    this.#calls.clear();
    this.#orphans.clear();
    for (const { reject, api } of calls) reject(lostError(api, true, reason));
    this.#onHandshake = undefined;
    this.#onClose();
  }

  /**
   * Agrees on an interface, and says who calls.
   * @param group association group to join; 0: a new one
   * @throws EvtError ERROR_ACCESS_DENIED (5), RPC_S_UNKNOWN_IF (1717), RPC_S_SEC_PKG_ERROR (1825), RPC_S_CALL_FAILED_DNE (1727)
   */
  async bind(abstract: Syntax, group: number, security: ClientSecurity | undefined, api: string): Promise<void> {
    const context = security?.context();
    try {
      const type = context?.type ?? AuthType.negotiate;
      const trailer = (token: Uint8Array): AuthTrailer | undefined =>
        security === undefined ? undefined : { type, level: security.level, contextId: AUTH_CONTEXT, token };
      const first = context?.step(undefined).token;
      const features = featureSyntax(Feature.keepConnectionOnOrphan);
      const contexts = [
        { id: CONTEXT, abstract, transfers: [NDR] },
        { id: FEATURE_CONTEXT, abstract, transfers: [features] },
      ];
      const offer = { maxTransmit: MAX_FRAGMENT, maxReceive: MAX_FRAGMENT, group, contexts };
      const flags = PduFlag.multiplexing | (security === undefined ? 0 : PduFlag.headerSigning);
      const auth = first === undefined ? undefined : trailer(first);
      const ack = await this.#exchange({ type: PduType.bind, flags, body: encodeBind(offer), auth }, api);
      if (ack.type !== PduType.bindAck) throw refused(ack, api);
      this.#agree(decodeBindAck(ack.body), ack.flags, api);
      if (security === undefined || context === undefined) return;
      await this.#authenticate(context, ack.auth?.token, offer, trailer, api);
      this.#security = new PduSecurity(context, security.level, AUTH_CONTEXT);
    } catch (error) {
      context?.dispose();
      const failure = bindError(error, api);
      this.close(failure);
      throw failure;
    }
  }

  #agree({ maxReceive, group, results }: BindAckBody, flags: number, api: string): void {
    const [result, feature] = results;
    if (result === undefined || result.result !== ContextOutcome.accepted) {
      throw new EvtError('RPC_S_UNKNOWN_IF', api, 'the server does not offer event logs at this port');
    }
    this.#maxTransmit = Math.min(MAX_FRAGMENT, Math.max(MIN_FRAGMENT, maxReceive));
    this.#group = group;
    this.#isMultiplexed = (flags & PduFlag.multiplexing) !== 0;
    this.#keepsOnOrphan =
      feature?.result === ContextOutcome.negotiateAck && (feature.reason & Feature.keepConnectionOnOrphan) !== 0;
  }

  /** The legs of the authentication behind the bind. */
  async #authenticate(
    context: SecurityContext,
    token: Uint8Array | undefined,
    offer: Parameters<typeof encodeBind>[0],
    trailer: (token: Uint8Array) => AuthTrailer | undefined,
    api: string,
  ): Promise<void> {
    let given = token;
    for (let leg = 0; leg < MAX_LEGS; leg++) {
      const step = context.step(given ?? new Uint8Array());
      if (step.token === undefined) {
        if (step.done) return;
        throw new SecurityError('malformed', 'the authentication has no end');
      }
      const auth = trailer(step.token);
      if (context.type === AuthType.ntlm) {
        // Nobody answers this: a server that does not let us in says so when we call.
        const PADDING = new Uint8Array(4);
        this.#isUnproven = true;
        this.#sendPdu({ type: PduType.auth3, callId: this.#takeCallId(), body: PADDING, auth });
        return;
      }
      const body = encodeBind({ ...offer, group: this.#group, contexts: offer.contexts.slice(0, 1) });
      const answer = await this.#exchange({ type: PduType.alterContext, flags: 0, body, auth }, api);
      if (answer.type !== PduType.alterContextResponse) throw refused(answer, api);
      given = answer.auth?.token;
      if (step.done && given === undefined) return;
    }
    throw new SecurityError('malformed', 'the authentication has no end');
  }

  #takeCallId(): number {
    const id = this.#nextCall;
    this.#nextCall = (this.#nextCall % 0x7fff_ffff) + 1;
    return id;
  }

  #sendPdu(parts: {
    readonly type: number;
    readonly flags?: number;
    readonly callId: number;
    readonly body: Uint8Array;
    readonly auth?: AuthTrailer | undefined;
  }): void {
    const flags = (parts.flags ?? 0) | PduFlag.first | PduFlag.last;
    this.#outgoing.push([encodePdu({ ...parts, flags })], parts.body.length);
  }

  #exchange(
    parts: { type: number; flags: number; body: Uint8Array; auth: AuthTrailer | undefined },
    api: string,
  ): Promise<Pdu> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      const lost = () => reject(this.#reason ?? lostError(api, false));
      this.#socket.once('close', lost);
      this.#onHandshake = (pdu) => {
        this.#socket.off('close', lost);
        this.#onHandshake = undefined;
        this.#keepAlive();
        resolve(pdu);
      };
      this.#keepAlive();
      this.#sendPdu({ ...parts, callId: this.#takeCallId() });
    });
  }

  /** Makes a call. */
  call(opnum: number, stub: Uint8Array, api: string): SentCall {
    const callId = this.#takeCallId();
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(lostError(api, false));
        return;
      }
      this.#calls.set(callId, { api, assembly: new StubAssembly(), resolve, reject });
      this.#keepAlive();
      const carrier = { type: PduType.request, flags: 0, callId, contextId: CONTEXT, opnum };
      this.#outgoing.push(fragments(stub, carrier, this.#maxTransmit, this.#security), stub.length);
    });
    return { answer, orphan: () => this.#orphan(callId), drop: () => this.close() };
  }

  #orphan(callId: number): boolean {
    const call = this.#calls.get(callId);
    if (!this.#keepsOnOrphan || call === undefined) return false;
    this.#calls.delete(callId);
    const [oldest] = this.#orphans.keys();
    if (this.#orphans.size >= MAX_ORPHANS) this.#orphans.delete(oldest!);
    this.#orphans.set(callId, call);
    this.#keepAlive();
    this.#sendPdu({ type: PduType.orphaned, callId, body: new Uint8Array() });
    return true;
  }

  #pending(callId: number): PendingCall | undefined {
    return this.#calls.get(callId) ?? this.#orphans.get(callId);
  }

  #settled(callId: number): void {
    this.#calls.delete(callId);
    this.#orphans.delete(callId);
    this.#keepAlive();
  }

  #receive(bytes: Uint8Array): void {
    try {
      for (const pdu of this.#incoming.push(bytes)) {
        if (this.#failure !== undefined) return;
        this.#handle(decodePdu(pdu));
      }
    } catch (error) {
      if (!(error instanceof PduError) && !(error instanceof SecurityError)) throw error;
      // What comes behind such a PDU cannot be trusted, nor decrypted.
      this.close(new EvtError('RPC_S_PROTOCOL_ERROR', 'RPC', `the server sent what is no PDU: ${error.message}`));
    }
  }

  #handle(pdu: Pdu): void {
    switch (pdu.type) {
      case PduType.response:
        this.#response(pdu);
        return;
      case PduType.fault:
        this.#fault(pdu);
        return;
      case PduType.bindAck:
      case PduType.bindNak:
      case PduType.alterContextResponse:
        this.#onHandshake?.(pdu);
        return;
      case PduType.shutdown:
        // The server asks for no more calls; those that are pending still end.
        return;
      default:
        throw new PduError(`a PDU of type ${pdu.type} is not for clients`);
    }
  }

  #response(pdu: Pdu): void {
    // Whether or not anybody waits for it: what comes next is decrypted behind it.
    this.#security?.open(pdu);
    this.#isUnproven = false;
    if (pdu.body.length < CALL_HEAD) throw new PduError('a response is cut off');
    const call = this.#pending(pdu.callId);
    if (call === undefined) return;
    if (!call.assembly.add(pdu.body.subarray(CALL_HEAD), pdu.flags)) throw new PduError('fragments are out of order');
    if (call.assembly.size > MAX_ANSWER) throw new PduError('an answer has no end');
    if ((pdu.flags & PduFlag.last) === 0) return;
    this.#settled(pdu.callId);
    call.resolve(call.assembly.stub);
  }

  /** Most servers do not sign faults: all that one can do is to make a call fail. */
  #fault(pdu: Pdu): void {
    if (pdu.auth !== undefined) this.#security?.open(pdu);
    if (this.#onHandshake !== undefined) {
      this.#onHandshake(pdu);
      return;
    }
    const call = this.#pending(pdu.callId);
    if (call === undefined) return;
    this.#settled(pdu.callId);
    const status = decodeFaultBody(pdu.body);
    // For Samba, a call behind a leg that it has not taken is out of sequence.
    const isRefusal = this.#isUnproven && status === FaultStatus.protocolError;
    if (status === FaultStatus.accessDenied && this.#security === undefined) {
      const what = 'the server refuses the call: no user was named, and it answers nobody without one';
      call.reject(new EvtError('ERROR_ACCESS_DENIED', call.api, what));
      return;
    }
    call.reject(faultError(isRefusal ? FaultStatus.accessDenied : status, call.api));
  }
}

const NAK_REASONS: ReadonlyMap<number, string> = new Map([
  [BindNakReason.congestion, 'it is too busy'],
  [BindNakReason.localLimit, 'it has reached a limit'],
  [BindNakReason.version, 'it speaks another version of RPC'],
  [BindNakReason.authType, 'it does not know this kind of authentication'],
]);

function refused(pdu: Pdu, api: string): EvtError {
  if (pdu.type === PduType.fault) {
    const status = decodeFaultBody(pdu.body);
    // Nothing is protected yet: what the server's security package refuses is who we say we are.
    return faultError(status === FaultStatus.securityPackage ? FaultStatus.accessDenied : status, api);
  }
  const reason = pdu.type === PduType.bindNak ? decodeBindNak(pdu.body) : BindNakReason.unspecified;
  const why = NAK_REASONS.get(reason);
  return new EvtError(
    'ERROR_ACCESS_DENIED',
    api,
    `the server refuses to speak with us${why === undefined ? '' : `: ${why}`}`,
  );
}

function bindError(error: unknown, api: string): EvtError {
  if (error instanceof EvtError) return error;
  const what = error instanceof Error ? error.message : String(error);
  if (error instanceof SecurityError) {
    return new EvtError('RPC_S_SEC_PKG_ERROR', api, `the authentication failed: ${what}`, { cause: error });
  }
  return new EvtError('RPC_S_PROTOCOL_ERROR', api, `the server sent what is no answer: ${what}`, { cause: error });
}
