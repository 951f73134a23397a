import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type EvtError, isCancelled } from '../../src/errors/evt-error.ts';
import { CHUNK_SIZE } from '../../src/evtx/layout.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import type { LogEvent, ReadDirection, ResultSet } from '../../src/service/service.ts';
import { temporaryFolder, writeSampleLog, writeTimedLog } from '../log-files.ts';
import { anyHandle, CancelledAt, plainOperation } from './counting-operation.ts';
import { openQuery } from './open-query.ts';

const folder = temporaryFolder();
const LOGS = 5;
const EVENTS = 120;

/** Seconds of a log's events: ascending but for some, and many the same in several logs. */
const secondsOf = (log: number) =>
  Array.from({ length: EVENTS }, (_, i) => 100 + ((i * (log + 2)) >> 1) - (i % 17 === 3 ? 9 : 0));
const TIMES = Array.from({ length: LOGS }, (_, log) => secondsOf(log));
const paths = TIMES.map((seconds, log) => writeTimedLog(folder, `log-${log}.evtx`, seconds));

function open(direction: ReadDirection, logs = paths, filter = '*'): ResultSet {
  const selects = logs.map((path) => `<Select Path="file://${path}">${filter}</Select>`);
  const query = `<QueryList><Query Id="0">${selects.join('')}</Query></QueryList>`;
  return openQuery(query, direction);
}

/** What the merge must give, by the rule: the earliest head, the first log among equals. */
function expected(direction: ReadDirection): { log: number; id: bigint | undefined; ids: (bigint | undefined)[] }[] {
  const ahead = direction === 'forward' ? 1 : -1;
  const at = TIMES.map(() => (ahead > 0 ? 0 : EVENTS - 1));
  const ids: (bigint | undefined)[] = TIMES.map(() => undefined);
  const merged = [];
  for (let count = 0; count < LOGS * EVENTS; count++) {
    let best = -1;
    for (const [log, i] of at.entries()) {
      const time = TIMES[log]![i];
      if (time === undefined) continue;
      if (best < 0 || ahead * (time - TIMES[best]![at[best]!]!) < 0) best = log;
    }
    ids[best] = BigInt(at[best]! + 1);
    at[best]! += ahead;
    merged.push({ log: best, id: ids[best], ids: [...ids] });
  }
  return merged;
}

function readAll(set: ResultSet, batch = 64): LogEvent[] {
  const all: LogEvent[] = [];
  for (;;) {
    const events = runSync(set.next(batch, plainOperation()));
    if (events.length === 0) return all;
    all.push(...events);
  }
}

