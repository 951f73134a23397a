import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { fileTimeOfUnixMs } from '../../bytes/time.ts';
import { EvtError } from '../../errors/evt-error.ts';
import { CHUNK_SIZE } from '../../evtx/layout.ts';
import type { Operation } from '../../operations/operation.ts';
import type { Task } from '../../operations/task.ts';
import type { MessageRequest } from '../../providers/metadata.ts';
import { type ParsedQuery, parseQuery } from '../../query/index.ts';
import type { ChannelConfig } from '../../store/channel-config.ts';
import type { AppendResult } from '../../store/channel-log.ts';
import type { Store } from '../../store/store.ts';
import type { Channel, StoreConfiguration } from '../../store/store-configuration.ts';
import type {
  ClearRequest,
  EventLogService,
  ExportRequest,
  ExportResult,
  LogAdmission,
  LogInfo,
  PathType,
  Progress,
  Publisher,
  PublisherRequest,
  QueryRequest,
  ResultSet,
  SourceStatus,
  SubscribeRequest,
  Subscription,
  WriteRequest,
} from '../service.ts';
import { checkTarget, exportResult } from './export-log.ts';
import { listFolder, statFile } from './files.ts';
import { channelOf, logFiles } from './folder.ts';
import { defaultConcurrency } from './line-scan.ts';
import type { LocalEvent } from './local-event.ts';
import { defaultMessage, LocalPublisher } from './local-publisher.ts';
import { LocalResultSet } from './local-result-set.ts';
import { openStore, readConfiguration } from './local-store.ts';
import { LogFile } from './log-file.ts';
import { readLogInfo } from './log-info.ts';
import { LogWalker } from './log-walker.ts';
import { MergedOrder } from './merged-order.ts';
import { MetPublishers } from './met-publishers.ts';
import { recordDamage } from './record-damage.ts';
import { matcherFor, type SourceSelection } from './selection.ts';
import { QuerySelector } from './selector.ts';
import { SingleOrder } from './single-order.ts';
import { LocalSubscription, SubscribedLog } from './subscription.ts';

/** Slots read in one go from a log that is read alone; and from all logs that are merged, if each gets one. */
const SLOTS_PER_READ = 8;
const MERGED_SLOTS = 64;
const FEW_LOGS = 32;

const FILE_SCHEME = /^file:\/\//i;
const NO_IDS: readonly number[] = [];

/** Names of publishers have no case. */
function publisherKey(name: string): string {
  return name.toLowerCase();
}

/** A log that a query names: where it is, and the path of the query's filters that are for it. */
interface WantedLog {
  readonly file: string;
  /** Name in bookmarks and in EvtEventPath. */
  readonly name: string;
  /** As the query spells it; undefined: the caller's path. */
  readonly spelled: string | undefined;
  /** One of a folder's logs: a damaged one is left out, and said so. */
  readonly ofFolder: boolean;
}

/** Logs in files and folders of this machine. */
export class LocalService implements EventLogService {
  /** Folder whose files are the channels, such as an image's `winevt/Logs`. */
  readonly #logsFolder: string | undefined;

  readonly #isDefault: boolean;
  #configuration: StoreConfiguration | undefined;
  readonly #met = new MetPublishers();
  /** The folder's store, once somebody writes. */
  #store: Store | undefined;

  /** @param isDefault nobody has named the folder: it may not be there yet */
  constructor(logsFolder?: string, isDefault = false) {
    this.#logsFolder = logsFolder;
    this.#isDefault = isDefault;
  }

