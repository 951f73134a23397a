import type { Fragment } from '../binxml/tree.ts';
import type { RecordCursor } from '../evtx/record-cursor.ts';
import type { Expression, ParsedQuery } from './ast.ts';
import { allOf, anyOf, type Code, notOf } from './code.ts';
import { codeOf, type Shape } from './compile.ts';
import type { EvaluationContext } from './evaluate.ts';
import { createFilter, type EvaluatorChoice, type EventFilter } from './filter.ts';
import { TRUE } from './slot-test.ts';

/** What stands in for the id of a Query element that has none (MS-EVEN6 2.2.17). */
const NO_QUERY_ID = 0xffff_ffff;

export interface MatcherOptions {
  /** Which filters of the query are for this log, by the path they name; undefined: the caller's path. */
  readonly isMine: (path: string | undefined) => boolean;
  readonly evaluator?: EvaluatorChoice;
}

/** What a query wants of one log. */
export interface EventMatcher {
  /** No event is left out. */
  readonly everything: boolean;
  /** Some Query selects the event: one of its Selects is true and none of its Suppresses. */
  matches(document: Fragment, context: EvaluationContext): boolean;
  /** The same of a record in place. */
  matchesRecord(record: RecordCursor, context: EvaluationContext): boolean;
  /** What {@link matches} asks of a template's slots. */
  codeOf(shape: Shape): Code;
  /** Ids of all Query elements that select it, each once; 0xffffffff for one without Id. Empty for an XPath query. */
  queryIds(document: Fragment, context: EvaluationContext): number[];
}

interface QueryFilters {
  readonly id: number;
  readonly codeOf: (shape: Shape) => Code;
  readonly selects: readonly EventFilter[];
  readonly suppresses: readonly EventFilter[];
  readonly everything: boolean;
}

/** The query's filters for one log. */
export function createMatcher(query: ParsedQuery, options: MatcherOptions): EventMatcher {
  const choice = options.evaluator ?? 'compiled';
  const queries: QueryFilters[] = query.queries.map(({ id, selects, suppresses }) => {
    const mine = { selects: selects.filter(isMine), suppresses: suppresses.filter(isMine) };
    return {
      id: id ?? NO_QUERY_ID,
      codeOf: (shape) => allOf([anyCode(mine.selects, shape), notOf(anyCode(mine.suppresses, shape))]),
      selects: mine.selects.map(({ expression }) => createFilter(expression, choice)),
      suppresses: mine.suppresses.map(({ expression }) => createFilter(expression, choice)),
      everything: mine.suppresses.length === 0 && mine.selects.some(({ expression }) => expression === undefined),
    };
  });
  return {
    everything: queries.some(({ everything }) => everything),
    // Plain loops: they run once per record.
    matches: (document, context) => {
      for (const one of queries) if (selects(one, document, context)) return true;
      return false;
    },
    matchesRecord: (record, context) => {
      for (const one of queries) if (selectsRecord(one, record, context)) return true;
      return false;
    },
    codeOf: (shape) => anyOf(queries.map(({ codeOf }) => codeOf(shape))),
    queryIds: (document, context) => {
      if (!query.structured) return [];
      const ids = queries.filter((one) => selects(one, document, context)).map(({ id }) => id);
      return [...new Set(ids)];
    },
  };

  function isMine({ path }: { path: string | undefined }): boolean {
    return options.isMine(path);
  }
}

type Filters = readonly { readonly expression: Expression | undefined }[];

function anyCode(filters: Filters, shape: Shape): Code {
  return anyOf(filters.map(({ expression }) => (expression === undefined ? TRUE : codeOf(expression, shape))));
}

function selects({ selects, suppresses }: QueryFilters, document: Fragment, context: EvaluationContext): boolean {
  return anyMatches(selects, document, context) && !anyMatches(suppresses, document, context);
}

function anyMatches(filters: readonly EventFilter[], document: Fragment, context: EvaluationContext): boolean {
  for (const filter of filters) if (filter.matches(document, context)) return true;
  return false;
}

function selectsRecord(
  { selects, suppresses }: QueryFilters,
  record: RecordCursor,
  context: EvaluationContext,
): boolean {
  return anyMatchesRecord(selects, record, context) && !anyMatchesRecord(suppresses, record, context);
}

function anyMatchesRecord(filters: readonly EventFilter[], record: RecordCursor, context: EvaluationContext): boolean {
  for (const filter of filters) if (filter.matchesRecord(record, context)) return true;
  return false;
}
