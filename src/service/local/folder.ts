import * as path from 'node:path';
import { EvtError } from '../../errors/evt-error.ts';
import type { Task } from '../../operations/task.ts';
import { checkChannelName, isLogFileName } from '../../store/channel-name.ts';
import type { Channel, StoreConfiguration } from '../../store/store-configuration.ts';
import { listFolder } from './files.ts';

/** The log files of a folder, by name. */
export function* logFiles(folder: string, api: string): Task<string[]> {
  return (yield* listFolder(folder, api)).filter(isLogFileName).map((name) => path.join(folder, name));
}

/**
 * A channel of a folder of logs; names are compared without regard to case.
 * @param folder undefined: there is none
 * @throws EvtError ERROR_EVT_INVALID_CHANNEL_PATH (15000), ERROR_EVT_CHANNEL_NOT_FOUND (15007)
 */
export function channelOf(folder: StoreConfiguration | undefined, channel: string, api: string): Channel {
  checkChannelName(channel, api);
  if (folder !== undefined) return folder.channel(channel, api);
  const advice = 'name a file, or a folder of logs (--logs, WINEVT_LOGS), or write to the store first (winevt write)';
  throw new EvtError('ERROR_EVT_CHANNEL_NOT_FOUND', api, `there is no channel "${channel}": ${advice}`);
}
