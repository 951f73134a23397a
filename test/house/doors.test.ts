import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/doors.mjs', import.meta.url));
const pinned = JSON.parse(readFileSync(new URL('doors.json', import.meta.url), 'utf8')) as Record<string, string[]>;

// After a change that is meant: node scripts/doors.mjs --update
it('exports from each door of the built package what doors.json lists, neither more nor less', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual(pinned);
});

it('has five doors, and each of them opens on something', () => {
  expect(Object.keys(pinned)).toEqual([
    'winevt',
    'winevt/server',
    'winevt/wevtapi',
    'winevt/wevtapi/promises',
    'winevt/evtx',
  ]);
  for (const [door, names] of Object.entries(pinned)) expect(names.length, door).toBeGreaterThan(2);
});
