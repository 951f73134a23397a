import { EvtError } from '../../errors/evt-error.ts';
import { win32Symbol } from '../../errors/win32.ts';
import type { ClientAssociation, RemoteCall, RpcAnswer } from '../../even6/rpc/client-association.ts';
import type { ContextHandle, Fields } from '../../even6/stubs/codec.ts';
import { CANCEL, CLOSE, handlesOf, type RpcInfo, type RpcOperation } from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { io, isAsynchronous, type Task } from '../../operations/task.ts';

/** Milliseconds that a server has to answer a call that was cancelled, before its connection is given up. */
const CANCEL_GRACE_MS = 10_000;
/** Where nothing else runs in this thread, nobody could take the answer. */
const NO_BLOCKING_MS = 0;

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
  if (symbol !== undefined) return new EvtError(symbol, api, `${what}: the server says no`);
  return new EvtError('ERROR_GEN_FAILURE', api, `${what}: the server answers with code ${status}`);
}

/** A call has failed when either its status or its details say so: Windows sometimes only uses these. */
export function statusOf(status: number, info?: RpcInfo): number {
  return status !== 0 ? status : (info?.error ?? 0);
}

/** What the calls on something that is open at the server need. */
export interface OnServer {
  /** The control handle that the call is cancelled through; without one, nothing can stop it but giving it up. */
  readonly control: ContextHandle;
  /** The association's losses when its handles were made. */
  readonly losses: number;
}

/** Calls of one association, made by operations that can be cancelled. */
export class RemoteCaller {
  readonly association: ClientAssociation;
  readonly #graceMs: number;

  /** @param graceMs milliseconds that a server has to answer a call that was cancelled */
  constructor(association: ClientAssociation, graceMs: number = CANCEL_GRACE_MS) {
    this.association = association;
    this.#graceMs = graceMs;
  }

  /** Handles that were made at so many losses are good. */
  isAlive({ losses }: Pick<OnServer, 'losses'>): boolean {
    return losses === this.association.losses;
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
    if (!(yield* isAsynchronous())) {
      throw new EvtError(
        'ERROR_NOT_SUPPORTED',
        api,
        'blocking calls reach this machine only: use winevt/wevtapi/promises for sessions with others',
      );
    }
    pending.checkpoint();
    const options = on === undefined ? {} : { isLong: true, losses: on.losses };
    const begun = begin(this.association.call(operation, input, api, options));
    let reason: unknown;
    try {
      while (!begun.isSettled && !pending.timedOut) {
        yield* pending.waitFor((wake) => begun.onSettled(wake), NO_BLOCKING_MS);
      }
    } catch (error) {
      reason = error;
    }
    if (begun.isSettled && reason === undefined) return begun.result();
    const isSent = !begun.call.withdraw();
    if (isSent && !begun.isSettled) {
      yield* io<void>({ sync: () => {}, async: () => this.#stop(begun, on?.control, api) });
    }
    const late = begun.isSettled && !begun.failed ? begun.result() : undefined;
    const forgotten = late === undefined ? begun.call.answer : Promise.resolve(late);
    forgotten.then(
      ({ values }) => this.close(handlesOf(operation, values), api),
      () => {},
    );
    throw new Interrupted(reason, late, isSent && late === undefined);
  }

  /** Stops a call at the server; it has answered then, or nobody waits for it any more. */
  async #stop<Out>(begun: Begun<Out>, control: ContextHandle, api: string): Promise<void> {
    if (control !== undefined) {
      this.cancel(control, api);
      await this.#withinGrace(begun);
    } else if (!begun.call.orphan()) {
      // It ends by itself, and nobody waits for that.
      void this.#withinGrace(begun);
    }
  }

  /** A server that answers neither the call nor its cancel is not there any more, for all that can be done. */
  async #withinGrace<Out>({ settled, call }: Begun<Out>): Promise<void> {
    const timer = setTimeout(() => call.drop(), this.#graceMs);
    await settled;
    clearTimeout(timer);
  }

  /** Lets the server close handles; nobody waits for that. @param losses at which they were made: now, where it is not said */
  close(handles: readonly ContextHandle[], api: string, losses: number = this.association.losses): void {
    // With the last connection, the server has let go of them.
    if (losses !== this.association.losses) return;
    for (const handle of handles) {
      if (handle !== undefined) this.association.call(CLOSE, { handle }, api, { isCancel: true, losses });
    }
  }

  /** Cancels what is pending on a control, and waits for nothing. */
  cancel(control: ContextHandle, api: string): void {
    if (control === undefined) return;
    this.association.call(CANCEL, { control }, api, { isCancel: true, losses: this.association.losses });
  }
}

/** A call from its making to its answer. */
interface Begun<Out> {
  readonly call: RemoteCall<Out>;
  /** Fulfilled when there is an answer or a failure. */
  readonly settled: Promise<void>;
  readonly isSettled: boolean;
  readonly failed: boolean;
  /** @throws what the call failed with */
  result(): RpcAnswer<Out>;
  onSettled(callback: () => void): () => void;
}

function begin<Out>(call: RemoteCall<Out>): Begun<Out> {
  let answer: RpcAnswer<Out> | undefined;
  let failure: { readonly error: unknown } | undefined;
  const settled = call.answer.then(
    (value) => {
      answer = value;
    },
    (error: unknown) => {
      failure = { error };
    },
  );
  return {
    call,
    settled,
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
  };
}
