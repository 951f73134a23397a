/** The query language: texts in, syntax trees and answers about events out. */
export type * from './ast.ts';
export { EvtQueryError, type QueryErrorSymbol } from './error.ts';
export { type EvaluationContext, evaluate } from './evaluate.ts';
export { createFilter, type EvaluatorChoice, type EventFilter } from './filter.ts';
export { KernelFilter } from './kernel-filter.ts';
export { lint } from './lint.ts';
export { createMatcher, type EventMatcher, type MatcherOptions } from './matcher.ts';
export { parseXPath } from './parse.ts';
export { type ParseQueryOptions, parseQuery } from './query.ts';
export { parseValuePath, selectFirst, type ValuePath } from './value-path.ts';
