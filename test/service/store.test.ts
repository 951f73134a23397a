import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { EventLogSession, type EventRecord } from '../../src/index.ts';
import { StoreLock } from '../../src/store/lock.ts';
import * as winevt from '../../src/wevtapi/index.ts';
import * as promises from '../../src/wevtapi/promises.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { faults } from '../store/store-logs.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function openStore(folder = join(temporaryFolder(), 'store')) {
  return { folder, session: EventLogSession.open({ store: folder }) };
}

async function all(session: EventLogSession, channel: string): Promise<EventRecord[]> {
  const events: EventRecord[] = [];
  for await (const event of session.events(channel)) events.push(event);
  return events;
}

const event = (n: number) => ({ provider: 'P', id: 1, data: { n } });

describe('a store', () => {
  it('is made by the first event, with the channels that Windows always has', async () => {
    const { folder, session } = openStore();
    await expect(session.getLogNames()).rejects.toMatchObject({ code: 2 });
    expect(await session.write('App/Operational', event(1))).toBe(1n);
    expect(await session.getLogNames()).toEqual(['App/Operational', 'Application', 'Security', 'System']);
    expect(readdirSync(folder)).toContain('App%4Operational.evtx');
    expect(JSON.parse(readFileSync(join(folder, 'winevt-store.json'), 'utf8'))).toMatchObject({ version: 1 });
    expect((await all(session, 'app/operational')).map(({ id }) => id)).toEqual([1]);
    expect(await all(session, 'System')).toEqual([]);
    session.close();
  });

  it('writes several at once in order, and says which one cannot be', async () => {
    const { session } = openStore();
    expect(await session.write('App', [event(1), event(2), event(3)])).toEqual([1n, 2n, 3n]);
    const bad = [event(4), { ...event(5), level: 300 }, event(6)];
    await expect(session.write('App', bad)).rejects.toMatchObject({
      code: 87,
      detail: expect.stringContaining('event 2 of 3'),
    });
    expect((await all(session, 'App')).map(({ recordId }) => recordId)).toEqual([1n, 2n, 3n, 4n, 5n]);
    session.close();
  });

  it('takes what a writer is handed at once in one go, and settles each event for itself', async () => {
    const { session } = openStore();
    const writer = session.openWriter('App', { defaults: { provider: 'D', level: 2 } });
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, (_, n) => writer.write({ id: n === 20 ? 70_000 : n, data: { n } })),
    );
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(results[49]).toEqual({ status: 'fulfilled', value: 49n });
    await writer.close();
    await expect(writer.write({ id: 1 })).rejects.toMatchObject({ code: 6 });
    const [first] = await all(session, 'App');
    expect(first).toMatchObject({ providerName: 'D', level: 2 });
    session.close();
  });

  it('is closed with its session', async () => {
    const { folder, session } = openStore();
    await session.write('App', event(1));
    const writer = session.openWriter('App');
    await writer.close();
    expect(faults(join(folder, 'App.evtx'))).toEqual([]);
    session.close();
  });

  it('does not write to a folder of somebody else’s logs, nor configure it, nor clear it', async () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'Application.evtx', 20);
    const before = readFileSync(log);
    const session = EventLogSession.open({ store: folder });
    await expect(session.write('Application', event(1))).rejects.toMatchObject({ code: 5 });
    await expect(session.clearLog('Application')).rejects.toMatchObject({ code: 5 });
    const config = await session.getLogConfiguration('application');
    expect(config.logFilePath).toBe(log);
    config.maximumSizeInBytes = 2 ** 21;
    await expect(config.saveChanges()).rejects.toMatchObject({ code: 5 });
    expect(readFileSync(log).equals(before)).toBe(true);
    expect(readdirSync(folder)).toEqual(['Application.evtx']);
    session.close();
  });

  it('ends the wait for another writer when the session is cancelled; nothing is written then', async () => {
    const { folder, session } = openStore();
    await session.write('App', event(1));
    const held = new StoreLock(join(folder, '.locks', 'App.evtx')).tryAcquire('test')!;
    const waiting = session.write('App', event(2));
    setTimeout(() => session.cancelCurrentOperations(), 5);
    await expect(waiting).rejects.toMatchObject({ code: 1223 });
    held.release();
    expect(await session.write('App', event(3))).toBe(2n);
    session.close();
  });

  it('refuses events of a channel that is switched off', async () => {
    const { session } = openStore();
    await session.write('App', event(1));
    const config = await session.getLogConfiguration('App');
    config.isEnabled = false;
    await config.saveChanges();
    await expect(session.write('App', event(2))).rejects.toMatchObject({ code: 5 });
    session.close();
  });

  it('has its ids in order when several processes write at once', async () => {
    const folder = join(temporaryFolder(), 'store');
    const writer = fileURLToPath(new URL('../store/counted-writer.mjs', import.meta.url));
    const built = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--check'], { cwd: ROOT });
    if (built.status !== 0) throw new Error('dist/ is older than src/: npm run build');
    const outputs = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const child = spawn(process.execPath, [writer, folder, 'App', '120'], { stdio: ['ignore', 'pipe', 'inherit'] });
        return (await child.stdout.toArray()).join('');
      }),
    );
    const given = outputs.flatMap((text) => JSON.parse(text) as number[]);
    expect(given.sort((a, b) => a - b)).toEqual(Array.from({ length: 360 }, (_, i) => i + 1));
    const session = EventLogSession.open({ store: folder });
    const events = await all(session, 'App');
    expect(events.map(({ recordId }) => Number(recordId))).toEqual(given);
    session.close();
    expect(faults(join(folder, 'App.evtx'))).toEqual([]);
  });
});

