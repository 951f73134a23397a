import { CLASSIC_EVENT_DATA, defineTemplate, element, optional, substitution } from '../binxml/template-builder.ts';
import type { Template } from '../binxml/tree.ts';
import { ValueType } from '../binxml/value-type.ts';
import type { EventProvider } from '../evtx/event-builder.ts';
import { type EventKind, eventData, type Fields, SUBJECT, userData } from './event-kind.ts';

/*
 * The kinds of events in the demonstration log: ids, versions and field names are those of the real providers, so that
 * queries learnt on it work on real logs.
 */

const { String: STRING, Sid: SID, Guid: GUID, UInt16: U16, UInt32: U32, Int32: I32, Bool: BOOL } = ValueType;
const { HexInt32: HEX32, HexInt64: HEX64 } = ValueType;

const AUDIT_SUCCESS = 0x8020_0000_0000_0000n;
const AUDIT_FAILURE = 0x8010_0000_0000_0000n;
const CLASSIC = 0x0080_0000_0000_0000n;
const FIRST_CHANNEL = 0x8000_0000_0000_0000n;

const SECURITY_AUDITING: EventProvider = {
  name: 'Microsoft-Windows-Security-Auditing',
  guid: '{54849625-5478-4994-a5ba-3e3b0328c30d}',
};

function security(eventId: number, task: number, version: number, fields: Fields, success = true): EventKind {
  return {
    system: {
      provider: SECURITY_AUDITING,
      channel: 'Security',
      eventId,
      version,
      level: 0,
      task,
      opcode: 0,
      keywords: success ? AUDIT_SUCCESS : AUDIT_FAILURE,
    },
    form: 'EventData',
    template: eventData(fields),
  };
}

const TARGET: Fields = {
  TargetUserSid: SID,
  TargetUserName: STRING,
  TargetDomainName: STRING,
  TargetLogonId: HEX64,
};

/** The events of the Security channel. */
export const Security = {
  logon: security(4624, 12_544, 2, {
    ...SUBJECT,
    ...TARGET,
    LogonType: U32,
    LogonProcessName: STRING,
    AuthenticationPackageName: STRING,
    WorkstationName: STRING,
    LogonGuid: GUID,
    TransmittedServices: STRING,
    LmPackageName: STRING,
    KeyLength: U32,
    ProcessId: HEX64,
    ProcessName: STRING,
    IpAddress: STRING,
    IpPort: STRING,
    ImpersonationLevel: STRING,
    RestrictedAdminMode: STRING,
    TargetOutboundUserName: STRING,
    TargetOutboundDomainName: STRING,
    VirtualAccount: STRING,
    TargetLinkedLogonId: HEX64,
    ElevatedToken: STRING,
  }),
  failedLogon: security(
    4625,
    12_544,
    0,
    {
      ...SUBJECT,
      TargetUserSid: SID,
      TargetUserName: STRING,
      TargetDomainName: STRING,
      Status: HEX32,
      FailureReason: STRING,
      SubStatus: HEX32,
      LogonType: U32,
      LogonProcessName: STRING,
      AuthenticationPackageName: STRING,
      WorkstationName: STRING,
      TransmittedServices: STRING,
      LmPackageName: STRING,
      KeyLength: U32,
      ProcessId: HEX64,
      ProcessName: STRING,
      IpAddress: STRING,
      IpPort: STRING,
    },
    false,
  ),
  logoff: security(4634, 12_545, 0, { ...TARGET, LogonType: U32 }),
  specialPrivileges: security(4672, 12_548, 0, { ...SUBJECT, PrivilegeList: STRING }),
  processCreated: security(4688, 13_312, 2, {
    ...SUBJECT,
    NewProcessId: HEX64,
    NewProcessName: STRING,
    TokenElevationType: STRING,
    ProcessId: HEX64,
    CommandLine: STRING,
    ...TARGET,
    ParentProcessName: STRING,
    MandatoryLabel: SID,
  }),
  processExited: security(4689, 13_313, 0, { ...SUBJECT, Status: HEX32, ProcessId: HEX64, ProcessName: STRING }),
  userCreated: security(4720, 13_824, 0, {
    TargetUserName: STRING,
    TargetDomainName: STRING,
    TargetSid: SID,
    ...SUBJECT,
    PrivilegeList: STRING,
    SamAccountName: STRING,
    DisplayName: STRING,
  }),
  groupMemberAdded: security(4732, 13_826, 0, {
    MemberName: STRING,
    MemberSid: SID,
    TargetUserName: STRING,
    TargetDomainName: STRING,
    TargetSid: SID,
    ...SUBJECT,
    PrivilegeList: STRING,
  }),
  serviceTicket: security(4769, 14_337, 0, {
    TargetUserName: STRING,
    TargetDomainName: STRING,
    ServiceName: STRING,
    ServiceSid: SID,
    TicketOptions: HEX32,
    TicketEncryptionType: HEX32,
    IpAddress: STRING,
    IpPort: STRING,
    Status: HEX32,
    LogonGuid: GUID,
    TransmittedServices: STRING,
  }),
  shareAccess: security(5140, 12_808, 1, {
    ...SUBJECT,
    ObjectType: STRING,
    IpAddress: STRING,
    IpPort: STRING,
    ShareName: STRING,
    ShareLocalPath: STRING,
    AccessMask: HEX32,
    AccessList: STRING,
  }),
  logCleared: {
    system: {
      provider: { name: 'Microsoft-Windows-Eventlog', guid: '{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}' },
      channel: 'Security',
      eventId: 1102,
      version: 0,
      level: 4,
      task: 104,
      opcode: 0,
      keywords: 0x4020_0000_0000_0000n,
    },
    form: 'UserData',
    template: userData('LogFileCleared', 'http://manifests.microsoft.com/win/2004/08/windows/eventlog', SUBJECT),
  },
} as const satisfies Record<string, EventKind>;

