import { expect, test } from 'vitest';
import { fuzz } from '../../fuzz/engine.ts';
import type { Target } from '../../fuzz/target.ts';
import { TARGETS } from '../../fuzz/targets/index.ts';

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
  users: 2000,
  'pdu-stream': 1500,
  pdu: 5000,
  bind: 5000,
  'bind-ack': 5000,
  'verification-trailer': 5000,
  'request-stubs': 6000,
  'response-stubs': 6000,
  variants: 3000,
  'ntlm-server': 1500,
  'ntlm-client': 1000,
  'negotiate-server': 1500,
  'negotiate-client': 1000,
  spnego: 3000,
  tower: 4000,
  'map-request': 2000,
  'map-response': 4000,
  'result-record': 5000,
  'record-batch': 4000,
  wire: 500,
  'wire-to-file': 500,
  'server-replay': 100,
  'server-connection': 150,
  'client-connection': 150,
};

test.each(TARGETS.map((target) => [target.name, target] as const))(
  '%s survives hostile input',
  async (name, target) => {
    const { inputs, finding } = await fuzz(target, 20_240_101, { inputs: INPUTS[name]! });
    expect(finding?.error).toBeUndefined();
    expect(inputs).toBe(INPUTS[name]);
  },
);

test('a decoder that fails on one input in a hundred is found', async () => {
  const canary: Target = {
    name: 'canary',
    make: (random) => Uint8Array.of(random.below(100)),
    take: (input) => {
      if (input[0] === 42) throw new RangeError('a bug');
    },
  };
  const { finding } = await fuzz(canary, 1, { inputs: 2000 });
  expect(finding?.error).toBeInstanceOf(RangeError);
});
