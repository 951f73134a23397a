import type { Duplex } from 'node:stream';
import { u32 } from '../../bytes/little-endian.ts';
import { turn } from '../../operations/task.ts';
import { BindNakReason, decodeBind, encodeBindAck, encodeBindNak } from '../pdu/bind.ts';
import { encodeFaultBody } from '../pdu/call-bodies.ts';
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
import { type AnswerLane, AnswerLanes } from './answer-lanes.ts';
import type { AssociationGroup, AssociationGroups, Caller } from './association-group.ts';
import type { Clock } from './clock.ts';
import { FaultStatus, RpcFault } from './fault.ts';
import { IncomingCalls, type Refusal, type RunningCall } from './incoming-calls.ts';
import { fragments } from './pdu-security.ts';
import { PresentationContexts } from './presentation.ts';
import type { RpcInterface } from './rpc-interface.ts';
import { SendQueue } from './send-queue.ts';
import { type Authenticate, type AuthenticationFailure, ServerAuthentication } from './server-authentication.ts';
import type { ServerLimits } from './server-limits.ts';
import type { LoadedConnection, ServerLoad } from './server-load.ts';

/** Milliseconds that the other end has to take the last words. */
const LINGER_MS = 500;
/** Large answers of one connection that are made at the same time. */
const ANSWERS_AT_A_TIME = 2;
/** PDUs of one connection that are looked at before others have their turn. */
const PDUS_PER_TURN = 8;

/** What all connections of a server have in common. */
export interface ConnectionContext {
  readonly interfaces: readonly RpcInterface[];
  readonly groups: AssociationGroups;
  readonly limits: ServerLimits;
  readonly load: ServerLoad;
  readonly clock: Clock;
  readonly authenticate: Authenticate;
  /** The port, in digits: what a bind is answered with. */
  readonly secondaryAddress: string;
  /** The address that the client has reached. */
  readonly localAddress: string;
  /** Told of a client that could not say who it is. @returns milliseconds that it waits for the answer */
  readonly onRefused: (address: string) => number;
  /** Told of failures that no client is told of. */
  readonly onError: (error: unknown) => void;
}

/** One connection of a client, from its bind to its end. */
export class ServerConnection implements LoadedConnection {
  readonly address: string;
  readonly #stream: Duplex;
  readonly #context: ConnectionContext;
  readonly #incoming = new PduStream();
  readonly #outgoing: SendQueue;
  readonly #presentation: PresentationContexts;
  readonly #authentication: ServerAuthentication;
  readonly #calls: IncomingCalls;
  readonly #lanes: AnswerLanes;
  #group: AssociationGroup | undefined;
  #maxTransmit = MIN_FRAGMENT;
  #isClosed = false;
  /** The last words are being sent. */
  #isFinishing = false;
  /** Pieces that have come and were not looked at. */
  readonly #inbox: Uint8Array[] = [];
  /** PDUs of the piece that is being looked at. */
  #pdus: Iterator<Uint8Array, void> | undefined;
  /** Others have their turn, or a failed logon waits: nothing is looked at meanwhile. */
  #isWaiting = false;
  #endDelay: (() => void) | undefined;
  readonly #openedAt: number;
  /** When something last came. */
  #heardAt: number;
  /** When the PDU began whose rest has not come. */
  #partialSince: number | undefined;

  constructor(stream: Duplex, address: string, context: ConnectionContext) {
    this.#stream = stream;
    this.address = address;
    this.#context = context;
    const { clock, load, limits } = context;
    this.#openedAt = clock.now();
    this.#heardAt = this.#openedAt;
    this.#outgoing = new SendQueue(stream, clock.now, (bytes) => load.changeUnsent(bytes));
    load.join(this);
    this.#lanes = new AnswerLanes(ANSWERS_AT_A_TIME, () => this.#outgoing.unsent <= limits.unsentBytes);
    this.#presentation = new PresentationContexts(context.interfaces, limits.presentationContexts);
    this.#authentication = new ServerAuthentication(context.authenticate);
    this.#calls = new IncomingCalls(this.#presentation, this.#authentication, context);
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
    this.#endDelay?.();
    this.#inbox.length = 0;
    this.#calls.orphanAll();
    this.#context.load.leave(this);
    this.#stream.destroy();
    this.#outgoing.drop();
    if (this.#group !== undefined) this.#context.groups.leave(this.#group);
    this.#authentication.dispose();
  }

  /** Nobody is known to be at the other end, and nothing is done for it: it gives way to others. */
  get isStranger(): boolean {
    return this.#authentication.state !== 'done' && !this.#isUsed;
  }

  get openedAt(): number {
    return this.#openedAt;
  }

  get #isUsed(): boolean {
    return this.#calls.isRunning || (this.#group !== undefined && this.#group.size > 0);
  }