const SYSMON: EventProvider = { name: 'Microsoft-Windows-Sysmon', guid: '{5770385f-c22a-43e0-bf4c-06f5698ffbd9}' };

function sysmon(eventId: number, version: number, fields: Fields): EventKind {
  return {
    system: {
      provider: SYSMON,
      channel: 'Microsoft-Windows-Sysmon/Operational',
      eventId,
      version,
      level: 4,
      task: eventId,
      opcode: 0,
      keywords: FIRST_CHANNEL,
    },
    form: 'EventData',
    template: eventData({ RuleName: STRING, ...fields }),
  };
}

const PROCESS: Fields = { UtcTime: STRING, ProcessGuid: GUID, ProcessId: U32, Image: STRING };

/** The events of Sysmon: processes and what they do. */
export const Sysmon = {
  processCreate: sysmon(1, 5, {
    ...PROCESS,
    FileVersion: STRING,
    Description: STRING,
    Product: STRING,
    Company: STRING,
    OriginalFileName: STRING,
    CommandLine: STRING,
    CurrentDirectory: STRING,
    User: STRING,
    LogonGuid: GUID,
    LogonId: HEX64,
    TerminalSessionId: U32,
    IntegrityLevel: STRING,
    Hashes: STRING,
    ParentProcessGuid: GUID,
    ParentProcessId: U32,
    ParentImage: STRING,
    ParentCommandLine: STRING,
  }),
  networkConnect: sysmon(3, 5, {
    ...PROCESS,
    User: STRING,
    Protocol: STRING,
    Initiated: BOOL,
    SourceIsIpv6: BOOL,
    SourceIp: STRING,
    SourceHostname: STRING,
    SourcePort: U16,
    SourcePortName: STRING,
    DestinationIsIpv6: BOOL,
    DestinationIp: STRING,
    DestinationHostname: STRING,
    DestinationPort: U16,
    DestinationPortName: STRING,
  }),
  processTerminate: sysmon(5, 3, PROCESS),
  fileCreate: sysmon(11, 2, { ...PROCESS, TargetFilename: STRING, CreationUtcTime: STRING }),
  registryValue: sysmon(13, 2, {
    EventType: STRING,
    ...PROCESS,
    TargetObject: STRING,
    Details: STRING,
  }),
  dnsQuery: sysmon(22, 5, {
    UtcTime: STRING,
    ProcessGuid: GUID,
    ProcessId: U32,
    QueryName: STRING,
    QueryStatus: STRING,
    QueryResults: STRING,
    Image: STRING,
  }),
} as const satisfies Record<string, EventKind>;

