import fc from 'fast-check';
import { expect, test } from 'vitest';
import { valueAt } from '../../src/binxml/resolve.ts';
import { value, valueTable } from '../../src/binxml/typed-value.ts';
import { compareValue } from '../../src/query/compare.ts';
import { readingsOf } from '../../src/query/constant.ts';
import { ConstantSet } from '../../src/query/constant-set.ts';
import { constant, single } from './event-arbitrary.ts';

test('a set has a value exactly when one of its constants equals it', () => {
  let hits = 0;
  let misses = 0;
  fc.assert(
    fc.property(single, fc.array(constant, { maxLength: 6 }), (one, constants) => {
      const stored = valueAt(valueTable([one]), 0);
      const readings = constants.map(readingsOf);
      const expected = readings.some((each) => compareValue(stored, '=', each));
      if (expected) hits++;
      else misses++;
      expect(new ConstantSet(readings).hasValue(stored)).toBe(expected);
    }),
    { seed: 20_200_614, numRuns: 20_000 },
  );
  expect(Math.min(hits, misses)).toBeGreaterThan(2000);
});

test('a list of thousands of names is looked up, not walked', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => readingsOf({ kind: 'text', text: `n${i}`, start: 0, end: 0 }));
  let reads = 0;
  const counted = names.map((name) => ({
    ...name,
    get folded() {
      reads++;
      return name.folded;
    },
  }));
  const set = new ConstantSet(counted);
  reads = 0;
  const stored = (text: string) => valueAt(valueTable([value.string(text)]), 0);
  expect([set.hasValue(stored('N19999')), set.hasValue(stored('n20000'))]).toEqual([true, false]);
  expect(reads).toBe(0);
});
