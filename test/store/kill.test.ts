import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { append, close, contents, draft, faults, openLog } from './store-logs.ts';

const WRITER = fileURLToPath(new URL('./killed-writer.mjs', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Writers killed per mode: WINEVT_KILLS=300 for a longer look. */
const KILLS = Number(process.env['WINEVT_KILLS'] ?? 25);

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--check'], { cwd: ROOT });
  if (built.status !== 0) throw new Error('dist/ is older than src/: npm run build');
});

/** Runs a writer, and kills it some milliseconds after it is ready. @returns the numbers it acknowledged, by record id */
async function killedWriter(
  folder: string,
  mode: string,
  first: number,
  afterMs: number,
): Promise<Map<number, number>> {
  const child = spawn(process.execPath, [WRITER, folder, mode, `${first}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8');
  const ready = new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => resolve());
    child.stdout.on('data', (part: string) => {
      text += part;
      if (text.startsWith('ready\n')) resolve();
    });
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  await ready;
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
  expect(child.signalCode, text.slice(-300)).toBe('SIGKILL');
  const acknowledged = new Map<number, number>();
  // A line that the kill has cut was not said.
  for (const line of text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(1)) {
    for (const part of line.split(' ').filter((word) => word !== '')) {
      const [id, n] = part.split(':').map(Number);
      acknowledged.set(id!, n!);
    }
  }
  return acknowledged;
}

/** All events in a folder's logs, archives and backups, by record id. @returns ids that stand twice, too */
function everything(folder: string): { byId: Map<number, number>; twice: number[] } {
  const byId = new Map<number, number>();
  const twice: number[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.evtx') || name.startsWith('.')) continue;
    for (const { id, n } of contents(join(folder, name))) {
      if (byId.has(Number(id))) twice.push(Number(id));
      byId.set(Number(id), n);
    }
  }
  return { byId, twice };
}

/** How large each writer lets its log grow: what is cleared must not have been overwritten before. */
const LIMITS = {
  circular: { maxSizeBytes: 4 * 65_536, mode: 'circular' },
  autoBackup: { maxSizeBytes: 4 * 65_536, mode: 'autoBackup' },
  clear: { maxSizeBytes: 64 * 65_536, mode: 'retain' },
} as const;

describe.runIf(process.platform !== 'win32')('a writer that is killed at any moment', () => {
  it.each(['circular', 'autoBackup', 'clear'] as const)('loses nothing that it acknowledged: %s', async (mode) => {
    const folder = join(temporaryFolder(), mode);
    mkdirSync(folder);
    const all = new Map<number, number>();
    let appended = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const acknowledged = await killedWriter(folder, mode, 1000 * kill, (kill * 7.3) % 60);
      appended += acknowledged.size;
      for (const [id, n] of acknowledged) {
        expect(all.has(id), `record id ${id} was given twice`).toBe(false);
        all.set(id, n);
      }
      // Readable as it was left, before anybody repairs it.
      const left = everything(folder);
      // A rotation that was killed may leave one log under two names: the next writer drops one.
      if (mode === 'circular') expect(left.twice).toEqual([]);
      const oldest = Math.min(...left.byId.keys());
      for (const [id, n] of acknowledged) if (id >= oldest || mode !== 'circular') expect(left.byId.get(id)).toBe(n);

      const log = openLog(folder);
      const limits = LIMITS[mode];
      const [added] = append(log, [draft(-1)], limits);
      expect(all.has(Number(added))).toBe(false);
      all.set(Number(added), -1);
      close(log);
      expect(faults(log.file)).toEqual([]);
    }
    expect(appended).toBeGreaterThan(KILLS);
    if (mode === 'circular') return;
    const { byId } = everything(folder);
    for (const [id, n] of all) if (mode === 'autoBackup') expect(byId.get(id), `record ${id}`).toBe(n);
  });
});
