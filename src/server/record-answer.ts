import { wireDocument } from '../binxml/wire.ts';
import { EvtError } from '../errors/evt-error.ts';
import { RecordLayout } from '../even6/record.ts';
import { MAX_PAYLOAD } from '../even6/stubs/limits.ts';
import type { RecordBatch } from '../even6/stubs/operations.ts';
import type { Operation } from '../operations/operation.ts';
import { type Task, TURN } from '../operations/task.ts';
import type { LogEvent } from '../service/service.ts';

/** An event's document, in memory that the next one is written to; undefined when it cannot be written: it is damaged inside. */
function documentOf(event: LogEvent): Uint8Array | undefined {
  try {
    return wireDocument(event.document);
  } catch (error) {
    if (error instanceof EvtError) return undefined;
    throw error;
  }
}

/**
 * As many events as an answer has room for, written in turns: whoever cancels meanwhile is heard.
 * @returns the answer's records, how many events they are, and how many of `events` were used up: damaged ones are left out
 * @throws EvtError ERROR_CANCELLED (1223), an AbortSignal's reason
 */
export function* recordBatch(
  events: readonly LogEvent[],
  operation: Operation,
): Task<{ readonly records: RecordBatch; readonly used: number }> {
  const records = new RecordLayout();
  let used = 0;
  for (const event of events) {
    operation.poll();
    if (operation.turnDue()) yield TURN;
    const binXml = documentOf(event);
    const { recordIds, current, direction } = event.position;
    if (binXml !== undefined) {
      const record = {
        binXml,
        subqueryIds: event.queryIds,
        recordIds: recordIds.map((id) => id ?? 0n),
        currentChannel: current,
        reverse: direction === 'reverse',
      };
      if (!records.add(record, MAX_PAYLOAD)) break;
    }
    used++;
  }
  return operation.commit(() => ({ records, used }));
}
