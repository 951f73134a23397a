import { checkDocument } from '../../src/binxml/check.ts';
import { BinXmlError } from '../../src/binxml/error.ts';
import type { Chunk } from '../../src/evtx/chunk.ts';
import { HIT_UNKNOWN, HIT_WHOLE, MAX_RECORDS } from '../../src/kernel/layout.ts';
import { createMatcher, type EventMatcher, KernelFilter, parseQuery } from '../../src/query/index.ts';
import { KERNELS } from '../kernels.ts';

export interface KernelQuery {
  readonly text: string;
  /** The definition: it looks at the resolved event. */
  readonly plain: EventMatcher;
  readonly filters: readonly KernelFilter[];
  /** Answers that the kernel gave, and those it left to others. */
  told: number;
  unknown: number;
}

export function kernelQuery(text: string): KernelQuery {
  const parsed = parseQuery(text);
  const plain = createMatcher(parsed, { isMine: () => true, evaluator: 'plain' });
  const compiled = createMatcher(parsed, { isMine: () => true });
  const filters = KERNELS.map((kernel) => new KernelFilter(kernel, (shape) => compiled.codeOf(shape)));
  return { text, plain, filters, told: 0, unknown: 0 };
}

const hits = new Int32Array(MAX_RECORDS);

/** True of a record that may be handed out. */
function isSound(chunk: Chunk, chunkOffset: number): boolean {
  try {
    checkDocument(chunk.document(chunkOffset));
    return true;
  } catch (error) {
    if (error instanceof BinXmlError) return false;
    throw error;
  }
}

/** What the plain evaluator says; undefined for a record that is too damaged to tell. */
function plainAnswer(query: KernelQuery, chunk: Chunk, chunkOffset: number, now: bigint): boolean | undefined {
  try {
    return query.plain.matches(chunk.document(chunkOffset), { now });
  } catch (error) {
    if (error instanceof BinXmlError) return undefined;
    throw error;
  }
}

/** Asks every kernel and the plain evaluator about records of a chunk, in both directions. @returns where they differ */
export function compareKernels(query: KernelQuery, chunk: Chunk, offsets: readonly number[], now: bigint): string[] {
  const answers = offsets.map((offset) => plainAnswer(query, chunk, offset, now));
  const differences: string[] = [];
  for (const [k, filter] of query.filters.entries()) {
    for (const step of [1, -1]) {
      const first = step > 0 ? 0 : offsets.length - 1;
      const found = filter.select(chunk, offsets, first, step, offsets.length, now, hits, true);
      const told = new Map(Array.from(hits.subarray(0, found), (hit) => [first + (hit & 0xffff) * step, hit]));
      for (const [i, offset] of offsets.entries()) {
        const hit = told.get(i);
        const what = `${KERNELS[k]!.executor.name}, record at ${offset}: ${query.text}`;
        if (hit !== undefined && (hit & HIT_UNKNOWN) !== 0) {
          query.unknown++;
          continue;
        }
        query.told++;
        // Of a damaged event the header may be enough to tell.
        if (answers[i] !== undefined && (hit !== undefined) !== answers[i])
          differences.push(`${what} is ${answers[i]}`);
        if (hit === undefined || (hit & HIT_WHOLE) === 0) continue;
        if (!isSound(chunk, offset)) differences.push(`${what}: said to be whole`);
      }
    }
  }
  return differences;
}
