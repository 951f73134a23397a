import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  callNext,
  callQuery,
  callSeek,
  callSubscribe,
  callWait,
  cancel,
  close,
  runAsynchronous,
} from '../../../src/service/calls.ts';
import { openHandleCount } from '../../../src/service/handle-registry.ts';
import type { EventPosition, LogEvent, SeekOrigin } from '../../../src/service/service.ts';
import { EventLogSession } from '../../../src/session/event-log-session.ts';
import { afterTurns, until } from '../../server/raw-client.ts';
import { type Gate, gate, type ScriptedServer, scriptedServer } from '../../server/scripted-server.ts';
import { fill } from '../../server/serve.ts';

/** Events of the channel that nobody writes to meanwhile. */
const FIXED = 40;
const SUBSCRIPTION_NEXT = 2;
const SUBSCRIPTION_WAIT = 3;
const QUERY_NEXT = 11;
const QUERY_SEEK = 12;
/** RPC_S_SERVER_UNAVAILABLE, RPC_S_CALL_FAILED, RPC_S_CALL_FAILED_DNE. */
const LOST = [1722, 1726, 1727];

type Action =
  | { readonly kind: 'write'; readonly count: number }
  | { readonly kind: 'next'; readonly max: number; readonly timeoutMs: number | undefined }
  | { readonly kind: 'read'; readonly max: number }
  | { readonly kind: 'seek'; readonly origin: 'first' | 'current'; readonly offset: number }
  | { readonly kind: 'hold'; readonly opnum: number }
  | { readonly kind: 'abort' | 'release'; readonly which: number }
  | { readonly kind: 'turns'; readonly count: number }
  | { readonly kind: 'wait' | 'cancelSubscription' | 'cancelQuery' | 'lose' | 'reopenSubscription' | 'reopenQuery' };

const only = <K extends string>(kind: K) => fc.constant({ kind });
const upTo = (max: number) => fc.integer({ min: 1, max });
const held = fc.constantFrom(SUBSCRIPTION_NEXT, SUBSCRIPTION_WAIT, QUERY_NEXT, QUERY_SEEK);
const seek = fc.oneof(
  fc.record({ origin: fc.constant('first' as const), offset: fc.nat(FIXED - 1) }),
  fc.record({ origin: fc.constant('current' as const), offset: fc.integer({ min: -6, max: -1 }) }),
);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('write' as const), count: upTo(3) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant('next' as const),
      max: upTo(5),
      timeoutMs: fc.constantFrom(undefined, undefined, 60_000),
    }),
  },
  { weight: 2, arbitrary: only('wait' as const) },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('read' as const), max: upTo(5) }) },
  { weight: 3, arbitrary: seek.map((to) => ({ kind: 'seek' as const, ...to })) },
  { weight: 4, arbitrary: only('cancelSubscription' as const) },
  { weight: 4, arbitrary: only('cancelQuery' as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }) },
  { weight: 3, arbitrary: only('lose' as const) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('hold' as const), opnum: held }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: only('reopenSubscription' as const) },
  { weight: 1, arbitrary: only('reopenQuery' as const) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('turns' as const), count: upTo(6) }) },
);

let runs = 0;
/** What ended calls, over all runs: each kind has to be there. */
const ends = { success: 0, cancelled: 0, aborted: 0, lost: 0 };

class Run {
  readonly #server: ScriptedServer;
  readonly #session: EventLogSession;
  readonly #writer: EventLogSession;
  readonly #channel = `Run${++runs}`;
  readonly #controllers: AbortController[] = [];
  readonly #pending: Promise<void>[] = [];
  readonly #gates: Gate[] = [];
  /** Operations whose next answer is held back. */
  readonly #toHold: number[] = [];
  #subscription = 0;
  #query = 0;
  #written = 0;
  #followed = 0;
  #bookmark: EventPosition | undefined;
  #position = 0;
  #cancels = 0;
  #losses = 0;

