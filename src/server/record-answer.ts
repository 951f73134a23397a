import { wireDocument } from '../binxml/wire.ts';
import { EvtError } from '../errors/evt-error.ts';
import type { RecordLayout, ResultRecord } from '../even6/record.ts';
import { writeResultRecord } from '../even6/record.ts';
import type { LogEvent } from '../service/service.ts';

/** An event as a record, in memory that the next one is written to; undefined when it cannot be written: it is damaged inside. */
function recordOf(event: LogEvent): ResultRecord | undefined {
  const { recordIds, current, direction } = event.position;
  try {
    return {
      binXml: wireDocument(event.document),
      subqueryIds: event.queryIds,
      recordIds: recordIds.map((id) => id ?? 0n),
      currentChannel: current,
      reverse: direction === 'reverse',
    };
  } catch (error) {
    if (error instanceof EvtError) return undefined;
    throw error;
  }
}

/**
 * Writes events behind what an answer has already. Left out are those that cannot be written: they are damaged inside, or larger than
 * any answer, where they would be in the way of all behind them.
 * @returns the records for which there is no room: they are for the next answer
 */
export function addEvents(answer: RecordLayout, events: readonly LogEvent[]): Uint8Array[] {
  const left: Uint8Array[] = [];
  for (const event of events) {
    const record = recordOf(event);
    if (record === undefined || !answer.takes(record)) continue;
    if (left.length > 0 || !answer.add(record)) left.push(writeResultRecord(record));
  }
  return left;
}
