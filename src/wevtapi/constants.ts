/** Constants of winevt.h by name. Values: the winevt.h reference (learn.microsoft.com). */

// EVT_QUERY_FLAGS
export const EvtQueryChannelPath = 0x1;
export const EvtQueryFilePath = 0x2;
export const EvtQueryForwardDirection = 0x100;
export const EvtQueryReverseDirection = 0x200;
export const EvtQueryTolerateQueryErrors = 0x1000;

// EVT_SUBSCRIBE_FLAGS: the origins are values, not bits
export const EvtSubscribeToFutureEvents = 1;
export const EvtSubscribeStartAtOldestRecord = 2;
export const EvtSubscribeStartAfterBookmark = 3;
export const EvtSubscribeOriginMask = 3;
export const EvtSubscribeTolerateQueryErrors = 0x1000;
export const EvtSubscribeStrict = 0x10000;

// EVT_SUBSCRIBE_NOTIFY_ACTION
export const EvtSubscribeActionError = 0;
export const EvtSubscribeActionDeliver = 1;

// EVT_SEEK_FLAGS: the origins are values, not bits
export const EvtSeekRelativeToFirst = 1;
export const EvtSeekRelativeToLast = 2;
export const EvtSeekRelativeToCurrent = 3;
export const EvtSeekRelativeToBookmark = 4;
export const EvtSeekOriginMask = 7;
export const EvtSeekStrict = 0x10000;

// EVT_RENDER_CONTEXT_FLAGS
export const EvtRenderContextValues = 0;
export const EvtRenderContextSystem = 1;
export const EvtRenderContextUser = 2;

// EVT_RENDER_FLAGS
export const EvtRenderEventValues = 0;
export const EvtRenderEventXml = 1;
export const EvtRenderBookmark = 2;

// EVT_SYSTEM_PROPERTY_ID: places in the values of the System render context
export const EvtSystemProviderName = 0;
export const EvtSystemProviderGuid = 1;
export const EvtSystemEventID = 2;
export const EvtSystemQualifiers = 3;
export const EvtSystemLevel = 4;
export const EvtSystemTask = 5;
export const EvtSystemOpcode = 6;
export const EvtSystemKeywords = 7;
export const EvtSystemTimeCreated = 8;
export const EvtSystemEventRecordId = 9;
export const EvtSystemActivityID = 10;
export const EvtSystemRelatedActivityID = 11;
export const EvtSystemProcessID = 12;
export const EvtSystemThreadID = 13;
export const EvtSystemChannel = 14;
export const EvtSystemComputer = 15;
export const EvtSystemUserID = 16;
export const EvtSystemVersion = 17;
export const EvtSystemPropertyIdEND = 18;

// EVT_EVENT_PROPERTY_ID
export const EvtEventQueryIDs = 0;
export const EvtEventPath = 1;

// EVT_QUERY_PROPERTY_ID
export const EvtQueryNames = 0;
export const EvtQueryStatuses = 1;

// EVT_OPEN_LOG_FLAGS
export const EvtOpenChannelPath = 0x1;
export const EvtOpenFilePath = 0x2;

// EVT_LOG_PROPERTY_ID
export const EvtLogCreationTime = 0;
export const EvtLogLastAccessTime = 1;
export const EvtLogLastWriteTime = 2;
export const EvtLogFileSize = 3;
export const EvtLogAttributes = 4;
export const EvtLogNumberOfLogRecords = 5;
export const EvtLogOldestRecordNumber = 6;
export const EvtLogFull = 7;

// EVT_LOGIN_CLASS, EVT_RPC_LOGIN_FLAGS
export const EvtRpcLogin = 1;
export const EvtRpcLoginAuthDefault = 0;
export const EvtRpcLoginAuthNegotiate = 1;
export const EvtRpcLoginAuthKerberos = 2;
export const EvtRpcLoginAuthNTLM = 3;

// EVT_EXPORTLOG_FLAGS
export const EvtExportLogChannelPath = 0x1;
export const EvtExportLogFilePath = 0x2;
export const EvtExportLogTolerateQueryErrors = 0x1000;
export const EvtExportLogOverwrite = 0x2000;

// EVT_CHANNEL_CONFIG_PROPERTY_ID
export const EvtChannelConfigEnabled = 0;
export const EvtChannelConfigIsolation = 1;
export const EvtChannelConfigType = 2;
export const EvtChannelConfigOwningPublisher = 3;
export const EvtChannelConfigClassicEventlog = 4;
export const EvtChannelConfigAccess = 5;
export const EvtChannelLoggingConfigRetention = 6;
export const EvtChannelLoggingConfigAutoBackup = 7;
export const EvtChannelLoggingConfigMaxSize = 8;
export const EvtChannelLoggingConfigLogFilePath = 9;
export const EvtChannelPublishingConfigLevel = 10;
export const EvtChannelPublishingConfigKeywords = 11;
export const EvtChannelPublishingConfigControlGuid = 12;
export const EvtChannelPublishingConfigBufferSize = 13;
export const EvtChannelPublishingConfigMinBuffers = 14;
export const EvtChannelPublishingConfigMaxBuffers = 15;
export const EvtChannelPublishingConfigLatency = 16;
export const EvtChannelPublishingConfigClockType = 17;
export const EvtChannelPublishingConfigSidType = 18;
export const EvtChannelPublisherList = 19;
export const EvtChannelPublishingConfigFileMax = 20;
export const EvtChannelConfigPropertyIdEND = 21;

