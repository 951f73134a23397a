import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import { FaultStatus } from './fault.ts';

/** What faults are to a caller: the Win32 codes that Windows' client gives. */
const SYMBOLS: ReadonlyMap<number, readonly [symbol: Win32Symbol, what: string]> = new Map([
  [
    FaultStatus.accessDenied,
    ['ERROR_ACCESS_DENIED', 'the server refuses the call: wrong user or password, or no rights'],
  ],
  [FaultStatus.badStubData, ['RPC_X_BAD_STUB_DATA', 'the server cannot read the call']],
  [FaultStatus.securityPackage, ['RPC_S_SEC_PKG_ERROR', 'the server refuses the protection of the call']],
  [FaultStatus.cancelled, ['RPC_S_CALL_CANCELLED', 'the call was cancelled']],
  [FaultStatus.contextMismatch, ['ERROR_INVALID_HANDLE', 'the server does not know the handle (any more)']],
  [FaultStatus.operationRange, ['RPC_S_PROCNUM_OUT_OF_RANGE', 'the server does not offer this operation']],
  [FaultStatus.unknownInterface, ['RPC_S_UNKNOWN_IF', 'the server does not offer event logs here']],
  [FaultStatus.protocolError, ['RPC_S_PROTOCOL_ERROR', 'the server found the call out of sequence']],
  [FaultStatus.tooBusy, ['ERROR_BUSY', 'the server has too much to do: try again later']],
] as const);

/** The error of a call that the server answered with a fault. */
export function faultError(status: number, api: string): EvtError {
  const [symbol, what] = SYMBOLS.get(status) ?? [
    'RPC_S_CALL_FAILED',
    `the server failed with 0x${status.toString(16)}`,
  ];
  return new EvtError(symbol, api, what);
}

/**
 * The connection ended while a call was pending.
 * @param executed the request had been sent
 * @param cause    why this end has given it up, if it has
 */
export function lostError(api: string, executed: boolean, cause?: EvtError): EvtError {
  const why = cause === undefined ? '' : `: ${cause.detail}`;
  const options = cause === undefined ? {} : { cause };
  return executed
    ? new EvtError('RPC_S_CALL_FAILED', api, `the connection was lost while the call was pending${why}`, options)
    : new EvtError('RPC_S_CALL_FAILED_DNE', api, `the connection was lost before the call was made${why}`, options);
}
