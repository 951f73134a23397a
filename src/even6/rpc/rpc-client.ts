import { EvtError } from '../../errors/evt-error.ts';
import { NdrError } from '../ndr/ndr-error.ts';
import type { Fields } from '../stubs/codec.ts';
import { decodeResponse, encodeRequest, type RpcOperation } from '../stubs/operations.ts';

/** What a server answered: values are there even when the status says failure. */
export interface RpcAnswer<Out> {
  readonly values: Out;
  readonly status: number;
}

/** A call that is under way. */
export interface UnderWay {
  /** Sees to it that the server never hears of it; its answer is a failure then. False when it has been sent. */
  withdraw(): boolean;
  /**
   * Tells the server that nobody waits for it any more. An answer that was on its way all the same still comes, and may bring something
   * that has to be closed. False when the server does not understand that: the answer will come.
   */
  orphan(): boolean;
  /** Ends the connection it is pending on. */
  drop(): void;
}

/** A call in bytes. */
export interface StubCall extends UnderWay {
  readonly answer: Promise<Uint8Array>;
}

export interface RemoteCall<Out> extends UnderWay {
  readonly answer: Promise<RpcAnswer<Out>>;
}

/** What a call needs, beside its parameters. */
export interface CallOptions {
  /** It may wait: there must be another way for a cancel. */
  readonly isLong?: boolean;
  /** It is such a cancel, or as short. */
  readonly isCancel?: boolean;
  /** The client's losses when the handles were made that it names: gone meanwhile, it is not sent. */
  readonly losses?: number | undefined;
}

/** What makes calls to a server of event logs, and keeps the context handles that it gives. */
export abstract class RpcClient {
  /** How often the last connection was lost. Handles are good as long as this stays what it was when they were made. */
  abstract readonly losses: number;

  /** Milliseconds that the server has to answer a call that was cancelled, before its connection is given up. */
  abstract readonly cancelTimeoutMs: number;

  /** Ends all connections, those that are being made too, for ever; the server lets go of all handles. */
  abstract close(): void;

  /**
   * Sends a call. Its answer fails with EvtError as connecting does: RPC_S_SERVER_UNAVAILABLE (1722), EPT_S_NOT_REGISTERED (1753),
   * ERROR_ACCESS_DENIED (5), RPC_S_SEC_PKG_ERROR (1825); with a fault's code; RPC_S_CALL_FAILED (1726) when the connection is lost
   * meanwhile, RPC_S_CALL_FAILED_DNE (1727) when it was lost before
   */
  abstract send(opnum: number, stub: Uint8Array, api: string, options: CallOptions): StubCall;

  /** Makes a call. Its answer fails as that of {@link send}, and with RPC_X_BAD_STUB_DATA (1783). */
  call<In extends Fields, Out extends Fields>(
    operation: RpcOperation<In, Out>,
    input: In,
    api: string,
    options: CallOptions = {},
  ): RemoteCall<Out> {
    const sent = this.send(operation.opnum, encodeRequest(operation, input), api, options);
    const answer = sent.answer.then((bytes) => decodeAnswer(operation, bytes, api));
    // Whoever gives up waiting for it must not be told of its failure.
    answer.catch(() => {});
    return { ...sent, answer };
  }
}

/** @throws EvtError RPC_X_BAD_STUB_DATA (1783) */
export function decodeAnswer<Out extends Fields>(
  operation: RpcOperation<Fields, Out>,
  bytes: Uint8Array,
  api: string,
): RpcAnswer<Out> {
  try {
    return decodeResponse(operation, bytes);
  } catch (error) {
    if (!(error instanceof NdrError)) throw error;
    throw new EvtError('RPC_X_BAD_STUB_DATA', api, `the answer to ${operation.name}: ${error.message}`, {
      cause: error,
    });
  }
}
