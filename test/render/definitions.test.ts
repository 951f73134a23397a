import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Chunk } from '../../src/evtx/chunk.ts';
import { ChunkWriter } from '../../src/evtx/chunk-writer.ts';
import { ChunkHeaderOffset } from '../../src/evtx/layout.ts';
import { POOL, POOL_FREE, POOL_SIZE } from '../../src/kernel/layout.ts';
import { KERNELS } from '../kernels.ts';
import { compareKernels, kernelQuery } from '../query/kernel-agreement.ts';
import { compareRenderers, RENDERERS } from './agreement.ts';
import { document, documentOf, type Recipe } from './definition-arbitrary.ts';

/** Inputs of each test: RUNS asks for more. */
const RUNS = Number(process.env['RUNS'] ?? 200);

const documents = fc.array(document, { minLength: 1, maxLength: 6 });

function chunkOf(recipes: readonly Recipe[]): Uint8Array {
  const writer = new ChunkWriter(1n);
  for (const [i, recipe] of recipes.entries()) writer.add(documentOf(recipe), BigInt(i + 1), 0n);
  return writer.finish();
}

const QUERIES = [
  ...["*[EventData[Data='x']]", "*[a='x' or b='text']", "*[*[@Id='x']]", '*[Data]', "*[Größe='x']"],
  "*[UserData[EventData[Data[@Name='x']='']]]",
].map(kernelQuery);
const query = fc.constantFrom(...QUERIES);

function offsetsOf(chunk: Chunk): number[] {
  return chunk.walk({ dirty: true, recover: true }).map(({ chunkOffset }) => chunkOffset);
}

it('events of random templates come out the same three times', { timeout: 0 }, () => {
  const before = RENDERERS.map(({ plain }) => plain);
  let records = 0;
  fc.assert(
    fc.property(documents, (recipes) => {
      const agreement = compareRenderers(chunkOf(recipes));
      records += agreement.records;
      expect(agreement.disagreements).toEqual([]);
    }),
    { numRuns: RUNS },
  );
  // Enough of them is not left to the plain renderer: else this would compare it with itself.
  for (const [i, { plain }] of RENDERERS.entries()) expect(plain - before[i]!).toBeLessThan(records / 2);
});

it('so they do, and are selected, when bytes of them are others', { timeout: 0 }, () => {
  // Tokens, and types of values, hit more than any byte does.
  const byte = fc.oneof(fc.nat(0x0f), fc.constantFrom(0x41, 0x46, 0x21, 0x81), fc.nat(0xff));
  const changes = fc.array(fc.tuple(fc.nat(0xffff), byte), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(documents, changes, query, (recipes, changed, asked) => {
      const bytes = chunkOf(recipes).slice();
      const end = new DataView(bytes.buffer).getUint32(ChunkHeaderOffset.freeSpaceOffset, true);
      for (const [at, value] of changed) bytes[512 + (at % (end - 512))] = value;
      expect(compareRenderers(bytes, true).disagreements).toEqual([]);
      const chunk = new Chunk(bytes, 0, 0);
      expect(compareKernels(asked, chunk, offsetsOf(chunk), 0n)).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

it('so they do wherever the memory is full, whether a filter or a renderer has met their definitions first', {
  timeout: 0,
}, () => {
  const fill = (left: number) => {
    for (const { memory } of KERNELS) {
      const free = memory.words[POOL_FREE >> 2]!;
      memory.words[POOL_FREE >> 2] = Math.max(free, POOL + POOL_SIZE - 8 * left);
    }
  };
  const room = fc.option(fc.nat(600));
  fc.assert(
    fc.property(documents, query, fc.boolean(), room, room, (recipes, asked, isFilterFirst, first, second) => {
      const bytes = chunkOf(recipes);
      const steps = [
        () => compareRenderers(bytes).disagreements,
        () => {
          const chunk = new Chunk(bytes, 0, 0);
          return compareKernels(asked, chunk, offsetsOf(chunk), 0n);
        },
      ];
      if (isFilterFirst) steps.reverse();
      for (const kernel of KERNELS) kernel.empty();
      for (const left of [first, second]) {
        if (left !== null) fill(left);
        for (const step of steps) expect(step()).toEqual([]);
      }
    }),
    { numRuns: RUNS },
  );
});
