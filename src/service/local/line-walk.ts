import type { BinXmlError } from '../../binxml/error.ts';
import type { Chunk } from '../../evtx/chunk.ts';
import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import type { CompiledRenderer } from '../../render/compiled.ts';
import type { LineFormat } from '../service.ts';
import { type Boundary, type LoadedChunk, type LogWalker, OutOfTime, type Step } from './log-walker.ts';
import { threadRenderer } from './renderer.ts';
import type { Selector } from './selector.ts';

/** Records that are looked at, written and handed over in one go; between two such runs a cancel takes effect. */
const RUN = 64;

/** Told, at the commit point of each part, where the position is from now on, and the record id of the part's last event. */
export type Moved = (to: Boundary, lastId: bigint | undefined) => void;

/** What is to be written, and who takes it. */
export interface LineSink {
  readonly format: LineFormat;
  readonly maxEvents: number;
  readonly maxBytes: number;
  /**
   * Takes whole lines; the bytes are only there during the call. They are behind the position from then on.
   * @param before the boundary in front of them
   */
  take(lines: Uint8Array, events: number, before: Boundary): void;
}

/** Records of a run that are to be written. */
interface Hits {
  readonly offsets: number[];
  /** Boundaries in front of and behind each, as indexes of the chunk's records. */
  readonly before: number[];
  readonly behind: number[];
}

/**
 * Writes the events that follow a boundary as lines, without an object per event: a chunk's records go through the compiled
 * renderer in runs. What has been handed over is behind the position; what a cancelled call had not, comes next time.
 * @returns how many events were handed over, and whether the log has ended
 */
export function* walkLines(
  walker: LogWalker,
  from: Boundary,
  step: Step,
  selector: Selector | undefined,
  sink: LineSink,
  operation: Operation,
  moved: Moved,
): Task<{ events: number; ended: boolean }> {
  const writer = new LineWriter(walker, step, selector, sink, operation, moved);
  const { order } = walker.log;
  let { chunk: index, record } = from;
  if (step < 0 && record === 0) {
    index--;
    record = -1;
  }
  for (; index >= 0 && index < order.length; index += step, record = step > 0 ? 0 : -1) {
    const loaded = yield* walker.chunkAt(index, step, operation);
    const { chunk, offsets } = loaded;
    if (chunk !== undefined) {
      let next = step > 0 ? record : (record < 0 ? offsets.length : record) - 1;
      while (next >= 0 && next < offsets.length) {
        next = writer.run(loaded, chunk, next);
        if (writer.full) return { events: writer.events, ended: false };
        if (operation.timedOut) return outOfTime(writer.events);
        if (operation.turnDue()) yield TURN;
      }
    }
    moved({ chunk: step > 0 ? index + 1 : index, record: 0 }, undefined);
    if (operation.timedOut) return outOfTime(writer.events);
  }
  return { events: writer.events, ended: true };
}

function outOfTime(events: number): { events: number; ended: boolean } {
  if (events === 0) throw new OutOfTime();
  return { events, ended: false };
}

class LineWriter {
  readonly #walker: LogWalker;
  readonly #step: Step;
  readonly #selector: Selector | undefined;
  readonly #sink: LineSink;
  readonly #operation: Operation;
  readonly #moved: Moved;
  readonly #renderer: CompiledRenderer = threadRenderer();
  events = 0;
  #bytes = 0;

  constructor(
    walker: LogWalker,
    step: Step,
    selector: Selector | undefined,
    sink: LineSink,
    operation: Operation,
    moved: Moved,
  ) {
    this.#walker = walker;
    this.#step = step;
    this.#selector = selector;
    this.#sink = sink;
    this.#operation = operation;
    this.#moved = moved;
  }

  /** True when the caller has as much as it wants. */
  get full(): boolean {
    return this.events >= this.#sink.maxEvents || this.#bytes >= this.#sink.maxBytes;
  }

  /** Looks at a run of records from `first` on, and hands over what is selected. @returns the record behind them */
  run(loaded: LoadedChunk, chunk: Chunk, first: number): number {
    const hits: Hits = { offsets: [], before: [], behind: [] };
    const end = this.#select(loaded, chunk, first, hits);
    let done = 0;
    while (done < hits.offsets.length) done = this.#write(loaded, chunk, hits, done);
    this.#moved({ chunk: loaded.index, record: this.#step > 0 ? end : end + 1 }, undefined);
    return end;
  }

  #select({ offsets, recovered }: LoadedChunk, chunk: Chunk, first: number, hits: Hits): number {
    const selector = this.#selector;
    const most = Math.min(RUN, this.#sink.maxEvents - this.events);
    let next = first;
    this.#operation.poll();
    for (let looked = 0; looked < RUN && next >= 0 && next < offsets.length; looked++) {
      const chunkOffset = offsets[next]!;
      if (selector === undefined || this.#walker.passes(selector, chunk, chunkOffset, recovered)) {
        if (hits.offsets.length === most) return next;
        hits.offsets.push(chunkOffset);
        hits.before.push(this.#step > 0 ? next : next + 1);
        hits.behind.push(this.#step > 0 ? next + 1 : next);
      }
      if (selector !== undefined) this.#operation.poll();
      this.#walker.records++;
      next += this.#step;
    }
    return next;
  }

  /** Writes hits from `done` on, as far as the output goes. @returns the hit behind */
  #write(loaded: LoadedChunk, chunk: Chunk, { offsets, before, behind }: Hits, done: number): number {
    const renderer = this.#renderer;
    const { format } = this.#sink;
    let damaged = 0;
    const tell = (hit: number, error: BinXmlError) => {
      damaged++;
      this.#walker.tellRecord(chunk, offsets[hit]!, error, loaded.recovered);
    };
    renderer.clear();
    let reached = renderer.lines(chunk, offsets, done, offsets.length, format, tell);
    let part = renderer.output;
    if (reached === done) {
      // One event that is larger than the whole output.
      part = renderer.large(chunk, offsets[done]!, format);
      reached++;
    }
    const events = reached - done - damaged;
    this.#operation.commit(() => {
      if (events > 0) this.#sink.take(part, events, { chunk: loaded.index, record: before[done]! });
      const to = { chunk: loaded.index, record: behind[reached - 1]! };
      this.#moved(to, events > 0 ? chunk.recordId(offsets[reached - 1]!) : undefined);
    });
    this.events += events;
    this.#bytes += part.length;
    return reached;
  }
}
