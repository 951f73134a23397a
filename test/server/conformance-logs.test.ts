import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { u32, u64 } from '../../src/bytes/little-endian.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { fill, serve } from './serve.ts';
import { CONTEXT_MISMATCH, next, numbersIn, Path, queryOf, Status, TOLERATE, type Wire, wireTo } from './wire.ts';

/** Conformance cases 61 to 64 and 73 of MS-EVEN6's operations 4, 6 to 8, 13, 17 and 18: whole logs, and closing. */

async function application(count: number) {
  const served = await serve();
  await fill(served.store, 'Application', count);
  return { ...served, wire: wireTo(served) };
}

async function controlOf(wire: Wire): Promise<string | undefined> {
  return (await wire.ask(operations.REGISTER_CONTROLLABLE_OPERATION, {})).control;
}

async function clear(wire: Wire, channel: string, backup?: string) {
  return wire.ask(operations.CLEAR_LOG, { control: await controlOf(wire), channel, backup, flags: 0 });
}

async function exportTo(
  wire: Wire,
  target: string,
  options: { channel?: string | undefined; query?: string; flags?: number } = {},
) {
  const { channel = 'Application', query = '*', flags = Path.channel } = options;
  const input = { control: await controlOf(wire), channel, query, target, flags };
  return wire.ask(operations.EXPORT_LOG, input);
}

function openLog(wire: Wire, log: string, flags: number) {
  return wire.ask(operations.OPEN_LOG_HANDLE, { path: log, flags });
}

function info(wire: Wire, log: string | undefined, property: number, size = 16) {
  return wire.ask(operations.GET_LOG_FILE_INFO, { log, property, size });
}

async function idsOf(file: string): Promise<unknown[]> {
  const ids: unknown[] = [];
  for await (const { id } of EventLogSession.local().events(file)) ids.push(id);
  return ids;
}

const evtxexport = ['evtxexport', '-f', 'xml'] as const;
const hasEvtxexport = spawnSync('evtxexport', ['-V']).status === 0;

describe('clearing', () => {
  it('61: an unknown channel is 0x3A9F, and a name that none can have 0x3A98', async () => {
    const { wire } = await application(1);
    expect(await clear(wire, 'NoSuch')).toMatchObject({ status: Status.channelNotFound });
    expect(await clear(wire, 'a|b')).toMatchObject({ status: Status.invalidChannelPath });
  });

  it('61: a backup that is there is 0x50, and nothing is cleared', async () => {
    const { wire, exports } = await application(3);
    writeFileSync(path.join(exports, 'there.evtx'), 'kept');
    expect(await clear(wire, 'Application', 'there.evtx')).toEqual({
      info: operations.NO_INFO,
      status: Status.fileExists,
    });
    expect(statSync(path.join(exports, 'there.evtx')).size).toBe(4);
    expect(numbersIn(await next(wire, (await queryOf(wire, 'Application')).query, 5))).toEqual([1, 2, 3]);
  });

  it('61: without the right it is 5, also for who may read, and nothing is made', async () => {
    const served = await application(3);
    const bob = wireTo(served, 'bob');
    expect((await clear(bob, 'Application', 'bob.evtx')).status).toBe(Status.accessDenied);
    expect((await clear(bob, 'Application')).status).toBe(Status.accessDenied);
    expect(readdirSync(served.exports)).toEqual([]);
    expect(numbersIn(await next(bob, (await queryOf(bob, 'Application')).query, 5))).toEqual([1, 2, 3]);
  });

  it('61: empties the log, with the events in the backup, and the numbers go on', async () => {
    const { wire, store, exports } = await application(3);
    expect(await clear(wire, 'Application', 'all.evtx')).toEqual({ info: operations.NO_INFO, status: Status.success });
    expect(await idsOf(path.join(exports, 'all.evtx'))).toEqual([1, 2, 3]);
    const { query } = await queryOf(wire, 'Application');
    expect((await next(wire, query, 5)).status).toBe(Status.noMoreItems);
    await fill(store, 'Application', 1, 9);
    expect(numbersIn(await next(wire, (await queryOf(wire, 'Application')).query, 5))).toEqual([4]);
    // An empty name is no backup.
    expect((await clear(wire, 'Application', '')).status).toBe(Status.success);
    expect(readdirSync(exports)).toEqual(['all.evtx']);
  });
});

