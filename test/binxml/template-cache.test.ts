import { expect, it } from 'vitest';
import { Token } from '../../src/binxml/token.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { RecordOffset } from '../../src/evtx/layout.ts';
import { CraftedChunk } from '../render/crafted-chunk.ts';

it.each([
  [4, true],
  [400, false],
])('a definition that refers to one long name %i times is kept for other chunks: %s', (count, isKept) => {
  const chunk = new CraftedChunk();
  const name = chunk.name('n'.repeat(12_000));
  const template = chunk.definition(() => {
    chunk.openElement(name).put(Token.CloseStartElement);
    for (let i = 1; i < count; i++) chunk.openElement(name).put(Token.CloseEmptyElement);
    chunk.put(Token.EndElement);
  });
  const at = chunk.record(chunk.instance(template)).at;
  const reader = new Chunk(chunk.bytes, 0, 0);
  const [record] = reader.liveRecords().length > 0 ? reader.liveRecords() : [reader.carve()[0]!.chunkOffset];
  reader.templateAt(record! + RecordOffset.binXml, at);
  expect(reader.definitionForm(template) !== undefined).toBe(isKept);
});
