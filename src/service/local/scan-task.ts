import type { LogDamage, QueryRequest } from '../service.ts';
import type { OrderLineSink } from './result-order.ts';

/** The log and the query of a scan, as a worker needs them. */
export interface ScanJob {
  readonly id: number;
  readonly fd: number;
  readonly path: string;
  readonly name: string;
  /** The file was not closed. */
  readonly dirty: boolean;
  readonly blockSize: number;
  /** When the file was last written to, as it was opened; first record id of its newest chunk then. */
  readonly modified: bigint;
  readonly newestFirstId: bigint | undefined;
  readonly step: 1 | -1;
  readonly format: OrderLineSink['format'];
  /** Undefined: every event. */
  readonly query: ScanQuery | undefined;
  /** What cancels it: the word of the call's handle, which must not move, and the scan's own, which must stay 0. */
  readonly epochIndex: number;
  readonly control: Int32Array;
}

/** A query, and which of its filters are for the log. */
export interface ScanQuery extends Pick<QueryRequest, 'tolerate' | 'strict'> {
  readonly text: string;
  /** As the query spells the log; undefined: the caller's path. */
  readonly spelled: string | undefined;
  /** What timediff() counts from. */
  readonly now: bigint;
}

/** A stretch of the log: chunks `first … first + slots.length - 1` in its order. */
export interface ScanTask {
  readonly job: ScanJob;
  /** Value of the handle's word when the call that waits for this was made. */
  readonly epoch: number;
  readonly first: number;
  readonly slots: readonly number[];
  /** Where to begin: a boundary, chunks counted from `first`. */
  readonly from: { readonly chunk: number; readonly record: number };
  /** Where the lines go: a slot of the thread's kernel, by its number, or memory that both see. */
  readonly out: number | Uint8Array;
}

/** What became of a task. */
export interface ScanReply {
  /** It was stopped: nothing of it counts. */
  readonly stopped: boolean;
  /** Bytes of lines. */
  readonly size: number;
  readonly events: number;
  /** Boundary it came to, chunks counted from the task's `first`; the task is done when `ended`. */
  readonly to: { readonly chunk: number; readonly record: number };
  readonly ended: boolean;
  readonly lastId: bigint | undefined;
  readonly damages: readonly LogDamage[];
  readonly records: number;
  readonly readBytes: number;
}
