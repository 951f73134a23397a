import type { Duplex } from 'node:stream';
import { u32 } from '../../bytes/little-endian.ts';
import { EvtError } from '../../errors/evt-error.ts';
import { BindNakReason, decodeBind, encodeBindAck, encodeBindNak } from '../pdu/bind.ts';
import { decodeRequestBody, encodeFaultBody, type RequestBody } from '../pdu/call-bodies.ts';
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
import {
  type Authenticate,
  type AuthenticationFailure,
  type RequestSecurity,
  ServerAuthentication,
} from './server-authentication.ts';

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
  /** Whose it is. */
  readonly origin: RequestSecurity;
  /** Answered with a fault while its request is still coming. */
  readonly isRefused: boolean;
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
  /** The one among them whose last fragment has not come. */
  #incomplete: PendingCall | undefined;
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
        this.#handleBytes(pdu);
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
    if (this.#group === undefined && error.isVersion) this.#refuseBind(0, BindNakReason.version);
  }

  /** A PDU that cannot be read is answered as Windows does where it would have been: what it was meant to be is known. */
  #handleBytes(bytes: Uint8Array): void {
    try {
      this.#handle(decodePdu(bytes));
    } catch (error) {
      if (!(error instanceof PduError) || error.isVersion) throw error;
      const callId = u32(bytes, 12);
      if (bytes[2] === PduType.bind) this.#refuseBind(callId, BindNakReason.version);
      else if (bytes[2] === PduType.auth3) this.#refuseUnbegun(callId, FaultStatus.noMemory);
      else this.#violation(callId);
    }
  }

  #refuseBind(callId: number, reason: number): void {
    this.#send(PduType.bindNak, callId, encodeBindNak(reason));
    this.#finish();
  }

  /** What is not even begun. */
  #refuseUnbegun(callId: number, status: number): void {
    this.#refuseAndEnd({ id: callId, contextId: 0 }, new RpcFault(status, 'refused', true));
  }

  #refuseAndEnd({ id, contextId }: Pick<PendingCall, 'id' | 'contextId'>, fault: RpcFault): void {
    this.#fault(id, contextId, fault);
    this.#finish();
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
        this.#calls.get(pdu.callId)?.abort.abort(cancelled());
        return;
      case PduType.orphaned:
        this.#orphaned(pdu.callId);
        return;
      default:
        this.#finish();
    }
  }

  #bind({ body, flags, callId, auth }: Pdu): void {
    const nak = (reason: number) => this.#refuseBind(callId, reason);
    const { contexts, group, maxTransmit, maxReceive } = decodeBind(body);
    if (this.#group !== undefined || !this.#presentation.takes(contexts)) {
      nak(BindNakReason.unspecified);
      return;
    }
    let answer: Parameters<typeof encodePdu>[0]['auth'];
    if (auth !== undefined) {
      const step = this.#authentication.step(auth, true);
      if ('failure' in step) {
        if (step.failure === 'token') this.#context.onRefused(this.address);
        nak(nakReason(step.failure, auth.level));
        return;
      }
      answer = step;
    }
    this.#group = this.#context.groups.join(group);
    if (this.#group === undefined) {
      nak(BindNakReason.unspecified);
      return;
    }
    this.#isMultiplexed = (flags & PduFlag.multiplexing) !== 0;
    // One size for both directions: the smaller of what the client takes and what it sends.
    this.#maxTransmit = fragmentSize(Math.min(maxReceive, maxTransmit));
    const ack = encodeBindAck({
      maxTransmit: this.#maxTransmit,
      maxReceive: this.#maxTransmit,
      group: this.#group.id,
      secondaryAddress: this.#context.secondaryAddress,
      results: contexts.map((item) => this.#presentation.offer(item)),
    });
    this.#send(PduType.bindAck, callId, ack, answer, flags & (PduFlag.headerSigning | PduFlag.multiplexing));
  }

  #alter({ body, flags, callId, auth }: Pdu): void {
    const group = this.#group;
    if (group === undefined) {
      this.#violation(callId);
      return;
    }
    const { contexts } = decodeBind(body);
    if (!this.#presentation.takes(contexts)) {
      this.#violation(callId);
      return;
    }
    let answer: Parameters<typeof encodePdu>[0]['auth'];
    if (auth !== undefined) {
      const step = this.#authentication.step(auth);
      if ('failure' in step) {
        this.#context.onRefused(this.address);
        const isPackage = step.failure === 'type' || step.failure === 'token';
        this.#refuseUnbegun(callId, isPackage ? FaultStatus.securityPackage : FaultStatus.accessDenied);
        return;
      }
      answer = step;
    }
    const ack = encodeBindAck({
      maxTransmit: this.#maxTransmit,
      maxReceive: this.#maxTransmit,
      group: group.id,
      secondaryAddress: '',
      results: contexts.map((item) => this.#presentation.offer(item)),
    });
    this.#send(PduType.alterContextResponse, callId, ack, answer, flags & PduFlag.headerSigning);
  }

  /** The last leg of plain NTLM has no answer: a client that is not let in learns it from its first call. */
  #auth3({ auth, callId }: Pdu): void {
    if (this.#group === undefined || auth === undefined) {
      this.#violation(callId);
      return;
    }
    if ('failure' in this.#authentication.step(auth)) this.#context.onRefused(this.address);
  }

  #request(pdu: Pdu): void {
    const { callId, flags } = pdu;
    if (this.#group === undefined || pdu.bytes.length > MAX_FRAGMENT) {
      this.#outOfSequence(callId, 0);
      return;
    }
    const head = decodeRequestBody(pdu.body, flags);
    const call = (flags & PduFlag.first) !== 0 ? this.#begin(pdu, head) : this.#continue(pdu, head);
    if (call === undefined) return;
    try {
      call.origin.security?.open(pdu);
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
      this.#refuseAndEnd(call, new RpcFault(FaultStatus.securityPackage, 'bad signature'));
      return;
    }
    const isLast = (flags & PduFlag.last) !== 0;
    if (isLast) this.#incomplete = undefined;
    // The rest of a request that was refused at its beginning is swallowed.
    if (call.isRefused) {
      if (isLast) this.#calls.delete(callId);
      return;
    }
    call.assembly.add(decodeRequestBody(pdu.body, flags).stub);
    const { requestBytes } = this.#context.limits;
    // A hint promises what is still to come.
    if (call.assembly.size > requestBytes || (!isLast && head.allocHint > requestBytes)) {
      this.#refuseAndEnd(call, new RpcFault(FaultStatus.accessDenied, 'the request is too large'));
      return;
    }
    if (!isLast) return;
    call.isRunning = true;
    void this.#run(call);
  }

  /** The call that a first fragment begins; undefined when it has been answered with a fault. */
  #begin(pdu: Pdu, { contextId, opnum }: RequestBody): PendingCall | undefined {
    const { callId, auth } = pdu;
    const incomplete = this.#incomplete;
    if (incomplete !== undefined) {
      this.#interrupted(incomplete, pdu, contextId);
      return undefined;
    }
    if (this.#calls.has(callId) || (!this.#isMultiplexed && this.#isBusy)) {
      this.#outOfSequence(callId, 0);
      return undefined;
    }
    if ((pdu.flags & PduFlag.pendingCancel) !== 0) {
      // Cancelled before it has begun.
      this.#refuseUnbegun(callId, FaultStatus.noCallActive);
      return undefined;
    }
    const origin = this.#authentication.of(auth);
    if (origin === undefined) {
      const { state } = this.#authentication;
      const isUnfinished = state === 'pending' || state === 'failed';
      this.#fault(callId, contextId, new RpcFault(FaultStatus.accessDenied, 'not authenticated', isUnfinished));
      if (state !== 'pending') this.#finish();
      return undefined;
    }
    const isRefused = this.#calls.size >= this.#context.limits.callsPerConnection;
    if (isRefused) this.#fault(callId, contextId, new RpcFault(FaultStatus.tooBusy, 'too many calls', true));
    const call: PendingCall = {
      id: callId,
      contextId,
      opnum,
      origin,
      isRefused,
      assembly: new StubAssembly(),
      abort: new AbortController(),
      isOrphaned: false,
      isRunning: false,
    };
    this.#calls.set(callId, call);
    this.#incomplete = call;
    return call;
  }

  /** A call somebody still waits for has no answer yet. */
  get #isBusy(): boolean {
    return [...this.#calls.values()].some(({ isOrphaned }) => !isOrphaned);
  }

  /**
   * A request begins while another is still coming: fragments of two do not mix. Windows faults the earlier one, or, where calls
   * may overlap, the later one.
   */
  #interrupted(incomplete: PendingCall, { callId, auth }: Pdu, contextId: number): void {
    const isSame = incomplete.id === callId;
    const isOfOther = auth !== undefined && auth.contextId !== incomplete.origin.security?.contextId;
    const status =
      isSame && isOfOther && contextId === incomplete.contextId
        ? FaultStatus.securityPackage
        : FaultStatus.protocolError;
    const faulted = this.#isMultiplexed && !isSame ? { id: callId, contextId: 0 } : incomplete;
    this.#refuseAndEnd(faulted, new RpcFault(status, 'out of sequence'));
  }

  /**
   * The call that a later fragment belongs to; undefined when it has been answered with a fault. Its context, operation and
   * security context are those of the first one, whatever it says.
   */
  #continue({ callId, auth }: Pdu, { contextId }: RequestBody): PendingCall | undefined {
    const incomplete = this.#incomplete;
    if (incomplete?.id === callId) {
      if (auth !== undefined || !incomplete.origin.security?.signs) return incomplete;
      this.#outOfSequence(callId, incomplete.contextId);
    } else if (!this.#isMultiplexed) {
      this.#outOfSequence(incomplete?.id ?? callId, incomplete?.contextId ?? 0);
    } else if (incomplete !== undefined) {
      this.#outOfSequence(callId, 0);
    } else if (this.#presentation.get(contextId) === undefined) {
      this.#fault(callId, 0, new RpcFault(FaultStatus.unknownInterface, 'no such context', true));
    } else {
      const status = this.#authentication.of(auth) === undefined ? FaultStatus.accessDenied : FaultStatus.protocolError;
      this.#refuseAndEnd({ id: callId, contextId }, new RpcFault(status, 'out of sequence'));
    }
    return undefined;
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
      // Windows answers with the low byte of the context's id, and so do others who have looked at it.
      const contextId = call.contextId & 0xff;
      const carrier = { type: PduType.response, flags: 0, callId: call.id, contextId, opnum: 0 };
      const pdus = fragments(stub, carrier, this.#maxTransmit, call.origin.security);
      this.#outgoing.push(pdus, stub.length, { sent: () => this.#throttle(), dropped: undo });
    } catch (error) {
      undo?.();
      if (this.#isClosed || call.isOrphaned) return;
      if (!(error instanceof RpcFault)) this.#context.onError(error);
      const fault = error instanceof RpcFault ? error : new RpcFault(FaultStatus.unspecified, 'internal error');
      const isKnown = this.#presentation.get(call.contextId) !== undefined;
      this.#fault(call.id, isKnown ? call.contextId : 0, fault);
    } finally {
      this.#calls.delete(call.id);
      this.#throttle();
    }
  }

  async #answer(call: PendingCall, onUndelivered: (undo: () => void) => void): Promise<Uint8Array> {
    const { contextId, opnum, id: callId } = call;
    const target = this.#presentation.get(contextId);
    if (target === undefined) throw new RpcFault(FaultStatus.unknownInterface, 'no such context', true);
    const { level, identity } = call.origin;
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
    orphan(call);
    if (call.isRunning) return;
    this.#calls.delete(callId);
    this.#incomplete = undefined;
  }

  #fault(callId: number, contextId: number, { status, didNotExecute }: RpcFault): void {
    const flags = didNotExecute ? PduFlag.didNotExecute : 0;
    this.#send(PduType.fault, callId, encodeFaultBody(contextId, status), undefined, flags);
  }

  /** What the other end must not do: it is told, and the connection ends. */
  #violation(callId: number): void {
    this.#refuseUnbegun(callId, FaultStatus.protocolError);
  }

  /** The same for a call, of which something may have happened already. */
  #outOfSequence(callId: number, contextId: number): void {
    this.#refuseAndEnd({ id: callId, contextId }, new RpcFault(FaultStatus.protocolError, 'out of sequence'));
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

function nakReason(failure: AuthenticationFailure, level: number): number {
  if (failure === 'type') return BindNakReason.authType;
  return level === AuthLevel.call ? BindNakReason.checksum : BindNakReason.unspecified;
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