// EVT_CHANNEL_TYPE, EVT_CHANNEL_ISOLATION_TYPE, EVT_CHANNEL_CLOCK_TYPE, EVT_CHANNEL_SID_TYPE
export const EvtChannelTypeAdmin = 0;
export const EvtChannelTypeOperational = 1;
export const EvtChannelTypeAnalytic = 2;
export const EvtChannelTypeDebug = 3;
export const EvtChannelIsolationTypeApplication = 0;
export const EvtChannelIsolationTypeSystem = 1;
export const EvtChannelIsolationTypeCustom = 2;
export const EvtChannelClockTypeSystemTime = 0;
export const EvtChannelClockTypeQPC = 1;
export const EvtChannelSidTypeNone = 0;
export const EvtChannelSidTypePublishing = 1;

// EVT_PUBLISHER_METADATA_PROPERTY_ID, EVT_CHANNEL_REFERENCE_FLAGS
export const EvtPublisherMetadataPublisherGuid = 0;
export const EvtPublisherMetadataResourceFilePath = 1;
export const EvtPublisherMetadataParameterFilePath = 2;
export const EvtPublisherMetadataMessageFilePath = 3;
export const EvtPublisherMetadataHelpLink = 4;
export const EvtPublisherMetadataPublisherMessageID = 5;
export const EvtPublisherMetadataChannelReferences = 6;
export const EvtPublisherMetadataChannelReferencePath = 7;
export const EvtPublisherMetadataChannelReferenceIndex = 8;
export const EvtPublisherMetadataChannelReferenceID = 9;
export const EvtPublisherMetadataChannelReferenceFlags = 10;
export const EvtPublisherMetadataChannelReferenceMessageID = 11;
export const EvtPublisherMetadataLevels = 12;
export const EvtPublisherMetadataLevelName = 13;
export const EvtPublisherMetadataLevelValue = 14;
export const EvtPublisherMetadataLevelMessageID = 15;
export const EvtPublisherMetadataTasks = 16;
export const EvtPublisherMetadataTaskName = 17;
export const EvtPublisherMetadataTaskEventGuid = 18;
export const EvtPublisherMetadataTaskValue = 19;
export const EvtPublisherMetadataTaskMessageID = 20;
export const EvtPublisherMetadataOpcodes = 21;
export const EvtPublisherMetadataOpcodeName = 22;
export const EvtPublisherMetadataOpcodeValue = 23;
export const EvtPublisherMetadataOpcodeMessageID = 24;
export const EvtPublisherMetadataKeywords = 25;
export const EvtPublisherMetadataKeywordName = 26;
export const EvtPublisherMetadataKeywordValue = 27;
export const EvtPublisherMetadataKeywordMessageID = 28;
export const EvtPublisherMetadataPropertyIdEND = 29;
export const EvtChannelReferenceImported = 0x1;

// EVT_EVENT_METADATA_PROPERTY_ID
export const EventMetadataEventID = 0;
export const EventMetadataEventVersion = 1;
export const EventMetadataEventChannel = 2;
export const EventMetadataEventLevel = 3;
export const EventMetadataEventOpcode = 4;
export const EventMetadataEventTask = 5;
export const EventMetadataEventKeyword = 6;
export const EventMetadataEventMessageID = 7;
export const EventMetadataEventTemplate = 8;
export const EvtEventMetadataPropertyIdEND = 9;

// EVT_FORMAT_MESSAGE_FLAGS: values, not bits
export const EvtFormatMessageEvent = 1;
export const EvtFormatMessageLevel = 2;
export const EvtFormatMessageTask = 3;
export const EvtFormatMessageOpcode = 4;
export const EvtFormatMessageKeyword = 5;
export const EvtFormatMessageChannel = 6;
export const EvtFormatMessageProvider = 7;
export const EvtFormatMessageId = 8;
export const EvtFormatMessageXml = 9;

// EVT_VARIANT_TYPE
export const EvtVarTypeNull = 0;
export const EvtVarTypeString = 1;
export const EvtVarTypeAnsiString = 2;
export const EvtVarTypeSByte = 3;
export const EvtVarTypeByte = 4;
export const EvtVarTypeInt16 = 5;
export const EvtVarTypeUInt16 = 6;
export const EvtVarTypeInt32 = 7;
export const EvtVarTypeUInt32 = 8;
export const EvtVarTypeInt64 = 9;
export const EvtVarTypeUInt64 = 10;
export const EvtVarTypeSingle = 11;
export const EvtVarTypeDouble = 12;
export const EvtVarTypeBoolean = 13;
export const EvtVarTypeBinary = 14;
export const EvtVarTypeGuid = 15;
export const EvtVarTypeSizeT = 16;
export const EvtVarTypeFileTime = 17;
export const EvtVarTypeSysTime = 18;
export const EvtVarTypeSid = 19;
export const EvtVarTypeHexInt32 = 20;
export const EvtVarTypeHexInt64 = 21;
export const EvtVarTypeEvtHandle = 32;
export const EvtVarTypeEvtXml = 35;
export const EVT_VARIANT_TYPE_MASK = 0x7f;
export const EVT_VARIANT_TYPE_ARRAY = 0x80;

// What WaitForSingleObject answers (winbase.h)
export const WAIT_OBJECT_0 = 0;
export const WAIT_TIMEOUT = 258;
export const WAIT_FAILED = 0xffffffff;

/** A time-out that never runs out (winbase.h). */
export const INFINITE = 0xffffffff;

export { WIN32 } from '../errors/win32.ts';
