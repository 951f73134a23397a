import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NdrError } from '../../src/even6/ndr/ndr-error.ts';
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../src/even6/stubs/operations.ts';
import { DESCRIBED, type Described } from './operation-arbitrary.ts';

/** Both stubs of an operation, as one kind of thing. */
interface Stub {
  readonly name: string;
  readonly values: fc.Arbitrary<unknown>;
  readonly encode: (values: never) => Uint8Array;
  readonly decode: (stub: Uint8Array) => unknown;
}

function stubsOf({ operation, input, output }: Described): Stub[] {
  const { opnum, name } = operation;
  return [
    {
      name: `${opnum} ${name}: request`,
      values: input,
      encode: (values) => encodeRequest(operation, values),
      decode: (stub) => decodeRequest(operation, stub),
    },
    {
      name: `${opnum} ${name}: answer`,
      values: fc.record({ values: output, status: fc.nat(0xffff_ffff) }),
      encode: ({ values, status }: { values: never; status: number }) => encodeResponse(operation, values, status),
      decode: (stub) => decodeResponse(operation, stub),
    },
  ];
}

const STUBS = DESCRIBED.flatMap(stubsOf);
const FAULTS = ['stub', 'bound', 'tag'];
const SEED = 6;
const SAMPLES = 3;

/** Values in a result, those inside of others counted one by one. */
function leaves(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  return Object.values(value).reduce<number>((sum, each) => sum + leaves(each), 0);
}

it('every operation is here', () => {
  expect(DESCRIBED.map(({ operation }) => operation.opnum)).toEqual([...Array(29).keys()]);
});

describe.each(STUBS)('$name', ({ values, encode, decode }) => {
  const samples = () => fc.sample(values, { seed: SEED, numRuns: SAMPLES }).map((given) => encode(given as never));

  it('is read as it was written', () => {
    fc.assert(
      fc.property(values, (given) => {
        expect(decode(encode(given as never))).toEqual(given);
      }),
    );
  });

  it('that is cut anywhere cannot be read', () => {
    for (const stub of samples()) {
      for (let cut = 0; cut < stub.length; cut++) {
        expect(faultOf(decode, stub.subarray(0, cut)), `cut at ${cut} of ${stub.length}`).toBe('stub');
      }
    }
  });

  it('with any one byte changed is a value that is not much larger than the stub, or a fault', () => {
    for (const stub of samples()) {
      for (let at = 0; at < stub.length; at++) {
        const was = stub[at]!;
        for (const now of new Set([0, 0xff, was ^ 1, was ^ 0x80, (was + 1) & 0xff])) {
          const changed = stub.slice();
          changed[at] = now;
          const read = tried(decode, changed);
          if (read === undefined) continue;
          // A handle of 20 bytes is a text of 32.
          if (leaves(read) > 3 * stub.length + 16) expect.fail(`byte ${at} = ${now}: ${leaves(read)} values`);
          // What was understood is what would be said.
          const again = decode(encode(read as never));
          if (!isDeepStrictEqual(again, read)) expect(again, `byte ${at} = ${now}`).toEqual(read);
        }
      }
    }
  });
});

/** The fault that a stub ends in; undefined where it gives values. */
function faultOf(decode: (stub: Uint8Array) => unknown, stub: Uint8Array): string | undefined {
  try {
    decode(stub);
    return undefined;
  } catch (error) {
    return error instanceof NdrError ? error.fault : String(error);
  }
}

/** What a stub gives; undefined where it ends in a fault. */
function tried(decode: (stub: Uint8Array) => unknown, stub: Uint8Array): unknown {
  try {
    return decode(stub);
  } catch (error) {
    if (error instanceof NdrError && FAULTS.includes(error.fault)) return undefined;
    throw error;
  }
}