  /** The channels of the folder; undefined while there is none. */
  get #channels(): StoreConfiguration | undefined {
    const folder = this.#logsFolder;
    if (folder === undefined || (this.#isDefault && !existsSync(folder))) return undefined;
    this.#configuration ??= this.#store?.configuration ?? readConfiguration(folder);
    return this.#configuration;
  }

  *query(request: QueryRequest, operation: Operation): Task<ResultSet> {
    return (yield* this.#query(request, operation)).resultSet;
  }

  /** @returns the result, and the files it is read from */
  *#query(request: QueryRequest, operation: Operation): Task<{ resultSet: ResultSet; files: readonly string[] }> {
    operation.checkpoint();
    const { tolerate, strict, recover, onDamage } = request;
    const parsed = parseQuery(request.query, { tolerate, strict });
    const statuses: SourceStatus[] = [];
    const logs: { log: LogFile; spelled: string | undefined }[] = [];
    function* open({ file, name, spelled }: WantedLog): Task<void> {
      logs.push({ log: yield* LogFile.open(file, operation, { name, recover, onDamage }), spelled });
    }
    try {
      const wanted = yield* this.#wantedLogs(parsed, request, operation, statuses);
      yield* openEach(wanted, open, tolerate, operation, statuses, ({ file }, { detail }) =>
        onDamage?.({ path: file, severity: 'error', slot: -1, fileOffset: 0, what: detail }),
      );
      const files = logs.map(({ log }) => log.path);
      return operation.commit(() => ({ resultSet: resultSet(logs, parsed, request, statuses), files }));
    } catch (error) {
      for (const { log } of logs) log.close();
      throw error;
    }
  }

  *subscribe(request: SubscribeRequest, operation: Operation): Task<Subscription> {
    operation.checkpoint();
    const { query: text, strict, onMissed } = request;
    const tolerate = request.tolerate && !strict;
    // Strict means something else here than in a query.
    const query = { query: text, tolerate, strict: false };
    const parsed = parseQuery(text, query);
    const statuses: SourceStatus[] = [];
    const logs: SubscribedLog[] = [];
    try {
      const wanted = yield* this.#subscribedLogs(parsed, request, operation, statuses);
      function* open({ file, name, spelled }: WantedLog): Task<void> {
        const log = new SubscribedLog(name, selectionFor(parsed, spelled, query), onMissed);
        try {
          yield* log.open(file, request, wanted.length, operation);
        } catch (error) {
          log.close();
          throw error;
        }
        logs.push(log);
      }
      yield* openEach(wanted, open, tolerate, operation, statuses);
      const warnings = parsed.warnings.map(({ sentence }) => sentence);
      return operation.commit(() => new LocalSubscription({ logs, sources: statuses, warnings, strict }));
    } catch (error) {
      for (const log of logs) log.close();
      throw error;
    }
  }

  /** The logs of a subscription; when it is strict, one that is not there is a wrong channel (MS-EVEN6). */
  *#subscribedLogs(
    parsed: ParsedQuery,
    request: SubscribeRequest,
    operation: Operation,
    statuses: SourceStatus[],
  ): Task<WantedLog[]> {
    const { strict, tolerate } = request;
    try {
      return yield* this.#wantedLogs(parsed, { ...request, tolerate: tolerate && !strict }, operation, statuses);
    } catch (error) {
      if (!strict || !(error instanceof EvtError) || error.symbol !== 'ERROR_EVT_CHANNEL_NOT_FOUND') throw error;
      throw new EvtError('ERROR_EVT_INVALID_CHANNEL_PATH', operation.api, error.detail, { cause: error });
    }
  }

