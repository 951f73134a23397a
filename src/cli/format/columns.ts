import { fileTimeText } from '../../bytes/time.ts';
import type { EventRecord, VariantValue } from '../../index.ts';
import { levelName } from './names.ts';

/** FILETIME as ISO text in UTC, seven digits. */
export function timeText(fileTime: bigint | undefined): string {
  if (fileTime === undefined) return '';
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, fileTime, true);
  return fileTimeText(bytes, 0, 7);
}

export function valueText(value: VariantValue): string {
  if (value === null) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').toUpperCase();
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return String(value);
}

/** `name=value; …` of the event's data; unnamed values stand alone. */
export function dataText(event: EventRecord): string {
  return event.properties
    .map(({ name, value }) => (name === '' ? valueText(value.value) : `${name}=${valueText(value.value)}`))
    .join('; ');
}

/** What csv and table show of an event. */
export const COLUMNS: readonly { readonly title: string; readonly read: (event: EventRecord) => string }[] = [
  { title: 'TimeCreated', read: (event) => timeText(event.timeCreatedFileTime) },
  { title: 'Level', read: (event) => levelName(event.level) },
  { title: 'EventID', read: (event) => String(event.id ?? '') },
  { title: 'Provider', read: (event) => event.providerName ?? '' },
  { title: 'Channel', read: (event) => event.logName ?? '' },
  { title: 'Computer', read: (event) => event.machineName ?? '' },
  { title: 'RecordID', read: (event) => String(event.recordId ?? event.fileRecordId) },
  { title: 'Data', read: dataText },
];
