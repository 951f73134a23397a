import type { EventRecord } from '../../index.ts';
import { timeText, variantText } from '../../render/variant-text.ts';
import type { Formatter } from './event-lines.ts';
import { keywordNames, levelName, opcodeName } from './names.ts';
import { printableLine, printableLines } from './printable.ts';

/** wevtutil's text form. Where it prints the provider's message, this prints the event's values: messages are not in logs. */
export function textFormatter(): Formatter {
  return { head: '', event: text, tail: '' };
}

function text(event: EventRecord, index: number): string {
  const lines = [
    `Event[${index}]:`,
    `  Log Name: ${printableLine(event.logName ?? '')}`,
    `  Source: ${printableLine(event.providerName ?? '')}`,
    `  Date: ${timeText(event.timeCreatedFileTime)}`,
    `  Event ID: ${event.id ?? ''}`,
    `  Task: ${event.task === undefined || event.task === 0 ? 'N/A' : event.task}`,
    `  Level: ${levelName(event.level)}`,
    `  Opcode: ${opcodeName(event.opcode)}`,
    `  Keyword: ${keywordNames(event.keywords)}`,
    `  User: ${printableLine(event.userId ?? 'N/A')}`,
    '  User Name: N/A',
    `  Computer: ${printableLine(event.machineName ?? '')}`,
    '  Description: ',
  ];
  for (const { name, value } of event.properties) {
    const shown = printableLines(variantText(value));
    lines.push(name === '' ? shown : `${printableLine(name)}: ${shown}`);
  }
  return `${lines.join('\n')}\n\n`;
}
