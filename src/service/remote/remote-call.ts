import { EvtError } from '../../errors/evt-error.ts';
import { win32Symbol } from '../../errors/win32.ts';
import { decodeAnswer, type RemoteCall, type RpcAnswer, type RpcClient } from '../../even6/rpc/rpc-client.ts';
import type { ContextHandle, Fields } from '../../even6/stubs/codec.ts';
import { CANCEL, CLOSE, encodeRequest, type RpcInfo, type RpcOperation } from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { io, isAsynchronous, type Task } from '../../operations/task.ts';
import { serverSays } from './server-says.ts';
import { type BlockedCall, ThreadedAssociation } from './threaded-association.ts';

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

  constructor(reason: unknown, late: RpcAnswer<Out> | undefined) {
    super('the call was stopped');
    this.reason = reason;
    this.late = late;
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

/** How to stop a call at the server. */
export interface Stop {
  /** The control handle that the call is cancelled through; undefined: nothing can stop it but giving it up. */
  readonly control: ContextHandle;
  /** Takes the answer of a call that was given up, when it comes at last. */
  readonly onGhost?: (answer: RpcAnswer<never>) => void;
}

/** Calls of one association, made by operations that can be cancelled. */
export class RemoteCaller {
  readonly association: RpcClient;

  constructor(association: RpcClient) {
    this.association = association;
  }

  /**
   * Makes a call and waits for its answer. When the operation is cancelled meanwhile, the server is told, on a way of its own, and
   * the call's own answer is waited for.
   * @throws Interrupted when it was stopped; EvtError when the server cannot be asked
   */
  *call<In extends Fields, Out extends Fields>(
    operation: RpcOperation<In, Out>,
    input: In,
    pending: Operation,
    { control, onGhost }: { control?: ContextHandle; onGhost?: (answer: RpcAnswer<Out>) => void } = {},
  ): Task<RpcAnswer<Out>> {
    const { api } = pending;
    const isBlocking = !(yield* isAsynchronous());
    pending.checkpoint();
    const isLong = control !== undefined;
    const begun: Begun<Out> = isBlocking
      ? this.#beginBlocking(operation, input, pending, isLong)
      : begin(this.association.call(operation, input, api, isLong));
    let stopped: unknown;
    try {
      while (!begun.isSettled && !pending.timedOut) {
        yield* pending.waitFor((wake) => begun.onSettled(wake), BLOCKING_MS);
      }
      if (begun.isSettled) return begun.result();
    } catch (error) {
      stopped = error;
      if (begun.isSettled && begun.failed) throw error;
    }
    throw new Interrupted(stopped, yield* this.#stop(begun, control, onGhost, api));
  }

  /** @throws EvtError ERROR_NOT_SUPPORTED (50) for a session whose calls cannot block */
  #beginBlocking<In extends Fields, Out extends Fields>(
    operation: RpcOperation<In, Out>,
    input: In,
    { api, word }: Operation,
    isLong: boolean,
  ): Begun<Out> {
    const { association } = this;
    if (!(association instanceof ThreadedAssociation)) {
      throw new EvtError('ERROR_NOT_SUPPORTED', api, NO_BLOCKING, { extendedStatus: NO_BLOCKING });
    }
    const { words, index } = word;
    const sent = association.sendBlocking(operation.opnum, encodeRequest(operation, input), api, isLong, {
      words,
      index,
    });
    return new BlockedBegun(sent, operation, api);
  }

  /**
   * A short call that nothing needs to cancel at the server: its answer, when that says success.
   * @param what is asked for, for messages
   * @param onGhost takes the answer of a call that was given up, when it comes at last
   * @throws EvtError what the server says, ERROR_CANCELLED (1223), ERROR_TIMEOUT (1460); the reason of an AbortSignal
   */
  *ask<In extends Fields, Out extends Fields>(
    asked: RpcOperation<In, Out>,
    input: In,
    operation: Operation,
    what: string,
    onGhost?: (answer: RpcAnswer<Out>) => void,
  ): Task<Out> {
    const { values, status } = yield* this.answer(asked, input, operation, onGhost);
    const failure = statusOf(status, (values as { readonly info?: RpcInfo }).info);
    if (failure !== 0) throw statusError(failure, operation.api, what);
    return values;
  }

  /** As {@link ask}; the answer may say failure. */
  *answer<In extends Fields, Out extends Fields>(
    asked: RpcOperation<In, Out>,
    input: In,
    operation: Operation,
    onGhost?: (answer: RpcAnswer<Out>) => void,
  ): Task<RpcAnswer<Out>> {
    try {
      return yield* this.call(asked, input, operation, onGhost === undefined ? {} : { onGhost });
    } catch (error) {
      if (error instanceof Interrupted) throw error.reason ?? outOfTime(operation.api);
      throw error;
    }
  }

  /** Stops a call at the server. @returns its answer, if it brings one */
  *#stop<Out>(
    begun: Begun<Out>,
    control: ContextHandle,
    onGhost: ((answer: RpcAnswer<Out>) => void) | undefined,
    api: string,
  ): Task<RpcAnswer<Out> | undefined> {
    if (control === undefined) {
      // Nothing stops it but giving it up; what it brings when it comes all the same is let go of.
      begun.giveUp(onGhost);
      return undefined;
    }
    this.cancel(control, api);
    const answered = yield* begun.settledWithin(this.association.cancelTimeoutMs);
    // A server that answers neither is not there any more, for all that we can do.
    if (!answered) this.association.drop();
    return begun.isSettled && !begun.failed ? begun.result() : undefined;
  }

  /** Lets the server close handles; nobody waits for that. */
  close(handles: readonly ContextHandle[], api: string): void {
    if (!this.association.isConnected) return;
    for (const handle of handles) {
      if (handle === undefined) continue;
      this.association
        .call(CLOSE, { handle }, api)
        .then(({ answer }) => answer)
        .catch(() => {});
    }
  }

  /** Cancels what is pending on a control, and waits for nothing. */
  cancel(control: ContextHandle, api: string): void {
    if (control === undefined || !this.association.isConnected) return;
    this.association
      .call(CANCEL, { control }, api)
      .then(({ answer }) => answer)
      .catch(() => {});
  }
}

