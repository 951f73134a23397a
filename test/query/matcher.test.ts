import { describe, expect, test } from 'vitest';
import { element } from '../../src/binxml/template-builder.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { createMatcher } from '../../src/query/matcher.ts';
import { parseQuery } from '../../src/query/query.ts';

const context = { now: 0n };
const event = (level: number, id: number): Fragment => [
  element('Event', {}, [
    element('System', {}, [element('Level', {}, [String(level)]), element('EventID', {}, [String(id)])]),
  ]),
];
const filter = (tag: 'Select' | 'Suppress', inside: string, path?: string) =>
  `<${tag}${path === undefined ? '' : ` Path="${path}"`}>${inside}</${tag}>`;
const select = (inside: string, path?: string) => filter('Select', inside, path);
const suppress = (inside: string, path?: string) => filter('Suppress', inside, path);
const query = (id: number | undefined, ...filters: readonly string[]) =>
  `<Query${id === undefined ? '' : ` Id="${id}"`}>${filters.join('')}</Query>`;
const matcherOf = (path: string | undefined, ...queries: readonly string[]) =>
  createMatcher(parseQuery(`<QueryList>${queries.join('')}</QueryList>`), { isMine: (named) => named === path });

describe('a structured query', () => {
  const lists = [
    query(1, select('*[System[Level=2]]'), select('*[System[EventID=5]]'), suppress('*[System[EventID=9]]')),
    query(2, select('*[System[EventID&gt;5]]')),
    query(undefined, select('*[System[EventID=7]]')),
    query(2, select('*[System[EventID=9]]')),
  ];

  test.each([
    ['some Select is true', 3, 5, [1]],
    ['another Select is true', 2, 1, [1]],
    ['Suppress wins, in its own Query only', 2, 9, [2]],
    ['several Queries select it; one without Id counts as 0xffffffff', 2, 7, [1, 2, 0xffff_ffff]],
    ['none does', 3, 1, []],
  ])('%s', (_fact, level, id, ids) => {
    const matcher = matcherOf(undefined, ...lists);
    expect(matcher.queryIds(event(level, id), context)).toEqual(ids);
    expect(matcher.matches(event(level, id), context)).toBe(ids.length > 0);
  });

  test('asks of a log only the filters with its path', () => {
    const list = query(
      3,
      select('*[System[Level=2]]', 'Security'),
      select('*', 'System'),
      suppress('*[System[EventID=9]]', 'Security'),
    );
    const security = matcherOf('Security', list);
    const system = matcherOf('System', list);
    const answers = [event(2, 1), event(2, 9), event(3, 1)].map((each) => [
      security.matches(each, context),
      system.matches(each, context),
    ]);
    expect(answers).toEqual([
      [true, true],
      [false, true],
      [false, true],
    ]);
    expect(matcherOf('Application', list).matches(event(2, 1), context)).toBe(false);
  });

  test('leaves no event out when a Select takes all and nothing is suppressed', () => {
    expect(matcherOf(undefined, query(0, select('*'))).everything).toBe(true);
    expect(matcherOf(undefined, query(0, select('*[System]'), select('*'))).everything).toBe(true);
    expect(matcherOf(undefined, query(0, select('*'), suppress('*[System[EventID=1]]'))).everything).toBe(false);
    expect(matcherOf(undefined, query(0, select('*[System]'))).everything).toBe(false);
    expect(matcherOf('System', query(0, select('*', 'Security'))).everything).toBe(false);
  });
});

test('an XPath query selects without query ids', () => {
  const matcher = createMatcher(parseQuery('*[System[EventID=1]]'), { isMine: (path) => path === undefined });
  expect([matcher.matches(event(2, 1), context), matcher.matches(event(2, 2), context)]).toEqual([true, false]);
  expect(matcher.queryIds(event(2, 1), context)).toEqual([]);
  expect(createMatcher(parseQuery('*'), { isMine: () => true }).everything).toBe(true);
});
