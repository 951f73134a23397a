import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { defineTemplate, element, instance, optional, substitution } from '../../src/binxml/template-builder.ts';
import { Token } from '../../src/binxml/token.ts';
import type { ContentNode, Fragment } from '../../src/binxml/tree.ts';
import { type TypedValue, value } from '../../src/binxml/typed-value.ts';
import { ARRAY, ValueType } from '../../src/binxml/value-type.ts';
import { WIN32 } from '../../src/errors/win32.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { HEADER_BLOCK_SIZE, RecordOffset } from '../../src/evtx/layout.ts';
import { chunksOf, MemoryLog } from '../evtx/memory-log.ts';
import { sampleEvent, timeOf } from '../evtx/sample-events.ts';
import { temporaryFolder } from '../log-files.ts';
import { changed, errorsOf, type Reading, readBytes } from './reading.ts';

const folder = temporaryFolder();
/** The event that is tampered with. The samples in front define all that those behind it need. */
const VICTIM = 4n;
const EVENTS = 6;

interface Log {
  readonly bytes: Uint8Array;
  /** File offset of the victim's fragment header. */
  readonly start: number;
  /** File offset behind the victim's record. */
  readonly end: number;
}

function logWith(victim: Fragment): Log {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  for (let id = 1n; id <= EVENTS; id++) writer.add(id === VICTIM ? victim : sampleEvent(id), timeOf(id));
  writer.finish();
  const bytes = log.bytes();
  const [chunk] = chunksOf(bytes);
  const { chunkOffset, sizeBytes } = chunk!.walk()[Number(VICTIM) - 1]!;
  const record = HEADER_BLOCK_SIZE + chunkOffset;
  return { bytes, start: record + RecordOffset.binXml, end: record + sizeBytes };
}

// Where things are in a literal <Victim>, from its fragment header: 0f 01 01 00, then the element.
const Literal = { open: 4, size: 5, name: 9, nameUnits: 19, nameText: 21, close: 35 } as const;
// And in a <Victim> that is a template with one substitution in it.
const Instance = {
  id: 6,
  definition: 10,
  guid: 18,
  definitionSize: 34,
  open: 42,
  dependency: 43,
  size: 45,
  close: 75,
  substitution: 76,
  index: 77,
  end: 81,
  count: 82,
  valueSize: 86,
  valueType: 88,
  value: 90,
} as const;

const literal = (content: readonly (ContentNode | string)[] = ['text']) => logWith([element('Victim', {}, content)]);
const templated = (one: TypedValue, slot: ContentNode = substitution(0, one.type)) =>
  logWith([instance(defineTemplate(element('Victim', {}, [slot])), [one])]);
const read = (bytes: Uint8Array) => readBytes(folder, bytes);
const victimOf = ({ xml }: Reading) => xml.filter((one) => !one.startsWith('<Event '));

function tampered(log: Log, change: (view: DataView, start: number, all: Uint8Array) => void): Reading {
  return read(changed(log.bytes, (all, view) => change(view, log.start, all)));
}

/** The victim's damage is told with slot, place and id; all other events are there. */
function expectRefused(reading: Reading, log: Log, what: RegExp): void {
  expect(reading.code).toBe(0);
  expect(reading.refused).toEqual([]);
  expect(reading.xml.length).toBe(EVENTS - 1);
  expect(victimOf(reading)).toEqual([]);
  const damage = errorsOf(reading);
  expect(damage).toMatchObject([{ slot: 0, recordId: VICTIM }]);
  expect(damage[0]!.what).toMatch(what);
  expect(damage[0]!.fileOffset).toBeGreaterThanOrEqual(log.start - RecordOffset.binXml);
  expect(damage[0]!.fileOffset).toBeLessThan(log.end);
}

/** The victim is read, as well-formed XML, and so are all others. */
function expectRead(reading: Reading, victim: string | RegExp): void {
  expect(reading.code).toBe(0);
  expect(reading.refused).toEqual([]);
  expect(reading.xml.length).toBe(EVENTS);
  expect(errorsOf(reading)).toEqual([]);
  const [xml] = victimOf(reading);
  if (typeof victim === 'string') expect(xml).toBe(victim);
  else expect(xml).toMatch(victim);
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(`<Events>${xml}</Events>`).close();
}

