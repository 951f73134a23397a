import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { renderJson } from '../../src/render/json.ts';
import { renderXml } from '../../src/render/xml.ts';
import { eventFromJson } from '../../src/store/event-json.ts';
import { EventWriterForms, fileTimeNow, type NewEvent } from '../../src/store/written-event.ts';

/** An event as it is read from a chunk that it was written to. */
function stored(event: NewEvent, id = 1n) {
  const { document, writtenTime } = new EventWriterForms().draft(event, 'App');
  const writer = new ChunkWriter(1n);
  expect(writer.add(document(id), id, writtenTime)).toBe(true);
  const chunk = new Chunk(writer.finish(), 0, 4096);
  return resolveDocument(chunk.document(512));
}

const xmlOf = (event: NewEvent) => renderXml(stored(event));
const dataOf = (event: NewEvent) => /<EventData>.*<\/EventData>/.exec(xmlOf(event))?.[0];
const BASE = { provider: 'P', id: 1 };

describe('an event that is written', () => {
  it('has every field of System that it was given', () => {
    const xml = xmlOf({
      provider: { name: 'Winevt-Test', guid: '{0f8fad5b-d9cb-469f-a165-70867728950e}' },
      id: 65_535,
      version: 3,
      level: 2,
      task: 7,
      opcode: 1,
      keywords: 0x8000_0000_0000_0002n,
      timeCreated: 133_000_000_000_000_001n,
      activityId: '{11111111-1111-1111-1111-111111111111}',
      relatedActivityId: '{22222222-2222-2222-2222-222222222222}',
      processId: 11,
      threadId: 12,
      userId: 'S-1-5-18',
      computer: 'host',
    });
    expect(xml).toContain(
      "<Provider Name='Winevt-Test' Guid='{0f8fad5b-d9cb-469f-a165-70867728950e}'/><EventID>65535</EventID><Version>3</Version>" +
        '<Level>2</Level><Task>7</Task><Opcode>1</Opcode><Keywords>0x8000000000000002</Keywords>' +
        "<TimeCreated SystemTime='2022-06-18T04:26:40.0000001Z'/><EventRecordID>1</EventRecordID>" +
        "<Correlation ActivityID='{11111111-1111-1111-1111-111111111111}' RelatedActivityID='{22222222-2222-2222-2222-222222222222}'/>" +
        "<Execution ProcessID='11' ThreadID='12'/><Channel>App</Channel><Computer>host</Computer><Security UserID='S-1-5-18'/>",
    );
  });

  it('keeps named values of every type', () => {
    const data = {
      text: 'a <b> & "c" \u{1f600}',
      none: null,
      yes: true,
      small: -5,
      large: 4_000_000_000,
      huge: 9_007_199_254_740_991,
      real: 0.5,
      big: 18_446_744_073_709_551_615n,
      negative: -9_223_372_036_854_775_808n,
      when: new Date('2026-01-02T03:04:05.678Z'),
      bytes: Uint8Array.of(0, 255),
      list: ['a', 'b'],
      guid: value.guid('{0f8fad5b-d9cb-469f-a165-70867728950e}'),
      mask: value.hexInt64(255n),
      sid: value.sid('S-1-5-18'),
      numbers: value.array(ValueType.UInt16, [value.uint16(1), value.uint16(2)]),
    };
    expect(dataOf({ ...BASE, data })).toBe(
      "<EventData><Data Name='text'>a &lt;b&gt; &amp; \"c\" \u{1f600}</Data><Data Name='none'></Data><Data Name='yes'>true</Data>" +
        "<Data Name='small'>-5</Data><Data Name='large'>4000000000</Data><Data Name='huge'>9007199254740991</Data>" +
        "<Data Name='real'>0.5</Data><Data Name='big'>18446744073709551615</Data><Data Name='negative'>-9223372036854775808</Data>" +
        "<Data Name='when'>2026-01-02T03:04:05.6780000Z</Data><Data Name='bytes'>00FF</Data>" +
        "<Data Name='list'>a</Data><Data Name='list'>b</Data><Data Name='guid'>{0f8fad5b-d9cb-469f-a165-70867728950e}</Data>" +
        "<Data Name='mask'>0xff</Data><Data Name='sid'>S-1-5-18</Data><Data Name='numbers'>1</Data><Data Name='numbers'>2</Data></EventData>",
    );
  });

  it('has a classic event’s strings and bytes where they have no names', () => {
    expect(dataOf({ ...BASE, data: ['one', 'two'], binary: Uint8Array.of(1, 2) })).toBe(
      '<EventData><Data>one</Data><Data>two</Data><Binary>0102</Binary></EventData>',
    );
  });

  it('has user data as the provider’s own elements', () => {
    const userData = {
      name: 'Own',
      attributes: { xmlns: 'urn:x' },
      content: [{ name: 'Part', content: ['text'] }, 'tail'],
    };
    expect(xmlOf({ ...BASE, userData })).toContain(
      "<UserData><Own xmlns='urn:x'><Part>text</Part>tail</Own></UserData>",
    );
  });

  it('shares its template with others of its shape', () => {
    const forms = new EventWriterForms();
    const writer = new ChunkWriter(1n);
    const sizes: number[] = [];
    for (let i = 0; i < 4; i++) {
      const before = writer.freeSpaceOffset;
      const { document, writtenTime } = forms.draft({ ...BASE, processId: 1, data: { n: i, text: 'x' } }, 'App');
      writer.add(document(BigInt(i + 1)), BigInt(i + 1), writtenTime);
      sizes.push(writer.freeSpaceOffset - before);
    }
    expect(new Set(sizes.slice(1)).size).toBe(1);
    expect(sizes[1]).toBeLessThan(sizes[0]! / 3);
  });

  it.each([
    [{ id: 1 }, 'provider'],
    [{ provider: '', id: 1 }, 'provider'],
    [{ provider: 'P', id: 1.5 }, 'event id'],
    [{ provider: 'P', id: 70_000 }, '65535'],
    [{ provider: 'P', id: 1, level: 256 }, '255'],
    [{ provider: 'P', id: 1, data: { a: Symbol('x') } }, '"a"'],
    [{ provider: 'P', id: 1, data: { a: 1 }, userData: { name: 'x' } }, 'not both'],
    [{ provider: 'P', id: 1, timeCreated: new Date(Number.NaN) }, 'time'],
    [{ provider: 'P', id: 1, userId: 'nobody' }, 'SID'],
  ])('is refused where a field cannot be: %o', (event, what) => {
    expect(() => stored(event as unknown as NewEvent)).toThrow(
      expect.objectContaining({ code: 87, detail: expect.stringContaining(what) }),
    );
  });

  it('has the time of now, which does not run backwards', () => {
    const times = Array.from({ length: 100 }, fileTimeNow);
    for (let i = 1; i < times.length; i++) expect(times[i]! >= times[i - 1]!).toBe(true);
    expect(Number(times[0]! / 10_000n) - 11_644_473_600_000 - Date.now()).toBeLessThan(1000);
  });
});

