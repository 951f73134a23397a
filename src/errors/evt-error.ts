import { WIN32, type Win32Symbol } from './win32.ts';

/** What an {@link EvtError} carries beside its code. */
export interface EvtErrorOptions extends ErrorOptions {
  /** For a bad query: what EvtGetExtendedStatus answers, one sentence for a person. */
  extendedStatus?: string | undefined;
}

/**
 * A failed call: the code GetLastError would give, the function or decoder it came from, and what went wrong.
 *
 * Match on `code`, not on the class: that stays true across worker threads and two installed copies of this package.
 */
export class EvtError extends Error {
  override readonly name: string = 'EvtError';
  /** The Win32 code, for example 1223. */
  readonly code: number;
  /** The code's name, for example `ERROR_CANCELLED`. */
  readonly symbol: Win32Symbol;
  /** The function or decoder that failed, for example `EvtNext`. */
  readonly api: string;
  /** What happened and what to do next, without code and function. */
  readonly detail: string;
  /** What EvtGetExtendedStatus answers for this failure; empty when there is no more to say. */
  readonly extendedStatus: string;

  constructor(symbol: Win32Symbol, api: string, detail: string, options?: EvtErrorOptions) {
    super(`${api}: ${symbol} (${WIN32[symbol]}): ${detail}`, options);
    this.code = WIN32[symbol];
    this.symbol = symbol;
    this.api = api;
    this.detail = detail;
    this.extendedStatus = options?.extendedStatus ?? '';
  }
}

const CANCELLED: readonly unknown[] = [
  WIN32.ERROR_CANCELLED,
  WIN32.RPC_S_CALL_CANCELLED,
  WIN32.ERROR_OPERATION_ABORTED,
];

/**
 * True for the error of a cancelled call: 1223 (EvtCancel, EvtClose), 1818 (the RPC layer), 995, or the
 * `AbortError` of an AbortSignal. Decides by code and name, so it also works on errors that crossed a thread.
 */
export function isCancelled(error: unknown): boolean {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return CANCELLED.includes(code) || name === 'AbortError';
}
