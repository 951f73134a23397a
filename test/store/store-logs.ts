import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { Chunk } from '../../src/evtx/chunk.ts';
import { verifyLog } from '../../src/evtx/verify.ts';
import { DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runSync } from '../../src/operations/task.ts';
import { renderXml } from '../../src/render/xml.ts';
import {
  type AppendResult,
  ChannelLog,
  type Draft,
  type Durability,
  type LogLimits,
} from '../../src/store/channel-log.ts';
import { clearLog } from '../../src/store/clear-log.ts';
import { type Disk, nodeDisk } from '../../src/store/disk.ts';
import { StoreLock } from '../../src/store/lock.ts';
import { EventWriterForms } from '../../src/store/written-event.ts';

const forms = new EventWriterForms();

export const CIRCULAR: LogLimits = { maxSizeBytes: 1024 * 1024, mode: 'circular' };

export function operation(api = 'EvtWrite'): Operation {
  return new Operation(api, DEFAULT_SESSION);
}

/** An event whose text tells which one it is. @param size characters of ballast */
export function draft(n: number, size = 20): Draft {
  const data = { n, text: 'x'.repeat(size) };
  const timeCreated = 133_000_000_000_000_000n + BigInt(n) * 10_000_000n;
  return forms.draft(
    { provider: 'Winevt-Test', id: 1 + (n % 5), data, computer: 'host', processId: 7, timeCreated },
    'App',
  );
}

export function drafts(first: number, count: number, size?: number): Draft[] {
  return Array.from({ length: count }, (_, i) => draft(first + i, size));
}

export function openLog(folder: string, disk: Disk = nodeDisk, name = 'App'): ChannelLog {
  return new ChannelLog(join(folder, `${name}.evtx`), disk, new StoreLock(join(folder, '.locks', name)));
}

export function append(
  log: ChannelLog,
  events: readonly Draft[],
  limits: LogLimits = CIRCULAR,
  durability: Durability = 'os',
): AppendResult[] {
  return runSync(log.append(events, limits, durability, operation()));
}

export function clear(log: ChannelLog, backup: string | undefined, disk: Disk = nodeDisk): void {
  runSync(clearLog(log, backup, undefined, operation('EvtClearLog'), disk));
}

export function close(log: ChannelLog): void {
  runSync(log.close(operation()));
}

/** What a log holds, read without the code that appends: record ids and the numbers of {@link draft}, in order of ids. */
export function contents(file: string): { id: bigint; n: number }[] {
  const bytes = readFileSync(file);
  const chunks: Chunk[] = [];
  for (let at = 4096; at < bytes.length; at += 65_536) {
    const chunk = new Chunk(bytes.subarray(at, at + 65_536), (at - 4096) / 65_536, at);
    if (chunk.bytes[0] === 0x45 && chunk.freeSpaceOffset > 512) chunks.push(chunk);
  }
  chunks.sort((a, b) => (a.firstRecordId < b.firstRecordId ? -1 : 1));
  return chunks.flatMap((chunk) =>
    [...chunk.liveRecords({ dirty: true })].map((offset) => {
      const xml = renderXml(resolveDocument(chunk.document(offset)));
      return { id: chunk.recordId(offset), n: Number(/<Data Name='n'>(-?\d+)</.exec(xml)![1]) };
    }),
  );
}

/** Why a log is not what a careful reader accepts; nothing for one that is. */
export function faults(file: string): string[] {
  const { checks } = verifyLog(readFileSync(file));
  return checks.flatMap(({ id, failures }) => failures.map((failure) => `${id}: ${JSON.stringify(failure)}`));
}