describe('clearing a channel', () => {
  it('is recorded in System, with the backup', async () => {
    const { folder, session } = openStore();
    await session.write('App', [event(1), event(2)]);
    const backup = join(folder, '..', 'backup.evtx');
    await session.clearLog('app', { backup });
    expect(await all(session, 'App')).toEqual([]);
    expect(await all(session, backup)).toHaveLength(2);
    const [record] = await all(session, 'System');
    expect(record).toMatchObject({ id: 104, providerName: 'Microsoft-Windows-Eventlog' });
    expect(record!.xml()).toContain(`<Channel>App</Channel><BackupPath>${backup}</BackupPath>`);
    expect(await session.write('App', event(3))).toBe(3n);
    session.close();
  });

  it('is the first event of a cleared Security or System log', async () => {
    const { session } = openStore();
    await session.write('Security', [event(1), event(2)]);
    await session.clearLog('Security');
    expect((await all(session, 'Security')).map(({ id, recordId }) => [id, recordId])).toEqual([[1102, 3n]]);
    await session.clearLog('System');
    expect((await all(session, 'System')).map(({ id }) => id)).toEqual([104]);
    session.close();
  });

  it('answers as winevt.h does', async () => {
    const { folder, session } = openStore();
    await session.write('App', event(1));
    const { handle } = session;
    const code = (channel: string, target: string | null, flags = 0) => {
      expect(winevt.EvtClearLog(handle, channel, target, flags)).toBe(false);
      return winevt.GetLastError();
    };
    expect(code('Nope', null)).toBe(15007);
    expect(code('', null)).toBe(87);
    expect(code('a:b', null)).toBe(15000);
    expect(code('App', 'relative.evtx')).toBe(87);
    expect(code('App', null, 1)).toBe(87);
    const target = join(folder, 'there.evtx');
    writeFileSync(target, 'x');
    expect(code('App', target)).toBe(80);
    expect(winevt.EvtClearLog(handle, 'App', join(folder, '..', 'new.evtx'))).toBe(true);
    await promises.EvtClearLog(handle, 'App', null);
    session.close();
  });

  it('is cancelled through its session while it waits, and changes nothing then', async () => {
    const { folder, session } = openStore();
    await session.write('App', event(1));
    const held = new StoreLock(join(folder, '.locks', 'App.evtx')).tryAcquire('test')!;
    const backup = join(folder, '..', 'b.evtx');
    const clearing = promises.EvtClearLog(session.handle, 'App', backup);
    setTimeout(() => winevt.EvtCancel(session.handle), 5);
    await expect(clearing).rejects.toMatchObject({ code: 1223 });
    held.release();
    expect(existsSync(backup)).toBe(false);
    expect(await all(session, 'App')).toHaveLength(1);
    expect(await all(session, 'System')).toEqual([]);
    session.close();
  });
});

