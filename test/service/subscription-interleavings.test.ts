import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCancelled } from '../../src/errors/evt-error.ts';
import { callNext, callSubscribe, callWait, cancel, close, runAsynchronous } from '../../src/service/calls.ts';
import { openHandleCount } from '../../src/service/handle-registry.ts';
import { watchedLogCount } from '../../src/service/local/log-watch.ts';
import type { EventPosition, LogEvent } from '../../src/service/service.ts';
import { temporaryFolder } from '../log-files.ts';
import { GrowingLog, largeEvent } from './growing-log.ts';

const folder = temporaryFolder();
let files = 0;

type Action =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'write'; readonly count: number }
  | { readonly kind: 'next'; readonly max: number; readonly timeoutMs: number | undefined }
  | { readonly kind: 'wait' | 'clear' | 'rotate' | 'cancel' | 'reopen' }
  | { readonly kind: 'abort'; readonly which: number }
  | { readonly kind: 'turns'; readonly count: number };

const only = <K extends string>(kind: K) => fc.constant({ kind });
const upTo = (max: number) => fc.integer({ min: 1, max });
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('append' as const), count: upTo(12) }) },
  // Single writes of a record: whoever looks then finds it half written.
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), count: upTo(6) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('next' as const),
      max: upTo(9),
      timeoutMs: fc.constantFrom(undefined, undefined, 60_000),
    }),
  },
  { weight: 3, arbitrary: only('wait' as const) },
  { weight: 1, arbitrary: only('clear' as const) },
  { weight: 1, arbitrary: only('rotate' as const) },
  { weight: 4, arbitrary: only('cancel' as const) },
  { weight: 1, arbitrary: only('reopen' as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: upTo(8) }) },
);

const turn = () => new Promise((resolve) => setImmediate(resolve));

class Run {
  readonly log = new GrowingLog(join(folder, `log-${++files}.evtx`), { maxSlots: 3, event: largeEvent });
  readonly controllers: AbortController[] = [];
  readonly pending: Promise<void>[] = [];
  /** Writes of an append that has not been finished. */
  steps: Generator<void> | undefined;
  handle = 0;
  last = 0;
  delivered = 0;
  missed = 0;
  reported = 0n;
  cancels = 0;
  position: EventPosition | undefined;

  async open(): Promise<void> {
    const { position } = this;
    const request = {
      path: this.log.path,
      pathType: 'file',
      query: undefined,
      start: position === undefined ? 'oldest' : 'bookmark',
      bookmark: position,
      tolerate: false,
      strict: false,
      onMissed: ({ records }: { records: bigint }) => {
        this.reported += records;
      },
      onDamage: ({ what }: { what: string }) => {
        throw new Error(what);
      },
    } as const;
    if (position === undefined) {
      // Nobody has seen what was there before the oldest record.
      const before = Number(this.log.ids[0] ?? this.log.nextId) - 1;
      this.missed += before - this.last;
      this.last = before;
    }
    // What lies between the bookmark and the next record is missed by whoever reads that record.
    this.reported = BigInt(this.missed);
    this.handle = await runAsynchronous(callSubscribe(null, request, {}, 'EvtSubscribe'));
  }

  /** Events arrive in order, once, whole; what lies between two of them must be gone for good. */
  take(events: readonly LogEvent[]): void {
    const left = new Set(this.log.ids.map(Number));
    for (const event of events) {
      const id = Number(event.recordId);
      expect(id).toBeGreaterThan(this.last);
      expect(event.text('xml')).toContain(`note ${id} `);
      for (let gone = this.last + 1; gone < id; gone++) expect(left, `${gone} was skipped`).not.toContain(gone);
      this.missed += id - this.last - 1;
      this.last = id;
      this.delivered++;
      this.position = event.position;
    }
  }

  call<T>(make: (signal: AbortSignal) => Promise<T>, succeed: (value: T) => void): void {
    const controller = new AbortController();
    this.controllers.push(controller);
    const { cancels } = this;
    this.pending.push(
      make(controller.signal).then(succeed, (error: unknown) => {
        if (controller.signal.aborted && error === controller.signal.reason) return;
        expect(isCancelled(error), String(error)).toBe(true);
        expect(this.cancels).toBeGreaterThan(cancels);
      }),
    );
  }

  finishWrite(): void {
    for (const _ of this.steps ?? []) {
      // The rest of it.
    }
    this.steps = undefined;
  }

  async settle(): Promise<void> {
    this.cancels++;
    cancel(this.handle);
    await Promise.all(this.pending.splice(0));
  }

  async play(step: Action): Promise<void> {
    switch (step.kind) {
      case 'append':
        this.finishWrite();
        this.log.append(step.count);
        break;
      case 'write':
        for (let i = 0; i < step.count; i++) {
          this.steps ??= this.log.appendSteps(1);
          if (this.steps.next().done) this.steps = undefined;
        }
        break;
      case 'clear':
      case 'rotate':
        this.finishWrite();
        this.log[step.kind]();
        break;
      case 'next':
        this.call(
          (signal) =>
            runAsynchronous(callNext(this.handle, step.max, 'EvtNext', { signal, timeoutMs: step.timeoutMs })),
          (events) => {
            if (step.timeoutMs !== undefined) expect(events.length).toBeGreaterThan(0);
            this.take(events);
          },
        );
        break;
      case 'wait':
        this.call(
          (signal) => runAsynchronous(callWait(this.handle, 'wait', { signal })),
          () => {},
        );
        break;
      case 'cancel':
        this.cancels++;
        cancel(this.handle);
        break;
      case 'reopen':
        await this.settle();
        close(this.handle);
        await this.open();
        break;
      case 'abort':
        this.controllers[step.which % Math.max(1, this.controllers.length)]?.abort(new Error('given up'));
        break;
      case 'turns':
        for (let i = 0; i < step.count; i++) await turn();
    }
  }

  async end(): Promise<void> {
    this.finishWrite();
    this.log.append();
    await this.settle();
    for (;;) {
      const events = await runAsynchronous(callNext(this.handle, 1024, 'EvtNext'));
      if (events.length === 0) break;
      this.take(events);
    }
    expect(this.last).toBe(Number(this.log.nextId) - 1);
    expect(this.delivered + this.missed).toBe(this.last);
    expect(this.reported).toBe(BigInt(this.missed));
    close(this.handle);
    for (const { signal } of this.controllers) expect(getEventListeners(signal, 'abort')).toEqual([]);
    this.log.close();
  }
}

test('appends, wraps, clears, reads, cancels and resumes in any order: each event once, in order; what is missing is counted', async () => {
  const before = openHandleCount();
  let missed = 0n;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      const run = new Run();
      await run.open();
      for (const step of actions) await run.play(step);
      await run.end();
      missed += run.reported;
    }),
    { seed: 20_240_602, numRuns: 150 },
  );
  // The logs did wrap past their readers.
  expect(missed).toBeGreaterThan(100n);
  expect(openHandleCount()).toBe(before);
  expect(watchedLogCount()).toBe(0);
});