const SERVICE_CONTROL_MANAGER: EventProvider = {
  name: 'Service Control Manager',
  guid: '{555908d1-a6d7-4695-8e1e-26931d2012f4}',
  eventSourceName: 'Service Control Manager',
};

function serviceControl(eventId: number, template: Template): EventKind {
  return {
    system: {
      provider: SERVICE_CONTROL_MANAGER,
      channel: 'System',
      eventId,
      qualifiers: 16_384,
      version: 0,
      level: 4,
      task: 0,
      opcode: 0,
      keywords: 0x8080_0000_0000_0000n,
    },
    classic: true,
    form: 'EventData',
    template,
  };
}

function classic(
  name: string,
  channel: string,
  eventId: number,
  options: Pick<EventKind['system'], 'level' | 'task' | 'qualifiers'>,
): EventKind {
  return {
    system: { provider: { name }, channel, eventId, ...options, keywords: CLASSIC },
    classic: true,
    form: 'EventData',
    template: CLASSIC_EVENT_DATA,
  };
}

const KERNEL_GENERAL: EventProvider = {
  name: 'Microsoft-Windows-Kernel-General',
  guid: '{a68ca8b7-004f-d7b6-a698-07e2de0f1f5d}',
};

/** The events of the System channel. */
export const System = {
  serviceState: serviceControl(
    7036,
    defineTemplate(
      element('EventData', {}, [
        element('Data', { Name: 'param1' }, [substitution(0, STRING)]),
        element('Data', { Name: 'param2' }, [substitution(1, STRING)]),
        element('Binary', {}, [optional(2, ValueType.Binary)]),
      ]),
    ),
  ),
  serviceStartType: serviceControl(7040, eventData({ param1: STRING, param2: STRING, param3: STRING, param4: STRING })),
  serviceInstalled: serviceControl(
    7045,
    eventData({ ServiceName: STRING, ImagePath: STRING, ServiceType: STRING, StartType: STRING, AccountName: STRING }),
  ),
  eventLogStarted: classic('EventLog', 'System', 6005, { level: 4, task: 0, qualifiers: 32_768 }),
  upTime: classic('EventLog', 'System', 6013, { level: 4, task: 0, qualifiers: 32_768 }),
  shutdown: classic('User32', 'System', 1074, { level: 4, task: 0, qualifiers: 32_768 }),
  systemStarted: {
    system: {
      provider: KERNEL_GENERAL,
      channel: 'System',
      eventId: 12,
      version: 1,
      level: 4,
      task: 1,
      opcode: 0,
      keywords: 0x8000_0000_0000_0080n,
    },
    form: 'EventData',
    template: eventData({
      MajorVersion: U32,
      MinorVersion: U32,
      BuildVersion: U32,
      QfeVersion: U32,
      ServiceVersion: U32,
      BootMode: U32,
      StartTime: ValueType.FileTime,
    }),
  },
  updateInstalled: {
    system: {
      provider: { name: 'Microsoft-Windows-WindowsUpdateClient', guid: '{945a8954-c147-4acd-923f-40c45405a658}' },
      channel: 'System',
      eventId: 19,
      version: 1,
      level: 4,
      task: 1,
      opcode: 13,
      keywords: 0x8000_0000_0000_0018n,
    },
    form: 'EventData',
    template: eventData({ updateTitle: STRING, updateGuid: GUID, updateRevisionNumber: U32, serviceGuid: GUID }),
  },
} as const satisfies Record<string, EventKind>;

