import { EvtError } from '../errors/evt-error.ts';

const EXTENSION = '.evtx';
/** How Windows spells the slash of a channel name in a file name. Other percent signs stand for themselves. */
const SLASH = '%4';
/** Characters no channel name has; a slash is allowed. */
const ILLEGAL = /[\0-\x1f<>|\\":'*?`&]/;
const MAX_LENGTH = 255;
/** What a full log is called that made room for a new one: no channel. */
const ARCHIVE = /^Archive-.*-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}$/i;

/** Names of channels have no case. */
export function channelKey(channel: string): string {
  return channel.toLowerCase();
}

/** @throws EvtError ERROR_EVT_INVALID_CHANNEL_PATH (15000) */
export function checkChannelName(channel: string, api: string): void {
  const isDots = /^\.*$/.test(channel);
  if (!isDots && channel.length <= MAX_LENGTH && !ILLEGAL.test(channel) && !channel.startsWith('.')) return;
  throw new EvtError('ERROR_EVT_INVALID_CHANNEL_PATH', api, `"${channel.slice(0, MAX_LENGTH)}" is no channel name`);
}

/** `Microsoft-Windows-Sysmon/Operational` of `Microsoft-Windows-Sysmon%4Operational.evtx`. */
export function channelOfFile(fileName: string): string {
  return fileName.slice(0, -EXTENSION.length).replaceAll(SLASH, '/');
}

/** `Microsoft-Windows-Sysmon%4Operational.evtx` of `Microsoft-Windows-Sysmon/Operational`. */
export function fileOfChannel(channel: string): string {
  return `${channel.replaceAll('/', SLASH)}${EXTENSION}`;
}

export function isLogFileName(fileName: string): boolean {
  return fileName.toLowerCase().endsWith(EXTENSION) && !fileName.startsWith('.');
}

/** A log file that is a channel's, not an archive of one. */
export function isChannelFileName(fileName: string): boolean {
  return isLogFileName(fileName) && !ARCHIVE.test(channelOfFile(fileName));
}
