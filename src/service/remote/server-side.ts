import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';

/** So often one call begins anew at a server that has forgotten what it read, or says it was cancelled when nobody has. */
const MAX_RENEWALS = 3;

/**
 * What a server says that goes by its handle and not by the call: the handle is gone, or it was cancelled once and stays so for ever, as
 * the protocol's text can be read.
 */
const OF_THE_HANDLE: ReadonlySet<Win32Symbol> = new Set([
  'ERROR_CANCELLED',
  'RPC_S_CALL_CANCELLED',
  'ERROR_INVALID_HANDLE',
]);

/**
 * Makes calls on something that is open at a server. Where its handles are good for nothing any more, it is opened anew, and the calls
 * are made again; who reads hears nothing of that.
 * @param renew opens it anew, where it was
 * @throws what the calls throw; for a call that was cancelled here, ERROR_CANCELLED (1223) or its AbortSignal's reason
 */
export function* onServer<T>(operation: Operation, renew: () => Task<void>, calls: () => Task<T>): Task<T> {
  for (let renewals = 0; ; renewals++) {
    try {
      return yield* calls();
    } catch (error) {
      // Cancelled by its own caller: that is what it ends with.
      operation.checkpoint();
      const isOfTheHandle = error instanceof EvtError && OF_THE_HANDLE.has(error.symbol);
      if (!isOfTheHandle || renewals === MAX_RENEWALS) throw error;
      yield* renew();
    }
  }
}
