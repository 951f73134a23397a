import type { EventRecord } from '../../index.ts';
import { carriedTexts } from '../../providers/event-texts.ts';
import type { MessageKind } from '../../providers/metadata.ts';
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
  const of = (kind: MessageKind) => texts?.get(kind)?.join(',');
  const task = event.task === undefined || event.task === 0 ? 'N/A' : (of('task') ?? event.task);
  const lines = [
    `Event[${index}]:`,
    `  Log Name: ${printableLine(event.logName ?? '')}`,
    `  Source: ${printableLine(event.providerName ?? '')}`,
    `  Date: ${timeText(event.timeCreatedFileTime)}`,
    `  Event ID: ${event.id ?? ''}`,
    `  Task: ${printableLine(String(task))}`,
    `  Level: ${printableLine(of('level') ?? levelName(event.level))}`,
    `  Opcode: ${printableLine(of('opcode') ?? opcodeName(event.opcode))}`,
    `  Keyword: ${printableLine(of('keyword') ?? keywordNames(event.keywords))}`,
    `  User: ${printableLine(event.userId ?? 'N/A')}`,
    '  User Name: N/A',
    `  Computer: ${printableLine(event.machineName ?? '')}`,
    '  Description: ',
  ];
  const description = of('event') ?? carriedTexts(event.tree[0], 'event')?.[0];
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
