import { CURRENT_STYLE } from '../../binxml/value.ts';
import type { RenderOptions } from '../../index.ts';
import { renderedXml } from '../../providers/event-texts.ts';
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

/** Of the texts, as far as anybody knows. */
const CULTURE = 'en-US';
/** XML 1.0 Name, as far as a root element needs it. */
const ELEMENT_NAME = /^[\p{L}_][\p{L}\p{N}._-]*$/u;

/** What tables and CSV need is only loaded for them. */
export async function createFormatter(format: Format, options: FormatOptions): Promise<Formatter> {
  switch (format) {
    case 'xml':
      return xmlFormatter(options);
    case 'renderedxml':
      return renderedXmlFormatter(options);
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

function xmlFormatter(given: FormatOptions): Formatter {
  const { rawCharacters, timeDigits } = given;
  const options = renderOptions(given);
  return {
    ...rootOf(given),
    lines: rawCharacters || timeDigits !== CURRENT_STYLE.timeDigits ? undefined : 'xml',
    event: (event) => `${event.xml(options)}\n`,
  };
}

/** XML with the events' texts in it. */
function renderedXmlFormatter(given: FormatOptions): Formatter {
  const options = renderOptions(given);
  return {
    ...rootOf(given),
    showsTexts: true,
    event: (event, _, texts = new Map()) => `${renderedXml(event.tree, texts, CULTURE, options)}\n`,
  };
}

function renderOptions({ rawCharacters, timeDigits }: FormatOptions): RenderOptions {
  return { style: { ...CURRENT_STYLE, timeDigits }, invalidCharacters: rawCharacters ? 'keep' : 'replace' };
}

function rootOf({ element }: FormatOptions): Pick<Formatter, 'head' | 'tail'> {
  if (element === undefined) return { head: '', tail: '' };
  if (!ELEMENT_NAME.test(element)) throw new UsageError(`/e: "${element}" is no name for an element`);
  return { head: `<${element}>\n`, tail: `</${element}>\n` };
}

function jsonFormatter({ attributesApart, timeDigits }: FormatOptions): Formatter {
  const options = { attributesApart, style: { ...CURRENT_STYLE, timeDigits } };
  const isUsual = !attributesApart && timeDigits === CURRENT_STYLE.timeDigits;
  return { head: '', lines: isUsual ? 'json' : undefined, event: (event) => `${event.json(options)}\n`, tail: '' };
}
