import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventPosition, LineContent, SeekRequest } from '../service.ts';
import type { LocalEvent } from './local-event.ts';

/** A place in a result, to come back to. Only the order that gave it can read it. */
export type Mark = object;

/** A seek; the bookmark is there when the origin is one. */
export type OrderSeek = Required<SeekRequest>;

/** Where a seek ended. */
export interface SeekResult {
  readonly mark: Mark;
  /** The wanted place exists. Otherwise `mark` is the nearest end, or the nearest event to a missing bookmark. */
  readonly exact: boolean;
}

/** Takes lines. They are behind the order's position from then on. */
export interface OrderLineSink {
  readonly format: LineContent;
  readonly maxEvents: number;
  readonly maxBytes: number;
  /** @param before the mark in front of them; undefined: right behind those that the call has taken before */
  take(lines: Uint8Array, events: number, before: Mark | undefined): void;
  /** Told, when the call ends in whatever way, what a bookmark of the last event that it took holds. */
  reached(position: EventPosition): void;
  /**
   * Takes lines that stay where they are, instead of a copy; undefined: a copy, please. `release` is called when nobody looks at
   * them any more; without it, they stay until the order is asked again.
   */
  readonly lend?: ((lines: Uint8Array, events: number, before: Mark, release?: () => void) => void) | undefined;
}

/** The events of a result, one after the other. */
export interface ResultOrder {
  /**
   * Puts the next events behind what is in `into`, until there are `max`; fewer at the end. When it throws, the position is where
   * it had got to, and what it has found is there: records that were looked at are not looked at again.
   * @param near fewer are enough, but one: those that lie in one chunk. Every chunk that an event points into stays in memory
   */
  next(max: number, into: LocalEvent[], operation: Operation, near?: boolean): Task<void>;
  /** The next events as lines. @returns whether there are no more */
  lines(sink: OrderLineSink, operation: Operation): Task<boolean>;
  /**
   * A call to count all events was stopped in a place that no caller may go on from: only another such call, or {@link restore}, may
   * follow.
   */
  readonly isTorn: boolean;
  readonly mark: Mark;
  restore(mark: Mark): void;
  /** The mark in front of an event that {@link next} has given. */
  before(event: LocalEvent): Mark;
  /** The mark right behind it. */
  behind(event: LocalEvent): Mark;
  /**
   * Finds a place and leaves the position alone.
   * @param from where `current` counts from
   */
  seek(request: OrderSeek, from: Mark, operation: Operation): Task<SeekResult>;
  /** The position that a bookmark of this event holds. */
  position(event: LocalEvent): EventPosition;
  dispose(): void;
}
