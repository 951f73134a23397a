import { describe, expect, test } from 'vitest';
import { definitionGuid } from '../../src/binxml/definition.ts';
import { BinXmlReader } from '../../src/binxml/reader.ts';
import {
  defineTemplate,
  element,
  emptyElement,
  instance,
  optional,
  substitution,
} from '../../src/binxml/template-builder.ts';
import { TemplateCache } from '../../src/binxml/template-cache.ts';
import type { ContentNode, Fragment, InstanceNode } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { BinXmlWriter, BufferFull } from '../../src/binxml/writer.ts';
import { nameHash } from '../../src/bytes/name-hash.ts';

const BUCKETS = { strings: 64, templates: 32 };
/** Offset 0 means "none" in chains, so nothing is written there. */
const START = 16;

function writer(size = 4096): BinXmlWriter {
  return new BinXmlWriter(new Uint8Array(size), START, BUCKETS);
}

/** What was written for `nodes`, as hex. */
function hexOf(nodes: Fragment, size?: number): string {
  const xml = writer(size);
  xml.document(nodes);
  return Buffer.from(xml.bytes.subarray(START, xml.at)).toString('hex');
}

function readBack(xml: BinXmlWriter, offset = START): Fragment {
  const document = new BinXmlReader(xml.bytes, new TemplateCache()).readDocument(offset, xml.at);
  return document.fragment;
}

const u16 = (n: number) => Buffer.of(n & 0xff, n >> 8).toString('hex');
const u32 = (n: number) => u16(n & 0xffff) + u16(n >>> 16);
const utf16 = (text: string) => Buffer.from(text, 'utf16le').toString('hex');
/** A name at its first use: the reference and, right behind it, its entry. */
const inlineName = (at: number, name: string, next = 0) =>
  `${u32(at + 4)}${u32(next)}${u16(nameHash(name) & 0xffff)}${u16(name.length)}${utf16(name)}0000`;

describe('tokens', () => {
  test('an element without attributes: open token, size, name, close, content, end', () => {
    const text = `0501${u16(2)}${utf16('hi')}`;
    const rest = `${inlineName(START + 9, 'a')}02${text}04`;
    expect(hexOf([element('a', {}, ['hi'])])).toBe(`0f01010001${u32(rest.length / 2)}${rest}00`);
  });

  test('an empty element with two attributes: both "more" bits, attribute list size, empty-close token', () => {
    const nameA = inlineName(START + 9, 'a');
    const listAt = START + 9 + nameA.length / 2;
    const attribute = (at: number, token: string, name: string) =>
      `${token}${inlineName(at + 1, name)}0501${u16(1)}${utf16('v')}`;
    const first = attribute(listAt + 4, '46', 'x');
    const second = attribute(listAt + 4 + first.length / 2, '06', 'y');
    const rest = `${nameA}${u32((first.length + second.length) / 2)}${first}${second}03`;
    expect(hexOf([emptyElement('a', { x: 'v', y: 'v' })])).toBe(`0f01010041${u32(rest.length / 2)}${rest}00`);
  });

  test('character data carries the "more" bit exactly when more of it follows', () => {
    const content: ContentNode[] = [
      { kind: 'text', text: 'x' },
      { kind: 'charref', code: 0x41 },
      { kind: 'cdata', text: 'y' },
      { kind: 'pi', target: 't', data: 'd' },
      { kind: 'entityref', name: 'amp' },
      { kind: 'text', text: '' },
      element('b'),
    ];
    const hex = hexOf([element('a', {}, content)]);
    expect(hex).toContain(`4501${u16(1)}${utf16('x')}48${u16(0x41)}07${u16(1)}${utf16('y')}0a`);
    expect(hex).toContain(`0b${u16(1)}${utf16('d')}49`);
    expect(hex).toContain(`0501${u16(0)}01`);
  });

  test('text of more units than a token counts goes on in a next token, cut between characters', () => {
    const text = `${'a'.repeat(65_534)}\u{1f600}${'b'.repeat(70_000)}`;
    const xml = writer(400_000);
    xml.document([element('a', {}, [text])]);
    const [root] = readBack(xml);
    const pieces = root?.kind === 'element' ? root.content.map((node) => (node.kind === 'text' ? node.text : '?')) : [];
    expect(pieces.map((piece) => piece.length)).toEqual([65_534, 65_535, 4467]);
    expect(pieces.join('')).toBe(text);
    const bits = Buffer.from(xml.bytes).toString('hex');
    expect(bits).toContain(`4501${u16(65_534)}`);
    expect(bits).toContain(`4501${u16(65_535)}`);
    expect(bits).toContain(`0501${u16(4467)}`);
  });

  test('a definition’s elements have dependency ids, literal ones and those in nested values have none', () => {
    const inner = element('n', {}, ['t']);
    const template = defineTemplate(element('a', {}, [optional(0, ValueType.BinXml), element('b')]));
    const hex = hexOf([instance(template, [value.fragment([inner])])]);
    expect(hex).toContain(`0f01010001${u16(0)}`);
    expect(hex).toContain(`0e${u16(0)}2101ffff`);
    // Value count 1, a nested value of 30 bytes: its element goes on with its size at once.
    expect(hex).toContain('010000001e0021000118000000');
  });
});

