import * as path from 'node:path';
import type { Task } from '../operations/task.ts';
import type { Disk } from './disk.ts';

/** How much of the target's name the file in the making shows: it must fit wherever the target's own name does. */
const SHOWN = 40;

/** What systems say that give a file no second name: FAT and exFAT, many shares of other machines, Android. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EISDIR',
  'EMLINK',
]);

/**
 * A file in the making, under a name of its own beside the target: `.NAME.RANDOM.partial`. The target appears whole, or never, and
 * what stands there is not touched before.
 */
export class NewFile {
  readonly target: string;
  readonly fd: number;
  readonly #disk: Disk;
  readonly #partial: string;
  #unsynced = 0;
  #open = true;

  /** @throws the file system's error, for example ENOENT where the folder is missing */
  constructor(target: string, disk: Disk) {
    this.target = target;
    this.#disk = disk;
    // A process id would not do: threads share it, and in a container every run has the same one as the run that was killed.
    const random = Math.random().toString(36).slice(2);
    const shown = path.basename(target).slice(0, SHOWN);
    this.#partial = path.join(path.dirname(target), `.${shown}.${random}.partial`);
    this.fd = disk.open(this.#partial, 'wx+');
  }

  /** Bytes written since the last {@link sync}. */
  get unsyncedBytes(): number {
    return this.#unsynced;
  }

  write(position: number, bytes: Uint8Array): void {
    this.#disk.write(this.fd, bytes, position);
    this.#unsynced += bytes.length;
  }

  /** Everything written is on the disk. */
  *sync(): Task<void> {
    yield* this.#disk.sync(this.fd);
    this.#unsynced = 0;
  }

  /**
   * Gives the file its name, in one step; where a file system knows no second names, in two, with an empty file in between.
   * @param overwrite replaces what stands there; otherwise that is an EEXIST
   */
  publish(overwrite: boolean): void {
    if (overwrite) {
      this.#disk.rename(this.#partial, this.target);
      return;
    }
    try {
      this.#disk.link(this.#partial, this.target);
    } catch (error) {
      if (!NO_LINKS.has((error as NodeJS.ErrnoException).code)) throw error;
      this.#takeName();
    }
  }

  /** Only an empty file can be made where nothing may be replaced: then this one replaces that. */
  #takeName(): void {
    this.#disk.close(this.#disk.open(this.target, 'wx+'));
    try {
      this.#disk.rename(this.#partial, this.target);
    } catch (error) {
      this.#disk.remove(this.target);
      throw error;
    }
  }

  /** Lets go of it; what was not published is gone. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      try {
        this.#disk.close(this.fd);
      } finally {
        this.#disk.remove(this.#partial);
      }
    } catch {
      // A name too many, which says what it is; whether the target is there has been decided.
    }
  }
}
