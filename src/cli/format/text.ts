import type { EventRecord } from '../../index.ts';
import type { Formatter } from './event-lines.ts';
import { keywordNames, levelName, opcodeName } from './names.ts';
import { timeText, variantText } from './value-text.ts';

/** wevtutil's text form. Where it prints the provider's message, this prints the event's values: messages are not in logs. */
export function textFormatter(): Formatter {
  return { head: '', event: text, tail: '' };
}

function text(event: EventRecord, index: number): string {
  const lines = [
    `Event[${index}]:`,
    `  Log Name: ${event.logName ?? ''}`,
    `  Source: ${event.providerName ?? ''}`,
    `  Date: ${timeText(event.timeCreatedFileTime)}`,
    `  Event ID: ${event.id ?? ''}`,
    `  Task: ${event.task === undefined || event.task === 0 ? 'N/A' : event.task}`,
    `  Level: ${levelName(event.level)}`,
    `  Opcode: ${opcodeName(event.opcode)}`,
    `  Keyword: ${keywordNames(event.keywords)}`,
    `  User: ${event.userId ?? 'N/A'}`,
    '  User Name: N/A',
    `  Computer: ${event.machineName ?? ''}`,
    '  Description: ',
  ];
  for (const { name, value } of event.properties) {
    lines.push(name === '' ? variantText(value) : `${name}: ${variantText(value)}`);
  }
  return `${lines.join('\n')}\n\n`;
}