describe('names', () => {
  test('a name is stored once and referred to afterwards', () => {
    const xml = writer();
    xml.document([element('abc', {}, [element('abc'), element('abc')])]);
    const hex = Buffer.from(xml.bytes).toString('hex');
    expect(hex.split(utf16('abc')).length - 1).toBe(1);
    expect(hex.split(u32(START + 13)).length - 1).toBe(3);
    expect(xml.stringTable[nameHash('abc') % 64]).toBe(START + 13);
  });

  test('names of one bucket are chained, the newest first', () => {
    // With 64 buckets, names whose hashes agree modulo 64 collide: single letters 64 apart do.
    const [first, second] = ['\u0100', '\u0140'];
    const xml = writer();
    xml.document([element(first, {}, [element(second)])]);
    const bucket = nameHash(first) % 64;
    expect(nameHash(second) % 64).toBe(bucket);
    const newest = xml.stringTable[bucket]!;
    expect(newest).toBeGreaterThan(START + 13);
    expect(Buffer.from(xml.bytes.subarray(newest, newest + 4)).toString('hex')).toBe(u32(START + 13));
  });

  test.each([1, 255, 1000])('a name of %i units comes back', (units) => {
    const name = 'n'.repeat(units);
    const xml = writer();
    xml.document([element(name)]);
    expect(readBack(xml)).toMatchObject([{ kind: 'element', name }]);
  });

  test.each(['', 'a b', '<', '1a', 'a\0'])('%j is refused as a name', (name) => {
    expect(() => writer().document([element(name)])).toThrow(/ERROR_EVT_INVALID_EVENT_DATA.*no XML name/);
  });
});

