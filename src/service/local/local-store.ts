import { EvtError } from '../../errors/evt-error.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { LogLimits } from '../../store/channel-log.ts';
import { type ChannelFile, Store } from '../../store/store.ts';
import { isStore, prepareStore } from '../../store/store-folder.ts';
import { channelFile, newChannelFile } from './folder.ts';
import { notifyLogChanged } from './log-watch.ts';

const LIMITS: LogLimits = { maxSizeBytes: 20 * 1024 * 1024, mode: 'circular' };

/**
 * The folder's store, for who changes it.
 * @param create makes the folder a store where it is missing or empty
 * @throws EvtError ERROR_ACCESS_DENIED (5) for a folder of logs that is no store
 */
export function openStore(folder: string | undefined, create: boolean, api: string): Store {
  if (folder === undefined) {
    throw new EvtError('ERROR_ACCESS_DENIED', api, 'this session has no store: give it one (--store, WINEVT_STORE)');
  }
  if (create) prepareStore(folder, api);
  else if (!isStore(folder)) {
    throw new EvtError('ERROR_ACCESS_DENIED', api, `${folder} is no store: its logs can only be read`);
  }
  return new Store(folder, {
    channel: (name, createChannel, operation) => findChannel(folder, name, createChannel, operation),
    onChanged: notifyLogChanged,
  });
}

function* findChannel(folder: string, name: string, create: boolean, operation: Operation): Task<ChannelFile> {
  const { api } = operation;
  try {
    const file = yield* channelFile(folder, name, api);
    return { name, file, limits: LIMITS, enabled: true };
  } catch (error) {
    if (!create || !(error instanceof EvtError) || error.symbol !== 'ERROR_EVT_CHANNEL_NOT_FOUND') throw error;
    return { name, file: newChannelFile(folder, name), limits: LIMITS, enabled: true };
  }
}