  stalledMs(now: number): number | undefined {
    return this.#outgoing.stalledMs(now);
  }

  /** Ends the connection when it keeps others from being served. Called about once a second. */
  reap(now: number): void {
    const { handshakeMs, stallMs, idleMs } = this.#context.limits;
    const isIdle = !this.#calls.isBusy && !this.#isUsed;
    const isLate = (since: number | undefined) => since !== undefined && now - since > stallMs;
    if (
      (this.isStranger && now - this.#openedAt > handshakeMs) ||
      (this.#outgoing.stalledMs(now) ?? 0) > stallMs ||
      isLate(this.#partialSince) ||
      isLate(this.#calls.partialSince) ||
      (isIdle && now - this.#heardAt > idleMs)
    ) {
      this.close();
    }
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isFinishing) return;
    this.#heardAt = this.#context.clock.now();
    // Not as a Buffer, whose slices share its memory.
    this.#inbox.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (!this.#isWaiting) this.#work();
  }

  /** Looks at what has come. */
  #work(): void {
    try {
      for (let count = 0; !this.#isClosed && !this.#isFinishing && !this.#isWaiting; count++) {
        if (count === PDUS_PER_TURN) {
          this.#letOthersWork();
          return;
        }
        const pdu = this.#nextPdu();
        if (pdu === undefined) break;
        this.#handleBytes(pdu);
      }
    } catch (error) {
      if (error instanceof PduError) this.#refuseVersion(error);
      else if (!(error instanceof SecurityError)) this.#context.onError(error);
      this.#finish();
    }
    this.#throttle();
  }

  #nextPdu(): Uint8Array | undefined {
    for (;;) {
      const next = this.#pdus?.next();
      if (next !== undefined && next.done !== true) {
        this.#partialSince = undefined;
        return next.value;
      }
      const piece = this.#inbox.shift();
      this.#pdus = piece === undefined ? undefined : this.#incoming.push(piece);
      if (piece !== undefined) continue;
      if (!this.#incoming.isPartial) this.#partialSince = undefined;
      else this.#partialSince ??= this.#context.clock.now();
      return undefined;
    }
  }

  /** Those who send much take turns with each other, and with long tasks: one of them works in a turn of the event loop. */
  #letOthersWork(): void {
    this.#isWaiting = true;
    this.#stream.pause();
    void turn().then(() => this.#resumeWork());
  }

  /** Answers a failed logon, later. */
  #afterDelay(delayMs: number, answer: () => void): void {
    if (delayMs === 0) {
      answer();
      return;
    }
    this.#isWaiting = true;
    this.#stream.pause();
    this.#endDelay = this.#context.clock.after(delayMs, () => {
      if (this.#isClosed) return;
      answer();
      this.#resumeWork();
    });
  }

  #resumeWork(): void {
    this.#isWaiting = false;
    this.#work();
  }

