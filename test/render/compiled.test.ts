import { readFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { Chunk, hasChunkMagic } from '../../src/evtx/chunk.ts';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { Kernel } from '../../src/kernel/kernel.ts';
import { CompiledRenderer } from '../../src/render/compiled.ts';
import { corpus, corpusLogs, corpusPath, NO_CORPUS } from '../corpus.ts';
import { sampleLog } from '../evtx/sample-events.ts';
import { compareRenderers, RENDERERS } from './agreement.ts';

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
  },
);
