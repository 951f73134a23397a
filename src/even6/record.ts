import { u32, u64 } from '../bytes/little-endian.ts';
import { EvtError } from '../errors/evt-error.ts';

/** The record of a result: an event, the queries that selected it, and a bookmark (MS-EVEN6 2.2.16, 2.2.17). */

const HEADER_SIZE = 0x10;
const BOOKMARK_HEADER_SIZE = 0x18;
const RECORD_ID_SIZE = 8;
const MAX_SUBQUERIES = 65_536;
const MAX_CHANNELS = 65_536;
const REVERSE = 1;

export interface ResultRecord {
  /** In the dialect of the wire. */
  readonly binXml: Uint8Array;
  /** Ids of the subqueries that selected the event; none for an XPath query. */
  readonly subqueryIds: readonly number[];
  /** Per channel, in the query's order, the number of the record that was read last. */
  readonly recordIds: readonly bigint[];
  /** Index of the event's channel. */
  readonly currentChannel: number;
  readonly reverse: boolean;
}

export function writeResultRecord(record: ResultRecord): Uint8Array {
  const { binXml, subqueryIds, recordIds, currentChannel, reverse } = record;
  const queriesAt = HEADER_SIZE + 4 + binXml.length;
  const bookmarkAt = queriesAt + 4 + 4 * subqueryIds.length;
  const bookmarkSize = BOOKMARK_HEADER_SIZE + RECORD_ID_SIZE * recordIds.length;
  const bytes = new Uint8Array(bookmarkAt + bookmarkSize);
  const view = new DataView(bytes.buffer);
  const put = (at: number, ...values: readonly number[]) => {
    for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, true);
  };
  put(0, bytes.length, HEADER_SIZE, HEADER_SIZE, bookmarkAt, binXml.length);
  bytes.set(binXml, HEADER_SIZE + 4);
  put(queriesAt, subqueryIds.length, ...subqueryIds);
  const direction = reverse ? REVERSE : 0;
  put(
    bookmarkAt,
    bookmarkSize,
    BOOKMARK_HEADER_SIZE,
    recordIds.length,
    currentChannel,
    direction,
    BOOKMARK_HEADER_SIZE,
  );
  for (const [i, id] of recordIds.entries()) {
    view.setBigUint64(bookmarkAt + BOOKMARK_HEADER_SIZE + RECORD_ID_SIZE * i, id, true);
  }
  return bytes;
}

function damaged(what: string): EvtError {
  return new EvtError('ERROR_EVT_INVALID_EVENT_DATA', 'result record', what);
}

/**
 * @param bytes one record; what its size leaves over is not looked at
 * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005)
 */
export function readResultRecord(bytes: Uint8Array): ResultRecord {
  const number = (at: number) => {
    if (at + 4 > total) throw damaged(`a field at ${at} lies outside of the record's ${total} bytes`);
    return u32(bytes, at);
  };
  let total = bytes.length;
  if (number(0) > total) throw damaged(`a record of ${u32(bytes, 0)} bytes in ${total}`);
  total = u32(bytes, 0);
  const eventAt = number(8);
  const bookmarkAt = number(12);
  const size = number(eventAt);
  const queriesAt = eventAt + 4 + size;
  const queries = number(queriesAt);
  if (queries > MAX_SUBQUERIES || queriesAt + 4 + 4 * queries > total) throw damaged(`${queries} subqueries`);
  const channels = number(bookmarkAt + 8);
  const idsAt = bookmarkAt + number(bookmarkAt + 20);
  if (channels > MAX_CHANNELS || idsAt + RECORD_ID_SIZE * channels > total) throw damaged(`${channels} channels`);
  return {
    binXml: bytes.subarray(eventAt + 4, queriesAt),
    subqueryIds: Array.from({ length: queries }, (_, i) => u32(bytes, queriesAt + 4 + 4 * i)),
    recordIds: Array.from({ length: channels }, (_, i) => u64(bytes, idsAt + RECORD_ID_SIZE * i)),
    currentChannel: number(bookmarkAt + 12),
    reverse: number(bookmarkAt + 16) === REVERSE,
  };
}

/** Records one behind the other, each at an even offset, as Windows lays them out. */
export function layOutRecords(records: readonly Uint8Array[]): {
  readonly bytes: Uint8Array;
  readonly offsets: number[];
  readonly sizes: number[];
} {
  const offsets: number[] = [];
  let end = 0;
  for (const { length } of records) {
    const at = end + (end % 2);
    offsets.push(at);
    end = at + length;
  }
  const bytes = new Uint8Array(end);
  for (const [i, record] of records.entries()) bytes.set(record, offsets[i]);
  return { bytes, offsets, sizes: records.map(({ length }) => length) };
}

/**
 * The records of an answer: its offsets and sizes are all that counts. They share no bytes, or a small answer could be a thousand large records.
 * @throws EvtError ERROR_EVT_INVALID_EVENT_DATA (15005)
 */
export function recordsOf(bytes: Uint8Array, offsets: readonly number[], sizes: readonly number[]): Uint8Array[] {
  let left = bytes.length;
  return offsets.map((offset, i) => {
    const size = sizes[i] ?? 0;
    left -= size;
    if (left < 0) throw damaged(`the records up to ${i} have more bytes than their answer`);
    if (offset + size > bytes.length) throw damaged(`record ${i} lies outside of its answer`);
    return bytes.subarray(offset, offset + size);
  });
}
