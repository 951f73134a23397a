import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { defineTemplate, element, instance, substitution } from '../../src/binxml/template-builder.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { EvtError, isCancelled } from '../../src/errors/evt-error.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE, RecordOffset } from '../../src/evtx/layout.ts';
import { cancelHandle } from '../../src/operations/handle-table.ts';
import { Operation, type OperationOptions } from '../../src/operations/operation.ts';
import { runAsync, runSync, type Task } from '../../src/operations/task.ts';
import type { LocalEvent } from '../../src/service/local/local-event.ts';
import type { EventPosition, LineContent, LogEvent, ReadDirection, ResultSet } from '../../src/service/service.ts';
import { chunksOf, MemoryLog } from '../evtx/memory-log.ts';
import { sampleEvent, timeOf } from '../evtx/sample-events.ts';
import { temporaryFolder } from '../log-files.ts';
import { anyHandle, CancelledAt, plainOperation } from './counting-operation.ts';
import { openQuery, seeks } from './open-query.ts';

/** A disk that takes its time, each read another one, and shows what stands in a buffer meanwhile. */
const disk = vi.hoisted(() => ({ random: undefined as (() => number) | undefined }));

vi.mock('node:fs', async (original) => {
  const actual = await original<typeof import('node:fs')>();
  const { promisify } = await import('node:util');
  const readAtOnce = promisify(actual.read) as (...args: unknown[]) => Promise<{ bytesRead: number }>;
  const read = Object.assign((...args: Parameters<typeof actual.read>) => actual.read(...args), {
    [promisify.custom]: async (...args: unknown[]) => {
      const { random } = disk;
      if (random === undefined) return await readAtOnce(...args);
      const [fd, buffer, offset, length, position] = args as [number, Uint8Array, number, number, number];
      for (let turns = random() < 0.5 ? 0 : Math.floor(random() * 20); turns > 0; turns--) {
        // Late, too, where nobody waits any more: whoever has the buffer by then would see it.
        if (turns % 8 === 1) buffer.fill(0xa5, offset, offset + length);
        await new Promise((resolve) => setImmediate(resolve));
      }
      // Some come in pieces.
      const some = random() < 0.2 ? Math.ceil(length * random()) : length;
      return await readAtOnce(fd, buffer, offset, some, position);
    },
  });
  return { ...actual, read, default: { ...actual, read } };
});

const folder = temporaryFolder();

function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const REPEATED = defineTemplate(
  element('Event', {}, [
    element('System', {}, [element('Level', {}, ['4'])]),
    ...Array.from({ length: 12 }, () => element('Data', {}, [substitution(0, ValueType.String)])),
  ]),
);

/** An event without a template, one that is larger than the output, one without a time, or a plain one. */
function someEvent(id: bigint, time: bigint, random: () => number, isBulky: boolean): Fragment {
  const kind = random();
  if (kind < 0.06) {
    const system = element('System', {}, [
      element('EventRecordID', {}, [String(id)]),
      element('TimeCreated', {
        SystemTime: new Date(Number((time - 116_444_736_000_000_000n) / 10_000n)).toISOString(),
      }),
    ]);
    return [element('Event', {}, [system])];
  }
  if (kind < 0.1) return [element('Event', {}, [element('Note', {}, ['x'.repeat(Math.floor(random() * 300))])])];
  if (kind < 0.107) return [instance(REPEATED, [value.string('&'.repeat(Math.floor(random() * 28_000)))])];
  const note = 'n'.repeat(isBulky || random() < 0.2 ? Math.floor(random() * 9000) : Math.floor(random() * 60));
  return sampleEvent(id, `${note} & ${id}`, time);
}

function writeLog(name: string, random: () => number, isLong: boolean): string {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log, { firstRecordId: BigInt(1 + Math.floor(random() * 50)) });
  const events = random() < 0.1 ? 0 : Math.floor((isLong ? 0.3 + random() : random() * random()) * 260);
  const isBulky = isLong || random() < 0.3;
  let second = Math.floor(random() * 40);
  for (let i = 0; i < events; i++) {
    if (random() < 0.5) second += Math.floor(random() * 6);
    if (random() < 0.05) second -= Math.floor(random() * 60);
    const time = timeOf(BigInt(second));
    writer.add(
      someEvent(writer.nextRecordId, time, random, isBulky),
      random() < 0.8 ? time : timeOf(BigInt(second - 7)),
    );
  }
  writer.finish();
  const bytes = log.bytes();
  const damages = random() < 0.5 ? 0 : Math.floor(random() * 12);
  const chunks = chunksOf(bytes);
  for (let i = 0; i < damages && events > 0; i++) {
    const at = Math.floor(random() * chunks.length);
    const records = chunks[at]!.liveRecords();
    const record = records[Math.floor(random() * records.length)];
    if (record === undefined) continue;
    const inside = RecordOffset.binXml + Math.floor(random() * random() * 200);
    bytes[HEADER_BLOCK_SIZE + at * CHUNK_SIZE + record + inside] = random() < 0.5 ? 0xee : Math.floor(random() * 256);
  }
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const FILTERS = [
  '*',
  '*',
  '*[System[Level=4]]',
  "*[EventData/Data[@Name='Count'] &gt; 40]",
  '*[System[EventRecordID &lt; 30]]',
];

