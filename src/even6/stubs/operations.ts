import { NdrReader } from '../ndr/ndr-reader.ts';
import { NdrWriter } from '../ndr/ndr-writer.ts';
import {
  array,
  type Codec,
  type Codecs,
  type ContextHandle,
  conformantBytes,
  elements,
  type Fields,
  handle,
  i8,
  optional,
  plain,
  pointed,
  pointedBytes,
  readFields,
  sizedBytes,
  string,
  u4,
  writeFields,
} from './codec.ts';
import {
  MAX_CHANNEL_NAME,
  MAX_EVENT_ID,
  MAX_EVENT_METADATA,
  MAX_NAMES,
  MAX_PATH,
  MAX_PAYLOAD,
  MAX_PUBLISHER_ID,
  MAX_QUERY_CHANNELS,
  MAX_RECORDS,
  MAX_STRING,
} from './limits.ts';
import { stringElement, type Variant, variantList } from './variant.ts';

/** How a query or a subscription stands to one of its channels. */
export interface QueryChannel {
  readonly name: string;
  /** 0, or the Win32 code it could not be opened with. */
  readonly status: number;
}

/** What is wrong with a query (RpcInfo); all zero where nothing is. */
export interface RpcInfo {
  readonly error: number;
  readonly subError: number;
  readonly subErrorParameter: number;
}

/** Records of a result (see `record.ts`): the bytes, and where each record lies in them. */
export interface RecordBatch {
  readonly offsets: readonly number[];
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array;
}

export const NO_INFO: RpcInfo = { error: 0, subError: 0, subErrorParameter: 0 };

const rpcInfo: Codec<RpcInfo> = plain(
  (to, { error, subError, subErrorParameter }) => {
    to.u32(error);
    to.u32(subError);
    to.u32(subErrorParameter);
  },
  (from) => ({ error: from.u32(), subError: from.u32(), subErrorParameter: from.u32() }),
  NO_INFO,
);

const text = string(MAX_STRING);
const channelName = string(MAX_CHANNEL_NAME);
const filePath = string(MAX_PATH);

const nameOfChannel = pointed(text);
const queryChannel: Codec<QueryChannel> = {
  write(to, { name, status }) {
    nameOfChannel.write(to, name);
    to.u32(status);
  },
  read(from, set) {
    let name = '';
    let status = 0;
    // The name comes behind the array, the status before it.
    nameOfChannel.read(from, (value) => {
      name = value;
      set({ name, status });
    });
    status = from.u32();
  },
  empty: { name: '', status: 0 },
};

const queryChannels = array({ codec: queryChannel, size: 8, alignment: 4 }, MAX_QUERY_CHANNELS);
const names = array(stringElement, MAX_NAMES);

const numbers = (count: number) => elements({ codec: u4, size: 4, alignment: 4 }, count);

const recordBatch: Codec<RecordBatch> = {
  write(to, { offsets, sizes, bytes }) {
    const count = offsets.length;
    to.u32(count);
    to.pointer(count === 0 ? undefined : () => numbers(count).write(to, offsets));
    to.pointer(count === 0 ? undefined : () => numbers(count).write(to, sizes));
    pointedBytes(MAX_PAYLOAD).write(to, bytes);
  },
  read(from, set) {
    const count = from.count(MAX_RECORDS, 4);
    const lists: (readonly number[])[] = [];
    for (let list = 0; list < 2; list++) {
      const isThere = from.pointer(() => numbers(count).read(from, (value) => lists.push(value)));
      if (!isThere && count > 0) from.fail(`${count} records are announced, and none are there`);
      if (!isThere) lists.push([]);
    }
    pointedBytes(MAX_PAYLOAD).read(from, (bytes) => set({ offsets: lists[0]!, sizes: lists[1]!, bytes }));
  },
  empty: { offsets: [], sizes: [], bytes: new Uint8Array() },
};

/** Lists of properties: their heads first, then each list's properties. */
const variantLists: Codec<readonly (readonly Variant[])[]> = array(
  { codec: variantList, size: 8, alignment: 4 },
  MAX_EVENT_METADATA,
);

