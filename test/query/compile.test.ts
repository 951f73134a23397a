import { describe, expect, test } from 'vitest';
import {
  defineTemplate,
  element,
  emptyElement,
  eventDataTemplate,
  instance,
  optional,
  substitution,
} from '../../src/binxml/template-builder.ts';
import type { ContentNode, Fragment, InstanceNode } from '../../src/binxml/tree.ts';
import { type TypedValue, value, valueTable } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { compileExpression } from '../../src/query/compile.ts';
import { createFilter } from '../../src/query/filter.ts';
import { parseXPath } from '../../src/query/parse.ts';
import { FALSE, TRUE, UNKNOWN, type Verdict } from '../../src/query/slot-test.ts';

const { UInt8, UInt16, Guid, HexInt64, FileTime, BinXml } = ValueType;
const GUID = '{54849625-5478-4994-a5ba-3e3b0328c30d}';
const TICKS = 131_124_751_716_816_400n;
const BODY_SLOT = 6;

const header = defineTemplate(
  element('Event', { xmlns: 'http://schemas.microsoft.com/win/2004/08/events/event' }, [
    element('System', {}, [
      emptyElement('Provider', { Name: 'Microsoft-Windows-Test', Guid: optional(0, Guid) }),
      element('EventID', {}, [substitution(1, UInt16)]),
      element('Level', {}, [optional(2, UInt8)]),
      element('Keywords', {}, [substitution(3, HexInt64)]),
      emptyElement('TimeCreated', { SystemTime: substitution(4, FileTime) }),
      element('Computer', {}, ['HOST']),
      element('Channel', {}, [substitution(5, ValueType.String)]),
    ]),
    substitution(BODY_SLOT, BinXml),
  ]),
);
const body = eventDataTemplate([
  { name: 'User', type: ValueType.String },
  { name: 'LogonType', type: ValueType.UInt32 },
]);
const headerValues = [
  value.guid(GUID),
  value.uint16(4624),
  value.uint8(4),
  value.hexInt64(2n ** 63n),
  value.fileTime(TICKS),
  value.string('Security'),
];
const bodyOf = (...values: TypedValue[]) => instance(body, values);
const eventWith = (values: readonly TypedValue[], nested: TypedValue) => instance(header, [...values, nested]);
const event = eventWith(headerValues, value.fragment([bodyOf(value.string('Bob'), value.uint32(3))]));

const context = { now: TICKS + 600_000_000n };

/** What the compiled test finds; UNKNOWN is where the plain evaluator would have to decide. */
function verdict(query: string, { template, values }: InstanceNode, withBody = true): Verdict {
  const nested = withBody ? values.nested(BODY_SLOT)[0] : undefined;
  const inner = nested?.kind === 'instance' ? nested : undefined;
  const shape = { content: template.root, bodySlot: BODY_SLOT, body: inner?.template.root };
  return compileExpression(parseXPath(query)!, shape)({ outer: values, body: inner?.values ?? values, context });
}

describe('is decided from the header alone', () => {
  test.each([
    ['*[System]', TRUE],
    ['*[System/EventID=4624]', TRUE],
    ['*[System[EventID=4625]]', FALSE],
    ['*[System[(EventID=1 or EventID=2 or EventID=4624)]]', TRUE],
    ['*[System[(EventID=1 or EventID=2) and Level=4]]', FALSE],
    ['*[System[Provider[@Name="microsoft-windows-test"]]]', TRUE],
    [`*[System/Provider/@Guid='${GUID.toUpperCase()}']`, TRUE],
    ['*[System[band(Keywords, 0x8000000000000000)]]', TRUE],
    ['*[System[band(Keywords, 1)]]', FALSE],
    ['*[System[TimeCreated[timediff(@SystemTime) <= 60000]]]', TRUE],
    ['*[System[TimeCreated[timediff(@SystemTime) < 60000]]]', FALSE],
    ["*[System[TimeCreated[@SystemTime >= '2016-07-08T18:12:51Z']]]", TRUE],
    ["*[System[Channel='SECURITY']]", TRUE],
    ["*[System[Channel='Security2']]", FALSE],
    ["*[System[Channel='Securit']]", FALSE],
    ["*[System[Channel!='Security']]", FALSE],
    ['*[System[Computer="host" and Bogus]]', FALSE],
    ['*[System[EventID=4625]] and *[EventData[Data="x"]]', FALSE],
    ['*[System[EventID=4624]] or *[EventData[Data="x"]]', TRUE],
    ['*[System/@xmlns]', FALSE],
    ['*[@xmlns]', FALSE],
  ])('%s', (query, expected) => {
    expect(verdict(query, event, false)).toBe(expected);
  });
});

