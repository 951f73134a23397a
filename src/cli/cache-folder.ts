import { homedir } from 'node:os';
import * as path from 'node:path';

/** Where this user's caches are: what is in it may be deleted at any time. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return path.join(LOCALAPPDATA || homedir(), 'winevt', 'cache');
  if (process.platform === 'darwin') return path.join(homedir(), 'Library', 'Caches', 'winevt');
  // One that is not absolute counts for nothing: what is found in the current folder may be anybody's.
  const given = XDG_CACHE_HOME !== undefined && path.isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : undefined;
  return path.join(given ?? path.join(homedir(), '.cache'), 'winevt');
}
