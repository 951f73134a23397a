import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvtQueryError } from '../../src/query/error.ts';
import { MAX_QUERY_LENGTH } from '../../src/query/parse.ts';
import { parseQuery } from '../../src/query/query.ts';
import { failure } from './failure.ts';
import { spell, xpathText } from './spell.ts';

const list = (inside: string) => `<QueryList>${inside}</QueryList>`;
const query = (inside: string) => list(`<Query Id="0">${inside}</Query>`);
const one = (xpath: string) => query(`<Select>${xpath}</Select>`);

describe('parseQuery', () => {
  it.each([null, undefined, '', ' \n', '*', 'Event'])('takes %j as every event', (text) => {
    expect(parseQuery(text)).toEqual({
      structured: false,
      queries: [{ id: undefined, selects: [{ path: undefined, expression: undefined }], suppresses: [] }],
      paths: [],
      warnings: [],
    });
  });

  it.each(['', ' \r\n\t', '\uFEFF', '<?xml version="1.0" encoding="utf-16"?>', '\n<?xml version="1.0"?><!-- x -->'])(
    'takes text with < in front as XML, behind %j too',
    (front) => {
      expect(parseQuery(front + one('*'))).toMatchObject({ structured: true, queries: [{ id: 0 }] });
    },
  );
});

