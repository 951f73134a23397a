import { SaxesParser } from 'saxes';
import { checkDocument } from '../../src/binxml/check.ts';
import type { EventContent } from '../../src/binxml/event-tree.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { renderJson } from '../../src/render/json.ts';
import { systemValues } from '../../src/render/system-values.ts';
import { bodyValues } from '../../src/render/user-values.ts';
import { renderXml } from '../../src/render/xml.ts';
import { refusable } from '../target.ts';

/** Values of this type are markup already, and go in as they are. */
function hasRawXml(nodes: readonly EventContent[]): boolean {
  const isRaw = (node: EventContent) => node.kind === 'value' && node.value.type === ValueType.EvtXml;
  return nodes.some(
    (node) =>
      isRaw(node) ||
      (node.kind === 'element' && (hasRawXml(node.children) || node.attributes.some(({ value }) => value.some(isRaw)))),
  );
}

/** Whatever a log says, an XML parser must be able to read what becomes of it. */
function expectWellFormed(xml: string): void {
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(`<Events>${xml}</Events>`).close();
}

/** All that can be made of a document. */
export function render(document: Fragment): void {
  refusable(() => checkDocument(document));
  refusable(() => {
    const roots = resolveDocument(document);
    if (!hasRawXml(roots)) expectWellFormed(renderXml(roots));
    JSON.parse(renderJson(roots));
    systemValues(roots[0]);
    bodyValues(roots[0]);
  });
}
