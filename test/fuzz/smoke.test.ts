import { expect, test } from 'vitest';
import { fuzz } from '../../fuzz/engine.ts';
import { TARGETS, type Target } from '../../fuzz/targets.ts';

/** Some seconds each. `npm run fuzz` goes on for longer, with other seeds. */
const INPUTS: Readonly<Record<string, number>> = {
  file: 250,
  chunk: 600,
  compiled: 150,
  binxml: 60,
  xpath: 4000,
  querylist: 3000,
  configuration: 2000,
  channelxml: 1500,
  eventjson: 2000,
  append: 300,
};

test.each(TARGETS.map((target) => [target.name, target] as const))('%s survives hostile input', (name, target) => {
  const { inputs, finding } = fuzz(target, 20_240_101, { inputs: INPUTS[name]! });
  expect(finding?.error).toBeUndefined();
  expect(inputs).toBe(INPUTS[name]);
});

test('a decoder that fails on one input in a hundred is found', () => {
  const canary: Target = {
    name: 'canary',
    make: (random) => Uint8Array.of(random.below(100)),
    take: (input) => {
      if (input[0] === 42) throw new RangeError('a bug');
    },
  };
  const { finding } = fuzz(canary, 1, { inputs: 2000 });
  expect(finding?.error).toBeInstanceOf(RangeError);
});