/** A call from its making to its answer. */
interface Begun<Out> {
  readonly isSettled: boolean;
  readonly failed: boolean;
  /** @throws what the call failed with */
  result(): RpcAnswer<Out>;
  /** Calls back when there is an answer or a failure. @returns ends that */
  onSettled(callback: () => void): () => void;
  /** @returns false when the time was over first */
  settledWithin(milliseconds: number): Task<boolean>;
  /** Nobody waits for it any more. @param onGhost takes its answer if it comes all the same */
  giveUp(onGhost: ((answer: RpcAnswer<Out>) => void) | undefined): void;
}

/** A call whose answer comes in a turn of the event loop. */
function begin<Out>(call: Promise<RemoteCall<Out>>): Begun<Out> {
  let answer: RpcAnswer<Out> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const settled = call
    .then((made) => made.answer)
    .then(
      (value) => {
        answer = value;
      },
      (error: unknown) => {
        failure = { error };
      },
    );
  return {
    get isSettled() {
      return answer !== undefined || failure !== undefined;
    },
    get failed() {
      return failure !== undefined;
    },
    result() {
      if (failure !== undefined) throw failure.error;
      return answer!;
    },
    onSettled(callback) {
      let isWanted = true;
      void settled.then(() => {
        if (isWanted) callback();
      });
      return () => {
        isWanted = false;
      };
    },
    settledWithin: (milliseconds) => io({ sync: () => false, async: () => withinGrace(settled, milliseconds) }),
    giveUp(onGhost) {
      void call.then(
        (made) => {
          if (!made.orphan()) made.answer.then(onGhost, () => {});
        },
        () => {},
      );
    },
  };
}

/** A call whose answer a blocked thread takes itself. */
class BlockedBegun<Out extends Fields> implements Begun<Out> {
  readonly #sent: BlockedCall;
  readonly #operation: RpcOperation<Fields, Out>;
  readonly #api: string;
  #outcome: { readonly answer: RpcAnswer<Out> } | { readonly error: unknown } | undefined;

  constructor(sent: BlockedCall, operation: RpcOperation<Fields, Out>, api: string) {
    this.#sent = sent;
    this.#operation = operation;
    this.#api = api;
  }

  get isSettled(): boolean {
    if (this.#outcome !== undefined) return true;
    if (!this.#sent.isSettled) return false;
    try {
      this.#outcome = { answer: decodeAnswer(this.#operation, this.#sent.result(), this.#api) };
    } catch (error) {
      this.#outcome = { error };
    }
    return true;
  }

  get failed(): boolean {
    return this.isSettled && 'error' in this.#outcome!;
  }

  result(): RpcAnswer<Out> {
    if ('error' in this.#outcome!) throw this.#outcome.error;
    return this.#outcome!.answer;
  }

  /** The word that the thread waits on is what wakes it. */
  onSettled(): () => void {
    return () => {};
  }

  settledWithin(milliseconds: number): Task<boolean> {
    const sync = () => this.#sent.settledWithin(milliseconds);
    return io({ sync, async: async () => sync() });
  }

  giveUp(onGhost: ((answer: RpcAnswer<Out>) => void) | undefined): void {
    this.#sent.giveUp((stub) => onGhost?.(decodeAnswer(this.#operation, stub, this.#api)));
  }
}

/** @returns false when the time was over first */
function withinGrace(settled: Promise<void>, graceMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), graceMs);
    void settled.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
