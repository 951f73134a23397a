import { CLASSIC_EVENT_DATA, element, eventDataTemplate, instance } from '../../src/binxml/template-builder.ts';
import type { Fragment } from '../../src/binxml/tree.ts';
import { value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { EventBuilder } from '../../src/evtx/event-builder.ts';
import { EvtxFileWriter, type LogSummary, type LogWriterOptions } from '../../src/evtx/file-writer.ts';
import { MemoryLog } from './memory-log.ts';

const builder = new EventBuilder();
const PROVIDER = { name: 'Sample-Provider', guid: '{0f8fad5b-d9cb-469f-a165-70867728950e}' };
const OLD_PROVIDER = { name: 'Sample Service' };
const BODY = eventDataTemplate([
  { name: 'Count', type: ValueType.UInt32 },
  { name: 'Note', type: ValueType.String },
]);

/** 2024-01-01, one second per record. */
export function timeOf(recordId: bigint): bigint {
  return 133_485_408_000_000_000n + recordId * 10_000_000n;
}

/** An event whose content is a function of its id: two in three from a manifest provider, the third classic. */
export function sampleEvent(recordId: bigint, note = `note ${recordId}`, timeCreated = timeOf(recordId)): Fragment {
  const common = { timeCreated, eventRecordId: recordId, channel: 'Sample', computer: 'host-1' };
  if (recordId % 3n === 0n) {
    const body = instance(CLASSIC_EVENT_DATA, [value.strings([note, '']), value.uint32(0), value.none]);
    return builder.classic({ ...common, provider: OLD_PROVIDER, eventId: 7, qualifiers: 16_384 }, { eventData: body });
  }
  const body = instance(BODY, [value.uint32(Number(recordId)), value.string(note)]);
  return builder.manifest({ ...common, provider: PROVIDER, eventId: 1, version: 0, level: 4 }, { eventData: body });
}

/** A literal event whose only text has this many units: its record has `literalSize(units)` bytes. */
export function literalEvent(units: number): Fragment {
  return [element('E', {}, ['x'.repeat(units)])];
}

/** Writes `count` sample events. */
export function sampleLog(count: number, options?: LogWriterOptions): { log: MemoryLog; summary: LogSummary } {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log, options);
  for (let i = 0; i < count; i++) writer.add(sampleEvent(writer.nextRecordId), timeOf(writer.nextRecordId));
  return { log, summary: writer.finish() };
}
