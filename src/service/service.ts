import type { EventElement } from '../binxml/event-tree.ts';
import type { Fragment } from '../binxml/tree.ts';
import type { Damage } from '../evtx/damage.ts';
import type { Operation } from '../operations/operation.ts';
import type { Task } from '../operations/task.ts';
import type { EventMetadata, MessageRequest, PublisherMetadata } from '../providers/metadata.ts';
import type { ChannelConfig } from '../store/channel-config.ts';
import type { AppendResult, Durability } from '../store/channel-log.ts';
import type { Clearer } from '../store/cleared-event.ts';
import type { Channel } from '../store/store-configuration.ts';
import type { NewEvent } from '../store/written-event.ts';

/** What a path names (.NET's PathType; EvtQueryChannelPath, EvtQueryFilePath). */
export type PathType = 'channel' | 'file';

export type ReadDirection = 'forward' | 'reverse';

/**
 * Decides on each log that a request names, whether it does so itself or in its query.
 * @param target a channel that is there, or what is said to be a file
 * @returns the target that is meant: for a file, another path where names of files stand for others
 * @throws EvtError when it must not be opened; a tolerant request leaves it out
 */
export type LogAdmission = (target: string, type: PathType) => string;

/** A query as EvtQuery has it. */
export interface QueryRequest {
  /** Channel name or file path; undefined when the structured query names its own. A folder stands for the logs in it. */
  readonly path: string | undefined;
  readonly pathType: PathType;
  /** XPath or structured XML; undefined for all events. */
  readonly query: string | undefined;
  readonly direction: ReadDirection;
  /** Skip sources that cannot be opened, and keep the well-formed start of a bad XPath. */
  readonly tolerate: boolean;
  /** Warn where Windows would refuse the query for its length. */
  readonly strict: boolean;
  /** Also read records from free space and from behind damage; their events are marked as recovered. */
  readonly recover: boolean;
  /** Threads that may work on long scans at the same time; 1: only the calling one. Undefined: as many as pay. */
  readonly concurrency?: number | undefined;
  /** Told of everything in the logs that is not as it should be. */
  readonly onDamage: ((damage: LogDamage) => void) | undefined;
  /** Told how far reading has come, about once per block. */
  readonly onProgress: ((progress: Progress) => void) | undefined;
  /** Asked before a log is opened for somebody who may not open all. Undefined: whoever calls may. */
  readonly admit?: LogAdmission | undefined;
}

/** A damage, and the log it is in. */
export interface LogDamage extends Damage {
  readonly path: string;
}

/** How far a result set has read in its logs. */
export interface Progress {
  readonly readBytes: number;
  readonly totalBytes: number;
  readonly records: number;
}

/** One log of a result set: the name bookmarks know it by, and how it fared. */
export interface SourceStatus {
  readonly name: string;
  /** 0, or the Win32 code it could not be opened with. */
  readonly status: number;
}

/** A position in a result set: per log, in query order, the id of the last record read; undefined where none was. */
export interface EventPosition {
  readonly names: readonly string[];
  readonly recordIds: readonly (bigint | undefined)[];
  /** Index of the log the event is from. */
  readonly current: number;
  readonly direction: ReadDirection;
}

/** What EvtNext hands out. It keeps the bytes it needs: closing the result set does not take them away. */
export interface LogEvent {
  /** Id in the record's header: what bookmarks and ordering use. System/EventRecordID may differ in exported logs. */
  readonly recordId: bigint;
  /** FILETIME the record was written, from its header. Unreliable in exported logs. */
  readonly writtenTime: bigint;
  /** Channel name or file path it was read from (EvtEventPath). */
  readonly path: string;
  /** Ids of the Query elements that selected it (EvtEventQueryIDs); empty for an XPath query. */
  readonly queryIds: readonly number[];
  /** Taken from free space or from behind damage. */
  readonly recovered: boolean;
  readonly position: EventPosition;
  /** The event as it is stored: templates and values. @throws BinXmlError ERROR_EVT_INVALID_EVENT_DATA (15005) */
  readonly document: Fragment;
  /**
   * The event's elements.
   * @throws BinXmlError ERROR_EVT_INVALID_EVENT_DATA (15005)
   */
  readonly tree: readonly EventElement[];
  /**
   * The event in its usual form, on one line without its end.
   * @throws BinXmlError ERROR_EVT_INVALID_EVENT_DATA (15005)
   */
  text(format: LineFormat): string;
}

/** Where a seek counts from (EVT_SEEK_FLAGS). */
export type SeekOrigin = 'first' | 'last' | 'current' | 'bookmark';

export interface SeekRequest {
  readonly origin: SeekOrigin;
  /** In events of the result set, in its reading direction. */
  readonly offset: number;
  /** Only for origin `bookmark`. */
  readonly bookmark?: EventPosition | undefined;
  /** Fail with ERROR_NOT_FOUND (1168) where the position does not exist, instead of going to the nearest. */
  readonly strict: boolean;
}

