import { describe, expect, it } from 'vitest';
import * as blocking from '../../src/wevtapi/index.ts';
import * as api from '../../src/wevtapi/promises.ts';
import { fill, PASSWORD, serve } from '../server/serve.ts';

async function opened(user = 'alice', count = 12) {
  const served = await serve();
  await fill(served.store, 'App', count);
  const login = { Server: `127.0.0.1:${served.server.port}`, User: user, Password: PASSWORD };
  return { ...served, login, session: await api.EvtOpenSession(api.EvtRpcLogin, login) };
}

async function numbers(resultSet: number, max = 100): Promise<number[]> {
  const found: number[] = [];
  for (const event of await api.EvtNext(resultSet, max)) {
    const xml = String(await api.EvtRender(null, event, api.EvtRenderEventXml));
    found.push(Number(/<EventRecordID>(\d+)</.exec(xml)?.[1]));
    await api.EvtClose(event);
  }
  return found;
}

describe('EvtOpenSession with another computer', () => {
  it('asks nobody: the first call connects, and is told what is wrong', async () => {
    const { server, session, login } = await opened();
    expect(server.connections).toBe(0);
    const resultSet = await api.EvtQuery(session, 'App', '*', api.EvtQueryChannelPath);
    expect(server.connections).toBe(1);
    expect(await numbers(resultSet)).toHaveLength(12);
    const wrong = await api.EvtOpenSession(api.EvtRpcLogin, { ...login, Password: 'wrong' });
    await expect(api.EvtQuery(wrong, 'App', '*', api.EvtQueryChannelPath)).rejects.toMatchObject({ code: 5 });
    await server.close();
    const gone = await api.EvtOpenSession(api.EvtRpcLogin, login);
    await expect(api.EvtQuery(gone, 'App', '*', api.EvtQueryChannelPath)).rejects.toMatchObject({ code: 1722 });
    for (const each of [session, wrong, gone]) await api.EvtClose(each);
  });

  it.each([
    ['a password without a user', { User: null }, 5],
    ['a user without a password', { Password: null }, 5],
    ['Kerberos', { Flags: api.EvtRpcLoginAuthKerberos }, 50],
    ['flags that are none', { Flags: 9 }, 87],
    ['no port', { Server: '127.0.0.1:0' }, 87],
    ['a port that is too high', { Server: '127.0.0.1:65536' }, 87],
    ['more than a port', { Server: 'host:1:2' }, 87],
    ['something behind an address', { Server: '[::1]x' }, 87],
  ] as const)('refuses %s at once, on both faces', async (_, given, code) => {
    const login = { Server: '127.0.0.1:4913', User: 'alice', Password: PASSWORD, ...given };
    await expect(api.EvtOpenSession(api.EvtRpcLogin, login)).rejects.toMatchObject({ code });
    expect(blocking.EvtOpenSession(blocking.EvtRpcLogin, login)).toBeNull();
    expect(blocking.GetLastError()).toBe(code);
  });

  it('names the domain in the user, or beside it', async () => {
    const { login } = await opened();
    for (const given of [
      { User: 'DOMAIN\\alice' },
      { User: 'Alice', Domain: 'DOMAIN' },
      { Flags: api.EvtRpcLoginAuthNTLM },
    ]) {
      const session = await api.EvtOpenSession(api.EvtRpcLogin, { ...login, ...given });
      expect(await numbers(await api.EvtQuery(session, 'App', '*', api.EvtQueryChannelPath))).toHaveLength(12);
      await api.EvtClose(session);
    }
  });

  it('closed, it closes what was opened through it, there as well', async () => {
    const { server, session } = await opened();
    const resultSet = await api.EvtQuery(session, 'App', '*', api.EvtQueryChannelPath);
    const signal = {};
    const flags = api.EvtSubscribeToFutureEvents;
    const subscription = await api.EvtSubscribe(session, signal, 'App', null, null, null, null, flags);
    await api.EvtClose(session);
    for (const handle of [resultSet, subscription]) {
      await expect(api.EvtNext(handle, 1)).rejects.toMatchObject({ code: 6 });
    }
    // The server hears of it through the connection's end.
    while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(server.openHandles).toBe(0);
  });
});

