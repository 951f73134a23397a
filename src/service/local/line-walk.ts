import type { BinXmlError } from '../../binxml/error.ts';
import type { Chunk } from '../../evtx/chunk.ts';
import type { OutputSlot } from '../../kernel/memory.ts';
import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import type { CompiledRenderer } from '../../render/compiled.ts';
import type { LineContent, LineFormat } from '../service.ts';
import { type Boundary, type LoadedChunk, type LogWalker, MAX_RUN, OutOfTime, type Step } from './log-walker.ts';
import { threadRenderer } from './renderer.ts';
import type { Selector } from './selector.ts';

const NOTHING = new Uint8Array(0);

/** What one run of events is expected to need: with less than that, memory for lines counts as full. What needs more comes apart. */
export const RUN_ROOM = 128 * 1024;

/** Told, at the commit point of each part, where the position is from now on, and the record id of the part's last event. */
export type Moved = (to: Boundary, lastId: bigint | undefined) => void;

/** Events of one chunk whose lines have been written. Its parts are only there during the call that they are told in. */
export interface WrittenRun {
  readonly loaded: LoadedChunk;
  readonly chunk: Chunk;
  /** Records, and where they stand in the chunk; those `from … to - 1` are meant. */
  readonly records: ArrayLike<number>;
  readonly offsets: ArrayLike<number>;
  readonly from: number;
  readonly to: number;
  /** Where the line of a record ends: counted from that of `from`. That of one that is left out is empty. */
  endOf(index: number): number;
  /** The event's time, where it is known already. */
  timeOf(index: number): bigint | undefined;
}

/** What is to be written, and who takes it. */
export interface LineSink {
  readonly format: LineContent;
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** Where in this thread's kernel the lines go, each part behind the one before. Undefined: where they do not stay. */
  readonly slot?: OutputSlot | undefined;
  /**
   * Takes whole lines; unless they are in the slot, the bytes are only there during the call. They are behind the position
   * from then on.
   * @param before the boundary in front of them
   */
  take(lines: Uint8Array, events: number, before: Boundary): void;
  /** Told, right before it takes lines, of each event in them. */
  readonly takeRun?: ((run: WrittenRun) => void) | undefined;
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

/** A record that holds no whole event: its place among the hits of a run. */
interface DamagedHit {
  readonly hit: number;
  readonly error: BinXmlError;
}

class LineWriter {
  readonly #walker: LogWalker;
  readonly #step: Step;
  readonly #selector: Selector | undefined;
  readonly #sink: LineSink;
  readonly #operation: Operation;
  readonly #moved: Moved;
  readonly #renderer: CompiledRenderer = threadRenderer();
  /** Records of the run at hand that are selected. */
  readonly #hits: number[] = [];
  events = 0;
  #bytes = 0;
  /** The next event does not fit what is left of the slot. */
  #crowded = false;

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
    return this.#crowded || this.events >= this.#sink.maxEvents || this.#bytes >= this.#sink.maxBytes;
  }

  /** Looks at a run of records from `first` on, and hands over what is selected. @returns the record behind them */
  run(loaded: LoadedChunk, chunk: Chunk, first: number): number {
    const { format, maxEvents } = this.#sink;
    const hits = this.#hits;
    hits.length = 0;
    this.#operation.poll();
    const most = maxEvents - this.events;
    const end = this.#select(loaded, first, format === 'nothing', most);
    if (format === 'nothing') this.#count(loaded, chunk);
    else {
      const offsets = hits.map((hit) => loaded.offsets[hit]!);
      let done = 0;
      while (done < hits.length && !this.#crowded) done = this.#write(loaded, chunk, format, offsets, done);
      if (done < hits.length) return hits[done]!;
    }
    this.#moved({ chunk: loaded.index, record: this.#behind(end - this.#step) }, undefined);
    return end;
  }

  /** The boundaries in front of and behind a record, in the direction of the walk. */
  #before(record: number): number {
    return this.#step > 0 ? record : record + 1;
  }

