import { crc32 } from '../bytes/crc32.ts';
import { hexOffset } from '../bytes/hex.ts';
import { u16, u32, u64 } from '../bytes/little-endian.ts';
import { parseFileTime } from '../bytes/time.ts';
import { DocumentVerifier, type EventMentions, type PlacedValue } from './verify-binxml.ts';
import type { CheckId, Report } from './verify-report.ts';

// Offsets in a chunk, apart from those the writer uses.
const SIZE = 65_536;
const RECORDS = 0x200;
const STRING_TABLE = { at: 0x80, slots: 64 };
const TEMPLATE_TABLE = { at: 0x180, slots: 32 };
const RECORD_MAGIC = 0x2a2a;
const NONE = 0xffff_ffff_ffff_ffffn;
const SMALLEST_RECORD = 32;

/** What the checks over the whole log need of a chunk. */
export interface ChunkFacts {
  readonly slot: number;
  readonly empty: boolean;
  readonly firstNumber: bigint;
  readonly lastNumber: bigint;
  readonly firstId: bigint;
  readonly lastId: bigint;
}

/** How EventRecordID relates to the record id: the same in a live log, the source's own in an exported one. */
export type LogStyle = 'live' | 'export';

/** Checks one chunk (W7 to W23). Offsets reported are chunk offsets. */
export function verifyChunk(bytes: Uint8Array, slot: number, style: LogStyle, report: Report): ChunkFacts {
  const facts = header(bytes, slot, report);
  const freeSpace = u32(bytes, 0x30);
  const documents = new DocumentVerifier(bytes, report);
  const ends = records(bytes, freeSpace, facts, style, documents, report);
  if (facts.empty) {
    if (freeSpace !== RECORDS) report('W9', 0x30, `a chunk without records has free space at ${hexOffset(freeSpace)}`);
  } else if (
    freeSpace <= RECORDS ||
    freeSpace > SIZE ||
    ends.lastStart !== u32(bytes, 0x2c) ||
    ends.end !== freeSpace
  ) {
    const found = `the last record is ${hexOffset(ends.lastStart)} to ${hexOffset(ends.end)}`;
    report('W9', 0x2c, `${found}, the header says ${hexOffset(u32(bytes, 0x2c))} to ${hexOffset(freeSpace)}`);
  }
  for (let at = Math.max(RECORDS, Math.min(freeSpace, SIZE)); at < SIZE; at++) {
    if (bytes[at] === 0) continue;
    report('W10', at, 'free space is not zero');
    break;
  }
  chains(bytes, STRING_TABLE, [...documents.names.keys()], (at) => u16(bytes, at + 4), 'W17', report);
  chains(bytes, TEMPLATE_TABLE, [...documents.definitions.keys()], (at) => guidHash(bytes, at + 4), 'W18', report);
  return facts;
}

function header(bytes: Uint8Array, slot: number, report: Report): ChunkFacts {
  if (u32(bytes, 0x28) !== 128) report('W7', 0x28, `header size ${u32(bytes, 0x28)}`);
  if (u32(bytes, 0x78) !== 1) report('W7', 0x78, `flags ${hexOffset(u32(bytes, 0x78))}`);
  if (bytes.subarray(0x38, 0x78).some((byte) => byte !== 0)) report('W7', 0x38, 'reserved bytes are not zero');
  const end = Math.min(Math.max(u32(bytes, 0x30), RECORDS), SIZE);
  if (crc32(bytes, RECORDS, end - RECORDS) !== u32(bytes, 0x34)) report('W7', 0x34, 'wrong checksum of the records');
  const covered = new Uint8Array(0x78 + 0x180);
  covered.set(bytes.subarray(0, 0x78));
  covered.set(bytes.subarray(0x80, 0x200), 0x78);
  if (crc32(covered) !== u32(bytes, 0x7c)) report('W7', 0x7c, 'wrong checksum of the header');
  const [firstNumber, lastNumber, firstId, lastId] = [u64(bytes, 8), u64(bytes, 16), u64(bytes, 24), u64(bytes, 32)];
  return { slot, empty: lastId === NONE && u32(bytes, 0x30) === RECORDS, firstNumber, lastNumber, firstId, lastId };
}