test('the victims these tests change are read without any damage', () => {
  for (const log of [literal(), templated(value.string('text'))]) {
    const reading = read(log.bytes);
    expectRead(reading, '<Victim>text</Victim>');
    expect(reading.damage).toEqual([]);
  }
});

describe('names', () => {
  const log = literal();
  const chunkOffsetOf = (fileOffset: number) => fileOffset - HEADER_BLOCK_SIZE;

  test.each<[string, (here: number) => number]>([
    ['behind its own place', (here) => here + 64],
    ['past the chunk', () => 0x1_0000],
    ['at the end of 32 bits', () => 0xffff_ffff],
    ['just past its own entry', (here) => here + 5],
  ])('a name offset %s is refused', (_, offset) => {
    const reading = tampered(log, (view, start) => {
      view.setUint32(start + Literal.name, offset(chunkOffsetOf(start + Literal.name)), true);
    });
    expectRefused(reading, log, /element name refers forward/);
  });

  test.each<[string, (here: number) => number]>([
    ['inside the chunk header', () => 2],
    ['inside its own record', (here) => here - 9],
  ])('a name offset %s gives garbage, and the output stays well formed', (_, offset) => {
    const reading = tampered(log, (view, start) => {
      const at = start + Literal.name;
      view.setUint32(at, offset(chunkOffsetOf(at)), true);
      // The name is no longer inline: the start tag closes at once.
      view.setUint8(at + 4, Token.CloseEmptyElement);
      view.setUint8(at + 5, Token.EndOfFragment);
    });
    expect(reading.code).toBe(0);
    expect(reading.xml.length + errorsOf(reading).length).toBe(EVENTS);
  });

  test.each([0xffff, 0x7fff])('a name of %i units is refused', (units) => {
    const reading = tampered(log, (view, start) => view.setUint16(start + Literal.nameUnits, units, true));
    expectRefused(reading, log, /element name needs \d+ bytes/);
  });

  test('a chain of names that runs in a circle is not followed', () => {
    const reading = tampered(log, (view, start) => {
      view.setUint32(start + Literal.name + 4, chunkOffsetOf(start + Literal.name + 4), true);
    });
    expectRead(reading, '<Victim>text</Victim>');
  });

  test.each([' a b', '<evil>', "x='1'", '\0\0\0', '\ud800x', '1st', ']]>', '\u00b5m', 'x\u00aa', '\ufffe'])(
    'the element name %j is encoded',
    (name) => {
      const reading = tampered(log, (view, start) => {
        const text = name.padEnd(6, '.');
        for (let i = 0; i < 6; i++) view.setUint16(start + Literal.nameText + 2 * i, text.charCodeAt(i), true);
      });
      expectRead(reading, /_x[0-9A-F]{4}_/);
    },
  );

  test('an empty element name is refused', () => {
    const reading = tampered(log, (view, start) => view.setUint16(start + Literal.nameUnits, 0, true));
    expectRefused(reading, log, /element name is empty/);
  });
});

