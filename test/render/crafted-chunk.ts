import { CHUNK_HEADER_SIZE, CHUNK_SIZE, ChunkHeaderOffset, RECORD_MAGIC, RecordOffset } from '../../src/evtx/layout.ts';

/** A chunk put together byte by byte: what no writer writes. Definitions come first, the records behind them. */
export class CraftedChunk {
  readonly bytes = new Uint8Array(CHUNK_SIZE);
  readonly #view = new DataView(this.bytes.buffer);
  /** Zeros there would end the records. */
  at = this.bytes.fill(0xff, CHUNK_HEADER_SIZE, CHUNK_HEADER_SIZE + 8) && CHUNK_HEADER_SIZE + 8;

  put(...bytes: number[]): this {
    for (const byte of bytes) this.bytes[this.at++] = byte;
    return this;
  }

  u16(...numbers: number[]): this {
    for (const number of numbers) this.put(number & 0xff, number >> 8);
    return this;
  }

  u32(number: number): this {
    return this.u16(number & 0xffff, number >>> 16);
  }

  setU32(at: number, number: number): void {
    this.#view.setUint32(at, number, true);
  }

  /** @returns where it stands */
  name(text: string): number {
    const { at } = this;
    this.u32(0).u16(0, text.length, ...Array.from(text, (unit) => unit.charCodeAt(0)), 0);
    return at;
  }

  /** An element's start tag, up to its attributes. */
  openElement(name: number, hasAttributes = false): this {
    return this.put(hasAttributes ? 0x41 : 0x01)
      .u16(0xffff)
      .u32(0)
      .u32(name);
  }

  /** @param size what it claims; that of its body unless told. @returns where it stands, which is its id, too */
  definition(body: () => void, size?: number): number {
    const { at } = this;
    this.u32(0).u32(at).u32(0).u32(0).u32(0).u32(0).put(0x0f, 1, 1, 0);
    body();
    this.put(0);
    this.setU32(at + 20, size ?? this.at - at - 24);
    return at;
  }

  /** A use of a definition, with nested documents as its values. */
  instance(definition: number, documents: readonly Uint8Array[] = []): Uint8Array {
    const chunk = new CraftedChunk();
    chunk.at = 0;
    chunk.put(0x0c, 1).u32(definition).u32(definition).u32(documents.length);
    for (const { length } of documents) chunk.u16(length).put(0x21, 0);
    for (const document of documents) chunk.put(...document);
    return chunk.bytes.slice(0, chunk.at);
  }

  record(document: Uint8Array, id = 1): this {
    this.at = (this.at + 7) & ~7;
    const start = this.at;
    const size = (RecordOffset.binXml + document.length + 1 + 4 + 7) & ~7;
    this.setU32(start, RECORD_MAGIC);
    this.setU32(start + RecordOffset.size, size);
    this.setU32(start + RecordOffset.id, id);
    this.bytes.set(document, start + RecordOffset.binXml);
    this.setU32(start + size - 4, size);
    this.at = start + size;
    this.setU32(ChunkHeaderOffset.freeSpaceOffset, this.at);
    return this;
  }
}
