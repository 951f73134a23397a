import { checkDocument, isWhole } from '../../binxml/check.ts';
import type { Chunk } from '../../evtx/chunk.ts';
import type { RecordCursor } from '../../evtx/record-cursor.ts';

/** Decides whether an event belongs to the result, from its record. */
export type Selector = (record: RecordCursor) => boolean;

/**
 * Whether a record is selected, and whole.
 * @param record is pointed at it
 * @param selector undefined: every record
 * @throws BinXmlError when it is too damaged to tell, or to be given out
 */
export function isSelected(
  record: RecordCursor,
  chunk: Chunk,
  chunkOffset: number,
  selector: Selector | undefined,
): boolean {
  record.look(chunk, chunkOffset);
  if (selector !== undefined && !selector(record)) return false;
  if (!record.isInstance || !isWhole(record.instance)) checkDocument(record.document);
  return true;
}
