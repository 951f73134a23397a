import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { ServerLimits } from '../../src/even6/rpc/server-limits.ts';
import { addUser } from '../../src/server/users.ts';
import { temporaryFolder } from '../log-files.ts';
import { PASSWORD } from '../server/serve.ts';

const DOOR = new URL('../../dist/server/index.js', import.meta.url);

// Plain JavaScript of the built package: Node loads no TypeScript.
const PROGRAM = `
import { EventLogServer } from ${JSON.stringify(DOOR.href)};
const options = JSON.parse(process.argv[1]);
let told = 0;
let failures = [];
const onEvent = (line) => { told++; if (line.startsWith('internal')) failures.push(line); };
const server = await EventLogServer.start({ ...options, onEvent });
let peak = 0;
setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()); }, 20);
process.on('message', () => {
  gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { connections, openHandles, unsentBytes, partialRequestBytes } = server;
  process.send({ rss, peak, live: heapUsed + external, connections, openHandles, unsentBytes, partialRequestBytes, told, failures });
});
process.send({ port: server.port });
`;

/** What a server's process says of itself, after a collection. Bytes. */
export interface ServerState {
  /** What it has of the system now, and had at most. */
  readonly rss: number;
  readonly peak: number;
  /** What it can reach: objects, and memory outside of them. */
  readonly live: number;
  readonly connections: number;
  readonly openHandles: number;
  readonly unsentBytes: number;
  readonly partialRequestBytes: number;
  /** Lines for its operator, and those of them that tell of a failure inside. */
  readonly told: number;
  readonly failures: readonly string[];
}

/** A server in a process of its own. */
export class ServedProcess {
  readonly store: string;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, store: string, port: number) {
    this.#child = child;
    this.store = store;
    this.port = port;
  }

  /** Serves a new store to alice, mallory and trudy, who may read all of it. @param prepare fills it */
  static async start(limits: Partial<ServerLimits>, prepare: (store: string) => Promise<void>): Promise<ServedProcess> {
    const folder = temporaryFolder();
    const store = path.join(folder, 'store');
    const users = path.join(folder, 'users.json');
    mkdirSync(store);
    for (const name of ['alice', 'mallory', 'trudy']) addUser(users, { name, password: PASSWORD });
    await prepare(store);
    const options = JSON.stringify({ folder: store, users, limits });
    const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', PROGRAM, options], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
    });
    onTestFinished(() => void child.kill());
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new ServedProcess(child, store, port);
  }

  async state(): Promise<ServerState> {
    this.#child.send('state');
    const [state] = (await once(this.#child, 'message')) as [ServerState];
    return state;
  }
}
