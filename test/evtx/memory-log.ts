import { Chunk } from '../../src/evtx/chunk.ts';
import type { LogSink } from '../../src/evtx/file-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';

/** A sink that keeps a log in memory, and each of its writes. */
export class MemoryLog implements LogSink {
  readonly writes: { readonly position: number; readonly bytes: Uint8Array }[] = [];

  write(position: number, bytes: Uint8Array): void {
    this.writes.push({ position, bytes });
  }

  /** The file as it is after the first `writes` writes, all by default. */
  bytes(writes = this.writes.length): Uint8Array {
    const done = this.writes.slice(0, writes);
    const file = new Uint8Array(Math.max(0, ...done.map(({ position, bytes }) => position + bytes.length)));
    for (const { position, bytes } of done) file.set(bytes, position);
    return file;
  }
}

/** The chunks of a file in memory, in file order. */
export function chunksOf(file: Uint8Array): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = HEADER_BLOCK_SIZE; at < file.length; at += CHUNK_SIZE) {
    chunks.push(new Chunk(file.subarray(at, at + CHUNK_SIZE), chunks.length, at));
  }
  return chunks;
}