interface Wanted {
  readonly log: number;
  readonly id: bigint;
  readonly time: bigint;
  readonly xml: string;
  readonly json: string;
  /** What has been given of each log, up to this event. */
  readonly ids: readonly (bigint | undefined)[];
}

interface Scene {
  readonly query: string;
  readonly paths: readonly string[];
  readonly forward: readonly Wanted[];
  readonly reverse: readonly Wanted[];
}

const open = (query: string, direction: ReadDirection) => openQuery(query, direction, 1);

const queryOf = (selects: readonly string[]) => `<QueryList><Query Id="0">${selects.join('')}</Query></QueryList>`;

/** The events of one log alone, one by one. */
function eventsOf(select: string, direction: ReadDirection): Omit<Wanted, 'log' | 'ids'>[] {
  const set = open(queryOf([select]), direction);
  const all = [];
  for (;;) {
    const [event] = runSync(set.next(1, plainOperation())) as LocalEvent[];
    if (event === undefined) break;
    all.push({ id: event.recordId, time: event.time, xml: event.text('xml'), json: event.text('json') });
  }
  set.dispose();
  return all;
}

/** By the rule: the earliest head, the first log among equals. */
function merge(logs: readonly Omit<Wanted, 'log' | 'ids'>[][], direction: ReadDirection): Wanted[] {
  const at = logs.map(() => 0);
  const ids: (bigint | undefined)[] = logs.map(() => undefined);
  const merged: Wanted[] = [];
  for (;;) {
    let best = -1;
    for (const [log, i] of at.entries()) {
      const head = logs[log]![i];
      if (head === undefined) continue;
      const first = best < 0 ? undefined : logs[best]![at[best]!]!;
      if (first === undefined || (direction === 'forward' ? head.time < first.time : head.time > first.time))
        best = log;
    }
    if (best < 0) return merged;
    const head = logs[best]![at[best]!++]!;
    ids[best] = head.id;
    merged.push({ ...head, log: best, ids: [...ids] });
  }
}

function scene(seed: number): Scene {
  const random = generator(seed);
  const count = random() < 0.15 ? 34 + Math.floor(random() * 10) : random() < 0.2 ? 1 : 2 + Math.floor(random() * 5);
  const paths = Array.from({ length: count }, (_, i) => writeLog(`s${seed}-${i}.evtx`, random, count === 1));
  const selects = paths.map(
    (path) => `<Select Path="file://${path}">${FILTERS[Math.floor(random() * FILTERS.length)]}</Select>`,
  );
  const of = (direction: ReadDirection) =>
    merge(
      selects.map((select) => eventsOf(select, direction)),
      direction,
    );
  return { query: queryOf(selects), paths, forward: of('forward'), reverse: of('reverse') };
}

type Stop =
  | { readonly kind: 'never' }
  | { readonly kind: 'at'; readonly step: number }
  | { readonly kind: 'after'; readonly turns: number }
  | { readonly kind: 'abort'; readonly turns: number }
  | { readonly kind: 'time'; readonly asked: number };

type Call =
  | { readonly kind: 'next'; readonly max: number }
  | {
      readonly kind: 'lines';
      readonly format: LineContent;
      readonly maxEvents: number;
      readonly maxBytes: number;
      readonly borrow: boolean;
      readonly buffer: boolean;
    }
  | {
      readonly kind: 'seek';
      readonly origin: 'first' | 'last' | 'current';
      readonly offset: number;
      readonly strict: boolean;
    }
  | { readonly kind: 'bookmark'; readonly which: number; readonly offset: number };

type Action = Call & { readonly sync: boolean; readonly stop: Stop };

