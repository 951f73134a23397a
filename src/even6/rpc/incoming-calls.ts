import { EvtError } from '../../errors/evt-error.ts';
import { decodeRequestBody, type RequestBody } from '../pdu/call-bodies.ts';
import { MAX_FRAGMENT, type Pdu, PduFlag } from '../pdu/pdu.ts';
import { SecurityError } from '../security/security-context.ts';
import type { Clock } from './clock.ts';
import { FaultStatus, RpcFault } from './fault.ts';
import { StubAssembly } from './pdu-security.ts';
import type { PresentationContexts } from './presentation.ts';
import type { RpcInterface } from './rpc-interface.ts';
import type { RequestSecurity, ServerAuthentication } from './server-authentication.ts';
import type { ServerLimits } from './server-limits.ts';
import type { ServerLoad } from './server-load.ts';

/** A call whose request has come, in part or whole. */
export interface PendingCall {
  readonly id: number;
  readonly contextId: number;
  readonly opnum: number;
  /** Whose it is. */
  readonly origin: RequestSecurity;
  /** What it calls; or why it is not taken: the rest of its request is swallowed. */
  target: RpcInterface | RpcFault;
  assembly: StubAssembly;
  /** When its first fragment came. */
  readonly since: number;
  /** Bytes that the server counts for what has come of it. */
  held: number;
  readonly abort: AbortController;
  /** Nobody waits for its answer any more. */
  isOrphaned: boolean;
  isRunning: boolean;
}

/** A call that is to be answered. */
export interface RunningCall extends PendingCall {
  target: RpcInterface;
}

function isTaken(call: PendingCall): call is RunningCall {
  return !(call.target instanceof RpcFault);
}

/** What a request is answered with instead of being taken. */
export interface Refusal {
  readonly callId: number;
  readonly contextId: number;
  readonly fault: RpcFault;
  /** The connection ends with it. */
  readonly ends: boolean;
}

/** What the calls of all connections have in common. */
export interface CallsContext {
  readonly limits: ServerLimits;
  readonly load: ServerLoad;
  readonly clock: Clock;
}

/** The calls of one connection, from the first fragment of a request to the answer. */
export class IncomingCalls {
  readonly #presentation: PresentationContexts;
  readonly #authentication: ServerAuthentication;
  readonly #context: CallsContext;
  readonly #calls = new Map<number, PendingCall>();
  /** Calls that nobody waits for, and that have not stopped yet. */
  readonly #orphans = new Set<PendingCall>();
  /** The one whose last fragment has not come. */
  #incomplete: PendingCall | undefined;
  /** Calls may overlap. */
  isMultiplexed = false;

  constructor(presentation: PresentationContexts, authentication: ServerAuthentication, context: CallsContext) {
    this.#presentation = presentation;
    this.#authentication = authentication;
    this.#context = context;
  }

  /** When the request began that has come in part; undefined when there is none. */
  get partialSince(): number | undefined {
    return this.#incomplete?.since;
  }

  /** Some call has no answer yet, whether its request is whole or not. */
  get isBusy(): boolean {
    return this.#calls.size + this.#orphans.size > 0;
  }