describe('the channel functions of winevt.h', () => {
  it('enumerate, read, change and save', async () => {
    const { session } = openStore();
    await session.write('App', event(1));
    const { handle } = session;
    const names: string[] = [];
    const channels = winevt.EvtOpenChannelEnum(handle)!;
    const name: winevt.Out<string> = {};
    while (winevt.EvtNextChannelPath(channels, name)) names.push(name.value!);
    expect(winevt.GetLastError()).toBe(259);
    expect(names).toEqual(['App', 'Application', 'Security', 'System']);
    expect(winevt.EvtClose(channels)).toBe(true);

    const config = winevt.EvtOpenChannelConfig(handle, 'App')!;
    const property = (id: number) => {
      const out: winevt.Out<winevt.Variant> = {};
      expect(winevt.EvtGetChannelConfigProperty(config, id, 0, out)).toBe(true);
      return out.value!;
    };
    expect(property(winevt.EvtChannelConfigEnabled)).toEqual({ type: winevt.EvtVarTypeBoolean, value: true });
    expect(property(winevt.EvtChannelLoggingConfigMaxSize)).toEqual({
      type: winevt.EvtVarTypeUInt64,
      value: 1_048_576n,
    });
    expect(property(winevt.EvtChannelConfigOwningPublisher).type).toBe(winevt.EvtVarTypeNull);
    for (let id = 0; id < winevt.EvtChannelConfigPropertyIdEND; id++) expect(property(id)).toBeDefined();
    expect(winevt.EvtGetChannelConfigProperty(config, 99, 0, {})).toBe(false);

    const size = { type: winevt.EvtVarTypeUInt64, value: 3_000_000n };
    expect(winevt.EvtSetChannelConfigProperty(config, winevt.EvtChannelLoggingConfigMaxSize, 0, size)).toBe(true);
    const other = winevt.EvtOpenChannelConfig(handle, 'App')!;
    const before: winevt.Out<winevt.Variant> = {};
    winevt.EvtGetChannelConfigProperty(other, winevt.EvtChannelLoggingConfigMaxSize, 0, before);
    expect(before.value!.value).toBe(1_048_576n);
    expect(winevt.EvtSaveChannelConfig(config)).toBe(true);
    const after = (await session.getLogConfiguration('App')).maximumSizeInBytes;
    expect(after).toBe(3_014_656);

    const type = { type: winevt.EvtVarTypeUInt32, value: 1 };
    expect(winevt.EvtSetChannelConfigProperty(config, winevt.EvtChannelConfigType, 0, type)).toBe(false);
    expect(winevt.GetLastError()).toBe(87);
    expect(winevt.EvtOpenChannelConfig(handle, 'Nope')).toBeNull();
    expect(winevt.GetLastError()).toBe(15007);
    session.close();
  });

  it('give a configuration that cannot be read as an error with its place', async () => {
    const { folder, session } = openStore();
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'winevt-store.json'), '{"version":1,"channels":{"App":{"size":1}}}');
    await expect(session.getLogNames()).rejects.toMatchObject({ code: 13, detail: expect.stringContaining('"size"') });
    await expect(session.write('App', event(1))).rejects.toMatchObject({ code: 13 });
    session.close();
  });
});

describe('a subscription to a channel that is cleared', () => {
  it('goes on behind the clear; a strict one is told of it once, in front of what follows', async () => {
    const { session } = openStore();
    await session.write('App', [event(1), event(2)]);
    const watch = (strict: boolean) => session.watch('App', undefined, { start: 'oldest', strict });
    const [strict, tolerant] = [watch(true), watch(false)];
    const ids = async (watcher: typeof strict) => (await watcher.readBatch()).map(({ fileRecordId }) => fileRecordId);
    expect(await ids(strict)).toEqual([1n, 2n]);
    expect(await ids(tolerant)).toEqual([1n, 2n]);
    await session.clearLog('App');
    await session.write('App', [event(3), event(4)]);
    await expect(ids(strict)).rejects.toMatchObject({ code: 15_011 });
    expect(await ids(strict)).toEqual([3n, 4n]);
    expect(await ids(tolerant)).toEqual([3n, 4n]);
    expect([strict.missed, tolerant.missed]).toEqual([0n, 0n]);
    session.close();
  });

  it('hears of a rotation, too, and misses nothing of it', async () => {
    const { folder, session } = openStore();
    await session.write('App', event(0));
    const config = await session.getLogConfiguration('App');
    config.logMode = 'AutoBackup';
    await config.saveChanges();
    const watcher = session.watch('App', undefined, { start: 'oldest', strict: true });
    const seen: bigint[] = [];
    const codes: number[] = [];
    const count = 1500;
    for (let n = 1; n <= count; n += 100) {
      const big = Array.from({ length: 100 }, (_, i) => ({ ...event(n + i), data: { text: 'x'.repeat(600) } }));
      await session.write('App', big);
      while (seen.length < n + 100) {
        try {
          seen.push(...(await watcher.readBatch()).map(({ fileRecordId }) => fileRecordId));
        } catch (error) {
          codes.push((error as { code: number }).code);
        }
      }
    }
    const archives = readdirSync(folder).filter((name) => name.startsWith('Archive-App-')).length;
    expect(archives).toBeGreaterThan(0);
    expect(codes).toEqual(Array.from({ length: archives }, () => 15_011));
    expect(seen).toEqual(Array.from({ length: count + 1 }, (_, i) => BigInt(i + 1)));
    session.close();
  });
});
