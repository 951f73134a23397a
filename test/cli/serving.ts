import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { type Finished, type RunOptions, start, winevt } from './command.ts';

export const PASSWORD = 'correct horse battery staple';

/** A `winevt serve` that runs beside the tests of a file. */
export interface Serving {
  /** HOST:PORT, for /r. */
  readonly address: string;
  readonly store: string;
  /** The folder in which clients may write. */
  readonly exports: string;
  /** Runs a verb against it, as alice unless said otherwise; the password comes from the environment. */
  ask(args: readonly string[], options?: RunOptions & { readonly user?: string }): Finished;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Adds users, and serves a store: alice may read and clear, bob may read `App*`, and carol administers. */
export async function serving(): Promise<Serving> {
  const folder = temporaryFolder();
  const [store, exports, users] = ['store', 'exports', 'users.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(exports);
  const add = (name: string, ...more: string[]) => {
    const args = ['serve', '--add-user', name, '--users', users, ...more];
    const { status, stderr } = winevt(args, { env: { WINEVT_PASSWORD: PASSWORD } });
    if (status !== 0) throw new Error(stderr);
  };
  add('alice', '--rights', 'read,clear');
  add('bob', '--rights', 'read:App*');
  add('carol', '--rights', 'read,clear', '--administrator');
  const child = start(['serve', '--store', store, '--export-folder', exports, '--users', users]);
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  child.stderr!.resume();
  const port = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout!.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const [, found] = /port (\d+)\n/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    void ended.then(() => reject(new Error(`winevt serve has ended: ${text}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  afterAll(stop);
  const address = `127.0.0.1:${port}`;
  return {
    address,
    store,
    exports,
    stop,
    ask: (args, { user = 'alice', ...options } = {}) =>
      winevt([...args, `/r:${address}`, `/u:${user}`], {
        ...options,
        env: { WINEVT_PASSWORD: PASSWORD, ...options.env },
      }),
  };
}
