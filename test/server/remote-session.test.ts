import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { EventLogQuery } from '../../src/session/event-log-query.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import type { EventRecord } from '../../src/session/event-record.ts';
import { fill, PASSWORD, serve } from './serve.ts';

async function ids(events: AsyncIterable<EventRecord>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const { id } of events) found.push(id);
  return found;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe.each(['negotiate', 'ntlm'] as const)('a session with another machine, by %s', (authentication) => {
  it.each(['integrity', 'privacy'] as const)('reads a channel, protected by %s', async (protection) => {
    const { store, session } = await serve();
    await fill(store, 'App', 700);
    const remote = session({ authentication, protection });
    expect(await ids(remote.events('App'))).toEqual(upTo(700));
    expect(await ids(remote.events('App', '*[System[EventID <= 3]]'))).toEqual([1, 2, 3]);
  });
});

describe('a session with another machine', () => {
  it('gives events as the machine itself does', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 20);
    const xml = async (from: EventLogSession) => {
      const found: string[] = [];
      for await (const event of from.events('App', '*', { pathType: 'channel' })) found.push(event.xml());
      return found;
    };
    const local = EventLogSession.open({ store });
    expect(await xml(session())).toEqual(await xml(local));
    local.close();
  });

  it('reads newest first, seeks, and goes on from a bookmark', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 50);
    const remote = session();
    expect((await ids(remote.events('App', undefined, { reverse: true }))).slice(0, 3)).toEqual([50, 49, 48]);
    await using reader = remote.query('App');
    const first = await reader.readBatch(10);
    await reader.seek('last', 0);
    expect((await reader.readBatch(10)).map(({ id }) => id)).toEqual([50]);
    await reader.seek(first[4]!.bookmark, 1);
    expect((await reader.readBatch(2)).map(({ id }) => id)).toEqual([6, 7]);
    await reader.seek('current', -3);
    expect((await reader.readBatch(1)).map(({ id }) => id)).toEqual([5]);
    await expect(reader.seek('last', 1)).rejects.toMatchObject({ code: 87 });
    expect((await reader.readBatch(1)).map(({ id }) => id)).toEqual([6]);
  });

  it('tells channels, their properties and their logs', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 5);
    const remote = session();
    expect(await remote.getLogNames()).toContain('App');
    expect(await remote.getLogInformation('App')).toMatchObject({
      numberOfLogRecords: 5n,
      oldestRecordNumber: 1n,
      full: false,
    });
    expect(await remote.getLogConfiguration('App')).toMatchObject({ maximumSizeInBytes: 1024 * 1024, isEnabled: true });
    await expect(remote.getLogConfiguration('NoSuch')).rejects.toMatchObject({ code: 15007 });
  });

  it('changes a channel for an administrator only', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 1);
    const change = async (user: string) => {
      const config = await session({ user }).getLogConfiguration('App');
      config.maximumSizeInBytes = 4 * 1024 * 1024;
      await config.saveChanges();
    };
    await expect(change('alice')).rejects.toMatchObject({ code: 5 });
    await change('carol');
    expect((await session().getLogConfiguration('App')).maximumSizeInBytes).toBe(4 * 1024 * 1024);
  });

  it('exports and clears there, in the folder for that', async () => {
    const { store, session, exports } = await serve();
    await fill(store, 'App', 30);
    const remote = session();
    await remote.exportLog('App', '*[System[EventID <= 7]]', 'few.evtx');
    const few = path.join(exports, 'few.evtx');
    expect(await ids(EventLogSession.local().events(few))).toEqual(upTo(7));
    await expect(remote.exportLog('App', '*', 'few.evtx')).rejects.toMatchObject({ code: 80 });
    await expect(remote.exportLog('App', '*', '/tmp/elsewhere.evtx')).rejects.toMatchObject({ code: 5 });
    await expect(remote.exportLog('App', '*', '../elsewhere.evtx')).rejects.toMatchObject({ code: 5 });
    await remote.clearLog('App', { backup: 'all.evtx' });
    expect(await ids(remote.events('App'))).toEqual([]);
    expect(await ids(EventLogSession.local().events(path.join(exports, 'all.evtx')))).toEqual(upTo(30));
    expect(readdirSync(exports).sort()).toEqual(['all.evtx', 'few.evtx']);
  });

  it('follows a channel', async () => {
    const { store, session } = await serve();
    await fill(store, 'App', 3);
    const remote = session();
    await using watcher = remote.watch('App', undefined, { start: 'oldest' });
    const found: unknown[] = [];
    let written = 3;
    for await (const { id } of watcher) {
      found.push(id);
      if (found.length === written && written < 9) {
        await fill(store, 'App', 3, written + 1);
        written += 3;
      }
      if (found.length === 9) break;
    }
    expect(found).toEqual(upTo(9));
  });
});

describe('who is not let in', () => {
  it.each([
    ['a wrong password', { password: 'wrong' }, 'wrong user or password'],
    ['an unknown user', { user: 'mallory' }, 'wrong user or password'],
    ['nobody', { user: undefined, password: undefined }, 'no user was named'],
  ])('%s is told so', async (_, given, why) => {
    const { session, store } = await serve();
    await fill(store, 'App', 1);
    for (const authentication of ['negotiate', 'ntlm'] as const) {
      await expect(session({ ...given, authentication }).getLogNames()).rejects.toMatchObject({
        code: 5,
        detail: expect.stringContaining(why),
      });
    }
  });

  it('who may not read a channel, or clear one', async () => {
    const { session, store } = await serve();
    await fill(store, 'App', 1);
    await fill(store, 'Other', 1);
    const bob = session({ user: 'BOB' });
    expect(await ids(bob.events('App'))).toEqual([1]);
    await expect(ids(bob.events('Other'))).rejects.toMatchObject({ code: 5 });
    await expect(
      ids(
        bob.events(
          new EventLogQuery(undefined, "<QueryList><Query><Select Path='Other'>*</Select></Query></QueryList>"),
        ),
      ),
    ).rejects.toMatchObject({ code: 5 });
    await expect(bob.clearLog('App')).rejects.toMatchObject({ code: 5 });
    await expect(ids(session().events(path.join(store, 'App.evtx')))).rejects.toMatchObject({ code: 5 });
    expect(existsSync(path.join(store, 'App.evtx'))).toBe(true);
  });

  it('a machine that does not answer is named', async () => {
    const { server, session } = await serve();
    await server.close();
    await expect(session().getLogNames()).rejects.toMatchObject({
      code: 1722,
      message: expect.stringContaining('127.0.0.1'),
    });
    // Without a port, it was the endpoint mapper that did not answer.
    const { port: endpointMapperPort } = server;
    await expect(session({ port: undefined, endpointMapperPort }).getLogNames()).rejects.toMatchObject({
      code: 1722,
      detail: expect.stringContaining('HOST:PORT'),
    });
  });

  it('no error says the password', async () => {
    const { session } = await serve();
    const error: unknown = await session({ user: 'mallory' })
      .getLogNames()
      .catch((failure: unknown) => failure);
    expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain(PASSWORD);
  });
});
