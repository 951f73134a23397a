import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
// The built package, in both threads: worker threads load no TypeScript, and handles are shared within one copy of it.
import { EventLogServer } from '../../dist/server/index.js';
import * as winevt from '../../dist/wevtapi/index.js';
import * as promises from '../../dist/wevtapi/promises.js';
import { addUser } from '../../src/server/users.ts';
import { temporaryFolder } from '../log-files.ts';
import { fill } from '../server/serve.ts';

const { EvtQueryChannelPath, INFINITE, WIN32 } = winevt;
const PASSWORD = 'a password';
const NOTHING = "*[EventData[Data='never' or Data='again']]";

interface Answer {
  readonly calling?: boolean;
  readonly result?: number | boolean | null;
  readonly error?: number;
  readonly events?: readonly number[];
}

/** A thread that blocks in its calls to a server. */
class RemoteThread {
  readonly #worker: Worker;
  readonly #messages: Answer[] = [];
  readonly #waiting: ((answer: Answer) => void)[] = [];

  constructor(port: number, password: string) {
    this.#worker = new Worker(new URL('./remote-worker.mjs', import.meta.url), {
      workerData: { port, user: 'alice', password },
    });
    this.#worker.on('message', (message: Answer) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#messages.push(message);
      else waiting(message);
    });
  }

  next(): Promise<Answer> {
    const message = this.#messages.shift();
    return message === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(message);
  }

  /** Sets a call going. @returns what it ends with */
  async begin(name: string, ...args: unknown[]): Promise<{ readonly answer: Promise<Answer> }> {
    this.#worker.postMessage({ name, args });
    expect(await this.next()).toEqual({ calling: true });
    return { answer: this.next() };
  }

  async call(name: string, ...args: unknown[]): Promise<Answer> {
    return (await this.begin(name, ...args)).answer;
  }

  end(): Promise<number> {
    return this.#worker.terminate();
  }
}

async function setUp({ events = 12, password = PASSWORD } = {}) {
  const folder = temporaryFolder();
  const store = `${folder}/store`;
  const users = `${folder}/users.json`;
  const rights = [{ channels: '*', rights: ['read', 'clear'] as const }];
  addUser(users, { name: 'alice', password: PASSWORD, grants: rights });
  await fill(store, 'App', events);
  const server = await EventLogServer.start({ folder: store, users, exportFolder: folder });
  const thread = new RemoteThread(server.port, password);
  onTestFinished(async () => {
    await thread.end();
    await server.close();
  });
  const session = (await thread.next()).result as number;
  expect(session).toBeGreaterThan(0);
  return { folder, store, server, thread, session };
}