describe('templates', () => {
  const log = templated(value.string('text'));

  test.each<[string, number, RegExp]>([
    ['at 0', 0, /template definition/],
    ['forward', 0xf000, /template definition refers forward/],
    ['past the chunk', 0x1_0000, /template definition refers forward/],
    ['at the end of 32 bits', 0xffff_ffff, /template definition refers forward/],
  ])('a definition offset %s is refused', (_, offset, what) => {
    expectRefused(
      tampered(log, (view, start) => view.setUint32(start + Instance.definition, offset, true)),
      log,
      what,
    );
  });

  test.each([0, 0xffff, 0xffff_ffff])('a definition of %i bytes is refused', (size) => {
    const reading = tampered(log, (view, start) => view.setUint32(start + Instance.definitionSize, size, true));
    expectRefused(reading, log, new RegExp(`template definition of ${size} bytes`));
  });

  test('a definition under another id than its use is refused', () => {
    const reading = tampered(log, (view, start) => view.setUint32(start + Instance.id, 0x12345678, true));
    expectRefused(reading, log, /another id/);
  });

  test('a definition that holds its own instance is refused, not followed', () => {
    const reading = tampered(log, (view, start) => {
      // An instance of the definition that is being read, in place of the element in it.
      const guid = view.getUint32(start + Instance.guid, true);
      view.setUint8(start + Instance.open, Token.TemplateInstance);
      view.setUint8(start + Instance.open + 1, 1);
      view.setUint32(start + Instance.open + 2, guid, true);
      view.setUint32(start + Instance.open + 6, start + Instance.definition + 4 - HEADER_BLOCK_SIZE, true);
    });
    expectRefused(reading, log, /contains itself/);
  });

  test('a definition that ends before its last token is read to its size', () => {
    const reading = tampered(log, (view, start) => {
      view.setUint8(start + Instance.end - 1, Token.EndOfFragment);
    });
    expectRead(reading, '<Victim>text</Victim>');
  });

  test.each([5000, 20_000, 0xffff_ffff])('a count of %i values is refused before they are looked at', (count) => {
    const reading = tampered(log, (view, start) => view.setUint32(start + Instance.count, count, true));
    expectRefused(reading, log, new RegExp(`${count} values do not fit`));
  });

  test('values larger than what is left are refused', () => {
    const reading = tampered(log, (view, start) => view.setUint16(start + Instance.valueSize, 0xffff, true));
    expectRefused(reading, log, /values of 65535 bytes/);
  });

  test('a substitution without a value is refused', () => {
    const none = tampered(log, (view, start) => view.setUint32(start + Instance.count, 0, true));
    expectRefused(none, log, /substitution 0 has no value: the instance has 0/);
    const high = tampered(log, (view, start) => view.setUint16(start + Instance.index, 9, true));
    expectRefused(high, log, /substitution 9 has no value: the instance has 1/);
  });

  test('a dependency on a value that does not exist counts as none', () => {
    const reading = tampered(log, (view, start) => view.setUint16(start + Instance.dependency, 7, true));
    expectRead(reading, '<Victim>text</Victim>');
  });

  test('an event that its Null values leave nothing of is refused', () => {
    const gone = templated(value.none, optional(0, ValueType.String));
    expectRefused(read(gone.bytes), gone, /holds no event/);
  });
});

