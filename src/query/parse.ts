import { adviceOnFunction, adviceOnOperator, adviceOnToken, isNodeTest } from './advice.ts';
import type {
  Argument,
  BandCall,
  CompareOperator,
  Comparison,
  Constant,
  Expression,
  NumberConstant,
  PathExpression,
  PositionCall,
  Predicate,
  Span,
  Step,
  TimeDiffCall,
} from './ast.ts';
import { checkExpression } from './check.ts';
import { EvtQueryError, type QueryErrorSymbol } from './error.ts';
import { readToken, type Token } from './lexer.ts';

/** Longest query text in UTF-16 units: 2 MiB less the terminator ("Querying for Events", learn.microsoft.com). */
export const MAX_QUERY_LENGTH = 1_048_575;
/** Open brackets and parentheses at one place. Our own guard: real queries stay far below, and recursion is bounded. */
export const MAX_NESTING = 256;

/** Where index `i` of the XPath stands in the text the caller gave. */
export type Locate = (index: number) => number;

const COMPARE_OPERATORS: ReadonlySet<string> = new Set(['=', '!=', '<', '<=', '>', '>=']);
/** Operators of XPath that are known and refused. `div` and `mod` are names, so only behind an operand. */
const REFUSED_OPERATORS: ReadonlySet<string> = new Set(['+', '-', '*', '|', 'div', 'mod']);
const OPERATOR_NAMES: ReadonlySet<string> = new Set(['and', 'or', 'div', 'mod']);

/** Largest integer: constants and stored integers are 64 bits wide. */
const MAX_INTEGER = 0xffff_ffff_ffff_ffffn;
const MAX_INTEGER_DIGITS = 20;

/** What stands between two operators: everything that can be compared or be a condition. */
type Operand = Expression | PositionCall | TimeDiffCall;

/**
 * Parses and checks one XPath.
 *
 * @returns undefined for `*` and `Event`: every event.
 * @throws {EvtQueryError} 15001 with the inner code and place.
 */
export function parseXPath(text: string, locate: Locate = identity): Expression | undefined {
  return everyEvent(new Parser(text, locate).parse());
}

/** What is left of a bad XPath: the top-level terms in front of the first bad one. */
export interface RepairedXPath {
  readonly expression: Expression | undefined;
  /** What was wrong with the rest; undefined when nothing was. */
  readonly error: EvtQueryError | undefined;
  /** Where the dropped rest starts; the end of the text when nothing was dropped. */
  readonly keptEnd: number;
}

/**
 * Parses one XPath as EvtQueryTolerateQueryErrors has it: up to the first top-level term of `and` and `or` that is
 * bad.
 *
 * @throws {EvtQueryError} when not even the first term is good.
 */
export function parseXPathTolerant(text: string, locate: Locate = identity): RepairedXPath {
  const parser = new Parser(text, locate);
  try {
    return { expression: everyEvent(parser.parse()), error: undefined, keptEnd: text.length };
  } catch (error) {
    if (!(error instanceof EvtQueryError)) throw error;
    const keptEnd = parser.termEnds.findLast((end) => locate(end) <= error.offset);
    if (keptEnd === undefined) throw error;
    return { expression: parseXPath(text.slice(0, keptEnd), locate), error, keptEnd };
  }
}

function identity(index: number): number {
  return index;
}

function everyEvent(expression: Expression): Expression | undefined {
  if (expression.kind !== 'path' || expression.steps.length !== 1) return expression;
  return expression.steps[0]?.predicates.length === 0 ? undefined : expression;
}

/** Recursive descent, one token ahead. `or`, `and`, steps and predicates are loops; only brackets recurse. */
class Parser {
  readonly #text: string;
  readonly #locate: Locate;
  #token: Token = { kind: 'end', text: '', start: 0, end: 0 };
  #before: Token | undefined;
  #nesting = 0;
  /** Ends, in the XPath, of the top-level terms that were read whole, in order. */
  readonly termEnds: number[] = [];

  constructor(text: string, locate: Locate) {
    this.#text = text;
    this.#locate = locate;
  }