/** Walks the records by their sizes. @returns where the last one starts and ends */
function records(
  bytes: Uint8Array,
  freeSpace: number,
  facts: ChunkFacts,
  style: LogStyle,
  documents: DocumentVerifier,
  report: Report,
): { lastStart: number; end: number } {
  let at = RECORDS;
  let lastStart = 0;
  let count = 0n;
  const end = Math.min(freeSpace, SIZE);
  while (at + SMALLEST_RECORD <= end) {
    const size = u32(bytes, at + 4);
    const fits = size >= SMALLEST_RECORD && size <= SIZE - at;
    if (u32(bytes, at) !== RECORD_MAGIC || !fits || size % 8 !== 0 || u32(bytes, at + size - 4) !== size) {
      report('W11', at, 'no record with magic, a multiple of 8 as size, and that size again at its end');
      break;
    }
    const id = u64(bytes, at + 8);
    if (id !== facts.firstId + count) report('W11', at + 8, `record id ${id} where ${facts.firstId + count} is next`);
    const document = documents.record(at + 24, at + size - 4);
    if (document !== undefined) {
      const padding = bytes.subarray(document.end, at + size - 4);
      if (padding.length > 7) report('W11', document.end, `${padding.length} bytes behind the event`);
      if (padding.some((byte) => byte !== 0)) report('W11', document.end, 'padding is not zero');
      mentions(bytes, at, document.mentions, style, report);
    }
    lastStart = at;
    at += size;
    count++;
  }
  if (
    !facts.empty &&
    (facts.lastId - facts.firstId + 1n !== count || facts.lastNumber - facts.firstNumber + 1n !== count)
  ) {
    const claim = `numbers ${facts.firstNumber} to ${facts.lastNumber}, ids ${facts.firstId} to ${facts.lastId}`;
    report('W8', 8, `${count} records, the header says ${claim}`);
  }
  return { lastStart, end: at };
}

function mentions(
  bytes: Uint8Array,
  at: number,
  { time, recordId }: EventMentions,
  style: LogStyle,
  report: Report,
): void {
  const integer = (value: PlacedValue | string | undefined, type: number): bigint | undefined => {
    if (value === undefined || typeof value === 'string') return undefined;
    return value.type === type && value.size === 8 ? u64(bytes, value.offset) : undefined;
  };
  const created = typeof time === 'string' ? parseFileTime(time) : integer(time, 0x11);
  if (created !== undefined && created !== u64(bytes, at + 16)) {
    report('W23', at + 16, `the record's time is ${u64(bytes, at + 16)}, TimeCreated ${created}`);
  }
  const ownId = typeof recordId === 'string' && /^\d+$/.test(recordId) ? BigInt(recordId) : integer(recordId, 0x0a);
  if (style === 'live' && ownId !== undefined && ownId !== u64(bytes, at + 8)) {
    report('W23', at + 8, `record id ${u64(bytes, at + 8)}, EventRecordID ${ownId}`);
  }
}

/** The table's chains must hold exactly `entries`, each in its bucket, at descending offsets. */
function chains(
  bytes: Uint8Array,
  table: { readonly at: number; readonly slots: number },
  entries: readonly number[],
  hash: (at: number) => number,
  check: CheckId,
  report: Report,
): void {
  const missing = new Set(entries);
  for (let bucket = 0; bucket < table.slots; bucket++) {
    const slotAt = table.at + 4 * bucket;
    let before = SIZE;
    for (let at = u32(bytes, slotAt); at !== 0; at = u32(bytes, at)) {
      if (at >= before) {
        report(check, slotAt, `bucket ${bucket} goes on to ${hexOffset(at)}, which is not lower`);
        break;
      }
      if (!missing.delete(at)) {
        report(check, slotAt, `bucket ${bucket} leads to ${hexOffset(at)}, where no entry starts`);
        break;
      }
      if (hash(at) % table.slots !== bucket)
        report(check, at, `an entry hangs in bucket ${bucket}, its hash is another`);
      before = at;
    }
  }
  for (const at of missing) report(check, at, 'no bucket leads to this entry');
}

/** The chunk's hash over a GUID taken as eight units, spelled out once more in exact integers. */
function guidHash(bytes: Uint8Array, at: number): number {
  let hash = 0n;
  for (let i = 0; i < 16; i += 2) hash = (hash * 65_599n + BigInt(u16(bytes, at + i))) % 0x1_0000_0000n;
  return Number(hash);
}
