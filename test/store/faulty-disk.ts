import { type Disk, nodeDisk } from '../../src/store/disk.ts';

/** What a failing disk says. */
export class Failure extends Error {
  readonly code: string;
  /** What tells an error of the file system from any other that has a code. */
  readonly errno = -1;

  constructor(code: string) {
    super(`${code}: made to fail`);
    this.code = code;
  }
}

/** Changes that were made through a disk, and the one that fails. */
export interface Faults {
  /** Changes so far. */
  changes: number;
  /** The change that fails, counted from 1; and all behind it, when it is a disk that stays dead. */
  failAt: number;
  staysDead: boolean;
  /** What failed was the removal of a file: who has done his work need not fail for that. */
  wasRemoval?: boolean;
  readonly code: string;
  /** A write that fails has written half of its bytes before. */
  readonly tears: boolean;
}

/** The real disk, whose n-th write, truncation, sync, link, rename or removal fails. */
export function faultyDisk(faults: Faults): Disk {
  const fails = () => {
    faults.changes++;
    return faults.staysDead ? faults.changes >= faults.failAt : faults.changes === faults.failAt;
  };
  const change = (act: () => void) => {
    if (fails()) throw new Failure(faults.code);
    act();
  };
  return {
    ...nodeDisk,
    open: (file, flags) => {
      if (flags === 'wx+' && fails()) throw new Failure(faults.code);
      return nodeDisk.open(file, flags);
    },
    write: (fd, bytes, position) => {
      if (!fails()) {
        nodeDisk.write(fd, bytes, position);
        return;
      }
      if (faults.tears) nodeDisk.write(fd, bytes.subarray(0, bytes.length >> 1), position);
      throw new Failure(faults.code);
    },
    truncate: (fd, size) => change(() => nodeDisk.truncate(fd, size)),
    *sync(fd) {
      if (fails()) throw new Failure(faults.code);
      yield* nodeDisk.sync(fd);
    },
    *syncFolder(folder) {
      if (fails()) throw new Failure(faults.code);
      yield* nodeDisk.syncFolder(folder);
    },
    rename: (from, to) => change(() => nodeDisk.rename(from, to)),
    link: (from, to) => change(() => nodeDisk.link(from, to)),
    remove: (file) => {
      faults.wasRemoval = faults.changes + 1 === faults.failAt;
      change(() => nodeDisk.remove(file));
    },
  };
}
