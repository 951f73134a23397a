import * as fs from 'node:fs';
import * as path from 'node:path';
import { u64 } from '../bytes/little-endian.ts';
import { EvtError } from '../errors/evt-error.ts';
import { fileHeaderBytes } from '../evtx/file-writer.ts';
import { CHUNK_HEADER_SIZE, CHUNK_SIZE, ChunkHeaderOffset } from '../evtx/layout.ts';
import type { Operation } from '../operations/operation.ts';
import { type Task, TURN } from '../operations/task.ts';
import { type ChannelLog, type Draft, newLog } from './channel-log.ts';
import { type Disk, diskError } from './disk.ts';
import { chunkSlots, slotOffset } from './log-state.ts';
import { NewFile } from './new-file.ts';

/**
 * EvtClearLog of one log.
 *
 * The backup is made in two steps: all chunks but the newest are copied while others may write; what came since is copied while
 * nobody may. Then the backup gets its name, which is the commit point, and an empty log that goes on counting takes the log's
 * place in one step. At every moment each event is in the log or in the backup.
 *
 * @param backup absolute path of the file that gets all events; undefined: they are dropped
 * @param first the new log's first event: it says who cleared it
 * @throws EvtError ERROR_FILE_EXISTS (80) for a backup that is there, ERROR_PATH_NOT_FOUND (3) without its folder, ERROR_DISK_FULL
 *   (112), ERROR_ACCESS_DENIED (5), ERROR_CANCELLED (1223): the log is as it was, and there is no backup
 */
export function* clearLog(
  log: ChannelLog,
  backup: string | undefined,
  first: Draft | undefined,
  operation: Operation,
  disk: Disk,
): Task<void> {
  const { api } = operation;
  operation.checkpoint();
  if (backup === undefined) {
    yield* log.locked(operation, function* () {
      const bytes = newLog(this.nextRecordId, first);
      yield* this.replaceWith(bytes, undefined, () => operation.commit(() => {}));
    });
    return;
  }
  if (!path.isAbsolute(backup)) throw new EvtError('ERROR_INVALID_PARAMETER', api, `${backup} is no absolute path`);
  const target = startBackup(backup, api, disk);
  try {
    const copy = new LogCopy(target, disk);
    yield* copy.copyOld(log.file, operation);
    yield* log.locked(operation, function* () {
      yield* copy.copyRest(this.fd, this.file, operation);
      copy.finish(this.nextRecordId);
      yield* target.sync();
      const bytes = newLog(this.nextRecordId, first);
      // The new log is ready by then: all that is left is to give it the old one's name.
      yield* this.replaceWith(bytes, undefined, () => operation.commit(() => publish(target, api)));
      yield* disk.syncFolder(path.dirname(backup));
    });
  } catch (error) {
    throw diskError(error, api, backup);
  } finally {
    target.end();
  }
}

function startBackup(backup: string, api: string, disk: Disk): NewFile {
  if (fs.existsSync(backup)) throw exists(backup, api);
  try {
    return new NewFile(backup, disk);
  } catch (error) {
    throw diskError(error, api, backup);
  }
}

function exists(file: string, api: string): EvtError {
  return new EvtError('ERROR_FILE_EXISTS', api, `${file} is there already: name a new file`);
}

function publish(target: NewFile, api: string): void {
  try {
    target.publish(false);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(target.target, api);
    throw error;
  }
}

/** Chunks of a log in the order of their ids, in a file of their own. Its free space is as it was written: zeros. */
class LogCopy {
  readonly #target: NewFile;
  readonly #disk: Disk;
  readonly #bytes = new Uint8Array(CHUNK_SIZE);
  readonly #head = new Uint8Array(CHUNK_HEADER_SIZE);
  #slots = 0;
  /** First id of the last chunk copied. */
  #lastFirstId = -1n;
  #inode = 0n;

  constructor(target: NewFile, disk: Disk) {
    this.#target = target;
    this.#disk = disk;
  }

  /** All chunks but the newest, which may still grow. */
  *copyOld(file: string, operation: Operation): Task<void> {
    let fd: number;
    try {
      fd = this.#disk.open(file, 'r');
    } catch (error) {
      // A channel that nothing was written to.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    try {
      const { ino, size } = fs.fstatSync(fd, { bigint: true });
      this.#inode = ino;
      const slots = chunkSlots(this.#disk, fd, Number(size));
      for (const { slot, firstId } of slots.slice(0, -1)) {
        operation.checkpoint();
        yield TURN;
        this.#copy(fd, slot, firstId);
      }
    } finally {
      this.#disk.close(fd);
    }
  }

  /** What has been written since. Nobody may write meanwhile. */
  *copyRest(fd: number, file: string, operation: Operation): Task<void> {
    const { ino, size } = fs.fstatSync(fd, { bigint: true });
    if (ino !== this.#inode) {
      // Somebody else has cleared the log, and those events are his.
      this.#slots = 0;
      this.#lastFirstId = -1n;
    }
    for (const { slot, firstId } of chunkSlots(this.#disk, fd, Number(size))) {
      if (firstId <= this.#lastFirstId) continue;
      operation.checkpoint();
      yield TURN;
      if (!this.#copy(fd, slot, firstId)) {
        throw new EvtError(
          'ERROR_EVENTLOG_FILE_CORRUPT',
          operation.api,
          `${file}: slot ${slot} changes under the lock`,
        );
      }
    }
  }

  /** @returns false when the chunk made room for a newer one meanwhile: its events are overwritten, not cleared */
  #copy(fd: number, slot: number, firstId: bigint): boolean {
    this.#disk.read(fd, this.#bytes, slotOffset(slot));
    this.#disk.read(fd, this.#head, slotOffset(slot));
    const same = (bytes: Uint8Array) => u64(bytes, ChunkHeaderOffset.firstRecordId) === firstId;
    if (!same(this.#bytes) || !same(this.#head)) return false;
    this.#target.write(slotOffset(this.#slots), this.#bytes.slice());
    this.#slots++;
    this.#lastFirstId = firstId;
    return true;
  }

  finish(nextRecordId: bigint): void {
    if (this.#slots === 0) {
      this.#target.write(0, newLog(nextRecordId, undefined));
      return;
    }
    const header = { oldestChunk: 0, currentChunk: this.#slots - 1, nextRecordId, chunkCount: this.#slots, flags: 0 };
    this.#target.write(0, fileHeaderBytes(header));
  }
}
