import { isDeepStrictEqual } from 'node:util';
import { NdrError } from '../../src/even6/ndr/ndr-error.ts';
import { NdrReader } from '../../src/even6/ndr/ndr-reader.ts';
import { NdrWriter } from '../../src/even6/ndr/ndr-writer.ts';
import { type Codec, type Codecs, type Fields, handle, u4 } from '../../src/even6/stubs/codec.ts';
import * as interfaceOperations from '../../src/even6/stubs/operations.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  OPERATION_COUNT,
  type RpcOperation,
} from '../../src/even6/stubs/operations.ts';
import { type Variant, variantList } from '../../src/even6/stubs/variant.ts';
import { hex } from '../../test/even6/hex.ts';
import { mutateBytes } from '../mutate.ts';
import { asBytes, refusable, type Target } from '../target.ts';

const HANDLE = 'a1a2a3a4a5a6a7a8a9aaabacadaeafb0';
const GUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
/** A property of every type. */
const VARIANTS: readonly Variant[] = [
  { type: 'null', value: 0 },
  { type: 'boolean', value: true },
  { type: 'uint32', value: 64, changed: true },
  { type: 'uint64', value: 0x14_0000n },
  { type: 'string', value: 'Sys' },
  { type: 'string', value: undefined },
  { type: 'guid', value: GUID },
  { type: 'booleans', value: [true, false] },
  { type: 'uint32s', value: [1, 2, 3] },
  { type: 'uint64s', value: [1n, 2n] },
  { type: 'strings', value: ['A', '', 'B'] },
  { type: 'guids', value: [GUID, GUID] },
];

const SAMPLES: Readonly<Record<string, unknown>> = {
  channels: [
    { name: 'Application', status: 0 },
    { name: 'Gone', status: 15007 },
  ],
  names: ['Application', 'System', ''],
  values: VARIANTS,
  properties: VARIANTS,
  events: [VARIANTS, [], VARIANTS.slice(3, 5)],
  records: { offsets: [0, 4], sizes: [3, 5], bytes: hex('010203000405060708') },
  text: { bytes: hex('61000000'), needed: 4 },
  info: { error: 15001, subError: 0xffff_ffff, subErrorParameter: 3 },
  event: hex('0a000102 02200010 00000000 00000080'),
  position: -3n,
  value: hex('20000000 00000000 01000000 0a000000'),
};

function sample(name: string, codec: Codec<unknown>): unknown {
  if (codec === handle) return HANDLE;
  if (codec === u4) return 0x101;
  return SAMPLES[name] ?? `a ${name}`;
}

function samples<V extends Fields>(codecs: Codecs<V>): V {
  const values: Record<string, unknown> = {};
  for (const [name, codec] of Object.entries(codecs)) values[name] = sample(name, codec as Codec<unknown>);
  return values as V;
}

type AnyOperation = RpcOperation<Fields, Fields>;

function isOperation(value: unknown): value is AnyOperation {
  return typeof value === 'object' && value !== null && 'opnum' in value;
}

/** The operations of the interface, by number. */
export const OPERATIONS: readonly AnyOperation[] = Object.values(interfaceOperations as Record<string, unknown>)
  .filter(isOperation)
  .sort((a, b) => a.opnum - b.opnum);
if (OPERATIONS.length !== OPERATION_COUNT) throw new Error(`${OPERATIONS.length} operations`);

const SEEDS = OPERATIONS.map((operation) => ({
  request: encodeRequest(operation, samples(operation.input)),
  response: encodeResponse(operation, samples(operation.output), 0x103),
}));

/** What can be read can be written, and read again as the same. */
function takeStub(stub: Uint8Array, read: (stub: Uint8Array) => unknown, write: (values: never) => Uint8Array): void {
  refusable(() => {
    const values = read(stub);
    const again = read(write(values as never));
    if (!isDeepStrictEqual(again, values)) throw new Error('written and read again, a stub is another');
  }, [NdrError]);
}

function readVariants(stub: Uint8Array): readonly Variant[] {
  let list: readonly Variant[] = [];
  variantList.read(new NdrReader(stub), (values) => {
    list = values;
  });
  return list;
}

function writeVariants(list: readonly Variant[]): Uint8Array {
  const to = new NdrWriter();
  variantList.write(to, list);
  return to.written;
}

/** An input: the operation's number, and its stub. */
function stubTarget(direction: 'request' | 'response'): Target {
  return {
    name: `${direction}-stubs`,
    make: (random) => {
      const opnum = random.below(OPERATION_COUNT);
      return Uint8Array.of(opnum, ...mutateBytes(SEEDS[opnum]![direction], random));
    },
    take: (input) => {
      const bytes = asBytes(input);
      const operation = OPERATIONS[bytes[0]! % OPERATION_COUNT]!;
      const stub = bytes.slice(1);
      if (direction === 'request') {
        takeStub(
          stub,
          (given) => decodeRequest(operation, given),
          (values: Fields) => encodeRequest(operation, values),
        );
      } else {
        takeStub(
          stub,
          (given) => decodeResponse(operation, given),
          ({ values, status }: { values: Fields; status: number }) => encodeResponse(operation, values, status),
        );
      }
    },
  };
}

/** The stubs of IEventService, in both directions. */
export const STUB_TARGETS: readonly Target[] = [
  stubTarget('request'),
  stubTarget('response'),
  {
    name: 'variants',
    make: (random) => mutateBytes(writeVariants(VARIANTS), random),
    take: (input) => takeStub(asBytes(input).slice(), readVariants, writeVariants),
  },
];