/** Forms in which events are written as lines of UTF-8, without taking them apart first. */
export type LineFormat = 'xml' | 'json';

/** What is asked of events that are read as lines; `nothing`: they are only counted. */
export type LineContent = LineFormat | 'nothing';

/** A wish for the next events as lines. */
export interface LineRequest {
  readonly format: LineContent;
  readonly maxEvents: number;
  /** The call returns soon after so many bytes. */
  readonly maxBytes: number;
  /** The caller's own memory to write to, so that it can be used again and again. New memory is taken where it is too small. */
  readonly buffer?: Uint8Array | undefined;
  /** The lines need to be there only until the next call on the result set: they may lie in memory that it uses again. */
  readonly borrow?: boolean | undefined;
}

export interface LineResult {
  /** Whole lines of UTF-8, the caller's own unless it borrows them: in the buffer it gave, if that was large enough. */
  readonly bytes: Uint8Array;
  readonly events: number;
  /** Of the last event, for a bookmark; undefined when there is none. */
  readonly position: EventPosition | undefined;
}

/** The events that a query selects. Calls must not overlap: the owner queues them. */
export interface ResultSet {
  /** Next events, at most `max`; none at the end. A cancelled call leaves the position where it was. */
  next(max: number, operation: Operation): Task<LogEvent[]>;
  /**
   * The next events as lines; no events: the end. Events that are damaged inside are reported and left out. A cancelled call
   * leaves the position where it was.
   */
  lines(request: LineRequest, operation: Operation): Task<LineResult>;
  seek(request: SeekRequest, operation: Operation): Task<void>;
  /** The logs of the query, in its order. */
  readonly sources: readonly SourceStatus[];
  /** Sentences about the query itself: what Windows would refuse, what was left out of it. */
  readonly warnings: readonly string[];
  readonly progress: Progress;
  /** Lets go of all files. */
  dispose(): void;
}

/** Where a subscription begins (EVT_SUBSCRIBE_FLAGS). */
export type SubscriptionStart = 'future' | 'oldest' | 'bookmark';

/** A subscription as EvtSubscribe has it. */
export interface SubscribeRequest {
  /** Channel name, or file path; undefined when the structured query names its own. */
  readonly path: string | undefined;
  readonly pathType: PathType;
  /** XPath or structured XML; undefined for all events. */
  readonly query: string | undefined;
  readonly start: SubscriptionStart;
  /** Only for start `bookmark`. A log it does not name is read from its oldest record; when strict, that is an error. */
  readonly bookmark?: EventPosition | undefined;
  /** Skip sources that cannot be opened, and keep the well-formed start of a bad XPath. Strict wins. */
  readonly tolerate: boolean;
  /** A bookmark whose record is gone is an error, and so are records that are missing later. */
  readonly strict: boolean;
  /** Told of records that were gone before they could be read. */
  readonly onMissed: ((missed: MissedRecords) => void) | undefined;
  /** Told of records that cannot be read. */
  readonly onDamage: ((damage: LogDamage) => void) | undefined;
  /** As in {@link QueryRequest}. */
  readonly admit?: LogAdmission | undefined;
}

/** Records of a log that were overwritten or cleared before a subscription had read them. */
export interface MissedRecords {
  /** The log, as bookmarks know it. */
  readonly name: string;
  /** How many, of whatever the query selects; 0 where that cannot be known. */
  readonly records: bigint;
}

/** The events that a query selects, and those that will come. Calls must not overlap: the owner queues them. */
export interface Subscription {
  /**
   * Next events, at most `max`, of those that are there; none when all have been read. A cancelled call leaves the position
   * where it was.
   */
  next(max: number, operation: Operation): Task<LogEvent[]>;
  /** Returns as soon as {@link next} has something to give: at once while there are unread events. */
  wait(operation: Operation): Task<void>;
  /** Whether {@link next} has something to give now. */
  ready(operation: Operation): Task<boolean>;
  /** Its calls end only when others run meanwhile: they ask another machine. */
  readonly needsTurns: boolean;
  /** Milliseconds that {@link ready} may take where it needs none. */
  readonly lookMs: number;
  /** Moves whenever there may be something new. */
  readonly changes: number;
  /**
   * Calls back once when {@link changes} is no longer what it was; that keeps the process running.
   * @returns ends the wait
   */
  onChange(seen: number, callback: () => void): () => void;
  /** Records that were gone before they could be read, as far as they can be counted. */
  readonly missed: bigint;
  /** The logs of the query, in its order. */
  readonly sources: readonly SourceStatus[];
  /** Sentences about the query itself. */
  readonly warnings: readonly string[];
  /** Lets go of all files. */
  dispose(): void;
}

/** What EvtGetLogInfo answers. Times are FILETIMEs of the file system. */
export interface LogInfo {
  readonly creationTime: bigint;
  readonly lastAccessTime: bigint;
  readonly lastWriteTime: bigint;
  readonly fileSize: bigint;
  /** Windows file attributes: 32 (archive), 33 when read-only. */
  readonly attributes: number;
  readonly numberOfLogRecords: bigint;
  /** Id of the oldest record; 0 for a log that never had one. */
  readonly oldestRecordNumber: bigint;
  readonly full: boolean;
}

