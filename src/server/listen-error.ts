import { EvtError } from '../errors/evt-error.ts';
import type { Win32Symbol } from '../errors/win32.ts';

/** What the system says of an address or a port that it does not give, as Windows would, and in words. */
const REASONS: Readonly<Record<string, readonly [symbol: Win32Symbol, why: string]>> = {
  EADDRINUSE: ['WSAEADDRINUSE', 'something else listens there already'],
  EADDRNOTAVAIL: ['WSAEADDRNOTAVAIL', 'this computer has no such address'],
  EACCES: ['WSAEACCES', 'this user may not listen on that port'],
  ENOTFOUND: ['WSAHOST_NOT_FOUND', 'the name of the address is not known'],
  EAI_AGAIN: ['WSAHOST_NOT_FOUND', 'the name of the address is not known'],
};

/** Turns what is wrong with listening into the Win32 error for it. */
export function listenError(error: unknown, host: string, port: number, api: string): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const [symbol, why] = REASONS[code] ?? ['ERROR_GEN_FAILURE', message];
  return new EvtError(symbol, api, `listening on ${host} port ${port}: ${why}`, { cause: error });
}
