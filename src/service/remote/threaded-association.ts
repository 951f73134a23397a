import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import { type CallOptions, RpcClient, type StubCall } from '../../even6/rpc/rpc-client.ts';
import { workerFile } from '../../operations/worker-pool.ts';
import { addressOf, type RemoteSessionOptions } from './credentials.ts';

/** A word of shared memory that a blocked thread waits on. */
export interface WaitWord {
  readonly words: Int32Array;
  readonly index: number;
}

/** What the thread is told. */
export type ThreadRequest =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly opnum: number;
      readonly stub: Uint8Array;
      readonly api: string;
      readonly options: CallOptions;
      /** Woken when the answer is there. */
      readonly wake: WaitWord | undefined;
    }
  /** Nobody waits for a call any more; where the server does not understand that, it may go on for so long. */
  | { readonly kind: 'giveUp'; readonly id: number; readonly graceMs: number }
  | { readonly kind: 'drop'; readonly id: number }
  | { readonly kind: 'close' };

/** How a call has ended. */
export interface ThreadReply {
  readonly id: number;
  readonly stub?: Uint8Array;
  /** Of an EvtError; without a symbol, of anything else. */
  readonly failure?: { readonly symbol?: Win32Symbol; readonly what: string };
}

/** What the thread begins with. */
export interface ThreadData {
  readonly port: MessagePort;
  readonly options: RemoteSessionOptions;
  readonly state: Int32Array;
}

/** Words that both threads see. */
export const ThreadState = {
  /** Counts the replies. */
  replies: 0,
  /** Of the association. */
  losses: 1,
  /** 1 when the thread has ended. */
  ended: 2,
} as const;
const STATE_WORDS = 3;
/** Whoever waits in turns of the event loop counts the time himself. */
const NEVER_MS = 2 ** 31 - 1;

/** A call for whose answer a thread blocks. */
export interface BlockedCall {
  /** Takes what has come meanwhile. */
  readonly isSettled: boolean;
  /** The answer's stub. @throws what the call failed with */
  result(): Uint8Array;
  /** Blocks until the call has ended. @returns false when the time was over first */
  settledWithin(milliseconds: number): boolean;
  /** Takes an answer that comes after all. */
  onAnswer(take: (stub: Uint8Array) => void): void;
  /** Nobody waits for the answer any more. Where the server does not understand that, it may go on for so long. */
  giveUp(graceMs: number): void;
  /** Ends the connection it is pending on. */
  drop(): void;
}

/** A call that the thread has. */
type SentRequest = Pick<BlockedCall, 'giveUp' | 'drop'>;

