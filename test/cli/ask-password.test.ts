// Passwords are asked for on a terminal: `script` makes one.
import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { COMMAND, requireBuild } from './command.ts';

/** util-linux has it; others of that name take other options. */
const hasTerminal = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;
const users = join(temporaryFolder(), 'users.json');

beforeAll(requireBuild);

/** Adds a user, and types once the first prompt is there. @returns what the terminal shows */
async function addUser(typed: string): Promise<{ readonly status: number | null; readonly shown: string }> {
  const command = [process.execPath, COMMAND, 'serve', '--add-user', 'alice', '--users', users];
  const { WINEVT_PASSWORD: _password, ...env } = process.env;
  const child = spawn('script', ['-qec', command.map((word) => `'${word}'`).join(' '), '/dev/null'], { env });
  let shown = '';
  let isTyped = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    if (isTyped || !shown.includes('Password for alice: ')) return;
    isTyped = true;
    child.stdin.write(typed);
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, shown };
}

describe.skipIf(!hasTerminal)('a password that is asked for', () => {
  it('is never shown, even where it is typed ahead', async () => {
    const { status, shown } = await addUser('secret-1\rsecrex\x7ft-1\r');
    expect(shown).toMatch(/^Password for alice: \r?\nOnce more: \r?\nwinevt: alice may log on;/);
    expect(status).toBe(0);
  });

  it('must be the same twice', async () => {
    const { status, shown } = await addUser('secret-1\rsecret-2\r');
    expect(shown).toMatch(/winevt: the passwords differ\r?\n$/);
    expect([status, shown.includes('secret')]).toEqual([2, false]);
  });

  it('need not be given: Ctrl-C ends the question', async () => {
    const { status, shown } = await addUser('secret-1\x03');
    expect(shown).toMatch(/winevt: no password was given\r?\n$/);
    expect([status, shown.includes('secret')]).toEqual([2, false]);
  });
});
