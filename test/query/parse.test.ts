import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Expression } from '../../src/query/ast.ts';
import { EvtQueryError } from '../../src/query/error.ts';
import { MAX_NESTING, MAX_QUERY_LENGTH, parseXPath } from '../../src/query/parse.ts';
import { parseQuery } from '../../src/query/query.ts';
import { failure } from './failure.ts';
import { spell, xpathText } from './spell.ts';

describe('parseXPath', () => {
  it.each(['*', 'Event', ' * ', 'child::*'])('takes %s as every event', (text) => {
    expect(parseXPath(text)).toBeUndefined();
  });

  it('joins and tighter than or, and keeps both flat', () => {
    const parsed = parseXPath('*[a or b and c or d]');
    expect(spell(parsed)).toBe('*[a or (b and c) or d]');
  });

  it('keeps a group of its own kind apart, and drops parentheses that change nothing', () => {
    expect(spell(parseXPath('*[(a or b) or ((c))]'))).toBe('*[(a or b) or c]');
  });

  it('points at every node of the text', () => {
    const text = '*[System[ EventID = 4624 ]]';
    const parsed = parseXPath(text);
    const condition = innermost(parsed);
    expect(condition?.kind).toBe('compare');
    if (condition?.kind !== 'compare') return;
    expect(text.slice(condition.start, condition.end)).toBe('EventID = 4624');
    expect(text.slice(condition.left.start, condition.left.end)).toBe('EventID');
    expect(text.slice(condition.right.start, condition.right.end)).toBe('4624');
    expect(text.slice(parsed?.start, parsed?.end)).toBe(text);
  });

  it.each([
    ['4624', 4624, 4624n],
    ['0010', 10, 10n],
    ['0', 0, 0n],
    ['0x80', 128, 128n],
    ['0x0', 0, 0n],
    ['0.50', 0.5, undefined],
    ['18446744073709551615', 2 ** 64, 0xffff_ffff_ffff_ffffn],
    ['0x8000000000000001', 2 ** 63, 0x8000_0000_0000_0001n],
    ['00000000000000000000000000000001', 1, 1n],
  ])('reads the number %s exactly', (text, number, integer) => {
    expect(innermost(parseXPath(`*[System[Keywords=${text}]]`))).toMatchObject({
      right: { kind: 'number', number, integer },
    });
  });

  it.each([
    ['"it\'s"', "it's"],
    ['\'say "x"\'', 'say "x"'],
    ["' '", ' '],
    ["''", ''],
    ["'𝄞]'", '𝄞]'],
  ])('reads the literal %s as it stands', (text, value) => {
    expect(innermost(parseXPath(`*[System[Channel=${text}]]`))).toMatchObject({ right: { kind: 'text', text: value } });
  });

  it('takes a number alone in brackets as a position, anything else as a condition', () => {
    const kinds = (text: string) => lastStep(parseXPath(text))?.predicates.map((predicate) => predicate.kind);
    expect(kinds('*/EventData/Data[3]')).toEqual(['position']);
    expect(kinds("*/EventData/Data[3 or @Name='a'][2]")).toEqual(['condition', 'position']);
    expect(kinds('*/EventData/Data[position()=3]')).toEqual(['condition']);
  });

  it('takes and, or, div, mod and names of functions as names where a step stands', () => {
    expect(spell(parseXPath('*[and and or or div/mod/band/text/child/attribute]'))).toBe(
      '*[(and and or) or div/mod/band/text/child/attribute]',
    );
  });

  it('knows both axes by name, and text()', () => {
    expect(spell(parseXPath('child::*[child::a/attribute::b or a/@* or a/text()]'))).toBe(
      '*[a/@b or a/@* or a/text()]',
    );
  });

  it.each(['band', 'Band'])('spells the bit test %s', (name) => {
    expect(innermost(parseXPath(`*[System[${name}(Keywords, '0x10')]]`))).toMatchObject({
      kind: 'band',
      left: { kind: 'path' },
      right: { kind: 'text', text: '0x10' },
    });
  });

  it('takes one time or two', () => {
    expect(innermost(parseXPath('*[System[timediff(TimeCreated/@SystemTime) <= 1000]]'))).toMatchObject({
      left: { kind: 'timediff', from: { kind: 'path' }, to: undefined },
    });
    expect(
      innermost(parseXPath("*[System[timediff(TimeCreated/@SystemTime, '2024-01-01T00:00:00Z') > 0]]")),
    ).toMatchObject({ left: { kind: 'timediff', to: { kind: 'text' } } });
  });

  it('takes thousands of ids in one flat list', () => {
    const ids = Array.from({ length: 50_000 }, (_, id) => `EventID=${id}`).join(' or ');
    const list = innermost(parseXPath(`*[System[(${ids})]]`));
    expect(list?.kind === 'or' && list.terms.length).toBe(50_000);
  });

  it('nests to the guard and no deeper', () => {
    const nested = (depth: number) => `${'('.repeat(depth)}*${')'.repeat(depth)}`;
    expect(parseXPath(nested(MAX_NESTING))).toBeUndefined();
    const error = failure(() => parseXPath(nested(MAX_NESTING + 1)));
    expect([error.innerCode, error.offset]).toEqual([15026, MAX_NESTING]);
    const brackets = `${'*['.repeat(100_000)}a${']'.repeat(100_000)}`;
    expect(failure(() => parseXPath(brackets)).innerCode).toBe(15026);
  });

  it('takes a text of the greatest length and refuses one unit more', () => {
    const head = "*[System[Channel='";
    const text = (length: number) => `${head}${'x'.repeat(length - head.length - 3)}']]`;
    expect(parseXPath(text(MAX_QUERY_LENGTH))?.kind).toBe('path');
    expect(failure(() => parseXPath(text(MAX_QUERY_LENGTH + 1))).innerCode).toBe(15026);
  });

  it('reads what it is spelt from: any tree, in any spelling of blanks and parentheses', () => {
    fc.assert(
      fc.property(xpathText, ({ text, plain }) => {
        expect(spell(parseXPath(text))).toBe(plain);
      }),
      { seed: 21, numRuns: 500 },
    );
  });
});

