import fc from 'fast-check';
import type { Argument, Comparison, Expression, Step } from '../../src/query/ast.ts';

/** One spelling for a tree: no blanks, parentheses around every `or` and `and` inside another. */
export function spell(expression: Expression | undefined): string {
  if (expression === undefined) return '*';
  switch (expression.kind) {
    case 'or':
    case 'and':
      return expression.terms.map(inner).join(` ${expression.kind} `);
    case 'compare':
      return `${spellLeft(expression.left)}${expression.operator}${spell(expression.right)}`;
    case 'band':
      return `band(${spell(expression.left)},${spell(expression.right)})`;
    case 'path':
      return expression.steps.map(spellStep).join('/');
    case 'text':
      return expression.text.includes("'") ? `"${expression.text}"` : `'${expression.text}'`;
    case 'number':
      return String(expression.integer ?? expression.number);
  }
}

function inner(expression: Expression): string {
  return expression.kind === 'or' || expression.kind === 'and' ? `(${spell(expression)})` : spell(expression);
}

function spellLeft(left: Comparison['left']): string {
  if (left.kind === 'path') return spell(left);
  if (left.kind === 'position()') return 'position()';
  const time = (argument: Argument) => spell(argument);
  return `timediff(${time(left.from)}${left.to === undefined ? '' : `,${time(left.to)}`})`;
}

function spellStep({ axis, test, predicates }: Step): string {
  const name = test.kind === 'name' ? test.name : test.kind === 'any' ? '*' : 'text()';
  const brackets = predicates.map((each) => `[${each.kind === 'position' ? each.position : spell(each.condition)}]`);
  return `${axis === 'attribute' ? '@' : ''}${name}${brackets.join('')}`;
}

/** The same query twice: plainly spelt, and with blanks and parentheses thrown in. */
export interface Spelling {
  readonly plain: string;
  readonly text: string;
}

const blank = fc.constantFrom('', ' ', '\t', '\r\n', '  ');
const name = fc.constantFrom(
  'System',
  'EventID',
  'Data',
  'EventData',
  'and',
  'or',
  'div',
  'text',
  'Ä-1.b',
  'Straße',
  '*',
);

const constant: fc.Arbitrary<Spelling> = fc.oneof(
  fc
    .bigInt(0n, 0xffff_ffff_ffff_ffffn)
    .chain((value) =>
      fc.constantFrom(
        { plain: `${value}`, text: `${value}` },
        { plain: `${value}`, text: `0x${value.toString(16)}` },
        { plain: `${value}`, text: `000${value}` },
      ),
    ),
  fc.string({ maxLength: 6 }).map((raw) => {
    const value = raw.replaceAll('"', '');
    const plain = value.includes("'") ? `"${value}"` : `'${value}'`;
    return { plain, text: `"${value}"` };
  }),
);

const comparison = (path: fc.Arbitrary<Spelling>): fc.Arbitrary<Spelling> =>
  fc
    .tuple(path, fc.constantFrom('=', '!=', '<', '<=', '>', '>='), constant, blank, blank)
    .map(([left, operator, right, before, behind]) => ({
      plain: `${left.plain}${operator}${right.plain}`,
      text: `${left.text}${before || ' '}${operator}${behind}${right.text}`,
    }));

const { condition } = fc.letrec<{ condition: Spelling; path: Spelling; joined: Spelling }>((tie) => ({
  path: fc
    .tuple(
      fc.array(fc.tuple(name, fc.option(tie('condition'), { depthSize: 'small' })), { minLength: 1, maxLength: 3 }),
      blank,
    )
    .map(([steps, space]) => ({
      plain: steps.map(([step, inside]) => step + (inside === null ? '' : `[${inside.plain}]`)).join('/'),
      text: steps
        .map(([step, inside]) => step + (inside === null ? '' : `${space}[${space}${inside.text}${space}]`))
        .join(`${space}/${space}`),
    })),
  joined: fc
    .tuple(fc.constantFrom('or', 'and'), fc.array(tie('condition'), { minLength: 2, maxLength: 3 }))
    .map(([operator, terms]) => ({
      plain: terms.map(({ plain }) => (isJoined(plain) ? `(${plain})` : plain)).join(` ${operator} `),
      text: terms.map(({ text }) => `( ${text} )`).join(`${operator}\n`),
    })),
  condition: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'condition' },
    comparison(name.map((each) => ({ plain: each, text: each }))),
    comparison(tie('path')),
    tie('path'),
    tie('joined'),
  ),
}));

/** True when `or` or `and` joins outside all brackets and quotes. */
function isJoined(plain: string): boolean {
  let depth = 0;
  let quote = '';
  for (let at = 0; at < plain.length; at++) {
    const character = plain.charAt(at);
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === "'" || character === '"') quote = character;
    else if (character === '[' || character === '(') depth++;
    else if (character === ']' || character === ')') depth--;
    else if (depth === 0 && /^ (or|and) /.test(plain.slice(at, at + 5))) return true;
  }
  return false;
}

/** A whole query that is valid. */
export const xpathText: fc.Arbitrary<Spelling> = condition.map(({ plain, text }) => ({
  plain: `*[${plain}]`,
  text: `\t*[ ${text} ]\n`,
}));