  #behind(record: number): number {
    return this.#step > 0 ? record + 1 : record;
  }

  #select(loaded: LoadedChunk, first: number, wholes: boolean, most: number): number {
    const hits = this.#hits;
    const step = this.#step;
    if (this.#selector !== undefined || wholes) {
      return this.#walker.sift(loaded, first, step, MAX_RUN, this.#selector, wholes, hits, most);
    }
    const left = step > 0 ? loaded.offsets.length - first : first + 1;
    const count = Math.min(MAX_RUN, most, left);
    for (let i = 0; i < count; i++) hits.push(first + i * step);
    this.#walker.records += count;
    return first + count * step;
  }

  /** Hands over how many hits there are. */
  #count(loaded: LoadedChunk, chunk: Chunk): void {
    const hits = this.#hits;
    if (hits.length === 0) return;
    const last = hits.at(-1)!;
    this.#operation.commit(() => {
      this.#sink.take(NOTHING, hits.length, { chunk: loaded.index, record: this.#before(hits[0]!) });
      const to = { chunk: loaded.index, record: this.#behind(last) };
      this.#moved(to, chunk.recordId(loaded.offsets[last]!));
    });
    this.events += hits.length;
  }

  /** Writes hits from `done` on, as far as the output goes. @returns the hit behind */
  #write(loaded: LoadedChunk, chunk: Chunk, format: LineFormat, offsets: readonly number[], done: number): number {
    const renderer = this.#renderer;
    const damaged: DamagedHit[] = [];
    const note = (hit: number, error: BinXmlError) => damaged.push({ hit, error });
    const { slot } = this.#sink;
    if (slot === undefined) renderer.clear();
    else renderer.clear(slot.address + this.#bytes, slot.address + slot.size);
    let reached = renderer.lines(chunk, offsets, done, offsets.length, format, note);
    let part = renderer.output;
    if (reached === done) {
      if (slot !== undefined && this.#bytes > 0) {
        this.#crowded = true;
        return done;
      }
      // One event that is larger than the whole output: it comes alone.
      part = renderer.large(chunk, offsets[done]!, format);
      reached++;
      this.#crowded = slot !== undefined;
    }
    const isLarge = part.buffer !== renderer.output.buffer;
    const events = reached - done - damaged.length;
    let last = reached - 1;
    for (let i = damaged.length - 1; damaged[i]?.hit === last; i--) last--;
    const hits = this.#hits;
    this.#operation.commit(() => {
      if (events > 0 && this.#sink.takeRun !== undefined) {
        const endOf = (index: number) => (isLarge ? part.length : renderer.endOf(index - done));
        const timeOf = (index: number) => (isLarge ? undefined : renderer.timeOf(index - done));
        this.#sink.takeRun({ loaded, chunk, records: hits, offsets, from: done, to: reached, endOf, timeOf });
      }
      if (events > 0) this.#sink.take(part, events, { chunk: loaded.index, record: this.#before(hits[done]!) });
      const to = { chunk: loaded.index, record: this.#behind(hits[reached - 1]!) };
      this.#moved(to, events > 0 ? chunk.recordId(offsets[last]!) : undefined);
    });
    this.events += events;
    this.#bytes += part.length;
    // Now that the lines have been taken: whoever is told may read something else, which is written to the same memory.
    this.#tellEach(damaged, ({ hit, error }) => this.#walker.tellRecord(chunk, offsets[hit]!, error, loaded.recovered));
    return reached;
  }

  /** They are behind the position: all are told, also when somebody who is told of one throws. */
  #tellEach([first, ...others]: readonly DamagedHit[], tell: (damaged: DamagedHit) => void): void {
    if (first === undefined) return;
    try {
      tell(first);
    } finally {
      this.#tellEach(others, tell);
    }
  }
}
