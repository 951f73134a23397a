import { WIN32 } from '../errors/win32.ts';
import type { Expression, QueryElement, QueryWarning } from './ast.ts';

/** Most comparisons in one Select that Windows 11 accepts; 24 were refused (measured on build 26200). */
const WINDOWS_MAX_COMPARISONS = 23;

/** One warning (15026) for each filter that Windows would refuse as too complex. */
export function limitWarnings(queries: readonly QueryElement[]): QueryWarning[] {
  return queries
    .flatMap(({ selects, suppresses }) => [...selects, ...suppresses])
    .flatMap(({ expression }) => {
      if (expression === undefined) return [];
      const count = countComparisons(expression);
      if (count <= WINDOWS_MAX_COMPARISONS) return [];
      return {
        start: expression.start,
        end: expression.end,
        code: WIN32.ERROR_EVT_FILTER_TOO_COMPLEX,
        sentence: `Windows refuses this filter: it joins ${count} comparisons, and ${WINDOWS_MAX_COMPARISONS} are the most; spread them over several Select elements.`,
      };
    });
}

/** Comparisons and band() tests, those inside predicates included. */
function countComparisons(expression: Expression): number {
  switch (expression.kind) {
    case 'or':
    case 'and':
      return sum(expression.terms, countComparisons);
    case 'compare':
      return 1 + (expression.left.kind === 'path' ? countComparisons(expression.left) : 0);
    case 'band':
      return 1;
    case 'path':
      return sum(expression.steps, (step) =>
        sum(step.predicates, (each) => (each.kind === 'condition' ? countComparisons(each.condition) : 0)),
      );
    default:
      return 0;
  }
}

function sum<T>(items: readonly T[], weigh: (item: T) => number): number {
  return items.reduce((total, item) => total + weigh(item), 0);
}
