import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { onTestFinished } from 'vitest';
import { EventLogServer, type ServerOptions } from '../../src/server/event-log-server.ts';
import { addUser } from '../../src/server/users.ts';
import type { RemoteSessionOptions } from '../../src/service/remote/credentials.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { temporaryFolder } from '../log-files.ts';

export const PASSWORD = 'correct horse battery staple';

export interface Served {
  readonly server: EventLogServer;
  /** The store that is served. */
  readonly store: string;
  /** The folder that clients may write to. */
  readonly exports: string;
  /** A session on it, of alice unless said otherwise. */
  session(options?: Partial<RemoteSessionOptions>): EventLogSession;
  /** What the server told its operator. */
  readonly told: string[];
}

/** Serves a new store to alice, who may read and clear, bob, who may read `App*`, and carol, who administers. */
export async function serve(options: Partial<ServerOptions> = {}): Promise<Served> {
  const folder = temporaryFolder();
  const store = path.join(folder, 'store');
  const exports = path.join(folder, 'exports');
  const users = path.join(folder, 'users.json');
  mkdirSync(exports);
  const user = (name: string, channels: string, rights: ('read' | 'clear')[], administrator = false) =>
    addUser(users, { name, password: PASSWORD, administrator, grants: [{ channels, rights }] });
  user('alice', '*', ['read', 'clear']);
  user('bob', 'App*', ['read']);
  user('carol', '*', ['read', 'clear'], true);
  const told: string[] = [];
  const server = await EventLogServer.start({
    folder: store,
    users,
    exportFolder: exports,
    onEvent: (line) => told.push(line),
    ...options,
  });
  const sessions: EventLogSession[] = [];
  onTestFinished(async () => {
    for (const session of sessions) session.close();
    await server.close();
  });
  const session = (given: Partial<RemoteSessionOptions> = {}) => {
    const opened = EventLogSession.remote({
      host: '127.0.0.1',
      port: server.port,
      user: 'alice',
      password: PASSWORD,
      ...given,
    });
    sessions.push(opened);
    return opened;
  };
  return { server, store, exports, session, told };
}

/** Writes events with ids from 1 on to a channel of a store. */
export async function fill(store: string, channel: string, count: number, first = 1): Promise<void> {
  const session = EventLogSession.open({ store });
  try {
    const events = Array.from({ length: count }, (_, i) => ({
      provider: 'Test',
      id: ((first + i - 1) % 60_000) + 1,
      data: { Number: String(first + i) },
    }));
    await session.write(channel, events);
  } finally {
    session.close();
  }
}