describe.each(['forward', 'reverse'] as const)('several logs merged, %s', (direction) => {
  const wanted = expected(direction);

  test('every event comes in its turn, and its position holds what was seen of every log', () => {
    // Asked when all have been handed out: positions are worked out late.
    const found = readAll(open(direction)).map(({ position: { current, recordIds } }) => ({
      log: current,
      id: recordIds[current],
      ids: recordIds,
    }));
    expect(found).toEqual(wanted);
  });

  test('a bookmark of any event resumes right behind it', () => {
    const events = readAll(open(direction));
    for (const at of [0, 1, 63, 64, 65, 200, LOGS * EVENTS - 2]) {
      const set = open(direction);
      runSync(
        set.seek({ origin: 'bookmark', offset: 1, strict: false, bookmark: events[at]!.position }, plainOperation()),
      );
      const ids = readAll(set).map(({ path, recordId }) => `${path} ${recordId}`);
      expect(ids).toEqual(events.slice(at + 1).map(({ path, recordId }) => `${path} ${recordId}`));
      set.dispose();
    }
  });

  test('lines end with the position of their last event, also those that a cancelled call has left', () => {
    for (const step of [2, 9, 40, 80]) {
      const set = open(direction);
      const request = { format: 'xml', maxEvents: 100, maxBytes: 1e6 } as const;
      try {
        runSync(set.lines(request, new CancelledAt('EvtNext', anyHandle(), step)));
      } catch (error) {
        if (!isCancelled(error)) throw error;
      }
      let events = 0;
      for (;;) {
        const lines = runSync(set.lines(request, plainOperation()));
        if (lines.events === 0) break;
        events += lines.events;
        const last = wanted[wanted.length - LOGS * EVENTS + events - 1];
        if (step < 9) expect(lines.position).toMatchObject({ recordIds: last!.ids, current: last!.log });
        else expect(lines.position).toBeDefined();
      }
      set.dispose();
    }
  });

  test('are counted as one, behind what was read; and a count that ran out of time goes on, or never was', () => {
    const counting = { format: 'nothing', maxEvents: Number.POSITIVE_INFINITY, maxBytes: 0 } as const;
    const set = open(direction);
    expect(runSync(set.next(10, plainOperation()))).toHaveLength(10);
    expect(runSync(set.lines(counting, plainOperation())).events).toBe(LOGS * EVENTS - 10);
    expect(runSync(set.lines(counting, plainOperation())).events).toBe(0);
    expect(runSync(set.next(10, plainOperation()))).toEqual([]);
    runSync(set.seek({ origin: 'last', offset: -1, strict: true }, plainOperation()));
    expect(readAll(set).map(({ recordId }) => recordId)).toEqual(wanted.slice(-2).map(({ id }) => id));

    let timeouts = 0;
    for (const goesOn of [true, false]) {
      const hurried = open(direction);
      runSync(hurried.next(3, plainOperation()));
      for (let allowed = 1; ; allowed++) {
        let asked = 0;
        const operation = new Operation('EvtNext', anyHandle(), {
          timeoutMs: 5,
          now: () => (asked++ < allowed ? 0 : 9),
        });
        try {
          expect(runSync(hurried.lines(counting, operation)).events).toBe(LOGS * EVENTS - 3);
          break;
        } catch (error) {
          expect((error as EvtError).symbol).toBe('ERROR_TIMEOUT');
          timeouts++;
          if (goesOn) continue;
          // In another way it goes on where it was before the count.
          const [event] = runSync(hurried.next(1, plainOperation()));
          expect(event!.recordId).toBe(wanted[3]!.id);
          runSync(hurried.seek({ origin: 'first', offset: 3, strict: true }, plainOperation()));
        }
      }
      hurried.dispose();
    }
    expect(timeouts).toBeGreaterThan(2);
  });

  test('a count that was stopped between two logs is no part of another one, nor of a seek', () => {
    const counting = { format: 'nothing', maxEvents: Number.POSITIVE_INFINITY, maxBytes: 0 } as const;
    let stopped = 0;
    for (let step = 1; ; step++) {
      const after = [
        (set: ResultSet) => {
          const some = { ...counting, maxEvents: LOGS * EVENTS - 5 };
          expect(runSync(set.lines(some, plainOperation())).events).toBe(LOGS * EVENTS - 5);
          expect(readAll(set).map(({ recordId }) => recordId)).toEqual(wanted.slice(-5).map(({ id }) => id));
        },
        (set: ResultSet) => {
          const nowhere = { origin: 'first', offset: LOGS * EVENTS, strict: true } as const;
          expect(() => runSync(set.seek(nowhere, plainOperation()))).toThrow('no event');
          expect(runSync(set.lines(counting, plainOperation())).events).toBe(LOGS * EVENTS);
        },
      ];
      const before = stopped;
      for (const check of after) {
        const set = open(direction);
        try {
          runSync(set.lines(counting, new CancelledAt('EvtNext', anyHandle(), step)));
        } catch (error) {
          if (!isCancelled(error)) throw error;
          stopped++;
          check(set);
        }
        set.dispose();
      }
      if (stopped === before) break;
    }
    expect(stopped).toBeGreaterThan(20);
  });

  test('a count ends soon after its time, also within one long log', () => {
    const long = writeSampleLog(folder, `long-${direction}.evtx`, 2000);
    const set = open(direction, [long, paths[0]!]);
    const counting = { format: 'nothing', maxEvents: Number.POSITIVE_INFINITY, maxBytes: 0 } as const;
    let timeouts = 0;
    for (let ended = false; !ended; ) {
      let asked = 0;
      const operation = new Operation('EvtNext', anyHandle(), { timeoutMs: 5, now: () => (asked++ < 4 ? 0 : 9) });
      try {
        expect(runSync(set.lines(counting, operation)).events).toBe(2000 + EVENTS);
        ended = true;
      } catch (error) {
        expect((error as EvtError).symbol).toBe('ERROR_TIMEOUT');
        timeouts++;
      }
    }
    expect(timeouts).toBeGreaterThan(10);
    set.dispose();
  });

  test('no log is read further than to the chunk of its next event, however few are selected', () => {
    const long = readFileSync(writeSampleLog(folder, 'rare.evtx', 2000));
    const logs = Array.from({ length: 64 }, (_, i) => join(folder, `rare-${i}.evtx`));
    for (const path of logs) writeFileSync(path, long);
    const ids = Array.from({ length: 8 }, (_, i) => `EventRecordID=${250 * i + 100}`);
    const set = open(direction, logs, `*[System[${ids.join(' or ')}]]`);
    expect(runSync(set.next(1, plainOperation()))).toHaveLength(1);
    // The last chunk of each has none.
    expect(set.progress.readBytes).toBeLessThanOrEqual(2 * logs.length * CHUNK_SIZE);
    expect(readAll(set)).toHaveLength(64 * ids.length - 1);
    set.dispose();
  });
});
