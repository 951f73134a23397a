import type { Filter, ParsedQuery, QueryElement, QueryWarning } from './ast.ts';
import { limitWarnings } from './limit.ts';
import { parseXPath, parseXPathTolerant } from './parse.ts';
import { droppedRest, parseQueryList } from './query-list.ts';

export interface ParseQueryOptions {
  /** Adds a warning (15026) for each filter that Windows would find too complex. Nothing is refused for it. */
  readonly strict?: boolean | undefined;
  /** EvtQueryTolerateQueryErrors: a bad XPath is cut to its good beginning, a bad filter of a list left out. */
  readonly tolerate?: boolean | undefined;
}

/**
 * Parses and checks what EvtQuery takes as a query: NULL, XPath, or a structured query, told apart by a `<` in front.
 * NULL, blank text and `*` mean every event.
 *
 * @throws {EvtQueryError} `ERROR_EVT_INVALID_QUERY` (15001) with the inner code and the place.
 */
export function parseQuery(text: string | null | undefined, options: ParseQueryOptions = {}): ParsedQuery {
  const { strict = false, tolerate = false } = options;
  const source = text ?? '';
  const parsed = /^[\uFEFF \t\r\n]*</.test(source)
    ? { structured: true, ...parseQueryList(source, tolerate) }
    : parsePlain(source, tolerate);
  if (!strict) return parsed;
  return { ...parsed, warnings: [...parsed.warnings, ...limitWarnings(parsed.queries)] };
}

function parsePlain(source: string, tolerate: boolean): ParsedQuery {
  const warnings: QueryWarning[] = [];
  let expression: Filter['expression'];
  if (!/^[ \t\r\n]*$/.test(source)) {
    if (tolerate) {
      const repaired = parseXPathTolerant(source);
      expression = repaired.expression;
      if (repaired.error !== undefined) warnings.push(droppedRest(repaired.error, repaired.keptEnd, source.length));
    } else {
      expression = parseXPath(source);
    }
  }
  const query: QueryElement = { id: undefined, selects: [{ path: undefined, expression }], suppresses: [] };
  return { structured: false, queries: [query], paths: [], warnings };
}
