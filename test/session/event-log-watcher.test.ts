import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openHandleCount } from '../../src/service/handle-registry.ts';
import { watchedLogCount } from '../../src/service/local/log-watch.ts';
import type { EventBookmark } from '../../src/session/event-bookmark.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import type { EventRecord } from '../../src/session/event-record.ts';
import { temporaryFolder } from '../log-files.ts';
import { GrowingLog, largeEvent } from '../service/growing-log.ts';

const folder = temporaryFolder();
let files = 0;
const newLog = (options?: ConstructorParameters<typeof GrowingLog>[1]) =>
  new GrowingLog(join(folder, `log-${++files}.evtx`), options);
const session = EventLogSession.local();
const turn = () => new Promise((resolve) => setImmediate(resolve));
const ids = (events: readonly EventRecord[]) => events.map(({ fileRecordId }) => Number(fileRecordId));

afterEach(() => {
  expect(openHandleCount()).toBe(0);
  expect(watchedLogCount()).toBe(0);
});

describe('a loop over a watcher', () => {
  test('gives events as they come, from the next one on, and closes the watcher when it is left', async () => {
    const log = newLog();
    log.append(3);
    const watcher = session.watch(log.path);
    await watcher.open();
    const found: number[] = [];
    log.append();
    for await (const event of watcher) {
      found.push(Number(event.recordId));
      if (found.length === 10) break;
      log.append();
    }
    expect(found).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  });

  test('ends when the watcher is closed: while it waits, while it works, and before it began', async () => {
    const log = newLog();
    log.append(2);
    const watcher = session.watch(log.path, undefined, { start: 'oldest' });
    setImmediate(async () => {
      await turn();
      watcher.close();
    });
    let found = 0;
    for await (const _ of watcher) found++;
    expect(found).toBeLessThanOrEqual(2);
    const busy = session.watch(log.path, undefined, { start: 'oldest' });
    for await (const _ of busy) busy.close();
    const never = session.watch(log.path, undefined, { start: 'oldest' });
    never.close();
    for await (const _ of never) expect.unreachable();
    await expect(never.open()).rejects.toMatchObject({ code: 1223 });
  });

  test('ends with the reason of its signal', async () => {
    const log = newLog();
    for (const early of [true, false]) {
      const controller = new AbortController();
      const { signal } = controller;
      if (early) controller.abort(new Error('enough'));
      const watcher = session.watch(log.path, undefined, { signal });
      setImmediate(() => controller.abort(new Error('enough')));
      await expect(
        (async () => {
          for await (const _ of watcher) expect.unreachable();
        })(),
      ).rejects.toThrow('enough');
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    }
  });

  test('fails as EvtSubscribe does', async () => {
    const loop = async (path: string, query?: string) => {
      for await (const _ of session.watch(path, query)) expect.unreachable();
    };
    await expect(loop('No-Such-Channel')).rejects.toMatchObject({ code: 15007 });
    await expect(loop(newLog().path, '*[')).rejects.toMatchObject({ code: 15001 });
  });
});

describe('a watcher', () => {
  test('resumes from a bookmark, and tells what was missed in between', async () => {
    const log = newLog({ maxSlots: 3, event: largeEvent });
    log.append(3);
    let bookmark: EventBookmark | undefined;
    for await (const event of session.watch(log.path, undefined, { start: 'oldest' })) {
      bookmark = event.bookmark;
      if (event.recordId === 2n) break;
    }
    log.append(30);
    const missed: bigint[] = [];
    const watcher = session.watch(log.path, undefined, { bookmark, onMissed: ({ records }) => missed.push(records) });
    const left = log.ids.map(Number);
    expect(ids(await watcher.readBatch(100))).toEqual(left);
    expect(missed).toEqual([BigInt(left[0]! - 3)]);
    expect(watcher.missed).toBe(missed[0]);
    watcher.close();
    const strict = session.watch(log.path, undefined, { bookmark, strict: true });
    await expect(strict.open()).rejects.toMatchObject({ code: 15011 });
    strict.close();
  });

  test('whose read is cancelled gives in the next what it would have given', async () => {
    const log = newLog();
    const watcher = session.watch(log.path);
    await watcher.open();
    const pending = watcher.readBatch();
    watcher.cancelReading();
    await expect(pending).rejects.toMatchObject({ code: 1223 });
    await expect(watcher.readBatch(1, { timeoutMs: 5 })).rejects.toMatchObject({ code: 1460 });
    log.append(2);
    // Two readers at once: each event goes to one of them.
    const [first, second] = await Promise.all([watcher.readBatch(1), watcher.readBatch(1)]);
    expect([...ids(first), ...ids(second)].sort()).toEqual([1, 2]);
    watcher.close();
  });

  test('gives what is written to a channel of its session', async () => {
    const own = EventLogSession.open({ store: join(folder, 'store') });
    await own.write('My-Channel', { provider: 'Mine', id: 1, data: { Text: 'first' } });
    const watcher = own.watch('My-Channel');
    await watcher.open();
    const writing = own.write('My-Channel', { provider: 'Mine', id: 2, data: { Text: 'second' } });
    for await (const event of watcher) {
      expect(event.data['Text']).toBe('second');
      expect(event.logName).toBe('My-Channel');
      break;
    }
    await writing;
    await own[Symbol.asyncDispose]();
  });
});
