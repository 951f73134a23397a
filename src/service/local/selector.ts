import { checkDocument, isWhole } from '../../binxml/check.ts';
import type { Chunk } from '../../evtx/chunk.ts';
import type { RecordCursor } from '../../evtx/record-cursor.ts';
import { type EvaluationContext, type EventMatcher, KernelFilter } from '../../query/index.ts';
import { threadKernel } from './renderer.ts';

/** Decides which events of a log belong to a result, from their records. */
export interface Selector {
  matches(record: RecordCursor): boolean;
  /**
   * Tests a run of records, as {@link KernelFilter.select} does.
   * @returns how many hits there are; undefined: one by one, please
   */
  select(
    chunk: Chunk,
    offsets: ArrayLike<number>,
    first: number,
    step: number,
    count: number,
    hits: Int32Array,
    wholes: boolean,
  ): number | undefined;
}

/** What a query selects. @param context its time may move between reads */
export class QuerySelector implements Selector {
  readonly #matcher: EventMatcher;
  readonly #context: EvaluationContext;
  #filter: KernelFilter | undefined;

  constructor(matcher: EventMatcher, context: EvaluationContext) {
    this.#matcher = matcher;
    this.#context = context;
  }

  matches(record: RecordCursor): boolean {
    return this.#matcher.matchesRecord(record, this.#context);
  }

  select(
    chunk: Chunk,
    offsets: ArrayLike<number>,
    first: number,
    step: number,
    count: number,
    hits: Int32Array,
    wholes: boolean,
  ): number | undefined {
    this.#filter ??= new KernelFilter(threadKernel(), (shape) => this.#matcher.codeOf(shape));
    return this.#filter.select(chunk, offsets, first, step, count, this.#context.now, hits, wholes);
  }
}

let wholes: KernelFilter | undefined;

/** Of every event, whatever its template. */
const TRUE = 1;

/** Every event: what is asked of it is only whether it is whole. */
export const EVERYTHING: Selector = {
  matches: () => true,
  select: (chunk, offsets, first, step, count, hits, tellsWholes) => {
    wholes ??= new KernelFilter(threadKernel(), () => TRUE);
    return wholes.select(chunk, offsets, first, step, count, 0n, hits, tellsWholes);
  },
};

/**
 * Whether a record is selected, and whole.
 * @param record is pointed at it
 * @param selector undefined: every record
 * @throws BinXmlError when it is too damaged to tell, or to be given out
 */
export function isSelected(
  record: RecordCursor,
  chunk: Chunk,
  chunkOffset: number,
  selector: Selector | undefined,
): boolean {
  record.look(chunk, chunkOffset);
  if (selector !== undefined && !selector.matches(record)) return false;
  if (!record.isInstance || !isWhole(record.instance)) checkDocument(record.document);
  return true;
}
