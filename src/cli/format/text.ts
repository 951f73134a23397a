import type { EventRecord } from '../../index.ts';
import { carriedTexts } from '../../providers/event-texts.ts';
import { timeText, variantText } from '../../render/variant-text.ts';
import type { EventTexts } from '../event-texts.ts';
import type { Formatter } from './event-lines.ts';
import { keywordNames, levelName, opcodeName } from './names.ts';
import { printableLine, printableLines } from './printable.ts';

/**
 * wevtutil's text form. Where there is no message, of the publisher or in the event itself, its place has the event's values: messages
 * are not in logs.
 */
export function textFormatter(): Formatter {
  return { head: '', showsTexts: true, event: text, tail: '' };
}

function text(event: EventRecord, index: number, texts?: EventTexts): string {
  const task = event.task === undefined || event.task === 0 ? 'N/A' : (texts?.task ?? event.task);
  const keywords = texts?.keywords ?? [];
  const lines = [
    `Event[${index}]:`,
    `  Log Name: ${printableLine(event.logName ?? '')}`,
    `  Source: ${printableLine(event.providerName ?? '')}`,
    `  Date: ${timeText(event.timeCreatedFileTime)}`,
    `  Event ID: ${event.id ?? ''}`,
    `  Task: ${printableLine(String(task))}`,
    `  Level: ${printableLine(texts?.level ?? levelName(event.level))}`,
    `  Opcode: ${printableLine(texts?.opcode ?? opcodeName(event.opcode))}`,
    `  Keyword: ${keywords.length === 0 ? keywordNames(event.keywords) : printableLine(keywords.join(','))}`,
    `  User: ${printableLine(event.userId ?? 'N/A')}`,
    '  User Name: N/A',
    `  Computer: ${printableLine(event.machineName ?? '')}`,
    '  Description: ',
  ];
  const description = texts?.description ?? carriedTexts(event.tree[0], 'event')?.[0];
  if (description === undefined) lines.push(...valueLines(event));
  else lines.push(printableLines(description).trimEnd());
  return `${lines.join('\n')}\n\n`;
}

function valueLines(event: EventRecord): string[] {
  return event.properties.map(({ name, value }) => {
    const shown = printableLines(variantText(value));
    return name === '' ? shown : `${printableLine(name)}: ${shown}`;
  });
}
