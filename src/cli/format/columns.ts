import type { EventRecord } from '../../index.ts';
import { timeText, variantText } from '../../render/variant-text.ts';
import { levelName } from './names.ts';

/** `name=value; …` of the event's data; unnamed values stand alone. */
export function dataText(event: EventRecord): string {
  return event.properties.map(({ name, value }) => pair(name, variantText(value))).join('; ');
}

export function pair(name: string, text: string): string {
  return name === '' ? text : `${name}=${text}`;
}

export interface Column {
  readonly title: string;
  readonly read: (event: EventRecord) => string;
}

/** What csv shows of an event; the table has most of them. */
export const COLUMNS = {
  time: { title: 'TimeCreated', read: (event) => timeText(event.timeCreatedFileTime) },
  level: { title: 'Level', read: (event) => levelName(event.level) },
  provider: { title: 'Provider', read: (event) => event.providerName ?? '' },
  id: { title: 'EventID', read: (event) => String(event.id ?? '') },
  channel: { title: 'Channel', read: (event) => event.logName ?? '' },
  computer: { title: 'Computer', read: (event) => event.machineName ?? '' },
  record: { title: 'RecordId', read: (event) => String(event.recordId ?? event.fileRecordId) },
  data: { title: 'Data', read: dataText },
} as const satisfies Record<string, Column>;
