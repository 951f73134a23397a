/** Statuses of faults (C706 appendix E; MS-RPCE), by what they say. */
export const FaultStatus = {
  accessDenied: 0x5,
  noCallActive: 0x6bd,
  badStubData: 0x6f7,
  securityPackage: 0x721,
  invalidTag: 0x1c00_0006,
  invalidBound: 0x1c00_0007,
  cancelled: 0x1c00_000d,
  noMemory: 0x1c00_001b,
  unspecified: 0x1c00_0012,
  contextMismatch: 0x1c00_001a,
  operationRange: 0x1c01_0002,
  unknownInterface: 0x1c01_0003,
  protocolError: 0x1c01_000b,
  tooBusy: 0x1c01_0014,
} as const;

/** A call that ends without an answer of its operation. */
export class RpcFault extends Error {
  override readonly name: string = 'RpcFault';
  readonly status: number;
  /** The operation has not begun. */
  readonly didNotExecute: boolean;

  constructor(status: number, what: string, didNotExecute = false) {
    super(`fault 0x${status.toString(16)}: ${what}`);
    this.status = status;
    this.didNotExecute = didNotExecute;
  }
}
