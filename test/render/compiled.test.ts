import { readFileSync } from 'node:fs';
import { describe, expect, it, test, vi } from 'vitest';
import { defineTemplate, element, instance, optional, substitution } from '../../src/binxml/template-builder.ts';
import { DEFINITION_HEADER, Token } from '../../src/binxml/token.ts';
import type { AttributePart, ContentNode, ElementNode } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { Chunk, hasChunkMagic } from '../../src/evtx/chunk.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import {
  MAX_TEMPLATES,
  OUTPUT,
  POOL,
  POOL_FREE,
  POOL_SIZE,
  SLACK,
  TEMPLATE_COUNT,
  TOKENS_LEFT,
} from '../../src/kernel/layout.ts';
import { CompiledRenderer } from '../../src/render/compiled.ts';
import { corpus, corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { MemoryLog } from '../evtx/memory-log.ts';
import { sampleLog } from '../evtx/sample-events.ts';
import { KERNELS } from '../kernels.ts';
import { compareRenderers, FORMATS, RENDERERS } from './agreement.ts';
import { CraftedChunk } from './crafted-chunk.ts';

function chunksOf(log: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = HEADER_BLOCK_SIZE; at < log.length; at += CHUNK_SIZE) {
    if (hasChunkMagic(log, at)) chunks.push(log.subarray(at, at + CHUNK_SIZE));
  }
  return chunks;
}

