import { closeSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import * as path from 'node:path';
import { generateDemoLog } from '../demo/demo-log.ts';

export const DEMO_EVENTS = 200_000;
const SEED = 1;

/**
 * Writes the demonstration log beside and renames it, so that a stopped demonstration leaves no half of one.
 * @returns its size in bytes
 */
export function writeDemoLog(file: string): number {
  const folder = path.dirname(file);
  mkdirSync(folder, { recursive: true });
  removeLeftovers(folder, path.basename(file));
  const beside = `${file}.${process.pid}.new`;
  let size = 0;
  try {
    const fd = openSync(beside, 'w');
    try {
      const write = (position: number, bytes: Uint8Array) => {
        writeSync(fd, bytes, 0, bytes.length, position);
        size = Math.max(size, position + bytes.length);
      };
      generateDemoLog({ write }, { events: DEMO_EVENTS, seed: SEED });
    } finally {
      closeSync(fd);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
  return size;
}

/** Takes away what demonstrations left that were killed while they wrote. */
function removeLeftovers(folder: string, name: string): void {
  for (const entry of readdirSync(folder)) {
    const pid = entry.startsWith(`${name}.`) ? /\.(\d+)\.new$/.exec(entry)?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) rmSync(path.join(folder, entry), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