describe('tokens', () => {
  const log = literal();

  test.each([0x10, 0x1f, 0x20, 0x4d, 0x4e, 0x81, 0xff])('token %i in content is refused', (token) => {
    const reading = tampered(log, (view, start) => view.setUint8(start + Literal.close + 1, token));
    expectRefused(reading, log, /is not known here/);
  });

  test.each([Token.Substitution, Token.OptionalSubstitution])('token %i outside a definition is refused', (token) => {
    const reading = tampered(log, (view, start) => view.setUint8(start + Literal.close + 1, token));
    expectRefused(reading, log, /outside a template definition/);
  });

  test('an element that promises attributes and has none, and one with attributes it did not promise', () => {
    const promised = tampered(log, (view, start) => view.setUint8(start + Literal.open, Token.OpenStartElement | 0x40));
    expectRefused(promised, log, /attribute list of \d+ bytes/);
    const unpromised = tampered(log, (view, start) => view.setUint8(start + Literal.close, Token.Attribute));
    expectRefused(unpromised, log, /where the start tag of "Victim" must close/);
  });

  test('text of another type than a string, and text past its record', () => {
    const type = tampered(log, (view, start) => view.setUint8(start + Literal.close + 2, 8));
    expectRefused(type, log, /text has type 8/);
    const long = tampered(log, (view, start) => view.setUint16(start + Literal.close + 3, 0x7fff, true));
    expectRefused(long, log, /text needs 65534 bytes/);
  });

  test.each([0, 3, 0xffff, 0xffff_ffff])('an element that claims %i bytes is read by its tokens', (size) => {
    const reading = tampered(log, (view, start) => view.setUint32(start + Literal.size, size, true));
    expectRead(reading, '<Victim>text</Victim>');
  });

  test.each([0, 3, 5, 0xffff_ffff])('an attribute list of %i bytes is refused', (size) => {
    const attributes = logWith([element('Victim', { at: 'x' }, [])]);
    const reading = tampered(attributes, (view, start) => view.setUint32(start + Literal.close, size, true));
    expectRefused(reading, attributes, /attribute/);
  });

  test('elements that nobody closes are closed', () => {
    const nested = literal([element('Inner', {}, ['text'])]);
    const reading = tampered(nested, (_view, start, all) => {
      // Both end tokens and the end of the fragment.
      const end = all.lastIndexOf(Token.EndElement, nested.end - 5);
      expect(end).toBeGreaterThan(start);
      all.fill(Token.EndOfFragment, end - 1, end + 1);
    });
    expectRead(reading, '<Victim><Inner>text</Inner></Victim>');
  });

  test('one end too many is refused', () => {
    const reading = tampered(log, (view, start) => {
      view.setUint8(start + Literal.close + 1, Token.EndElement);
      view.setUint8(start + Literal.close + 2, Token.EndElement);
    });
    expectRefused(reading, log, /is not known here/);
  });

  test('two events in one record are both given', () => {
    const two = logWith([element('Victim', {}, ['1']), element('Victim', {}, ['2'])]);
    expectRead(read(two.bytes), '<Victim>1</Victim><Victim>2</Victim>');
  });

  test('elements nested deeper than 64 are refused', () => {
    let deep = element('E', {}, ['x'.repeat(8 * 80)]);
    for (let i = 1; i < 60; i++) deep = element('E', {}, [deep]);
    const nested = logWith([deep]);
    const reading = tampered(nested, (view, start, all) => {
      // Its text becomes eighty more start tags of the same name.
      const name = view.getUint32(start + Literal.name, true);
      const text = Buffer.from(all.buffer).indexOf(Buffer.from('xxxx', 'utf16le'), start) - 4;
      for (let i = 0; i < 80; i++) {
        const at = text + 10 * i;
        view.setUint8(at, Token.OpenStartElement);
        view.setUint32(at + 5, name, true);
        view.setUint8(at + 9, Token.CloseStartElement);
      }
    });
    expectRefused(reading, nested, /nested more than 64 deep/);
  });

  test.each<[string, ContentNode, string]>([
    ['a reference to U+0000', { kind: 'charref', code: 0 }, '\ufffd'],
    ['a reference to half a pair', { kind: 'charref', code: 0xd800 }, '\ufffd'],
    ['a reference to U+FFFF', { kind: 'charref', code: 0xffff }, '\ufffd'],
    ['text with what XML forbids', { kind: 'text', text: 'a\0\u0003\ud800b' }, 'a\ufffd\ufffd\ufffdb'],
    ['CDATA with its own end', { kind: 'cdata', text: 'a]]>b' }, '<![CDATA[a]]]]><![CDATA[>b]]>'],
    ['CDATA with what XML forbids', { kind: 'cdata', text: 'a\u0003b' }, '<![CDATA[a\ufffdb]]>'],
    ['an instruction with its own end', { kind: 'pi', target: 'go', data: 'a?>b' }, '<?go a? >b?>'],
    ['an instruction with what XML forbids', { kind: 'pi', target: 'go', data: 'a\u0003b' }, '<?go a\ufffdb?>'],
    ['an instruction named xml', { kind: 'pi', target: 'xml', data: 'a' }, '<?_xml a?>'],
    ['an entity that XML does not define', { kind: 'entityref', name: 'nbsp' }, '&amp;nbsp;'],
    ['an entity that XML defines', { kind: 'entityref', name: 'gt' }, '&gt;'],
  ])('%s leaves the output well formed', (_, node, text) => {
    expectRead(read(literal([node]).bytes), `<Victim>${text}</Victim>`);
  });

  test('an attribute that stands twice is refused: no XML can say it', () => {
    const twice: Fragment = [
      {
        ...element('Victim'),
        attributes: ['1', '2'].map((text) => ({ name: 'at', value: [{ kind: 'text', text }] })),
      },
    ];
    const attributes = logWith(twice);
    expectRefused(read(attributes.bytes), attributes, /attribute "at" stands twice/);
  });
});

