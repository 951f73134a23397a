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

const bookmarkOffset = ({ binXml, subqueryIds }: ResultRecord) =>
  HEADER_SIZE + 8 + binXml.length + 4 * subqueryIds.length;

function recordSize(record: ResultRecord): number {
  return bookmarkOffset(record) + BOOKMARK_HEADER_SIZE + RECORD_ID_SIZE * record.recordIds.length;
}

export function writeResultRecord(record: ResultRecord): Uint8Array {
  const bytes = new Uint8Array(recordSize(record));
  writeRecordAt(record, bytes, 0);
  return bytes;
}

function writeRecordAt(record: ResultRecord, bytes: Uint8Array, start: number): void {
  const { binXml, subqueryIds, recordIds, currentChannel, reverse } = record;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const bookmarkAt = bookmarkOffset(record);
  let at = start;
  const put = (value: number) => {
    view.setUint32(at, value, true);
    at += 4;
  };
  put(recordSize(record));
  put(HEADER_SIZE);
  put(HEADER_SIZE);
  put(bookmarkAt);
  put(binXml.length);
  bytes.set(binXml, at);
  at += binXml.length;
  put(subqueryIds.length);
  for (const id of subqueryIds) put(id);
  put(recordSize(record) - bookmarkAt);
  put(BOOKMARK_HEADER_SIZE);
  put(recordIds.length);
  put(currentChannel);
  put(reverse ? REVERSE : 0);
  put(BOOKMARK_HEADER_SIZE);
  for (const id of recordIds) {
    view.setBigUint64(at, id, true);
    at += RECORD_ID_SIZE;
  }
}

const FIRST_BATCH_SIZE = 65_536;

/** Records one behind the other, each at an even offset, as Windows lays them out. */
export class RecordLayout {
  readonly offsets: number[] = [];
  readonly sizes: number[] = [];
  readonly #maxBytes: number;
  #bytes = new Uint8Array(FIRST_BATCH_SIZE);
  #end = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.offsets.length;
  }

  /** Whether there would be room for a record if it were the only one. */
  takes(record: ResultRecord): boolean {
    return recordSize(record) <= this.#maxBytes;
  }

  /** @returns false, and the record is left out, where there is no room for it */
  add(record: ResultRecord): boolean {
    const at = this.#place(recordSize(record));
    if (at === undefined) return false;
    writeRecordAt(record, this.#bytes, at);
    return true;
  }

  /** The same for a record in bytes. */
  addBytes(record: Uint8Array): boolean {
    const at = this.#place(record.length);
    if (at === undefined) return false;
    this.#bytes.set(record, at);
    return true;
  }

  #place(size: number): number | undefined {
    const at = this.#end + (this.#end % 2);
    if (at + size > this.#maxBytes) return undefined;
    if (at + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(at + size, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = grown;
    }
    this.offsets.push(at);
    this.sizes.push(size);
    this.#end = at + size;
    return at;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  /** Each record in memory of its own. */
  records(): Uint8Array[] {
    return this.offsets.map((at, i) => this.#bytes.slice(at, at + this.sizes[i]!));
  }
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
