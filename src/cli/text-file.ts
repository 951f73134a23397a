import { readFileSync } from 'node:fs';
import { fileError } from '../service/local/files.ts';

/**
 * A text file as Windows' tools write them: UTF-8, or UTF-16 that says so in its first two bytes.
 * @throws EvtError ERROR_FILE_NOT_FOUND (2), ERROR_PATH_NOT_FOUND (3), ERROR_ACCESS_DENIED (5)
 */
export function readTextFile(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(error, 'winevt', path);
  }
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return bytes.toString(isUtf16 ? 'utf16le' : 'utf8').replace(/^\ufeff/, '');
}
