import type { Duplex } from 'node:stream';
import { EvtError } from '../../errors/evt-error.ts';
import { BindNakReason, decodeBind, encodeBindAck, encodeBindNak } from '../pdu/bind.ts';
import { decodeRequestBody, encodeFaultBody } from '../pdu/call-bodies.ts';
import {
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
import { NDR } from '../pdu/syntaxes.ts';
import { checkVerificationTrailer } from '../pdu/verification-trailer.ts';
import { AuthLevel, SecurityError } from '../security/security-context.ts';
import type { AssociationGroup, AssociationGroups, Caller } from './association-group.ts';
import { FaultStatus, RpcFault } from './fault.ts';
import { fragments, StubAssembly } from './pdu-security.ts';
import { PresentationContexts } from './presentation.ts';
import type { RpcInterface, ServerLimits } from './rpc-interface.ts';
import { SendQueue } from './send-queue.ts';
import { type Authenticate, ServerAuthentication } from './server-authentication.ts';

/** Milliseconds that the other end has to take the last words. */
const LINGER_MS = 500;

/** What all connections of a server have in common. */
export interface ConnectionContext {
  readonly interfaces: readonly RpcInterface[];
  readonly groups: AssociationGroups;
  readonly limits: ServerLimits;
  readonly authenticate: Authenticate;
  /** The port, in digits: what a bind is answered with. */
  readonly secondaryAddress: string;
  /** Told of a client that could not say who it is. */
  readonly onRefused: (address: string) => void;
  /** Told of failures that no client is told of. */
  readonly onError: (error: unknown) => void;
}

/** A call whose request has come, in part or whole. */
interface PendingCall {
  readonly id: number;
  readonly contextId: number;
  readonly opnum: number;
  readonly assembly: StubAssembly;
  readonly abort: AbortController;
  /** Nobody waits for its answer any more. */
  isOrphaned: boolean;
  isRunning: boolean;
}

/** One connection of a client, from its bind to its end. */
export class ServerConnection {
  readonly address: string;
  readonly #stream: Duplex;
  readonly #context: ConnectionContext;
  readonly #incoming = new PduStream();
  readonly #outgoing: SendQueue;
  readonly #presentation: PresentationContexts;
  readonly #authentication: ServerAuthentication;
  readonly #calls = new Map<number, PendingCall>();
  /** Calls that nobody waits for, and that have not stopped yet. */
  readonly #orphans = new Set<PendingCall>();
  #group: AssociationGroup | undefined;
  #isMultiplexed = false;
  #maxTransmit = MIN_FRAGMENT;
  #isClosed = false;
  /** The last words are being sent. */
  #isFinishing = false;
  readonly #openedAt = performance.now();
  /** When something last came. */
  #heardAt = performance.now();
  #isMidPdu = false;

  constructor(stream: Duplex, address: string, context: ConnectionContext) {
    this.#stream = stream;
    this.address = address;
    this.#context = context;
    this.#outgoing = new SendQueue(stream);
    this.#presentation = new PresentationContexts(context.interfaces);
    this.#authentication = new ServerAuthentication(context.authenticate);
    stream.on('data', (bytes: Uint8Array) => this.#receive(bytes));
    stream.on('error', () => this.close());
    stream.on('close', () => this.close());
    stream.on('end', () => this.close());
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Ends the connection; its calls are cancelled, and its handles gone when it was the last one of its group. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const call of this.#calls.values()) orphan(call);
    this.#stream.destroy();
    this.#outgoing.drop();
    if (this.#group !== undefined) this.#context.groups.leave(this.#group);
    this.#authentication.dispose();
  }

  /** Ends the connection when it keeps others from being served. Called about once a second. */
  reap(now: number): void {
    const { handshakeMs, stallMs, idleMs } = this.#context.limits;
    const isIdle = this.#calls.size === 0 && (this.#group === undefined || this.#group.size === 0);
    if (
      (this.#authentication.state !== 'done' && isIdle && now - this.#openedAt > handshakeMs) ||
      this.#outgoing.stalledMs(now) > stallMs ||
      (this.#isMidPdu && now - this.#heardAt > stallMs) ||
      (isIdle && now - this.#heardAt > idleMs)
    ) {
      this.close();
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isFinishing) return;
    this.#heardAt = performance.now();
    try {
      for (const pdu of this.#incoming.push(bytes)) {
        if (this.#isClosed || this.#isFinishing) return;
        this.#handle(decodePdu(pdu));
      }
    } catch (error) {
      if (error instanceof PduError) this.#refuseVersion(error);
      else if (!(error instanceof SecurityError)) this.#context.onError(error);
      this.#finish();
    }
    this.#isMidPdu = this.#incoming.isPartial;
    this.#throttle();
  }

  /** Nothing more is read while the other end does not take what it has asked for. */
  #throttle(): void {
    if (this.#isClosed || this.#isFinishing) return;
    const isFull = this.#outgoing.unsent > this.#context.limits.unsentBytes;
    if (isFull && !this.#stream.isPaused()) this.#stream.pause();
    else if (!isFull && this.#stream.isPaused()) this.#stream.resume();
  }

  #refuseVersion(error: PduError): void {
    if (this.#group === undefined && error.isVersion)
      this.#send(PduType.bindNak, 0, encodeBindNak(BindNakReason.version));
  }

  #handle(pdu: Pdu): void {
    switch (pdu.type) {
      case PduType.bind:
        this.#bind(pdu);
        return;
      case PduType.alterContext:
        this.#alter(pdu);
        return;
      case PduType.auth3:
        this.#auth3(pdu);
        return;
      case PduType.request:
        this.#request(pdu);
        return;
      case PduType.cancel:
        if (this.#verify(pdu)) this.#cancel(pdu.callId);
        return;
      case PduType.orphaned:
        if (this.#verify(pdu)) this.#orphaned(pdu.callId);
        return;
      default:
        this.#finish();
    }
  }

  #bind({ body, flags, callId, auth }: Pdu): void {
    const nak = (reason: number) => {
      this.#send(PduType.bindNak, callId, encodeBindNak(reason));
      this.#finish();
    };
    const { contexts, group, maxTransmit, maxReceive } = decodeBind(body);
    if (this.#group !== undefined || contexts.length === 0) {
      nak(BindNakReason.unspecified);
      return;
    }
    let answer: Parameters<typeof encodePdu>[0]['auth'];
    if (auth !== undefined) {
      const step = this.#authentication.step(auth);
      if ('failure' in step) {
        if (step.failure === 'refused') this.#context.onRefused(this.address);
        nak(step.failure === 'type' ? BindNakReason.authType : BindNakReason.unspecified);
        return;
      }
      answer = step.answer;
    }
    this.#group = this.#context.groups.join(group);
    if (this.#group === undefined) {
      nak(BindNakReason.unspecified);
      return;
    }
    this.#isMultiplexed = (flags & PduFlag.multiplexing) !== 0;
    // What the client can take, and what it sends: both ends use the smaller of what they can do.
    this.#maxTransmit = fragmentSize(maxReceive);
    const ack = encodeBindAck({
      maxTransmit: this.#maxTransmit,
      maxReceive: fragmentSize(maxTransmit),
      group: this.#group.id,
      secondaryAddress: this.#context.secondaryAddress,
      results: contexts.map((item) => this.#presentation.offer(item)),
    });
    this.#send(PduType.bindAck, callId, ack, answer, flags & (PduFlag.headerSigning | PduFlag.multiplexing));
  }

  #alter({ body, flags, callId, auth }: Pdu): void {
    const group = this.#group;
    if (group === undefined) {
      this.#violation(callId, 0);
      return;
    }
    const { contexts } = decodeBind(body);
    let answer: Parameters<typeof encodePdu>[0]['auth'];
    if (auth !== undefined) {
      const step = this.#authentication.step(auth);
      if ('failure' in step) {
        this.#context.onRefused(this.address);
        this.#fault(callId, 0, new RpcFault(FaultStatus.accessDenied, 'not authenticated', true));
        return;
      }
      answer = step.answer;
    }
    const ack = encodeBindAck({
      maxTransmit: this.#maxTransmit,
      maxReceive: MAX_FRAGMENT,
      group: group.id,
      secondaryAddress: '',
      results: contexts.map((item) => this.#presentation.offer(item)),
    });
    this.#send(PduType.alterContextResponse, callId, ack, answer, flags & PduFlag.headerSigning);
  }

  /** The last leg of plain NTLM has no answer: a client that is not let in learns it from its first call. */
  #auth3({ auth, callId }: Pdu): void {
    if (this.#group === undefined || auth === undefined) {
      this.#violation(callId, 0);
      return;
    }
    if ('failure' in this.#authentication.step(auth)) this.#context.onRefused(this.address);
  }

  #request(pdu: Pdu): void {
    const { callId, flags } = pdu;
    const { contextId, opnum, allocHint } = decodeRequestBody(pdu.body, flags);
    if (this.#group === undefined) {
      this.#violation(callId, contextId);
      return;
    }
    if (this.#authentication.state === 'pending' || this.#authentication.state === 'failed') {
      this.#fault(callId, contextId, new RpcFault(FaultStatus.accessDenied, 'not authenticated', true));
      if (this.#authentication.state === 'failed') this.#finish();
      return;
    }
    if (!this.#open(pdu, contextId)) return;
    const call = this.#assemble(callId, contextId, opnum, flags);
    if (call === undefined) return;
    call.assembly.add(decodeRequestBody(pdu.body, flags).stub);
    const { requestBytes } = this.#context.limits;
    if (call.assembly.size > requestBytes || allocHint > requestBytes) {
      this.#calls.delete(callId);
      this.#fault(callId, contextId, new RpcFault(FaultStatus.accessDenied, 'the request is too large', true));
      return;
    }
    if ((flags & PduFlag.last) === 0) return;
    call.isRunning = true;
    void this.#run(call);
  }

  /** @returns false when the PDU is not what its signature says: the connection ends then */
  #open(pdu: Pdu, contextId: number): boolean {
    try {
      this.#authentication.security?.open(pdu);
      return true;
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
      this.#fault(pdu.callId, contextId, new RpcFault(FaultStatus.securityPackage, 'bad signature'));
      this.#finish();
      return false;
    }
  }

  /** PDUs about a call need no signature; one that is there counts, and what comes next is decrypted behind it. */
  #verify(pdu: Pdu): boolean {
    return pdu.auth === undefined || this.#open(pdu, 0);
  }

  /** A call that is still arriving, or has been answered, is none of this PDU's business. */
  #cancel(callId: number): void {
    const call = this.#calls.get(callId);
    if (call?.isRunning) call.abort.abort(cancelled());
  }

  /** The call that a fragment belongs to; undefined when it has been answered already, with a fault. */
  #assemble(callId: number, contextId: number, opnum: number, flags: number): PendingCall | undefined {
    const known = this.#calls.get(callId);
    if ((flags & PduFlag.first) === 0) {
      if (known !== undefined && !known.isRunning && known.contextId === contextId && known.opnum === opnum)
        return known;
      // The rest of a request that was refused at its beginning is swallowed.
      if (known === undefined && this.#refused === callId) return undefined;
      this.#violation(callId, contextId);
      return undefined;
    }
    if (known !== undefined || (this.#calls.size > 0 && !this.#isMultiplexed)) {
      this.#violation(callId, contextId);
      return undefined;
    }
    if (this.#calls.size + this.#orphans.size >= this.#context.limits.callsPerConnection) {
      this.#refuse(callId, contextId, new RpcFault(FaultStatus.tooBusy, 'too many calls', true));
      return undefined;
    }
    const call: PendingCall = {
      id: callId,
      contextId,
      opnum,
      assembly: new StubAssembly(),
      abort: new AbortController(),
      isOrphaned: false,
      isRunning: false,
    };
    this.#calls.set(callId, call);
    return call;
  }

  /** The last call that was refused while its request was still coming. */
  #refused: number | undefined;

  #refuse(callId: number, contextId: number, fault: RpcFault): void {
    this.#refused = callId;
    this.#fault(callId, contextId, fault);
  }

  async #run(call: PendingCall): Promise<void> {
    let undo: (() => void) | undefined;
    try {
      const stub = await this.#answer(call, (undoing) => {
        undo = undoing;
      });
      if (this.#isClosed || call.isOrphaned) {
        undo?.();
        return;
      }
      const { id: callId, contextId } = call;
      const carrier = { type: PduType.response, flags: 0, callId, contextId, opnum: 0 };
      const pdus = fragments(stub, carrier, this.#maxTransmit, this.#authentication.security);
      this.#outgoing.push(pdus, stub.length, { sent: () => this.#throttle(), dropped: undo });
    } catch (error) {
      undo?.();
      if (this.#isClosed || call.isOrphaned) return;
      if (!(error instanceof RpcFault)) this.#context.onError(error);
      const fault = error instanceof RpcFault ? error : new RpcFault(FaultStatus.unspecified, 'internal error');
      this.#fault(call.id, call.contextId, fault);
    } finally {
      if (!this.#orphans.delete(call)) this.#calls.delete(call.id);
      this.#throttle();
    }
  }

  async #answer(call: PendingCall, onUndelivered: (undo: () => void) => void): Promise<Uint8Array> {
    const { contextId, opnum, id: callId } = call;
    const target = this.#presentation.get(contextId);
    if (target === undefined) throw new RpcFault(FaultStatus.unknownInterface, 'no such context', true);
    const { level, identity } = this.#authentication;
    if (level < target.minLevel) throw new RpcFault(FaultStatus.accessDenied, 'the level is too low', true);
    if (opnum >= target.operations) throw new RpcFault(FaultStatus.operationRange, 'no such operation', true);
    const verified = { abstract: target.syntax, transfer: NDR, callId, contextId, opnum };
    const stub =
      level >= AuthLevel.packet ? checkVerificationTrailer(call.assembly.stub, verified) : call.assembly.stub;
    if (stub === undefined)
      throw new RpcFault(FaultStatus.accessDenied, 'the verification trailer is of another call', true);
    const caller: Caller = { identity, level, address: this.address };
    return target.call({ opnum, stub, caller, group: this.#group!, signal: call.abort.signal, onUndelivered });
  }

  #orphaned(callId: number): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    // For the client it is over; here it may take a moment to stop.
    this.#calls.delete(callId);
    if (call.isRunning) this.#orphans.add(call);
    orphan(call);
  }

  #fault(callId: number, contextId: number, { status, didNotExecute }: RpcFault): void {
    const flags = didNotExecute ? PduFlag.didNotExecute : 0;
    this.#send(PduType.fault, callId, encodeFaultBody(contextId, status), undefined, flags);
  }

  /** What the other end must not do: it is told, and the connection ends. */
  #violation(callId: number, contextId: number): void {
    this.#fault(callId, contextId, new RpcFault(FaultStatus.protocolError, 'out of sequence', true));
    this.#finish();
  }

  #send(
    type: number,
    callId: number,
    body: Uint8Array,
    auth?: Parameters<typeof encodePdu>[0]['auth'],
    flags = 0,
  ): void {
    const all = flags | PduFlag.first | PduFlag.last;
    this.#outgoing.push([encodePdu({ type, flags: all, callId, body, auth })], body.length);
  }

  /** Ends the connection when what is queued has been sent. */
  #finish(): void {
    if (this.#isClosed || this.#isFinishing) return;
    this.#isFinishing = true;
    // What still comes is read and dropped: unread, it would make the system throw away what is being sent.
    this.#stream.resume();
    this.#outgoing.push([], 0, {
      sent: () => this.#stream.end(() => setTimeout(() => this.close(), LINGER_MS).unref()),
    });
    for (const call of this.#calls.values()) orphan(call);
  }
}

function orphan(call: PendingCall): void {
  call.isOrphaned = true;
  call.abort.abort(cancelled());
}

/** What a call that the client gives up ends with. */
function cancelled(): EvtError {
  return new EvtError('ERROR_CANCELLED', 'RPC', 'cancelled by the client');
}

function fragmentSize(size: number): number {
  return Math.min(MAX_FRAGMENT, Math.max(MIN_FRAGMENT, size)) & 0xfff8;
}
