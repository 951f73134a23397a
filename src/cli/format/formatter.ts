import { UsageError } from '../failure.ts';
import type { Format } from '../verbs.ts';
import type { Formatter } from './event-lines.ts';

export interface FormatOptions {
  readonly element: string | undefined;
  readonly attributesApart: boolean;
  readonly rawCharacters: boolean;
  /** Columns of the terminal; undefined when the output goes elsewhere. */
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
      return {
        head: '',
        event: (event) => `${event.json({ attributesApart: options.attributesApart })}\n`,
        tail: '',
      };
    case 'text':
      return (await import('./text.ts')).textFormatter();
    case 'csv':
      return (await import('./csv.ts')).csvFormatter();
    case 'table':
      return (await import('./table.ts')).tableFormatter(options.width);
  }
}

function xmlFormatter({ element, rawCharacters }: FormatOptions): Formatter {
  if (element !== undefined && !ELEMENT_NAME.test(element)) {
    throw new UsageError(`/e: "${element}" is no name for an element`);
  }
  const invalidCharacters = rawCharacters ? 'keep' : 'replace';
  return {
    head: element === undefined ? '' : `<${element}>\n`,
    event: (event) => `${event.xml({ invalidCharacters })}\n`,
    tail: element === undefined ? '' : `</${element}>\n`,
  };
}
