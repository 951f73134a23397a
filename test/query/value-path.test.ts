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
import { value } from '../../src/binxml/typed-value.ts';
import { ARRAY, ValueType } from '../../src/binxml/value-type.ts';
import { EvtQueryError } from '../../src/query/error.ts';
import { parseValuePath, selectFirst } from '../../src/query/value-path.ts';

const template = defineTemplate(
  element('Event', {}, [
    element('System', {}, [
      emptyElement('Provider', { Name: 'Test', Guid: optional(0, ValueType.Guid) }),
      element('EventID', {}, [substitution(1, ValueType.UInt16)]),
      emptyElement('TimeCreated', { SystemTime: substitution(2, ValueType.FileTime) }),
    ]),
    element('EventData', {}, [
      element('Data', { Name: 'x' }, [substitution(3, ValueType.HexInt64)]),
      element('Data', { Name: 'x' }, [substitution(1, ValueType.UInt16)]),
      element('Data', {}, [substitution(4, ARRAY | ValueType.String)]),
      element('Data', { Name: 'null' }, [substitution(0, ValueType.Guid)]),
    ]),
    element('UserData', {}, [element('p:Known', {}, [element('leaf', {}, ['text'])])]),
  ]),
);
const values = [
  value.none,
  value.uint16(4624),
  value.fileTime(5n),
  value.hexInt64(2n ** 63n),
  value.strings(['a', 'b']),
];
const roots = resolveDocument([instance(template, values)]);

test.each([
  ['Event/System/EventID', ValueType.UInt16, 4624],
  ['*/System/EventID', ValueType.UInt16, 4624],
  ['Event/System/TimeCreated/@SystemTime', ValueType.FileTime, 5n],
  ['Event/System/Provider/@Name', ValueType.String, 'Test'],
  ['Event/System/Provider/@Guid', ValueType.Null, null],
  ['Event/EventData/Data[@Name="x"]', ValueType.HexInt64, 2n ** 63n],
  ['Event/EventData/Data[@Name="x"][2]', ValueType.UInt16, 4624],
  ['Event/EventData/Data[4]', ValueType.String, 'b'],
  ['Event/EventData/Data[@Name="null"]', ValueType.String, ''],
  ['Event/EventData/Data[@Name="none"]', ValueType.Null, null],
  ['Event/UserData/*/leaf', ValueType.String, 'text'],
  ['Event/UserData/Known/leaf/text()', ValueType.String, 'text'],
])('%s', (path, type, expected) => {
  expect(selectFirst(parseValuePath(path), roots)).toEqual({ type, value: expected });
});

describe('is refused', () => {
  test.each([
    'Event/System[EventID=1] and Event/EventData',
    'Event/System/EventID=1',
    '(Event/System/EventID=1) or Event/EventData',
    'System/EventID',
    'Event/System/',
    '@Name',
    '',
  ])('%j', (path) => {
    expect(() => parseValuePath(path)).toThrow(EvtQueryError);
    expect(() => parseValuePath(path)).toThrow(expect.objectContaining({ code: 15001 }));
  });
});
