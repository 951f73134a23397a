import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';
import { generateDemoLog } from '../demo/demo-log.ts';
import { EventLogSession, type EventRecord, isCancelled } from '../index.ts';
import { ExitStatus, failureText } from './failure.ts';
import { tableFormatter } from './format/table.ts';

const EVENTS = 200_000;
/** Changes when the generator does, so that a log of an older version is not taken for this one's. */
const FILE_NAME = `demo-1-${EVENTS}.evtx`;
const SEED = 1;
const ROWS = 12;
const FAILED_LOGONS = '*[System[EventID=4625]]';
const PROCESS_STARTS = "*[System[EventID=4688] and EventData[Data[@Name='NewProcessName']]]";
const BATCH = 1024;

function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32') return path.join(LOCALAPPDATA ?? homedir(), 'winevt', 'cache');
  if (process.platform === 'darwin') return path.join(homedir(), 'Library', 'Caches', 'winevt');
  return path.join(XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'winevt');
}

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Writes the log beside and renames it, so that a stopped demonstration leaves no half of one. */
function writeLog(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const beside = `${file}.${process.pid}.new`;
  const started = performance.now();
  try {
    const fd = openSync(beside, 'w');
    try {
      generateDemoLog(
        { write: (position, bytes) => void writeSync(fd, bytes, 0, bytes.length, position) },
        { events: EVENTS, seed: SEED },
      );
    } finally {
      closeSync(fd);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const megabytes = (statSync(file).size / 1_000_000).toFixed(0);
  say(`Wrote ${EVENTS.toLocaleString('en')} events (${megabytes} MB) in ${seconds} s: ${file}`);
}

function isThere(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** `winevt demo`: what this program is for, on a log of its own. */
export async function demo(options: { readonly log?: string }): Promise<number> {
  const file = options.log ?? path.join(cacheFolder(), FILE_NAME);
  try {
    if (isThere(file)) say(`Using the log of an earlier run: ${file}`);
    else writeLog(file);
    await showQuery(file);
    await showCancel(file);
    say('Try next:');
    say(`  npm start -- qe "${file}" /q:"*[System[Level=2]]" /c:5 /f:text`);
    say(`  npm start -- qe "${file}" /q:"*[UserData]" /f:json /rd:true /c:3`);
    say('  npm start -- qe --help');
    return ExitStatus.success;
  } catch (error) {
    process.stderr.write(`${failureText(error)}\n`);
    return ExitStatus.failure;
  }
}

async function showQuery(file: string): Promise<void> {
  say();
  say(`Failed logons: winevt qe … /q:"${FAILED_LOGONS}" /f:table`);
  say();
  const started = performance.now();
  const table = tableFormatter(process.stdout.columns ?? 120);
  process.stdout.write(table.head);
  let found = 0;
  for await (const event of EventLogSession.local.events(file, FAILED_LOGONS)) {
    if (found < ROWS) process.stdout.write(table.event(event, found));
    found++;
  }
  const milliseconds = (performance.now() - started).toFixed(0);
  say(`… ${found.toLocaleString('en')} in all, found in ${milliseconds} ms`);
}

function recordIds(events: readonly EventRecord[]): bigint[] {
  return events.map(({ fileRecordId }) => fileRecordId);
}

/** Reads everything, and cancels through EvtCancel while a read is pending in the middle of the log. */
async function showCancel(file: string): Promise<void> {
  say();
  say('A long query, cancelled through EvtCancel in the middle of a read:');
  const undisturbed: bigint[] = [];
  const whole = EventLogSession.local.query(file, PROCESS_STARTS);
  for (let batch = await whole.readBatch(BATCH); batch.length > 0; batch = await whole.readBatch(BATCH)) {
    undisturbed.push(...recordIds(batch));
  }
  whole.close();

  let cancelledAt = 0;
  const reader = EventLogSession.local.query(file, PROCESS_STARTS, {
    onProgress: ({ readBytes, totalBytes }) => {
      if (cancelledAt !== 0 || readBytes < totalBytes / 2) return;
      cancelledAt = -1;
      setImmediate(() => {
        cancelledAt = performance.now();
        reader.cancelReading();
      });
    },
  });
  const read: bigint[] = [];
  let stopped = false;
  for (;;) {
    try {
      const batch = await reader.readBatch(BATCH);
      if (batch.length === 0) break;
      const ids = recordIds(batch);
      if (stopped && read.length > 0) {
        say(`  the next read begins at record ${ids[0]}; the last one before was ${read.at(-1)}`);
        stopped = false;
      }
      read.push(...ids);
    } catch (error) {
      if (!isCancelled(error)) throw error;
      const after = performance.now() - cancelledAt;
      const { readBytes, totalBytes, records } = reader.progress;
      stopped = true;
      say(
        `  at record ${records.toLocaleString('en')}, ${((100 * readBytes) / totalBytes).toFixed(0)} % of the log read`,
      );
      say(`  the pending EvtNext returned ERROR_CANCELLED (1223) ${after.toFixed(2)} ms after EvtCancel`);
    }
  }
  reader.close();
  const same = read.length === undisturbed.length && read.every((id, i) => id === undisturbed[i]);
  if (!same)
    throw new Error(`the cancelled reading gave ${read.length} events, an undisturbed one ${undisturbed.length}`);
  say(`  read on to the end: ${read.length.toLocaleString('en')} events, exactly those of an undisturbed reading`);
  say();
}