  parse(): Expression {
    if (this.#text.length > MAX_QUERY_LENGTH) {
      const end: Token = { kind: 'end', text: '', start: MAX_QUERY_LENGTH, end: MAX_QUERY_LENGTH };
      this.#fail(
        'ERROR_EVT_FILTER_TOO_COMPLEX',
        end,
        `the query is longer than ${MAX_QUERY_LENGTH} characters; ask for less, or split it into several queries`,
      );
    }
    const first = readToken(this.#text, 0);
    if (first.kind === 'end') {
      this.#fail('ERROR_EVT_FILTER_PARSEERR', first, 'there is no query here; write * for every event');
    }
    this.#token = first;
    const expression = this.#or();
    if (this.#token.kind !== 'end') this.#strayToken();
    const problem = checkExpression(expression);
    if (problem !== undefined) {
      const start = this.#indexOf(problem.span.start);
      const end = this.#indexOf(problem.span.end);
      throw new EvtQueryError({ ...problem, windowsPosition: end, token: this.#text.slice(start, end) });
    }
    return expression;
  }

  #or(): Expression {
    const start = this.#token.start;
    const terms = [this.#and()];
    while (this.#takeOperator('or')) terms.push(this.#and());
    const [only] = terms;
    return terms.length === 1 && only !== undefined ? only : { kind: 'or', terms, ...this.#spanFrom(start) };
  }

  #and(): Expression {
    const start = this.#token.start;
    const terms = [this.#condition()];
    while (this.#takeOperator('and')) terms.push(this.#condition());
    const [only] = terms;
    return terms.length === 1 && only !== undefined ? only : { kind: 'and', terms, ...this.#spanFrom(start) };
  }

  #condition(): Expression {
    const startToken = this.#token;
    const operand = this.#operand();
    const condition = this.#isComparison() ? this.#comparison(startToken, operand) : this.#bare(startToken, operand);
    if (this.#nesting === 0) this.termEnds.push(this.#before?.end ?? 0);
    return condition;
  }

  #isComparison(): boolean {
    const { kind, text } = this.#token;
    if (REFUSED_OPERATORS.has(text) && (kind === 'name' || kind === 'symbol')) {
      const doubled = text === '|' && this.#text.startsWith('||', this.#token.start);
      if (!doubled) this.#fail('ERROR_EVT_FILTER_UNSUPPORTEDOP', this.#token, adviceOnOperator(text));
    }
    return kind === 'symbol' && COMPARE_OPERATORS.has(text);
  }

  #bare(startToken: Token, operand: Operand): Expression {
    if (operand.kind === 'position()' || operand.kind === 'timediff') {
      if (!this.#isFollower()) this.#unexpected('a comparison is missing behind the function');
      const name = operand.kind === 'timediff' ? 'timediff()' : 'position()';
      const example = operand.kind === 'timediff' ? 'timediff(@SystemTime) <= 3600000' : 'position() = 1';
      this.#fail('ERROR_EVT_FILTER_INVTYPE', startToken, `${name} is a number; compare it with one, as in ${example}`);
    }
    return operand;
  }

  #comparison(startToken: Token, left: Operand): Comparison {
    const operator = this.#token;
    if (left.kind === 'text' || left.kind === 'number') {
      this.#fail(
        'ERROR_EVT_FILTER_INVARG',
        startToken,
        'a constant stands on the left of the comparison; turn it round: the path left, the constant right',
      );
    }
    if (left.kind === 'band') {
      this.#fail('ERROR_EVT_FILTER_INVTYPE', operator, 'band() is a condition by itself; leave the comparison out');
    }
    if (left.kind === 'or' || left.kind === 'and' || left.kind === 'compare') {
      this.#fail(
        'ERROR_EVT_FILTER_INVARG',
        operator,
        'the left of a comparison is one path or function; write one comparison for each path',
      );
    }
    this.#advance();
    const right = this.#rightSide();
    return {
      kind: 'compare',
      operator: operator.text as CompareOperator,
      left,
      right,
      ...this.#spanFrom(startToken.start),
    };
  }

  #rightSide(): Constant {
    const token = this.#token;
    if (token.kind === 'number' || token.kind === 'literal') return this.#constant();
    if (token.kind === 'symbol' && (token.text === '@' || token.text === '*' || token.text === '(')) {
      const detail =
        token.text === '('
          ? 'the right of a comparison is one constant; write one comparison for each value and join them with or'
          : 'a path stands on the right of the comparison; the right is one constant, quoted or a number';
      this.#fail('ERROR_EVT_FILTER_INVARG', token, detail);
    }
    if (token.kind === 'name') {
      const next = readToken(this.#text, token.end);
      if (next.text === '(' && next.kind === 'symbol') this.#refuseFunction(token);
      this.#fail(
        'ERROR_EVT_FILTER_INVARG',
        token,
        `the right of a comparison is one constant, not a path; if ${token.text} is meant as text, write it in quotes`,
      );
    }
    this.#unexpected('a constant is missing on the right of the comparison; write a number or a quoted text');
  }

  #operand(): Operand {
    const token = this.#token;
    switch (token.kind) {
      case 'number':
      case 'literal':
        return this.#constant();
      case 'name': {
        const next = readToken(this.#text, token.end);
        if (next.kind === 'symbol' && next.text === '(' && token.text !== 'text') return this.#call();
        return this.#path();
      }
      case 'symbol':
        if (token.text === '(') return this.#group();
        if (token.text === '@' || token.text === '*') return this.#path();
        break;
    }
    this.#unexpected(this.#missingOperand());
  }

  #missingOperand(): string {
    switch (this.#token.text) {
      case '[':
        return 'a predicate needs a step in front of it; write the name, or *';
      case '/':
        return 'a path does not start with /; write Event or * first';
      case '':
        return 'the query ends where a condition should follow';
      default:
        return 'a condition is missing here; write a path, a comparison or a function';
    }
  }

  #group(): Operand {
    const open = this.#token;
    this.#enter(open);
    this.#advance();
    const startToken = this.#token;
    // A path or a function in parentheses may still be compared; anything longer is a condition.
    const inner = this.#or();
    if (!this.#isSymbol(')')) {
      this.#unexpected(`the parenthesis that opens at offset ${this.#locate(open.start)} is not closed here; write )`);
    }
    this.#nesting--;
    this.#advance();
    this.#refuseScope(startToken);
    return inner;
  }