const stop: fc.Arbitrary<Stop> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'never' as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('at' as const),
      step: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 200 })),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('after' as const), turns: fc.integer({ min: 0, max: 25 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abort' as const), turns: fc.integer({ min: 0, max: 25 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), asked: fc.integer({ min: 1, max: 12 }) }) },
);
const most = fc.oneof(
  fc.constantFrom(1, 2, 16, 17, 64, 65, 300, Number.POSITIVE_INFINITY),
  fc.integer({ min: 1, max: 100 }),
);
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('next' as const),
      max: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 200 })),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('lines' as const),
      format: fc.constantFrom('xml' as const, 'xml' as const, 'json' as const, 'nothing' as const),
      maxEvents: most,
      maxBytes: fc.oneof(fc.constantFrom(1, 1000, 100_000, 1_000_000), fc.integer({ min: 1, max: 200_000 })),
      borrow: fc.boolean(),
      buffer: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: seeks(fc.oneof(fc.integer({ min: -300, max: 300 }), fc.integer({ min: -5, max: 5 }))),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('bookmark' as const),
      which: fc.nat(),
      offset: fc.constantFrom(1, 1, 1, 0, -2, 3),
    }),
  },
);
const action: fc.Arbitrary<Action> = fc
  .tuple(call, fc.boolean(), stop)
  .map(([one, sync, stop]) => ({ ...one, sync, stop }) as Action);

/** A result, and where it must be. */
class Reader {
  readonly #set: ResultSet;
  readonly #wanted: readonly Wanted[];
  readonly #paths: readonly string[];
  readonly #direction: ReadDirection;
  readonly #handle = anyHandle();
  readonly #given: { readonly event: LogEvent; readonly index: number }[] = [];
  readonly #marks: { readonly position: EventPosition; readonly index: number }[] = [];
  readonly #buffer = new Uint8Array(300_000);
  #lent: { readonly bytes: Uint8Array; readonly copy: Buffer } | undefined;
  #at = 0;
  #wasStopped = false;
  cancelled = 0;

  constructor({ query, paths, ...scene }: Scene, direction: ReadDirection) {
    this.#set = open(query, direction);
    this.#wanted = scene[direction];
    this.#paths = paths;
    this.#direction = direction;
  }

