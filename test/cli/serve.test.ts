import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { requireBuild, winevt } from './command.ts';

const FAILURE = 1;
const USAGE = 2;

const folder = temporaryFolder();
const users = join(folder, 'users.json');
const store = join(folder, 'store');
const logs = join(folder, 'logs');

beforeAll(() => {
  requireBuild();
  mkdirSync(logs);
  const added = winevt(['serve', '--add-user', 'alice', '--users', users], { env: { WINEVT_PASSWORD: 'secret' } });
  expect(added.status).toBe(0);
});

/** What `winevt serve` says when it does not begin. */
function refusal(...args: string[]) {
  const { status, stdout, stderr } = winevt(['serve', ...args]);
  expect(stdout).toBe('');
  return { status, stderr };
}

/** A port of this computer that is taken while the test runs. */
async function takenPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

describe('winevt serve does not begin', () => {
  it('where it is not told well what to do', () => {
    const none = refusal('--store', store);
    expect(none).toEqual({ status: USAGE, stderr: expect.stringContaining('winevt: --users FILE: name the users') });
    const both = refusal('--store', store, '--logs', logs, '--users', users);
    expect(both).toEqual({ status: USAGE, stderr: 'winevt: --store and --logs name one folder: leave one out\n' });
    for (const option of [['--rights', 'read'], ['--administrator'], ['--password-fd', '0']]) {
      expect(refusal('--store', store, '--users', users, ...option)).toEqual({
        status: USAGE,
        stderr: 'winevt: --rights, --administrator and --password-fd go with --add-user NAME\n',
      });
    }
    expect(refusal('--store', store, '--users', users, '--port', '65536').status).toBe(USAGE);
  });

  it('where a folder is not there', () => {
    const missing = join(folder, 'missing');
    expect(refusal('--logs', missing, '--users', users)).toEqual({
      status: FAILURE,
      stderr: `winevt: ERROR_PATH_NOT_FOUND (3): there is no folder ${missing}\n`,
    });
    expect(refusal('--logs', logs, '--users', users, '--export-folder', missing)).toEqual({
      status: FAILURE,
      stderr: `winevt: ERROR_PATH_NOT_FOUND (3): there is no folder ${missing} for exports\n`,
    });
  });

  it('where something else listens already, on its own port or the endpoint mapper’s', async () => {
    const port = await takenPort();
    const stderr = `winevt: WSAEADDRINUSE (10048): listening on 127.0.0.1 port ${port}: something else listens there already\n`;
    for (const option of ['--port', '--epm-port']) {
      expect(refusal('--logs', logs, '--users', users, option, String(port))).toEqual({ status: FAILURE, stderr });
    }
  });

  it('on an empty address, which would be every one of this computer', () => {
    expect(refusal('--logs', logs, '--users', users, '--listen', '')).toEqual({
      status: FAILURE,
      stderr: 'winevt: ERROR_INVALID_PARAMETER (87): the address to listen on is empty\n',
    });
  });

  it('on an address of another computer', () => {
    // TEST-NET-1: nobody has it.
    expect(refusal('--logs', logs, '--users', users, '--listen', '192.0.2.1', '--port', '4913')).toEqual({
      status: FAILURE,
      stderr: 'winevt: WSAEADDRNOTAVAIL (10049): listening on 192.0.2.1 port 4913: this computer has no such address\n',
    });
  });
});

describe('winevt serve --add-user does not add', () => {
  const env = { WINEVT_PASSWORD: 'secret' };

  it('to a file in a folder that is not there', () => {
    const { status, stderr } = winevt(['serve', '--add-user', 'bob', '--users', join(folder, 'missing', 'u.json')], {
      env,
    });
    expect(status).toBe(FAILURE);
    expect(stderr).toBe(`winevt: ERROR_PATH_NOT_FOUND (3): there is no folder ${join(folder, 'missing')}\n`);
  });

  it('rights that are none, or on no channels', () => {
    for (const rights of ['look', 'read:', 'read,,clear']) {
      const { status, stderr } = winevt(['serve', '--add-user', 'bob', '--users', users, '--rights', rights], { env });
      expect([status, stderr.startsWith('winevt: --rights: ')]).toEqual([USAGE, true]);
    }
  });
});
