import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { createFilter } from '../../src/query/filter.ts';
import { renderXml } from '../../src/render/xml.ts';
import { NOW, queriesFor, storedEvent } from './event-arbitrary.ts';
import { spell } from './spell.ts';

const context = { now: NOW };

/** Says which query and which event, not how the two were generated. */
function reporter<T>(run: fc.RunDetails<T>): void {
  if (!run.failed) return;
  const { seed, counterexamplePath: path, errorInstance: error } = run;
  throw new Error(`seed ${seed}, path ${path}: ${error instanceof Error ? error.message : error}`);
}

test('the compiled evaluator gives the answers of the plain one, for any event and any query', () => {
  let queries = 0;
  let hits = 0;
  const eventAndQueries = storedEvent.chain((document) =>
    fc.tuple(fc.constant(document), fc.array(queriesFor(document), { minLength: 5, maxLength: 5 })),
  );
  fc.assert(
    fc.property(eventAndQueries, ([document, expressions]) => {
      for (const expression of expressions) {
        const plain = createFilter(expression, 'plain').matches(document, context);
        const compiled = createFilter(expression, 'compiled').matches(document, context);
        queries++;
        if (plain) hits++;
        if (compiled !== plain) {
          throw new Error(`${spell(expression)} is ${plain} of ${renderXml(resolveDocument(document))}`);
        }
      }
    }),
    { seed: 20_161_108, numRuns: 3000, reporter },
  );
  // Queries that hardly ever hit, or always do, would hold any two evaluators equal.
  expect(hits / queries).toBeGreaterThan(0.25);
  expect(hits / queries).toBeLessThan(0.75);
});
