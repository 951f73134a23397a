import type { Clock } from './clock.ts';
import type { ServerLimits } from './server-limits.ts';

/** A connection as the server's load sees it. */
export interface LoadedConnection {
  /** Milliseconds since the other end has taken something; undefined while nothing waits for it. */
  stalledMs(now: number): number | undefined;
  close(): void;
}

/** What all connections of a server hold together: it stays within the server's limits, whatever each of them does. */
export class ServerLoad {
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #connections = new Set<LoadedConnection>();
  #partialBytes = 0;
  #unsent = 0;

  constructor(limits: ServerLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get partialBytes(): number {
    return this.#partialBytes;
  }

  get unsent(): number {
    return this.#unsent;
  }

  join(connection: LoadedConnection): void {
    this.#connections.add(connection);
  }

  leave(connection: LoadedConnection): void {
    this.#connections.delete(connection);
  }

  /** Makes room for more of a request. @returns false when there is none */
  holdPartial(bytes: number): boolean {
    if (this.#partialBytes + bytes > this.#limits.partialRequestBytes) return false;
    this.#partialBytes += bytes;
    return true;
  }

  releasePartial(bytes: number): void {
    this.#partialBytes -= bytes;
  }

  /** Bytes of answers wait, or wait no more. Where there are too many, those who take nothing have to go. */
  changeUnsent(bytes: number): void {
    this.#unsent += bytes;
    if (bytes <= 0) return;
    while (this.#unsent > this.#limits.totalUnsentBytes) {
      const now = this.#clock.now();
      let worst: LoadedConnection | undefined;
      let longest = -1;
      for (const connection of this.#connections) {
        const stalled = connection.stalledMs(now) ?? -1;
        if (stalled <= longest) continue;
        longest = stalled;
        worst = connection;
      }
      // All take what they get: it is on its way.
      if (worst === undefined) return;
      worst.close();
    }
  }
}
