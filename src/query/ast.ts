/**
 * The syntax tree of a query: XPath as Windows Event Log has it. Plain data, made by `parse.ts`, checked by `check.ts`,
 * answered by `evaluate.ts` and `compile.ts`.
 */

/** Where a node stands in the query text: UTF-16 offsets, `end` exclusive. Errors and warnings point there. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export type CompareOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** `a or b or c`, flat: lists of thousands of ids are common and must not nest. */
export interface OrExpression extends Span {
  readonly kind: 'or';
  readonly terms: readonly Expression[];
}

/** `a and b and c`, flat. */
export interface AndExpression extends Span {
  readonly kind: 'and';
  readonly terms: readonly Expression[];
}

/** Left side: a node or a function; right side: one constant. */
export interface Comparison extends Span {
  readonly kind: 'compare';
  readonly operator: CompareOperator;
  readonly left: PathExpression | PositionCall | TimeDiffCall;
  readonly right: Constant;
}

/** A path. As a condition: it leads somewhere. */
export interface PathExpression extends Span {
  readonly kind: 'path';
  readonly steps: readonly Step[];
}

export interface Step extends Span {
  readonly axis: 'child' | 'attribute';
  /** Local name, `*` for any, or `text()`. */
  readonly test:
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'any' }
    | { readonly kind: 'text' };
  readonly predicates: readonly Predicate[];
}

/** `[n]`, or `[condition]`. */
export type Predicate = PositionPredicate | (Span & { readonly kind: 'condition'; readonly condition: Expression });

export interface PositionPredicate extends Span {
  readonly kind: 'position';
  /** Counted from 1. */
  readonly position: number;
}

/** `position()`: only inside a comparison. */
export interface PositionCall extends Span {
  readonly kind: 'position()';
}

/** `band(a, b)`: true when a AND b is not zero. */
export interface BandCall extends Span {
  readonly kind: 'band';
  readonly left: Argument;
  readonly right: Argument;
}

/** `timediff(a)`: now minus a; `timediff(a, b)`: b minus a. Milliseconds. Only inside a comparison. */
export interface TimeDiffCall extends Span {
  readonly kind: 'timediff';
  readonly from: Argument;
  readonly to: Argument | undefined;
}

export type Argument = PathExpression | Constant;

/** `'text'`. Keeps every reading its spelling allows; the stored value picks one. */
export interface TextConstant extends Span {
  readonly kind: 'text';
  readonly text: string;
}

/** `4624`, `0.5`, `0x80`. Integers are exact 64-bit values; `integer` is undefined when there is a fraction. */
export interface NumberConstant extends Span {
  readonly kind: 'number';
  readonly number: number;
  readonly integer: bigint | undefined;
}

export type Constant = TextConstant | NumberConstant;

/** Everything that can be true or false of a node. A constant by itself is a condition, too. */
export type Expression = OrExpression | AndExpression | Comparison | PathExpression | BandCall | Constant;

/** One Select or Suppress of a structured query. */
export interface Filter {
  /** The log it is for: a channel name, or a file as `file://…`; undefined: the caller's path. */
  readonly path: string | undefined;
  /** Undefined: `*`, every event. */
  readonly expression: Expression | undefined;
}

/** One Query element. A plain XPath is one of these, with one Select and no id. */
export interface QueryElement {
  /** Undefined for a Query without Id. */
  readonly id: number | undefined;
  readonly selects: readonly Filter[];
  readonly suppresses: readonly Filter[];
}

/** A sentence about a query that is accepted all the same. */
export interface QueryWarning extends Span {
  /** Win32 code that Windows would answer, or 0 for advice. */
  readonly code: number;
  readonly sentence: string;
}

/** What a query text says. */
export interface ParsedQuery {
  /** False for XPath: its events carry no query ids. */
  readonly structured: boolean;
  readonly queries: readonly QueryElement[];
  /** Distinct paths that the query names, in its order and spelling; empty when the caller's path serves. */
  readonly paths: readonly string[];
  readonly warnings: readonly QueryWarning[];
}
