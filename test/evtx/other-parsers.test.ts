import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SaxesParser } from 'saxes';
import { afterAll, describe, expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { element, eventDataTemplate, instance } from '../../src/binxml/template-builder.ts';
import { type TypedValue, value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { generateDemoLog } from '../../src/demo/demo-log.ts';
import { EventBuilder } from '../../src/evtx/event-builder.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { renderXml } from '../../src/render/xml.ts';
import { chunksOf, MemoryLog } from './memory-log.ts';

/** Programs of others that read logs, where they are installed. */
interface Parser {
  readonly name: string;
  /** Command and arguments that print a log as XML. */
  readonly command: readonly string[];
  readonly installed: boolean;
  /** One text of the output, brought to a common form. */
  readonly plain: (text: string) => string;
  /** A string array, which one of them prints as text. */
  readonly items: (text: string) => readonly string[];
  readonly binary: (text: string) => string;
  /** Events of the demonstration log that it is given: one of them reads 80 events a second. */
  readonly events: number;
  /** A string array with empty strings makes it lose its place in the array. */
  readonly stumblesOnEmptyItems: boolean;
}

function installed(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { encoding: 'utf8' }).status === 0;
}

const hexToDecimal = (text: string) => (/^0x[0-9a-f]+$/i.test(text) ? String(BigInt(text)) : text);
const plainNumber = (text: string) => (/^-?\d+(\.\d+)?(e[+-]\d+)?$/i.test(text) ? String(Number(text)) : text);

/** libevtx: pads hexadecimal numbers and times with zeros, writes GUIDs in upper case and reals with exponents. */
const EVTXEXPORT: Parser = {
  name: 'evtxexport (libevtx)',
  command: ['evtxexport', '-f', 'xml'],
  installed: installed('evtxexport', '-V'),
  plain: (text) => {
    const time = text.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d*?)0+Z$/, '$1Z');
    return plainNumber(hexToDecimal(time)).toLowerCase();
  },
  items: (text) => [text],
  binary: (text) => text.toUpperCase(),
  events: 1500,
  stumblesOnEmptyItems: false,
};

/** python-evtx: keeps absent attributes and elements as empty ones, cuts times to microseconds, encodes binary as base64. */
const PYTHON_EVTX: Parser = {
  name: 'evtx_dump.py (python-evtx)',
  command: ['evtx_dump.py'],
  installed: installed('evtx_dump.py', '--help'),
  plain: (text) => {
    const time = text.replace(/^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?Z?$/, '$1 $2');
    return plainNumber(hexToDecimal(time)).toLowerCase();
  },
  items: (text) => {
    const items = [...text.matchAll(/<string>([\s\S]*?)<\/string>/g)].map((match) => match[1]!);
    return items.length === 0 ? [text] : items;
  },
  binary: (text) => Buffer.from(text, 'base64').toString('hex').toUpperCase(),
  events: 400,
  stumblesOnEmptyItems: true,
};

/** The attributes and texts of an event as `path=value` lines in document order, without empty ones. */
function facts(xml: string, parser?: Parser): string[] {
  const lines: string[] = [];
  const path: string[] = [];
  let text = '';
  const plain = (parser ?? EVTXEXPORT).plain;
  const sax = new SaxesParser();
  sax.on('opentag', ({ name, attributes }) => {
    path.push(name);
    text = '';
    for (const [key, each] of Object.entries(attributes)) lines.push(`${path.join('/')}@${key}=${String(each)}`);
  });
  sax.on('text', (part) => {
    text += part;
  });
  sax.on('closetag', () => {
    const where = path.join('/');
    const own = parser !== undefined && path.at(-1) === 'Binary' ? parser.binary(text) : text;
    for (const item of parser?.items(own) ?? [own]) lines.push(`${where}=${item}`);
    path.pop();
    text = '';
  });
  sax.write(xml).close();
  const cut = (line: string) => line.indexOf('=') + 1;
  return lines
    .filter((line) => line.slice(cut(line)).trim() !== '')
    .map((line) => `${line.slice(0, cut(line))}${plain(line.slice(cut(line)))}`);
}

