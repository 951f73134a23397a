import type { Duplex } from 'node:stream';
import { EvtError } from '../../errors/evt-error.ts';
import { turn } from '../../operations/task.ts';
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
import { type AnswerLane, AnswerLanes } from './answer-lanes.ts';
import type { AssociationGroup, AssociationGroups, Caller } from './association-group.ts';
import type { Clock } from './clock.ts';
import { FaultStatus, RpcFault } from './fault.ts';
import { fragments, StubAssembly } from './pdu-security.ts';
import { PresentationContexts } from './presentation.ts';
import type { RpcInterface } from './rpc-interface.ts';
import { SendQueue } from './send-queue.ts';
import { type Authenticate, ServerAuthentication } from './server-authentication.ts';
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
  /** Told of a client that could not say who it is. @returns milliseconds that it waits for the answer */
  readonly onRefused: (address: string) => number;
  /** Told of failures that no client is told of. */
  readonly onError: (error: unknown) => void;
}

/** A call whose request has come, in part or whole. */
interface PendingCall {
  readonly id: number;
  readonly contextId: number;
  readonly opnum: number;
  readonly target: RpcInterface;
  readonly assembly: StubAssembly;
  /** When its first fragment came. */
  readonly since: number;
  /** Bytes that are counted for what has come of it. */
  held: number;
  readonly abort: AbortController;
  /** Nobody waits for its answer any more. */
  isOrphaned: boolean;
  isRunning: boolean;
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
  readonly #calls = new Map<number, PendingCall>();
  readonly #lanes: AnswerLanes;
  #group: AssociationGroup | undefined;
  #isMultiplexed = false;
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
  /** Bytes of all requests that have come in part. */
  #partialBytes = 0;
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
    for (const call of this.#calls.values()) {
      this.#releasePartial(call);
      orphan(call);
    }
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
    if (this.#group !== undefined && this.#group.size > 0) return true;
    for (const { isRunning } of this.#calls.values()) if (isRunning) return true;
    return false;
  }

  stalledMs(now: number): number | undefined {
    return this.#outgoing.stalledMs(now);
  }

  /** Ends the connection when it keeps others from being served. Called about once a second. */
  reap(now: number): void {
    const { handshakeMs, stallMs, idleMs } = this.#context.limits;
    const isIdle = this.#calls.size === 0 && !this.#isUsed;
    const isLate = (since: number | undefined) => since !== undefined && now - since > stallMs;
    if (
      (this.isStranger && now - this.#openedAt > handshakeMs) ||
      (this.#outgoing.stalledMs(now) ?? 0) > stallMs ||
      isLate(this.#partialSince) ||
      [...this.#calls.values()].some(({ isRunning, since }) => !isRunning && isLate(since)) ||
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
        this.#handle(decodePdu(pdu));
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
        const delayMs = step.failure === 'refused' ? this.#context.onRefused(this.address) : 0;
        const reason = step.failure === 'type' ? BindNakReason.authType : BindNakReason.unspecified;
        this.#afterDelay(delayMs, () => nak(reason));
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
        this.#afterDelay(this.#context.onRefused(this.address), () =>
          this.#fault(callId, 0, new RpcFault(FaultStatus.accessDenied, 'not authenticated', true)),
        );
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
    if ('failure' in this.#authentication.step(auth)) this.#afterDelay(this.#context.onRefused(this.address), () => {});
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
    try {
      this.#authentication.security?.open(pdu);
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
      this.#fault(callId, contextId, new RpcFault(FaultStatus.securityPackage, 'bad signature'));
      this.#finish();
      return;
    }
    const call = this.#assemble(callId, contextId, opnum, flags);
    if (call === undefined) return;
    const { stub } = decodeRequestBody(pdu.body, flags);
    if (!call.assembly.add(stub, flags)) {
      this.#violation(callId, contextId);
      return;
    }
    const refuse = (status: number, what: string) => {
      this.#drop(call);
      this.#refuse(callId, contextId, new RpcFault(status, what, true));
    };
    const max = Math.min(this.#context.limits.requestBytes, call.target.requestBytes ?? Number.POSITIVE_INFINITY);
    if (call.assembly.size > max || allocHint > this.#context.limits.requestBytes) {
      refuse(FaultStatus.accessDenied, 'the request is too large');
      return;
    }
    if ((flags & PduFlag.last) === 0) {
      if (!this.#holdPartial(call, stub.length)) refuse(FaultStatus.tooBusy, 'too much of requests is waiting');
      return;
    }
    this.#releasePartial(call);
    call.isRunning = true;
    void this.#run(call);
  }

  /** Counts what has come of a request. @returns false when this connection, or all of them, have too much of that */
  #holdPartial(call: PendingCall, bytes: number): boolean {
    if (this.#partialBytes + bytes > this.#context.limits.requestBytes) return false;
    if (!this.#context.load.holdPartial(bytes)) return false;
    this.#partialBytes += bytes;
    call.held += bytes;
    return true;
  }

  #releasePartial(call: PendingCall): void {
    this.#context.load.releasePartial(call.held);
    this.#partialBytes -= call.held;
    call.held = 0;
  }

  /** Forgets a call whose request has not come in whole. */
  #drop(call: PendingCall): void {
    this.#releasePartial(call);
    this.#calls.delete(call.id);
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
    if (this.#calls.size >= this.#context.limits.callsPerConnection) {
      this.#refuse(callId, contextId, new RpcFault(FaultStatus.tooBusy, 'too many calls', true));
      return undefined;
    }
    const target = this.#admitted(contextId, opnum);
    if (target instanceof RpcFault) {
      this.#refuse(callId, contextId, target);
      return undefined;
    }
    const call: PendingCall = {
      id: callId,
      contextId,
      opnum,
      target,
      assembly: new StubAssembly(),
      since: this.#context.clock.now(),
      held: 0,
      abort: new AbortController(),
      isOrphaned: false,
      isRunning: false,
    };
    this.#calls.set(callId, call);
    return call;
  }

  /** The interface of a call; or why there will be none, whatever its stub: then the stub need not be kept. */
  #admitted(contextId: number, opnum: number): RpcInterface | RpcFault {
    const target = this.#presentation.get(contextId);
    if (target === undefined) return new RpcFault(FaultStatus.unknownInterface, 'no such context', true);
    if (this.#authentication.level < target.minLevel) {
      return new RpcFault(FaultStatus.accessDenied, 'the level is too low', true);
    }
    if (opnum >= target.operations) return new RpcFault(FaultStatus.operationRange, 'no such operation', true);
    return target;
  }

  /** The last call that was refused while its request was still coming. */
  #refused: number | undefined;

  #refuse(callId: number, contextId: number, fault: RpcFault): void {
    this.#refused = callId;
    this.#fault(callId, contextId, fault);
  }

  async #run(call: PendingCall): Promise<void> {
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
      lane.leave();
      this.#calls.delete(call.id);
      this.#throttle();
    }
  }

  async #answer(call: PendingCall, lane: AnswerLane, onUndelivered: (undo: () => void) => void): Promise<Uint8Array> {
    const { contextId, opnum, id: callId, target } = call;
    const { level, identity } = this.#authentication;
    const verified = { abstract: target.syntax, transfer: NDR, callId, contextId, opnum };
    const stub =
      level >= AuthLevel.packet ? checkVerificationTrailer(call.assembly.stub, verified) : call.assembly.stub;
    if (stub === undefined)
      throw new RpcFault(FaultStatus.accessDenied, 'the verification trailer is of another call', true);
    const caller: Caller = { identity, level, address: this.address };
    return target.call({ opnum, stub, caller, group: this.#group!, signal: call.abort.signal, lane, onUndelivered });
  }

  #orphaned(callId: number): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    orphan(call);
    if (!call.isRunning) this.#drop(call);
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
      sent: () => this.#stream.end(() => this.#context.clock.after(LINGER_MS, () => this.close())),
    });
    this.#inbox.length = 0;
    for (const call of this.#calls.values()) {
      this.#releasePartial(call);
      orphan(call);
    }
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