describe('any text at all', () => {
  const PIECES = [
    '*',
    'Event',
    'System',
    '[',
    ']',
    '(',
    ')',
    '/',
    '@',
    ',',
    '=',
    '!=',
    '<',
    '>=',
    ' and ',
    ' or ',
    'not',
  ];
  const MORE = [
    "'",
    '"',
    '1',
    '0x',
    '.',
    '..',
    '::',
    'child',
    'text()',
    'band(',
    'timediff(',
    '-',
    '|',
    '&gt;',
    ' ',
    '$',
  ];
  const piecewise = fc.array(fc.constantFrom(...PIECES, ...MORE, '<QueryList>', '</', '/>'), { maxLength: 40 });
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    piecewise.map((pieces) => pieces.join('')),
    fc.tuple(xpathText, fc.nat(), fc.nat(8), fc.string({ maxLength: 3 })).map(([{ text }, at, cut, put]) => {
      const start = at % (text.length + 1);
      return text.slice(0, start) + put + text.slice(start + cut);
    }),
  );

  it('is a query or an EvtQueryError that points into the text', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (query, tolerate) => {
        try {
          expect(parseQuery(query, { tolerate, strict: true }).queries.length).toBeGreaterThan(0);
        } catch (error) {
          if (!(error instanceof EvtQueryError)) throw error;
          expect(error.code).toBe(15001);
          expect(error.offset).toBeGreaterThanOrEqual(0);
          expect(error.offset + error.length).toBeLessThanOrEqual(query.length);
          expect(error.extendedStatus).toContain(error.detail);
        }
      }),
      { seed: 22, numRuns: 4_000 },
    );
  });
});

function lastStep(expression: Expression | undefined) {
  return expression?.kind === 'path' ? expression.steps.at(-1) : undefined;
}

/** The condition in the last brackets of the last brackets… */
function innermost(expression: Expression | undefined): Expression | undefined {
  const predicate = lastStep(expression)?.predicates.at(-1);
  return predicate?.kind === 'condition' ? innermost(predicate.condition) : expression;
}
