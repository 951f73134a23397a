import type { Syntax } from '../pdu/bind.ts';
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
  /**
   * Answers a call.
   * @returns the answer's stub
   * @throws RpcFault, or whatever becomes fault 0x1C000012
   */
  call(call: RpcCall): Promise<Uint8Array>;
}

export interface ServerLimits {
  /** Connections at the same time, from everywhere and from one address. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** Calls of one connection that have no answer yet. */
  readonly callsPerConnection: number;
  readonly handlesPerGroup: number;
  /** Bytes of one request's stub: of somebody who has said who he is, and of anybody. */
  readonly requestBytes: number;
  readonly anonymousRequestBytes: number;
  /** Bytes of all requests of one connection that have no answer yet. */
  readonly pendingRequestBytes: number;
  /** Bytes of answers that one connection has not taken; while there are more, nothing is read from it. */
  readonly unsentBytes: number;
  /** Milliseconds to authenticate in, to send the rest of a PDU in, and to take what is sent. */
  readonly handshakeMs: number;
  readonly stallMs: number;
  /** Milliseconds after which a connection without calls and without handles is closed. */
  readonly idleMs: number;
}

export const DEFAULT_LIMITS: ServerLimits = {
  connections: 512,
  connectionsPerAddress: 256,
  callsPerConnection: 64,
  handlesPerGroup: 4096,
  requestBytes: 4 * 1024 * 1024,
  anonymousRequestBytes: 64 * 1024,
  pendingRequestBytes: 8 * 1024 * 1024,
  unsentBytes: 4 * 1024 * 1024,
  handshakeMs: 30_000,
  stallMs: 60_000,
  idleMs: 15 * 60_000,
};
