import type { EventElement } from '../binxml/event-tree.ts';
import { type Variant, valueVariant } from '../binxml/value.ts';
import { ValueType } from '../binxml/value-type.ts';
import { NULL_VARIANT } from '../render/system-values.ts';
import type { PathExpression } from './ast.ts';
import { EvtQueryError } from './error.ts';
import { nodeText, onlyValue, selectNodes } from './evaluate.ts';
import { parseXPath } from './parse.ts';

/** A path to one node, as EvtCreateRenderContext takes it: `Event/EventData/Data[@Name='x']`. */
export type ValuePath = PathExpression;

/**
 * Reads a value path.
 * @throws EvtQueryError ERROR_EVT_INVALID_QUERY (15001) for anything but a single path from `Event` or `*`
 */
export function parseValuePath(text: string): ValuePath {
  const expression = parseXPath(text);
  if (expression?.kind === 'path') return expression;
  throw new EvtQueryError({
    innerSymbol: 'ERROR_EVT_FILTER_NOTELTSET',
    span: { start: 0, end: text.length },
    windowsPosition: text.length,
    token: text,
    detail: 'a value path leads to one element or attribute, such as Event/System/EventID: no comparison, and, or',
  });
}

/** The first node that the path leads to, typed as stored; text is a String; Null where the event has no such node. */
export function selectFirst(path: ValuePath, roots: readonly EventElement[]): Variant {
  const [node] = selectNodes(path, roots);
  if (node === undefined) return NULL_VARIANT;
  const only = onlyValue(node);
  return only === undefined ? { type: ValueType.String, value: nodeText(node) } : valueVariant(only);
}
