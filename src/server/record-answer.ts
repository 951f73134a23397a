import { writeWireDocument } from '../binxml/wire.ts';
import { EvtError } from '../errors/evt-error.ts';
import { layOutRecords, writeResultRecord } from '../even6/record.ts';
import { MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import type { RecordBatch } from '../even6/stubs/operations.ts';
import type { LogEvent } from '../service/service.ts';

/** An event as a record of a result; undefined when it cannot be written: it is damaged inside, or larger than any answer. */
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

/** The records of one answer, as many as it has room for. */
export class RecordAnswer {
  readonly #records: Uint8Array[] = [];
  #bytes = 0;

  get count(): number {
    return this.#records.length;
  }

  /**
   * Adds an event; one that cannot be written is passed over.
   * @returns false where there is no room for it
   */
  add(event: LogEvent): boolean {
    const record = recordOf(event);
    if (record === undefined) return true;
    // Each begins at an even offset.
    const at = this.#bytes + (this.#bytes % 2);
    if (at + record.length > MAX_PAYLOAD) return false;
    this.#bytes = at + record.length;
    this.#records.push(record);
    return true;
  }

  get batch(): RecordBatch {
    return layOutRecords(this.#records);
  }
}
