import * as fs from 'node:fs';
import * as path from 'node:path';

/**
 * Wakes who follows a log when its file may have changed: at once where the system tells of changes in the folder or a writer
 * in this thread calls {@link notifyLogChanged}, and by a slow poll where nobody tells: network drives, mapped files, a system
 * that has run out of watches.
 *
 * Only waiting keeps the process running. Being woken for nothing is harmless, not being woken is not.
 */
const POLL_MS = 250;
/** Every so many polls, who waits looks for himself: writes to a mapped file may show nowhere else. */
const POLLS_PER_LOOK = 4;
/** A file's time may not change when it is written to twice within this time. */
const TIME_GRAIN_MS = 2 * POLL_MS;

/** Names are compared without case: on some systems two spellings are one file. */
function keyOf(file: string): string {
  return path.resolve(file).toLowerCase();
}

/** One file that somebody follows. */
class WatchedFile {
  readonly path: string;
  /** Moves with every sign of a change. */
  changes = 0;
  readonly waiting = new Set<() => void>();
  followers = 0;
  #seen = '';

  constructor(file: string) {
    this.path = file;
  }

  wake(): void {
    this.changes++;
    for (const callback of [...this.waiting]) callback();
  }

  /** @param isTick of the timer: only then a time that just passed counts as a change, or each wait would end at once */
  async poll(isTick: boolean): Promise<void> {
    let seen = 'missing';
    let recent = false;
    try {
      const { dev, ino, size, mtimeMs } = await fs.promises.stat(this.path);
      seen = `${dev} ${ino} ${size} ${mtimeMs}`;
      recent = isTick && Math.abs(Date.now() - mtimeMs) < TIME_GRAIN_MS;
    } catch {
      // Between two files: the next one will be seen.
    }
    if (seen === this.#seen && !recent) return;
    this.#seen = seen;
    this.wake();
  }
}

/** The files of one folder, and the system's watch on it. */
class WatchedFolder {
  readonly files = new Map<string, WatchedFile>();
  #watcher: fs.FSWatcher | undefined;

  constructor(folder: string) {
    try {
      this.#watcher = fs.watch(folder, { persistent: false }, (_, name) => this.#changed(name));
      // No more watches to be had, or the folder is gone: the poll goes on.
      this.#watcher.on('error', () => this.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  #changed(name: string | null): void {
    const key = name?.toLowerCase();
    for (const file of this.files.values()) {
      if (key === undefined || path.basename(file.path).toLowerCase() === key) file.wake();
    }
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}

const folders = new Map<string, WatchedFolder>();

/** The poll: it runs while somebody waits. */
const polled = new Map<WatchedFile, number>();
let timer: NodeJS.Timeout | undefined;
let polls = 0;

function startPolling(file: WatchedFile): void {
  polled.set(file, (polled.get(file) ?? 0) + 1);
  void file.poll(false);
  timer ??= setInterval(() => {
    polls++;
    for (const each of polled.keys()) {
      if (polls % POLLS_PER_LOOK === 0) each.wake();
      else void each.poll(true);
    }
  }, POLL_MS);
}

function stopPolling(file: WatchedFile): void {
  const waiting = polled.get(file)! - 1;
  if (waiting > 0) polled.set(file, waiting);
  else polled.delete(file);
  if (polled.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/**
 * Tells those who follow a log in this thread that it has just been written to, replaced or cleared. Others find out by
 * themselves, a little later.
 */
export function notifyLogChanged(file: string): void {
  folders
    .get(path.dirname(keyOf(file)))
    ?.files.get(keyOf(file))
    ?.wake();
}

/** Watches of this thread. For tests that look for leaks. */
export function watchedLogCount(): number {
  let count = 0;
  for (const { files } of folders.values()) count += files.size;
  return count + polled.size;
}

/** Waits for changes of some logs. Nothing is watched before the first wait. */
export class LogWatch {
  readonly #paths: readonly string[];
  #files: WatchedFile[] | undefined;

  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** Moves whenever one of the logs may have changed: ask before looking, and wait for it to move on. */
  get changes(): number {
    return this.#files?.reduce((sum, { changes }) => sum + changes, 0) ?? -1;
  }

  /**
   * Calls back once when {@link changes} is no longer what it was.
   * @returns ends the wait
   */
  onChange(seen: number, callback: () => void): () => void {
    const files = this.#open();
    let waiting = true;
    const end = () => {
      if (!waiting) return;
      waiting = false;
      for (const file of files) {
        file.waiting.delete(wake);
        stopPolling(file);
      }
    };
    const wake = () => {
      if (!waiting) return;
      end();
      callback();
    };
    for (const file of files) {
      file.waiting.add(wake);
      startPolling(file);
    }
    if (seen !== this.changes) queueMicrotask(wake);
    return end;
  }

  #open(): readonly WatchedFile[] {
    this.#files ??= this.#paths.map((file) => {
      const key = keyOf(file);
      const folderKey = path.dirname(key);
      let folder = folders.get(folderKey);
      if (folder === undefined) {
        folder = new WatchedFolder(path.dirname(path.resolve(file)));
        folders.set(folderKey, folder);
      }
      let watched = folder.files.get(key);
      if (watched === undefined) {
        watched = new WatchedFile(path.resolve(file));
        folder.files.set(key, watched);
      }
      watched.followers++;
      return watched;
    });
    return this.#files;
  }

  /** Ends watching. */
  close(): void {
    for (const file of this.#files ?? []) {
      if (--file.followers > 0) continue;
      const key = keyOf(file.path);
      const folderKey = path.dirname(key);
      const folder = folders.get(folderKey)!;
      folder.files.delete(key);
      if (folder.files.size > 0) continue;
      folder.close();
      folders.delete(folderKey);
    }
    this.#files = undefined;
  }
}
