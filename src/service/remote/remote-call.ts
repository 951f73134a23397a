import { EvtError } from '../../errors/evt-error.ts';
import { win32Symbol } from '../../errors/win32.ts';
import type { CallOptions, RpcAnswer, RpcClient } from '../../even6/rpc/rpc-client.ts';
import type { ContextHandle, Fields } from '../../even6/stubs/codec.ts';
import {
  CANCEL,
  CLOSE,
  encodeRequest,
  handlesOf,
  type RpcInfo,
  type RpcOperation,
} from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { isAsynchronous, type Task } from '../../operations/task.ts';
import { AwaitedCall, BlockingCall, type CallUnderWay } from './call-under-way.ts';
import { serverSays } from './server-says.ts';
import { ThreadedAssociation } from './threaded-association.ts';

/** Said to whoever blocks on a session that cannot: its face has no room for words but the extended status. */
const NO_BLOCKING = 'a call that blocks needs a session of winevt/wevtapi: this one was opened for promises';
/** An answer wakes a blocked thread; one that came just before it fell asleep is found after this time. */
const BLOCKING_MS = 2;

/** A call to a server that was stopped before its answer came. */
export class Interrupted<Out> extends Error {
  override readonly name: string = 'Interrupted';
  /** ERROR_CANCELLED (1223), or the reason of an AbortSignal; undefined when the call's time is over. */
  readonly reason: unknown;
  /** The answer that came all the same: what it brings must not be lost. Undefined when there was none. */
  readonly late: RpcAnswer<Out> | undefined;
  /** The server may have done what it was asked, or not. */
  readonly isUncertain: boolean;

  constructor(reason: unknown, late: RpcAnswer<Out> | undefined, isUncertain: boolean) {
    super('the call was stopped');
    this.reason = reason;
    this.late = late;
    this.isUncertain = isUncertain;
  }
}

/** The error of an answer whose status, or details, say failure. */
export function statusError(status: number, api: string, what: string): EvtError {
  const symbol = win32Symbol(status);
  if (symbol !== undefined) return new EvtError(symbol, api, `${what}: ${serverSays(symbol)}`);
  return new EvtError('ERROR_GEN_FAILURE', api, `${what}: the server answers with code ${status}`);
}

/** A call has failed when either its status or its details say so: Windows sometimes only uses these. */
export function statusOf(status: number, info?: RpcInfo): number {
  return status !== 0 ? status : (info?.error ?? 0);
}

function outOfTime(api: string): EvtError {
  return new EvtError('ERROR_TIMEOUT', api, 'the server has not answered in the given time');
}

/** What the calls on something that is open at the server need. */
export interface OnServer {
  /** The control handle that the call is cancelled through; without one, nothing can stop it but giving it up. */
  readonly control: ContextHandle;
  /** The client's losses when its handles were made. */
  readonly losses: number;
}

/** Calls to one server, made by operations that can be cancelled. */
export class RemoteCaller {
  readonly client: RpcClient;

  constructor(client: RpcClient) {
    this.client = client;
  }

  /** Calls may block the thread that makes them. */
  get canBlock(): boolean {
    return this.client instanceof ThreadedAssociation;
  }

  /** Handles that were made at so many losses are good. */
  isAlive({ losses }: Pick<OnServer, 'losses'>): boolean {
    return losses === this.client.losses;
  }