/** A rendered message. */
interface Rendered {
  /** UTF-16LE, terminated. */
  readonly bytes: Uint8Array;
  /** Bytes that the whole text takes. */
  readonly needed: number;
}

const rendered: Codec<Rendered> = {
  write(to, { bytes, needed }) {
    to.u32(bytes.length);
    to.u32(needed);
    to.pointer(bytes.length === 0 ? undefined : () => conformantBytes(MAX_PAYLOAD).write(to, bytes));
  },
  read(from, set) {
    const actual = from.count(MAX_PAYLOAD, 1);
    const needed = from.u32();
    const isThere = from.pointer(() => {
      from.conformance(actual);
      set({ bytes: from.bytes(actual), needed });
    });
    if (!isThere) set({ bytes: new Uint8Array(), needed });
  },
  empty: { bytes: new Uint8Array(), needed: 0 },
};

/** One operation of the interface: both its stubs. Every answer ends with a status. */
export interface RpcOperation<In extends Fields, Out extends Fields> {
  readonly opnum: number;
  readonly name: string;
  readonly input: Codecs<In>;
  readonly output: Codecs<Out>;
}

function operation<In extends Fields, Out extends Fields>(
  opnum: number,
  name: string,
  input: Codecs<In>,
  output: Codecs<Out>,
): RpcOperation<In, Out> {
  return { opnum, name: `EvtRpc${name}`, input, output };
}

const noInput = {};

/** The operations of IEventService 1.0 (MS-EVEN6 3.1.4). */
export const REGISTER_REMOTE_SUBSCRIPTION = operation(
  0,
  'RegisterRemoteSubscription',
  { channel: optional(channelName), query: text, bookmark: optional(text), flags: u4 },
  { subscription: handle, control: handle, channels: queryChannels, info: rpcInfo },
);
export const REMOTE_SUBSCRIPTION_NEXT_ASYNC = operation(
  1,
  'RemoteSubscriptionNextAsync',
  { subscription: handle, count: u4, flags: u4 },
  { records: recordBatch },
);
export const REMOTE_SUBSCRIPTION_NEXT = operation(
  2,
  'RemoteSubscriptionNext',
  { subscription: handle, count: u4, timeoutMs: u4, flags: u4 },
  { records: recordBatch },
);
export const REMOTE_SUBSCRIPTION_WAIT_ASYNC = operation(3, 'RemoteSubscriptionWaitAsync', { subscription: handle }, {});
export const REGISTER_CONTROLLABLE_OPERATION = operation(4, 'RegisterControllableOperation', noInput, {
  control: handle,
});
export const REGISTER_LOG_QUERY = operation(
  5,
  'RegisterLogQuery',
  { path: optional(filePath), query: text, flags: u4 },
  { query: handle, control: handle, channels: queryChannels, info: rpcInfo },
);
export const CLEAR_LOG = operation(
  6,
  'ClearLog',
  { control: handle, channel: channelName, backup: optional(filePath), flags: u4 },
  { info: rpcInfo },
);
export const EXPORT_LOG = operation(
  7,
  'ExportLog',
  { control: handle, channel: optional(channelName), query: text, target: filePath, flags: u4 },
  { info: rpcInfo },
);
export const LOCALIZE_EXPORT_LOG = operation(
  8,
  'LocalizeExportLog',
  { control: handle, file: filePath, locale: u4, flags: u4 },
  { info: rpcInfo },
);
export const MESSAGE_RENDER = operation(
  9,
  'MessageRender',
  {
    publisher: handle,
    event: sizedBytes(MAX_EVENT_ID),
    messageId: u4,
    values: variantList,
    flags: u4,
    maxBytes: u4,
  },
  { text: rendered, info: rpcInfo },
);
export const MESSAGE_RENDER_DEFAULT = operation(
  10,
  'MessageRenderDefault',
  { event: sizedBytes(MAX_EVENT_ID), messageId: u4, values: variantList, flags: u4, maxBytes: u4 },
  { text: rendered, info: rpcInfo },
);
export const QUERY_NEXT = operation(
  11,
  'QueryNext',
  { query: handle, count: u4, timeoutMs: u4, flags: u4 },
  { records: recordBatch },
);
export const QUERY_SEEK = operation(
  12,
  'QuerySeek',
  { query: handle, position: i8, bookmark: optional(text), timeoutMs: u4, flags: u4 },
  { info: rpcInfo },
);
export const CLOSE = operation(13, 'Close', { handle }, { handle });
export const CANCEL = operation(14, 'Cancel', { control: handle }, {});
export const ASSERT_CONFIG = operation(15, 'AssertConfig', { path: channelName, flags: u4 }, {});
export const RETRACT_CONFIG = operation(16, 'RetractConfig', { path: channelName, flags: u4 }, {});
export const OPEN_LOG_HANDLE = operation(
  17,
  'OpenLogHandle',
  { path: filePath, flags: u4 },
  { log: handle, info: rpcInfo },
);
export const GET_LOG_FILE_INFO = operation(
  18,
  'GetLogFileInfo',
  { log: handle, property: u4, size: u4 },
  { value: conformantBytes(MAX_PAYLOAD), length: u4 },
);
export const GET_CHANNEL_LIST = operation(19, 'GetChannelList', { flags: u4 }, { names });
export const GET_CHANNEL_CONFIG = operation(
  20,
  'GetChannelConfig',
  { channel: channelName, flags: u4 },
  { properties: variantList },
);
export const PUT_CHANNEL_CONFIG = operation(
  21,
  'PutChannelConfig',
  { channel: channelName, flags: u4, properties: variantList },
  { info: rpcInfo },
);
export const GET_PUBLISHER_LIST = operation(22, 'GetPublisherList', { flags: u4 }, { names });
export const GET_PUBLISHER_LIST_FOR_CHANNEL = operation(
  23,
  'GetPublisherListForChannel',
  { channel: channelName, flags: u4 },
  { names },
);
export const GET_PUBLISHER_METADATA = operation(
  24,
  'GetPublisherMetadata',
  { publisher: optional(string(MAX_PUBLISHER_ID)), file: optional(filePath), locale: u4, flags: u4 },
  { properties: variantList, publisher: handle },
);
export const GET_PUBLISHER_RESOURCE_METADATA = operation(
  25,
  'GetPublisherResourceMetadata',
  { publisher: handle, property: u4, flags: u4 },
  { properties: variantList },
);
export const GET_EVENT_METADATA_ENUM = operation(
  26,
  'GetEventMetadataEnum',
  { publisher: handle, flags: u4, filter: optional(text) },
  { events: handle },
);
export const GET_NEXT_EVENT_METADATA = operation(
  27,
  'GetNextEventMetadata',
  { events: handle, flags: u4, count: u4 },
  { events: variantLists },
);
export const GET_CLASSIC_LOG_DISPLAY_NAME = operation(
  28,
  'GetClassicLogDisplayName',
  { channel: channelName, locale: u4, flags: u4 },
  { name: optional(text) },
);