/** Events to be written to a channel. */
export interface WriteRequest {
  readonly channel: string;
  readonly events: readonly NewEvent[];
  /** `os`: acknowledged events outlive this process; `disk`: they outlive the machine's power. */
  readonly durability: Durability;
}

/** What EvtExportLog is asked for. */
export interface ExportRequest
  extends Pick<QueryRequest, 'path' | 'pathType' | 'query' | 'tolerate' | 'onDamage' | 'admit'> {
  /** Absolute path of the new log. */
  readonly target: string;
  /** Replaces a file that is there, once the new one is whole. */
  readonly overwrite: boolean;
  readonly onProgress: ((progress: ExportProgress) => void) | undefined;
}

/** How far an export has come. */
export interface ExportProgress extends Progress {
  /** Events written. */
  readonly exported: number;
}

/** What an export has written; not a number where another machine does not say. */
export interface ExportResult {
  readonly records: number;
  readonly sizeBytes: number;
}

/** What EvtClearLog is asked for. */
export interface ClearRequest {
  readonly channel: string;
  /** Absolute path of the file that all events go to first; it must not be there. Undefined: they are dropped. */
  readonly backup: string | undefined;
  /** Told when the log is clear and the event that says so could not be written. */
  readonly onUnrecorded: ((error: unknown) => void) | undefined;
  /** For whom it is done, as that event says; undefined: whoever runs this process. */
  readonly clearer?: Clearer | undefined;
}

/** Which publisher is meant, and how its texts are wanted. */
export interface PublisherRequest {
  /** In whatever case. Undefined: what every machine has, whoever publishes. */
  readonly name: string | undefined;
  /** A log that was archived with its messages, which are asked first; undefined: none. */
  readonly logFilePath: string | undefined;
  /** Windows' number of a language (LCID); 0: the machine's own. */
  readonly locale: number;
}

/** A publisher that was opened: what it says of itself and of its events, and its texts. */
export interface Publisher {
  /** @throws EvtError ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND (15002) where no more than its name is known */
  metadata(operation: Operation): Task<PublisherMetadata>;
  /** The events that it declares, in its order. @throws EvtError as {@link metadata} */
  events(operation: Operation): Task<readonly EventMetadata[]>;
  /**
   * A text: one, or of keywords one for each of them.
   * @throws EvtError ERROR_EVT_MESSAGE_NOT_FOUND (15027), ERROR_EVT_MESSAGE_ID_NOT_FOUND (15028) where it has none
   */
  message(request: MessageRequest, operation: Operation): Task<readonly string[]>;
  /** Lets go of it. */
  dispose(): void;
}

/** Event logs, wherever they are: the one interface that every kind of session implements. */
export interface EventLogService {
  /** Opens a result set. Cancelled through the session: nothing stays open then. */
  query(request: QueryRequest, operation: Operation): Task<ResultSet>;
  /** Begins a subscription; its start is fixed when this returns. Cancelled through the session: nothing stays open then. */
  subscribe(request: SubscribeRequest, operation: Operation): Task<Subscription>;
  /** Writes events; of each its record id, or why it was not written. Cancelled through the session: none is written then. */
  write(request: WriteRequest, operation: Operation): Task<AppendResult[]>;
  /** Marks the logs that were written to as closed. */
  closeWriters(operation: Operation): Task<void>;
  /** EvtExportLog. Cancelled through the session: the target is as it was then. */
  exportLog(request: ExportRequest, operation: Operation): Task<ExportResult>;
  /** EvtClearLog. Cancelled through the session: the log is untouched then, and there is no backup. */
  clearLog(request: ClearRequest, operation: Operation): Task<void>;
  /** A channel's properties. */
  channelConfig(channel: string, operation: Operation): Task<Channel>;
  /** Keeps a channel's properties. */
  saveChannelConfig(channel: string, config: ChannelConfig, operation: Operation): Task<void>;
  logInfo(path: string, pathType: PathType, operation: Operation): Task<LogInfo>;
  /** Names of all channels. */
  channels(operation: Operation): Task<string[]>;
  /** Names of all publishers. */
  publishers(operation: Operation): Task<string[]>;
  /** Names of a channel's publishers. @throws EvtError ERROR_EVT_CHANNEL_NOT_FOUND (15007) */
  publishersOfChannel(channel: string, operation: Operation): Task<string[]>;
  /** @throws EvtError ERROR_FILE_NOT_FOUND (2) for a publisher that is not known */
  openPublisher(request: PublisherRequest, operation: Operation): Task<Publisher>;
  /** A text that needs no publisher. @throws EvtError as {@link Publisher.message} */
  defaultMessage(request: MessageRequest, operation: Operation): Task<readonly string[]>;
}