/** Cancels again and again: only a call that has begun can be cancelled, and the other thread says so just before it begins. */
async function cancelUntilAnswered(handle: number, answered: Promise<Answer>): Promise<Answer> {
  let answer: Answer | undefined;
  const taken = answered.then((given) => {
    answer = given;
  });
  while (answer === undefined) {
    expect(winevt.EvtCancel(handle)).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await taken;
  return answer;
}

describe('a thread that blocks on another machine', () => {
  test('queries, reads, seeks and closes as in C', async () => {
    const { thread, server } = await setUp();
    const { result: resultSet } = await thread.call('EvtQuery', 'session', 'App', '*', EvtQueryChannelPath);
    expect(await thread.call('EvtNext', resultSet, 5, INFINITE)).toMatchObject({
      result: true,
      events: [1, 2, 3, 4, 5],
    });
    expect(await thread.call('EvtSeek', resultSet, 0, null, 0, winevt.EvtSeekRelativeToLast)).toMatchObject({
      result: true,
    });
    expect(await thread.call('EvtNext', resultSet, 5, INFINITE)).toMatchObject({ result: true, events: [12] });
    expect(await thread.call('EvtNext', resultSet, 5, INFINITE)).toMatchObject({
      result: false,
      error: WIN32.ERROR_NO_MORE_ITEMS,
    });
    expect(await thread.call('EvtClose', resultSet)).toMatchObject({ result: true });
    expect(await thread.call('EvtClose', 'session')).toMatchObject({ result: true });
    while (server.openHandles > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  test('is cancelled in EvtNext by another thread with the same handle, and reads on without loss', async () => {
    const { thread } = await setUp({ events: 4000 });
    const { result } = await thread.call('EvtQuery', 'session', 'App', NOTHING, EvtQueryChannelPath);
    const resultSet = result as number;
    const { answer } = await thread.begin('EvtNext', resultSet, 10, INFINITE);
    const ended = await cancelUntilAnswered(resultSet, answer);
    // It may have come to the end of the log before.
    expect([WIN32.ERROR_CANCELLED, WIN32.ERROR_NO_MORE_ITEMS]).toContain(ended.error);
    expect(await thread.call('EvtNext', resultSet, 10, INFINITE)).toMatchObject({ error: WIN32.ERROR_NO_MORE_ITEMS });
    // The other thread closes it.
    expect(winevt.EvtClose(resultSet)).toBe(true);
    expect(await thread.call('EvtNext', resultSet, 10, INFINITE)).toMatchObject({ error: WIN32.ERROR_INVALID_HANDLE });
  });

  test('is cancelled while it waits for events, which are all there afterwards', async () => {
    const { thread, store } = await setUp({ events: 1 });
    const from = winevt.EvtSubscribeStartAtOldestRecord;
    const signal = new Int32Array(new SharedArrayBuffer(4));
    const args = ['session', signal, 'App', null, null, null, null, from];
    const subscription = (await thread.call('EvtSubscribe', ...args)).result as number;
    expect(await thread.call('EvtNext', subscription, 10, 600_000)).toMatchObject({ events: [1] });
    const { answer } = await thread.begin('EvtNext', subscription, 10, 600_000);
    expect(await cancelUntilAnswered(subscription, answer)).toMatchObject({ error: WIN32.ERROR_CANCELLED });
    const again = await thread.begin('EvtNext', subscription, 10, 600_000);
    await fill(store, 'App', 3, 2);
    const found = [...((await again.answer).events ?? [])];
    while (found.length < 3) found.push(...((await thread.call('EvtNext', subscription, 10, 600_000)).events ?? []));
    expect(found).toEqual([2, 3, 4]);
  });

  test('is cancelled in an export through its session, and no file is left', async () => {
    const { thread, session, folder } = await setUp({ events: 4000 });
    const flags = winevt.EvtExportLogChannelPath;
    const { answer } = await thread.begin('EvtExportLog', 'session', 'App', '*', 'out.evtx', flags);
    const { error } = await cancelUntilAnswered(session, answer);
    const isThere = readdirSync(folder).includes('out.evtx');
    expect([error, isThere]).toEqual(error === WIN32.ERROR_CANCELLED ? [error, false] : [0, true]);
  });

  test('is told of a wrong password, and of a machine that is not there', async () => {
    const { thread } = await setUp({ password: 'another one' });
    const query = ['EvtQuery', 'session', 'App', '*', EvtQueryChannelPath] as const;
    expect(await thread.call(...query)).toMatchObject({ result: null, error: WIN32.ERROR_ACCESS_DENIED });
    const { server, thread: other } = await setUp();
    await server.close();
    expect(await other.call(...query)).toMatchObject({ result: null, error: WIN32.RPC_S_SERVER_UNAVAILABLE });
  });

  test('needs a session of its own face', async () => {
    const { server } = await setUp();
    const login = { Server: `127.0.0.1:${server.port}`, User: 'alice', Password: PASSWORD };
    const session = await promises.EvtOpenSession(winevt.EvtRpcLogin, login);
    expect(winevt.EvtQuery(session, 'App', '*', EvtQueryChannelPath)).toBe(null);
    expect(winevt.GetLastError()).toBe(WIN32.ERROR_NOT_SUPPORTED);
    // The other way round works.
    const blocking = winevt.EvtOpenSession(winevt.EvtRpcLogin, login);
    const resultSet = await promises.EvtQuery(blocking, 'App', '*', EvtQueryChannelPath);
    expect(await promises.EvtNext(resultSet, 100)).toHaveLength(12);
    for (const handle of [resultSet, session, blocking]) expect(winevt.EvtClose(handle)).toBe(true);
  });
});
