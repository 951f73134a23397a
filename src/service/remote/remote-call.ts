import { EvtError } from '../../errors/evt-error.ts';
import { win32Symbol } from '../../errors/win32.ts';
import type { ClientAssociation, RemoteCall, RpcAnswer } from '../../even6/rpc/client-association.ts';
import type { ContextHandle, Fields } from '../../even6/stubs/codec.ts';
import { CANCEL, CLOSE, type RpcInfo, type RpcOperation } from '../../even6/stubs/operations.ts';
import type { Operation } from '../../operations/operation.ts';
import { io, isAsynchronous, type Task } from '../../operations/task.ts';

/** Where nothing else runs in this thread, nobody could take the answer. */
const NO_BLOCKING_MS = 0;

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
  if (symbol !== undefined) return new EvtError(symbol, api, `${what}: the server says no`);
  return new EvtError('ERROR_GEN_FAILURE', api, `${what}: the server answers with code ${status}`);
}

/** A call has failed when either its status or its details say so: Windows sometimes only uses these. */
export function statusOf(status: number, info?: RpcInfo): number {
  return status !== 0 ? status : (info?.error ?? 0);
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
  readonly association: ClientAssociation;

  constructor(association: ClientAssociation) {
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
    if (!(yield* isAsynchronous())) {
      throw new EvtError(
        'ERROR_NOT_SUPPORTED',
        api,
        'blocking calls reach this machine only: use winevt/wevtapi/promises for sessions with others',
      );
    }
    pending.checkpoint();
    const begun = begin(this.association.call(operation, input, api, control !== undefined));
    let stopped: unknown;
    try {
      while (!begun.isSettled && !pending.timedOut) {
        yield* pending.waitFor((wake) => begun.onSettled(wake), NO_BLOCKING_MS);
      }
      if (begun.isSettled) return begun.result();
    } catch (error) {
      stopped = error;
      if (begun.isSettled && begun.failed) throw error;
    }
    const late = yield* io<RpcAnswer<Out> | undefined>({
      sync: () => undefined,
      async: () => this.#stop(begun, control, onGhost, api),
    });
    throw new Interrupted(stopped, late);
  }

  /** Stops a call at the server. @returns its answer, if it brings one */
  async #stop<Out>(
    begun: Begun<Out>,
    control: ContextHandle,
    onGhost: ((answer: RpcAnswer<Out>) => void) | undefined,
    api: string,
  ): Promise<RpcAnswer<Out> | undefined> {
    if (control === undefined) {
      // Nothing stops it but giving it up; what it brings when it comes all the same is let go of.
      void begun.call.then(
        (call) => {
          if (!call.orphan()) call.answer.then(onGhost, () => {});
        },
        () => {},
      );
      return undefined;
    }
    const cancel = this.association.call(CANCEL, { control }, api).then(({ answer }) => answer);
    cancel.catch(() => {});
    const answered = await withinGrace(begun.settled, this.association.address.cancelTimeoutMs);
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
  readonly call: Promise<RemoteCall<Out>>;
  /** Fulfilled when there is an answer or a failure. */
  readonly settled: Promise<void>;
  readonly isSettled: boolean;
  readonly failed: boolean;
  /** @throws what the call failed with */
  result(): RpcAnswer<Out>;
  onSettled(callback: () => void): () => void;
}

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