describe('values', () => {
  /** The event with a string of `bytes` as its value, whose type and size are then set. */
  const typed = (bytes: Uint8Array, type: number, size = bytes.length): Reading =>
    tampered(templated(value.binary(bytes)), (view, start) => {
      view.setUint8(start + Instance.valueType, type);
      view.setUint16(start + Instance.valueSize, size, true);
    });
  const filled = (size: number, byte: number) => new Uint8Array(size).fill(byte);

  test.each([0x16, 0x1f, 0x22, 0x24, 0x7f, 0xa1])('a value of the unknown type %i is shown as hex', (type) => {
    expectRead(typed(Uint8Array.of(1, 0xab), type), '<Victim>01AB</Victim>');
  });

  test.each([
    ValueType.Int16,
    ValueType.UInt32,
    ValueType.Int64,
    ValueType.Real64,
    ValueType.Bool,
    ValueType.Guid,
    ValueType.SizeT,
    ValueType.FileTime,
    ValueType.SysTime,
    ValueType.Sid,
    ValueType.HexInt64,
  ])('a value of type %i with one byte is shown as hex', (type) => {
    expectRead(typed(Uint8Array.of(0xab), type), '<Victim>AB</Victim>');
  });

  test('a SID that counts more parts than it has bytes is shown as hex', () => {
    const sid = Uint8Array.of(1, 255, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0);
    expectRead(typed(sid, ValueType.Sid), '<Victim>01FF00000000000512000000</Victim>');
  });

  test.each([0, 0x7f, 0x80, 0xff])('times whose bytes are all %i are shown as something', (byte) => {
    expectRead(typed(filled(8, byte), ValueType.FileTime), /^<Victim>[^<]+<\/Victim>$/);
    expectRead(typed(filled(16, byte), ValueType.SysTime), /^<Victim>[^<]+<\/Victim>$/);
  });

  test.each<[number, string]>([
    [Number.NaN, '-1.#IND'],
    [Number.POSITIVE_INFINITY, '1.#INF'],
    [Number.NEGATIVE_INFINITY, '-1.#INF'],
  ])('the real number %d', (number, text) => {
    expectRead(read(templated(value.real64(number)).bytes), `<Victim>${text}</Victim>`);
  });

  test('the smallest real number is shown as something', () => {
    expectRead(read(templated(value.real64(5e-324)).bytes), /^<Victim>0\.0+[1-9]\d*<\/Victim>$/);
  });

  test('bytes that a code page does not have are shown all the same', () => {
    expectRead(typed(Uint8Array.of(0x41, 0x81, 0xff), ValueType.AnsiString), /^<Victim>A..<\/Victim>$/);
  });

  test.each([ValueType.Int8, ValueType.UInt16, ValueType.String, ValueType.AnsiString, ValueType.Sid])(
    'an array of type %i and size 0 is one empty element',
    (type) => {
      expectRead(typed(new Uint8Array(0), ARRAY | type), '<Victim></Victim>');
    },
  );

  test('an array whose size is no multiple of its items drops the rest', () => {
    const bytes = Uint8Array.of(1, 0, 2, 0, 3);
    expectRead(typed(bytes, ARRAY | ValueType.UInt16), '<Victim>1</Victim><Victim>2</Victim>');
  });

  test.each([0x00, 0x01, 0x0e, 0x20, 0x21, 0xff])('an array of type %i made of any bytes ends', (type) => {
    for (const byte of [0, 1, 0xff]) expect(typed(filled(60, byte), ARRAY | type).code).toBe(0);
  });

  test('an array of sixty thousand items in one element is repeated without counting it anew for each', () => {
    const reading = typed(filled(60_000, 7), ARRAY | ValueType.UInt8);
    expectRead(reading, /^(?:<Victim>7<\/Victim>){60000}$/);
  });

  test('an event that would fill the memory is refused with 15005, and the others are read', () => {
    const text = value.string('x'.repeat(25_000));
    const slots = Array.from({ length: 1200 }, () => substitution(0, ValueType.String));
    const log = logWith([instance(defineTemplate(element('Victim', {}, slots)), [text])]);
    const reading = read(log.bytes);
    expect(reading.code).toBe(0);
    expect(reading.refused).toEqual([WIN32.ERROR_EVT_INVALID_EVENT_DATA]);
    expect(reading.xml.length).toBe(EVENTS - 1);
  });
});

