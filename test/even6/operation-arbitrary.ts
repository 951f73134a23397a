import fc from 'fast-check';
import type { Fields } from '../../src/even6/stubs/codec.ts';
import type { RpcOperation } from '../../src/even6/stubs/operations.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import type { Variant, VariantValue } from '../../src/even6/stubs/variant.ts';
import { digits } from './hex.ts';

/** Any values of any operation's parameters. */

export interface Described {
  readonly operation: RpcOperation<Fields, Fields>;
  readonly input: fc.Arbitrary<Fields>;
  readonly output: fc.Arbitrary<Fields>;
}

type Arbitraries<V extends Fields> = { readonly [Name in keyof V]: fc.Arbitrary<V[Name]> };

function described<In extends Fields, Out extends Fields>(
  operation: RpcOperation<In, Out>,
  input: Arbitraries<In>,
  output: Arbitraries<Out>,
): Described {
  const record = (fields: Arbitraries<Fields>) => fc.record({ ...fields }) as fc.Arbitrary<Fields>;
  return { operation: operation as unknown as Described['operation'], input: record(input), output: record(output) };
}

const u4 = fc.nat(0xffff_ffff);
const u8 = fc.bigInt(0n, 0xffff_ffff_ffff_ffffn);
const i8 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
/** Any units but the terminator, halves of surrogate pairs among them. */
const text = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 0x20, max: 0x7e })), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
const optionalText = fc.option(text, { nil: undefined });
const bytesUpTo = (maxLength: number) => fc.uint8Array({ maxLength });
const sixteenBytes = fc.uint8Array({ minLength: 16, maxLength: 16 });
const handle = fc.option(
  sixteenBytes.map(digits).filter((uuid) => /[^0]/.test(uuid)),
  { nil: undefined },
);
const guid = sixteenBytes.map((bytes) => digits(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
const some = <T>(element: fc.Arbitrary<T>) => fc.array(element, { maxLength: 5 });

const values: fc.Arbitrary<VariantValue> = fc.oneof(
  fc.record({ type: fc.constant('null' as const), value: fc.constant(0 as const) }),
  fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('uint32' as const), value: u4 }),
  fc.record({ type: fc.constant('uint64' as const), value: u8 }),
  fc.record({ type: fc.constant('string' as const), value: optionalText }),
  fc.record({ type: fc.constant('guid' as const), value: fc.option(guid, { nil: undefined }) }),
  fc.record({ type: fc.constant('booleans' as const), value: some(fc.boolean()) }),
  fc.record({ type: fc.constant('uint32s' as const), value: some(u4) }),
  fc.record({ type: fc.constant('uint64s' as const), value: some(u8) }),
  fc.record({ type: fc.constant('strings' as const), value: some(text) }),
  fc.record({ type: fc.constant('guids' as const), value: some(guid) }),
);
const variants: fc.Arbitrary<readonly Variant[]> = some(
  fc.tuple(values, fc.boolean()).map(([value, changed]) => ({ ...value, changed })),
);

const info = fc.record({ error: u4, subError: u4, subErrorParameter: u4 });
const channels = some(fc.record({ name: text, status: u4 }));
const names = some(text);
const records = fc
  .tuple(some(fc.tuple(u4, u4)), bytesUpTo(60))
  .map(([places, bytes]) => ({ offsets: places.map(([at]) => at), sizes: places.map(([, size]) => size), bytes }));
const rendered = fc.record({ bytes: bytesUpTo(40), needed: u4 });
const nothing = {};
const event = bytesUpTo(40);

export const DESCRIBED: readonly Described[] = [
  described(
    operations.REGISTER_REMOTE_SUBSCRIPTION,
    { channel: optionalText, query: text, bookmark: optionalText, flags: u4 },
    { subscription: handle, control: handle, channels, info },
  ),
  described(operations.REMOTE_SUBSCRIPTION_NEXT_ASYNC, { subscription: handle, count: u4, flags: u4 }, { records }),
  described(
    operations.REMOTE_SUBSCRIPTION_NEXT,
    { subscription: handle, count: u4, timeoutMs: u4, flags: u4 },
    { records },
  ),
  described(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription: handle }, nothing),
  described(operations.REGISTER_CONTROLLABLE_OPERATION, nothing, { control: handle }),
  described(
    operations.REGISTER_LOG_QUERY,
    { path: optionalText, query: text, flags: u4 },
    { query: handle, control: handle, channels, info },
  ),
  described(operations.CLEAR_LOG, { control: handle, channel: text, backup: optionalText, flags: u4 }, { info }),
  described(
    operations.EXPORT_LOG,
    { control: handle, channel: optionalText, query: text, target: text, flags: u4 },
    { info },
  ),
  described(operations.LOCALIZE_EXPORT_LOG, { control: handle, file: text, locale: u4, flags: u4 }, { info }),
  described(
    operations.MESSAGE_RENDER,
    { publisher: handle, event, messageId: u4, values: variants, flags: u4, maxBytes: u4 },
    { text: rendered, info },
  ),
  described(
    operations.MESSAGE_RENDER_DEFAULT,
    { event, messageId: u4, values: variants, flags: u4, maxBytes: u4 },
    { text: rendered, info },
  ),
  described(operations.QUERY_NEXT, { query: handle, count: u4, timeoutMs: u4, flags: u4 }, { records }),
  described(
    operations.QUERY_SEEK,
    { query: handle, position: i8, bookmark: optionalText, timeoutMs: u4, flags: u4 },
    { info },
  ),
  described(operations.CLOSE, { handle }, { handle }),
  described(operations.CANCEL, { control: handle }, nothing),
  described(operations.ASSERT_CONFIG, { path: text, flags: u4 }, nothing),
  described(operations.RETRACT_CONFIG, { path: text, flags: u4 }, nothing),
  described(operations.OPEN_LOG_HANDLE, { path: text, flags: u4 }, { log: handle, info }),
  described(
    operations.GET_LOG_FILE_INFO,
    { log: handle, property: u4, size: u4 },
    { value: bytesUpTo(40), length: u4 },
  ),
  described(operations.GET_CHANNEL_LIST, { flags: u4 }, { names }),
  described(operations.GET_CHANNEL_CONFIG, { channel: text, flags: u4 }, { properties: variants }),
  described(operations.PUT_CHANNEL_CONFIG, { channel: text, flags: u4, properties: variants }, { info }),
  described(operations.GET_PUBLISHER_LIST, { flags: u4 }, { names }),
  described(operations.GET_PUBLISHER_LIST_FOR_CHANNEL, { channel: text, flags: u4 }, { names }),
  described(
    operations.GET_PUBLISHER_METADATA,
    { publisher: optionalText, file: optionalText, locale: u4, flags: u4 },
    { properties: variants, publisher: handle },
  ),
  described(
    operations.GET_PUBLISHER_RESOURCE_METADATA,
    { publisher: handle, property: u4, flags: u4 },
    { properties: variants },
  ),
  described(
    operations.GET_EVENT_METADATA_ENUM,
    { publisher: handle, flags: u4, filter: optionalText },
    { events: handle },
  ),
  described(operations.GET_NEXT_EVENT_METADATA, { events: handle, flags: u4, count: u4 }, { events: some(variants) }),
  described(operations.GET_CLASSIC_LOG_DISPLAY_NAME, { channel: text, locale: u4, flags: u4 }, { name: optionalText }),
];
