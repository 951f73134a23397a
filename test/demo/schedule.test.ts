import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Draft } from '../../src/demo/event-kind.ts';
import { Sysmon } from '../../src/demo/kinds.ts';
import { HOSTS } from '../../src/demo/organisation.ts';
import { Schedule } from '../../src/demo/schedule.ts';

function draft(ticks: number, processId: number): Draft {
  return { ticks, processId, host: HOSTS[0]!, kind: Sysmon.dnsQuery, values: [] };
}

test('events come out by time, those of one moment in the order they came in, none before its time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 30 })), fc.integer({ min: 0, max: 35 }), (times, until) => {
      const schedule = new Schedule();
      const drafts = times.map((ticks, i) => draft(ticks, i));
      for (const each of drafts) schedule.add(each);
      const out: Draft[] = [];
      for (let next = schedule.next(until); next !== undefined; next = schedule.next(until)) out.push(next);
      // Array.prototype.sort is stable.
      expect(out).toEqual(drafts.filter(({ ticks }) => ticks < until).sort((a, b) => a.ticks - b.ticks));
      expect(schedule.size).toBe(times.length - out.length);
    }),
    { seed: 7, numRuns: 200 },
  );
});
