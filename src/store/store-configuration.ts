import * as fs from 'node:fs';
import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import type { Operation } from '../operations/operation.ts';
import type { Task } from '../operations/task.ts';
import { type ChannelConfig, checkConfig, defaultConfig } from './channel-config.ts';
import { channelKey, channelOfFile, checkChannelName, fileOfChannel, isChannelFileName } from './channel-name.ts';
import { type Configuration, configurationText, parseConfiguration } from './configuration.ts';
import { diskError } from './disk.ts';
import type { StoreLock } from './lock.ts';
import { CONFIGURATION_FILE } from './store-folder.ts';

/** A channel of a folder, as it is spelled there. */
export interface Channel {
  readonly name: string;
  readonly file: string;
  readonly config: ChannelConfig;
}

/**
 * The channels of a folder and their properties: a store's from its configuration file, any other folder's from the names of its
 * logs.
 */
export class StoreConfiguration {
  readonly folder: string;
  readonly #lock: StoreLock;
  /** What was read last, and from which state of the file: it is looked at again for every call. */
  #read: { readonly state: string; readonly configuration: Configuration } | undefined;

  /** Channels found since the configuration was last read. */
  #found: { readonly configuration: Configuration | undefined; readonly channels: Map<string, Channel> } = {
    configuration: undefined,
    channels: new Map(),
  };

  constructor(folder: string, lock: StoreLock) {
    this.folder = folder;
    this.#lock = lock;
  }

  get #file(): string {
    return path.join(this.folder, CONFIGURATION_FILE);
  }

  /** @throws EvtError ERROR_INVALID_DATA (13) for a file that is no configuration */
  #configuration(api: string): Configuration {
    const stats = fs.statSync(this.#file, { throwIfNoEntry: false });
    if (stats === undefined) return { channels: new Map(), other: {} };
    const state = `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    if (this.#read?.state === state) return this.#read.configuration;
    const configuration = parseConfiguration(fs.readFileSync(this.#file, 'utf8'), this.#file, api);
    this.#read = { state, configuration };
    return configuration;
  }

  /** Names of all channels: those that are configured, and those that have a log; sorted. */
  names(api: string): string[] {
    try {
      const byKey = new Map<string, string>();
      for (const name of fs.readdirSync(this.folder)) {
        if (isChannelFileName(name)) byKey.set(channelKey(channelOfFile(name)), channelOfFile(name));
      }
      for (const name of this.#configuration(api).channels.keys()) byKey.set(channelKey(name), name);
      return [...byKey.values()].sort((a, b) => (channelKey(a) < channelKey(b) ? -1 : 1));
    } catch (error) {
      throw diskError(error, api, this.folder);
    }
  }

  /**
   * A channel by its name, in whatever case.
   * @throws EvtError ERROR_EVT_INVALID_CHANNEL_PATH (15000), ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_INVALID_DATA (13)
   */
  channel(wanted: string, api: string): Channel {
    const found = this.find(wanted, api);
    if (found !== undefined) return found;
    const detail = `there is no channel "${wanted}" in ${this.folder}`;
    throw new EvtError('ERROR_EVT_CHANNEL_NOT_FOUND', api, detail);
  }

  /**
   * As {@link channel}; undefined when there is none of that name. What was found is believed as long as the configuration is what
   * it was: the logs of channels do not go away.
   */
  find(wanted: string, api: string): Channel | undefined {
    checkChannelName(wanted, api);
    const configuration = this.#configuration(api);
    if (this.#found.configuration !== configuration) this.#found = { configuration, channels: new Map() };
    const known = this.#found.channels.get(channelKey(wanted));
    if (known !== undefined && configuration === this.#read?.configuration) return known;
    const found = this.#find(wanted, api);
    if (found !== undefined) this.#found.channels.set(channelKey(wanted), found);
    return found;
  }

  #find(wanted: string, api: string): Channel | undefined {
    const name = this.names(api).find((one) => channelKey(one) === channelKey(wanted));
    return name === undefined ? undefined : this.#channel(name, this.#configuration(api), this.#files());
  }

  /** All channels, in the order of their {@link names}. */
  channels(api: string): Channel[] {
    const names = this.names(api);
    const configuration = this.#configuration(api);
    const files = this.#files();
    return names.map((name) => this.#channel(name, configuration, files));
  }

  #channel(name: string, configuration: Configuration, files: ReadonlyMap<string, string>): Channel {
    const config = configuration.channels.get(name) ?? defaultConfig(name);
    return { name, file: config.logFilePath ?? this.#logFile(name, files), config };
  }

  /** The files of the folder, by their names in lower case. */
  #files(): ReadonlyMap<string, string> {
    // Of names that differ in case only, the first counts.
    return new Map(
      fs
        .readdirSync(this.folder)
        .map((name) => [name.toLowerCase(), name] as const)
        .reverse(),
    );
  }

  /** Where the log of a channel is, or will be: under the spelling it has in the folder. */
  #logFile(channel: string, files: ReadonlyMap<string, string>): string {
    const wanted = fileOfChannel(channel);
    return path.join(this.folder, files.get(wanted.toLowerCase()) ?? wanted);
  }

  /** A channel that is not there yet, as it will be. */
  newChannel(name: string, api: string): Channel {
    checkChannelName(name, api);
    return { name, file: this.#logFile(name, this.#files()), config: defaultConfig(name) };
  }

  /**
   * Keeps a channel's properties, in one step: whoever reads the file meanwhile sees the old ones or the new.
   * @throws EvtError ERROR_EVT_INVALID_CHANNEL_PROPERTY_VALUE (15023), ERROR_ACCESS_DENIED (5), ERROR_DISK_FULL (112)
   */
  *save(channel: string, config: ChannelConfig, operation: Operation): Task<void> {
    const { api } = operation;
    checkConfig(config, api);
    const held = yield* this.#lock.acquire(operation);
    const draft = `${this.#file}.${process.pid}.new`;
    try {
      const { name } = this.channel(channel, api);
      const { channels, other } = this.#configuration(api);
      const text = configurationText({ channels: new Map([...channels, [name, config]]), other });
      operation.commit(() => {
        const fd = fs.openSync(draft, 'w');
        try {
          fs.writeFileSync(fd, text);
          fs.fsyncSync(fd);
        } finally {
          fs.closeSync(fd);
        }
        fs.renameSync(draft, this.#file);
      });
    } catch (error) {
      fs.rmSync(draft, { force: true });
      throw diskError(error, api, this.#file);
    } finally {
      held.release();
    }
  }
}