interface Pending {
  readonly api: string;
  readonly resolve: (stub: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An association whose connections live in a thread of their own, so that this one can block for an answer: a thread that blocks
 * takes nothing from a socket.
 */
export class ThreadedAssociation extends RpcClient {
  readonly #options: RemoteSessionOptions;
  readonly #state = new Int32Array(new SharedArrayBuffer(STATE_WORDS * Int32Array.BYTES_PER_ELEMENT));
  readonly #pending = new Map<number, Pending>();
  /** Those whose answer somebody waits for: a process may end while there are none. */
  readonly #awaited = new Set<number>();
  #port: MessagePort | undefined;
  #lastId = 0;
  #isClosed = false;

  readonly cancelTimeoutMs: number;

  constructor(options: RemoteSessionOptions) {
    super();
    this.#options = options;
    this.cancelTimeoutMs = addressOf(options, 'EvtOpenSession').cancelTimeoutMs;
  }

  get losses(): number {
    return Atomics.load(this.#state, ThreadState.losses);
  }

  /** The thread's port; the thread is started when it is first needed. @throws EvtError ERROR_NOT_SUPPORTED (50) */
  #thread(api: string): MessagePort {
    if (this.#port !== undefined && !this.#isClosed) return this.#port;
    if (this.#isClosed) throw new EvtError('ERROR_INVALID_HANDLE', api, 'the session is closed');
    const file = workerFile('./association-thread.js', import.meta.url);
    if (file === undefined) {
      throw new EvtError('ERROR_NOT_SUPPORTED', api, 'blocking calls to other machines need the files of the package');
    }
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadData = { port: port2, options: this.#options, state: this.#state };
    const worker = new Worker(file, { workerData, transferList: [port2] });
    worker.unref();
    worker.on('error', (error) => this.#end(error));
    worker.on('exit', () => this.#end(new Error('the thread of the connections has ended')));
    port1.on('message', (reply: ThreadReply) => this.#take(reply));
    port1.unref();
    this.#port = port1;
    return port1;
  }

  #end(error: Error): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, api } of pending) {
      reject(this.#isClosed ? new EvtError('RPC_S_CALL_FAILED', api, 'the connection was closed') : error);
    }
    this.#port?.close();
    this.#port = undefined;
  }

  #take({ id, stub, failure }: ThreadReply): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    this.#unawait(id);
    if (pending === undefined) return;
    if (stub !== undefined) pending.resolve(stub);
    else if (failure?.symbol !== undefined) {
      pending.reject(new EvtError(failure.symbol, pending.api, failure.what));
    } else pending.reject(new Error(failure?.what));
  }

  #unawait(id: number): void {
    this.#awaited.delete(id);
    if (this.#awaited.size === 0) this.#port?.unref();
  }

  #request(
    opnum: number,
    stub: Uint8Array,
    options: CallOptions,
    wake: WaitWord | undefined,
    pending: Pending,
  ): SentRequest {
    const port = this.#thread(pending.api);
    const id = ++this.#lastId;
    this.#pending.set(id, pending);
    this.#awaited.add(id);
    port.ref();
    const request: ThreadRequest = { kind: 'call', id, opnum, stub, api: pending.api, options, wake };
    port.postMessage(request);
    return {
      giveUp: (graceMs) => {
        this.#unawait(id);
        port.postMessage({ kind: 'giveUp', id, graceMs } satisfies ThreadRequest);
      },
      drop: () => port.postMessage({ kind: 'drop', id } satisfies ThreadRequest),
    };
  }

  send(opnum: number, stub: Uint8Array, api: string, options: CallOptions): StubCall {
    const { promise: answer, resolve, reject } = withResolvers<Uint8Array>();
    let sent: SentRequest | undefined;
    try {
      sent = this.#request(opnum, stub, options, undefined, { api, resolve, reject });
    } catch (error) {
      reject(error);
    }
    return {
      answer,
      // It is with the thread already.
      withdraw: () => false,
      orphan: () => {
        sent?.giveUp(NEVER_MS);
        // Only the thread knows whether the server sends an answer all the same.
        return false;
      },
      drop: () => sent?.drop(),
    };
  }

  /**
   * Sends a call from a thread that blocks until its answer.
   * @param wake what it waits on, beside {@link BlockedCall.settledWithin}
   * @throws EvtError ERROR_NOT_SUPPORTED (50) where no thread can be started; ERROR_INVALID_HANDLE (6) when the session is closed
   */
  sendBlocking(opnum: number, stub: Uint8Array, api: string, options: CallOptions, wake: WaitWord): BlockedCall {
    let answer: Uint8Array | undefined;
    let failure: { readonly error: unknown } | undefined;
    let onAnswer: ((stub: Uint8Array) => void) | undefined;
    const sent = this.#request(opnum, stub, options, wake, {
      api,
      resolve: (bytes) => {
        answer = bytes;
        onAnswer?.(bytes);
      },
      reject: (error) => {
        failure = { error };
      },
    });
    const isSettled = () => {
      this.#drain();
      return answer !== undefined || failure !== undefined;
    };
    return {
      get isSettled() {
        return isSettled();
      },
      result: () => {
        if (failure !== undefined) throw failure.error;
        return answer!;
      },
      settledWithin: (milliseconds) => {
        const end = performance.now() + milliseconds;
        for (;;) {
          const replies = Atomics.load(this.#state, ThreadState.replies);
          if (isSettled()) return true;
          const left = end - performance.now();
          if (left <= 0) return false;
          Atomics.wait(this.#state, ThreadState.replies, replies, left);
        }
      },
      onAnswer: (take) => {
        onAnswer = take;
        if (answer !== undefined) take(answer);
      },
      ...sent,
    };
  }

  /** Takes the replies that have come, without a turn of the event loop. */
  #drain(): void {
    const port = this.#port;
    if (port === undefined) return;
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      this.#take(got.message as ThreadReply);
    }
    if (Atomics.load(this.#state, ThreadState.ended) !== 0)
      this.#end(new Error('the thread of the connections has ended'));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port?.postMessage({ kind: 'close' } satisfies ThreadRequest);
  }
}

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((res, rej) => {
    resolve = res;
    reject = rej;
  });
  return { promise, resolve, reject };
}
