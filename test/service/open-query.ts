import fc from 'fast-check';
import { runSync } from '../../src/operations/task.ts';
import { LocalService } from '../../src/service/local/local-service.ts';
import type { ReadDirection, ResultSet } from '../../src/service/service.ts';
import { plainOperation } from './counting-operation.ts';

/** What a structured query selects from the files that it names. */
export function openQuery(query: string, direction: ReadDirection, concurrency?: number): ResultSet {
  const request = {
    path: undefined,
    query,
    direction,
    pathType: 'file',
    tolerate: false,
    strict: false,
    recover: false,
    concurrency,
    onDamage: undefined,
    onProgress: undefined,
  } as const;
  return runSync(new LocalService().query(request, plainOperation()));
}

/** Seeks whose offsets point into the result. */
export function seeks(offsets: fc.Arbitrary<number>) {
  return fc
    .record({
      kind: fc.constant('seek' as const),
      origin: fc.constantFrom('first' as const, 'last' as const, 'current' as const),
      offset: offsets,
      strict: fc.boolean(),
    })
    .map((seek) => ({ ...seek, offset: inward(seek) }));
}

function inward({ origin, offset }: { readonly origin: string; readonly offset: number }): number {
  if (origin === 'first') return Math.abs(offset);
  return origin === 'last' ? -Math.abs(offset) : offset;
}
