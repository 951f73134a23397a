import * as path from 'node:path';
import { EvtError } from '../../errors/evt-error.ts';
import type { Task } from '../../operations/task.ts';
import { listFolder } from './files.ts';

const EXTENSION = '.evtx';
/** How Windows spells the slash of a channel name in a file name. Other percent signs stand for themselves. */
const SLASH = '%4';
/** Characters no channel name has (ERROR_EVT_INVALID_CHANNEL_PATH); a slash is allowed. */
const ILLEGAL = /[\0-\x1f<>|\\":'*?`&]/;

/** `Microsoft-Windows-Sysmon/Operational` of `Microsoft-Windows-Sysmon%4Operational.evtx`. */
export function channelOfFile(fileName: string): string {
  return fileName.slice(0, -EXTENSION.length).replaceAll(SLASH, '/');
}

export function isLogFileName(fileName: string): boolean {
  return fileName.toLowerCase().endsWith(EXTENSION);
}

/** Where the log of a channel belongs that is not there yet. */
export function newChannelFile(folder: string, channel: string): string {
  return path.join(folder, `${channel.replaceAll('/', SLASH)}${EXTENSION}`);
}

/** The log files of a folder, by name. */
export function* logFiles(folder: string, api: string): Task<string[]> {
  return (yield* listFolder(folder, api)).filter(isLogFileName).map((name) => path.join(folder, name));
}

/**
 * The file of a channel in a folder of logs; names are compared without regard to case.
 * @throws EvtError ERROR_EVT_INVALID_CHANNEL_PATH (15000), ERROR_EVT_CHANNEL_NOT_FOUND (15007)
 */
export function* channelFile(folder: string | undefined, channel: string, api: string): Task<string> {
  if (channel === '' || ILLEGAL.test(channel)) {
    throw new EvtError('ERROR_EVT_INVALID_CHANNEL_PATH', api, `"${channel}" is no channel name`);
  }
  if (folder === undefined) {
    const advice = 'name a file, or a folder of logs (--logs, WINEVT_LOGS), or write to the store first (winevt write)';
    throw new EvtError('ERROR_EVT_CHANNEL_NOT_FOUND', api, `there is no channel "${channel}": ${advice}`);
  }
  const names = (yield* listFolder(folder, api)).filter(isLogFileName);
  const wanted = channel.toLowerCase();
  const found = names.find((name) => channelOfFile(name).toLowerCase() === wanted);
  if (found === undefined) {
    throw new EvtError('ERROR_EVT_CHANNEL_NOT_FOUND', api, `there is no channel "${channel}" in ${folder}`);
  }
  return path.join(folder, found);
}