  /** Some call is being answered. */
  get isRunning(): boolean {
    return [...this.#calls.values()].some(({ isRunning }) => isRunning);
  }

  /**
   * Takes one fragment of a request.
   * @returns the call, once its request is whole; or what it is answered with instead
   * @throws PduError for a body that is none of a request
   */
  take(pdu: Pdu): RunningCall | Refusal | undefined {
    const { callId, flags } = pdu;
    if (pdu.bytes.length > MAX_FRAGMENT) return outOfSequence(callId, 0);
    const head = decodeRequestBody(pdu.body, flags);
    const isFirst = (flags & PduFlag.first) !== 0;
    const isLast = (flags & PduFlag.last) !== 0;
    const call = isFirst ? this.#begin(pdu, head) : this.#continue(pdu, head);
    if ('fault' in call) return call;
    const { contextId, origin } = call;
    const forged = this.#open(pdu, origin, contextId);
    if (forged !== undefined) return forged;
    if (isLast) this.#incomplete = undefined;
    const { target } = call;
    if (target instanceof RpcFault) {
      if (isLast) this.#calls.delete(callId);
      return isFirst ? { callId, contextId: this.#known(contextId), fault: target, ends: false } : undefined;
    }
    // Decrypted in place since it was looked at.
    const { stub } = decodeRequestBody(pdu.body, flags);
    if (!call.assembly.add(stub, flags)) return outOfSequence(callId, contextId);
    // A hint promises what is still to come.
    const tooMuch = this.#tooMuch(call, target, isLast ? 0 : head.allocHint, isLast ? 0 : stub.length);
    if (tooMuch !== undefined) {
      this.#release(call);
      if (isLast) this.#calls.delete(callId);
      else this.#swallow(call, tooMuch.fault);
      return tooMuch;
    }
    if (isLast) this.#release(call);
    call.isRunning = isLast;
    return isLast && isTaken(call) ? call : undefined;
  }

  /** The call that a first fragment begins. */
  #begin({ callId, flags, auth }: Pdu, { contextId, opnum }: RequestBody): PendingCall | Refusal {
    if (this.#incomplete !== undefined) return this.#interrupted(this.#incomplete, callId, contextId, auth?.contextId);
    if (this.#calls.has(callId) || (!this.isMultiplexed && this.#calls.size > 0)) return outOfSequence(callId, 0);
    // Cancelled before it has begun.
    if ((flags & PduFlag.pendingCancel) !== 0) {
      return { callId, contextId: 0, fault: new RpcFault(FaultStatus.noCallActive, 'cancelled', true), ends: true };
    }
    const origin = this.#authentication.of(auth);
    if (origin === undefined) {
      const { state } = this.#authentication;
      const isUnfinished = state === 'pending' || state === 'failed';
      const fault = new RpcFault(FaultStatus.accessDenied, 'not authenticated', isUnfinished);
      return { callId, contextId, fault, ends: state !== 'pending' };
    }
    const call: PendingCall = {
      id: callId,
      contextId,
      opnum,
      origin,
      // Before anything is kept of it: what nobody may call takes no memory.
      target: this.#target(contextId, opnum, origin),
      assembly: new StubAssembly(),
      since: this.#context.clock.now(),
      held: 0,
      abort: new AbortController(),
      isOrphaned: false,
      isRunning: false,
    };
    this.#calls.set(callId, call);
    this.#incomplete = call;
    return call;
  }

  /** The interface that a call is for; or why it is not taken. */
  #target(contextId: number, opnum: number, { level }: RequestSecurity): RpcInterface | RpcFault {
    const target = this.#presentation.get(contextId);
    if (target === undefined) return new RpcFault(FaultStatus.unknownInterface, 'no such context', true);
    if (level < target.minLevel) return new RpcFault(FaultStatus.accessDenied, 'the level is too low', true);
    if (opnum >= target.operations) return new RpcFault(FaultStatus.operationRange, 'no such operation', true);
    return this.#calls.size + this.#orphans.size >= this.#context.limits.callsPerConnection
      ? new RpcFault(FaultStatus.tooBusy, 'too many calls', true)
      : target;
  }

  /**
   * A request begins while another is still coming: fragments of two do not mix. Windows faults the earlier one, or, where calls
   * may overlap, the later one.
   */
  #interrupted(
    { id, contextId, origin }: PendingCall,
    callId: number,
    laterContextId: number,
    authContextId: number | undefined,
  ): Refusal {
    const isSame = id === callId;
    const isOfOther = authContextId !== undefined && authContextId !== origin.security?.contextId;
    const isForged = isSame && isOfOther && laterContextId === contextId;
    const status = isForged ? FaultStatus.securityPackage : FaultStatus.protocolError;
    const faulted = this.isMultiplexed && !isSame ? { callId, contextId: 0 } : { callId: id, contextId };
    return { ...faulted, fault: new RpcFault(status, 'out of sequence'), ends: true };
  }

  /**
   * The call that a later fragment belongs to. Its context, operation and security context are those of the first one, whatever it
   * says.
   */
  #continue({ callId, auth }: Pdu, { contextId }: RequestBody): PendingCall | Refusal {
    const incomplete = this.#incomplete;
    if (incomplete?.id === callId) {
      const isProtected = auth !== undefined || incomplete.origin.security?.signs !== true;
      return isProtected ? incomplete : outOfSequence(callId, incomplete.contextId);
    }
    if (!this.isMultiplexed) return outOfSequence(incomplete?.id ?? callId, incomplete?.contextId ?? 0);
    if (incomplete !== undefined) return outOfSequence(callId, 0);
    if (this.#presentation.get(contextId) === undefined) {
      const fault = new RpcFault(FaultStatus.unknownInterface, 'no such context', true);
      return { callId, contextId: 0, fault, ends: false };
    }
    const status = this.#authentication.of(auth) === undefined ? FaultStatus.accessDenied : FaultStatus.protocolError;
    return { callId, contextId, fault: new RpcFault(status, 'out of sequence'), ends: true };
  }

