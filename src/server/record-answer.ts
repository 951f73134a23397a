import { writeWireDocument } from '../binxml/wire.ts';
import { EvtError } from '../errors/evt-error.ts';
import { writeResultRecord } from '../even6/record.ts';
import { MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import type { LogEvent } from '../service/service.ts';

/** An event as a record of a result; undefined when it cannot be written: it is damaged inside, or larger than any answer. */
export function recordOf(event: LogEvent): Uint8Array | undefined {
  const { recordIds, current, direction } = event.position;
  try {
    const record = writeResultRecord({
      binXml: writeWireDocument(event.document),
      subqueryIds: [...event.queryIds],
      recordIds: recordIds.map((id) => id ?? 0n),
      currentChannel: current,
      reverse: direction === 'reverse',
    });
    // One that no answer has room for would be in the way of all behind it.
    return record.length <= MAX_PAYLOAD ? record : undefined;
  } catch (error) {
    if (error instanceof EvtError) return undefined;
    throw error;
  }
}

/** Whether a record fits an answer behind those that have so many bytes. Each begins at an even offset; one always fits. */
export function fits(record: Uint8Array, records: readonly Uint8Array[], bytes: number): boolean {
  return records.length === 0 || bytes + record.length + 1 <= MAX_PAYLOAD;
}