describe('templates', () => {
  const template = defineTemplate(element('a', {}, [substitution(0, ValueType.UInt32)]));

  test('the first use defines the template inline, the second refers to it', () => {
    const xml = writer();
    xml.document([instance(template, [value.uint32(1)])]);
    const second = xml.at;
    xml.document([instance(template, [value.uint32(2)])]);
    const guid = Buffer.from(xml.bytes.subarray(START + 18, START + 34)).toString('hex');
    const header = `0f0101000c01${guid.slice(0, 8)}${u32(START + 14)}`;
    expect(Buffer.from(xml.bytes.subarray(START, START + 14)).toString('hex')).toBe(header);
    const reference = `${header}${u32(1)}${u16(4)}0800${u32(2)}00`;
    expect(Buffer.from(xml.bytes.subarray(second, xml.at)).toString('hex')).toBe(reference);
    expect([...xml.templateTable].filter((offset) => offset !== 0)).toEqual([START + 14]);
  });

  test('equal definitions have equal GUIDs and are defined once; different ones have different GUIDs', () => {
    const twin = defineTemplate(element('a', {}, [substitution(0, ValueType.UInt32)]));
    const other = defineTemplate(element('a', {}, [optional(0, ValueType.UInt32)]));
    expect(twin.guid).toBe(template.guid);
    expect(other.guid).not.toBe(template.guid);
    expect(template.guid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const xml = writer();
    for (const each of [template, twin, other]) xml.document([instance(each, [value.uint32(1)])]);
    expect([...xml.templateTable].filter((offset) => offset !== 0)).toHaveLength(2);
  });

  test('other content under a GUID that the chunk has defined gets the GUID of its content', () => {
    const impostor = defineTemplate(element('b', {}, [substitution(0, ValueType.UInt32)]), template.guid);
    const xml = writer();
    xml.document([instance(template, [value.uint32(1)])]);
    const offsets = [0, 1].map(() => {
      const at = xml.at;
      xml.document([instance(impostor, [value.uint32(2)])]);
      return at;
    });
    for (const offset of offsets) {
      const [node] = readBack(xml, offset) as InstanceNode[];
      expect(node!.template.root).toMatchObject([{ name: 'b' }]);
      expect(node!.template.guid).toBe(definitionGuid(impostor.root));
    }
    expect([...xml.templateTable].filter((offset) => offset !== 0)).toHaveLength(2);
  });

  test('a GUID may be given in any spelling; what is none is refused', () => {
    const spelled = defineTemplate(element('a'), '{54849625-5478-4994-A5BA-3E3B0328C30D}');
    expect(spelled.guid).toBe('54849625-5478-4994-a5ba-3e3b0328c30d');
    expect(() => defineTemplate(element('a'), '54849625')).toThrow(/"54849625" is no GUID/);
  });

  test('fewer values than substitutions are refused, by the builder and by the writer', () => {
    const two = defineTemplate(element('a', { x: substitution(1, ValueType.String) }));
    expect(() => instance(two, [value.none])).toThrow(/1 values for a template with 2 places/);
    const node: InstanceNode = { ...instance(template, [value.uint32(1)]), template: two };
    expect(() => writer().document([node])).toThrow(/has 2 substitutions, 1 values came/);
  });

  test('a substitution outside a template is refused', () => {
    expect(() => writer().document([element('a', {}, [substitution(0, 1)])])).toThrow(/outside a template definition/);
  });
});

describe('values', () => {
  test('bytes of Null values are kept: Windows leaves garbage in them', () => {
    const template = defineTemplate(
      element('a', {}, [optional(0, ValueType.UInt16), element('b', {}, [optional(1, 4)])]),
    );
    const values = {
      bytes: Uint8Array.of(2, 0, 0, 0, 1, 0, 4, 0, 0xde, 0xad, 7),
      count: 2,
      descriptors: 0,
      firstValue: 8,
    };
    const node: InstanceNode = { kind: 'instance', template, values: { ...values, nested: () => [] } };
    expect(hexOf([node])).toMatch(/02000000020000000100040{2}dead0700$/);
  });

  test('a nested value is written in place, between its neighbours, with its size in the chunk at hand', () => {
    const inner = defineTemplate(element('i', {}, [substitution(0, ValueType.String)]));
    const outer = defineTemplate(
      element(
        'o',
        {},
        [0, 1, 2].map((i) => substitution(i, i === 1 ? 0x21 : 0x04)),
      ),
    );
    const node = instance(outer, [
      value.uint8(0xaa),
      value.fragment([instance(inner, [value.string('x')])]),
      value.uint8(0xbb),
    ]);
    const xml = writer();
    xml.document([node]);
    const second = xml.at;
    xml.document([node]);
    const sizes = [START, second].map((at) => {
      const [read] = readBack(xml, at) as InstanceNode[];
      const { bytes, descriptors, firstValue } = read!.values;
      const size = bytes[descriptors + 4]! | (bytes[descriptors + 5]! << 8);
      expect(bytes[firstValue]).toBe(0xaa);
      expect(bytes[firstValue + 1 + size]).toBe(0xbb);
      expect(read!.values.nested(1)).toMatchObject([{ kind: 'instance', template: { guid: inner.guid } }]);
      return size;
    });
    // Header, instance with a reference, one value of one unit, end token; the first also holds the definition.
    expect(sizes[1]).toBe(4 + 10 + 4 + 4 + 2 + 1);
    expect(sizes[0]).toBeGreaterThan(sizes[1]!);
  });

  const inner = defineTemplate(element('i'));
  const outer = defineTemplate(element('o', {}, [substitution(0, ValueType.BinXml)]));

  test.each([
    ['a template instance stands behind a fragment header', [instance(inner, [])], '0f0101000c01'],
    ['literal elements stand without', [element('i')], '01'],
  ])('in a new nested value, %s', (_, nodes, start) => {
    expect(hexOf([instance(outer, [value.fragment(nodes)])])).toMatch(new RegExp(`01000000..002100${start}`));
  });

  test.each([
    ['with', 0x0f, '0f0101000c01'],
    ['without', 0x0c, '0c01'],
  ])('a stored nested value %s fragment header stays so', (_, firstByte, start) => {
    const bytes = Uint8Array.of(1, 0, ValueType.BinXml, 0, firstByte);
    const values = { bytes, count: 1, descriptors: 0, firstValue: 4, nested: () => [instance(inner, [])] };
    expect(hexOf([{ kind: 'instance', template: outer, values }])).toMatch(new RegExp(`01000000..002100${start}`));
  });

  test('a nested value that grows past 65,535 bytes is refused', () => {
    const inner = defineTemplate(element('i', {}, [substitution(0, 0x0e), substitution(1, 0x0e)]));
    const outer = defineTemplate(element('o', {}, [substitution(0, 0x21)]));
    const large = value.binary(new Uint8Array(40_000));
    const node = instance(outer, [value.fragment([instance(inner, [large, large])])]);
    expect(() => writer(200_000).document([node])).toThrow(/it can have 65535/);
  });
});

describe('limits and rolling back', () => {
  test('elements 64 deep are written, 65 deep are refused', () => {
    const nest = (depth: number): ContentNode => element('e', {}, depth > 1 ? [nest(depth - 1)] : []);
    expect(() => writer().document([nest(64)])).not.toThrow();
    expect(() => writer().document([nest(65)])).toThrow(/more than 64 deep/);
  });

  test('values that are nested without end are refused', () => {
    const template = defineTemplate(element('a', {}, [substitution(0, 0x21)]));
    const endless: InstanceNode = {
      kind: 'instance',
      template,
      values: { bytes: Uint8Array.of(0, 0, 0x21, 0), count: 1, descriptors: 0, firstValue: 4, nested: () => [endless] },
    };
    expect(() => writer(60_000).document([endless])).toThrow(/nested more than 8 deep/);
  });

  test('a document that reaches the end of the buffer, at whatever byte, leaves no trace after rolling back', () => {
    const template = defineTemplate(element('Ā', { x: [substitution(0, 1)] }, ['t', element('ŀ')]));
    const first = [element('Āŀ', { y: 'z' })];
    const second = [instance(template, [value.string('some text that is longer than a short copy is')])];
    const whole = writer();
    whole.document(first);
    const mark = whole.at;
    whole.document(second);
    for (let size = mark; size < whole.at; size++) {
      const xml = writer(size);
      xml.document(first);
      const before = { bytes: xml.bytes.slice(), strings: xml.stringTable.slice() };
      xml.mark();
      expect(() => xml.document(second)).toThrow(BufferFull);
      xml.rollBack(mark);
      expect(xml.at).toBe(mark);
      expect(Buffer.compare(xml.bytes, before.bytes)).toBe(0);
      expect(xml.stringTable).toEqual(before.strings);
      expect(xml.templateTable.every((offset) => offset === 0)).toBe(true);
    }
  });

  test('after rolling back, the same document is written as if nothing had been', () => {
    const template = defineTemplate(element('a', { x: [substitution(0, 4)] }));
    const plain = writer();
    plain.document([instance(template, [value.uint8(1)])]);
    const xml = writer();
    xml.mark();
    xml.document([instance(template, [value.uint8(1)]), element('other')]);
    xml.rollBack(START);
    xml.document([instance(template, [value.uint8(1)])]);
    expect(Buffer.compare(xml.bytes, plain.bytes)).toBe(0);
    expect(xml.stringTable).toEqual(plain.stringTable);
  });

  test('a GUID whose definition was rolled back is free for other content', () => {
    const guid = '54849625-5478-4994-a5ba-3e3b0328c30d';
    const xml = writer();
    xml.mark();
    xml.document([instance(defineTemplate(element('a'), guid), [])]);
    xml.rollBack(START);
    xml.document([instance(defineTemplate(element('b'), guid), [])]);
    expect(readBack(xml)).toMatchObject([{ template: { guid, root: [{ name: 'b' }] } }]);
  });
});
