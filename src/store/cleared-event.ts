import { hostname, userInfo } from 'node:os';
import type { Draft } from './channel-log.ts';
import type { EventWriterForms, NewEvent } from './written-event.ts';

/** Where a clear is recorded, as Windows does it: Security's in Security itself, all others in System. */
export const SYSTEM_CHANNEL = 'System';
export const SECURITY_CHANNEL = 'Security';

const PROVIDER = { name: 'Microsoft-Windows-Eventlog', guid: '{fc65ddd8-d6ef-4962-83d5-6e5cfe9ce148}' };
const NAMESPACE = 'http://manifests.microsoft.com/win/2004/08/windows/eventlog';
const LOG_CLEAR_TASK = 104;
const SYSTEM_EVENT = { id: 104, keywords: 0x8000_0000_0000_0000n };
const AUDIT_EVENT = { id: 1102, keywords: 0x4020_0000_0000_0000n };

interface Subject {
  readonly sid: string;
  readonly name: string;
  readonly domain: string;
}

/** Somebody for whom this process clears. */
export type Clearer = Pick<Subject, 'name' | 'domain'>;

const NOBODY = 'S-1-0-0';

/** Who runs this process. A Unix user's SID is the one that Samba gives it. */
function subject(): Subject {
  const domain = hostname();
  try {
    const { username, uid } = userInfo();
    return { sid: uid < 0 ? NOBODY : `S-1-22-1-${uid}`, name: username, domain };
  } catch {
    // A user id without an entry in the system's list of users.
    return { sid: NOBODY, name: '-', domain };
  }
}

/** Where the event that says "this channel was cleared" belongs. */
export function recordingChannel(channel: string): string {
  return channel.toLowerCase() === SECURITY_CHANNEL.toLowerCase() ? SECURITY_CHANNEL : SYSTEM_CHANNEL;
}

/**
 * Event 1102 for Security, 104 for every other channel: who cleared it, and where its events are now.
 * @param clearer undefined: whoever runs this process
 */
export function clearedEvent(
  forms: EventWriterForms,
  channel: string,
  backup: string | undefined,
  clearer: Clearer | undefined,
): Draft {
  const { sid, name, domain } = clearer === undefined ? subject() : { sid: NOBODY, ...clearer };
  const target = recordingChannel(channel);
  const isAudit = target === SECURITY_CHANNEL;
  const fields: [string, string][] = isAudit
    ? [
        ['SubjectUserSid', sid],
        ['SubjectUserName', name],
        ['SubjectDomainName', domain],
        ['SubjectLogonId', '0x0'],
      ]
    : [
        ['SubjectUserName', name],
        ['SubjectDomainName', domain],
        ['Channel', channel],
        ['BackupPath', backup ?? ''],
      ];
  const event: NewEvent = {
    provider: PROVIDER,
    ...(isAudit ? AUDIT_EVENT : SYSTEM_EVENT),
    task: LOG_CLEAR_TASK,
    userId: isAudit ? undefined : sid,
    userData: {
      name: 'LogFileCleared',
      attributes: { xmlns: NAMESPACE },
      content: fields.map(([field, text]) => ({ name: field, content: text === '' ? [] : [text] })),
    },
  };
  return forms.draft(event, target);
}
