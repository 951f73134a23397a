import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { EvtError, isCancelled } from '../../src/errors/evt-error.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE, RecordOffset } from '../../src/evtx/layout.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runAsync, runSync } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import { threadKernel } from '../../src/service/local/renderer.ts';
import type { LineFormat, LineRequest, LineResult, ReadDirection, ResultSet } from '../../src/service/service.ts';
import { MemoryLog } from '../evtx/memory-log.ts';
import { sampleEvent, timeOf } from '../evtx/sample-events.ts';
import { temporaryFolder, writeSampleLog, writeTimedLog } from '../log-files.ts';
import { anyHandle, CancelledAt, plainOperation } from './counting-operation.ts';

const folder = temporaryFolder();
const one = writeSampleLog(folder, 'one.evtx', 400);
const left = writeTimedLog(folder, 'left.evtx', [5, 3, 9, 9, 12, 11, 20, 21, 22, 23]);
const right = writeTimedLog(folder, 'right.evtx', [4, 9, 9, 10, 13, 1, 19, 22, 30]);
const merged = `<QueryList><Query Id="0"><Select Path="file://${left}">*</Select><Select Path="file://${right}">*</Select></Query></QueryList>`;

const QUERIES = [
  { name: 'one log', query: undefined, path: one },
  {
    name: 'one log, some events',
    query: "*[EventData/Data[@Name='Count']>285 or System[EventRecordID<40]]",
    path: one,
  },
  { name: 'two logs merged', query: merged, path: undefined },
] as const;

const opened: ResultSet[] = [];
afterEach(() => {
  for (const set of opened.splice(0)) set.dispose();
});

function open(query: string | undefined, path: string | undefined, direction: ReadDirection): ResultSet {
  const request = { path, query, direction, pathType: 'file', tolerate: false, strict: false, recover: false } as const;
  const set = runSync(
    new LocalService().query({ ...request, onDamage: undefined, onProgress: undefined }, plainOperation()),
  );
  opened.push(set);
  return set;
}

function plainRequest(format: LineFormat, maxEvents = Number.POSITIVE_INFINITY, maxBytes = 1_000_000): LineRequest {
  return { format, maxEvents, maxBytes };
}

const textOf = ({ bytes }: LineResult) => Buffer.from(bytes).toString();

/** All events, one by one. */
function eventByEvent(set: ResultSet, format: LineFormat): string {
  let text = '';
  for (;;) {
    const events = runSync(set.next(64, plainOperation()));
    if (events.length === 0) return text;
    for (const event of events) text += `${event.text(format)}\n`;
  }
}

/** All lines. */
function byLines(set: ResultSet, wanted: LineRequest): string {
  let text = '';
  for (;;) {
    const lines = runSync(set.lines(wanted, plainOperation()));
    if (lines.events === 0) return text;
    text += textOf(lines);
  }
}