describe('a query list', () => {
  it('keeps queries, filters, ids and paths, each path once in its first spelling', () => {
    const parsed = parseQuery(
      list(
        '<Query Id="7" Path="Security"><Select>*</Select><Select Path="System">*[System]</Select>' +
          '<Suppress Path="SECURITY">*[UserData]</Suppress></Query>' +
          '<Query><Select Path="security">Event</Select></Query>',
      ),
    );
    expect(parsed.paths).toEqual(['Security', 'System']);
    expect(
      parsed.queries.map(({ id, selects, suppresses }) => ({
        id,
        selects: selects.map(({ path, expression }) => [path, spell(expression)]),
        suppresses: suppresses.map(({ path, expression }) => [path, spell(expression)]),
      })),
    ).toEqual([
      {
        id: 7,
        selects: [
          ['Security', '*'],
          ['System', '*[System]'],
        ],
        suppresses: [['Security', '*[UserData]']],
      },
      { id: undefined, selects: [['Security', '*']], suppresses: [] },
    ]);
  });

  it.each([
    ['xmlns on the root', '<QueryList xmlns="urn:q"><Query><Select>*</Select></Query></QueryList>'],
    ['a prefix', '<q:QueryList xmlns:q="urn:q"><q:Query><q:Select>*</q:Select></q:Query></q:QueryList>'],
    ['a Suppress in front', query('<Suppress>*[a]</Suppress><Select>*</Select>')],
    ['signed and blank Ids', list('<Query Id=" -3 "><Select>*</Select></Query>')],
    ['equal Ids', list('<Query Id="0"><Select>*</Select></Query><Query Id="0"><Select>*</Select></Query>')],
    ['a Target', list('<Query Target="Both"><Select>*</Select></Query>')],
    ['files', query('<Select Path="file://c:\\a%20b.evtx">*</Select><Select Path="FILE:///b.evtx">*</Select>')],
    ['an empty Path as none', list('<Query Path=""><Select Path="">*</Select></Query>')],
    ['comments and instructions', query('<!-- a --><?b c?><Select>*</Select>')],
  ])('accepts %s', (_, text) => {
    expect(parseQuery(text)).toMatchObject({ structured: true, warnings: [] });
  });

  it('reads entities, CDATA, comments and line ends before the XPath', () => {
    const parsed = parseQuery(
      one("*[System[EventID&gt;1 and&#x20;<!-- x -->\r\n<![CDATA[Level<3]]> and Channel='&amp;lt;&#120;']]"),
    );
    expect(spell(parsed.queries[0]?.selects[0]?.expression)).toBe(
      "*[System[EventID>1 and Level<3 and Channel='&lt;x']]",
    );
  });

  it.each([
    ['another root', '<Queries/>', '<Queries/>', 'a query list is a QueryList'],
    ['no Query', list(' '), '<QueryList>', 'at least one Query'],
    ['no Select', query(''), '<Query Id="0">', 'at least one Select'],
    ['a Suppress alone', query('<Suppress>*</Suppress>'), '<Query Id="0">', 'a Suppress only takes away'],
    ['a strange element in the list', list('<Select>*</Select>'), '<Select>', 'holds Query elements, not Select'],
    ['a strange element in a Query', query('<Filter/>'), '<Filter/>', 'Select and Suppress, not Filter'],
    ['a lower-case element', query('<select>*</select>'), '<select>', 'not select'],
    ['an element in a Select', one('<b>*</b>'), '<b>', 'text alone'],
    ['text in a Query', query('<Select>*</Select> and *'), ' and *', 'text stands between'],
    ['CDATA in the list', list('<![CDATA[*]]>'), '*', 'text stands between'],
    ['an Id that is no number', list('<Query Id="1.5"><Select>*</Select></Query>'), '<Query Id="1.5">', '"1.5"'],
    [
      'an Id beyond all',
      list(`<Query Id="${'9'.repeat(30)}"><Select/></Query>`),
      `<Query Id="${'9'.repeat(30)}">`,
      'Id',
    ],
    ['a strange Target', list('<Query Target="x"><Select>*</Select></Query>'), '<Query Target="x">', 'Host, Container'],
    [
      'a Path for some only',
      query('<Select Path="a">*</Select><Select>*</Select>'),
      '<Select>',
      'all of them one, or none',
    ],
    [
      'channels and files',
      query('<Select Path="a">*</Select><Select Path="file://a">*</Select>'),
      '<Select Path="file://a">',
      'channels and files',
    ],
    [
      'a Suppress without its Select',
      list(
        '<Query Path="a"><Select>*</Select><Suppress Path="b">*</Suppress></Query><Query Path="b"><Select>*</Select></Query>',
      ),
      '<Suppress Path="b">',
      'no Select of this Query reads b',
    ],
  ])('refuses %s', (_, text, piece, says) => {
    const error = failure(() => parseQuery(text));
    expect([error.code, error.innerCode]).toEqual([15001, 15001]);
    expect(text.slice(error.offset, error.offset + error.length)).toBe(piece);
    expect(error.detail).toContain(says);
  });

  it.each([
    ['an open element', '<QueryList><Query>', 'the XML parser stopped here'],
    ['crossed elements', list('<Query><Select>*</Query></Select>'), 'the XML parser stopped here'],
    ['two roots', `${one('*')}<a/>`, 'the XML parser stopped here'],
    ['text behind the root', `${one('*')} or *`, 'the XML parser stopped here'],
    ['a raw < in a Select', one('*[System[EventID < 5]]'), '&lt;'],
    ['a raw <= in a Select', one('*[System[EventID<=5]]'), '&lt;'],
    ['a raw & in a Select', one('*[a="b & c"]'), 'the XML parser stopped here'],
    ['an entity of HTML', one('*&nbsp;'), 'the XML parser stopped here'],
    ['a character that XML lacks', one('*&#0;'), 'the XML parser stopped here'],
    ['a repeated attribute', list('<Query Id="1" Id="2"><Select>*</Select></Query>'), 'the XML parser stopped here'],
    ['an unbound prefix', '<q:QueryList/>', 'the XML parser stopped here'],
    ['a document type', `<!DOCTYPE QueryList>${one('*')}`, 'remove the DOCTYPE'],
    [
      'entities that grow',
      `<!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>${one('&c;')}`,
      'remove the DOCTYPE',
    ],
    ['< alone', '<', 'the XML parser stopped here'],
  ])('refuses %s as malformed', (_, text, says) => {
    const error = failure(() => parseQuery(text));
    expect([error.code, error.innerCode]).toEqual([15001, 15008]);
    expect(error.detail).toContain(says);
    expect(error.offset + error.length).toBeLessThanOrEqual(text.length);
  });

  it('points at a raw < in a filter, not at what follows it', () => {
    const text = one('*[System[EventID <= 5]]');
    expect(failure(() => parseQuery(text))).toMatchObject({ offset: text.indexOf('<='), length: 1, token: '<' });
  });

  it.each([
    ['plain text', one('*[System[a OR b]]'), 'OR', 13],
    ['behind entities', one('*[System[a&gt;1 and &#x1D11E;]]'), '&#x1D11E;', 19],
    ['behind CDATA', one('*[<![CDATA[a<1 and ]]>b OR c]'), 'OR', 14],
    ['inside CDATA', one('*[a<![CDATA[[b OR c]]]]>]'), 'OR', 8],
    ['behind a comment', one('*[a <!-- or OR --> OR b]'), 'OR', 7],
    ['behind an instruction', one('*[a <?or OR?> OR b]'), 'OR', 7],
    ['behind line ends', one('*[a\r\n\r\n OR b]'), 'OR', 8],
    ['behind white space in front of the list', `  ${one('*[a OR b]')}`, 'OR', 6],
    ['found by a check', one("*[a&gt;0 and 'x'=b]"), "'x'", 13],
    ['an entity itself', one('*[a&amp;b]'), '&amp;', 4],
  ])('points into the whole text: %s', (_, text, piece, windowsPosition) => {
    const error = failure(() => parseQuery(text));
    expect(text.slice(error.offset, error.offset + error.length)).toBe(piece);
    expect(error.windowsPosition).toBe(windowsPosition);
  });

  it('points behind the text of a Select that ends early or is empty', () => {
    for (const xpath of ['*[System[', '']) {
      const error = failure(() => parseQuery(one(xpath)));
      expect([error.innerCode, error.length, error.windowsPosition]).toEqual([15019, 0, xpath.length]);
      expect(error.offset).toBe(one(xpath).indexOf('</Select>'));
    }
  });

  it('says the same of an XPath, plain and inside XML', () => {
    const escaped = (text: string) =>
      text.replace(/[&<>\r]/g, (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[each] ?? '&#13;');
    const outcome = (text: string) => {
      try {
        return spell(parseQuery(text).queries[0]?.selects[0]?.expression);
      } catch (error) {
        if (!(error instanceof EvtQueryError)) throw error;
        return [error.innerCode, error.windowsPosition, error.token];
      }
    };
    const broken = fc
      .tuple(xpathText, fc.nat(), fc.constantFrom('', ']', '[', '&', 'OR', "'", '(', '1'))
      .map(([{ text }, at, put]) => text.slice(0, at % text.length) + put + text.slice(at % text.length));
    fc.assert(
      fc.property(broken, (text) => {
        expect(outcome(one(escaped(text)))).toEqual(outcome(text));
      }),
      { seed: 31, numRuns: 500 },
    );
  });

  it('warns of attributes that change nothing', () => {
    const text = list('<Query Id="0" path="System"><Select Name="x">*</Select></Query>');
    expect(parseQuery(text).warnings.map(({ code, sentence }) => [code, sentence])).toEqual([
      [0, 'The attribute path of Query is ignored; Path is spelt with a capital.'],
      [0, 'The attribute Name of Select is ignored.'],
    ]);
  });

  it('refuses a text beyond the greatest length', () => {
    const text = one(' '.repeat(MAX_QUERY_LENGTH));
    expect(failure(() => parseQuery(text)).innerCode).toBe(15026);
  });

  it('refuses deep nesting at its first level', () => {
    expect(failure(() => parseQuery('<a>'.repeat(100_000))).offset).toBe(0);
  });

  it('is a query or an EvtQueryError, whatever is done to it', () => {
    const whole = list(
      '<!-- c --><Query Id="1" Path="a"><Select Path="b">*[a&gt;1]</Select><Select><![CDATA[*]]></Select></Query>',
    );
    const scar = fc.tuple(
      fc.nat(whole.length),
      fc.nat(6),
      fc.constantFrom('', '<', '>', '&', '"', '<a>', ']]>', '<!--', ' '),
    );
    fc.assert(
      fc.property(fc.array(scar, { maxLength: 4 }), fc.boolean(), (scars, tolerate) => {
        const text = scars.reduce((text, [at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut), whole);
        try {
          expect(parseQuery(text, { tolerate }).queries.length).toBeGreaterThan(0);
        } catch (error) {
          if (!(error instanceof EvtQueryError)) throw error;
          expect(error.offset).toBeGreaterThanOrEqual(0);
          expect(error.offset + error.length).toBeLessThanOrEqual(text.length);
        }
      }),
      { seed: 32, numRuns: 4_000 },
    );
  });
});

describe('tolerate', () => {
  const tolerant = (text: string) => parseQuery(text, { tolerate: true });

  it.each([
    ['*[a] and *[b', '*[a]', ' and *[b'],
    ['*[a] or *[b] and *[c] OR *[d]', '*[a] or (*[b] and *[c])', ' OR *[d]'],
    ['*[a] and System[b] and *[c]', '*[a]', ' and System[b] and *[c]'],
    ['*[a]]', '*[a]', ']'],
    ['(*[a] or *[b]) and (*[c] or *[d)', '*[a] or *[b]', ' and (*[c] or *[d)'],
    ['*[a] or *[b][', '*[a]', ' or *[b]['],
  ])('keeps the good beginning of %s', (text, kept, dropped) => {
    const { queries, warnings } = tolerant(text);
    expect(spell(queries[0]?.selects[0]?.expression)).toBe(kept);
    expect(warnings.map(({ code, start, end }) => [code, text.slice(start, end)])).toEqual([[15001, dropped]]);
  });

  it.each(['*[a', '*[a or b] [', 'System', '*[(a) and (b]'])('still refuses %s: nothing good is left', (text) => {
    expect(failure(() => tolerant(text)).code).toBe(15001);
  });

  it('leaves a good query as it is', () => {
    expect(tolerant('*[a] or *[b]')).toEqual(parseQuery('*[a] or *[b]'));
  });

  it('cuts or leaves out the bad filters of a list, and says so', () => {
    const text = list(
      '<Query Id="1"><Select>*[a] and *[&gt;</Select><Select>*[</Select><Suppress>*[</Suppress></Query>' +
        '<Query Id="2"><Select>*[</Select><Suppress>*[b]</Suppress></Query>',
    );
    const { queries, warnings } = tolerant(text);
    expect(queries.map(({ id, selects }) => [id, selects.map(({ expression }) => spell(expression))])).toEqual([
      [1, ['*[a]']],
    ]);
    expect(queries[0]?.suppresses).toEqual([]);
    expect(warnings.map(({ code, start, end }) => [code, text.slice(start, end)])).toEqual([
      [15001, ' and *[&gt;'],
      [15001, '<Select>'],
      [15001, '<Suppress>'],
      [15001, '<Select>'],
    ]);
  });

  it('fails a list without any good Select, with the first error', () => {
    const text = query('<Select>*[</Select><Select>4624</Select><Suppress>*</Suppress>');
    expect(failure(() => tolerant(text)).innerCode).toBe(15019);
  });

  it('does not forgive the list itself', () => {
    expect(failure(() => tolerant(query('')))).toMatchObject({ innerCode: 15001 });
    expect(failure(() => tolerant('<QueryList>'))).toMatchObject({ innerCode: 15008 });
  });
});

describe('strict', () => {
  const ids = (count: number) => Array.from({ length: count }, (_, id) => `EventID=${id}`).join(' or ');

  it('warns above 23 comparisons in one filter, and refuses nothing', () => {
    const text = (count: number) => `*[System[${ids(count)}]]`;
    expect(parseQuery(text(23), { strict: true }).warnings).toEqual([]);
    expect(parseQuery(text(24), { strict: true })).toMatchObject({
      warnings: [{ code: 15026, start: 0, end: text(24).length }],
    });
    expect(parseQuery(text(5_000)).warnings).toEqual([]);
  });

  it('counts each filter of a list apart, with all that it holds', () => {
    const range = `${ids(20)} or (EventID &gt;= 5 and EventID &lt;= 9)`;
    const text = query(
      `<Select>*[System[${range} and band(Keywords,1)]]</Select>` +
        `<Select>*[System[${range} and band(Keywords,1) and TimeCreated[timediff(@SystemTime) &lt; 9]]]</Select>`,
    );
    const { warnings } = parseQuery(text, { strict: true });
    expect(warnings.map(({ start }) => start)).toEqual([text.lastIndexOf('<Select>') + '<Select>'.length]);
  });
});
