import { describe, expect, test } from 'vitest';
import { EvtError, isCancelled } from '../../src/errors/evt-error.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runAsync, runSync } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { LineFormat, LineRequest, LineResult, ReadDirection, ResultSet } from '../../src/service/service.ts';
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

function open(query: string | undefined, path: string | undefined, direction: ReadDirection): ResultSet {
  const request = { path, query, direction, pathType: 'file', tolerate: false, strict: false, recover: false } as const;
  return runSync(
    new LocalService().query({ ...request, onDamage: undefined, onProgress: undefined }, plainOperation()),
  );
}

function request(format: LineFormat, maxEvents = Number.POSITIVE_INFINITY, maxBytes = 1_000_000): LineRequest {
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
  describe.each(['forward', 'reverse'] as const)('%s', (direction) => {
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
      const { events } = await runAsync(set.lines(request('xml'), hurried()));
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

test('lines are written to the memory that the caller gives', () => {
  const buffer = new Uint8Array(400_000);
  const set = open(undefined, one, 'forward');
  const { bytes, events } = runSync(set.lines({ ...request('xml'), buffer }, plainOperation()));
  expect(bytes.buffer).toBe(buffer.buffer);
  expect(events).toBeGreaterThan(100);
});
