import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const { WINEVT_CORPUS } = process.env;

/** The folder of real logs: `WINEVT_CORPUS`, or `shared/corpus` beside the checkout. Undefined when there is none. */
export const corpus: string | undefined = [
  WINEVT_CORPUS,
  fileURLToPath(new URL('../../shared/corpus', import.meta.url)),
].find((folder) => folder !== undefined && existsSync(folder));

/** Why a test that needs real logs is skipped. */
export const NO_CORPUS = 'no corpus of real logs: set WINEVT_CORPUS to its folder';

/** Paths of all its logs, relative to it, sorted. */
export function corpusLogs(): string[] {
  if (corpus === undefined) return [];
  const paths = readdirSync(corpus, { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => path.endsWith('.evtx')).sort();
}

/** Full path of a log in the corpus. */
export function corpusPath(path: string): string {
  return join(corpus ?? '', path);
}
