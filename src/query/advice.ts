/**
 * Sentences for what people write and event filters lack: each names the mistake and what to write instead.
 */
import type { Token } from './lexer.ts';

const AFTER_READING = 'compare for equality, or filter the events after reading them';

const FUNCTIONS: ReadonlyMap<string, string> = new Map([
  ['not', 'not() does not exist here; write != for one comparison, or move the condition to a Suppress of a QueryList'],
  ['last', 'last() does not exist here, since events are read forward only; count from the start: Data[3]'],
  ['count', 'count() does not exist here; test for an item that must be there, as in Data[3], or count after reading'],
  ['true', "true() does not exist here; compare with the text 'true', or leave the condition out"],
  ['false', "false() does not exist here; compare with the text 'false', or leave the condition out"],
  ['number', 'number() does not exist here and is not needed: a comparison with a number converts by itself'],
  ['string', 'string() does not exist here and is not needed: a comparison with a quoted text converts by itself'],
  ['boolean', 'boolean() does not exist here and is not needed: a path by itself asks whether it leads somewhere'],
  ['name', 'name() does not exist here; write the name as a step of the path, or * for any name'],
  ['local-name', 'local-name() does not exist here; write the name as a step of the path: namespaces do not matter'],
]);

const NODE_TESTS: ReadonlySet<string> = new Set(['node', 'comment', 'processing-instruction']);

/** `node()` and its like: a test of XPath that is a syntax error here, not a function. */
export function isNodeTest(name: string): boolean {
  return NODE_TESTS.has(name);
}

/** About a function that is not one of the three. */
export function adviceOnFunction(name: string): string {
  const known = FUNCTIONS.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  if (lower === 'band' || lower === 'timediff' || lower === 'position') {
    return `${name}() is not known; names of functions are spelt in lower case: ${lower}()`;
  }
  return `${name}() does not exist here, only band(), timediff() and position(); ${AFTER_READING}`;
}

/** About an operator of XPath that the filter lacks. */
export function adviceOnOperator(operator: string): string {
  if (operator === '|') return 'the union | does not exist here; join the two with or';
  if (operator === '-') {
    return "there is no arithmetic with -; compare with the finished number, and quote a negative one: '-1'";
  }
  return `there is no arithmetic with ${operator}; compare with the finished number`;
}

/** About a token that can never stand where it stands. Undefined when there is nothing special to say. */
export function adviceOnToken(text: string, token: Token, before: Token | undefined): string | undefined {
  if (token.kind === 'open literal') return `the quote ${token.text.charAt(0)} is never closed; add the closing quote`;
  if (token.kind === 'other') return adviceOnCharacter(text, token);
  if (token.kind === 'symbol') return adviceOnSymbol(text, token, before);
  if (token.kind !== 'name') return undefined;
  const lower = token.text.toLowerCase();
  if (before?.kind === 'name' && before.text === 'not') {
    return 'not does not exist here; write != for one comparison, or move the condition to a Suppress of a QueryList';
  }
  if ((lower === 'and' || lower === 'or') && lower !== token.text) {
    return `the operator ${token.text} is spelt in lower case: ${lower}`;
  }
  if (lower === 'in') return 'there is no operator in; write one comparison for each value and join them with or';
  if (lower === 'like' || lower === 'contains' || lower === 'matches') {
    return `there is no operator ${token.text}; ${AFTER_READING}`;
  }
  if (lower === 'eq' || lower === 'ne' || lower === 'lt' || lower === 'le' || lower === 'gt' || lower === 'ge') {
    return `there is no operator ${token.text}; the comparisons are = != < <= > >=`;
  }
  return undefined;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&gt;', '>'],
  ['&lt;', '<'],
  ['&amp;', '&'],
  ['&quot;', '"'],
  ['&apos;', "'"],
]);

function adviceOnCharacter(text: string, token: Token): string {
  switch (token.text) {
    case '&': {
      for (const [entity, character] of ENTITIES) {
        if (text.startsWith(entity, token.start)) {
          return `${entity} belongs into XML only; write ${character} here`;
        }
      }
      return 'there is no operator &; write and';
    }
    case '‘':
    case '’':
    case '“':
    case '”':
    case '′':
    case '″':
    case '„':
    case '«':
    case '»':
    case '`':
    case '´':
      return `${token.text} is no quotation mark of a query; write ' or "`;
    case '$':
      return 'there are no variables; write the value itself';
    case ':':
      return 'there are no namespace prefixes; write the name without its prefix';
    case '.':
      return 'the steps . and .. do not exist here; start the path at the node that the brackets belong to';
    case '!':
      return 'a ! by itself means nothing; write != for not equal';
    case '\u00a0':
      return 'a no-break space stands here; write an ordinary blank';
    case '–':
    case '—':
    case '−':
      return `${token.text} is not part of the query language; a negative number is written in quotes: '-1'`;
    default:
      return `the character ${printable(token.text)} is not part of the query language; a text belongs in quotes`;
  }
}

function adviceOnSymbol(text: string, token: Token, before: Token | undefined): string | undefined {
  const pair = before === undefined || before.end !== token.start ? '' : before.text + token.text;
  if (pair === '==') return 'there is no operator ==; write =';
  if (pair === '<>') return 'there is no operator <>; write !=';
  if (pair === '=>' || pair === '=<') return `there is no operator ${pair}; write ${token.text}=`;
  if (pair === '//') return 'the short form // does not exist here; spell the path, with * for any one level';
  if (token.text === '-') return "a number has no sign here; write the negative number in quotes: '-1'";
  if (token.text === '|' && text.startsWith('||', token.start)) return 'there is no operator ||; write or';
  if (token.text === '::') return 'the axes are child and attribute; spell the path, with * for any one level';
  return undefined;
}

function printable(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const visible = code > 0x20 && code !== 0x7f && !/[\p{C}\p{Z}]/u.test(character);
  return visible ? character : `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
