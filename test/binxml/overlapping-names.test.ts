import { expect, it } from 'vitest';
import { Token } from '../../src/binxml/token.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { CraftedChunk } from '../render/crafted-chunk.ts';

/** Read as a name's length and as a character of it: one that is no letter of XML's in front of others. */
const UNITS = 0x2b00;

function documentOf(count: number) {
  const chunk = new CraftedChunk();
  const names = chunk.at;
  for (let i = 0; i < UNITS + count + 8; i++) chunk.u16(UNITS);
  const document = new CraftedChunk();
  document.at = 0;
  document.put(Token.OpenStartElement).u32(0).u32(names).put(Token.CloseStartElement);
  for (let i = 1; i < count; i++) {
    document
      .put(Token.OpenStartElement)
      .u32(0)
      .u32(names + 2 * i)
      .put(Token.CloseEmptyElement);
  }
  document.put(Token.EndElement);
  const start = (chunk.at + 7) & ~7;
  chunk.record(document.bytes.subarray(0, document.at));
  return new Chunk(chunk.bytes, 0, 0).document(start);
}

it('a few long names that lie upon each other are read', () => {
  expect(documentOf(20)).toMatchObject([{ kind: 'element', content: { length: 19 } }]);
});

it('many are refused before they cost more than a chunk is worth', () => {
  expect(() => documentOf(1500)).toThrow('the chunk holds more than 2000000 tokens');
});
