import * as path from 'node:path';
import type { Task } from '../operations/task.ts';
import type { Disk } from './disk.ts';

let made = 0;

/**
 * A file in the making, under a name of its own beside the target: `.NAME.PID-N.partial`. The target appears whole, or never, and
 * what stands there is not touched before.
 */
export class NewFile {
  readonly target: string;
  readonly fd: number;
  readonly #disk: Disk;
  readonly #partial: string;
  #open = true;

  /** @throws the file system's error, for example ENOENT where the folder is missing */
  constructor(target: string, disk: Disk) {
    this.target = target;
    this.#disk = disk;
    this.#partial = path.join(path.dirname(target), `.${path.basename(target)}.${process.pid}-${++made}.partial`);
    this.fd = disk.open(this.#partial, 'wx+');
  }

  write(position: number, bytes: Uint8Array): void {
    this.#disk.write(this.fd, bytes, position);
  }

  /** Everything written is on the disk. */
  *sync(): Task<void> {
    yield* this.#disk.sync(this.fd);
  }

  /**
   * Gives the file its name, in one step.
   * @param overwrite replaces what stands there; otherwise that is an EEXIST
   */
  publish(overwrite: boolean): void {
    if (overwrite) this.#disk.rename(this.#partial, this.target);
    else this.#disk.link(this.#partial, this.target);
  }

  /** Lets go of it; what was not published is gone. */
  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#disk.close(this.fd);
    try {
      this.#disk.remove(this.#partial);
    } catch {
      // A name too many, which says what it is; whether the target is there has been decided.
    }
  }
}
