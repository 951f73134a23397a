import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { EvtError } from '../errors/evt-error.ts';
import type { Win32Symbol } from '../errors/win32.ts';
import { io, type Task } from '../operations/task.ts';

/**
 * Everything a store does to its folder. One layer, so that a test can let each single write, sync and rename fail in turn.
 *
 * Writes go to the system's page cache, which takes microseconds and outlives this process; only waiting for the disk itself
 * takes long, and is asynchronous where the caller is.
 */
export interface Disk {
  /** @param flags of open(2): `r`, `r+`, or `wx+` for a file that must not be there yet */
  open(file: string, flags: 'r' | 'r+' | 'wx+'): number;
  close(fd: number): void;
  /** @returns bytes read: fewer than asked for at the file's end */
  read(fd: number, bytes: Uint8Array, position: number): number;
  /** Writes all of it. */
  write(fd: number, bytes: Uint8Array, position: number): void;
  truncate(fd: number, sizeBytes: number): void;
  /** Returns when what was written to the file is on the disk. */
  sync(fd: number): Task<void>;
  /** Returns when the names in a folder are on the disk. */
  syncFolder(folder: string): Task<void>;
  /** Replaces `to` in one step. */
  rename(from: string, to: string): void;
  /** A second name for a file; fails where `to` is there. */
  link(from: string, to: string): void;
  remove(file: string): void;
}

const fsyncAsync = promisify(fs.fsync);

export const nodeDisk: Disk = {
  open: (file, flags) => fs.openSync(file, flags),
  close: (fd) => fs.closeSync(fd),
  read: (fd, bytes, position) => {
    let done = 0;
    while (done < bytes.length) {
      const count = fs.readSync(fd, bytes, done, bytes.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  },
  write: (fd, bytes, position) => {
    for (let done = 0; done < bytes.length; ) {
      done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done);
    }
  },
  truncate: (fd, sizeBytes) => fs.ftruncateSync(fd, sizeBytes),
  sync: (fd) => io({ sync: () => fs.fsyncSync(fd), async: () => fsyncAsync(fd) }) as Task<void>,
  *syncFolder(folder) {
    // Windows has no such thing: its file system orders names by itself.
    if (process.platform === 'win32') return;
    const fd = fs.openSync(folder, 'r');
    try {
      yield* io({ sync: () => fs.fsyncSync(fd), async: () => fsyncAsync(fd) });
    } finally {
      fs.closeSync(fd);
    }
  },
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  remove: (file) => fs.rmSync(file, { force: true }),
};

/** What the file system calls a failed change, as Windows would. */
const CODES: Readonly<Record<string, Win32Symbol>> = {
  EACCES: 'ERROR_ACCESS_DENIED',
  EPERM: 'ERROR_ACCESS_DENIED',
  EROFS: 'ERROR_ACCESS_DENIED',
  ENOSPC: 'ERROR_DISK_FULL',
  EDQUOT: 'ERROR_DISK_FULL',
  EFBIG: 'ERROR_DISK_FULL',
  EEXIST: 'ERROR_FILE_EXISTS',
  ENOTDIR: 'ERROR_PATH_NOT_FOUND',
  ENAMETOOLONG: 'ERROR_INVALID_NAME',
  EMFILE: 'ERROR_TOO_MANY_OPEN_FILES',
  ENFILE: 'ERROR_TOO_MANY_OPEN_FILES',
};

/**
 * Turns the failure of a change into the Win32 one: 112 for a full disk, 5 without rights, 80 for a file that is there. What is no
 * failure of the file system stays what it is: an AbortSignal's reason is whatever its owner likes, and may have a code, too.
 */
export function diskError(error: unknown, api: string, file: string): unknown {
  const { code, errno } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (typeof code !== 'string' || typeof errno !== 'number') return error;
  const because = (symbol: Win32Symbol, detail: string) => new EvtError(symbol, api, detail, { cause: error });
  if (code === 'ENOENT') {
    const folder = path.dirname(file);
    return fs.existsSync(folder)
      ? because('ERROR_FILE_NOT_FOUND', `there is no file ${file}`)
      : because('ERROR_PATH_NOT_FOUND', `there is no folder ${folder}`);
  }
  const symbol = CODES[code] ?? 'ERROR_WRITE_FAULT';
  const advice = symbol === 'ERROR_DISK_FULL' ? ': make room, and write again' : '';
  return because(symbol, `${file}: ${(error as Error).message}${advice}`);
}