describe('winevt.h with promises, on another computer', () => {
  it('seeks from every origin, and strictly', async () => {
    const { session } = await opened();
    const resultSet = await api.EvtQuery(session, 'App', '*', api.EvtQueryChannelPath);
    const at = async (position: number, flags: number, bookmark: number | null = null) => {
      await api.EvtSeek(resultSet, position, bookmark, 0, flags);
      return (await numbers(resultSet, 1))[0];
    };
    expect(await at(3, api.EvtSeekRelativeToFirst)).toBe(4);
    expect(await at(-1, api.EvtSeekRelativeToLast)).toBe(11);
    expect(await at(-4, api.EvtSeekRelativeToCurrent)).toBe(8);
    const [event] = await api.EvtNext(resultSet, 1);
    const bookmark = await api.EvtCreateBookmark(null);
    await api.EvtUpdateBookmark(bookmark, event!);
    expect(await at(0, api.EvtSeekRelativeToBookmark, bookmark)).toBe(9);
    expect(await at(-2, api.EvtSeekRelativeToBookmark, bookmark)).toBe(7);
    const strict = api.EvtSeekStrict;
    for (const [position, flags, given, code] of [
      [12, api.EvtSeekRelativeToFirst | strict, null, 1168],
      [-12, api.EvtSeekRelativeToLast | strict, null, 1168],
      [99, api.EvtSeekRelativeToCurrent | strict, null, 1168],
      [9, api.EvtSeekRelativeToBookmark | strict, bookmark, 1168],
      [-1, api.EvtSeekRelativeToFirst, null, 87],
      [1, api.EvtSeekRelativeToLast, null, 87],
      [0, 0, null, 87],
    ] as const) {
      await expect(api.EvtSeek(resultSet, position, given, 0, flags)).rejects.toMatchObject({ code });
    }
    // None of them has moved anything.
    expect(await numbers(resultSet, 1)).toEqual([8]);
  });

  it('says of a query and its events what a session of that computer says', async () => {
    const { session, store } = await opened();
    await fill(store, 'Other', 2);
    const query = `<QueryList><Query Id='4'><Select Path='App'>*[System[EventID=3]]</Select></Query>
      <Query><Select Path='Other'>*</Select><Select Path='NoSuch'>*</Select></Query></QueryList>`;
    const flags = api.EvtQueryChannelPath | api.EvtQueryTolerateQueryErrors;
    const told = async (from: number) => {
      const resultSet = await api.EvtQuery(from, null, query, flags);
      const events = [];
      for (const event of await api.EvtNext(resultSet, 10)) {
        events.push([
          (await api.EvtGetEventInfo(event, api.EvtEventQueryIDs)).value,
          (await api.EvtGetEventInfo(event, api.EvtEventPath)).value,
          await api.EvtRender(null, event, api.EvtRenderEventXml),
        ]);
      }
      const names = (await api.EvtGetQueryInfo(resultSet, api.EvtQueryNames)).value as string[];
      const statuses = (await api.EvtGetQueryInfo(resultSet, api.EvtQueryStatuses)).value as number[];
      return { events, logs: names.map((name, i) => [name, statuses[i]]).sort() };
    };
    const local = await api.EvtOpenSession(api.EvtRpcLogin, { LogsFolder: store });
    const there = await told(session);
    expect(there).toEqual(await told(local));
    expect(there.events.map(([ids]) => ids)).toEqual([[4], [0xffff_ffff], [0xffff_ffff]]);
    expect(there.logs).toContainEqual(['NoSuch', 15007]);
    await api.EvtClose(local);
  });

  it('knows logs and channels, changes, exports and clears', async () => {
    const { session, exports } = await opened('carol');
    const names: string[] = [];
    const channels = await api.EvtOpenChannelEnum(session);
    for (let name = await api.EvtNextChannelPath(channels); name !== undefined; ) {
      names.push(name);
      name = await api.EvtNextChannelPath(channels);
    }
    expect(names).toContain('App');
    const log = await api.EvtOpenLog(session, 'App', api.EvtOpenChannelPath);
    expect((await api.EvtGetLogInfo(log, api.EvtLogNumberOfLogRecords)).value).toBe(12n);
    await expect(api.EvtOpenLog(session, 'NoSuch', api.EvtOpenChannelPath)).rejects.toMatchObject({ code: 15007 });

    const config = await api.EvtOpenChannelConfig(session, 'App');
    const size = { type: 10, value: 4n * 1024n * 1024n };
    await api.EvtSetChannelConfigProperty(config, api.EvtChannelLoggingConfigMaxSize, 0, size);
    await api.EvtSaveChannelConfig(config);
    const again = await api.EvtOpenChannelConfig(session, 'App');
    const saved = await api.EvtGetChannelConfigProperty(again, api.EvtChannelLoggingConfigMaxSize);
    expect(saved).toMatchObject(size);

    const flags = api.EvtExportLogChannelPath;
    await api.EvtExportLog(session, 'App', '*[System[EventID<4]]', 'few.evtx', flags);
    await expect(api.EvtExportLog(session, 'App', '*', 'few.evtx', flags)).rejects.toMatchObject({ code: 80 });
    const overwrite = flags | api.EvtExportLogOverwrite;
    await expect(api.EvtExportLog(session, 'App', '*', 'few.evtx', overwrite)).rejects.toMatchObject({ code: 50 });
    const file = await api.EvtQuery(session, 'few.evtx', null, api.EvtQueryFilePath);
    expect(await numbers(file)).toEqual([1, 2, 3]);
    await api.EvtClearLog(session, 'App', 'all.evtx');
    expect((await api.EvtGetLogInfo(log, api.EvtLogNumberOfLogRecords)).value).toBe(0n);
    const whole = await api.EvtQuery(null, `${exports}/all.evtx`, null, api.EvtQueryFilePath);
    expect(await numbers(whole)).toHaveLength(12);
  });

  it('gives the events of a subscription to a callback, and past ones from a bookmark on', async () => {
    const { session, store } = await opened();
    const bookmark = await api.EvtCreateBookmark(
      "<BookmarkList><Bookmark Channel='App' RecordId='10' IsCurrent='true'/></BookmarkList>",
    );
    const found: number[] = [];
    let enough = () => {};
    const all = new Promise<void>((resolve) => {
      enough = resolve;
    });
    const callback = async (action: number, _: unknown, event: number) => {
      expect(action).toBe(api.EvtSubscribeActionDeliver);
      const xml = String(await api.EvtRender(null, event, api.EvtRenderEventXml));
      found.push(Number(/<EventRecordID>(\d+)</.exec(xml)?.[1]));
      if (found.length === 2) await fill(store, 'App', 2, 13);
      if (found.length === 4) enough();
    };
    const flags = api.EvtSubscribeStartAfterBookmark;
    const subscription = await api.EvtSubscribe(session, null, 'App', null, bookmark, null, callback, flags);
    await all;
    expect(found).toEqual([11, 12, 13, 14]);
    await api.EvtClose(subscription);
  });
});