describe.each(QUERIES)('$name', ({ query, path }) => {
  describe.each([
    ['forward', false],
    ['reverse', false],
    ['forward', true],
    ['reverse', true],
  ] as const)('%s, borrowed: %s', (direction, borrow) => {
    const request = (...wanted: Parameters<typeof plainRequest>) => ({ ...plainRequest(...wanted), borrow });

    test.each(['xml', 'json'] as const)('lines of %s are those of its events', (format) => {
      const expected = eventByEvent(open(query, path, direction), format);
      expect(expected.split('\n').length).toBeGreaterThan(15);
      for (const wanted of [request(format), request(format, 7), request(format, 1), request(format, 1000, 1)]) {
        expect(byLines(open(query, path, direction), wanted) === expected).toBe(true);
      }
    });

    test('events that are only counted are as many, at whichever check point the call is cancelled', () => {
      const expected = eventByEvent(open(query, path, direction), 'xml').split('\n').length - 1;
      for (let step = 1; ; step++) {
        const set = open(query, path, direction);
        const wanted = { format: 'nothing', maxEvents: 7, maxBytes: 0 } as const;
        let stopped = false;
        let count = 0;
        for (let some = -1; some !== 0; ) {
          const operation = stopped || count > 0 ? plainOperation() : new CancelledAt('EvtNext', anyHandle(), step);
          try {
            some = runSync(set.lines(wanted, operation)).events;
            expect(some).toBeLessThanOrEqual(7);
            count += some;
          } catch (error) {
            if (!isCancelled(error)) throw error;
            stopped = true;
          }
        }
        expect(count).toBe(expected);
        if (!stopped) return expect(step).toBeGreaterThan(3);
      }
    });

    test('a call gives as many as it is asked for, and where to go on', () => {
      const set = open(query, path, direction);
      const first = runSync(set.lines(request('xml', 5), plainOperation()));
      expect(first.events).toBe(5);
      expect(textOf(first).split('\n').length).toBe(6);
      const rest = eventByEvent(set, 'xml');
      const other = open(query, path, direction);
      const bookmark = first.position;
      runSync(other.seek({ origin: 'bookmark', offset: 1, strict: true, bookmark }, plainOperation()));
      expect(eventByEvent(other, 'xml') === rest).toBe(true);
    });

    test('cancelled at every check point: nothing lost, nothing twice', () => {
      const all = eventByEvent(open(query, path, direction), 'xml');
      // The first check points are all different, the later ones repeat.
      for (let step = 1; ; step += step < 40 ? 1 : 17) {
        const set = open(query, path, direction);
        const handle = anyHandle();
        let found = '';
        let cancelled = 0;
        for (let ended = false; !ended; ) {
          try {
            const lines = runSync(set.lines(request('xml', 300), new CancelledAt('EvtNext', handle, step)));
            found += textOf(lines);
            ended = lines.events === 0;
            continue;
          } catch (error) {
            if (!isCancelled(error)) throw error;
          }
          cancelled++;
          // What the cancelled call had written comes as lines, as events or in another size: always from where it began.
          if (step % 3 === 0) {
            const [event] = runSync(set.next(1, plainOperation()));
            ended = event === undefined;
            if (event !== undefined) found += `${event.text('xml')}\n`;
          } else {
            const lines = runSync(set.lines(request('xml', step % 3 === 1 ? 300 : 2), plainOperation()));
            found += textOf(lines);
            ended = lines.events === 0;
          }
        }
        set.dispose();
        expect(found === all, `cancelled at check point ${step}`).toBe(true);
        if (cancelled === 0) break;
      }
    });

    test('a seek after a cancelled call counts from where it began', () => {
      const all = eventByEvent(open(query, path, direction), 'xml').split('\n');
      for (const step of [2, 3, 5, 8]) {
        const set = open(query, path, direction);
        runSync(set.lines(request('xml', 4), plainOperation()));
        try {
          runSync(set.lines(request('xml', 6), new CancelledAt('EvtNext', anyHandle(), step)));
          continue;
        } catch (error) {
          if (!isCancelled(error)) throw error;
        }
        runSync(set.seek({ origin: 'current', offset: 2, strict: true }, plainOperation()));
        expect(eventByEvent(set, 'xml').split('\n')).toEqual(all.slice(6));
      }
    });
  });
});

test('a call that runs out of time with nothing found says so, and goes on behind', async () => {
  const set = open('*[System[EventID=99]]', one, 'forward');
  let now = 0;
  const hurried = () => new Operation('EvtNext', anyHandle(), { timeoutMs: 5, now: () => now++ });
  let timeouts = 0;
  for (;;) {
    try {
      const { events } = await runAsync(set.lines(plainRequest('xml'), hurried()));
      expect(events).toBe(0);
      break;
    } catch (error) {
      expect(error).toBeInstanceOf(EvtError);
      expect((error as EvtError).symbol).toBe('ERROR_TIMEOUT');
      timeouts++;
    }
  }
  expect(timeouts).toBeGreaterThan(1);
});

test('a seek that runs out of time says so, and the position stays', async () => {
  const set = open('*[System[EventRecordID>400]]', one, 'forward');
  const first = eventByEvent(open('*[System[EventRecordID>400]]', one, 'forward'), 'xml');
  let now = 0;
  const hurried = new Operation('EvtSeek', anyHandle(), { timeoutMs: 5, now: () => now++ });
  const seeking = runAsync(set.seek({ origin: 'last', offset: 0, strict: false }, hurried));
  await expect(seeking).rejects.toMatchObject({ symbol: 'ERROR_TIMEOUT', code: 1460 });
  expect(eventByEvent(set, 'xml')).toBe(first);
});

