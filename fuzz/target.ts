import { EvtError } from '../src/errors/evt-error.ts';
import type { Random } from './random.ts';

/** A decoder under fire: makes an input, and takes it. Taking it may only fail with an error that refuses the input. */
export interface Target {
  readonly name: string;
  make(random: Random): Uint8Array | string;
  take(input: Uint8Array | string): void | Promise<void>;
}

/** Errors that refuse what they were given. */
export type Refusal = abstract new (...args: never[]) => Error;

/** Refusals are what hostile input is for. */
export function refusable(act: () => void, refusals: readonly Refusal[] = [EvtError]): void {
  try {
    act();
  } catch (error) {
    if (!refusals.some((refusal) => error instanceof refusal)) throw error;
  }
}

export const asBytes = (input: Uint8Array | string) => (typeof input === 'string' ? Buffer.from(input) : input);
export const asText = (input: Uint8Array | string) =>
  typeof input === 'string' ? input : Buffer.from(input).toString();