describe('an event in JSON', () => {
  it('is written as it is printed', () => {
    const events: NewEvent[] = [
      { ...BASE, level: 3, data: { a: 'x', b: 5, c: null }, computer: 'h', processId: 1 },
      { ...BASE, data: ['one', 'two'], binary: Uint8Array.of(7), computer: 'h', processId: 1 },
      { ...BASE, qualifiers: 16_384, data: ['one'], computer: 'h', processId: 1, userId: 'S-1-5-18' },
      {
        provider: { name: 'P', guid: '{0f8fad5b-d9cb-469f-a165-70867728950e}' },
        id: 5,
        activityId: '{11111111-1111-1111-1111-111111111111}',
        userData: { name: 'Own', attributes: { xmlns: 'urn:x' }, content: [{ name: 'Part', content: ['text'] }] },
        computer: 'h',
        processId: 1,
        timeCreated: 133_000_000_000_000_001n,
      },
    ];
    for (const event of events) {
      const tree = stored(event);
      expect(xmlOf(eventFromJson(JSON.parse(renderJson(tree))))).toBe(renderXml(tree));
    }
  });

  it('takes plain values, and typed ones where the type matters', () => {
    const json = {
      ...BASE,
      timeCreated: '2026-01-31T12:00:00.1234567Z',
      keywords: '0x80',
      data: { a: 1, b: { type: 'HexInt32', value: '0xff' }, c: { type: 'win:Boolean', value: true }, d: ['x', 'y'] },
    };
    const xml = xmlOf(eventFromJson(json));
    expect(xml).toContain("SystemTime='2026-01-31T12:00:00.1234567Z'");
    expect(xml).toContain(
      "<Data Name='b'>0xff</Data><Data Name='c'>true</Data><Data Name='d'>x</Data><Data Name='d'>y</Data>",
    );
  });

  it.each([
    ['[]', 'object'],
    ['{"provider":"P"}', 'id'],
    ['{"provider":"P","id":"x"}', '"id"'],
    ['{"id":1}', 'provider'],
    ['{"provider":"P","id":1,"colour":"red"}', '"colour"'],
    ['{"provider":"P","id":1,"data":{"a":{"type":"Colour","value":1}}}', 'Colour'],
    ['{"provider":"P","id":1,"data":{"a":{"type":"UInt8","value":"x"}}}', 'UInt8'],
    ['{"provider":"P","id":1,"data":[1]}', '"data"'],
    ['{"provider":"P","id":1,"timeCreated":"yesterday"}', '"timeCreated"'],
    ['{"provider":"P","id":1,"userData":{"content":[]}}', '"userData"'],
  ])('is refused with the name of what is wrong: %s', (text, what) => {
    expect(() => eventFromJson(JSON.parse(text))).toThrow(
      expect.objectContaining({ code: 87, detail: expect.stringContaining(what) }),
    );
  });

  it('is an event or an error, whatever the JSON holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (data, userData) => {
        for (const json of [
          data,
          { ...BASE, data },
          { ...BASE, userData },
          { Event: { System: data, EventData: userData } },
        ]) {
          try {
            stored(eventFromJson(json));
          } catch (error) {
            expect([87, 15005]).toContain((error as { code?: number }).code);
          }
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
