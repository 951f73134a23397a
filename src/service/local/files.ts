import * as fs from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import { EvtError } from '../../errors/evt-error.ts';
import type { Win32Symbol } from '../../errors/win32.ts';
import type { Operation } from '../../operations/operation.ts';
import { io, isAsynchronous, type Task } from '../../operations/task.ts';

const readAsync = promisify(fs.read) as (
  fd: number,
  buffer: Uint8Array,
  offset: number,
  length: number,
  position: number,
) => Promise<{ bytesRead: number }>;
const openAsync = promisify(fs.open) as (path: string, flags: number) => Promise<number>;
const statAsync = promisify(fs.stat) as (path: string, options: { bigint: true }) => Promise<fs.BigIntStats>;
const fstatAsync = promisify(fs.fstat) as (fd: number, options: { bigint: true }) => Promise<fs.BigIntStats>;

/** What the file system calls an error, as Windows would. */
const CODES: Readonly<Record<string, Win32Symbol>> = {
  EACCES: 'ERROR_ACCESS_DENIED',
  EPERM: 'ERROR_ACCESS_DENIED',
  EMFILE: 'ERROR_TOO_MANY_OPEN_FILES',
  ENFILE: 'ERROR_TOO_MANY_OPEN_FILES',
  ENOTDIR: 'ERROR_PATH_NOT_FOUND',
  ENAMETOOLONG: 'ERROR_INVALID_NAME',
  EIO: 'ERROR_READ_FAULT',
};

/** Turns a file system error into the Win32 one: 2 for a missing file, 3 for a missing folder, 5 without rights. */
export function fileError(error: unknown, api: string, file: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === undefined) return error;
  const because = (symbol: Win32Symbol, detail: string) => new EvtError(symbol, api, detail, { cause: error });
  if (code === 'ENOENT') {
    const folder = path.dirname(file);
    return fs.existsSync(folder)
      ? because('ERROR_FILE_NOT_FOUND', `there is no file ${file}`)
      : because('ERROR_PATH_NOT_FOUND', `there is no folder ${folder}`);
  }
  if (code === 'EACCES' || code === 'EPERM') return because(CODES[code]!, `${file} may not be read by this user`);
  return because(CODES[code] ?? 'ERROR_GEN_FAILURE', `${file}: ${(error as Error).message}`);
}

function* attempt<T>(api: string, file: string, request: { sync(): T; async(): Promise<T> }): Task<T> {
  try {
    return yield* io(request);
  } catch (error) {
    throw fileError(error, api, file);
  }
}

export function* statFile(file: string, api: string): Task<fs.BigIntStats> {
  return yield* attempt(api, file, {
    sync: () => fs.statSync(file, { bigint: true }),
    async: () => statAsync(file, { bigint: true }),
  });
}

/** What is known of an open file, whatever name it has now. */
export function* statOpenFile(fd: number, api: string, file: string): Task<fs.BigIntStats> {
  return yield* attempt(api, file, {
    sync: () => fs.fstatSync(fd, { bigint: true }),
    async: () => fstatAsync(fd, { bigint: true }),
  });
}

/** When an open file was last written to, in nanoseconds. Asked once per block: the system knows it without the disk. */
export function modifiedTime(fd: number): bigint {
  return fs.fstatSync(fd, { bigint: true }).mtimeNs;
}

/**
 * Opens a file for reading only, and on Linux without moving its access time where the system allows that: evidence stays
 * as it is.
 */
export function* openFile(file: string, api: string): Task<number> {
  const plain = fs.constants.O_RDONLY;
  const quiet = plain | (fs.constants.O_NOATIME ?? 0);
  return yield* attempt(api, file, {
    sync: () => {
      try {
        return fs.openSync(file, quiet);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
        return fs.openSync(file, plain);
      }
    },
    async: () =>
      openAsync(file, quiet).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EPERM') throw error;
        return openAsync(file, plain);
      }),
  });
}

/** Reads that have been begun, by file: those that nobody waits for any more, too. */
const begun = new Map<number, Set<Promise<unknown>>>();

/** Notes that a file is being read: it stays open until that is done, so that its descriptor does not become another's. */
function begin<T>(fd: number, reading: Promise<T>, api: string, file: string): Promise<T> {
  const told = reading.catch((error: unknown) => {
    throw fileError(error, api, file);
  });
  const reads = begun.get(fd) ?? new Set();
  begun.set(fd, reads.add(told));
  const done = () => {
    reads.delete(told);
    if (reads.size === 0) begun.delete(fd);
  };
  // It may be that nobody takes it.
  told.then(done, done);
  return told;
}

/** Reads until `buffer` is full or the file ends: a system may give less than it is asked for. */
async function fill(fd: number, buffer: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const { bytesRead } = await readAsync(fd, buffer, done, buffer.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** The same, while nothing else runs. */
function fillNow(fd: number, buffer: Uint8Array, position: number, api: string, file: string): number {
  try {
    let done = 0;
    while (done < buffer.length) {
      const count = fs.readSync(fd, buffer, done, buffer.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  } catch (error) {
    throw fileError(error, api, file);
  }
}

/** Begins to read at `position` until `buffer` is full or the file ends; gives the bytes read. */
export function beginRead(
  fd: number,
  buffer: Uint8Array,
  position: number,
  api: string,
  file: string,
): Promise<number> {
  return begin(fd, fill(fd, buffer, position), api, file);
}

/**
 * Reads at `position` until `buffer` is full or the file ends. Cancelled where others run, it may still be written to.
 * @returns bytes read
 */
export function* readAt(
  fd: number,
  buffer: Uint8Array,
  position: number,
  operation: Operation,
  file: string,
): Task<number> {
  const { api } = operation;
  if (yield* isAsynchronous()) return yield* operation.until(beginRead(fd, buffer, position, api, file));
  return fillNow(fd, buffer, position, api, file);
}

/** Reads `size` bytes at each position, in one request: in parallel where that is possible. Short at the end of the file. */
export function* readEach(
  fd: number,
  positions: readonly number[],
  size: number,
  operation: Operation,
  file: string,
): Task<Uint8Array[]> {
  const { api } = operation;
  const buffer = new Uint8Array(size * positions.length);
  const parts = positions.map((_, i) => buffer.subarray(i * size, (i + 1) * size));
  // When one has failed, the others still go on.
  const counts = (yield* isAsynchronous())
    ? yield* operation.until(Promise.all(positions.map((at, i) => beginRead(fd, parts[i]!, at, api, file))))
    : positions.map((at, i) => fillNow(fd, parts[i]!, at, api, file));
  return parts.map((part, i) => part.subarray(0, counts[i]));
}

/** Names in a folder, sorted. */
export function* listFolder(folder: string, api: string): Task<string[]> {
  const names = yield* attempt(api, folder, {
    sync: () => fs.readdirSync(folder),
    async: () => fs.promises.readdir(folder),
  });
  return names.sort();
}

/** Closes a file, once nobody reads it; a failure to do so has nobody to tell and nothing to undo. */
export function closeFile(fd: number): void {
  const reads = begun.get(fd);
  if (reads === undefined) fs.close(fd, () => {});
  else void Promise.allSettled(reads).then(() => fs.close(fd, () => {}));
}
