// Where the parsers that we are compared with are installed: not among the project's own dependencies.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const peersFolder = join(fileURLToPath(new URL('../..', import.meta.url)), '.winevt', 'peers');