const folder = mkdtempSync(join(tmpdir(), 'winevt-parsers-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The events that a parser prints for a log, and whatever it complains about. */
function readWith(parser: Parser, log: Uint8Array): { events: string[]; complaint: string } {
  const file = join(folder, 'written.evtx');
  writeFileSync(file, log);
  const [command, ...args] = parser.command;
  const { stdout, stderr, status } = spawnSync(command!, [...args, file], {
    encoding: 'utf8',
    maxBuffer: 2 ** 29,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8', LC_ALL: 'C.UTF-8' },
  });
  return {
    events: stdout.match(/<Event xmlns[\s\S]*?<\/Event>/g) ?? [],
    complaint: status === 0 ? stderr : `${status} ${stderr}`,
  };
}

function ownXml(log: Uint8Array): string[] {
  return chunksOf(log).flatMap((chunk) => {
    return [...chunk.liveRecords()].map((at) => renderXml(resolveDocument(chunk.document(at))));
  });
}

function demoLog(events: number): Uint8Array {
  const log = new MemoryLog();
  generateDemoLog(log, { events });
  return log.bytes();
}

/** A value of each type that both parsers know; signed ones positive, because libevtx misreads negative numbers. */
const VALUES: Readonly<Record<string, TypedValue>> = {
  String: value.string('a<b>&"\'é €'),
  EmptyString: value.string(''),
  AnsiString: value.ansi(Uint8Array.of(0x41, 0x42)),
  Int8: value.int8(100),
  UInt8: value.uint8(250),
  Int16: value.int16(30_000),
  UInt16: value.uint16(60_000),
  Int32: value.int32(2_000_000_000),
  UInt32: value.uint32(4_000_000_000),
  Int64: value.int64(2n ** 52n),
  UInt64: value.uint64(2n ** 53n),
  Real32: value.real32(1.5),
  Real64: value.real64(3199.234),
  True: value.bool(true),
  False: value.bool(false),
  Guid: value.guid('54849625-5478-4994-a5ba-3e3b0328c30d'),
  SizeT: value.sizeT(0x1234n, 64),
  SizeT32: value.sizeT(0x12n, 32),
  FileTime: value.fileTime(133_000_000_000_000_000n),
  SystemTime: value.systemTime({
    year: 2024,
    month: 2,
    weekday: 4,
    day: 29,
    hour: 1,
    minute: 2,
    second: 3,
    millisecond: 4,
  }),
  Sid: value.sid('S-1-5-21-1-2-3-4-5-6-7-8-9-10-11'),
  HexInt32: value.hexInt32(0xdead),
  HexInt64: value.hexInt64(0xdead_beef_cafen),
};

function typesLog(extra: Readonly<Record<string, TypedValue>> = {}): Uint8Array {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  const builder = new EventBuilder();
  const all = { ...VALUES, ...extra };
  const fields = Object.entries(all).map(([name, { type }]) => ({ name, type }));
  const template = eventDataTemplate(fields);
  const timeCreated = 133_000_000_000_000_000n;
  for (const [i, name] of ['one', 'two'].entries()) {
    const system = {
      provider: { name },
      eventId: 1,
      timeCreated,
      eventRecordId: BigInt(i + 1),
      channel: 'C',
      computer: 'c',
    };
    writer.add(builder.manifest(system, { eventData: instance(template, Object.values(all)) }), timeCreated);
  }
  writer.finish();
  return log.bytes();
}

describe.each([EVTXEXPORT, PYTHON_EVTX])('$name', (parser) => {
  test.skipIf(!parser.installed)(
    `reads a demonstration log without complaint and finds the same values${parser.installed ? '' : ' (skipped: not installed)'}`,
    () => {
      const log = demoLog(parser.events);
      const own = ownXml(log);
      const { events, complaint } = readWith(parser, log);
      expect(complaint).toBe('');
      expect(events).toHaveLength(parser.events);
      // Both sides in the parser's own common form: its cutting of times, for example, applies to ours, too.
      const asParser: Parser = { ...parser, items: (text) => [text], binary: (text) => text };
      for (const [i, xml] of events.entries()) {
        const skipsArray = parser.stumblesOnEmptyItems && own[i]!.includes('<Data></Data>');
        const kept = (line: string) => !(skipsArray && line.startsWith('Event/EventData/Data='));
        expect(facts(xml, parser).filter(kept)).toEqual(facts(own[i]!, asParser).filter(kept));
      }
    },
    120_000,
  );

  test.skipIf(!parser.installed)(
    `reads values of every type it knows${parser.installed ? '' : ' (skipped: not installed)'}`,
    () => {
      const log = typesLog(parser.stumblesOnEmptyItems ? {} : { Strings: value.strings(['x', '', 'z']) });
      const { events, complaint } = readWith(parser, log);
      expect(complaint).toBe('');
      const asParser: Parser = { ...parser, items: (text) => [text], binary: (text) => text };
      expect(events.map((xml) => facts(xml, parser))).toEqual(ownXml(log).map((xml) => facts(xml, asParser)));
      expect(facts(events[0]!, parser).length).toBeGreaterThan(Object.keys(VALUES).length);
    },
  );
});

test.skipIf(!EVTXEXPORT.installed)('evtxexport reads arrays and literal elements, too', () => {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  const builder = new EventBuilder();
  const system = { provider: { name: 'P' }, eventId: 1, timeCreated: 1n, channel: 'C', computer: 'c' };
  const arrays = [
    value.array(ValueType.UInt16, [value.uint16(1), value.uint16(2)]),
    value.array(ValueType.Guid, [value.guid('54849625-5478-4994-a5ba-3e3b0328c30d')]),
    value.array(ValueType.FileTime, [value.fileTime(133_000_000_000_000_000n)]),
    value.array(ValueType.HexInt64, [value.hexInt64(7n), value.hexInt64(8n)]),
  ];
  const template = eventDataTemplate(arrays.map(({ type }, i) => ({ name: `A${i}`, type })));
  const literal = element('Answer', { xmlns: 'urn:x', level: '3' }, [
    element('Part', {}, ['one', { kind: 'entityref', name: 'amp' }, 'two']),
    element('Part', {}, [{ kind: 'cdata', text: 'three' }]),
  ]);
  for (const body of [{ eventData: instance(template, arrays) }, { userData: literal }, { userData: literal }]) {
    writer.add(builder.manifest({ ...system, eventRecordId: writer.nextRecordId }, body), 1n);
  }
  writer.finish();
  const { events, complaint } = readWith(EVTXEXPORT, log.bytes());
  expect(complaint).toBe('');
  // It prints CDATA without its element, so the third part is compared by its text alone.
  const withoutCData = (xml: string) =>
    facts(xml.replace(/<Part>\s*<!\[CDATA\[three\]\]>\s*<\/Part>|<!\[CDATA\[three\]\]>/, ''));
  expect(events.map(withoutCData)).toEqual(ownXml(log.bytes()).map(withoutCData));
  expect(events[2]).toContain('three');
});
