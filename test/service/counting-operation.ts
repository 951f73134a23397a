import { cancelHandle, DEFAULT_SESSION, HandleKind, openHandle } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';

/** An operation that is cancelled through its handle exactly at its n-th check point. */
export class CancelledAt extends Operation {
  readonly #handle: number;
  readonly #step: number;
  checkpoints = 0;

  constructor(api: string, handle: number, step: number) {
    super(api, handle);
    this.#handle = handle;
    this.#step = step;
  }

  #pass(): void {
    if (++this.checkpoints === this.#step) cancelHandle(this.#handle);
  }

  override poll(): void {
    this.#pass();
    super.poll();
  }

  override checkpoint(): void {
    this.#pass();
    super.checkpoint();
  }
}

/** A handle to run operations on that belong to no result set. */
export function anyHandle(): number {
  return openHandle(HandleKind.resultSet, undefined, 'test');
}

/** An operation that nobody cancels. */
export function plainOperation(api = 'test'): Operation {
  return new Operation(api, DEFAULT_SESSION);
}
