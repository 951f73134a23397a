import type { Mark } from './result-order.ts';

/** What the logs of a merge come to next, in their order. */
interface Snapshot {
  /** Events that lie in front; undefined after a bookmark was resumed, until somebody must know. */
  readonly index: number | undefined;
  readonly sources: readonly SourcePlace[];
  /** The log whose event was the last one given; undefined when none was. */
  readonly last: number | undefined;
}

/** Where one log of a merge stands. */
export interface SourcePlace {
  readonly mark: Mark;
  /** Id of the last record given out, for bookmarks. */
  readonly lastId: bigint | undefined;
}

/** An event that was given: its log stands at `mark` then. */
interface Step extends SourcePlace {
  readonly previous: Step | undefined;
  readonly source: number;
}

/** A place is worked out from so many steps at most, or one for each log. */
const MAX_STEPS = 64;

/**
 * A place in a merge: a snapshot of all logs, and the events given since then. There is one for each event, so it is cheap to
 * make, however many logs there are, and worked out when somebody asks.
 */
export class MergedPlace {
  readonly #snapshot: Snapshot;
  readonly #step: Step | undefined;
  readonly #steps: number;

  private constructor(snapshot: Snapshot, step: Step | undefined, steps: number) {
    this.#snapshot = snapshot;
    this.#step = step;
    this.#steps = steps;
  }

  static of(index: number | undefined, sources: readonly SourcePlace[], last?: number): MergedPlace {
    return new MergedPlace({ index, sources, last }, undefined, 0);
  }

  /** Events that lie in front, where that is known. */
  get index(): number | undefined {
    const { index } = this.#snapshot;
    return index === undefined ? undefined : index + this.#steps;
  }

  /** The log whose event was the last one given. */
  get lastSource(): number {
    return this.#step?.source ?? this.#snapshot.last!;
  }

  /** Where all logs stand. */
  get sources(): readonly SourcePlace[] {
    if (this.#step === undefined) return this.#snapshot.sources;
    const sources = [...this.#snapshot.sources];
    const seen = new Set<number>();
    for (let step: Step | undefined = this.#step; step !== undefined; step = step.previous) {
      if (seen.has(step.source)) continue;
      seen.add(step.source);
      sources[step.source] = step;
    }
    return sources;
  }

  /** The place behind the next event. */
  behind(source: number, mark: Mark, lastId: bigint): MergedPlace {
    const { sources } = this.#snapshot;
    if (this.#steps >= Math.max(MAX_STEPS, sources.length)) return this.alone().behind(source, mark, lastId);
    return new MergedPlace(this.#snapshot, { previous: this.#step, source, mark, lastId }, this.#steps + 1);
  }

  /** The place in front of the last event given. */
  get before(): MergedPlace {
    return new MergedPlace(this.#snapshot, this.#step!.previous, this.#steps - 1);
  }

  /** The same place, for keeping: without the steps to it. */
  alone(): MergedPlace {
    return this.#steps === 0
      ? this
      : MergedPlace.of(
          this.index,
          this.sources.map(({ mark, lastId }) => ({ mark, lastId })),
          this.#step!.source,
        );
  }
}
