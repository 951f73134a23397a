import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isCancelled } from '../../src/errors/evt-error.ts';
import { runSync } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { EventPosition, SubscribeRequest, Subscription } from '../../src/service/service.ts';
import { temporaryFolder } from '../log-files.ts';
import { anyHandle, CancelledAt, plainOperation } from './counting-operation.ts';
import { GrowingLog, largeEvent } from './growing-log.ts';

const folder = temporaryFolder();
const service = new LocalService();
let files = 0;
const newLog = () => new GrowingLog(join(folder, `log-${++files}.evtx`), { maxSlots: 3, event: largeEvent });

function request(log: GrowingLog, rest: Partial<SubscribeRequest> = {}): SubscribeRequest {
  return {
    path: log.path,
    pathType: 'file',
    query: "*[EventData[Data[@Name='Count'] > 2]]",
    start: 'oldest',
    tolerate: false,
    strict: false,
    onMissed: undefined,
    onDamage: undefined,
    ...rest,
  };
}

/** Runs a call; true when it was cancelled. Any other failure passes through. */
function wasCancelled(call: () => void): boolean {
  try {
    call();
    return false;
  } catch (error) {
    if (isCancelled(error)) return true;
    throw error;
  }
}

/** A log that wraps, is cleared and rotated while it is read. @returns what was read */
function readWhileItChanges(read: (subscription: Subscription) => number[]): { found: number[]; missed: bigint } {
  const log = newLog();
  log.append(3);
  const subscription = runSync(service.subscribe(request(log), plainOperation()));
  const found = read(subscription);
  log.append(15);
  found.push(...read(subscription));
  log.clear();
  log.append(2);
  found.push(...read(subscription));
  log.append(30);
  found.push(...read(subscription));
  log.rotate();
  log.append(1);
  found.push(...read(subscription));
  const { missed } = subscription;
  subscription.dispose();
  log.close();
  return { found, missed };
}

function readAll(subscription: Subscription, step: number, onCancelled: () => void): number[] {
  const handle = anyHandle();
  const found: number[] = [];
  for (let ended = false; !ended; ) {
    const take = (operation: ReturnType<typeof plainOperation>) => {
      const events = runSync(subscription.next(2, operation));
      found.push(...events.map(({ recordId }) => Number(recordId)));
      ended = events.length === 0;
    };
    if (!wasCancelled(() => take(new CancelledAt('EvtNext', handle, step)))) continue;
    onCancelled();
    // Cancelling each call at its first check point would never end: read a batch in between.
    take(plainOperation());
  }
  return found;
}

test('EvtNext on a subscription, cancelled at every check point: nothing lost, nothing twice', () => {
  const whole = readWhileItChanges((subscription) => readAll(subscription, 0, () => {}));
  expect(whole.found.length).toBeGreaterThan(15);
  expect(whole.missed).toBeGreaterThan(0n);
  for (let step = 1; ; step++) {
    let cancelled = 0;
    const result = readWhileItChanges((subscription) => readAll(subscription, step, () => cancelled++));
    expect(result).toEqual(whole);
    if (cancelled === 0) {
      expect(step).toBeGreaterThan(5);
      break;
    }
  }
});

describe.skipIf(process.platform !== 'linux')('EvtSubscribe, cancelled at every check point', () => {
  const openFiles = () => readdirSync('/proc/self/fd').length;
  const at = (path: string, id: bigint): EventPosition => ({
    names: [path],
    recordIds: [id],
    current: 0,
    direction: 'forward',
  });

  test.each(['oldest', 'future', 'bookmark'] as const)('from %s: 1223, and no file stays open', async (start) => {
    const log = newLog();
    log.append(20);
    const before = openFiles();
    for (let step = 1; ; step++) {
      const operation = new CancelledAt('EvtSubscribe', anyHandle(), step);
      const wanted = request(log, { start, bookmark: at(log.path, 15n) });
      const cancelled = wasCancelled(() => runSync(service.subscribe(wanted, operation)).dispose());
      if (cancelled) continue;
      expect(step).toBeGreaterThan(3);
      break;
    }
    // Files are closed in the background.
    while (openFiles() > before) await new Promise((resolve) => setImmediate(resolve));
    log.close();
  });
});
