import type { AttributeText, EventContent, EventElement, EventValue } from '../binxml/event-tree.ts';
import { CURRENT_STYLE, type ValueStyle, valueText } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import {
  allowed,
  escapeAttribute,
  escapeText,
  type InvalidCharacters,
  isReservedTarget,
  isXmlCharacter,
  isXmlEntity,
} from './escape.ts';

/** How events are rendered. The default is what current Windows writes, except that forbidden characters become U+FFFD. */
export interface RenderOptions {
  readonly style?: ValueStyle;
  /**
   * `replace` (default): U+FFFD, so that any XML parser reads the output; unknown entities become text, and a processing
   * instruction named `xml` is `_xml`. `keep`: all as stored, as Windows does.
   */
  readonly invalidCharacters?: InvalidCharacters;
}

/** Types whose text never needs escaping. */
const PLAIN: readonly boolean[] = (() => {
  const plain: boolean[] = new Array(0x100).fill(true);
  for (const type of [ValueType.String, ValueType.AnsiString, ValueType.EvtXml]) plain[type] = false;
  return plain;
})();

/**
 * The event as EvtRender writes it: one line, no declaration, single quotes, `<x/>` only where the template has it.
 * @param roots what `resolveDocument` gave; several are written one after the other
 */
export function renderXml(roots: readonly EventElement[], options: RenderOptions = {}): string {
  const style = options.style ?? CURRENT_STYLE;
  const policy = options.invalidCharacters ?? 'replace';
  let out = '';
  for (const root of roots) element(root);
  return out;

  function element(node: EventElement): void {
    out += `<${node.name}`;
    for (const attribute of node.attributes) {
      out += ` ${attribute.name}='`;
      for (const part of attribute.value) characters(part, escapeAttribute);
      out += "'";
    }
    if (node.empty) {
      out += '/>';
      return;
    }
    out += '>';
    for (const child of node.children) {
      if (child.kind === 'element') element(child);
      else characters(child, escapeText);
    }
    out += `</${node.name}>`;
  }

  function characters(node: AttributeText | Exclude<EventContent, EventElement>, escaped: typeof escapeText): void {
    if (node.kind !== 'value') out += constantXml(node, escaped, policy);
    // EvtXml is markup already: it goes in as it is.
    else if (PLAIN[node.value.type] || node.value.type === ValueType.EvtXml) out += valueText(node.value, style);
    else out += escaped(valueText(node.value, style), policy);
  }
}

/** Character data that stands in the template or record itself. */
export function constantXml(
  node: Exclude<EventContent, EventElement | EventValue>,
  escaped: typeof escapeText,
  policy: InvalidCharacters = 'replace',
): string {
  switch (node.kind) {
    case 'text':
      return escaped(node.text, policy);
    case 'charref':
      return policy === 'keep' || isXmlCharacter(node.code) ? `&#${node.code};` : '\ufffd';
    case 'entityref':
      return policy === 'keep' || isXmlEntity(node.name) ? `&${node.name};` : `&amp;${node.name};`;
    case 'cdata':
      // "]]>" would end the section: it is split over two.
      return `<![CDATA[${allowed(node.text, policy).replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
    case 'pi': {
      const open = policy === 'replace' && isReservedTarget(node.target) ? '<?_' : '<?';
      return `${open}${node.target} ${allowed(node.data, policy).replaceAll('?>', '? >')}?>`;
    }
  }
}