  *#wantedLogs(
    parsed: ParsedQuery,
    request: Pick<QueryRequest, 'path' | 'pathType' | 'tolerate' | 'admit'>,
    operation: Operation,
    statuses: SourceStatus[],
  ): Task<WantedLog[]> {
    const { api } = operation;
    const wanted: WantedLog[] = [];
    let failure: unknown;
    const named = parsed.paths.length > 0 ? parsed.paths : [undefined];
    for (const spelled of named) {
      const isFile = spelled === undefined ? request.pathType === 'file' : FILE_SCHEME.test(spelled);
      const target = spelled === undefined ? request.path : spelled.replace(FILE_SCHEME, '');
      if (target === undefined || target === '') {
        throw new EvtError('ERROR_INVALID_PARAMETER', api, 'neither the call nor the query names a channel or a file');
      }
      try {
        for (const log of yield* this.#resolve(target, isFile ? 'file' : 'channel', api, request.admit)) {
          // One log under two spellings is read once for each: their filters are apart.
          if (!wanted.some((other) => other.file === log.file && other.spelled === spelled)) {
            wanted.push({ ...log, spelled });
          }
        }
      } catch (error) {
        if (!(error instanceof EvtError) || !request.tolerate) throw error;
        failure ??= error;
        statuses.push({ name: target, status: error.code });
      }
    }
    if (wanted.length === 0 && failure !== undefined) throw failure;
    return wanted;
  }

  *#resolve(
    target: string,
    type: PathType,
    api: string,
    admit: LogAdmission = (given) => given,
  ): Task<Omit<WantedLog, 'spelled'>[]> {
    if (type === 'channel') {
      const { file } = channelOf(this.#channels, target, api);
      admit(target, type);
      return [{ file, name: target, ofFolder: false }];
    }
    const file = path.resolve(admit(target, type));
    if (!(yield* statFile(file, api)).isDirectory()) return [{ file, name: file, ofFolder: false }];
    const files = yield* logFiles(file, api);
    if (files.length === 0) throw new EvtError('ERROR_FILE_NOT_FOUND', api, `there is no .evtx file in ${file}`);
    return files.map((member) => ({ file: member, name: member, ofFolder: true }));
  }

  *write({ channel, events, durability }: WriteRequest, operation: Operation): Task<AppendResult[]> {
    operation.checkpoint();
    this.#store ??= openStore(this.#logsFolder, true, operation.api);
    return yield* this.#store.write(channel, events, durability, operation);
  }

  *exportLog(request: ExportRequest, operation: Operation): Task<ExportResult> {
    operation.checkpoint();
    checkTarget(request, operation.api);
    const { path: from, pathType, query: text, tolerate, onDamage, admit } = request;
    const wanted = { path: from, pathType, query: text, tolerate, onDamage, admit } as const;
    const query = { ...wanted, direction: 'forward', strict: false, recover: false, onProgress: undefined } as const;
    const source = yield* this.#query(query, operation);
    try {
      return yield* exportResult(source, request, operation);
    } finally {
      source.resultSet.dispose();
    }
  }

  *closeWriters(operation: Operation): Task<void> {
    if (this.#store !== undefined) yield* this.#store.close(operation);
  }

  *clearLog({ channel, backup, onUnrecorded, clearer }: ClearRequest, operation: Operation): Task<void> {
    operation.checkpoint();
    this.#store ??= openStore(this.#logsFolder, false, operation.api);
    yield* this.#store.clear(channel, backup, operation, onUnrecorded, clearer);
  }

  *logInfo(target: string, pathType: PathType, operation: Operation): Task<LogInfo> {
    const { api } = operation;
    const file = pathType === 'file' ? path.resolve(target) : channelOf(this.#channels, target, api).file;
    const log = yield* LogFile.open(file, operation, { name: file, recover: false, onDamage: undefined });
    try {
      return yield* readLogInfo(log, operation);
    } finally {
      log.close();
    }
  }

  *channels(operation: Operation): Task<string[]> {
    const { api } = operation;
    yield* this.#checkFolder(api);
    return this.#channels?.names(api) ?? [];
  }

  *publishers(operation: Operation): Task<string[]> {
    yield* this.#checkFolder(operation.api);
    const names = new Map<string, string>();
    for (const channel of this.#channels?.channels(operation.api) ?? []) {
      operation.checkpoint();
      for (const name of yield* this.#publishersOf(channel, operation)) {
        if (!names.has(publisherKey(name))) names.set(publisherKey(name), name);
      }
    }
    return [...names.values()].sort((a, b) => (publisherKey(a) < publisherKey(b) ? -1 : 1));
  }

  *publishersOfChannel(channel: string, operation: Operation): Task<string[]> {
    return yield* this.#publishersOf(yield* this.channelConfig(channel, operation), operation);
  }

  /** Those that the channel's properties name, and those that its events do: a folder of logs has no others. */
  *#publishersOf({ config, file }: Channel, operation: Operation): Task<string[]> {
    const configured = [config.owningPublisher, ...config.publisherList].filter((name) => name !== '');
    const names = new Map(configured.map((name) => [publisherKey(name), name]));
    for (const name of yield* this.#met.in(file, operation)) {
      if (!names.has(publisherKey(name))) names.set(publisherKey(name), name);
    }
    return [...names.values()];
  }

  *openPublisher({ name }: PublisherRequest, operation: Operation): Task<Publisher> {
    if (name === undefined) return new LocalPublisher(undefined);
    const known = (yield* this.publishers(operation)).find((each) => publisherKey(each) === publisherKey(name));
    if (known === undefined) {
      throw new EvtError('ERROR_FILE_NOT_FOUND', operation.api, `no channel here has a publisher "${name}"`);
    }
    return new LocalPublisher(known);
  }

  *defaultMessage(request: MessageRequest, operation: Operation): Task<readonly string[]> {
    return yield* defaultMessage(request, operation);
  }

  *channelConfig(channel: string, operation: Operation): Task<Channel> {
    operation.checkpoint();
    yield* this.#checkFolder(operation.api);
    return channelOf(this.#channels, channel, operation.api);
  }

  /** A folder that is not there is told by its name. */
  *#checkFolder(api: string): Task<void> {
    if (this.#channels !== undefined) yield* listFolder(this.#channels.folder, api);
  }

  *saveChannelConfig(channel: string, config: ChannelConfig, operation: Operation): Task<void> {
    operation.checkpoint();
    this.#store ??= openStore(this.#logsFolder, false, operation.api);
    yield* this.#store.configuration.save(channel, config, operation);
  }
}

/**
 * Opens the logs of a query, and notes how each fared.
 * @param tolerate leave out those that cannot be opened; damaged ones of a folder are always left out
 * @throws EvtError when one cannot be opened that must not be left out, or none of them can
 */
function* openEach(
  wanted: readonly WantedLog[],
  open: (log: WantedLog) => Task<void>,
  tolerate: boolean,
  operation: Operation,
  statuses: SourceStatus[],
  onLeftOut: (log: WantedLog, error: EvtError) => void = () => {},
): Task<void> {
  let opened = 0;
  let failure: unknown;
  for (const log of wanted) {
    operation.checkpoint();
    try {
      yield* open(log);
      opened++;
      statuses.push({ name: log.name, status: 0 });
    } catch (error) {
      operation.checkpoint();
      if (!(error instanceof EvtError) || (!tolerate && !log.ofFolder)) throw error;
      failure ??= error;
      statuses.push({ name: log.name, status: error.code });
      onLeftOut(log, error);
    }
  }
  if (opened === 0 && failure !== undefined) throw failure;
}

function resultSet(
  logs: readonly { log: LogFile; spelled: string | undefined }[],
  parsed: ParsedQuery,
  request: QueryRequest,
  sources: readonly SourceStatus[],
): ResultSet {
  // Hundreds of logs are merged in little memory, and a few as fast as one.
  const blocksAhead = logs.length === 1 ? 2 : logs.length <= FEW_LOGS ? 1 : 0;
  const slotsPerRead = Math.max(1, Math.min(SLOTS_PER_READ, Math.floor(MERGED_SLOTS / logs.length)));
  const walkers: LogWalker[] = [];
  // Logs of one folder are asked the same: what is compiled for one is for all.
  const selections = new Map<string | undefined, SourceSelection>();
  const orders = logs.map(({ log, spelled }) => {
    const walker = new LogWalker(log, { slotsPerRead, blocksAhead, recover: request.recover });
    const selection = selections.get(spelled) ?? selectionFor(parsed, spelled, request);
    walkers.push(walker);
    selections.set(spelled, selection);
    const { direction, concurrency } = request;
    const threads = request.recover ? 1 : (concurrency ?? defaultConcurrency());
    return { order: new SingleOrder(walker, selection, direction, threads), name: log.name };
  });
  const progress = (): Progress => ({
    readBytes: walkers.reduce((sum, { readBytes }) => sum + readBytes, 0),
    totalBytes: logs.reduce((sum, { log }) => sum + log.order.length * CHUNK_SIZE, 0),
    records: walkers.reduce((sum, { records }) => sum + records, 0),
  });
  const { onProgress } = request;
  if (onProgress !== undefined) for (const walker of walkers) walker.onRead = () => onProgress(progress());
  const onDamaged = ({ found: { chunk, chunkOffset }, path }: LocalEvent, { detail }: EvtError) =>
    request.onDamage?.(recordDamage(path, chunk, chunkOffset, detail));
  return new LocalResultSet({
    order: orders.length === 1 ? orders[0]!.order : new MergedOrder(orders, request.direction),
    sources,
    warnings: parsed.warnings.map(({ sentence }) => sentence),
    progress,
    startBatch: () => {
      for (const { startBatch } of selections.values()) startBatch();
    },
    onDamaged,
  });
}

function selectionFor(
  parsed: ParsedQuery,
  spelled: string | undefined,
  request: Pick<QueryRequest, 'query' | 'tolerate' | 'strict'>,
): SourceSelection {
  const matcher = matcherFor(parsed, spelled);
  const context = { now: 0n };
  return {
    selector: matcher.everything ? undefined : new QuerySelector(matcher, context),
    forThreads: () => {
      if (matcher.everything) return undefined;
      const { query: text = '*', tolerate, strict } = request;
      return { text, tolerate, strict, spelled, now: context.now };
    },
    queryIds: (found) => {
      if (!parsed.structured) return () => NO_IDS;
      const { now } = context;
      return () => matcher.queryIds(found.document, { now });
    },
    startBatch: () => {
      context.now = fileTimeOfUnixMs(Date.now());
    },
  };
}
