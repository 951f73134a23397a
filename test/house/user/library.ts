// A user's program over all doors of the package: it writes a log, reads it through each face, and prints what it found.
import { writeFileSync } from 'node:fs';
import { EventLogSession, type EventRecord, EvtError } from 'winevt';
import { EventBuilder, EvtxFileWriter, eventDataTemplate, instance, ValueType, value } from 'winevt/evtx';
import * as wevtapi from 'winevt/wevtapi';
import * as promises from 'winevt/wevtapi/promises';

const FILE = 'user.evtx';
const THIRD = "*[EventData[Data[@Name='Count'] = 3]]";

function writeLog(): void {
  const pieces: { readonly position: number; readonly bytes: Uint8Array }[] = [];
  const writer = new EvtxFileWriter({ write: (position, bytes) => void pieces.push({ position, bytes }) });
  const builder = new EventBuilder();
  const template = eventDataTemplate([{ name: 'Count', type: ValueType.UInt32 }]);
  const provider = { name: 'User-Program' };
  for (let count = 1; count <= 5; count++) {
    const eventRecordId = writer.nextRecordId;
    const timeCreated = 133_485_408_000_000_000n + BigInt(count);
    const system = { provider, eventId: 7, timeCreated, eventRecordId, channel: 'Application', computer: 'host' };
    writer.add(builder.manifest(system, { eventData: instance(template, [value.uint32(count)]) }), timeCreated);
  }
  const file = new Uint8Array(writer.finish().sizeBytes);
  for (const { position, bytes } of pieces) file.set(bytes, position);
  writeFileSync(FILE, file);
}

async function readWithSession(): Promise<void> {
  const found: EventRecord[] = [];
  for await (const event of EventLogSession.local().events(FILE, THIRD)) found.push(event);
  for (const event of found) console.log('session', event.recordId, event.id, event.providerName, { ...event.data });
  try {
    for await (const _ of EventLogSession.local().events('absent.evtx')) console.log('never');
  } catch (error) {
    if (!(error instanceof EvtError)) throw error;
    console.log('session', error.symbol, error.code);
  }
}

function readWithWevtapi(): void {
  const results = wevtapi.EvtQuery(null, FILE, THIRD, wevtapi.EvtQueryFilePath);
  if (results === null) throw new Error(`EvtQuery: ${wevtapi.GetLastError()}`);
  const events: wevtapi.EvtHandle[] = [];
  const returned: wevtapi.Out<number> = {};
  const more = wevtapi.EvtNext(results, 10, events, wevtapi.INFINITE, 0, returned);
  const xml: wevtapi.Out<string | readonly wevtapi.Variant[]> = {};
  wevtapi.EvtRender(null, events[0] ?? 0, wevtapi.EvtRenderEventXml, xml);
  console.log('wevtapi', more, returned.value, String(xml.value).includes("<Data Name='Count'>3</Data>"));
  console.log('wevtapi', wevtapi.EvtCancel(results), wevtapi.EvtClose(results));
  console.log('wevtapi', wevtapi.EvtClose(results), wevtapi.GetLastError());
}

async function readWithPromises(): Promise<void> {
  const results = await promises.EvtQuery(null, FILE, null, promises.EvtQueryFilePath);
  const pending = promises.EvtNext(results, 10);
  // What one face opened, the other cancels.
  wevtapi.EvtCancel(results);
  const outcome = await pending.then(
    (events) => `${events.length} events`,
    (error: unknown) => (promises.isCancelled(error) ? 'cancelled' : String(error)),
  );
  console.log('promises', outcome, (await promises.EvtNext(results, 10)).length);
  await promises.EvtClose(results);
}

writeLog();
await readWithSession();
readWithWevtapi();
await readWithPromises();
