import type { Chunk } from '../../evtx/chunk.ts';
import type { LogDamage } from '../service.ts';

/**
 * What is told of a record that cannot be read.
 * @param path of its log
 * @param damagedAt chunk offset of the damage, where it is known better than by the record's
 */
export function recordDamage(
  path: string,
  chunk: Chunk,
  chunkOffset: number,
  what: string,
  damagedAt: number = chunkOffset,
): LogDamage {
  return {
    path,
    severity: 'error',
    slot: chunk.slot,
    fileOffset: chunk.fileOffset + Math.max(damagedAt, chunkOffset),
    recordId: chunk.recordId(chunkOffset),
    what,
  };
}