describe('needs the body', () => {
  test.each([
    ['*[EventData]', TRUE],
    ['*[UserData]', FALSE],
    ['*[EventData[Data[@Name="User"]="bob"]]', TRUE],
    ['*[EventData[Data[@Name="User"]="bo"]]', FALSE],
    ['*[EventData[Data[@Name="LogonType"]=3]]', TRUE],
    ['*[EventData[Data="3"]]', TRUE],
    ['*[EventData[Data[2]=3]]', TRUE],
    ['*[EventData[Data[1]=3]]', FALSE],
    ['*[EventData[Data[@Name="User" and position()=1]]]', TRUE],
    ['*[EventData[Data[@Name="Nobody"]]]', FALSE],
    ['*[EventData/Data/text()="Bob"]', TRUE],
    ['*[System[EventID=4624] and EventData[Data[@Name="LogonType"]=2]]', FALSE],
  ])('%s', (query, expected) => {
    expect(verdict(query, event, false)).toBe(UNKNOWN);
    expect(verdict(query, event)).toBe(expected);
  });
});

describe('what is left out of the event', () => {
  const sparse = eventWith(
    [value.none, value.uint16(1), value.none, value.none, value.none, value.none],
    value.fragment([bodyOf(value.none, value.string(''))]),
  );

  test.each([
    ['an attribute with a Null optional value', "*[System/Provider/@Guid!='x']", FALSE],
    ['an element that depends on a Null value', '*[System/Level]', FALSE],
    ['but not one with a Null value that is not optional', '*[System/Keywords]', TRUE],
    ['whose text is empty', "*[System/Keywords='']", TRUE],
    ['and no number', '*[System[Keywords=0 or Keywords=1]]', FALSE],
    ['nor bits', '*[System[band(Keywords,1)]]', FALSE],
    ['nor a time', '*[System[TimeCreated[timediff(@SystemTime) >= 0]]]', FALSE],
    ['nor is a Null in the body', "*[EventData[Data[@Name='User']='']]", TRUE],
    ['nor an empty text', "*[EventData[Data[@Name='LogonType']='']]", TRUE],
  ])('%s: %s', (_fact, query, expected) => {
    expect(verdict(query, sparse)).toBe(expected);
  });
});

test('a unit beyond ASCII is not taken for the letter in its low byte', () => {
  const values = [...headerValues.slice(0, 5), value.string('š')];
  expect(verdict("*[System/Channel='a']", eventWith(values, value.none), false)).toBe(FALSE);
  expect(verdict("*[System/Channel='Š']", eventWith(values, value.none), false)).toBe(TRUE);
});

describe('is left to the plain evaluator', () => {
  const uncertain = (content: readonly ContentNode[], query: string) => {
    const template = defineTemplate(element('Event', {}, [element('UserData', {}, content)]));
    return verdict(query, instance(template, [...headerValues, value.none]), false);
  };

  test.each([
    ['text of several parts', [substitution(1, UInt16), 'x'], "*[UserData='4624x']"],
    ['text beside a nested document', [substitution(BODY_SLOT, BinXml)], '*[UserData/text()]'],
    ['a position behind a nested document', [substitution(BODY_SLOT, BinXml), element('x')], '*[UserData/x[1]]'],
    [
      'a position behind an element that may be left out',
      [element('x', {}, [optional(2, UInt8)]), element('x')],
      '*[UserData/x[2]]',
    ],
    ['text of elements below', [element('x', {}, [substitution(1, UInt16)])], '*[UserData=4624]'],
  ])('%s', (_what, content, query) => {
    const nodes = content.map((node): ContentNode => (typeof node === 'string' ? { kind: 'text', text: node } : node));
    expect(uncertain(nodes, query)).toBe(UNKNOWN);
  });
});

