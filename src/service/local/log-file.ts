import { EvtError } from '../../errors/evt-error.ts';
import { hasChunkMagic } from '../../evtx/chunk.ts';
import { type FileHeader, hasFileMagic, readFileHeader } from '../../evtx/file-header.ts';
import { CHUNK_MAGIC, CHUNK_SIZE, FILE_HEADER_SIZE, HEADER_BLOCK_SIZE } from '../../evtx/layout.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { LogDamage } from '../service.ts';
import { type ChunkOrder, findOrder, type SlotSource } from './chunk-order.ts';
import { closeFile, modifiedTime, openFile, readAt, readEach, statFile } from './files.ts';

export interface LogFileOptions {
  /** Name in bookmarks and in EvtEventPath: channel name or full path. */
  readonly name: string;
  /** Read the chunks of a file whose header is gone. */
  readonly recover: boolean;
  readonly onDamage: ((damage: LogDamage) => void) | undefined;
}

/** What stands in for the header of a file that is read without one. */
const NO_HEADER: FileHeader = {
  oldestChunk: 0,
  currentChunk: 0,
  nextRecordId: 0n,
  majorVersion: 3,
  minorVersion: 1,
  blockSize: HEADER_BLOCK_SIZE,
  chunkCount: 0,
  flags: 1,
  dirty: true,
  full: false,
  checksumValid: false,
};

/** Newest format version that has been seen. */
const NEWEST_MINOR_VERSION = 2;

/** An open log file: its header, and the order of its chunks. */
export class LogFile implements SlotSource {
  readonly path: string;
  readonly name: string;
  readonly fd: number;
  readonly sizeBytes: number;
  readonly header: FileHeader;
  readonly slots: number;
  readonly blockSize: number;
  readonly order: ChunkOrder;
  readonly #onDamage: LogFileOptions['onDamage'];
  /** When it was last written to, as it was opened: nanoseconds. */
  readonly modified: bigint;
  #closed = false;

  private constructor(
    file: SlotSource & { readonly name: string; readonly sizeBytes: number; readonly modified: bigint },
    order: ChunkOrder,
    onDamage: LogFileOptions['onDamage'],
  ) {
    this.path = file.path;
    this.name = file.name;
    this.fd = file.fd;
    this.sizeBytes = file.sizeBytes;
    this.header = file.header;
    this.slots = file.slots;
    this.blockSize = file.blockSize;
    this.order = order;
    this.modified = file.modified;
    this.#onDamage = onDamage;
  }

  /**
   * Opens a log. Cancelled or failed, nothing stays open.
   * @throws EvtError ERROR_FILE_NOT_FOUND (2), ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5), ERROR_INVALID_PARAMETER
   * (87) for anything that is no regular file, ERROR_EVENTLOG_FILE_CORRUPT (1500)
   */
  static *open(path: string, operation: Operation, options: LogFileOptions): Task<LogFile> {
    const { api } = operation;
    const stats = yield* statFile(path, api);
    if (!stats.isFile()) throw new EvtError('ERROR_INVALID_PARAMETER', api, `${path} is no regular file`);
    const fd = yield* openFile(path, api);
    try {
      const head = new Uint8Array(FILE_HEADER_SIZE);
      const count = yield* readAt(fd, head, 0, operation, path);
      const sizeBytes = Number(stats.size);
      const header = fileHeader(head.subarray(0, count), path, api, options);
      const blockSize = yield* firstChunkAt(fd, header.blockSize, path, operation);
      const slots = Math.max(0, Math.ceil((sizeBytes - blockSize) / CHUNK_SIZE));
      const modified = stats.mtimeNs;
      const file = { path, name: options.name, fd, sizeBytes, header, slots, blockSize, modified };
      const order = yield* findOrder(file, operation, {
        recover: options.recover,
        onForeign: (slot) => {
          const what = 'the slot holds no chunk, but is not empty';
          options.onDamage?.({ path, severity: 'error', slot, fileOffset: blockSize + slot * CHUNK_SIZE, what });
        },
      });
      return new LogFile(file, order, options.onDamage);
    } catch (error) {
      closeFile(fd);
      throw error;
    }
  }

  /** Byte offset of a slot. */
  offsetOf(slot: number): number {
    return this.blockSize + slot * CHUNK_SIZE;
  }

  /** Somebody has written to it since it was opened. */
  get isChanged(): boolean {
    return modifiedTime(this.fd) !== this.modified;
  }

  /** Reports a damage with this log's path. */
  get onDamage(): LogFileOptions['onDamage'] {
    return this.#onDamage;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeFile(this.fd);
  }
}

/** Where the chunks begin: behind 4096 bytes, whatever the header says, unless they are only where it says. */
function* firstChunkAt(fd: number, blockSize: number, path: string, operation: Operation): Task<number> {
  if (blockSize === HEADER_BLOCK_SIZE) return blockSize;
  const [usual, claimed] = yield* readEach(fd, [HEADER_BLOCK_SIZE, blockSize], CHUNK_MAGIC.length, operation, path);
  return !hasChunkMagic(usual!) && hasChunkMagic(claimed!) ? blockSize : HEADER_BLOCK_SIZE;
}

function fileHeader(head: Uint8Array, path: string, api: string, options: LogFileOptions): FileHeader {
  const damage = (what: string) => options.onDamage?.({ path, severity: 'warning', slot: -1, fileOffset: 0, what });
  if (options.recover && !hasFileMagic(head)) {
    damage('the file header is gone: all chunks are read');
    return NO_HEADER;
  }
  let header: FileHeader;
  try {
    header = readFileHeader(head);
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
    throw new EvtError(error.symbol, api, `${path}: ${error.detail}`, { cause: error });
  }
  if (!header.checksumValid) damage('the checksum of the file header is wrong: all chunks are looked at');
  if (header.minorVersion > NEWEST_MINOR_VERSION) {
    damage(`format version ${header.majorVersion}.${header.minorVersion} is newer than any known one`);
  }
  return header;
}