  /** `(…)[…]` and `(…)/…`: XPath has them, filters don't. */
  #refuseScope(behind: Token): void {
    if (!this.#isSymbol('[') && !this.#isSymbol('/')) return;
    this.#fail(
      'ERROR_EVT_FILTER_ALREADYSCOPED',
      this.#token,
      `only a path can go on with ${this.#token.text}; put it inside the parentheses, to the path that starts with ${behind.text || 'the name'}`,
    );
  }

  #call(): Operand {
    const name = this.#token;
    if (OPERATOR_NAMES.has(name.text)) {
      this.#fail('ERROR_EVT_FILTER_PARSEERR', name, `a condition is missing in front of ${name.text}`);
    }
    const { start } = name;
    // The Win32 page spells Band, everyone else band.
    const kind = name.text === 'Band' ? 'band' : name.text;
    if (kind !== 'position' && kind !== 'band' && kind !== 'timediff') this.#refuseFunction(name);
    this.#advance();
    this.#advance();
    let call: PositionCall | BandCall | TimeDiffCall;
    if (kind === 'position') {
      this.#closeCall('position() takes no argument');
      call = { kind: 'position()', ...this.#spanFrom(start) };
    } else if (kind === 'band') {
      const left = this.#argument('band() takes two arguments, as in band(Keywords, 0x10000000000000)');
      if (!this.#isSymbol(',')) this.#unexpected('band() takes two arguments; write a comma and the mask');
      this.#advance();
      const right = this.#argument('band() takes two arguments, as in band(Keywords, 0x10000000000000)');
      this.#closeCall('band() takes two arguments');
      call = { kind: 'band', left, right, ...this.#spanFrom(start) };
    } else {
      const from = this.#argument('timediff() takes one time or two, as in timediff(@SystemTime)');
      let to: Argument | undefined;
      if (this.#isSymbol(',')) {
        this.#advance();
        to = this.#argument('timediff() takes one time or two; a time is missing behind the comma');
      }
      this.#closeCall('timediff() takes one time or two');
      call = { kind: 'timediff', from, to, ...this.#spanFrom(start) };
    }
    this.#refuseScope(name);
    return call;
  }

  #closeCall(arity: string): void {
    if (!this.#isSymbol(')')) this.#unexpected(`${arity}; close it with )`);
    this.#advance();
  }

  #argument(arity: string): Argument {
    const token = this.#token;
    if (token.kind === 'number' || token.kind === 'literal') return this.#constant();
    if (token.kind === 'name') {
      const next = readToken(this.#text, token.end);
      if (next.kind === 'symbol' && next.text === '(' && token.text !== 'text') {
        this.#fail('ERROR_EVT_FILTER_PARSEERR', token, 'an argument is a path or a constant, never another function');
      }
      return this.#path();
    }
    if (this.#isSymbol('@') || this.#isSymbol('*')) return this.#path();
    this.#unexpected(arity);
  }

  #refuseFunction(name: Token): never {
    if (isNodeTest(name.text)) {
      this.#fail(
        'ERROR_EVT_FILTER_PARSEERR',
        name,
        `the test ${name.text}() does not exist here; write the name of the element, or *`,
      );
    }
    this.#fail('ERROR_EVT_FILTER_UNSUPPORTEDOP', name, adviceOnFunction(name.text));
  }

  #path(): PathExpression {
    const { start } = this.#token;
    const steps = [this.#step()];
    while (this.#isSymbol('/')) {
      this.#advance();
      steps.push(this.#step());
    }
    return { kind: 'path', steps, ...this.#spanFrom(start) };
  }

  #step(): Step {
    const { start } = this.#token;
    let axis: Step['axis'] = 'child';
    if (this.#isSymbol('@')) {
      axis = 'attribute';
      this.#advance();
    } else if (this.#token.kind === 'name') {
      const next = readToken(this.#text, this.#token.end);
      if (next.kind === 'symbol' && next.text === '::') {
        const { text } = this.#token;
        if (text !== 'child' && text !== 'attribute') this.#refuseAxis();
        axis = text;
        this.#advance();
        this.#advance();
      }
    }
    const test = this.#nodeTest(axis);
    const predicates: Predicate[] = [];
    while (this.#isSymbol('[')) predicates.push(this.#predicate());
    return { axis, test, predicates, ...this.#spanFrom(start) };
  }

  #refuseAxis(): never {
    this.#fail(
      'ERROR_EVT_FILTER_PARSEERR',
      this.#token,
      `the axis ${this.#token.text} does not exist here; spell the path downwards, with * for any one level`,
    );
  }

  #nodeTest(axis: Step['axis']): Step['test'] {
    const token = this.#token;
    if (this.#isSymbol('*')) {
      this.#advance();
      return { kind: 'any' };
    }
    if (token.kind !== 'name') {
      this.#unexpected(axis === 'attribute' ? 'the name of an attribute is missing' : 'a step of the path is missing');
    }
    const next = readToken(this.#text, token.end);
    if (next.kind !== 'symbol' || next.text !== '(') {
      this.#advance();
      return { kind: 'name', name: token.text };
    }
    if (token.text !== 'text') this.#refuseFunction(token);
    if (axis === 'attribute') {
      this.#fail('ERROR_EVT_FILTER_PARSEERR', token, 'an attribute has no text() of its own; write @ and its name');
    }
    this.#advance();
    this.#advance();
    this.#closeCall('text() takes no argument');
    return { kind: 'text' };
  }

  #predicate(): Predicate {
    const open = this.#token;
    this.#enter(open);
    this.#advance();
    if (this.#isSymbol(']')) {
      this.#fail(
        'ERROR_EVT_FILTER_INVTEST',
        this.#token,
        'the brackets are empty; write a condition, or leave them out',
      );
    }
    const predicate = this.#position() ?? this.#conditionInBrackets();
    if (!this.#isSymbol(']')) {
      this.#unexpected(`the bracket that opens at offset ${this.#locate(open.start)} is not closed here; write ]`);
    }
    this.#nesting--;
    this.#advance();
    return { ...predicate, ...this.#spanFrom(open.start) };
  }

  /** `[3]`: only a number alone is a position. */
  #position(): Predicate | undefined {
    if (this.#token.kind !== 'number') return undefined;
    const next = readToken(this.#text, this.#token.end);
    if (next.kind !== 'symbol' || next.text !== ']') return undefined;
    const { start, end, number } = this.#number();
    return { kind: 'position', position: number, start, end };
  }

  #conditionInBrackets(): Predicate {
    const condition = this.#or();
    return { kind: 'condition', condition, start: condition.start, end: condition.end };
  }

  #constant(): Constant {
    const { kind, text, start } = this.#token;
    if (kind === 'number') return this.#number();
    this.#advance();
    return { kind: 'text', text, ...this.#spanFrom(start) };
  }

  #number(): NumberConstant {
    const token = this.#token;
    const { number, integer } = readNumber(token.text);
    if (!Number.isFinite(number) || (integer !== undefined && integer > MAX_INTEGER)) {
      this.#fail(
        'ERROR_EVT_FILTER_OUT_OF_RANGE',
        token,
        `the number is larger than ${MAX_INTEGER}, the largest there is`,
      );
    }
    this.#advance();
    return { kind: 'number', number, integer, ...this.#spanFrom(token.start) };
  }

  #enter(open: Token): void {
    this.#nesting++;
    if (this.#nesting <= MAX_NESTING) return;
    this.#fail(
      'ERROR_EVT_FILTER_TOO_COMPLEX',
      open,
      `brackets and parentheses nest deeper than ${MAX_NESTING}; write the conditions side by side`,
    );
  }

  #advance(): void {
    this.#before = this.#token;
    this.#token = readToken(this.#text, this.#token.end);
  }

  /** What can follow a whole condition. */
  #isFollower(): boolean {
    const { kind, text } = this.#token;
    return (
      kind === 'end' || (kind === 'name' ? text === 'and' || text === 'or' : this.#isSymbol(')') || this.#isSymbol(']'))
    );
  }

  #takeOperator(name: 'and' | 'or'): boolean {
    if (this.#token.kind !== 'name' || this.#token.text !== name) return false;
    this.#advance();
    return true;
  }

  #isSymbol(text: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === text;
  }

  #strayToken(): never {
    const { kind, text } = this.#token;
    if (kind === 'symbol' && (text === ']' || text === ')' || text === ',')) {
      const detail =
        text === ',' ? 'a comma stands outside a function' : `nothing is open that this ${text} could close`;
      this.#fail('ERROR_EVT_FILTER_UNEXPECTEDTOKEN', this.#token, `${detail}; remove it`);
    }
    this.#unexpected('the query should end here, or go on with and, or');
  }

  /** The token fits nowhere: says what is special about it, else what was expected. */
  #unexpected(expected: string): never {
    const detail = adviceOnToken(this.#text, this.#token, this.#before) ?? expected;
    this.#fail('ERROR_EVT_FILTER_PARSEERR', this.#token, detail);
  }

  #fail(innerSymbol: QueryErrorSymbol, token: Token, detail: string): never {
    throw new EvtQueryError({
      innerSymbol,
      span: { start: this.#locate(token.start), end: this.#locate(token.end) },
      windowsPosition: token.end,
      token: this.#text.slice(token.start, token.end),
      detail,
    });
  }

  /** The other way round of `locate`, which always grows. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#text.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#locate(middle) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #spanFrom(start: number): Span {
    return { start: this.#locate(start), end: this.#locate(this.#before?.end ?? start) };
  }
}

/** Exact when whole: 64-bit masks do not fit a double. */
function readNumber(text: string): { number: number; integer: bigint | undefined } {
  if (text.includes('.')) return { number: Number(text), integer: undefined };
  const digits = text.replace(/^0(?:[xX]0*|0*(?=\d))/, '');
  const hexadecimal = /^0[xX]/.test(text);
  // Longer than any 64-bit integer: don't build it.
  if (digits.length > MAX_INTEGER_DIGITS) return { number: Number.POSITIVE_INFINITY, integer: undefined };
  const integer = BigInt(hexadecimal ? `0x${digits || '0'}` : digits);
  return { number: Number(integer), integer };
}
