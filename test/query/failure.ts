import { EvtQueryError } from '../../src/query/error.ts';

/** The EvtQueryError that a call ends in; anything else fails the test. */
export function failure(call: () => unknown): EvtQueryError {
  try {
    call();
  } catch (error) {
    if (error instanceof EvtQueryError) return error;
    throw error;
  }
  throw new Error('the query was accepted');
}
