import { readFileSync } from 'node:fs';
import { BinXmlError } from '../src/binxml/error.ts';
import type { Fragment } from '../src/binxml/tree.ts';
import { Chunk, hasChunkMagic } from '../src/evtx/chunk.ts';
import { readFileHeader } from '../src/evtx/file-header.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../src/evtx/layout.ts';

export interface StoredRecord {
  readonly chunk: Chunk;
  readonly chunkOffset: number;
  /** Undefined for a record that is damaged. */
  readonly document: Fragment | undefined;
}

/** The live records of a log file in file order, read without anything above the format. */
export function recordsOf(file: string | Uint8Array): StoredRecord[] {
  const bytes = typeof file === 'string' ? readFileSync(file) : file;
  const { dirty } = readFileHeader(bytes);
  const records: StoredRecord[] = [];
  for (let slot = 0; HEADER_BLOCK_SIZE + slot * CHUNK_SIZE < bytes.length; slot++) {
    const at = HEADER_BLOCK_SIZE + slot * CHUNK_SIZE;
    if (!hasChunkMagic(bytes, at)) continue;
    const chunk = new Chunk(bytes.subarray(at, at + CHUNK_SIZE), slot, at);
    for (const chunkOffset of chunk.liveRecords({ dirty })) {
      records.push({ chunk, chunkOffset, document: documentOf(chunk, chunkOffset) });
    }
  }
  return records;
}

function documentOf(chunk: Chunk, chunkOffset: number): Fragment | undefined {
  try {
    return chunk.document(chunkOffset);
  } catch (error) {
    if (error instanceof BinXmlError) return undefined;
    throw error;
  }
}