describe('the compiled renderers', () => {
  it('are WebAssembly and JavaScript', () => {
    expect(RENDERERS.map(({ executor }) => executor)).toEqual(['wasm', 'javascript']);
  });

  it('write what the plain renderer writes: values of every type', () => {
    let records = 0;
    for (const chunk of chunksOf(sampleLog(700).log.bytes())) {
      const agreement = compareRenderers(chunk);
      expect(agreement.disagreements).toEqual([]);
      records += agreement.records;
    }
    expect(records).toBe(1400);
  });

  it('go on behind an output that is full, and leave nothing out', () => {
    const [bytes] = chunksOf(sampleLog(700).log.bytes());
    const chunk = new Chunk(bytes!, 0, 0);
    const offsets = chunk.liveRecords();
    for (const renderer of RENDERERS) {
      renderer.clear();
      const parts: string[] = [];
      let rounds = 0;
      // The same chunk again and again, until the output has been full twice.
      while (parts.length < 2) {
        for (let at = 0; at < offsets.length; ) {
          const next = renderer.lines(chunk, offsets, at, offsets.length, 'xml', () => {});
          if (next < offsets.length) {
            parts.push(Buffer.from(renderer.output).toString());
            renderer.clear();
          }
          at = next;
        }
        rounds++;
      }
      const text = parts.join('') + Buffer.from(renderer.output).toString();
      expect(text.split('\n').length - 1).toBe(rounds * offsets.length);
      expect(text.slice(0, text.length / rounds).repeat(rounds) === text).toBe(true);
    }
  });

  it('forget a chunk whose bytes another one has taken over', () => {
    const [first, second] = chunksOf(sampleLog(700).log.bytes()) as [Uint8Array, Uint8Array];
    for (const renderer of RENDERERS) {
      for (const bytes of [first, second, first]) {
        const chunk = new Chunk(bytes, 0, 0);
        renderer.clear();
        const offsets = chunk.liveRecords();
        renderer.lines(chunk, offsets, 0, 1, 'xml', () => {});
        expect(Buffer.from(renderer.output).toString()).toContain(
          `<EventRecordID>${chunk.firstRecordId}</EventRecordID>`,
        );
      }
    }
  });

  it.each([
    ['text in UTF-16', value.string('"'.repeat(9000))],
    ['ANSI text', value.ansi(Buffer.from('"'.repeat(9000)))],
  ])('write nothing behind the end of their output: %s that grows sixfold', (_, quotes) => {
    const template = defineTemplate(element('Event', { a: substitution(0, quotes.type) }));
    const log = new MemoryLog();
    const writer = new EvtxFileWriter(log);
    writer.add([instance(template, [quotes])], 0n);
    writer.finish();
    const chunk = new Chunk(chunksOf(log.bytes())[0]!, 0, 0);
    const offsets = chunk.liveRecords();
    for (const [i, renderer] of RENDERERS.entries()) {
      const { bytes } = KERNELS[i]!.memory;
      const limit = OUTPUT + 50_000;
      for (const format of FORMATS) {
        bytes.fill(0xaa, limit, limit + 20_000);
        renderer.clear(OUTPUT, limit);
        expect(renderer.lines(chunk, offsets, 0, 1, format, () => {})).toBe(0);
        expect(bytes.subarray(limit + SLACK, limit + 20_000).every((byte) => byte === 0xaa)).toBe(true);
        // With room enough it is written.
        renderer.clear();
        expect(renderer.lines(chunk, offsets, 0, 1, format, () => {})).toBe(1);
        expect(renderer.outputSize).toBeGreaterThan(18_000);
      }
    }
  });

  describe('write characters and entities that stand as references', () => {
    const text = (text: string) => ({ kind: 'text', text }) as const;
    const character = (code: number) => ({ kind: 'charref', code }) as const;
    const entity = (name: string) => ({ kind: 'entityref', name }) as const;
    /** An event without a template, with this in an attribute, in a Data, in its name, and in elements. */
    const eventWith = (parts: readonly AttributePart[]) =>
      element('Event', { Note: parts }, [
        element('UserData', {}, [
          element('Plain', {}, parts),
          element('Attributed', { a: parts, b: 'x' }, parts),
          element('Beside', { a: 'x' }, [...parts, element('Child', {}, parts)]),
        ]),
        element('EventData', {}, [element('Data', { Name: parts }, parts), element('Data', {}, parts)]),
      ]);
    const chunkWith = (parts: readonly AttributePart[], leavesOut: string) => {
      const log = new MemoryLog();
      const writer = new EvtxFileWriter(log);
      const whole = eventWith(parts);
      const content = whole.content.filter((node) => node.kind !== 'element' || node.name !== leavesOut);
      writer.add([{ ...whole, content }], 0n);
      writer.finish();
      return chunksOf(log.bytes())[0]!;
    };

    const usual = {
      'all entities': ['amp', 'lt', 'gt', 'quot', 'apos'].map(entity),
      'entities in text': [text('a < '), entity('quot'), text('b"'), entity('amp'), entity('amp'), text('')],
      'white space': [text('a'), character(13), character(10), character(9), text('b')],
      'ASCII by number': [character(65), character(34), character(92), character(38), character(0x7e)],
      'nothing but an empty text': [text('')],
    };
    it.each(Object.entries(usual))('%s', (_, parts) => {
      // A Data beside text and elements beside text are for the plain renderer, in JSON.
      const before = RENDERERS.map(({ plain }) => plain);
      const without = eventWith(parts);
      expect(without.content).toHaveLength(2);
      for (const leavesOut of ['UserData', 'EventData', 'nothing']) {
        const agreement = compareRenderers(chunkWith(parts, leavesOut));
        expect(agreement).toMatchObject({ records: 2, damaged: 0, disagreements: [] });
      }
      // XML is all theirs.
      for (const [i, { plain }] of RENDERERS.entries()) expect(plain - before[i]!).toBeLessThan(4);
    });

    it.each(
      Object.entries({
        'an unknown entity': [entity('nbsp')],
        'entities that only begin alike': ['at', 'lo', 'amq', 'quos', 'apot', 'a', 'ampere'].map(entity),
        'characters that XML has none of': [character(0), character(8), character(0xfffe), character(0xffff)],
        'characters beyond ASCII': [character(0x7f), character(0xe9), character(0x20ac), character(0xd7ff)],
        'a pair in two parts': [text('\ud83d'), character(0xde00), text('\ud83d'), text('\ude00')],
        'a half in each of two parts': [character(0xd83d), text('x'), character(0xde00), text('\ude00')],
      }),
    )('%s', (_, parts) => {
      for (const leavesOut of ['UserData', 'EventData']) {
        const { records, disagreements } = compareRenderers(chunkWith(parts, leavesOut));
        expect(records).toBe(2);
        expect(disagreements).toEqual([]);
      }
    });
  });

  describe('write definitions that hold more than plain text', () => {
    const text = (text: string) => ({ kind: 'text', text }) as const;
    const character = (code: number) => ({ kind: 'charref', code }) as const;
    const entity = (name: string) => ({ kind: 'entityref', name }) as const;
    const slot = substitution(0, value.string('').type);
    const some: Readonly<Record<string, readonly AttributePart[]>> = {
      'all that is escaped': [text('a & b < c > d "e" \'f\' \\ g')],
      'control characters': [text('a\tb\nc\u0001d\u007f')],
      'letters beyond ASCII': [text('Größe 日本 😀')],
      references: [character(9), entity('amp'), text('x'), entity('quot'), character(0xe9), entity('nbsp')],
      'halves of pairs': [text('\ud83d'), text('\ude00')],
      'a half beside a value': [text('x\ud83d'), slot],
      'a value beside text': [text('x='), slot, text('.')],
      'two values': [slot, slot],
      'optional values': [text('x'), optional(1, slot.type), text('y'), optional(1, slot.type)],
      'an empty text': [text('')],
      'an empty text between values': [text('x'), slot, text(''), substitution(2, slot.type)],
      nothing: [],
    };
    const eventWith = (parts: readonly AttributePart[], name: string) => [
      element('Event', {}, [
        element(name, { a: parts, b: 'x' }, parts),
        element('Twice', {}, [text('1')]),
        element('Twice', {}, [text('2')]),
        element('EventData', {}, [element('Data', { Name: 'n' }, parts), element('Data', { Name: parts }, ['d'])]),
      ]),
      element('Event', {}, [element('Data', {}, parts), element('Data', {}, [slot]), element(name, { a: parts })]),
      element('Event', { [name]: optional(1, slot.type) }, parts),
      element('Event', {}, [...parts, { kind: 'cdata', text: 'a]]>b' }, { kind: 'pi', target: 'p', data: 'q?>' }]),
    ];
    const chunkOf = (event: ElementNode) => {
      const log = new MemoryLog();
      const writer = new EvtxFileWriter(log);
      const template = defineTemplate(event);
      writer.add([instance(template, [value.string('"v" & w\ud83d'), value.none, value.string('\ude00')])], 0n);
      writer.add([instance(template, [value.string(''), value.string('there'), value.none])], 0n);
      writer.finish();
      return chunksOf(log.bytes())[0]!;
    };

    it.each(Object.entries(some))('%s', (_, parts) => {
      for (const name of ['Plain', 'Größe', 'Data']) {
        for (const event of eventWith(parts, name)) {
          const { records, disagreements } = compareRenderers(chunkOf(event));
          expect(records).toBe(4);
          expect(disagreements).toEqual([]);
        }
      }
    });
  });

  it('write no event that is nested deeper than the plain renderer takes', () => {
    const tower = (levels: number, top: ContentNode): ElementNode =>
      element('a', {}, [levels > 1 ? tower(levels - 1, top) : top]);
    const body = substitution(0, ValueType.BinXml);
    const text = { kind: 'text', text: 'x' } as const;
    const log = new MemoryLog();
    const writer = new EvtxFileWriter(log);
    for (const levels of [10, 11, 63]) writer.add([instance(defineTemplate(tower(levels, text)), [])], 0n);
    writer.add([tower(64, text)], 0n);
    for (const [outer, inner, bare] of [
      [10, 10, 16],
      [10, 10, 17],
      [10, 40, 5],
      [1, 1, 58],
      [1, 1, 59],
      [20, 20, 19],
      [20, 20, 21],
    ] as const) {
      const nested = instance(defineTemplate(tower(inner, body)), [value.fragment([tower(bare, text)])]);
      writer.add([instance(defineTemplate(tower(outer, body)), [value.fragment([nested])])], 0n);
    }
    writer.finish();
    const { records, damaged, disagreements } = compareRenderers(chunksOf(log.bytes())[0]!);
    expect([records, damaged]).toEqual([22, 4]);
    expect(disagreements).toEqual([]);
  });

  it('gather the unnamed Data around a nested document', () => {
    const data = (text: string) => element('Data', {}, [text]);
    const body = optional(0, ValueType.BinXml);
    const log = new MemoryLog();
    const writer = new EvtxFileWriter(log);
    const nested = value.fragment([element('UserData', {}, ['u'])]);
    for (const content of [
      [data('1'), body],
      [data('1'), data('2'), body, element('x', {}, ['y'])],
      [data('1'), body, data('2')],
      [body, data('1')],
    ]) {
      const template = defineTemplate(element('Event', {}, [element('EventData', {}, content)]));
      writer.add([instance(template, [nested])], 0n);
    }
    writer.finish();
    const { records, disagreements } = compareRenderers(chunksOf(log.bytes())[0]!);
    expect(records).toBe(8);
    expect(disagreements).toEqual([]);
  });

  describe('come to an end, whatever has been crafted', () => {
    it('a record whose definitions do not fit the memory all at once', () => {
      const chunk = new CraftedChunk();
      const name = chunk.name('a');
      // Each claims the rest of the chunk.
      const parts = Array.from({ length: 400 }, () =>
        chunk.definition(
          () => chunk.openElement(name).put(Token.CloseEmptyElement),
          CHUNK_SIZE - chunk.at - DEFINITION_HEADER,
        ),
      );
      const whole = chunk.definition(() => {
        chunk.openElement(name).put(Token.CloseStartElement);
        for (let i = 0; i < parts.length; i++) chunk.put(Token.Substitution).u16(i).put(ValueType.BinXml);
        chunk.put(Token.EndElement);
      });
      chunk.record(
        chunk.instance(
          whole,
          parts.map((part) => chunk.instance(part)),
        ),
      );
      const { records, disagreements } = compareRenderers(chunk.bytes);
      expect(records).toBe(2);
      expect(disagreements).toEqual([]);
    });

    // A name at every other byte, of 7 characters for each of its units.
    const withNames = (count: number, step: number) => {
      const chunk = new CraftedChunk();
      const first = chunk.at;
      for (let i = 0; i < 0x3004; i++) chunk.u16(0x3000);
      for (let i = 0; i < count * step; i++) chunk.u16(0x4000 + i);
      const template = chunk.definition(() => {
        chunk.openElement(first).put(Token.CloseStartElement);
        for (let i = 1; i < count; i++) chunk.openElement(first + 2 * i * step).put(Token.CloseEmptyElement);
        chunk.put(Token.EndElement);
      });
      return chunk.record(chunk.instance(template)).bytes;
    };

    it.each([
      ['names that are larger than the memory', 160, 1],
      ['a name that is used a thousand times', 1000, 0],
    ])('%s', (_, count, step) => {
      // One reader for all: to tell that these are no names of XML takes it long.
      const chunk = new Chunk(withNames(count, step), 0, 0);
      const offsets = chunk.walk({ recover: true }).map(({ chunkOffset }) => chunkOffset);
      for (const renderer of RENDERERS) {
        for (const format of FORMATS) {
          const damaged = vi.fn();
          renderer.clear();
          expect(renderer.lines(chunk, offsets, 0, 1, format, damaged)).toBe(1);
          expect(damaged).toHaveBeenCalledTimes(1);
        }
      }
    });

    it('names that all have the same hash', () => {
      const chunk = new CraftedChunk();
      const { at } = chunk;
      // AaBB and BBAa have one hash. Each B that ends a pair is the length of a name of 66 units that begins behind it.
      const pairs = Array.from({ length: 4800 }, (_, i) => Math.imul(i * i, 0x9e3779b1) >>> 31);
      for (const pair of pairs) chunk.u16(...(pair === 0 ? [0x41, 0x61] : [0x42, 0x42]));
      const names = pairs.flatMap((pair, i) => (pair === 1 && i > 1 && i < 4700 ? [at + 4 * i + 2 - 6] : []));
      // The kernel does not read the second one by itself.
      const templates = [[], [chunk.name('Größe')]].map((last) =>
        chunk.definition(() => {
          chunk.openElement(names[0]!).put(Token.CloseStartElement);
          const some = [...names.slice(1, 1000), ...last];
          for (const name of some) chunk.openElement(name).put(Token.CloseEmptyElement);
          chunk.put(Token.EndElement);
        }),
      );
      for (const template of templates) chunk.record(chunk.instance(template));
      const before = KERNELS.map(({ generation }) => generation);
      const { records, disagreements } = compareRenderers(chunk.bytes);
      expect(records).toBe(4);
      expect(disagreements).toEqual([]);
      for (const [i, { generation }] of KERNELS.entries()) expect(generation).toBeGreaterThan(before[i]!);
    });

    it.each(KERNELS)('definitions that are read again and again', (kernel) => {
      const [bytes] = chunksOf(sampleLog(700).log.bytes());
      const chunk = new Chunk(bytes!, 0, 0);
      const { words } = kernel.memory;
      kernel.use(chunk);
      words[TOKENS_LEFT >> 2] = 10;
      kernel.empty();
      expect(words[TOKENS_LEFT >> 2]).toBe(10);
    });
  });

  it.each(KERNELS)('read and compile definitions by themselves', (kernel) => {
    const learn = vi.spyOn(kernel, 'learn');
    kernel.empty();
    const renderer = new CompiledRenderer(kernel);
    const event = (field: string) =>
      element('Event', { xmlns: 'u' }, [
        element('System', {}, [
          element('EventID', { Qualifiers: optional(0, 6) }, [optional(1, 6)]),
          element('TimeCreated', { SystemTime: substitution(3, 17) }),
        ]),
        element('EventData', {}, [element('Data', { Name: field }, [substitution(2, 1)])]),
      ]);
    const log = new MemoryLog();
    const writer = new EvtxFileWriter(log);
    for (const field of ['One', 'Two', 'One']) {
      const time = value.fileTime(field === 'One' ? 3n : 4n);
      const values = [value.none, value.uint16(7), value.string(field), time];
      writer.add([instance(defineTemplate(event(field)), values)], 0n);
    }
    writer.finish();
    const chunk = new Chunk(chunksOf(log.bytes())[0]!, 0, 0);
    const offsets = chunk.liveRecords();
    for (const format of FORMATS) {
      renderer.clear();
      expect(renderer.lines(chunk, offsets, 0, 3, format, () => {})).toBe(3);
    }
    expect([0, 1, 2].map((i) => renderer.timeOf(i))).toEqual([3n, 4n, 3n]);
    expect(renderer.endOf(2)).toBe(renderer.outputSize);
    expect(kernel.memory.words[TEMPLATE_COUNT >> 2]).toBe(2);
    expect(renderer.plain).toBe(0);
    expect(learn).not.toHaveBeenCalled();
  });

  it.each(KERNELS)('begin again when there is no room for what they learn', (kernel) => {
    const [bytes] = chunksOf(sampleLog(700).log.bytes());
    const { words } = kernel.memory;
    for (const left of [0, 64, 512, 1024, 2048]) {
      kernel.empty();
      const { generation } = kernel;
      words[POOL_FREE >> 2] = POOL + POOL_SIZE - left;
      expect(compareRenderers(bytes!).disagreements).toEqual([]);
      expect(kernel.generation).toBeGreaterThan(generation);
    }
    words[TEMPLATE_COUNT >> 2] = MAX_TEMPLATES - 1;
    const { generation } = kernel;
    expect(compareRenderers(bytes!).disagreements).toEqual([]);
    expect(kernel.generation).toBe(generation);
    kernel.empty();
    words[TEMPLATE_COUNT >> 2] = MAX_TEMPLATES - 1;
    expect(compareRenderers(bytes!).disagreements).toEqual([]);
    expect(kernel.generation).toBe(generation + 2);
  });

  it.each(KERNELS)('read no more of a chunk than a full one has', (kernel) => {
    const learn = vi.spyOn(kernel, 'learn');
    kernel.empty();
    const [bytes] = chunksOf(sampleLog(700).log.bytes());
    const chunk = new Chunk(bytes!, 0, 0);
    const renderer = new CompiledRenderer(kernel);
    kernel.use(chunk);
    kernel.memory.words[TOKENS_LEFT >> 2] = 10;
    expect(renderer.text(chunk, chunk.liveRecords()[0]!, 'xml')).toMatch(/^<Event/);
    expect(learn).toHaveBeenCalled();
    expect(kernel.memory.words[TOKENS_LEFT >> 2]).toBe(0);
  });

  it('work without WebAssembly', () => {
    const globals = globalThis as { WebAssembly?: unknown };
    const { WebAssembly } = globals;
    delete globals.WebAssembly;
    try {
      expect(new CompiledRenderer(new Kernel()).executor).toBe('javascript');
    } finally {
      globals.WebAssembly = WebAssembly;
    }
  });
});

test.skipIf(corpus === undefined)(
  `every record of every real log comes out the same three times (${NO_CORPUS})`,
  () => {
    const before = RENDERERS.map(({ plain }) => plain);
    const helps = KERNELS.map((kernel) => vi.spyOn(kernel, 'learn'));
    let records = 0;
    let damaged = 0;
    for (const path of corpusLogs()) {
      for (const chunk of chunksOf(readFileSync(corpusPath(path)))) {
        const agreement = compareRenderers(chunk);
        expect(agreement.disagreements, path).toEqual([]);
        records += agreement.records;
        damaged += agreement.damaged;
      }
    }
    expect(records).toBeGreaterThan(66_000);
    expect(damaged).toBeLessThan(records / 1000);
    // Hardly any of it is left to the plain renderer: else this would compare it with itself.
    for (const [i, { plain }] of RENDERERS.entries()) expect(plain - before[i]!).toBeLessThan(records / 300);
    // Definitions that the kernel does not read by itself are damaged ones.
    for (const help of helps) expect(help.mock.calls.length).toBeLessThan(records / 1000);
  },
);
