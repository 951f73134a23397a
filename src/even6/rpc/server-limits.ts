/** What clients may use of a server at most. Times are in milliseconds, sizes in bytes. */
export interface ServerLimits {
  /** Connections to one port at the same time. When there are more, the oldest that has not authenticated gives way. */
  readonly connections: number;
  /** Of those, connections from one address; of IPv6, from one network of 64 bits. */
  readonly connectionsPerAddress: number;
  /** Time to authenticate in. */
  readonly handshakeMs: number;
  /** Failed logons from one address within a minute that are answered at once; those after them wait, longer each time. */
  readonly quickFailures: number;
  /** Longest that a failed logon waits for its answer. */
  readonly failureDelayMs: number;
  /** Presentation contexts of one connection. */
  readonly presentationContexts: number;
  /** Calls of one connection that have no answer yet. */
  readonly callsPerConnection: number;
  /** One request's stub, and all of one connection that have come in part. */
  readonly requestBytes: number;
  /** All requests of one connection that have no answer yet. */
  readonly pendingRequestBytes: number;
  /** All requests that have come in part. */
  readonly partialRequestBytes: number;
  /** Time for the rest of a PDU, and of a request, to come in; and for something of an answer to be taken. */
  readonly stallMs: number;
  /** Answers that one connection has not taken; while there are more, nothing is read from it. */
  readonly unsentBytes: number;
  /** Answers that all connections have not taken; when there are more, those that have taken nothing for longest are ended. */
  readonly totalUnsentBytes: number;
  /** UTF-16 units of a query. */
  readonly queryUnits: number;
  /** Context handles of one association group, of one user, and in total. A query counts once for each 256 units of its text. */
  readonly handlesPerGroup: number;
  readonly handlesPerUser: number;
  readonly handles: number;
  /** Time after which a handle that no call has used is closed. */
  readonly handleIdleMs: number;
  /** Time after which a connection without calls and without handles is ended. */
  readonly idleMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;

export const DEFAULT_LIMITS: ServerLimits = {
  connections: 512,
  connectionsPerAddress: 256,
  handshakeMs: 30 * SECOND,
  quickFailures: 3,
  failureDelayMs: 4 * SECOND,
  presentationContexts: 100,
  callsPerConnection: 64,
  requestBytes: 4 * MIB,
  pendingRequestBytes: 8 * MIB,
  partialRequestBytes: 64 * MIB,
  stallMs: 60 * SECOND,
  unsentBytes: 4 * MIB,
  totalUnsentBytes: 256 * MIB,
  queryUnits: 64 * KIB,
  handlesPerGroup: 1024,
  handlesPerUser: 2048,
  handles: 8192,
  handleIdleMs: 24 * 60 * MINUTE,
  idleMs: 15 * MINUTE,
};