  /**
   * Makes a call and waits for its answer. When the operation is cancelled meanwhile, the server is told, on a way of its own, and
   * the call's own answer is waited for. Handles that an answer brings which nobody waits for are closed.
   * @throws Interrupted when it was stopped; EvtError when the server cannot be asked
   */
  *call<In extends Fields, Out extends Fields>(
    operation: RpcOperation<In, Out>,
    input: In,
    pending: Operation,
    on?: OnServer,
  ): Task<RpcAnswer<Out>> {
    const { api } = pending;
    const isBlocking = !(yield* isAsynchronous());
    pending.checkpoint();
    const options = on === undefined ? {} : { isLong: true, losses: on.losses };
    const call: CallUnderWay<Out> = isBlocking
      ? this.#callBlocking(operation, input, pending, options)
      : new AwaitedCall(this.client.call(operation, input, api, options));
    let reason: unknown;
    try {
      while (!call.isSettled && !pending.timedOut) {
        yield* pending.waitFor((wake) => call.onSettled(wake), BLOCKING_MS);
      }
    } catch (error) {
      reason = error;
    }
    if (call.isSettled && reason === undefined) return call.result();
    const isSent = !call.withdraw();
    if (isSent && !call.isSettled) yield* this.#stop(call, on?.control, api);
    const late = call.isSettled && !call.failed ? call.result() : undefined;
    const forget = ({ values }: RpcAnswer<Out>) => this.close(handlesOf(operation, values), api);
    if (late === undefined) call.onAnswer(forget);
    else forget(late);
    throw new Interrupted(reason, late, isSent && late === undefined);
  }

  /** @throws EvtError ERROR_NOT_SUPPORTED (50) for a session whose calls cannot block */
  #callBlocking<In extends Fields, Out extends Fields>(
    operation: RpcOperation<In, Out>,
    input: In,
    { api, word }: Operation,
    options: CallOptions,
  ): CallUnderWay<Out> {
    const { client } = this;
    if (!(client instanceof ThreadedAssociation)) {
      throw new EvtError('ERROR_NOT_SUPPORTED', api, NO_BLOCKING, { extendedStatus: NO_BLOCKING });
    }
    const { words, index } = word;
    const stub = encodeRequest(operation, input);
    return new BlockingCall(client.sendBlocking(operation.opnum, stub, api, options, { words, index }), operation, api);
  }

  /** Stops a call at the server; it has answered then, or nobody waits for it any more. */
  *#stop<Out>(call: CallUnderWay<Out>, control: ContextHandle, api: string): Task<void> {
    if (control === undefined) {
      // It ends by itself, and nobody waits for that.
      call.giveUp(this.client.cancelTimeoutMs);
      return;
    }
    this.cancel(control, api);
    // A server that answers neither the call nor its cancel is not there any more, for all that can be done.
    if (!(yield* call.settledWithin(this.client.cancelTimeoutMs))) call.drop();
  }

  /**
   * A short call that nothing needs to cancel at the server: its answer, when that says success.
   * @param what is asked for, for messages
   * @throws EvtError what the server says, ERROR_CANCELLED (1223), ERROR_TIMEOUT (1460); the reason of an AbortSignal
   */
  *ask<In extends Fields, Out extends Fields>(
    asked: RpcOperation<In, Out>,
    input: In,
    operation: Operation,
    what: string,
  ): Task<Out> {
    const { values, status } = yield* this.answer(asked, input, operation);
    const failure = statusOf(status, (values as { readonly info?: RpcInfo }).info);
    if (failure !== 0) throw statusError(failure, operation.api, what);
    return values;
  }

  /** As {@link ask}; the answer may say failure. */
  *answer<In extends Fields, Out extends Fields>(
    asked: RpcOperation<In, Out>,
    input: In,
    operation: Operation,
  ): Task<RpcAnswer<Out>> {
    try {
      return yield* this.call(asked, input, operation);
    } catch (error) {
      if (error instanceof Interrupted) throw error.reason ?? outOfTime(operation.api);
      throw error;
    }
  }

  /** Lets the server close handles; nobody waits for that. @param losses at which they were made: now, where it is not said */
  close(handles: readonly ContextHandle[], api: string, losses: number = this.client.losses): void {
    // With the last connection, the server has let go of them.
    if (losses !== this.client.losses) return;
    for (const handle of handles) {
      if (handle !== undefined) this.client.call(CLOSE, { handle }, api, { isCancel: true, losses });
    }
  }

  /** Cancels what is pending on a control, and waits for nothing. */
  cancel(control: ContextHandle, api: string): void {
    if (control === undefined) return;
    this.client.call(CANCEL, { control }, api, { isCancel: true, losses: this.client.losses });
  }
}