/** The context handles that an answer brings. */
export function handlesOf<Out extends Fields>({ output }: RpcOperation<Fields, Out>, values: Out): ContextHandle[] {
  return Object.keys(output)
    .filter((name) => output[name] === handle)
    .map((name) => values[name] as ContextHandle);
}

/** Number of the interface's operations. */
export const OPERATION_COUNT = 29;

/** The stub of a request. */
export function encodeRequest<In extends Fields>({ input }: RpcOperation<In, Fields>, values: In): Uint8Array {
  const to = new NdrWriter();
  writeFields(to, input, values);
  return to.written;
}

/** @throws NdrError */
export function decodeRequest<In extends Fields>({ input }: RpcOperation<In, Fields>, stub: Uint8Array): In {
  return readFields(new NdrReader(stub), input);
}

/** The stub of an answer. */
export function encodeResponse<Out extends Fields>(
  { output }: RpcOperation<Fields, Out>,
  values: Out,
  status: number,
): Uint8Array {
  const to = new NdrWriter();
  writeFields(to, output, values);
  to.u32(status);
  return to.written;
}

/** @throws NdrError */
export function decodeResponse<Out extends Fields>(
  { output }: RpcOperation<Fields, Out>,
  stub: Uint8Array,
): { readonly values: Out; readonly status: number } {
  const from = new NdrReader(stub);
  const values = readFields(from, output);
  return { values, status: from.u32() };
}
