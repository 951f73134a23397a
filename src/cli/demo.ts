import { statSync } from 'node:fs';
import * as path from 'node:path';
import { type EventLogReader, EventLogSession, type EventRecord, isCancelled } from '../index.ts';
import { cacheFolder } from './cache-folder.ts';
import { DEMO_EVENTS, writeDemoLog } from './demo-file.ts';
import { showStore } from './demo-store.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText } from './failure.ts';
import { tableFormatter } from './format/table.ts';

/** Changes when the generator does, so that a log of an older version is not taken for this one's. */
const FILE_NAME = `demo-1-${DEMO_EVENTS}.evtx`;
const ROWS = 12;
const FAILED_LOGONS = '*[System[EventID=4625]]';
const PROCESS_STARTS = "*[System[EventID=4688] and EventData[Data[@Name='NewProcessName']]]";
const BATCH = 1024;

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Numbers as a person reads them. */
function spell(number: number | bigint): string {
  return number.toLocaleString('en');
}

/** `winevt demo`: what this program is for, on a log of its own. */
export async function demo(options: { readonly log?: string }): Promise<number> {
  const file = options.log ?? path.join(cacheFolder(), FILE_NAME);
  try {
    await prepare(file);
    await showQuery(file);
    await showCancel(file);
    await showStore(file, say);
    showMore(file);
    return ExitStatus.success;
  } catch (error) {
    process.stderr.write(`${failureText(error)}\n`);
    return ExitStatus.failure;
  }
}

async function prepare(file: string): Promise<void> {
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) {
    say(`Using the log of an earlier run: ${file}`);
    return;
  }
  say(`Writing a log of ${spell(DEMO_EVENTS)} events at an invented company, once: ${file}`);
  // The line is to be seen while the log is being made.
  await new Promise<void>((resolve) => setImmediate(resolve));
  const started = performance.now();
  const bytes = writeDemoLog(file);
  say(`Done: ${spell(Math.round(bytes / 1_000_000))} MB in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

async function showQuery(file: string): Promise<void> {
  say();
  say(`1. Who failed to log on?   /q:"${FAILED_LOGONS}" /f:table`);
  say();
  const started = performance.now();
  const table = tableFormatter(process.stdout.columns ?? 120);
  process.stdout.write(table.head);
  let found = 0;
  for await (const event of EventLogSession.local().events(file, FAILED_LOGONS)) {
    if (found < ROWS) process.stdout.write(table.event(event, found));
    found++;
  }
  const milliseconds = performance.now() - started;
  if (found > ROWS) say(`… and ${spell(found - ROWS)} more`);
  say(`${spell(found)} events found in ${spell(Math.round(milliseconds))} ms, the whole log looked through`);
}

function recordIds(events: readonly EventRecord[]): bigint[] {
  return events.map(({ fileRecordId }) => fileRecordId);
}

/** Reads a result to its end. */
async function readAll(reader: EventLogReader): Promise<bigint[]> {
  const ids: bigint[] = [];
  for (let batch = await reader.readBatch(BATCH); batch.length > 0; batch = await reader.readBatch(BATCH)) {
    ids.push(...recordIds(batch));
  }
  return ids;
}

/** Reads everything, and cancels through EvtCancel while a read is pending in the middle of the log. */
async function showCancel(file: string): Promise<void> {
  say();
  say('2. A long query, cancelled through EvtCancel while a read is pending:');
  await using whole = EventLogSession.local().query(file, PROCESS_STARTS);
  const undisturbed = await readAll(whole);

  let pending = false;
  let inTheMiddle = false;
  let cancelledAt: number | undefined;
  await using reader = EventLogSession.local().query(file, PROCESS_STARTS, {
    onProgress: ({ readBytes, totalBytes }) => {
      inTheMiddle = readBytes >= totalBytes / 2;
    },
  });
  const timer = setInterval(() => {
    if (!pending || !inTheMiddle) return;
    clearInterval(timer);
    cancelledAt = performance.now();
    reader.cancelReading();
  }, 1);
  const read: bigint[] = [];
  try {
    for (;;) {
      pending = true;
      const batch = await reader.readBatch(BATCH);
      pending = false;
      if (batch.length === 0) break;
      read.push(...recordIds(batch));
    }
    say('   the log was read before the timer struck: try again');
  } catch (error) {
    const milliseconds = performance.now() - (cancelledAt ?? Number.NaN);
    if (!isCancelled(error)) throw error;
    const { readBytes, totalBytes, records } = reader.progress;
    const percent = Math.round((100 * readBytes) / totalBytes);
    const next = await readAll(reader);
    say(`   cancelled after ${spell(records)} records, ${percent} % of the log`);
    say(`   the pending EvtNext ended with ERROR_CANCELLED (1223) ${milliseconds.toFixed(2)} ms after EvtCancel`);
    say(`   last record before it: ${spell(read.at(-1) ?? 0n)}; the next read goes on with ${spell(next[0] ?? 0n)}`);
    say(`   an undisturbed reading has ${spell(undisturbed[read.length] ?? 0n)} there`);
    read.push(...next);
  } finally {
    clearInterval(timer);
  }
  if (read.length !== undisturbed.length || read.some((id, i) => id !== undisturbed[i])) {
    throw new Error(`the cancelled reading gave ${read.length} events, an undisturbed one ${undisturbed.length}`);
  }
  say(`   both readings gave the same ${spell(read.length)} events: none lost, none twice`);
}

function showMore(file: string): void {
  const command = process.env['npm_lifecycle_event'] === 'start' ? 'npm start -- ' : 'winevt ';
  const lines: readonly (readonly [string, string])[] = [
    ['Try next: somebody cleared the Security log. Who?', `qe "${file}" /q:"*[System[EventID=1102]]" /f:text`],
    [
      'Where did most of the failed logons come from, and what else did that address do?',
      `qe "${file}" /q:"*[EventData[Data[@Name='IpAddress']='203.0.113.77']]" /rd:true /c:5 /f:json`,
    ],
    ['Print everything, and stop it with Ctrl-C:', `qe "${file}"`],
    ['And on logs of your own:', 'qe --help'],
  ];
  for (const [what, args] of lines) {
    say();
    say(what);
    say(`  ${command}${args}`);
  }
}
