import { describe, expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { defineTemplate, element, instance, substitution } from '../../src/binxml/template-builder.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { renderXml } from '../../src/render/xml.ts';
import { literalEvent, sampleEvent, timeOf } from './sample-events.ts';

const RECORD_SPACE = 65_536 - 512;

/** Bytes of the record of `literalEvent(units)` at its first use in a chunk: header, document with inline name, size copy. */
function literalSize(units: number): number {
  const document = 4 + (1 + 4 + 4 + 12) + 1 + (4 + 2 * units) + 1 + 1;
  return Math.ceil((24 + document + 4) / 8) * 8;
}

/** Units of the largest literal event whose record has `size` bytes. */
function unitsFor(size: number): number {
  let units = size / 2;
  while (literalSize(units) > size) units--;
  return units;
}

function xmlOf(bytes: Uint8Array): string[] {
  const chunk = new Chunk(bytes, 0, 4096);
  return [...chunk.liveRecords()].map((at) => renderXml(resolveDocument(chunk.document(at))));
}

describe('a record and the space left', () => {
  test('the largest possible record fills a chunk to its last byte', () => {
    const units = unitsFor(RECORD_SPACE);
    const writer = new ChunkWriter(1n);
    expect(writer.add(literalEvent(units), 1n, 0n)).toBe(true);
    expect(writer.freeSpaceOffset).toBe(65_536);
    expect(writer.add(literalEvent(0), 2n, 0n)).toBe(false);
    const [xml] = xmlOf(writer.finish());
    expect(xml).toBe(`<E>${'x'.repeat(units)}</E>`);
  });

  test('one unit more, 8 bytes of record, fits no chunk', () => {
    const units = unitsFor(RECORD_SPACE) + 1;
    expect(literalSize(units)).toBe(RECORD_SPACE + 8);
    const writer = new ChunkWriter(1n);
    expect(() => writer.add(literalEvent(units), 1n, 0n)).toThrow(
      /ERROR_EVT_INVALID_EVENT_DATA.*more than 65024 bytes/,
    );
    expect(writer.recordCount).toBe(0);
  });

  test('a record that fills the rest exactly is taken, one 8 bytes larger is not and leaves the chunk as it was', () => {
    const reference = new ChunkWriter(1n);
    reference.add(sampleEvent(1n), 1n, timeOf(1n));
    const rest = 65_536 - reference.freeSpaceOffset;
    const alone = reference.finish();

    const tight = new ChunkWriter(1n);
    tight.add(sampleEvent(1n), 1n, timeOf(1n));
    expect(tight.add(literalEvent(unitsFor(rest)), 2n, 0n)).toBe(true);
    expect(tight.freeSpaceOffset).toBe(65_536);

    const over = new ChunkWriter(1n);
    over.add(sampleEvent(1n), 1n, timeOf(1n));
    expect(over.add(literalEvent(unitsFor(rest) + 1), 2n, 0n)).toBe(false);
    expect(over.recordCount).toBe(1);
    expect(Buffer.compare(over.finish(), alone)).toBe(0);
  });

  test('names and templates of a record that did not fit are defined again by the next that does', () => {
    const template = defineTemplate(element('Fresh', {}, [element('Inner', {}, [substitution(0, 0x0e)])]));
    const writer = new ChunkWriter(1n);
    writer.add(literalEvent(10_000), 1n, 0n);
    expect(writer.add([instance(template, [value.binary(new Uint8Array(60_000))])], 2n, 0n)).toBe(false);
    expect(writer.add([instance(template, [value.binary(Uint8Array.of(1))])], 2n, 0n)).toBe(true);
    expect(xmlOf(writer.finish())[1]).toBe('<Fresh><Inner>01</Inner></Fresh>');
  });

  test('an event that Binary XML cannot say is refused and leaves the chunk as it was', () => {
    const reference = new ChunkWriter(1n);
    reference.add(sampleEvent(1n), 1n, timeOf(1n));
    const writer = new ChunkWriter(1n);
    writer.add(sampleEvent(1n), 1n, timeOf(1n));
    expect(() => writer.add([element('New', {}, [element('not a name')])], 2n, 0n)).toThrow(/no XML name/);
    expect(Buffer.compare(writer.finish(), reference.finish())).toBe(0);
  });
});

test('a chunk’s header, checksums and records are those its reader expects', () => {
  const writer = new ChunkWriter(11n);
  for (let id = 1742n; id < 1750n; id++) writer.add(sampleEvent(id), id, timeOf(id));
  expect(writer.recordCount).toBe(8);
  const chunk = new Chunk(writer.finish(), 0, 4096);
  expect(chunk.firstRecordNumber).toBe(11n);
  expect(chunk.lastRecordNumber).toBe(18n);
  expect(chunk.firstRecordId).toBe(1742n);
  expect(chunk.lastRecordId).toBe(1749n);
  expect(chunk.checksums()).toEqual({ header: true, records: true });
  const ids = [...chunk.liveRecords()].map((at) => [chunk.recordId(at), chunk.writtenTime(at)]);
  expect(ids).toEqual(Array.from({ length: 8 }, (_, i) => [1742n + BigInt(i), timeOf(1742n + BigInt(i))]));
});

test('a record read from a chunk is written into another one and says the same', () => {
  const first = new ChunkWriter(1n);
  const ids = Array.from({ length: 30 }, (_, i) => BigInt(i + 1));
  for (const id of ids) first.add(sampleEvent(id), id, timeOf(id));
  const source = new Chunk(first.finish(), 0, 4096);
  const second = new ChunkWriter(1n);
  for (const at of [...source.liveRecords()].reverse()) second.add(source.document(at), 1n, 0n);
  expect(xmlOf(second.finish())).toEqual(xmlOf(source.bytes).reverse());
});

test.each([
  ['empty strings', ['', '']],
  ['a value of 40 KB', ['y'.repeat(20_000), '']],
  ['supplementary-plane text', ['\u{1f600}\u{10ffff}', '\ud800']],
])('%s come back unit by unit', (_, texts) => {
  const template = defineTemplate(
    element(
      'T',
      {},
      texts.map((_text, i) => element('S', {}, [substitution(i, 1)])),
    ),
  );
  const document = [
    instance(
      template,
      texts.map((text) => value.string(text)),
    ),
  ];
  const writer = new ChunkWriter(1n);
  writer.add(document, 1n, 0n);
  const chunk = new Chunk(writer.finish(), 0, 4096);
  const [at] = chunk.liveRecords();
  const keep = { invalidCharacters: 'keep' } as const;
  expect(renderXml(resolveDocument(chunk.document(at!)), keep)).toBe(
    `<T>${texts.map((text) => `<S>${text}</S>`).join('')}</T>`,
  );
});