  /** Nothing more is read while the other end does not take what it has asked for. */
  #throttle(): void {
    if (this.#isClosed || this.#isFinishing || this.#isWaiting) return;
    const isFull = this.#outgoing.unsent > this.#context.limits.unsentBytes;
    if (isFull && !this.#stream.isPaused()) this.#stream.pause();
    else if (!isFull && this.#stream.isPaused()) this.#stream.resume();
    if (!isFull) this.#lanes.wake();
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
    this.#refuse({ callId, contextId: 0, fault: new RpcFault(status, 'refused', true), ends: true });
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
        if (this.#verified(pdu)) this.#calls.cancel(pdu.callId);
        return;
      case PduType.orphaned:
        if (this.#verified(pdu)) this.#calls.orphan(pdu.callId);
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
        const delayMs = step.failure === 'token' ? this.#context.onRefused(this.address) : 0;
        this.#afterDelay(delayMs, () => nak(nakReason(step.failure, auth.level)));
        return;
      }
      answer = step;
    }
    this.#group = this.#context.groups.join(group);
    if (this.#group === undefined) {
      nak(BindNakReason.unspecified);
      return;
    }
    this.#calls.isMultiplexed = (flags & PduFlag.multiplexing) !== 0;
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
        const isPackage = step.failure === 'type' || step.failure === 'token';
        const status = isPackage ? FaultStatus.securityPackage : FaultStatus.accessDenied;
        this.#afterDelay(this.#context.onRefused(this.address), () => this.#refuseUnbegun(callId, status));
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
    if ('failure' in this.#authentication.step(auth)) this.#afterDelay(this.#context.onRefused(this.address), () => {});
  }

  #request(pdu: Pdu): void {
    if (this.#group === undefined) {
      this.#refuse({ callId: pdu.callId, contextId: 0, fault: protocolError(false), ends: true });
      return;
    }
    const taken = this.#calls.take(pdu);
    if (taken === undefined) return;
    if ('fault' in taken) this.#refuse(taken);
    else void this.#run(taken);
  }

  #refuse({ callId, contextId, fault, ends }: Refusal): void {
    this.#fault(callId, contextId, fault);
    if (ends) this.#finish();
  }

  /** Whether a PDU about a call is to be heeded. */
  #verified(pdu: Pdu): boolean {
    const refusal = this.#calls.verify(pdu);
    if (refusal !== undefined) this.#refuse(refusal);
    return refusal === undefined;
  }

  async #run(call: RunningCall): Promise<void> {
    let undo: (() => void) | undefined;
    const lane = this.#lanes.open();
    try {
      const stub = await this.#answer(call, lane, (undoing) => {
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
      this.#fault(call.id, call.contextId, fault);
    } finally {
      lane.leave();
      this.#calls.finished(call);
      this.#throttle();
    }
  }

  async #answer(call: RunningCall, lane: AnswerLane, onUndelivered: (undo: () => void) => void): Promise<Uint8Array> {
    const { contextId, opnum, id: callId, target, origin, assembly } = call;
    const { level, identity } = origin;
    const verified = { abstract: target.syntax, transfer: NDR, callId, contextId, opnum };
    const stub = level >= AuthLevel.packet ? checkVerificationTrailer(assembly.stub, verified) : assembly.stub;
    if (stub === undefined)
      throw new RpcFault(FaultStatus.accessDenied, 'the verification trailer is of another call', true);
    const caller: Caller = { identity, level, address: this.address };
    const { localAddress } = this.#context;
    const { signal } = call.abort;
    return target.call({ opnum, stub, caller, localAddress, group: this.#group!, signal, lane, onUndelivered });
  }

  #fault(callId: number, contextId: number, { status, didNotExecute }: RpcFault): void {
    const flags = didNotExecute ? PduFlag.didNotExecute : 0;
    this.#send(PduType.fault, callId, encodeFaultBody(contextId, status), undefined, flags);
  }

  /** What the other end must not do: it is told, and the connection ends. */
  #violation(callId: number): void {
    this.#refuse({ callId, contextId: 0, fault: protocolError(true), ends: true });
  }

  #send(
    type: number,
    callId: number,
    body: Uint8Array,
    auth?: Parameters<typeof encodePdu>[0]['auth'],
    flags = 0,
  ): void {
    const all = flags | PduFlag.first | PduFlag.last;
    const pdu = encodePdu({ type, flags: all, callId, body, auth });
    this.#outgoing.push([pdu], pdu.length, { sent: () => this.#throttle() });
  }

  /** Ends the connection when what is queued has been sent. */
  #finish(): void {
    if (this.#isClosed || this.#isFinishing) return;
    this.#isFinishing = true;
    // What still comes is read and dropped: unread, it would make the system throw away what is being sent.
    this.#stream.resume();
    this.#outgoing.push([], 0, {
      sent: () => this.#stream.end(() => this.#context.clock.after(LINGER_MS, () => this.close())),
    });
    this.#inbox.length = 0;
    this.#calls.orphanAll();
  }
}

function nakReason(failure: AuthenticationFailure, level: number): number {
  if (failure === 'type') return BindNakReason.authType;
  return level === AuthLevel.call ? BindNakReason.checksum : BindNakReason.unspecified;
}

function protocolError(didNotExecute: boolean): RpcFault {
  return new RpcFault(FaultStatus.protocolError, 'out of sequence', didNotExecute);
}

function fragmentSize(size: number): number {
  return Math.min(MAX_FRAGMENT, Math.max(MIN_FRAGMENT, size)) & 0xfff8;
}
