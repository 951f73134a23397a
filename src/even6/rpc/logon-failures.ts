import { isIPv6 } from 'node:net';
import type { Clock } from './clock.ts';
import type { ServerLimits } from './server-limits.ts';

const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 250;
/** Addresses that are remembered. */
const MAX_ADDRESSES = 10_000;
/** 16-bit groups of an IPv6 address that name a network: whoever has one has all its addresses. */
const NETWORK_GROUPS = 4;
const ALL_GROUPS = 8;

/** What is counted as one address: of IPv6, a network of 64 bits. */
export function addressKey(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('%')[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === '' ? [] : tail.split(':');
  while (groups.length + behind.length < ALL_GROUPS) groups.push('0');
  return `${[...groups, ...behind].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}

/**
 * Counts failed logons by address. Nobody is shut out for them, or whoever shares an address with a guesser would be, as all do who
 * come through a tunnel: a failure is answered the later, the more there have been.
 */
export class LogonFailures {
  readonly #limits: Pick<ServerLimits, 'quickFailures' | 'failureDelayMs'>;
  readonly #clock: Clock;
  readonly #byAddress = new Map<string, { readonly count: number; readonly until: number }>();

  constructor(limits: Pick<ServerLimits, 'quickFailures' | 'failureDelayMs'>, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts one. @returns milliseconds that its answer waits */
  note(address: string): number {
    const now = this.#clock.now();
    const key = addressKey(address);
    const known = this.#byAddress.get(key);
    const count = known === undefined || known.until <= now ? 1 : known.count + 1;
    // Taken out first: the map is in the order of the last failures, and the oldest is forgotten.
    this.#byAddress.delete(key);
    this.#byAddress.set(key, { count, until: now + WINDOW_MS });
    const [oldest] = this.#byAddress.keys();
    if (this.#byAddress.size > MAX_ADDRESSES && oldest !== undefined) this.#byAddress.delete(oldest);
    const late = count - this.#limits.quickFailures - 1;
    return late < 0 ? 0 : Math.min(this.#limits.failureDelayMs, FIRST_DELAY_MS * 2 ** late);
  }

  /** Forgets what is long ago. */
  reap(now: number): void {
    for (const [key, { until }] of this.#byAddress) {
      if (until > now) return;
      this.#byAddress.delete(key);
    }
  }
}
