import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { definitionText } from '../../src/binxml/definition.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { CLASSIC_EVENT_DATA, element, eventDataTemplate, instance } from '../../src/binxml/template-builder.ts';
import type { Fragment, InstanceNode, Template } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { EventBuilder, type EventProvider, type SystemFields } from '../../src/evtx/event-builder.ts';
import { renderXml } from '../../src/render/xml.ts';
import { corpus, corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { chunksOf } from './memory-log.ts';

const XMLNS = "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'";
const SYSTEM: SystemFields = {
  provider: { name: 'Prov', guid: '{0F8FAD5B-D9CB-469F-A165-70867728950E}', eventSourceName: 'Src' },
  eventId: 4624,
  timeCreated: 0x01d7_7f10_707d_0e8fn,
  eventRecordId: 12n,
  channel: 'Security',
  computer: 'pc',
};
const FULL: SystemFields = {
  ...SYSTEM,
  qualifiers: 16_384,
  version: 2,
  level: 4,
  task: 12_544,
  opcode: 1,
  keywords: 0x8020_0000_0000_0000n,
  activityId: '11111111-2222-3333-4444-555555555555',
  relatedActivityId: '{66666666-7777-8888-9999-aaaaaaaaaaaa}',
  processId: 736,
  threadId: 740,
  userId: 'S-1-5-18',
};
const TIME = "<TimeCreated SystemTime='2021-07-22T15:44:21.4167183Z'/>";

function xmlOf(document: Fragment): string {
  return renderXml(resolveDocument(document));
}

describe('what an event of each shape looks like', () => {
  const builder = new EventBuilder();
  const fields = (start: string, end: string) =>
    `<Event ${XMLNS}><System><Provider ${start}/><EventID Qualifiers='16384'>4624</EventID><Version>2</Version><Level>4</Level><Task>12544</Task><Opcode>1</Opcode><Keywords>0x8020000000000000</Keywords>${TIME}<EventRecordID>12</EventRecordID><Correlation ActivityID='{11111111-2222-3333-4444-555555555555}' RelatedActivityID='{66666666-7777-8888-9999-aaaaaaaaaaaa}'/><Execution ProcessID='736' ThreadID='740'/><Channel>Security</Channel><Computer>pc</Computer><Security UserID='S-1-5-18'/></System>${end}</Event>`;

  test('a manifest event with everything', () => {
    const body = instance(eventDataTemplate([{ name: 'A', type: ValueType.UInt32 }]), [value.uint32(7)]);
    const end = "<EventData><Data Name='A'>7</Data></EventData>";
    const provider = "Name='Prov' Guid='{0f8fad5b-d9cb-469f-a165-70867728950e}'";
    expect(xmlOf(builder.manifest(FULL, { eventData: body }))).toBe(fields(provider, end));
  });

  test('a classic event with everything: the provider’s GUID is text and keeps its case', () => {
    const body = instance(CLASSIC_EVENT_DATA, [
      value.strings(['x', 'y']),
      value.uint32(2),
      value.binary(Uint8Array.of(1, 0xff)),
    ]);
    const end = '<EventData><Data>x</Data><Data>y</Data><Binary>01FF</Binary></EventData>';
    const provider = "Name='Prov' Guid='{0F8FAD5B-D9CB-469F-A165-70867728950E}' EventSourceName='Src'";
    expect(xmlOf(builder.classic(FULL, { eventData: body }))).toBe(fields(provider, end));
  });

  test('a manifest event with as little as possible still has an EventData', () => {
    const { guid: _, ...bare } = SYSTEM.provider;
    const expected = `<Event ${XMLNS}><System><Provider Name='Prov'/><EventID>4624</EventID>${TIME}<EventRecordID>12</EventRecordID><Correlation/><Execution/><Channel>Security</Channel><Computer>pc</Computer><Security/></System><EventData></EventData></Event>`;
    expect(xmlOf(builder.manifest({ ...SYSTEM, provider: { name: bare.name } }))).toBe(expected);
  });

  test('a classic event of a provider without GUID has the oldest shape, and no strings leave no Data', () => {
    const body = instance(CLASSIC_EVENT_DATA, [value.none, value.uint32(0), value.none]);
    const expected = `<Event ${XMLNS}><System><Provider Name='Old'/><EventID Qualifiers='0'>4624</EventID>${TIME}<EventRecordID>12</EventRecordID><Channel>Security</Channel><Computer>pc</Computer><Security/></System><EventData></EventData></Event>`;
    const system = { ...SYSTEM, qualifiers: 0, provider: { name: 'Old' } };
    expect(xmlOf(builder.classic(system, { eventData: body }))).toBe(expected);
  });

  test('a classic event of a provider without GUID has the full shape once there is something to fill it', () => {
    const xml = xmlOf(builder.classic({ ...SYSTEM, provider: { name: 'New' }, version: 0 }));
    expect(xml).toContain("<Provider Name='New'/><EventID>4624</EventID><Version>0</Version>");
    expect(xml).toContain('<Correlation/><Execution/>');
  });

  test('a user-data event holds the provider’s own element', () => {
    const body = element('LogFileCleared', { xmlns: 'urn:p' }, [element('User', {}, ['me'])]);
    const xml = xmlOf(builder.manifest(SYSTEM, { userData: body }));
    expect(xml).toContain(
      "</System><UserData><LogFileCleared xmlns='urn:p'><User>me</User></LogFileCleared></UserData></Event>",
    );
  });

  test('one template serves all events of a computer and form; a renamed computer gets another', () => {
    const guid = (document: Fragment) => (document[0] as InstanceNode).template.guid;
    const first = guid(builder.manifest(SYSTEM));
    expect(guid(builder.manifest(FULL))).toBe(first);
    expect(guid(builder.manifest({ ...SYSTEM, computer: 'pc2' }))).not.toBe(first);
    expect(guid(builder.manifest(SYSTEM, { userData: element('X') }))).not.toBe(first);
    expect(guid(new EventBuilder().manifest(SYSTEM))).toBe(first);
  });

  test('an event source name needs a GUID, and a field its type', () => {
    const provider = { name: 'P', eventSourceName: 'S' };
    expect(() => builder.classic({ ...SYSTEM, provider })).toThrow(/ERROR_INVALID_PARAMETER.*no GUID/);
    expect(() => builder.manifest({ ...SYSTEM, level: 256 })).toThrow(/256 is no integer/);
  });
});

/** Literal parts of a real outer template that a classic event's template repeats. */
interface Literals {
  readonly provider: EventProvider;
  readonly channel: string;
  readonly computer: string;
}

function literals(template: Template): Literals | undefined {
  const text = definitionText(template.root);
  const one = (pattern: RegExp) => pattern.exec(text)?.[1];
  const attribute = (name: string) => one(new RegExp(`"name":"${name}","value":\\[\\{"kind":"text","text":"([^"]*)"`));
  const content = (name: string) =>
    one(
      new RegExp(`"name":"${name}","dependency":-1,"attributes":\\[\\],"content":\\[\\{"kind":"text","text":"([^"]*)"`),
    );
  const computer = content('Computer');
  if (computer === undefined) return undefined;
  const [name, guid, eventSourceName] = ['Name', 'Guid', 'EventSourceName'].map(attribute);
  const provider = { name: name ?? '', ...(guid && { guid }), ...(eventSourceName && { eventSourceName }) };
  return { provider, channel: content('Channel') ?? '', computer };
}

describe.skipIf(corpus === undefined)(`templates that Windows wrote (${corpus ?? NO_CORPUS})`, () => {
  test('the builder’s outer templates equal those of real logs, apart from that of converted traces', () => {
    const builder = new EventBuilder();
    const seen = new Set<Template>();
    const counts = { manifest: 0, classic: 0, other: 0 };
    for (const path of corpusLogs()) {
      for (const chunk of chunksOf(new Uint8Array(readFileSync(corpusPath(path))))) {
        for (const at of chunk.liveRecords()) {
          const template = outerTemplate(() => chunk.document(at));
          if (template === undefined || seen.has(template)) continue;
          seen.add(template);
          const found = literals(template);
          if (found === undefined) continue;
          const text = definitionText(template.root);
          const userData = text.includes('"UserData"');
          const body = userData ? { userData: element('X') } : undefined;
          const system = { ...SYSTEM, ...found };
          const is = (made: Fragment) => definitionText((made[0] as InstanceNode).template.root) === text;
          if (is(builder.manifest(system, body))) counts.manifest++;
          else if (is(builder.classic(system, body)) || is(builder.classic({ ...FULL, ...found }, body)))
            counts.classic++;
          else counts.other++;
        }
      }
    }
    // The other one belongs to events converted from a trace: its Execution names a session and a processor, too.
    expect(counts).toEqual({ manifest: 60, classic: 135, other: 1 });
  });
});

/** The template of a record that is one instance; undefined for literal and damaged ones. */
function outerTemplate(read: () => Fragment): Template | undefined {
  try {
    const [node] = read();
    return node?.kind === 'instance' ? node.template : undefined;
  } catch {
    return undefined;
  }
}
