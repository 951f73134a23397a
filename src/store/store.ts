import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import { Operation } from '../operations/operation.ts';
import { OperationQueue } from '../operations/operation-queue.ts';
import { io, type Task } from '../operations/task.ts';
import { logLimits } from './channel-config.ts';
import { type AppendResult, ChannelLog, type Draft, type Durability } from './channel-log.ts';
import { clearLog } from './clear-log.ts';
import { type Clearer, clearedEvent, recordingChannel } from './cleared-event.ts';
import { type Disk, nodeDisk } from './disk.ts';
import { StoreLock } from './lock.ts';
import { type Channel, StoreConfiguration } from './store-configuration.ts';
import { CONFIGURATION_FILE } from './store-folder.ts';
import { EventWriterForms, type NewEvent } from './written-event.ts';

export interface StoreOptions {
  readonly disk?: Disk | undefined;
  /** Told of each file that was changed here. */
  readonly onChanged?: ((file: string) => void) | undefined;
}

const LOCKS = '.locks';

/** One channel that this thread writes to. Its calls wait for each other here; for other threads and processes, at the lock. */
interface OpenChannel {
  readonly log: ChannelLog;
  readonly queue: OperationQueue;
}

/**
 * A folder of channels that can be written to: what is done to each log is in {@link ChannelLog} and `clear-log.ts`.
 */
export class Store {
  readonly folder: string;
  readonly configuration: StoreConfiguration;
  readonly #options: StoreOptions;
  readonly #disk: Disk;
  readonly #open = new Map<string, OpenChannel>();
  readonly #forms = new EventWriterForms();

  constructor(folder: string, options: StoreOptions = {}) {
    this.folder = folder;
    this.configuration = new StoreConfiguration(folder, this.lock(CONFIGURATION_FILE));
    this.#options = options;
    this.#disk = options.disk ?? nodeDisk;
  }

  /** The lock of something in this store: a log's file, or its configuration. */
  lock(name: string): StoreLock {
    return new StoreLock(path.join(this.folder, LOCKS, name));
  }

  /** A channel to write to; one that is not there is made by its first event. */
  #wanted(channel: string, api: string): Channel {
    return this.configuration.find(channel, api) ?? this.configuration.newChannel(channel, api);
  }

  #channel({ file }: Channel): OpenChannel {
    let open = this.#open.get(file);
    if (open === undefined) {
      const log = new ChannelLog(file, this.#disk, this.lock(path.basename(file)), this.#options.onChanged);
      open = { log, queue: new OperationQueue() };
      this.#open.set(file, open);
    }
    return open;
  }

  /** Runs a task when those before it on the same log have ended. */
  *#inTurn<T>({ queue }: OpenChannel, operation: Operation, task: () => Task<T>): Task<T> {
    return yield* io({ sync: () => queue.run(operation.api, task), async: () => queue.enqueue(task) });
  }

  /**
   * Writes events to a channel, in order; they are acknowledged by its end.
   * @returns for each its record id, or why it was not written: the others are not touched by that
   * @throws EvtError ERROR_EVT_CHANNEL_NOT_FOUND (15007), ERROR_ACCESS_DENIED (5), ERROR_DISK_FULL (112): nothing is acknowledged
   */
  *write(
    channel: string,
    events: readonly NewEvent[],
    durability: Durability,
    operation: Operation,
  ): Task<AppendResult[]> {
    const target = this.#wanted(channel, operation.api);
    if (!target.config.enabled) {
      const detail = `the channel "${target.name}" is not enabled: winevt sl "${target.name}" /e:true`;
      throw new EvtError('ERROR_ACCESS_DENIED', operation.api, detail);
    }
    const results: (AppendResult | undefined)[] = [];
    const drafts: Draft[] = [];
    for (const event of events) {
      try {
        drafts.push(this.#forms.draft(event, target.name));
        results.push(undefined);
      } catch (error) {
        if (!(error instanceof EvtError)) throw error;
        results.push(error);
      }
    }
    const open = this.#channel(target);
    const written =
      drafts.length === 0
        ? []
        : yield* this.#inTurn(open, operation, () =>
            open.log.append(drafts, logLimits(target.config), durability, operation),
          );
    let next = 0;
    return results.map((result) => result ?? written[next++]!);
  }

  /**
   * EvtClearLog; see {@link clearLog}. The clear is recorded as an event: Security's in Security, all others in System. Where
   * that cannot be written, the log is clear all the same.
   * @param backup absolute path; undefined: the events are dropped
   * @param onUnrecorded told why there is no such event
   * @param clearer      for whom it is done; undefined: whoever runs this process
   */
  *clear(
    channel: string,
    backup: string | undefined,
    operation: Operation,
    onUnrecorded: (error: unknown) => void = () => {},
    clearer?: Clearer,
  ): Task<void> {
    const target = this.configuration.channel(channel, operation.api);
    const recorded = recordingChannel(target.name);
    const event = clearedEvent(this.#forms, target.name, backup, clearer);
    const isOwn = recorded.toLowerCase() === target.name.toLowerCase();
    const open = this.#channel(target);
    yield* this.#inTurn(open, operation, () =>
      clearLog(open.log, backup, isOwn ? event : undefined, operation, this.#disk),
    );
    if (isOwn) return;
    // Past the commit point: a cancel that comes now has nothing to stop.
    try {
      const system = this.#wanted(recorded, operation.api);
      const other = this.#channel(system);
      const later = new Operation(operation.api, undefined);
      yield* this.#inTurn(other, later, () => other.log.append([event], logLimits(system.config), 'os', later));
    } catch (error) {
      onUnrecorded(error);
    }
  }

  /** Marks the logs that were written to as closed, and lets go of them. */
  *close(operation: Operation): Task<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    for (const open of all) yield* this.#inTurn(open, operation, () => open.log.close(operation));
  }
}
