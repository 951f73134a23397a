import { writeWireDocument } from '../binxml/wire.ts';
import { EvtError } from '../errors/evt-error.ts';
import { layOutRecords, writeResultRecord } from '../even6/record.ts';
import { MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import type { RecordBatch } from '../even6/stubs/operations.ts';
import type { LogEvent } from '../service/service.ts';

/** An event as a record of a result; undefined when it cannot be written: it is damaged inside. */
function recordOf(event: LogEvent): Uint8Array | undefined {
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

/**
 * As many events as an answer has room for.
 * @returns the answer's records, how many events they are, and how many of `events` were used up: damaged ones are left out
 */
export function recordBatch(events: readonly LogEvent[]): { readonly records: RecordBatch; readonly used: number } {
  const records: Uint8Array[] = [];
  let bytes = 0;
  let used = 0;
  for (const event of events) {
    const record = recordOf(event);
    if (record !== undefined) {
      // Each begins at an even offset.
      if (records.length > 0 && bytes + record.length + 1 > MAX_PAYLOAD) break;
      bytes += record.length + (record.length % 2);
      records.push(record);
    }
    used++;
  }
  return { records: layOutRecords(records), used };
}
