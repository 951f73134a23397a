import { describe, expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import {
  defineTemplate,
  element,
  emptyElement,
  instance,
  optional,
  substitution,
} from '../../src/binxml/template-builder.ts';
import type { ContentNode } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ARRAY, ValueType } from '../../src/binxml/value-type.ts';
import { evaluate } from '../../src/query/evaluate.ts';
import { parseXPath } from '../../src/query/parse.ts';

const NOW = 131_124_751_716_816_400n;
const SECOND = 10_000_000n;

/** The answer for an event of literal text with these children. */
function answer(query: string, ...content: readonly ContentNode[]): boolean {
  return evaluate(parseXPath(query)!, resolveDocument([element('Event', {}, content)]), { now: NOW });
}

const data = (name: string, text: string) => element('Data', { Name: name }, [text]);
const eventData = (...items: readonly ContentNode[]) => element('EventData', {}, items);
const body = eventData(data('a', 'x'), data('b', 'y'), element('Binary', {}, ['0AFF']), data('a', 'z'));

describe('a path', () => {
  test.each([
    ['*/EventData', true],
    ['Event/EventData/Data', true],
    ['Event/System', false],
    ['Event/eventdata', false],
    ['*/*/*', true],
    ['*/*/*/*', false],
    ['*[EventData/Data/@Name]', true],
    ['*[EventData/Binary/@Name]', false],
    ['*[EventData/Data/@*]', true],
    ['*[EventData/Data[@Name="b"]]', true],
    ['*/EventData[Binary]/Data', true],
    ['*/EventData[UserData]/Data', false],
  ])('%s', (query, expected) => {
    expect(answer(query, body)).toBe(expected);
  });

  test('goes by local names; declarations of namespaces are no attributes', () => {
    const userData = element('UserData', {}, [
      element('p:Known', { xmlns: 'urn:a', 'xmlns:p': 'urn:b', 'p:Id': '7' }, [element('Leaf', {}, ['1'])]),
    ]);
    expect(answer('*[UserData/Known/Leaf=1]', userData)).toBe(true);
    expect(answer('*[UserData/Known/@Id=7]', userData)).toBe(true);
    expect(answer('*[UserData/Known/@xmlns or UserData/Known/@p]', userData)).toBe(false);
    expect(answer("*[UserData/Known/@*='urn:a' or UserData/Known/@*='urn:b']", userData)).toBe(false);
  });

  test('text() is the text of an element, empty text included', () => {
    expect(answer('*[EventData/Data/text()="y"]', body)).toBe(true);
    expect(answer('*[EventData/Data/text()=""]', body)).toBe(false);
    expect(answer('*[EventData/Data/text()=""]', eventData(emptyElement('Data')))).toBe(true);
    expect(answer('*[EventData/text()]', body)).toBe(false);
  });

  test('a second System element does not count', () => {
    const system = (id: string) => element('System', {}, [element('EventID', {}, [id])]);
    expect(answer('*[System/EventID=1]', system('1'), body, system('2'))).toBe(true);
    expect(answer('*[System/EventID=2 or */EventID=2]', system('1'), body, system('2'))).toBe(false);
  });
});

describe('a comparison with several nodes', () => {
  test.each([
    ["Data='y'", true],
    ["Data!='y'", true],
    ["Data='nothing'", false],
    ["Data[@Name='a']='z'", true],
    ["Data[@Name='b']!='y'", false],
    ["Data[@Name='c']='y'", false],
    ["Data[@Name='c']!='y'", false],
    ["Data/@None!='y'", false],
  ])('%s', (inside, expected) => {
    expect(answer(`*[EventData[${inside}]]`, body)).toBe(expected);
  });

  test('is one thing, and none of them another: = and != can both be true', () => {
    expect(answer("*[EventData[Data='x' and Data!='x']]", body)).toBe(true);
  });
});

describe('a position', () => {
  test.each([
    ["Data[1]='x'", true],
    ["Data[3]='z'", true],
    ['Data[4]', false],
    ["Binary[1]='0aff'", true],
    ["Data[@Name='a'][2]='z'", true],
    ["Data[2][@Name='a']", false],
    ["Data[position()=2]='y'", true],
    ["Data[position()>=2]='x'", false],
    ["Data[position()!=1]='x'", false],
    ["*[3]='0AFF'", true],
  ])('%s', (inside, expected) => {
    expect(answer(`*[EventData[${inside}]]`, body)).toBe(expected);
  });

  test('counts the items of a string array one by one', () => {
    const template = defineTemplate(
      element('Event', {}, [eventData(element('Data', {}, [optional(0, ARRAY | ValueType.String)]))]),
    );
    const roots = resolveDocument([instance(template, [value.strings(['first', '', 'APPCRASH'])])]);
    const is = (query: string) => evaluate(parseXPath(query)!, roots, { now: NOW });
    expect(is('*[EventData[Data[3]="APPCRASH"]]')).toBe(true);
    expect(is('*[EventData[Data[2]=""]]')).toBe(true);
    expect(is('*[EventData[Data[1]="APPCRASH"]]')).toBe(false);
    expect(is('*[EventData[Data[4]]]')).toBe(false);
  });
});

