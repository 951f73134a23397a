import type { EventContent } from '../binxml/event-tree.ts';
import { CURRENT_STYLE, type ValueStyle, valueText } from '../binxml/value.ts';

/** The entities that XML defines by itself; logs use `amp`, `gt` and `quot`. */
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Character data of one node, unescaped; empty for elements and processing instructions. */
export function characterData(node: EventContent, style: ValueStyle = CURRENT_STYLE): string {
  switch (node.kind) {
    case 'value':
      return valueText(node.value, style);
    case 'text':
    case 'cdata':
      return node.text;
    case 'charref':
      return String.fromCharCode(node.code);
    case 'entityref':
      return ENTITIES[node.name] ?? `&${node.name};`;
    default:
      return '';
  }
}

/** All character data directly in `nodes`, joined. */
export function textContent(nodes: readonly EventContent[], style: ValueStyle = CURRENT_STYLE): string {
  let text = '';
  for (const node of nodes) text += characterData(node, style);
  return text;
}
