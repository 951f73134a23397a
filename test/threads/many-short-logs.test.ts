import { createHash } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { requireBuild } from '../cli/command.ts';
import { temporaryFolder, writeLongLog } from '../log-files.ts';

// The built package: worker threads run the files of dist/.
type Package = typeof import('../../src/index.ts');
type Threads = typeof import('../../src/service/local/scan-threads.ts');
let winevt: Package;
let threads: Threads;

const folder = temporaryFolder();
/** 12 MB: too short for threads to be started for it alone. */
const log = writeLongLog(folder, 'short.evtx', 190);

beforeAll(async () => {
  requireBuild();
  const at = (door: string) => new URL(`../../dist/${door}`, import.meta.url).href;
  winevt = (await import(at('index.js'))) as Package;
  threads = (await import(at('service/local/scan-threads.js'))) as Threads;
});

async function digest(concurrency: number): Promise<string> {
  const hash = createHash('sha256');
  const session = winevt.EventLogSession.open();
  const reader = session.query(new winevt.EventLogQuery(log, undefined, { concurrency }));
  for (;;) {
    const { bytes, events } = await reader.readLines('xml');
    if (events === 0) break;
    hash.update(bytes);
  }
  session.close();
  return hash.digest('hex');
}

test('threads are started when so many short logs have been read that they pay', async () => {
  const alone = await digest(1);
  // Who wants one thread starts no others, however much it reads.
  for (let i = 0; i < 6; i++) await digest(1);
  for (let i = 0; i < 3; i++) expect(await digest(2)).toBe(alone);
  expect(threads.areThreadsReady()).toBe(false);
  // Started now, they take some time until they are there.
  for (let i = 0; i < 200 && !threads.areThreadsReady(); i++) expect(await digest(2)).toBe(alone);
  expect(threads.areThreadsReady()).toBe(true);
  expect(await digest(2)).toBe(alone);
});
