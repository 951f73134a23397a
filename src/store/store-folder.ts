import * as fs from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import { CLASSIC_CHANNELS } from './channel-config.ts';
import { newLog } from './channel-log.ts';
import { fileOfChannel } from './channel-name.ts';
import { diskError } from './disk.ts';

/** What makes a folder of logs a store: it holds the channels' properties. */
export const CONFIGURATION_FILE = 'winevt-store.json';

const NEW_CONFIGURATION = `${JSON.stringify(
  { version: 1, channels: Object.fromEntries(CLASSIC_CHANNELS.map((name) => [name, {}])) },
  undefined,
  2,
)}\n`;

/** Where the store is when nobody says: in this user's data folder. */
export function defaultStoreFolder(): string {
  const { XDG_DATA_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return path.join(LOCALAPPDATA ?? homedir(), 'winevt', 'store');
  if (process.platform === 'darwin') return path.join(homedir(), 'Library', 'Application Support', 'winevt', 'store');
  return path.join(XDG_DATA_HOME || path.join(homedir(), '.local', 'share'), 'winevt', 'store');
}

export function isStore(folder: string): boolean {
  return fs.existsSync(path.join(folder, CONFIGURATION_FILE));
}

/**
 * Makes a folder a store that can be written to, where it is none: it must be missing or empty. A folder of somebody else's
 * logs, such as a mounted image's, stays as it is.
 * @throws EvtError ERROR_ACCESS_DENIED (5) for a folder with other files in it, and without rights
 */
export function prepareStore(folder: string, api: string): void {
  if (isStore(folder)) return;
  const file = path.join(folder, CONFIGURATION_FILE);
  try {
    fs.mkdirSync(folder, { recursive: true });
    if (fs.readdirSync(folder).some((name) => !name.startsWith('.'))) {
      const advice = 'name one that is empty, or does not exist yet (--store DIR, WINEVT_STORE)';
      throw new EvtError('ERROR_ACCESS_DENIED', api, `${folder} is a folder of files, but no store: ${advice}`);
    }
    // Another process may make it at the same time: either's file will do.
    const draft = `${file}.${process.pid}.new`;
    fs.writeFileSync(draft, NEW_CONFIGURATION);
    fs.renameSync(draft, file);
    for (const channel of CLASSIC_CHANNELS) writeNew(path.join(folder, fileOfChannel(channel)), newLog(1n, undefined));
  } catch (error) {
    throw diskError(error, api, file);
  }
}

/** Writes a file that is not there yet; who was quicker has written the same. */
function writeNew(file: string, bytes: Uint8Array): void {
  try {
    fs.writeFileSync(file, bytes, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
