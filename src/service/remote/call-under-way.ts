import type { RemoteCall, RpcAnswer } from '../../even6/rpc/rpc-client.ts';
import { decodeAnswer } from '../../even6/rpc/rpc-client.ts';
import type { Fields } from '../../even6/stubs/codec.ts';
import type { RpcOperation } from '../../even6/stubs/operations.ts';
import { io, type Task } from '../../operations/task.ts';
import type { BlockedCall } from './threaded-association.ts';

/** A call from its making to its answer, whichever way its caller waits. */
export interface CallUnderWay<Out> {
  readonly isSettled: boolean;
  readonly failed: boolean;
  /** @throws what the call failed with */
  result(): RpcAnswer<Out>;
  /** Calls back when there is an answer or a failure. @returns ends that */
  onSettled(callback: () => void): () => void;
  /** Takes an answer that comes after all. */
  onAnswer(take: (answer: RpcAnswer<Out>) => void): void;
  /** @returns false when the time was over first */
  settledWithin(milliseconds: number): Task<boolean>;
  /** Sees to it that the server never hears of it. False when it has, or may have. */
  withdraw(): boolean;
  /** Nobody waits for it any more: the server is told. Where it does not understand that, the call may go on for so long. */
  giveUp(graceMs: number): void;
  /** Ends the connection it is pending on. */
  drop(): void;
}

/** A call whose answer comes in a turn of the event loop. */
export class AwaitedCall<Out> implements CallUnderWay<Out> {
  readonly #call: RemoteCall<Out>;
  readonly #settled: Promise<void>;
  #answer: RpcAnswer<Out> | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(call: RemoteCall<Out>) {
    this.#call = call;
    this.#settled = call.answer.then(
      (value) => {
        this.#answer = value;
      },
      (error: unknown) => {
        this.#failure = { error };
      },
    );
  }

  get isSettled(): boolean {
    return this.#answer !== undefined || this.#failure !== undefined;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  result(): RpcAnswer<Out> {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#answer!;
  }

  onSettled(callback: () => void): () => void {
    let isWanted = true;
    void this.#settled.then(() => {
      if (isWanted) callback();
    });
    return () => {
      isWanted = false;
    };
  }

  onAnswer(take: (answer: RpcAnswer<Out>) => void): void {
    this.#call.answer.then(take, () => {});
  }

  settledWithin(milliseconds: number): Task<boolean> {
    return io({ sync: () => this.isSettled, async: () => withinTime(this.#settled, milliseconds) });
  }

  withdraw(): boolean {
    return this.#call.withdraw();
  }

  giveUp(graceMs: number): void {
    if (this.#call.orphan()) return;
    void withinTime(this.#settled, graceMs).then((isSettled) => {
      if (!isSettled) this.drop();
    });
  }

  drop(): void {
    this.#call.drop();
  }
}

/** A call whose answer a blocked thread takes itself. */
export class BlockingCall<Out extends Fields> implements CallUnderWay<Out> {
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

  onAnswer(take: (answer: RpcAnswer<Out>) => void): void {
    this.#sent.onAnswer((stub) => take(decodeAnswer(this.#operation, stub, this.#api)));
  }

  settledWithin(milliseconds: number): Task<boolean> {
    const sync = () => this.#sent.settledWithin(milliseconds);
    return io({ sync, async: async () => sync() });
  }

  /** It is with another thread already. */
  withdraw(): boolean {
    return false;
  }

  giveUp(graceMs: number): void {
    this.#sent.giveUp(graceMs);
  }

  drop(): void {
    this.#sent.drop();
  }
}

/** @returns false when the time was over first */
function withinTime(settled: Promise<void>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    void settled.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
