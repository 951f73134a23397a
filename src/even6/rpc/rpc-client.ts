import { EvtError } from '../../errors/evt-error.ts';
import { NdrError } from '../ndr/ndr-error.ts';
import type { Fields } from '../stubs/codec.ts';
import { decodeResponse, encodeRequest, type RpcOperation } from '../stubs/operations.ts';
import type { SentCall } from './client-connection.ts';

/** What a server answered: values are there even when the status says failure. */
export interface RpcAnswer<Out> {
  readonly values: Out;
  readonly status: number;
}

/** A call that is under way. */
export interface RemoteCall<Out> {
  readonly answer: Promise<RpcAnswer<Out>>;
  /** Nobody waits for it any more. False when its answer still comes, and may bring something that has to be closed. */
  orphan(): boolean;
}

/** What makes calls to a server of event logs, and keeps the context handles that it gives. */
export abstract class RpcClient {
  /** Handles are good as long as some connection of their group is there. */
  abstract readonly isConnected: boolean;

  /** Milliseconds that the server has to answer a call that was cancelled, before its connections are given up. */
  abstract readonly cancelTimeoutMs: number;

  /** Ends all connections; the server lets go of all handles. No call can be made any more. */
  abstract close(): void;

  /** Gives up all connections; the next call makes a new one. */
  abstract drop(): void;

  /**
   * Sends a call.
   * @param isLong it may wait: there must be another way for a cancel
   * @throws EvtError RPC_S_SERVER_UNAVAILABLE (1722), EPT_S_NOT_REGISTERED (1753), ERROR_ACCESS_DENIED (5), RPC_S_SEC_PKG_ERROR (1825)
   */
  abstract send(opnum: number, stub: Uint8Array, api: string, isLong: boolean): Promise<SentCall>;

  /**
   * Makes a call.
   * @throws EvtError as {@link send} does; a fault's code; RPC_S_CALL_FAILED (1726) when the connection is lost meanwhile
   */
  async call<In extends Fields, Out extends Fields>(
    operation: RpcOperation<In, Out>,
    input: In,
    api: string,
    isLong = false,
  ): Promise<RemoteCall<Out>> {
    const { answer, orphan } = await this.send(operation.opnum, encodeRequest(operation, input), api, isLong);
    const decoded = answer.then((bytes) => decodeAnswer(operation, bytes, api));
    // Whoever gives up waiting for it must not be told of its failure.
    decoded.catch(() => {});
    return { answer: decoded, orphan };
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
