import { describe, expect, it } from 'vitest';
import { failureText } from '../../src/cli/failure.ts';
import { EvtQueryError, parseQuery } from '../../src/query/index.ts';

/** What the command prints for a query that is not valid, and what the mark stands under. */
function shown(query: string): { lines: string[]; marked: string } {
  try {
    parseQuery(query);
  } catch (error) {
    expect(error).toBeInstanceOf(EvtQueryError);
    const lines = failureText(error, query).split('\n');
    const mark = lines.at(-1)!;
    const from = mark.indexOf('^');
    return { lines, marked: lines.at(-2)!.slice(from, mark.length) };
  }
  throw new Error('the query is valid');
}

describe('a query that is not valid', () => {
  it('is shown with a mark under the offending part', () => {
    const { lines, marked } = shown('*[System[EventID==1]]');
    expect(lines[0]).toBe('winevt: ERROR_EVT_INVALID_QUERY (15001): there is no operator ==; write =');
    expect(lines.slice(1)).toEqual(['  *[System[EventID==1]]', '                   ^']);
    expect(marked).toBe('=');
  });

  it('is marked behind its last word where it ends too early', () => {
    for (const query of ['*[System[EventID=1', '*[System[EventID=1  ', '*[System[EventID=1\n']) {
      expect(shown(query).lines.slice(1)).toEqual(['  *[System[EventID=1', `${' '.repeat(20)}^`]);
    }
  });

  it('is shown around the place when it is long', () => {
    const terms = Array.from({ length: 60 }, (_, i) => `EventID=${1000 + i}`);
    for (const at of [0, 30, 59]) {
      const query = `*[System[${terms.with(at, `EventID==${1000 + at}`).join(' or ')}]]`;
      const { lines, marked } = shown(query);
      expect(marked).toBe('=');
      expect(lines[1]).toContain(`EventID==${1000 + at}`);
      expect(Math.max(...lines.slice(1).map((line) => line.length))).toBeLessThanOrEqual(80);
    }
  });

  it('is shown with the number of the line when it has several', () => {
    const { lines, marked } = shown(
      '<QueryList>\r\n\t<Query Path="A">\r\n\t\t<Select>*[System[Level==1]]</Select>\r\n</Query></QueryList>',
    );
    expect(lines[1]).toBe('  line 3:   <Select>*[System[Level==1]]</Select>');
    expect(marked).toBe('=');
  });
});

describe('other failures', () => {
  it('are one line each', () => {
    expect(failureText(new Error('disk full'))).toBe('winevt: disk full');
    expect(failureText('thrown text')).toBe('winevt: thrown text');
  });
});