test.each(['xml', 'nothing'] as const)(
  'what a cancelled call has left is handed out as the next call wants it: %s',
  (format) => {
    const wanted = [
      { maxEvents: 15, maxBytes: 1e6, events: 15 },
      { maxEvents: 390, maxBytes: 1e6, events: 390 },
      ...(format === 'xml' ? [{ maxEvents: 390, maxBytes: 1, events: 10 }] : []),
    ];
    for (const { maxEvents, maxBytes, events } of wanted) {
      const set = open(undefined, one, 'forward');
      const first = { format, maxEvents: 10, maxBytes: 1e6 };
      // Cancelled where it ends: all it wanted is there.
      let step = 1;
      for (; ; step++) {
        const other = open(undefined, one, 'forward');
        try {
          runSync(other.lines(first, new CancelledAt('EvtNext', anyHandle(), step)));
          break;
        } catch (error) {
          if (!isCancelled(error)) throw error;
        }
      }
      expect(() => runSync(set.lines(first, new CancelledAt('EvtNext', anyHandle(), step - 1)))).toThrow(/cancelled/i);
      expect(runSync(set.lines({ format, maxEvents, maxBytes }, plainOperation())).events).toBe(events);
    }
  },
);

test.each(['forward', 'reverse'] as const)(
  'the position is that of the last event, also when damaged ones follow: %s',
  (direction) => {
    const bytes = Uint8Array.from(readFileSync(one));
    const chunk = new Chunk(bytes.subarray(HEADER_BLOCK_SIZE, HEADER_BLOCK_SIZE + CHUNK_SIZE), 0, HEADER_BLOCK_SIZE);
    for (const at of chunk.liveRecords().slice(10, 20)) bytes[HEADER_BLOCK_SIZE + at + RecordOffset.binXml] = 0xee;
    const path = join(folder, 'damaged-behind.evtx');
    writeFileSync(path, bytes);
    const all = open(undefined, path, direction);
    const found = [];
    for (;;) {
      const events = runSync(all.next(64, plainOperation()));
      if (events.length === 0) break;
      found.push(...events.map(({ recordId }) => recordId));
    }
    expect(found.length).toBe(390);
    for (let max = 1; max <= 40; max++) {
      const lines = open(undefined, path, direction);
      for (let at = 0; ; ) {
        const { events, position } = runSync(lines.lines(plainRequest('xml', max, 1), plainOperation()));
        if (events === 0) break;
        at += events;
        expect(position!.recordIds).toEqual([found[at - 1]]);
      }
    }
  },
);

test('lines are written to the memory that the caller gives', () => {
  const buffer = new Uint8Array(400_000);
  const set = open(undefined, one, 'forward');
  const { bytes, events } = runSync(set.lines({ ...plainRequest('xml'), buffer }, plainOperation()));
  expect(bytes.buffer).toBe(buffer.buffer);
  expect(events).toBeGreaterThan(100);
});

test('what a cancelled call has written there is not lost when the caller uses that memory for something else', () => {
  const all = eventByEvent(open(undefined, one, 'forward'), 'xml');
  const buffer = new Uint8Array(400_000);
  let cancelled = 0;
  for (let step = 1; ; step++) {
    const set = open(undefined, one, 'forward');
    const request = { ...plainRequest('xml', 300), buffer };
    try {
      runSync(set.lines(request, new CancelledAt('EvtNext', anyHandle(), step)));
      break;
    } catch (error) {
      if (!isCancelled(error)) throw error;
      cancelled++;
    }
    buffer.fill(0);
    // The same memory, other memory, and none.
    const next = [request, { ...request, buffer: new Uint8Array(400_000) }, { ...request, buffer: undefined }][
      step % 3
    ]!;
    const lines = runSync(set.lines(next, plainOperation()));
    expect(lines.events).toBe(300);
    if (next.buffer !== undefined) expect(lines.bytes.buffer).toBe(next.buffer.buffer);
    const found = textOf(lines);
    expect(found + byLines(set, request) === all).toBe(true);
  }
  expect(cancelled).toBeGreaterThan(8);
});

