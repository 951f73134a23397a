import { u64 } from '../../bytes/little-endian.ts';
import { hasChunkMagic } from '../../evtx/chunk.ts';
import type { FileHeader } from '../../evtx/file-header.ts';
import { CHUNK_HEADER_SIZE, CHUNK_SIZE, ChunkHeaderOffset, HEADER_BLOCK_SIZE } from '../../evtx/layout.ts';
import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import { readEach } from './files.ts';

/** The slots of a log in the order of their record ids. */
export interface ChunkOrder {
  readonly length: number;
  /** File slot of the i-th chunk. */
  slotAt(i: number): number;
  /** The file was closed and its ends agree with its header: record ids ascend from chunk to chunk. */
  readonly ascending: boolean;
  /** First record id of the last chunk: what has a higher one was written since. Undefined when nothing is known of that. */
  readonly newestFirstId: bigint | undefined;
}

/** What the order is made from: an open log. */
export interface SlotSource {
  readonly fd: number;
  readonly path: string;
  readonly header: FileHeader;
  readonly slots: number;
  readonly blockSize: number;
}

/** Bytes of a chunk header that hold its magic and its first record id. */
const HEAD_SIZE = ChunkHeaderOffset.firstRecordId + 8;
/** Looked at in each slot: to the first record's size, because records may have outlived a header that is all zeros. */
const PEEK_SIZE = CHUNK_HEADER_SIZE + 8;
/** Behind all ids: a slot without a header, and a chunk without records. */
const NO_ID = 0xffff_ffff_ffff_ffffn;

/** Slots looked at in one request, before others may run. */
const PEEK_BATCH = 64;

export interface OrderOptions {
  /** Also give slots without a chunk's magic: records may have outlived their header. */
  readonly recover: boolean;
  /** Told of each such slot. */
  readonly onForeign: (slot: number) => void;
}

/**
 * Finds the order of a log's chunks.
 *
 * The file of a closed log is a ring that starts at the header's oldest chunk; when its two ends agree with the header,
 * that is the order, and nothing more is read, however large the file is. For any other file each slot's first record id
 * is read and the chunks are sorted by it: headers of logs that were not closed are stale.
 */
export function* findOrder(source: SlotSource, operation: Operation, options: OrderOptions): Task<ChunkOrder> {
  const ring = options.recover ? undefined : yield* ringOrder(source, operation);
  return ring ?? (yield* sortedOrder(source, operation, options));
}

function* ringOrder(source: SlotSource, operation: Operation): Task<ChunkOrder | undefined> {
  const { header, slots } = source;
  const { chunkCount: count, oldestChunk: oldest, currentChunk: current } = header;
  const closed = !header.dirty && header.checksumValid && source.blockSize === HEADER_BLOCK_SIZE;
  if (!closed || count < 1 || count > slots || oldest >= count || (current + 1) % count !== oldest) return undefined;
  const slotAt = (i: number) => (oldest + i) % count;
  // The two ends of the ring and the two sides of the file's end; where more slots follow, the next one must be unused.
  const probes = [0, count - 1 - oldest, (count - oldest) % count, count - 1].sort((a, b) => a - b);
  const slotsProbed = probes.map(slotAt);
  if (count < slots) slotsProbed.push(count);
  const heads = yield* peek(source, slotsProbed, operation);
  let last = -1n;
  for (const head of heads.slice(0, probes.length)) {
    if (!hasChunkMagic(head) || head.length < HEAD_SIZE) return undefined;
    const id = u64(head, ChunkHeaderOffset.firstRecordId);
    if (id < last) return undefined;
    last = id;
  }
  const beyond = heads[probes.length];
  if (beyond !== undefined && hasChunkMagic(beyond)) return undefined;
  return { length: count, slotAt, ascending: true, newestFirstId: last };
}

function* sortedOrder(source: SlotSource, operation: Operation, options: OrderOptions): Task<ChunkOrder> {
  const found: { slot: number; id: bigint }[] = [];
  for (let from = 0; from < source.slots; from += PEEK_BATCH) {
    operation.checkpoint();
    yield TURN;
    const slots = Array.from({ length: Math.min(PEEK_BATCH, source.slots - from) }, (_, i) => from + i);
    for (const [i, head] of (yield* peek(source, slots, operation)).entries()) {
      if (hasChunkMagic(head) && head.length >= HEAD_SIZE) {
        found.push({ slot: from + i, id: u64(head, ChunkHeaderOffset.firstRecordId) });
      } else {
        if (isForeign(head, source.header.dirty)) options.onForeign(from + i);
        // Pages of zeros may stand in front of what is left of a chunk: only reading all of it tells.
        if (options.recover) found.push({ slot: from + i, id: NO_ID });
      }
    }
  }
  found.sort((a, b) => (a.id === b.id ? a.slot - b.slot : a.id < b.id ? -1 : 1));
  const order = Uint32Array.from(found, ({ slot }) => slot);
  const newestFirstId = options.recover ? undefined : found.at(-1)?.id;
  return { length: order.length, slotAt: (i) => order[i]!, ascending: false, newestFirstId };
}

/** Where somebody writes, a chunk without its header yet is no damage. */
function isForeign(head: Uint8Array, dirty: boolean): boolean {
  return (dirty ? head.subarray(0, CHUNK_HEADER_SIZE) : head).some((byte) => byte !== 0);
}

function* peek(
  source: Pick<SlotSource, 'fd' | 'path' | 'blockSize'>,
  slots: readonly number[],
  operation: Operation,
): Task<Uint8Array[]> {
  const positions = slots.map((slot) => source.blockSize + slot * CHUNK_SIZE);
  return yield* readEach(source.fd, positions, PEEK_SIZE, operation, source.path);
}

/** Index of the last chunk, in an order whose ids ascend, that begins at or before record `id`; 0 when none does. */
export function* chunkOfRecord(
  source: Pick<SlotSource, 'fd' | 'path' | 'blockSize'>,
  order: ChunkOrder,
  id: bigint,
  operation: Operation,
): Task<number> {
  let low = 0;
  let high = order.length - 1;
  while (low < high) {
    operation.checkpoint();
    const middle = Math.ceil((low + high) / 2);
    const [head] = yield* peek(source, [order.slotAt(middle)], operation);
    const begins = head!.length >= HEAD_SIZE ? u64(head!, ChunkHeaderOffset.firstRecordId) : 0n;
    if (begins <= id) low = middle;
    else high = middle - 1;
  }
  return low;
}