describe('exporting', () => {
  it('62: flags that do not say what is exported are 0x57', async () => {
    const { wire, exports } = await application(1);
    for (const flags of [3, 0, TOLERATE, Path.channel | 0x100]) {
      expect((await exportTo(wire, 'a.evtx', { flags })).status).toBe(Status.invalidParameter);
    }
    expect(readdirSync(exports)).toEqual([]);
  });

  it('62: a target that is there is 0x50, a link that leads nowhere included', async () => {
    const { wire, exports } = await application(1);
    writeFileSync(path.join(exports, 'there.evtx'), 'kept');
    expect((await exportTo(wire, 'there.evtx')).status).toBe(Status.fileExists);
    expect(statSync(path.join(exports, 'there.evtx')).size).toBe(4);
  });

  it('62: a target outside of the folder for exports is 5, whatever way leads there', async () => {
    const { wire, exports, store } = await application(1);
    mkdirSync(path.join(exports, 'sub'));
    symlinkSync(store, path.join(exports, 'link'));
    symlinkSync(path.join(store, 'nowhere.evtx'), path.join(exports, 'dangling.evtx'));
    const before = readdirSync(store);
    for (const target of [
      '/tmp/elsewhere.evtx',
      path.join(store, 'elsewhere.evtx'),
      '../elsewhere.evtx',
      'sub/../../elsewhere.evtx',
      'link/elsewhere.evtx',
      'dangling.evtx',
      '.',
      exports,
    ]) {
      expect((await exportTo(wire, target)).status).toBe(Status.accessDenied);
    }
    for (const target of ['', 'C:\\logs\\a.evtx']) {
      expect((await exportTo(wire, target)).status).toBe(Status.invalidParameter);
    }
    expect(readdirSync(store)).toEqual(before);
    expect(readdirSync(exports).sort()).toEqual(['dangling.evtx', 'link', 'sub']);
  });

  it('62: without a folder for exports, nobody exports, backs up, or reads files', async () => {
    const served = await serve({ exportFolder: undefined });
    await fill(served.store, 'Application', 1);
    const wire = wireTo(served);
    expect((await exportTo(wire, 'a.evtx')).status).toBe(Status.accessDenied);
    expect((await clear(wire, 'Application', 'a.evtx')).status).toBe(Status.accessDenied);
    expect((await openLog(wire, path.join(served.store, 'Application.evtx'), Path.file)).status).toBe(
      Status.accessDenied,
    );
    expect((await clear(wire, 'Application')).status).toBe(Status.success);
  });

  it('62: an unknown channel is 0x3A9F, a missing file 2, a folder that is missing 3, a bad query 0x3A99 with details', async () => {
    const { wire } = await application(1);
    expect((await exportTo(wire, 'a.evtx', { channel: 'NoSuch' })).status).toBe(Status.channelNotFound);
    expect((await exportTo(wire, 'a.evtx', { channel: 'no.evtx', flags: Path.file })).status).toBe(Status.fileNotFound);
    expect((await exportTo(wire, 'no/a.evtx')).status).toBe(Status.pathNotFound);
    const answer = await exportTo(wire, 'a.evtx', { query: '*[System[' });
    expect([answer.status, answer.info.error]).toEqual([Status.invalidQuery, Status.invalidQuery]);
  });

  it('62: makes a log of the events that match, which our reader and another one open', async () => {
    const { wire, exports } = await application(12);
    expect(await exportTo(wire, 'few.evtx', { query: '*[System[EventID<=7]]' })).toEqual({
      info: operations.NO_INFO,
      status: Status.success,
    });
    const few = path.join(exports, 'few.evtx');
    expect(await idsOf(few)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(await EventLogSession.local().getLogInformation(few)).toMatchObject({
      numberOfLogRecords: 7n,
      oldestRecordNumber: 1n,
    });
    // By its whole path, and in a folder below.
    mkdirSync(path.join(exports, 'sub'));
    const whole = path.join(exports, 'sub', 'all.evtx');
    expect((await exportTo(wire, whole)).status).toBe(Status.success);
    expect(await idsOf(whole)).toHaveLength(12);
    // Nothing that matches makes a log without events.
    expect((await exportTo(wire, 'none.evtx', { query: '*[System[EventID=99]]' })).status).toBe(Status.success);
    expect(await idsOf(path.join(exports, 'none.evtx'))).toEqual([]);
  });

  it.skipIf(!hasEvtxexport)('62: such a log is read by libevtx', async () => {
    const { wire, exports } = await application(12);
    await exportTo(wire, 'few.evtx', { query: '*[System[EventID<=7]]' });
    const [command, ...args] = evtxexport;
    const { status, stdout } = spawnSync(command, [...args, path.join(exports, 'few.evtx')], { encoding: 'utf8' });
    expect([status, stdout.match(/<EventID>/g)?.length]).toEqual([0, 7]);
  });

  it('62: exports what the user may read, and no more', async () => {
    const served = await application(2);
    await fill(served.store, 'Other', 1);
    const bob = wireTo(served, 'bob');
    const list =
      "<QueryList><Query><Select Path='Application'>*</Select><Select Path='Other'>*</Select></Query></QueryList>";
    expect((await exportTo(bob, 'a.evtx', { channel: 'Other' })).status).toBe(Status.accessDenied);
    expect((await exportTo(bob, 'a.evtx', { channel: undefined, query: list })).status).toBe(Status.accessDenied);
    expect(readdirSync(served.exports)).toEqual([]);
    const flags = Path.channel | TOLERATE;
    expect((await exportTo(bob, 'b.evtx', { channel: undefined, query: list, flags })).status).toBe(Status.success);
    expect(await idsOf(path.join(served.exports, 'b.evtx'))).toEqual([1, 2]);
  });

  it('63: takes the control handle of a query, and not one of another client', async () => {
    const served = await application(2);
    const { wire } = served;
    const { query, control } = await queryOf(wire, 'Application');
    const input = { channel: 'Application', query: '*', target: 'a.evtx', flags: Path.channel };
    expect((await wire.ask(operations.EXPORT_LOG, { ...input, control })).status).toBe(Status.success);
    // Nor the handle of the query itself.
    expect((await wire.ask(operations.EXPORT_LOG, { ...input, control: query })).status).toBe(Status.invalidParameter);
    const foreign = await controlOf(wireTo(served));
    await expect(wire.ask(operations.EXPORT_LOG, { ...input, control: foreign })).rejects.toMatchObject(
      CONTEXT_MISMATCH,
    );
    await expect(wire.ask(operations.EXPORT_LOG, { ...input, control: undefined })).rejects.toMatchObject(
      CONTEXT_MISMATCH,
    );
  });
});

describe('files of the folder for exports', () => {
  it('are queried by who may read all channels, one by one, and no others', async () => {
    const served = await application(3);
    const { wire, exports, store } = served;
    await exportTo(wire, 'all.evtx');
    const read = async (from: Wire, file: string, flags: number = Path.file, query = '*') => {
      const answer = await from.ask(operations.REGISTER_LOG_QUERY, {
        path: query === '*' ? file : undefined,
        query,
        flags,
      });
      return answer.status === 0 ? numbersIn(await next(from, answer.query, 10)) : answer.status;
    };
    const list = (file: string) =>
      `<QueryList><Query><Select Path='file://${file}'>*[System[EventID!=2]]</Select></Query></QueryList>`;
    expect(await read(wire, 'all.evtx')).toEqual([1, 2, 3]);
    expect(await read(wire, path.join(exports, 'all.evtx'))).toEqual([1, 2, 3]);
    expect(await read(wire, '', Path.file, list('all.evtx'))).toEqual([1, 3]);
    expect(await read(wire, '', Path.channel, list(path.join(exports, 'all.evtx')))).toEqual([1, 3]);
    symlinkSync(path.join(store, 'Application.evtx'), path.join(exports, 'link.evtx'));
    for (const file of [path.join(store, 'Application.evtx'), '../store/Application.evtx', 'link.evtx', exports, '.']) {
      expect(await read(wire, file)).toBe(Status.accessDenied);
      expect(await read(wire, '', Path.file, list(file))).toBe(Status.accessDenied);
    }
    mkdirSync(path.join(exports, 'folder'));
    expect(await read(wire, 'folder')).toBe(Status.accessDenied);
    expect(await read(wire, 'no.evtx')).toBe(Status.fileNotFound);
    expect(await read(wire, 'a\\b.evtx')).toBe(Status.invalidName);
    writeFileSync(path.join(exports, 'text.evtx'), 'this is no log');
    expect(await read(wire, 'text.evtx')).toBe(Status.fileCorrupt);
    // An exported log may hold events of channels that this user may not read.
    const bob = wireTo(served, 'bob');
    expect(await read(bob, 'all.evtx')).toBe(Status.accessDenied);
    expect(await read(bob, '', Path.file, list('all.evtx'))).toBe(Status.accessDenied);
    expect((await openLog(bob, 'all.evtx', Path.file)).status).toBe(Status.accessDenied);
    expect((await exportTo(bob, 'b.evtx', { channel: 'all.evtx', flags: Path.file })).status).toBe(Status.accessDenied);
  });

  it('op 8 finds no messages for a log, and says so in the details', async () => {
    const { wire, exports } = await application(3);
    await exportTo(wire, 'all.evtx');
    const localize = async (file: string, flags = 0) => {
      const input = { control: await controlOf(wire), file, locale: 1033, flags };
      const { status, info } = await wire.ask(operations.LOCALIZE_EXPORT_LOG, input);
      return [status, info.error];
    };
    // Windows goes on when an event cannot be rendered, and ends like this. The messages are on the machines of their publishers.
    expect(await localize('all.evtx')).toEqual([Status.success, Status.messageNotFound]);
    expect(await localize('no.evtx')).toEqual([Status.fileNotFound, 0]);
    expect(await localize('a\\b.evtx')).toEqual([Status.invalidName, 0]);
    expect(await localize('../store/Application.evtx')).toEqual([Status.accessDenied, 0]);
    expect(await localize('all.evtx', 1)).toEqual([Status.invalidParameter, 0]);
    expect(readdirSync(exports)).toEqual(['all.evtx']);
  });
});

describe('what is known of a log', () => {
  it('64: flags that do not say what it is are 0x57, an unknown channel 0x3A9F, a missing file 2', async () => {
    const { wire } = await application(1);
    for (const flags of [3, 0, Path.channel | 4]) {
      expect(await openLog(wire, 'Application', flags)).toEqual({
        log: undefined,
        info: operations.NO_INFO,
        status: Status.invalidParameter,
      });
    }
    expect(await openLog(wire, 'NoSuch', Path.channel)).toMatchObject({
      log: undefined,
      status: Status.channelNotFound,
    });
    expect(await openLog(wire, 'no.evtx', Path.file)).toMatchObject({ log: undefined, status: Status.fileNotFound });
  });

  it('64: is for who may read it', async () => {
    const served = await application(1);
    await fill(served.store, 'Other', 1);
    const bob = wireTo(served, 'bob');
    expect((await openLog(bob, 'Other', Path.channel)).status).toBe(Status.accessDenied);
    expect((await openLog(bob, 'Application', Path.channel)).status).toBe(Status.success);
  });

  it('64: has eight properties in their types', async () => {
    const { wire, store } = await application(12);
    const { log } = await openLog(wire, 'Application', Path.channel);
    const types: number[] = [];
    const values: bigint[] = [];
    for (let property = 0; property < 8; property++) {
      const { value, length, status } = await info(wire, log, property);
      expect([status, length, value.length]).toEqual([Status.success, 16, 16]);
      types.push(u32(value, 12));
      values.push(u64(value, 0));
    }
    expect(types).toEqual([0x11, 0x11, 0x11, 0xa, 0x8, 0xa, 0xa, 0xd]);
    const expected = await EventLogSession.local().getLogInformation(path.join(store, 'Application.evtx'));
    expect(values).toEqual([
      expected.creationTime,
      expected.lastAccessTime,
      expected.lastWriteTime,
      expected.fileSize,
      BigInt(expected.attributes),
      12n,
      1n,
      0n,
    ]);
    // It is open, not copied.
    await fill(store, 'Application', 1, 13);
    expect(u64((await info(wire, log, 5)).value, 0)).toBe(13n);
  });

  it('64: an unknown property is 0x57, little room 0x7A; the buffer is there in any case', async () => {
    const { wire } = await application(1);
    const { log } = await openLog(wire, 'Application', Path.channel);
    const { query } = await queryOf(wire, 'Application');
    const answer = async (handle: string | undefined, property: number, size: number) => {
      const { status, value, length } = await info(wire, handle, property, size);
      return [status, value.length, length];
    };
    expect(await answer(log, 8, 16)).toEqual([Status.invalidParameter, 16, 0]);
    expect(await answer(log, 3, 8)).toEqual([Status.insufficientBuffer, 8, 16]);
    expect(await answer(log, 3, 0)).toEqual([Status.insufficientBuffer, 0, 16]);
    expect(await answer(log, 3, 100)).toEqual([Status.success, 100, 16]);
    expect(await answer(query, 3, 16)).toEqual([Status.invalidParameter, 16, 0]);
    // Above the protocol's bound, it is the call itself that cannot be read.
    await expect(info(wire, log, 3, 2_097_153)).rejects.toMatchObject({
      message: expect.stringContaining('0x1c000007'),
    });
  });
});

describe('closing', () => {
  it('73: gives a null handle, and knows the handle no more; nor a null handle', async () => {
    const { wire } = await application(1);
    const { log } = await openLog(wire, 'Application', Path.channel);
    expect(await wire.ask(operations.CLOSE, { handle: log })).toEqual({ handle: undefined, status: Status.success });
    await expect(wire.ask(operations.CLOSE, { handle: log })).rejects.toMatchObject(CONTEXT_MISMATCH);
    await expect(wire.ask(operations.CLOSE, { handle: undefined })).rejects.toMatchObject(CONTEXT_MISMATCH);
    await expect(info(wire, log, 0)).rejects.toMatchObject(CONTEXT_MISMATCH);
  });

  it('73: closes handles of every kind, in any order', async () => {
    const { wire, server } = await application(1);
    const { query, control } = await queryOf(wire, 'Application');
    const subscribed = await wire.ask(operations.REGISTER_REMOTE_SUBSCRIPTION, {
      channel: 'Application',
      query: '*',
      bookmark: undefined,
      flags: 2,
    });
    const metadata = { publisher: undefined, file: undefined, locale: 0, flags: 0 };
    const { publisher } = await wire.ask(operations.GET_PUBLISHER_METADATA, metadata);
    const { events } = await wire.ask(operations.GET_EVENT_METADATA_ENUM, { publisher, flags: 0, filter: undefined });
    const { log } = await openLog(wire, 'Application', Path.channel);
    const free = await controlOf(wire);
    const handles = [query, control, subscribed.control, subscribed.subscription, publisher, events, log, free];
    expect(server.openHandles).toBe(handles.length);
    for (const handle of handles) {
      expect(await wire.ask(operations.CLOSE, { handle })).toEqual({ handle: undefined, status: Status.success });
    }
    expect(server.openHandles).toBe(0);
  });
});
