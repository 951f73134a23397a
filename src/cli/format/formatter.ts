import { CURRENT_STYLE } from '../../binxml/value.ts';
import { UsageError } from '../failure.ts';
import type { Format } from '../verbs.ts';
import type { Formatter } from './event-lines.ts';

export interface FormatOptions {
  readonly element: string | undefined;
  readonly attributesApart: boolean;
  readonly rawCharacters: boolean;
  readonly timeDigits: 7 | 9;
  /** Columns that a table may take; undefined when nobody knows. */
  readonly width: number | undefined;
}

/** XML 1.0 Name, as far as a root element needs it. */
const ELEMENT_NAME = /^[\p{L}_][\p{L}\p{N}._-]*$/u;

/** What tables and CSV need is only loaded for them. */
export async function createFormatter(format: Format, options: FormatOptions): Promise<Formatter> {
  switch (format) {
    case 'xml':
      return xmlFormatter(options);
    case 'json':
      return jsonFormatter(options);
    case 'text':
      return (await import('./text.ts')).textFormatter();
    case 'csv':
      return (await import('./csv.ts')).csvFormatter();
    case 'table':
      return (await import('./table.ts')).tableFormatter(options.width);
  }
}

function xmlFormatter({ element, rawCharacters, timeDigits }: FormatOptions): Formatter {
  if (element !== undefined && !ELEMENT_NAME.test(element)) {
    throw new UsageError(`/e: "${element}" is no name for an element`);
  }
  const options = {
    style: { ...CURRENT_STYLE, timeDigits },
    invalidCharacters: rawCharacters ? 'keep' : 'replace',
  } as const;
  return {
    head: element === undefined ? '' : `<${element}>\n`,
    lines: rawCharacters || timeDigits !== CURRENT_STYLE.timeDigits ? undefined : 'xml',
    event: (event) => `${event.xml(options)}\n`,
    tail: element === undefined ? '' : `</${element}>\n`,
  };
}

function jsonFormatter({ attributesApart, timeDigits }: FormatOptions): Formatter {
  const options = { attributesApart, style: { ...CURRENT_STYLE, timeDigits } };
  const isUsual = !attributesApart && timeDigits === CURRENT_STYLE.timeDigits;
  return { head: '', lines: isUsual ? 'json' : undefined, event: (event) => `${event.json(options)}\n`, tail: '' };
}
