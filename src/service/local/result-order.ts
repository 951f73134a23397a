import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { EventPosition, SeekRequest } from '../service.ts';
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

/** The events of a result, one after the other. */
export interface ResultOrder {
  /**
   * The next event; undefined at the end. When it throws, the position is where it had got to: records that were looked
   * at and not taken are not looked at again.
   */
  next(operation: Operation): Task<LocalEvent | undefined>;
  readonly mark: Mark;
  restore(mark: Mark): void;
  /** The mark in front of an event that {@link next} has given. */
  before(event: LocalEvent): Mark;
  /**
   * Finds a place and leaves the position alone.
   * @param from where `current` counts from
   */
  seek(request: OrderSeek, from: Mark, operation: Operation): Task<SeekResult>;
  /** The position that a bookmark of this event holds. */
  position(event: LocalEvent): EventPosition;
  dispose(): void;
}
