import { homedir } from 'node:os';
import * as path from 'node:path';

/** Where this user's caches are: what is in it may be deleted at any time. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return path.join(LOCALAPPDATA ?? homedir(), 'winevt', 'cache');
  if (process.platform === 'darwin') return path.join(homedir(), 'Library', 'Caches', 'winevt');
  return path.join(XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'winevt');
}