/** The events of the Application channel. */
export const Application = {
  crash: classic('Application Error', 'Application', 1000, { level: 2, task: 100, qualifiers: 0 }),
  errorReport: classic('Windows Error Reporting', 'Application', 1001, { level: 4, task: 0, qualifiers: 0 }),
  installed: classic('MsiInstaller', 'Application', 11_707, { level: 4, task: 0, qualifiers: 0 }),
  calibrationDone: classic('Fjordlight Calibration', 'Application', 301, { level: 4, task: 3, qualifiers: 16_384 }),
  calibrationDrift: classic('Fjordlight Calibration', 'Application', 402, { level: 3, task: 3, qualifiers: 32_768 }),
} as const satisfies Record<string, EventKind>;

const POWERSHELL: EventProvider = {
  name: 'Microsoft-Windows-PowerShell',
  guid: '{a0c1853b-5c40-4b15-8766-3cf1c58f985a}',
};

function scriptBlock(level: number): EventKind {
  return {
    system: {
      provider: POWERSHELL,
      channel: 'Microsoft-Windows-PowerShell/Operational',
      eventId: 4104,
      version: 1,
      level,
      task: 2,
      opcode: 15,
      keywords: 0n,
    },
    form: 'EventData',
    template: SCRIPT_BLOCK,
  };
}

const SCRIPT_BLOCK = eventData({
  MessageNumber: I32,
  MessageTotal: I32,
  ScriptBlockText: STRING,
  ScriptBlockId: STRING,
  Path: STRING,
});

function session(eventId: number): EventKind {
  const name = 'Microsoft-Windows-TerminalServices-LocalSessionManager';
  return {
    system: {
      provider: { name, guid: '{5d896912-022d-40aa-a3a8-4fa5515c76d7}' },
      channel: `${name}/Operational`,
      eventId,
      version: 0,
      level: 4,
      task: 0,
      opcode: 0,
      keywords: 0x1000_0000_0000_0000n,
    },
    form: 'UserData',
    template: userData('EventXML', 'Event_NS', { User: STRING, SessionID: U32, Address: STRING }),
  };
}

function task(eventId: number, opcode: number, name: string, fields: Fields): EventKind {
  return {
    system: {
      provider: { name: 'Microsoft-Windows-TaskScheduler', guid: '{de7b24ea-73c8-4a09-985d-5bdadcfa9017}' },
      channel: 'Microsoft-Windows-TaskScheduler/Operational',
      eventId,
      version: 0,
      level: 4,
      task: eventId,
      opcode,
      keywords: FIRST_CHANNEL,
    },
    form: 'EventData',
    template: eventData(fields, name),
  };
}

/** The events of the providers that have a channel of their own. */
export const Operational = {
  scriptBlock: scriptBlock(5),
  suspiciousScriptBlock: scriptBlock(3),
  sessionLogon: session(21),
  sessionDisconnected: session(24),
  actionStarted: task(200, 1, 'ActionStart', { TaskName: STRING, ActionName: STRING, TaskInstanceId: GUID }),
  actionCompleted: task(201, 2, 'ActionSuccess', {
    TaskName: STRING,
    TaskInstanceId: GUID,
    ActionName: STRING,
    ResultCode: U32,
  }),
  malwareFound: {
    system: {
      provider: { name: 'Microsoft-Windows-Windows Defender', guid: '{11cd958a-c507-4ef3-b3f2-5fd9dfbd2c78}' },
      channel: 'Microsoft-Windows-Windows Defender/Operational',
      eventId: 1116,
      version: 0,
      level: 3,
      task: 0,
      opcode: 0,
      keywords: FIRST_CHANNEL,
    },
    form: 'EventData',
    template: eventData({
      'Product Name': STRING,
      'Threat Name': STRING,
      'Severity Name': STRING,
      'Detection User': STRING,
      'Process Name': STRING,
      Path: STRING,
    }),
  },
} as const satisfies Record<string, EventKind>;