  async run(action: Action): Promise<void> {
    const { stop, sync } = action;
    if (this.#lent !== undefined) expect(this.#lent.copy.equals(this.#lent.bytes)).toBe(true);
    this.#lent = undefined;
    let ended = false;
    const later = (turns: number, then: () => void) => {
      const count = () => {
        if (ended) return;
        if (turns-- <= 0) then();
        else setImmediate(count);
      };
      count();
    };
    const abort = new AbortController();
    const reason = new Error('aborted');
    let operation: Operation;
    const isSeek = action.kind === 'seek' || action.kind === 'bookmark';
    if (stop.kind === 'at') operation = new CancelledAt('EvtNext', this.#handle, stop.step);
    else if (stop.kind === 'time' && !isSeek) {
      let asked = 0;
      const options: OperationOptions = { timeoutMs: 5, now: () => (asked++ < stop.asked ? 0 : 9) };
      operation = new Operation('EvtNext', this.#handle, options);
    } else operation = new Operation('EvtNext', this.#handle, { signal: abort.signal });
    if (!sync && stop.kind === 'after') later(stop.turns, () => cancelHandle(this.#handle));
    if (!sync && stop.kind === 'abort') later(stop.turns, () => abort.abort(reason));
    const run = async <T>(task: Task<T>): Promise<T> => (sync ? runSync(task) : await runAsync(task));
    const isHurried = stop.kind === 'time';
    try {
      switch (action.kind) {
        case 'next':
          this.#took(await run(this.#set.next(action.max, operation)), action.max, isHurried);
          break;
        case 'lines': {
          const { format, maxEvents, maxBytes, borrow } = action;
          const buffer = action.buffer && !borrow ? this.#buffer : undefined;
          const request = { format, maxEvents, maxBytes, borrow, buffer };
          const { bytes, events, position } = await run(this.#set.lines(request, operation));
          this.#tookLines(format, maxEvents, maxBytes, bytes, events, position, isHurried);
          if (borrow) this.#lent = { bytes, copy: Buffer.from(bytes) };
          break;
        }
        case 'seek': {
          const { origin, offset, strict } = action;
          const total = this.#wanted.length;
          const to = (origin === 'first' ? 0 : origin === 'last' ? total - 1 : this.#at) + offset;
          const isThere = (to >= 0 && to < total) || (origin === 'current' && offset === 0);
          try {
            await run(this.#set.seek({ origin, offset, strict }, operation));
          } catch (error) {
            if (!(error instanceof EvtError) || error.symbol !== 'ERROR_NOT_FOUND') throw error;
            expect(strict && !isThere).toBe(true);
            break;
          }
          expect(!strict || isThere).toBe(true);
          this.#at = Math.max(0, Math.min(total, to));
          break;
        }
        case 'bookmark': {
          const mark = this.#marks[action.which % Math.max(1, this.#marks.length)];
          if (mark === undefined) break;
          const { offset } = action;
          await run(this.#set.seek({ origin: 'bookmark', offset, bookmark: mark.position, strict: false }, operation));
          this.#at = Math.max(0, Math.min(this.#wanted.length, mark.index + offset));
          break;
        }
      }
    } catch (error) {
      if (error !== reason && !isCancelled(error)) {
        if (!(error instanceof EvtError) || error.symbol !== 'ERROR_TIMEOUT') throw error;
        expect(isHurried).toBe(true);
      }
      this.cancelled++;
      this.#wasStopped = true;
      return;
    } finally {
      ended = true;
      // What was given to a cancelled call is the caller's again.
      if (action.kind === 'lines' && this.#lent === undefined) this.#buffer.fill(0x5a);
    }
    this.#wasStopped = false;
  }

  #took(events: readonly LogEvent[], max: number, isHurried: boolean): void {
    const most = Math.min(max, this.#wanted.length - this.#at);
    if (isHurried) expect(events.length).toBeLessThanOrEqual(most);
    else expect(events.length).toBe(most);
    for (const event of events) {
      const { log, id } = this.#wanted[this.#at]!;
      expect({ path: event.path, id: event.recordId }).toEqual({ path: this.#paths[log], id });
      this.#given.push({ event, index: this.#at });
      this.#at++;
    }
    if (events.length > 0) this.#mark(events.at(-1)!.position);
  }

  #mark(position: EventPosition): void {
    const index = this.#at - 1;
    const { ids, log } = this.#wanted[index]!;
    expect(position.recordIds).toEqual(ids);
    expect(position.current).toBe(log);
    expect(position.direction).toBe(this.#direction);
    this.#marks.push({ position, index });
  }

  #tookLines(
    format: LineContent,
    maxEvents: number,
    maxBytes: number,
    bytes: Uint8Array,
    events: number,
    position: EventPosition | undefined,
    isHurried: boolean,
  ): void {
    const left = this.#wanted.length - this.#at;
    expect(events).toBeLessThanOrEqual(Math.min(maxEvents, left));
    if (left > 0 && maxEvents > 0) expect(events).toBeGreaterThan(0);
    if (!isHurried && format === 'nothing') expect(events).toBe(Math.min(maxEvents, left));
    // What a call has left that was stopped may come alone.
    if (!isHurried && !this.#wasStopped && format !== 'nothing' && events < Math.min(maxEvents, left)) {
      expect(bytes.length).toBeGreaterThanOrEqual(Math.min(maxBytes, 120_000));
    }
    const some = this.#wanted.slice(this.#at, this.#at + events);
    const text = format === 'nothing' ? '' : some.map((event) => `${event[format]}\n`).join('');
    expect(Buffer.from(bytes).toString() === text).toBe(true);
    this.#at += events;
    if (position === undefined)
      expect(events === 0 || (format === 'nothing' && maxEvents === Number.POSITIVE_INFINITY)).toBe(true);
    else if (this.#at === 0 || events === 0) expect(events).toBeGreaterThan(0);
    else this.#mark(position);
  }

  /** All that is left; and what was given is what it was. */
  async end(): Promise<void> {
    await this.run({
      kind: 'lines',
      format: 'xml',
      maxEvents: Number.POSITIVE_INFINITY,
      maxBytes: 16e6,
      borrow: false,
      buffer: false,
      sync: true,
      stop: { kind: 'never' },
    });
    for (const { event, index } of this.#given) expect(event.text('xml') === this.#wanted[index]!.xml).toBe(true);
    this.#set.dispose();
  }
}

/** One long log, an empty one, a few, and many; some with events that are larger than the output, which take the longest. */
const SCENES = [0, 0, 0, 3, 8, 8, 13, 13, 22, 22, 5, 7];
const RUNS = 36;
const scenes = new Map<number, Scene>();

test('whatever is asked of a result, in whatever order, and wherever it is cancelled: no event is lost, or comes twice', async () => {
  let cancelled = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...SCENES),
      fc.array(
        fc.tuple(
          fc.constantFrom('forward' as const, 'reverse' as const),
          fc.array(action, { minLength: 1, maxLength: 16 }),
        ),
        {
          minLength: 1,
          maxLength: 2,
        },
      ),
      fc.integer(),
      async (number, readers, seed) => {
        disk.random = undefined;
        const seen = scenes.get(number) ?? scene(number);
        scenes.set(number, seen);
        disk.random = generator(seed);
        const all = await Promise.allSettled(
          readers.map(async ([direction, actions]) => {
            const reader = new Reader(seen, direction);
            for (const action of actions) await reader.run(action);
            await reader.end();
            cancelled += reader.cancelled;
          }),
        );
        disk.random = undefined;
        for (const one of all) if (one.status === 'rejected') throw one.reason;
      },
    ),
    { seed: 20_260_401, numRuns: RUNS },
  );
  expect(cancelled).toBeGreaterThan(20);
});
