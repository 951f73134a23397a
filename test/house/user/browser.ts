// A user's page: it has `winevt/evtx` and what a browser has, and nothing of Node.
import { CHUNK_SIZE, Chunk, damageText, EvtError, HEADER_BLOCK_SIZE, readFileHeader } from 'winevt/evtx';

export async function countRecords(file: Blob): Promise<number> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const { dirty } = readFileHeader(bytes);
  let records = 0;
  for (let at = HEADER_BLOCK_SIZE, slot = 0; at < bytes.length; at += CHUNK_SIZE, slot++) {
    const chunk = new Chunk(bytes.subarray(at, at + CHUNK_SIZE), slot, at);
    for (const _ of chunk.liveRecords({ dirty })) records++;
  }
  return records;
}

export function problem(error: unknown): string {
  return error instanceof EvtError ? error.symbol : String(error);
}

export const describe: typeof damageText = damageText;
