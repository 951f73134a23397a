// Tries winevt as a client of foreign_server.py, whose security, NDR and BinXml are by others:
//   foreign_client.mjs HOST PORT MAPPER-PORT USER PASSWORD [DOMAIN]
import { setTimeout as delay } from 'node:timers/promises';
import { EventBookmark, EventLogSession } from '../../dist/index.js';
import { Checks, failsWith, same } from './checks.mjs';

const [host, port, mapperPort, user, password, domain] = process.argv.slice(2);
const EVENTS = 300;
const [DENIED, INVALID_PARAMETER, NOT_FOUND, CANCELLED, NO_CHANNEL, INVALID_QUERY] = [5, 87, 1168, 1223, 15007, 15001];
/** Long enough for a call to be under way: a read of Slow is never answered, so that nothing depends on it. */
const UNDER_WAY_MS = 200;

const opened = [];
function session(options = {}) {
  const given = { host, endpointMapperPort: Number(mapperPort), user, password, domain, ...options };
  opened.push(EventLogSession.remote(given));
  return opened.at(-1);
}
const numbers = (events) => events.map(({ recordId }) => Number(recordId));
const upTo = (count, first = 1) => Array.from({ length: count }, (_, i) => first + i);

async function all(reader, max = 64) {
  const found = [];
  for (;;) {
    const batch = await reader.readBatch(max);
    if (batch.length === 0) return found;
    found.push(...numbers(batch));
  }
}

process.stdout.write(`foreign server ${process.versions.node}\n`);
const checks = new Checks();

for (const authentication of ['ntlm', 'negotiate']) {
  for (const protection of ['integrity', 'privacy']) {
    await checks.run(`${authentication}, ${protection}: a channel in batches of 7`, async () => {
      const reader = session({ authentication, protection }).query('Application', '*[System[EventRecordID <= 50]]');
      same(await all(reader, 7), upTo(50), 'record numbers');
    });
    await checks.run(`${authentication}, ${protection}: a wrong password is refused`, () =>
      failsWith(session({ authentication, protection, password: `${password}x` }).getLogNames(), DENIED),
    );
  }
}
const remote = session();
await checks.run('a fixed port instead of the mapper', async () => {
  same((await session({ port: Number(port) }).getLogNames()).sort(), ['Application', 'Live', 'Slow'], 'channels');
});
await checks.run('XML of every event', async () => {
  let number = 0;
  for await (const event of remote.events('Application')) {
    number++;
    const xml = event.xml();
    const parts = [
      `<EventRecordID>${number}</EventRecordID>`,
      '<Channel>Application</Channel>',
      `Provider-${number % 5}`,
    ];
    for (const part of parts) if (!xml.includes(part)) throw new Error(`record ${number} has no ${part}: ${xml}`);
  }
  same(number, EVENTS, 'number of events');
});
await checks.run('a filter, newest first', async () => {
  const reader = remote.query('Application', '*[System[EventRecordID > 290]]', { reverse: true });
  same(await all(reader, 4), upTo(10, 291).reverse(), 'record numbers');
});
await checks.run('what is refused: a channel, a query', async () => {
  await failsWith(all(remote.query('NoSuch')), NO_CHANNEL);
  await failsWith(all(remote.query('Application', '*[System[Level=9]]')), INVALID_QUERY);
});
await checks.run('seeks: first, last, current, bookmark, strict', async () => {
  const reader = remote.query('Application');
  const first = await reader.readBatch(10);
  await reader.seek('last', 0);
  same(numbers(await reader.readBatch(10)), [EVENTS], 'the last record');
  await reader.seek(first[4].bookmark, 1);
  same(numbers(await reader.readBatch(2)), [6, 7], 'records behind a bookmark');
  await reader.seek('first', 99);
  same(numbers(await reader.readBatch(1)), [100], 'record 99 behind the first');
  await failsWith(reader.seek('last', 1), INVALID_PARAMETER);
  await failsWith(reader.seek('first', EVENTS, { strict: true }), NOT_FOUND);
  same(numbers(await reader.readBatch(1)), [101], 'the record behind seeks that failed');
  const again = remote.query('Application', undefined, { bookmark: EventBookmark.parse(first[9].bookmark.xml) });
  same(numbers(await again.readBatch(3)), [11, 12, 13], 'records behind a bookmark of text');
});
await checks.run('channels, log info, configuration', async () => {
  const info = await remote.getLogInformation('Application');
  same([info.numberOfLogRecords, info.oldestRecordNumber, info.fileSize], [EVENTS, 1, 69632], 'log info');
  const config = await remote.getLogConfiguration('Application');
  same([config.maximumSizeInBytes, config.isEnabled], [20971520, true], 'configuration');
});
await checks.run('a read is cancelled, and cancelled again', async () => {
  const reader = remote.query('Slow');
  for (let i = 0; i < 3; i++) {
    const reading = reader.readBatch(5);
    await delay(i * UNDER_WAY_MS);
    reader.cancelReading();
    await failsWith(reading, CANCELLED);
  }
  // Others were not disturbed.
  same((await all(remote.query('Application'))).length, EVENTS, 'number of events');
});
await checks.run('a read is ended by its signal, with its reason', async () => {
  const reader = remote.query('Slow');
  const controller = new AbortController();
  const reading = reader.readBatch(5, { signal: controller.signal });
  await delay(UNDER_WAY_MS);
  controller.abort(new Error('enough'));
  const reason = await reading.then(
    () => 'it succeeded',
    (error) => error.message,
  );
  same(reason, 'enough', 'reason');
});
await checks.run('an export is cancelled through its session', async () => {
  const own = session();
  const exporting = own.exportLog('Slow', '*', 'slow.evtx');
  await delay(UNDER_WAY_MS);
  own.cancelCurrentOperations();
  await failsWith(exporting, CANCELLED);
});
await checks.run('a subscription: its waits are cancelled in between, and no event is lost', async () => {
  const watcher = remote.watch('Live');
  const found = [];
  for (let wait = 0; found.length < 4 && wait < 100; wait++) {
    const reading = watcher.readBatch(5);
    if (wait % 3 !== 0) {
      await delay((wait % 5) * 20);
      watcher.cancelReading();
    }
    await reading.then(
      (events) => found.push(...numbers(events)),
      (error) => {
        if (error.code !== CANCELLED) throw error;
      },
    );
  }
  watcher.close();
  same(found.length >= 4 && found, upTo(found.length, found[0]), 'record numbers');
});
await checks.run('a channel is cleared', async () => {
  const other = session();
  await other.exportLog('Application', '*', 'few.evtx');
  await other.clearLog('Application');
  same(await all(other.query('Application')), [], 'record numbers');
});
for (const each of opened) each.close();
process.exitCode = checks.finish();
