import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isCancelled } from '../../src/errors/evt-error.ts';
import { callNext, callQuery, callSeek, cancel, close, runAsynchronous } from '../../src/service/calls.ts';
import { openHandleCount } from '../../src/service/handle-registry.ts';
import type { LogEvent } from '../../src/service/service.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { seeks } from './open-query.ts';

const folder = temporaryFolder();
const log = writeSampleLog(folder, 'log.evtx', 900);
const QUERY = "*[System[EventID=1] and EventData[Data[@Name='Count'] > 40]]";
/** What the query selects, by the rule that made the log. */
const SELECTED = Array.from({ length: 900 }, (_, i) => i + 1).filter((id) => id % 3 !== 0 && id > 40);
const HANDLES = 2;

type Action =
  | { readonly kind: 'next'; readonly on: number; readonly count: number }
  | {
      readonly kind: 'seek';
      readonly on: number;
      readonly origin: 'first' | 'last' | 'current';
      readonly offset: number;
      readonly strict: boolean;
    }
  | { readonly kind: 'cancel' | 'close'; readonly on: number }
  | { readonly kind: 'abort'; readonly which: number }
  | { readonly kind: 'turns'; readonly count: number };

const on = fc.nat(HANDLES - 1);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('next' as const), on, count: fc.integer({ min: 1, max: 300 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(seeks(fc.integer({ min: -700, max: 700 })), on).map(([seek, on]) => ({ ...seek, on })),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), on }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), on }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: fc.integer({ min: 1, max: 6 }) }) },
);

/** A result set as it is defined: a list and a position. Calls take effect in the order in which they were made. */
class Model {
  position = 0;
  cancels = 0;
  closed = false;

  next(count: number): number[] {
    const events = SELECTED.slice(this.position, this.position + count);
    this.position += events.length;
    return events;
  }

  /** @returns false where a strict seek must fail */
  seek({ origin, offset, strict }: Extract<Action, { kind: 'seek' }>): boolean {
    const from = origin === 'first' ? 0 : origin === 'last' ? SELECTED.length - 1 : this.position;
    const target = from + offset;
    const stays = origin === 'current' && offset === 0;
    if (strict && !stays && (target < 0 || target >= SELECTED.length)) return false;
    this.position = Math.min(Math.max(target, 0), SELECTED.length);
    return true;
  }
}

const ids = (events: readonly LogEvent[]) => events.map(({ recordId }) => Number(recordId));
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function open(): Promise<number> {
  const request = {
    path: log,
    pathType: 'file',
    query: QUERY,
    direction: 'forward',
    tolerate: false,
    strict: false,
    recover: false,
    onDamage: undefined,
    onProgress: undefined,
  } as const;
  return runAsynchronous(callQuery(null, request, 'EvtQuery'));
}

async function play(actions: readonly Action[]): Promise<void> {
  const handles = await Promise.all(Array.from({ length: HANDLES }, open));
  const models = handles.map(() => new Model());
  const controllers: AbortController[] = [];
  const pending: Promise<void>[] = [];
  let settled = 0;

  /** Makes a call now, and holds its outcome against the model when it settles. */
  const call = <T>(
    at: number,
    make: (signal: AbortSignal) => Promise<T>,
    succeed: (value: T) => void,
    fail: (error: unknown) => boolean,
  ) => {
    const model = models[at]!;
    const controller = new AbortController();
    controllers.push(controller);
    const cancelsBefore = model.cancels;
    pending.push(
      make(controller.signal)
        .then(succeed, (error: unknown) => {
          if (fail(error)) return;
          if (controller.signal.aborted && error === controller.signal.reason) return;
          expect(isCancelled(error), String(error)).toBe(true);
          // Only a cancel or a close that came after the call was made may end it.
          expect(model.cancels).toBeGreaterThan(cancelsBefore);
        })
        .then(() => {
          settled++;
        }),
    );
  };

  for (const step of actions) {
    switch (step.kind) {
      case 'turns':
        for (let i = 0; i < step.count; i++) await turn();
        break;
      case 'abort':
        controllers[step.which % Math.max(1, controllers.length)]?.abort(new Error('given up'));
        break;
      case 'cancel':
        if (models[step.on]!.closed)
          expect(() => cancel(handles[step.on]!)).toThrow(expect.objectContaining({ code: 6 }));
        else cancel(handles[step.on]!);
        models[step.on]!.cancels++;
        break;
      case 'close':
        if (models[step.on]!.closed) break;
        close(handles[step.on]!);
        models[step.on]!.closed = true;
        models[step.on]!.cancels++;
        break;
      case 'next': {
        const model = models[step.on]!;
        if (model.closed) {
          expect(() => callNext(handles[step.on]!, step.count, 'EvtNext')).toThrow(
            expect.objectContaining({ code: 6 }),
          );
          break;
        }
        call(
          step.on,
          (signal) => runAsynchronous(callNext(handles[step.on]!, step.count, 'EvtNext', { signal })),
          (events) => expect(ids(events)).toEqual(model.next(step.count)),
          () => false,
        );
        break;
      }
      case 'seek': {
        const model = models[step.on]!;
        if (model.closed) break;
        const { origin, offset, strict } = step;
        call(
          step.on,
          (signal) =>
            runAsynchronous(
              callSeek(handles[step.on]!, { origin, offset, strict, bookmark: undefined }, 'EvtSeek', { signal }),
            ),
          () => expect(model.seek(step)).toBe(true),
          (error) => (error as { code?: number }).code === 1168 && !model.seek(step),
        );
      }
    }
  }
  await Promise.all(pending);
  expect(settled).toBe(pending.length);
  for (const [at, model] of models.entries()) {
    if (model.closed) continue;
    const rest: number[] = [];
    for (;;) {
      const events = await runAsynchronous(callNext(handles[at]!, 1024, 'EvtNext'));
      if (events.length === 0) break;
      rest.push(...ids(events));
    }
    expect(rest).toEqual(SELECTED.slice(model.position));
    close(handles[at]!);
  }
  for (const { signal } of controllers) expect(getEventListeners(signal, 'abort')).toEqual([]);
}

test('next, seek, cancel, close and abort in any order on several result sets do what a list and a position do', async () => {
  const before = openHandleCount();
  await fc.assert(fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 30 }), play), {
    seed: 20_240_601,
    numRuns: 250,
  });
  expect(openHandleCount()).toBe(before);
});
