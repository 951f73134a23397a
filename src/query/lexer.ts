/**
 * Tokens of the XPath subset. A token is read from a place in the text and nothing else, so a reader may look ahead
 * freely. Whether `and`, `or` or `*` is an operator is the parser's business: it knows what can stand where.
 */

export type TokenKind = 'name' | 'number' | 'literal' | 'symbol' | 'open literal' | 'other' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a literal, what is between the quotes. */
  readonly text: string;
  /** UTF-16 offsets in the XPath. */
  readonly start: number;
  readonly end: number;
}

/** NCName; the hyphen is part of it, so `EventID-1` is one name. */
const NAME = /[\p{L}_][\p{L}\p{M}\p{N}_.\-\u00b7]*/uy;
/** `0x` and digits, or digits with an optional fraction. There is no sign. */
const NUMBER = /0[xX][0-9A-Fa-f]+|[0-9]+(?:\.[0-9]+)?/y;
const SYMBOLS_OF_TWO: ReadonlySet<string> = new Set(['!=', '<=', '>=', '::']);
/** Operators outside the subset are tokens, too: they have an error of their own. */
const SYMBOLS_OF_ONE: ReadonlySet<string> = new Set('[]()/@*,=<>+-|');

/** Reads the token at or behind `from`, white space (blank, tab, CR, LF) left out. At the end: kind `end`, no width. */
export function readToken(text: string, from: number): Token {
  let start = from;
  while (start < text.length && isBlank(text.charCodeAt(start))) start++;
  if (start >= text.length) return { kind: 'end', text: '', start: text.length, end: text.length };

  const first = text.charAt(start);
  if (first === "'" || first === '"') return readLiteral(text, start, first);
  if (isAsciiDigit(text.charCodeAt(start))) return readNumber(text, start);
  const nameEnd = endOfName(text, start);
  if (nameEnd > start) return { kind: 'name', text: text.slice(start, nameEnd), start, end: nameEnd };
  const two = text.slice(start, start + 2);
  if (SYMBOLS_OF_TWO.has(two)) return { kind: 'symbol', text: two, start, end: start + 2 };
  if (SYMBOLS_OF_ONE.has(first)) return { kind: 'symbol', text: first, start, end: start + 1 };
  const character = String.fromCodePoint(text.codePointAt(start) ?? 0);
  return { kind: 'other', text: character, start, end: start + character.length };
}

function readNumber(text: string, start: number): Token {
  NUMBER.lastIndex = start;
  const [number] = NUMBER.exec(text) ?? [''];
  return { kind: 'number', text: number, start, end: start + number.length };
}

/** Lists of ids are long and their names plain, so ASCII goes without the pattern, which is slower by far. */
function endOfName(text: string, start: number): number {
  let end = start;
  if (isAsciiNameStart(text.charCodeAt(end))) {
    do end++;
    while (isAsciiNamePart(text.charCodeAt(end)));
    if (!(text.charCodeAt(end) > 0x7f)) return end;
  }
  NAME.lastIndex = start;
  return start + (NAME.exec(text)?.[0].length ?? 0);
}

function isAsciiNameStart(unit: number): boolean {
  return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x41 && unit <= 0x5a) || unit === 0x5f;
}

function isAsciiNamePart(unit: number): boolean {
  return isAsciiNameStart(unit) || isAsciiDigit(unit) || unit === 0x2d || unit === 0x2e;
}

function isAsciiDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** There is no escape inside quotes: a value with both kinds of them cannot be written. */
function readLiteral(text: string, start: number, quote: string): Token {
  const close = text.indexOf(quote, start + 1);
  if (close < 0) return { kind: 'open literal', text: text.slice(start), start, end: text.length };
  return { kind: 'literal', text: text.slice(start + 1, close), start, end: close + 1 };
}

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x09 || unit === 0x0a || unit === 0x0d;
}