describe('conditions', () => {
  test.each([
    ["Data='x' and Data='y'", true],
    ["Data='x' and Data='n'", false],
    ["Data='n' or Data='y'", true],
    ["Data='n' or Data='x' and Data='m'", false],
    ["(Data='x' or Data='n') and Data='m'", false],
    ["Data='n' or 'y'", false],
    ["Data='n' or 'true'", true],
    ["Data[@Name='b' or 'c']='y'", true],
    ["Data[@Name and 'c']", false],
  ])('%s', (inside, expected) => {
    expect(answer(`*[EventData[${inside}]]`, body)).toBe(expected);
  });

  test('join whole selectors', () => {
    expect(answer("*[System] or *[EventData[Data='x']]", body)).toBe(true);
    expect(answer("*[System] and (*[EventData[Data='x']])", body)).toBe(false);
    expect(answer("Event/EventData/Data[@Name='b']='y'", body)).toBe(true);
  });
});

describe('band()', () => {
  const system = element('System', {}, [
    element('Keywords', {}, ['0x8020000000000000']),
    element('Level', {}, ['4']),
    element('Channel', {}, ['Security']),
    element('Version', {}, ['-1']),
  ]);

  test.each([
    ['band(Keywords, 0x8000000000000000)', true],
    ['band(Keywords, 9007199254740992)', true],
    ["band(Keywords, '0x1')", false],
    ['Band(0x20000000000000, Keywords)', true],
    ['band(Level, 6)', true],
    ['band(Level, 3)', false],
    ['band(Channel, 0xffffffffffffffff)', false],
    ['band(None, 0xffffffffffffffff)', false],
    ['band(Version, 0x8000000000000000)', true],
    ['band(Keywords, Level)', false],
    ['band(*, 2)', true],
  ])('%s', (call, expected) => {
    expect(answer(`*[System[${call}]]`, system)).toBe(expected);
  });
});

describe('timediff()', () => {
  const template = defineTemplate(
    element('Event', {}, [
      element('System', {}, [emptyElement('TimeCreated', { SystemTime: substitution(0, ValueType.FileTime) })]),
      eventData(
        element('Data', { Name: 'text' }, ['2016-07-08T18:12:50.6816400Z']),
        element('Data', { Name: 'ticks' }, [String(NOW - SECOND)]),
        element('Data', { Name: 'none' }, ['soon']),
      ),
    ]),
  );
  const roots = resolveDocument([instance(template, [value.fileTime(NOW - 86_400n * SECOND)])]);

  test.each([
    ['System[TimeCreated[timediff(@SystemTime) <= 86400000]]', true],
    ['System[TimeCreated[timediff(@SystemTime) < 86400000]]', false],
    ['System[TimeCreated[timediff(@SystemTime) = 86400000]]', true],
    ["System[timediff(TimeCreated/@SystemTime, '2016-07-08T18:12:51.68164Z') = '86400000']", true],
    [`System[timediff(TimeCreated/@SystemTime, ${NOW - SECOND}) = 86399000]`, true],
    ["System[timediff('2016-07-08T18:12:51.68164Z', TimeCreated/@SystemTime) < 0]", true],
    ['EventData[timediff(Data[@Name="text"]) = 1000]', true],
    ['EventData[timediff(Data[@Name="ticks"]) = 1000]', true],
    ['EventData[timediff(Data[@Name="ticks"]) = 1000.5]', false],
    ['EventData[timediff(Data[@Name="none"]) != 0]', false],
    ['EventData[timediff(None) != 0]', false],
    ["EventData[timediff(Data) = 'soon']", false],
    [`EventData[timediff(Data, ${NOW}) < 1000]`, false],
    [`EventData[timediff(Data, ${NOW}) > 1000]`, false],
    [`EventData[timediff(Data, ${NOW}) != 1000]`, false],
    ['EventData[timediff(Data[1], Data[2]) = 0]', true],
    [`EventData[timediff(${NOW}, ${NOW + 5n}) = 0.0005]`, true],
    [`EventData[timediff(${NOW}, ${NOW + 5n}) = 0.00051]`, false],
  ])('%s', (inside, expected) => {
    expect(evaluate(parseXPath(`*[${inside}]`)!, roots, { now: NOW })).toBe(expected);
  });
});

test('functions of a hundred thousand nodes do not try every pair', () => {
  const stamps = Array.from({ length: 100_000 }, (_, i) => element('Data', {}, [String(NOW + BigInt(2 * i))]));
  const roots = resolveDocument([element('Event', {}, [element('EventData', {}, stamps)])]);
  const is = (inside: string) => evaluate(parseXPath(`*[EventData[${inside}]]`)!, roots, { now: NOW });
  expect(is('timediff(Data, Data) = 0.0001')).toBe(false);
  expect(is('timediff(Data, Data) = 19.9998')).toBe(true);
  expect(is('timediff(Data, Data) > 19.9998')).toBe(false);
  expect(is('timediff(Data, Data) <= "-19.9998"')).toBe(true);
  expect(is('timediff(Data, Data) != 0')).toBe(true);
  expect(is('band(Data, Data)')).toBe(true);
});

test('text ends at U+0000, also in literal text', () => {
  expect(answer("*[EventData[Data='x' and Data/@Name='n']]", eventData(data('n\0m', 'x\0y')))).toBe(true);
});

test('an element with elements below has all text in them', () => {
  expect(answer("*[EventData='xy0AFFz']", body)).toBe(true);
});
