import { EvtError } from '../../errors/evt-error.ts';
import { Store } from '../../store/store.ts';
import type { StoreConfiguration } from '../../store/store-configuration.ts';
import { isStore, prepareStore } from '../../store/store-folder.ts';
import { notifyLogChanged } from './log-watch.ts';

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
  return new Store(folder, { onChanged: notifyLogChanged });
}

/** The channels of a folder, for who only reads them. */
export function readConfiguration(folder: string): StoreConfiguration {
  return new Store(folder).configuration;
}
