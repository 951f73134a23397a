import { EvtError } from '../errors/evt-error.ts';
import { WIN32 } from '../errors/win32.ts';
import type { Span } from './ast.ts';

/** What each inner code says, in front of the sentence about the query at hand. Codes: winerror.h, 15001 to 15038. */
const HEADLINE = {
  ERROR_EVT_INVALID_QUERY: 'The query list is not valid',
  ERROR_EVT_MALFORMED_XML_TEXT: 'The query list is not well-formed XML',
  ERROR_EVT_FILTER_ALREADYSCOPED: 'A predicate or step follows something that is not a path',
  ERROR_EVT_FILTER_NOTELTSET: 'A path does not start from an element',
  ERROR_EVT_FILTER_INVARG: 'A comparison has the wrong sides',
  ERROR_EVT_FILTER_INVTEST: 'A predicate holds no test',
  ERROR_EVT_FILTER_INVTYPE: 'A value cannot be used here',
  ERROR_EVT_FILTER_PARSEERR: 'The query has a syntax error',
  ERROR_EVT_FILTER_UNSUPPORTEDOP: 'The query uses an operator or function that event filters lack',
  ERROR_EVT_FILTER_UNEXPECTEDTOKEN: 'The query has an unexpected token',
  ERROR_EVT_FILTER_TOO_COMPLEX: 'The query is too complex',
  ERROR_EVT_FILTER_OUT_OF_RANGE: 'The query has a number out of range',
} as const;

/** Why a query is invalid: the code behind 15001. */
export type QueryErrorSymbol = keyof typeof HEADLINE;

/** What is wrong, and where. */
export interface QueryProblem {
  readonly innerSymbol: QueryErrorSymbol;
  /** In the whole text that the caller gave, XML around an XPath included. */
  readonly span: Span;
  /** See {@link EvtQueryError.windowsPosition}. */
  readonly windowsPosition: number;
  /** The offending token; empty at the end of the text. */
  readonly token: string;
  /** One sentence: what is wrong and what to write instead. */
  readonly detail: string;
}

/** Longest piece of the query that a message repeats, in UTF-16 units. */
const TOKEN_SHOWN = 40;

/** A query that cannot be run: always `ERROR_EVT_INVALID_QUERY` (15001), with the inner code and the place. */
export class EvtQueryError extends EvtError {
  override readonly name: string = 'EvtQueryError';
  /** The code behind 15001, for example `ERROR_EVT_FILTER_PARSEERR`. */
  readonly innerSymbol: QueryErrorSymbol;
  /** The same as a number, for example 15019. */
  readonly innerCode: number;
  /** Where the offending token starts in the whole query text: UTF-16 units, counted from 0. */
  readonly offset: number;
  /** Its length in UTF-16 units; 0 at the end of the text. */
  readonly length: number;
  /**
   * The position that Windows names: the offset just behind the offending token, or the length of the text at its
   * end. In a structured query it counts in the text of the Select or Suppress, after XML has been undone.
   */
  readonly windowsPosition: number;
  /** The offending token itself, shortened when very long; empty at the end of the text. */
  readonly token: string;

  constructor(problem: QueryProblem) {
    const token = shorten(problem.token);
    const place = token === '' ? 'where the text ends' : `at "${token}"`;
    super('ERROR_EVT_INVALID_QUERY', 'EvtQuery', problem.detail, {
      extendedStatus: `${HEADLINE[problem.innerSymbol]}, position ${problem.windowsPosition}, ${place}: ${problem.detail}`,
    });
    this.innerSymbol = problem.innerSymbol;
    this.innerCode = WIN32[problem.innerSymbol];
    this.offset = problem.span.start;
    this.length = Math.max(0, problem.span.end - problem.span.start);
    this.windowsPosition = problem.windowsPosition;
    this.token = token;
  }
}

function shorten(token: string): string {
  return token.length <= TOKEN_SHOWN ? token : `${token.slice(0, TOKEN_SHOWN - 1)}…`;
}
