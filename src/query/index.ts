/** The query language: texts in, syntax trees and answers about events out. */
export type * from './ast.ts';
export { EvtQueryError, type QueryErrorSymbol } from './error.ts';
export { lint } from './lint.ts';
export { parseXPath } from './parse.ts';
export { type ParseQueryOptions, parseQuery } from './query.ts';
