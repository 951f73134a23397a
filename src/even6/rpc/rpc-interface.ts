import type { Syntax } from '../pdu/bind.ts';
import type { AnswerLane } from './answer-lanes.ts';
import type { AssociationGroup, Caller } from './association-group.ts';

/** One call as an interface gets it. */
export interface RpcCall {
  readonly opnum: number;
  readonly stub: Uint8Array;
  readonly caller: Caller;
  /** The address of this machine that the client has reached. */
  readonly localAddress: string;
  readonly group: AssociationGroup;
  /** Aborted when the client cancels or gives up this call, or its connection is lost. */
  readonly signal: AbortSignal;
  /** Entered before much is read for an answer: answers that nobody takes do not pile up. */
  readonly lane: AnswerLane;
  /**
   * What is to happen when the answer reaches nobody: handles it made are let go of, events it took are put back.
   * Called at most once, with the last one set.
   */
  onUndelivered(undo: () => void): void;
}

/** An interface that a server offers. */
export interface RpcInterface {
  readonly syntax: Syntax;
  readonly operations: number;
  /** Least level of its calls (AuthLevel); 1: anybody may call. */
  readonly minLevel: number;
  /** Bytes that a request of it takes at most, where that is less than the server's limit. */
  readonly requestBytes?: number;
  /**
   * Answers a call.
   * @returns the answer's stub
   * @throws RpcFault, or whatever becomes fault 0x1C000012
   */
  call(call: RpcCall): Promise<Uint8Array>;
}
