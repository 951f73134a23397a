import type { EventElement } from '../binxml/event-tree.ts';
import { escapeText } from '../render/escape.ts';
import { childElement, type SystemProperty, systemValue } from '../render/system-values.ts';
import { textContent } from '../render/text-content.ts';
import { renderXml } from '../render/xml.ts';
import type { EventDescriptor, MessageKind } from './metadata.ts';

/** An event and the texts of its publisher: what they are asked for with, those it carries itself, and both as XML. */

/** What identifies an event to its publisher. Its channel has a name in the event, and a number only there. */
export function descriptorOf(event: EventElement | undefined): EventDescriptor {
  const number = (property: SystemProperty) => {
    const { value } = systemValue(event, property);
    return typeof value === 'number' ? value : 0;
  };
  const { value: keywords } = systemValue(event, 'Keywords');
  return {
    id: number('EventID'),
    version: number('Version'),
    channel: 0,
    level: number('Level'),
    opcode: number('Opcode'),
    task: number('Task'),
    keywords: typeof keywords === 'bigint' ? keywords : 0n,
  };
}

/** Names of the elements of RenderingInfo, in the order in which they were seen; the schema has Publisher for Provider. */
const ELEMENTS: readonly (readonly [kind: MessageKind, names: readonly string[]])[] = [
  ['event', ['Message']],
  ['level', ['Level']],
  ['task', ['Task']],
  ['opcode', ['Opcode']],
  ['channel', ['Channel']],
  ['provider', ['Provider', 'Publisher']],
];
const KEYWORDS = 'Keywords';
const KEYWORD = 'Keyword';
const RENDERING_INFO = 'RenderingInfo';

/** Kinds of texts that RenderingInfo holds. */
export const RENDERED_KINDS: readonly MessageKind[] = [...ELEMENTS.map(([kind]) => kind), 'keyword'];

/** A text that whoever forwarded the event has put into it; undefined where there is none. */
export function carriedTexts(event: EventElement | undefined, kind: MessageKind): string[] | undefined {
  const info = childElement(event, RENDERING_INFO);
  if (info === undefined) return undefined;
  if (kind === 'keyword') {
    const children = childElement(info, KEYWORDS)?.children ?? [];
    const texts = children
      .filter((child): child is EventElement => child.kind === 'element' && child.name === KEYWORD)
      .map((child) => textContent(child.children));
    return texts.length === 0 ? undefined : texts;
  }
  const names = ELEMENTS.find(([each]) => each === kind)?.[1] ?? [];
  for (const name of names) {
    const element = childElement(info, name);
    const text = element === undefined ? '' : textContent(element.children);
    if (text !== '') return [text];
  }
  return undefined;
}

/**
 * The event's XML with its texts in it, as EvtFormatMessage gives it; those that are missing are left out. An event that carries
 * its texts stays as it is.
 */
export function renderedXml(
  roots: readonly EventElement[],
  texts: ReadonlyMap<MessageKind, readonly string[]>,
  culture: string,
): string {
  const xml = renderXml(roots);
  const end = xml.lastIndexOf('</Event>');
  if (end < 0 || childElement(roots[0], RENDERING_INFO) !== undefined) return xml;
  const text = (value: string) => escapeText(value, 'replace');
  let info = `<${RENDERING_INFO} Culture='${culture}'>`;
  for (const [kind, [name]] of ELEMENTS) {
    const [value] = texts.get(kind) ?? [];
    if (value !== undefined) info += `<${name}>${text(value)}</${name}>`;
  }
  const keywords = texts.get('keyword') ?? [];
  if (keywords.length > 0) {
    const items = keywords.map((value) => `<${KEYWORD}>${text(value)}</${KEYWORD}>`);
    info += `<${KEYWORDS}>${items.join('')}</${KEYWORDS}>`;
  }
  return `${xml.slice(0, end)}${info}</${RENDERING_INFO}>${xml.slice(end)}`;
}
