/** Where things lie in a log file. Offsets in bytes, integers little-endian. Chunk offsets count from the chunk's first byte. */

export const FILE_MAGIC: readonly number[] = [0x45, 0x6c, 0x66, 0x46, 0x69, 0x6c, 0x65, 0x00]; // "ElfFile\0"
/** The header block: the first chunk slot follows it. */
export const HEADER_BLOCK_SIZE = 4096;
/** Bytes of the header block that mean something. */
export const FILE_HEADER_SIZE = 128;
export const FileHeaderOffset = {
  oldestChunk: 0x08,
  currentChunk: 0x10,
  nextRecordId: 0x18,
  headerSize: 0x20,
  minorVersion: 0x24,
  majorVersion: 0x26,
  blockSize: 0x28,
  /** Historically u16; logs over 4 GiB store 32 bits, and 0x2c is zero otherwise. */
  chunkCount: 0x2a,
  flags: 0x78,
  checksum: 0x7c,
} as const;
/** CRC-32 of the file header covers these first bytes. */
export const FILE_CHECKSUM_SIZE = 0x78;

export const FileFlag = {
  /** Opened for writing and not closed: the header may lag behind. */
  dirty: 0x1,
  /** A log that must not overwrite has reached its size. */
  full: 0x2,
  /** All checksums are 0 and mean nothing. */
  noChecksums: 0x4,
} as const;

export const CHUNK_MAGIC: readonly number[] = [0x45, 0x6c, 0x66, 0x43, 0x68, 0x6e, 0x6b, 0x00]; // "ElfChnk\0"
export const CHUNK_SIZE = 65_536;
/** Chunk header, string table and template table: the first record follows. */
export const CHUNK_HEADER_SIZE = 512;
export const ChunkHeaderOffset = {
  firstRecordNumber: 0x08,
  lastRecordNumber: 0x10,
  firstRecordId: 0x18,
  lastRecordId: 0x20,
  headerSize: 0x28,
  lastRecordOffset: 0x2c,
  freeSpaceOffset: 0x30,
  recordsChecksum: 0x34,
  flags: 0x78,
  headerChecksum: 0x7c,
  stringTable: 0x80,
  templateTable: 0x180,
} as const;
export const STRING_TABLE_SLOTS = 64;
export const TEMPLATE_TABLE_SLOTS = 32;

/** "**\0\0" */
export const RECORD_MAGIC = 0x00002a2a;
export const RecordOffset = { size: 4, id: 8, writtenTime: 16, binXml: 24 } as const;
/** Header and the size copy at the end: no record is smaller. */
export const MIN_RECORD_SIZE = 28;
/** Records start at multiples of this, and their sizes are multiples of it. */
export const RECORD_ALIGNMENT = 8;