describe('nested values', () => {
  const nested = (content: Fragment) => templated(value.fragment(content));

  test.each([[[]], [[element('Inner')]]])('an empty nested value, and one that is an element', (content) => {
    expectRead(read(nested(content).bytes), content.length === 0 ? '<Victim></Victim>' : /<Inner><\/Inner>/);
  });

  test('definitions that use each other two hundred times on each of six levels end in a refusal', () => {
    const guid = (level: number) => `${level}0000000-0000-0000-0000-000000000000`;
    let wide = defineTemplate([], guid(1));
    for (let level = 2; level < 8; level++) {
      wide = defineTemplate(Array<ContentNode>(200).fill(instance(wide, [])), guid(level));
    }
    const log = logWith([element('Victim', {}, [instance(wide, [])])]);
    for (const query of [undefined, "*[EventData[Data='x']]", '*[System[EventID=1]]']) {
      const reading = readBytes(folder, log.bytes, { query });
      expect(reading.code).toBe(0);
      expect(victimOf(reading)).toEqual([]);
    }
  });

  test('a nested value in an attribute is refused', () => {
    const definition = defineTemplate(element('Victim', { at: substitution(0, ValueType.BinXml) }));
    const log = logWith([instance(definition, [value.fragment([element('Inner')])])]);
    const reading = read(log.bytes);
    expect(victimOf(reading)).toEqual([]);
    expect(reading.xml.length).toBe(EVENTS - 1);
  });

  test('values nested in each other deeper than eight are refused', () => {
    const wrap = defineTemplate(element('Wrap', {}, [substitution(0, ValueType.BinXml)]));
    let inner: Fragment = [element('Inner', {}, ['text'])];
    for (let i = 0; i < 3; i++) inner = [instance(wrap, [value.fragment(inner)])];
    expectRead(
      read(nested(inner).bytes),
      '<Victim><Wrap><Wrap><Wrap><Inner>text</Inner></Wrap></Wrap></Wrap></Victim>',
    );
    // Binary XML by hand: instances of one definition, each with the next one as its value.
    const log = nested([instance(wrap, [value.fragment([element('Inner', {}, ['x'.repeat(400)])])])]);
    const reading = tampered(log, (view, start, all) => {
      const text = Buffer.from(all.buffer).indexOf(Buffer.from('xxxx', 'utf16le'), start) - 4;
      const outer = all.lastIndexOf(Token.TemplateInstance, text);
      const definition = view.getUint32(start + Instance.definition, true);
      const id = view.getUint32(start + Instance.id, true);
      expect(outer).toBeGreaterThan(start);
      all.fill(0, text, text + 4 + 800);
      const LEVELS = 20;
      const LEVEL = 18;
      for (let i = 0; i < LEVELS; i++) {
        const at = text + LEVEL * i;
        view.setUint8(at, Token.TemplateInstance);
        view.setUint8(at + 1, 1);
        view.setUint32(at + 2, id, true);
        view.setUint32(at + 6, definition, true);
        view.setUint32(at + 10, 1, true);
        view.setUint16(at + 14, LEVEL * (LEVELS - 1 - i), true);
        view.setUint16(at + 16, ValueType.BinXml, true);
      }
      all[text + LEVEL * LEVELS] = Token.EndElement;
    });
    expectRefused(reading, log, /nested more than 8 deep/);
  });

  test('a nested value with damage in it is refused with its place', () => {
    const log = nested([element('Inner', {}, ['text'])]);
    const reading = tampered(log, (_view, start, all) => {
      const text = Buffer.from(all.buffer).indexOf(Buffer.from('text', 'utf16le'), start) - 4;
      all[text] = 0x1f;
    });
    expectRefused(reading, log, /token 0x1f is not known here/);
  });
});