describe('the filter', () => {
  const matches = (query: string, document: Fragment) =>
    createFilter(parseXPath(query), 'compiled').matches(document, context);

  /** The event with a body that must not be looked at. */
  const unread: InstanceNode = {
    ...event,
    values: {
      ...event.values,
      nested: () => {
        throw new Error('the body was read');
      },
    },
  };

  test('does not read the body when the header decides', () => {
    expect(matches('*[System[EventID=4624]]', [unread])).toBe(true);
    expect(matches('*[System[EventID=1] and EventData[Data=3]]', [unread])).toBe(false);
    expect(() => matches('*[EventData[Data=3]]', [unread])).toThrow('the body was read');
  });

  test('keeps templates with one GUID and different content apart', () => {
    const one = defineTemplate(element('Event', {}, [element('System', {}, [element('EventID', {}, ['1'])])]), GUID);
    const two = defineTemplate(element('Event', {}, [element('System', {}, [element('EventID', {}, ['2'])])]), GUID);
    const filter = createFilter(parseXPath('*[System[EventID=1]]'), 'compiled');
    const answers = [one, two, one].map((template) => filter.matches([instance(template, [])], context));
    expect(answers).toEqual([true, false, true]);
  });

  test('keeps bodies of one header apart, and a header without one', () => {
    const filter = createFilter(parseXPath("*[EventData[Data[@Name='LogonType']=3]]"), 'compiled');
    const other = eventDataTemplate([{ name: 'LogonType', type: ValueType.UInt32 }]);
    const bodies = [
      value.fragment([bodyOf(value.none, value.uint32(3))]),
      value.fragment([instance(other, [value.uint32(3)])]),
      value.fragment([instance(other, [value.uint32(2)])]),
      value.none,
      value.string('EventData'),
    ];
    const answers = bodies.map((nested) => filter.matches([eventWith(headerValues, nested)], context));
    expect(answers).toEqual([true, true, false, false, false]);
  });

  test.each([
    [
      'an array in the body',
      value.fragment([bodyOf(value.strings(['a', 'b']), value.uint32(3))]),
      '*[EventData/Data[3]=3]',
    ],
    ['a body of elements', value.fragment([element('UserData', {}, [element('x', {}, ['3'])])]), '*[UserData/x=3]'],
    [
      'two bodies',
      value.fragment([bodyOf(value.none, value.none), instance(defineTemplate(element('RenderingInfo')), [])]),
      '*[EventData and RenderingInfo]',
    ],
    [
      'a body inside the body',
      value.fragment([
        instance(defineTemplate(element('UserData', {}, [substitution(0, BinXml)])), [
          value.fragment([element('x', {}, ['3'])]),
        ]),
      ]),
      '*[UserData/x=3]',
    ],
  ])('decides %s, too', (_what, nested, query) => {
    expect(matches(query, [eventWith(headerValues, nested)])).toBe(true);
    expect(matches(query, [eventWith(headerValues, value.none)])).toBe(false);
  });

  test('decides a record of literal text as one of typed values', () => {
    const literal: Fragment = [
      element('Event', {}, [
        element('System', {}, [
          emptyElement('Provider', { Guid: GUID }),
          element('EventID', {}, ['4624']),
          element('Keywords', {}, ['0x8000000000000000']),
          emptyElement('TimeCreated', { SystemTime: '2016-07-08T18:12:51.681640000Z' }),
        ]),
      ]),
    ];
    const queries = [
      '*[System[EventID=4624 or EventID=1]]',
      "*[System[EventID='4624' and EventID>4000]]",
      `*[System/Provider/@Guid='${GUID.toUpperCase()}']`,
      '*[System[band(Keywords, 0x8000000000000000) and Keywords=9223372036854775808]]',
      "*[System[TimeCreated[@SystemTime='2016-07-08T18:12:51.68164Z' and timediff(@SystemTime)=60000]]]",
    ];
    for (const query of queries) {
      expect([query, matches(query, literal), matches(query, [event])]).toEqual([query, true, true]);
    }
  });

  test('refuses a record that lacks values of its template, as the plain one does', () => {
    const torn: InstanceNode = { ...event, values: valueTable(headerValues.slice(0, 3)) };
    for (const evaluator of ['compiled', 'plain'] as const) {
      const filter = createFilter(parseXPath('*[System[EventID=4624]]'), evaluator);
      expect(() => filter.matches([torn], context)).toThrow('has no value');
    }
  });
});
