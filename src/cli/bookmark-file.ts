import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { EventBookmark } from '../index.ts';
import { readTextFile } from './text-file.ts';

/** Reads what `/sbm` or wevtutil wrote. */
export function readBookmark(path: string): EventBookmark {
  return EventBookmark.parse(readTextFile(path));
}

/** Written beside and renamed: whoever reads the file sees the old bookmark or the new one. */
export function saveBookmark(path: string, bookmark: EventBookmark): void {
  const beside = `${path}.${process.pid}.new`;
  try {
    writeFileSync(beside, `${bookmark.xml}\r\n`);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new Error(`the bookmark cannot be written: ${(error as Error).message}`, { cause: error });
  }
}
