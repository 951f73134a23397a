/** `winevt`: the Windows Event Log API for every operating system. */

export { type TypedValue, value } from './binxml/typed-value.ts';
export type { ValueStyle, Variant, VariantScalar, VariantValue } from './binxml/value.ts';
export { ValueType } from './binxml/value-type.ts';
export { EvtError, type EvtErrorOptions, isCancelled } from './errors/evt-error.ts';
export { WIN32, type Win32Symbol } from './errors/win32.ts';
export { type Damage, damageText } from './evtx/damage.ts';
export type { EventProvider } from './evtx/event-builder.ts';
export type {
  ChannelReference,
  EventMetadata as EventProperties,
  PublisherKeyword,
  PublisherMetadata,
  PublisherTask,
  PublisherValue,
} from './providers/metadata.ts';
export { EvtQueryError } from './query/index.ts';
export type { JsonOptions } from './render/json.ts';
export type { BodyValue } from './render/user-values.ts';
export type { RenderOptions } from './render/xml.ts';
export type { RemoteSessionOptions, SessionAuthentication } from './service/remote/credentials.ts';
export type {
  ExportProgress,
  ExportResult,
  LineFormat,
  LogDamage,
  LogInfo,
  MissedRecords,
  PathType,
  Progress,
  SeekOrigin,
  SourceStatus,
} from './service/service.ts';
export { EventBookmark } from './session/event-bookmark.ts';
export {
  EventLogConfiguration,
  type EventLogIsolation,
  type EventLogMode,
  type EventLogType,
} from './session/event-log-configuration.ts';
export { EventLogQuery, type QueryOptions } from './session/event-log-query.ts';
export {
  type EventLines,
  EventLogReader,
  type ReadLinesOptions,
  type ReadOptions,
  type SeekOptions,
} from './session/event-log-reader.ts';
export {
  type ClearLogOptions,
  EventLogSession,
  type ExportLogOptions,
  type ReaderOptions,
  type SessionOptions,
} from './session/event-log-session.ts';
export { EventLogWatcher, type WatcherOptions } from './session/event-log-watcher.ts';
export {
  type EventDefaults,
  EventLogWriter,
  type EventLogWriterOptions,
  type WriteOptions,
  type WriterEvent,
} from './session/event-log-writer.ts';
export { EventRecord } from './session/event-record.ts';
export {
  EventKeyword,
  EventLevel,
  EventLogLink,
  EventMetadata,
  EventOpcode,
  EventTask,
  type TextOptions,
} from './session/provider-items.ts';
export { ProviderMetadata, type ProviderOptions } from './session/provider-metadata.ts';
export type { ChannelConfig, ChannelProperty } from './store/channel-config.ts';
export type { Durability } from './store/channel-log.ts';
export { eventFromJson } from './store/event-json.ts';
export type { EventValue, NewEvent, UserDataElement } from './store/written-event.ts';