describe('lines that are borrowed', () => {
  const borrowed = { ...plainRequest('xml'), borrow: true };
  const kernel = threadKernel();
  const freeSlots = () => {
    const taken = [];
    for (let slot = kernel.memory.takeSlot(); slot !== undefined; slot = kernel.memory.takeSlot()) taken.push(slot);
    for (const slot of taken) kernel.memory.giveSlot(slot);
    return taken.length;
  };

  test('stay as they are until the next call, whoever else reads and writes; then their memory is used again', () => {
    const slots = freeSlots();
    expect(slots).toBeGreaterThan(0);
    const set = open(undefined, one, 'forward');
    const lines = runSync(set.lines({ ...borrowed, maxEvents: 100 }, plainOperation()));
    expect(lines.bytes.buffer).toBe(kernel.memory.buffer);
    expect(freeSlots()).toBe(slots - 1);
    const text = textOf(lines);
    const others = open(undefined, one, 'reverse');
    eventByEvent(others, 'json');
    const more = Array.from({ length: slots }, () => {
      const other = open(undefined, one, 'reverse');
      return { other, lines: runSync(other.lines(borrowed, plainOperation())) };
    });
    expect(textOf(lines) === text).toBe(true);
    // There was no slot for the last of them.
    expect(more.at(-1)!.lines.bytes.buffer).not.toBe(kernel.memory.buffer);
    expect(more.every((one) => one.lines.events === 400)).toBe(true);
    for (const { other } of more) other.dispose();
    expect(freeSlots()).toBe(slots - 1);
    const behind = runSync(set.lines(borrowed, plainOperation()));
    expect(text + textOf(behind) === eventByEvent(open(undefined, one, 'forward'), 'xml')).toBe(true);
    set.dispose();
    expect(freeSlots()).toBe(slots);
  });

  test('are no more than there is room for: large events', () => {
    const log = new MemoryLog();
    const writer = new EvtxFileWriter(log);
    for (let i = 1n; i <= 200n; i++) writer.add(sampleEvent(i, 'x'.repeat(25_000), timeOf(i)), timeOf(i));
    writer.finish();
    const path = join(folder, 'large.evtx');
    writeFileSync(path, log.bytes());
    const set = open(undefined, path, 'forward');
    const first = runSync(set.lines({ ...borrowed, maxBytes: 1e9 }, plainOperation()));
    expect(first.events).toBeGreaterThan(100);
    expect(first.events).toBeLessThan(200);
    const begun = textOf(first);
    const rest = byLines(set, { ...borrowed, maxBytes: 1e9 });
    expect(begun + rest === eventByEvent(open(undefined, path, 'forward'), 'xml')).toBe(true);
  });
});

describe('whoever is told of damage', () => {
  const bytes = Uint8Array.from(readFileSync(one));
  const chunk = new Chunk(bytes.subarray(HEADER_BLOCK_SIZE, HEADER_BLOCK_SIZE + CHUNK_SIZE), 0, HEADER_BLOCK_SIZE);
  const DAMAGED = [10, 40, 41, 90];
  for (const i of DAMAGED) bytes[HEADER_BLOCK_SIZE + chunk.liveRecords()[i]! + RecordOffset.binXml + 30] = 0xee;
  const path = join(folder, 'damaged-inside.evtx');
  writeFileSync(path, bytes);
  const long = writeSampleLog(folder, 'long.evtx', 1000);

  const openTold = (query: string | undefined, onDamage: () => void) => {
    const request = { path, query, direction: 'forward', pathType: 'file', tolerate: false, strict: false } as const;
    const set = runSync(
      new LocalService().query({ ...request, recover: false, onDamage, onProgress: undefined }, plainOperation()),
    );
    opened.push(set);
    return set;
  };

  describe.each([undefined, '*[System[EventID=1]]'])('in what is selected by %s', (query) => {
    test.each(['lines', 'events'] as const)('may read another log meanwhile: %s', (way) => {
      const read = (whenTold: () => void) => {
        let told = 0;
        const set = openTold(query, () => {
          told++;
          whenTold();
        });
        return { text: way === 'lines' ? byLines(set, plainRequest('xml')) : eventByEvent(set, 'xml'), told };
      };
      const expected = read(() => {});
      expect(expected.told).toBeGreaterThan(DAMAGED.length - 1);
      const other = open('*[System[EventID=7]]', long, 'forward');
      const kept = runSync(open(undefined, long, 'forward').next(3, plainOperation()));
      const others = [
        () => kept[1]!.text('xml'),
        () => runSync(other.lines(plainRequest('json', 20), plainOperation())),
        () => runSync(other.next(20, plainOperation())),
      ];
      for (const whenTold of others) expect(read(whenTold)).toEqual(expected);
    });

    test('may throw: nothing is lost, nothing comes twice, and nothing goes untold', () => {
      const all = byLines(
        openTold(query, () => {}),
        plainRequest('xml'),
      );
      let told = 0;
      const set = openTold(query, () => {
        told++;
        throw new Error('the listener has failed');
      });
      let found = '';
      for (let calls = 0, ended = false; !ended; calls++) {
        expect(calls).toBeLessThan(20);
        try {
          const lines = runSync(set.lines(plainRequest('xml'), plainOperation()));
          found += textOf(lines);
          ended = lines.events === 0;
        } catch (error) {
          expect((error as Error).message).toBe('the listener has failed');
        }
      }
      expect(found === all).toBe(true);
      // The chunk's checksum is wrong besides.
      expect(told).toBeGreaterThanOrEqual(DAMAGED.length);
    });
  });
});
