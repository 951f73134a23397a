import { Random } from './random.ts';
import type { Target } from './targets.ts';

/** Longest that one input may take. */
const MAX_INPUT_MS = 5000;

/** An input that should have been refused, and what happened instead. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly input: Uint8Array | string;
  readonly error: unknown;
}

/**
 * Gives a target inputs until there are enough of them, time is up, or one is a finding.
 * @param limits numbers of inputs, or seconds
 * @param onInput told of each input's seed before it is given
 */
export function fuzz(
  target: Target,
  seed: number,
  limits: { readonly inputs?: number; readonly seconds?: number },
  onInput: (seed: number) => void = () => {},
): { readonly inputs: number; readonly finding: Finding | undefined } {
  const end = performance.now() + 1000 * (limits.seconds ?? Number.POSITIVE_INFINITY);
  let inputs = 0;
  for (; inputs < (limits.inputs ?? Number.POSITIVE_INFINITY) && performance.now() < end; inputs++) {
    // Each input has its own seed: it can be made again without those before it.
    const own = (seed + inputs * 2_654_435_761) >>> 0;
    onInput(own);
    const input = target.make(new Random(own));
    const finding = (error: unknown) => ({ inputs, finding: { target: target.name, seed: own, input, error } });
    const started = performance.now();
    try {
      target.take(input);
    } catch (error) {
      return finding(error);
    }
    const took = performance.now() - started;
    if (took > MAX_INPUT_MS) return finding(new Error(`took ${took.toFixed(0)} ms`));
  }
  return { inputs, finding: undefined };
}