describe('winevt.h blocking, on a session that was opened for promises', () => {
  it('says of each call that has to ask the computer that it needs a session of its own', async () => {
    const { session } = await opened('carol');
    const resultSet = await api.EvtQuery(session, 'App', '*', api.EvtQueryChannelPath);
    const log = await api.EvtOpenLog(session, 'App', api.EvtOpenChannelPath);
    const config = await api.EvtOpenChannelConfig(session, 'App');
    const boolean = { type: 13, value: true };
    blocking.EvtSetChannelConfigProperty(config, blocking.EvtChannelLoggingConfigRetention, 0, boolean);
    const signal = new Int32Array(new SharedArrayBuffer(4));
    const calls: readonly (() => unknown)[] = [
      () => blocking.EvtQuery(session, 'App', '*', blocking.EvtQueryChannelPath),
      () => blocking.EvtSubscribe(session, signal, 'App', null, null, null, null, 1),
      () => blocking.EvtNext(resultSet, 1, [], 0, 0),
      () => blocking.EvtSeek(resultSet, 1, null, 0, blocking.EvtSeekRelativeToFirst),
      () => blocking.EvtOpenLog(session, 'App', blocking.EvtOpenChannelPath),
      () => blocking.EvtGetLogInfo(log, blocking.EvtLogNumberOfLogRecords, {}),
      () => blocking.EvtExportLog(session, 'App', null, 'x.evtx', blocking.EvtExportLogChannelPath),
      () => blocking.EvtClearLog(session, 'App', null),
      () => blocking.EvtOpenChannelEnum(session),
      () => blocking.EvtOpenChannelConfig(session, 'App'),
      () => blocking.EvtSaveChannelConfig(config),
    ];
    for (const call of calls) {
      blocking.SetLastError(0);
      expect([null, false]).toContain(call());
      expect(blocking.GetLastError()).toBe(50);
      const status: blocking.Out<string> = {};
      blocking.EvtGetExtendedStatus(status);
      expect(status.value).toContain('a session of winevt/wevtapi');
    }
    // None of it has done anything.
    expect(await numbers(resultSet, 2)).toEqual([1, 2]);
  });

  it('cancels, closes, renders and tells of what has come', async () => {
    const { session, server } = await opened();
    const resultSet = await api.EvtQuery(session, 'App', '*', api.EvtQueryChannelPath);
    const [event] = await api.EvtNext(resultSet, 1);
    const xml: blocking.Out<string | readonly blocking.Variant[]> = {};
    expect(blocking.EvtRender(null, event!, blocking.EvtRenderEventXml, xml)).toBe(true);
    expect(xml.value).toContain('<EventRecordID>1</EventRecordID>');
    const bookmark = blocking.EvtCreateBookmark(null)!;
    expect(blocking.EvtUpdateBookmark(bookmark, event!)).toBe(true);
    expect(blocking.EvtRender(null, bookmark, blocking.EvtRenderBookmark, xml)).toBe(true);
    expect(xml.value).toContain("Channel='App' RecordId='1' IsCurrent='true'");
    const property: blocking.Out<blocking.Variant> = {};
    expect(blocking.EvtGetEventInfo(event!, blocking.EvtEventPath, property)).toBe(true);
    expect(property.value?.value).toBe('App');
    expect(blocking.EvtGetQueryInfo(resultSet, blocking.EvtQueryNames, property)).toBe(true);
    expect(property.value?.value).toEqual(['App']);
    const reading = api.EvtNext(resultSet, 5);
    expect(blocking.EvtCancel(resultSet)).toBe(true);
    await expect(reading).rejects.toMatchObject({ code: 1223 });
    expect(await numbers(resultSet, 2)).toEqual([2, 3]);
    expect(blocking.EvtClose(session)).toBe(true);
    while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(server.openHandles).toBe(0);
  });
});
