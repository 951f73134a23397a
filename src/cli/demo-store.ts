import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { EventLogSession, isCancelled, type NewEvent } from '../index.ts';
import { EvtCancel } from '../wevtapi/index.ts';

const CHANNEL = 'Demo/Operational';
const EVENTS = 2000;
const BATCH = 50;
const WARNINGS = '*[System[Level<=3]]';

type Say = (line?: string) => void;

function spell(number: number | bigint): string {
  return number.toLocaleString('en');
}

/** Every tenth is a warning. */
function order(n: number): NewEvent {
  const late = n % 10 === 9;
  return {
    provider: 'Demo-Shop',
    id: late ? 101 : 100,
    level: late ? 3 : 4,
    data: { order: n, total: 9.5 + (n % 90) },
  };
}

/**
 * The life of a log: events are written while a subscription follows, some of them are exported, an export is cancelled half-way,
 * and the log is cleared into a backup.
 * @param bigLog the log whose export is cancelled
 */
export async function showStore(bigLog: string, say: Say): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'winevt-demo-'));
  const session = EventLogSession.open({ store: path.join(folder, 'store') });
  try {
    say();
    say(`3. A store of channels, and somebody who follows one of them   (in ${folder}, removed afterwards)`);
    await showFollow(session, say);
    await showExport(session, folder, say);
    await showCancelledExport(session, bigLog, folder, say);
    await showClear(session, folder, say);
  } finally {
    session.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function showFollow(session: EventLogSession, say: Say): Promise<void> {
  await session.write(CHANNEL, { provider: 'Demo-Shop', id: 1, data: { text: 'open' } });
  const watcher = session.watch(CHANNEL, undefined, { pathType: 'channel', start: 'oldest' });
  const followed: bigint[] = [];
  const following = (async () => {
    for await (const event of watcher) {
      followed.push(event.fileRecordId);
      if (followed.length > EVENTS) break;
    }
  })();
  const started = performance.now();
  await using writer = session.openWriter(CHANNEL);
  for (let n = 0; n < EVENTS; n += BATCH) {
    await Promise.all(Array.from({ length: BATCH }, (_, i) => writer.write(order(n + i))));
  }
  await following;
  const milliseconds = Math.round(performance.now() - started);
  if (followed.some((id, i) => id !== BigInt(i + 1)))
    throw new Error('the subscription missed an event, or had one twice');
  say(
    `   ${spell(EVENTS)} events written, and followed one by one: all there after ${spell(milliseconds)} ms, none missed, none twice`,
  );
}

async function showExport(session: EventLogSession, folder: string, say: Say): Promise<void> {
  const target = path.join(folder, 'warnings.evtx');
  const { records, sizeBytes } = await session.exportLog(CHANNEL, WARNINGS, target, { pathType: 'channel' });
  say(`   exported the warnings, ${WARNINGS}: ${spell(records)} events, a log of ${spell(sizeBytes)} bytes`);
}

async function showCancelledExport(session: EventLogSession, log: string, folder: string, say: Say): Promise<void> {
  const target = path.join(folder, 'all.evtx');
  const before = readdirSync(folder);
  let cancelledAt = 0;
  try {
    await session.exportLog(log, undefined, target, {
      onProgress: ({ readBytes, totalBytes }) => {
        if (cancelledAt > 0 || readBytes < totalBytes / 2) return;
        cancelledAt = performance.now();
        // The export is pending on its session.
        EvtCancel(session.handle);
      },
    });
    say('   the export was done before it could be cancelled: try again');
  } catch (error) {
    if (!isCancelled(error)) throw error;
    const milliseconds = performance.now() - cancelledAt;
    const left = readdirSync(folder).filter((name) => !before.includes(name));
    if (left.length > 0 || existsSync(target)) throw new Error(`the cancelled export has left ${left.join(', ')}`);
    say(
      `   an export of the large log, cancelled half-way: 1223 after ${milliseconds.toFixed(2)} ms, and no file is left of it`,
    );
  }
}

async function showClear(session: EventLogSession, folder: string, say: Say): Promise<void> {
  const backup = path.join(folder, 'backup.evtx');
  await session.clearLog(CHANNEL, { backup });
  const { numberOfLogRecords } = await session.getLogInformation(backup);
  const { numberOfLogRecords: left } = await session.getLogInformation(CHANNEL, { pathType: 'channel' });
  const next = await session.write(CHANNEL, order(0));
  say(
    `   cleared: ${spell(left)} events in the channel, ${spell(numberOfLogRecords)} in the backup; the next one is number ${spell(next)}`,
  );
  for await (const event of session.events('System')) {
    say(`   and System has event ${event.id} of ${event.providerName}: who cleared it, and where its events are`);
  }
}