  /**
   * Why a request is not read on.
   * @param stubBytes of a fragment behind which others follow: counted as long as they do not come
   */
  #tooMuch(call: PendingCall, target: RpcInterface, allocHint: number, stubBytes: number): Refusal | undefined {
    const { id: callId, contextId, assembly } = call;
    const { requestBytes, pendingRequestBytes } = this.#context.limits;
    if (assembly.size > Math.min(requestBytes, target.requestBytes ?? requestBytes) || allocHint > requestBytes) {
      return {
        callId,
        contextId,
        fault: new RpcFault(FaultStatus.accessDenied, 'the request is too large'),
        ends: true,
      };
    }
    let pending = 0;
    for (const each of this.#calls.values()) pending += each.assembly.size;
    if (pending <= pendingRequestBytes && this.#context.load.holdPartial(stubBytes)) {
      call.held += stubBytes;
      return undefined;
    }
    return { callId, contextId, fault: new RpcFault(FaultStatus.tooBusy, 'too much is pending', true), ends: false };
  }

  /** What has come of a request counts no more as a part of one. */
  #release(call: PendingCall): void {
    this.#context.load.releasePartial(call.held);
    call.held = 0;
  }

  /** Keeps nothing of what a request still brings. */
  #swallow(call: PendingCall, fault: RpcFault): void {
    call.target = fault;
    call.assembly = new StubAssembly();
  }

  /** Decrypts a PDU and checks its signature. @returns what it is answered with when it is not what that says */
  #open(pdu: Pdu, { security }: RequestSecurity, contextId: number): Refusal | undefined {
    try {
      security?.open(pdu);
      return undefined;
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
      const fault = new RpcFault(FaultStatus.securityPackage, 'bad signature');
      return { callId: pdu.callId, contextId, fault, ends: true };
    }
  }

  /** PDUs about a call need no signature; one that is there counts, and what comes next is decrypted behind it. */
  verify(pdu: Pdu): Refusal | undefined {
    if (pdu.auth === undefined) return undefined;
    const origin = this.#authentication.of(pdu.auth);
    return origin === undefined ? outOfSequence(pdu.callId, 0) : this.#open(pdu, origin, 0);
  }

  /** Asks a call to end. One whose request is still coming, or that has ended, takes no notice. */
  cancel(callId: number): void {
    const call = this.#calls.get(callId);
    if (call?.isRunning === true) call.abort.abort(cancelled());
  }

  /** Nobody waits for a call any more. */
  orphan(callId: number): void {
    const call = this.#calls.get(callId);
    if (call === undefined) return;
    // For the client it is over; here it may take a moment to stop.
    this.#calls.delete(callId);
    if (call.isRunning) this.#orphans.add(call);
    else this.#incomplete = undefined;
    this.#release(call);
    giveUp(call);
  }

  /** The connection is at its end: nobody waits for any of them. */
  orphanAll(): void {
    for (const call of this.#calls.values()) {
      this.#release(call);
      giveUp(call);
    }
  }

  /** A call has ended. */
  finished(call: PendingCall): void {
    if (!this.#orphans.delete(call)) this.#calls.delete(call.id);
  }

  /** The context that a fault names: 0 for one that was never agreed on. */
  #known(contextId: number): number {
    return this.#presentation.get(contextId) === undefined ? 0 : contextId;
  }
}

function giveUp(call: PendingCall): void {
  call.isOrphaned = true;
  call.abort.abort(cancelled());
}

/** What a call that the client gives up ends with. */
function cancelled(): EvtError {
  return new EvtError('ERROR_CANCELLED', 'RPC', 'cancelled by the client');
}

/** What the other end must not do: of the call, something may have happened already. */
function outOfSequence(callId: number, contextId: number): Refusal {
  return { callId, contextId, fault: new RpcFault(FaultStatus.protocolError, 'out of sequence'), ends: true };
}