  constructor(server: ScriptedServer, session: EventLogSession, writer: EventLogSession) {
    this.#server = server;
    this.#session = session;
    this.#writer = writer;
    server.script = async (call, answer) => {
      const at = this.#toHold.indexOf(call.opnum);
      if (at < 0) return answer();
      this.#toHold.splice(at, 1);
      const made = await answer();
      const waiting = gate();
      this.#gates.push(waiting);
      await waiting.pass();
      return made;
    };
  }

  async begin(): Promise<void> {
    await this.#write(1);
    await this.#openSubscription();
    await this.#openQuery();
  }

  async #write(count: number): Promise<void> {
    const events = Array.from({ length: count }, () => ({ provider: 'Test', id: 1, data: {} }));
    await this.#writer.write(this.#channel, events);
    this.#written += count;
  }

  /** Opening fails where a connection is just being lost: then it is tried again. */
  async #opened(open: () => Promise<number>): Promise<number> {
    for (;;) {
      try {
        return await open();
      } catch (error) {
        expect(LOST).toContain((error as { code: number }).code);
        await afterTurns(1);
      }
    }
  }

  async #openSubscription(): Promise<void> {
    const bookmark = this.#bookmark;
    const request = {
      path: this.#channel,
      pathType: 'channel',
      query: undefined,
      start: bookmark === undefined ? 'oldest' : 'bookmark',
      bookmark,
      tolerate: false,
      strict: true,
      onMissed: undefined,
      onDamage: undefined,
    } as const;
    this.#subscription = await this.#opened(() =>
      runAsynchronous(callSubscribe(this.#session.handle, request, {}, 'EvtSubscribe')),
    );
  }

  async #openQuery(): Promise<void> {
    const request = {
      path: 'Fixed',
      pathType: 'channel',
      query: undefined,
      direction: 'forward',
      tolerate: false,
      strict: false,
      recover: false,
      onDamage: undefined,
      onProgress: undefined,
    } as const;
    this.#query = await this.#opened(() => runAsynchronous(callQuery(this.#session.handle, request, 'EvtQuery')));
    this.#position = 0;
  }

  /** Makes a call that ends at some time: as it should, cancelled, aborted, or because a connection was lost. */
  #call<T>(make: (signal: AbortSignal) => Promise<T>, take: (result: T) => void): void {
    const controller = new AbortController();
    this.#controllers.push(controller);
    const cancels = this.#cancels;
    let completions = 0;
    const ended = make(controller.signal).then(
      (result) => {
        take(result);
        ends.success++;
        completions++;
      },
      (error: unknown) => {
        completions++;
        if (error === controller.signal.reason) {
          ends.aborted++;
          return;
        }
        const { code } = error as { code: number };
        if (code === 1223) {
          expect(this.#cancels, 'cancelled meanwhile').toBeGreaterThan(cancels);
          ends.cancelled++;
          return;
        }
        expect(LOST, String(error)).toContain(code);
        expect(this.#losses).toBeGreaterThan(0);
        ends.lost++;
      },
    );
    this.#pending.push(ended.then(() => expect(completions).toBe(1)));
  }

  #follow(events: readonly LogEvent[]): void {
    for (const event of events) {
      expect(Number(event.recordId)).toBe(++this.#followed);
      this.#bookmark = event.position;
    }
  }

  #read(events: readonly LogEvent[]): void {
    for (const event of events) expect(Number(event.recordId)).toBe(++this.#position);
    if (events.length === 0) expect(this.#position).toBe(FIXED);
  }

  #seek(origin: SeekOrigin, offset: number): void {
    const request = { origin, offset, strict: false };
    this.#call(
      (signal) => runAsynchronous(callSeek(this.#query, request, 'EvtSeek', { signal })),
      () => {
        this.#position = Math.max(0, offset + (origin === 'current' ? this.#position : 0));
      },
    );
  }

  async play(step: Action): Promise<void> {
    switch (step.kind) {
      case 'write':
        return this.#write(step.count);
      case 'next':
        return this.#call(
          (signal) =>
            runAsynchronous(callNext(this.#subscription, step.max, 'EvtNext', { signal, timeoutMs: step.timeoutMs })),
          (events) => this.#follow(events),
        );
      case 'wait':
        return this.#call(
          (signal) => runAsynchronous(callWait(this.#subscription, 'wait', { signal })),
          () => {},
        );
      case 'read':
        return this.#call(
          (signal) => runAsynchronous(callNext(this.#query, step.max, 'EvtNext', { signal })),
          (events) => this.#read(events),
        );
      case 'seek':
        return this.#seek(step.origin, step.offset);
      case 'cancelSubscription':
      case 'cancelQuery':
        this.#cancels++;
        return cancel(step.kind === 'cancelQuery' ? this.#query : this.#subscription);
      case 'abort':
        return this.#controllers[step.which % Math.max(1, this.#controllers.length)]?.abort(new Error('given up'));
      case 'lose':
        this.#losses++;
        return this.#server.dropConnections();
      case 'hold':
        this.#toHold.push(step.opnum);
        return;
      case 'release':
        return this.#gates.splice(step.which % Math.max(1, this.#gates.length), 1)[0]?.open();
      case 'reopenSubscription':
        await this.#close(this.#subscription);
        return this.#openSubscription();
      case 'reopenQuery':
        await this.#close(this.#query);
        return this.#openQuery();
      case 'turns':
        return afterTurns(step.count);
    }
  }

  /** Closes with whatever is pending, and waits until that has ended. */
  async #close(handle: number): Promise<void> {
    this.#release();
    this.#cancels++;
    close(handle);
    // What is pending on the other one ends too, for the sake of the order of things here.
    cancel(handle === this.#query ? this.#subscription : this.#query);
    await Promise.all(this.#pending.splice(0));
  }

  #release(): void {
    this.#toHold.length = 0;
    for (const { open } of this.#gates.splice(0)) open();
  }

  /** Everything that is left, past connections that are still being lost. */
  async #rest(handle: number, take: (events: readonly LogEvent[]) => void): Promise<void> {
    for (;;) {
      try {
        const events = await runAsynchronous(callNext(handle, 1024, 'EvtNext'));
        take(events);
        if (events.length === 0) return;
      } catch (error) {
        expect(LOST).toContain((error as { code: number }).code);
      }
    }
  }

  async end(): Promise<void> {
    this.#release();
    // Waits for events that nobody writes any more.
    this.#cancels++;
    cancel(this.#subscription);
    await Promise.all(this.#pending.splice(0));
    await this.#rest(this.#subscription, (events) => this.#follow(events));
    await this.#rest(this.#query, (events) => this.#read(events));
    expect(this.#followed).toBe(this.#written);
    close(this.#subscription);
    close(this.#query);
    this.#server.script = undefined;
    await until(() => this.#server.openHandles === 0);
    for (const { signal } of this.#controllers) expect(getEventListeners(signal, 'abort')).toEqual([]);
  }
}

test('events, reads, waits, seeks, cancels, closes, late answers and lost connections in any order: each event once, each call ends once, nothing stays open', async () => {
  const server = await scriptedServer();
  await fill(server.store, 'Fixed', FIXED);
  const session = server.session();
  const writer = EventLogSession.open({ store: server.store });
  const before = openHandleCount();
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 5, maxLength: 40 }), async (actions) => {
      const run = new Run(server, session, writer);
      await run.begin();
      for (const step of actions) await run.play(step);
      await run.end();
    }),
    { seed: 20_261_127, numRuns: Number(process.env['SCHEDULES'] ?? 80), interruptAfterTimeLimit: 60_000 },
  );
  expect(openHandleCount()).toBe(before);
  writer.close();
  for (const [kind, count] of Object.entries(ends)) expect(count, kind).toBeGreaterThan(5);
});
