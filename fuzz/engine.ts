import { Random } from './random.ts';
import type { Target } from './target.ts';

/** Longest that one input may take. */
const MAX_INPUT_MS = 5000;
/** Most bytes of arrays that one input may leave to the collector: far more than any answer, log or message is. */
const MAX_INPUT_BYTES = 256 * 1024 * 1024;

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
export async function fuzz(
  target: Target,
  seed: number,
  limits: { readonly inputs?: number; readonly seconds?: number },
  onInput: (seed: number) => void = () => {},
): Promise<{ readonly inputs: number; readonly finding: Finding | undefined }> {
  const end = performance.now() + 1000 * (limits.seconds ?? Number.POSITIVE_INFINITY);
  let inputs = 0;
  for (; inputs < (limits.inputs ?? Number.POSITIVE_INFINITY) && performance.now() < end; inputs++) {
    // Each input has its own seed: it can be made again without those before it.
    const own = (seed + inputs * 2_654_435_761) >>> 0;
    onInput(own);
    const input = target.make(new Random(own));
    const error = await failure(target, input);
    if (error !== undefined) return { inputs, finding: { target: target.name, seed: own, input, error } };
  }
  return { inputs, finding: undefined };
}

/** What is wrong with how a target takes an input; undefined where nothing is. */
async function failure(target: Target, input: Uint8Array | string): Promise<unknown> {
  const heap = process.memoryUsage();
  const started = performance.now();
  try {
    await target.take(input);
  } catch (error) {
    return error ?? new Error('failed with nothing');
  }
  const took = performance.now() - started;
  if (took > MAX_INPUT_MS) return new Error(`took ${took.toFixed(0)} ms`);
  const now = process.memoryUsage();
  const grown = now.heapUsed - heap.heapUsed + now.arrayBuffers - heap.arrayBuffers;
  return grown > MAX_INPUT_BYTES ? new Error(`took ${grown} bytes of memory`) : undefined;
}
