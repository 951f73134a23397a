import { fstatSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { EventLogQuery, EventLogSession } from '../../src/index.ts';
import { temporaryFolder, writeLongLog, writeSampleLog } from '../log-files.ts';

/** Reads of files wait for this: a disk that has stopped answering. Some are told at once that they fail. */
const disk = vi.hoisted(() => ({
  answers: Promise.resolve(),
  asked: 0,
  fails: (_position: number): boolean => false,
  /** It gives so many bytes at a time. */
  most: Number.POSITIVE_INFINITY,
  descriptors: [] as number[],
  buffers: new Set<ArrayBufferLike>(),
}));

vi.mock('node:fs', async (original) => {
  const actual = await original<typeof import('node:fs')>();
  const { promisify } = await import('node:util');
  const readAtOnce = promisify(actual.read) as (...args: unknown[]) => Promise<unknown>;
  const read = Object.assign((...args: Parameters<typeof actual.read>) => actual.read(...args), {
    [promisify.custom]: async (...args: unknown[]) => {
      disk.asked++;
      disk.descriptors.push(args[0] as number);
      disk.buffers.add((args[1] as Uint8Array).buffer);
      if (disk.fails(args[4] as number)) throw Object.assign(new Error('the disk fails'), { code: 'EIO' });
      await disk.answers;
      args[3] = Math.min(args[3] as number, disk.most);
      return await readAtOnce(...args);
    },
  });
  return { ...actual, read, default: { ...actual, read } };
});

const folder = temporaryFolder();
const log = writeLongLog(folder, 'slow.evtx', 100);

/** From now on nothing is read. @returns makes the disk answer, what it was asked before, too */
function stopDisk(): () => void {
  let answer = () => {};
  disk.answers = new Promise((resolve) => {
    answer = resolve;
  });
  return answer;
}

afterEach(() => {
  disk.answers = Promise.resolve();
  disk.fails = () => false;
  disk.most = Number.POSITIVE_INFINITY;
  disk.descriptors = [];
});

async function all(reader: { readLines: ReturnType<EventLogSession['query']>['readLines'] }): Promise<string> {
  let text = '';
  for (;;) {
    const { bytes, events } = await reader.readLines('xml');
    if (events === 0) return text;
    text += Buffer.from(bytes).toString('latin1');
  }
}

describe('a disk that does not answer', () => {
  test.each([0, 3])('keeps no call from being cancelled, after %i others; nothing is lost', async (others) => {
    const session = EventLogSession.open();
    const whole = await all(session.query(new EventLogQuery(log, undefined, { concurrency: 1 })));
    const reader = session.query(new EventLogQuery(log, undefined, { concurrency: 1 }));
    let text = '';
    const take = async () => {
      const { bytes } = await reader.readLines('xml', { maxBytes: 1_000_000 });
      text += Buffer.from(bytes).toString('latin1');
    };
    for (let i = 0; i < others; i++) await take();
    const answer = stopDisk();
    const before = disk.asked;
    // What has been read ahead is still there.
    const calls = (async () => {
      for (;;) await take();
    })();
    await vi.waitFor(() => expect(disk.asked).toBeGreaterThan(before));
    await new Promise((resolve) => setTimeout(resolve, 50));
    reader.cancelReading();
    await expect(calls).rejects.toMatchObject({ code: 1223 });
    answer();
    expect(text.length).toBeLessThan(whole.length);
    text += await all(reader);
    expect(text === whole).toBe(true);
    session.close();
  });

  test('is asked once, however often a call that waits for it is cancelled', async () => {
    const session = EventLogSession.open();
    const query = new EventLogQuery(log, undefined, { concurrency: 1 });
    const whole = await all(session.query(query));
    const reader = session.query(query);
    await reader.open();
    const answer = stopDisk();
    const before = disk.asked;
    for (let i = 0; i < 10; i++) {
      const call = reader.readLines('xml');
      await new Promise((resolve) => setTimeout(resolve, 2));
      reader.cancelReading();
      await expect(call).rejects.toMatchObject({ code: 1223 });
    }
    expect(disk.asked).toBe(before + 1);
    answer();
    expect((await all(reader)) === whole).toBe(true);
    session.close();
  });

  test('and then fails, fails one call: the next one asks again', async () => {
    const session = EventLogSession.open();
    const query = new EventLogQuery(log, undefined, { concurrency: 1 });
    const whole = await all(session.query(query));
    const reader = session.query(query);
    let text = Buffer.from((await reader.readLines('xml', { maxBytes: 1_000_000 })).bytes).toString('latin1');
    disk.fails = () => true;
    let failures = 0;
    while (failures < 3) {
      try {
        text += Buffer.from((await reader.readLines('xml')).bytes).toString('latin1');
      } catch (error) {
        expect(error).toMatchObject({ code: 30 });
        failures++;
      }
    }
    disk.fails = () => false;
    text += await all(reader);
    expect(text === whole).toBe(true);
    session.close();
  });

  test('keeps no log from being closed', async () => {
    const session = EventLogSession.open();
    const reader = session.query(new EventLogQuery(log, undefined, { concurrency: 1 }));
    const answer = stopDisk();
    const call = reader.readLines('xml');
    await vi.waitFor(() => expect(disk.asked).toBeGreaterThan(0));
    reader.close();
    await expect(call).rejects.toMatchObject({ code: 1223 });
    answer();
    session.close();
  });

  test('keeps no signal from being heard', async () => {
    const session = EventLogSession.open();
    const reader = session.query(new EventLogQuery(log, undefined, { concurrency: 1 }));
    const answer = stopDisk();
    const abort = new AbortController();
    const call = reader.readLines('xml', { signal: abort.signal });
    const reason = new Error('enough');
    setTimeout(() => abort.abort(reason), 20);
    await expect(call).rejects.toBe(reason);
    answer();
    expect((await reader.readLines('xml')).events).toBeGreaterThan(0);
    session.close();
  });

  test('keeps its file open while one of several reads goes on, when another has failed', async () => {
    const session = EventLogSession.open();
    const reader = session.query(new EventLogQuery(log, undefined, { concurrency: 1 }));
    let answer = () => {};
    // The heads of all chunks are asked for at once.
    disk.fails = (position) => {
      if (position !== HEADER_BLOCK_SIZE) return false;
      answer = stopDisk();
      return true;
    };
    await expect(reader.open()).rejects.toMatchObject({ code: 30 });
    const [fd] = disk.descriptors;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(() => fstatSync(fd!)).not.toThrow();
    answer();
    await vi.waitFor(() => expect(() => fstatSync(fd!)).toThrow('EBADF'));
    session.close();
  });
});

test('blocks are read to memory that was used before, also after many short logs', async () => {
  const session = EventLogSession.open();
  const short = writeSampleLog(folder, 'short.evtx', 10);
  const long = writeSampleLog(folder, 'long.evtx', 9000);
  const read = async (path: string) => {
    const reader = session.query(new EventLogQuery(path, undefined, { concurrency: 1 }));
    await all(reader);
    reader.close();
  };
  const large = () => [...disk.buffers].filter(({ byteLength }) => byteLength >= 8 * CHUNK_SIZE);
  const shorts = Array.from({ length: 6 }, () => session.query(new EventLogQuery(short, undefined)));
  for (const reader of shorts) await all(reader);
  // The last ones found no memory of others.
  for (const reader of shorts.reverse()) reader.close();
  await read(long);
  const known = new Set(large());
  expect(known.size).toBeGreaterThan(0);
  disk.buffers.clear();
  await read(long);
  expect(large().filter((buffer) => !known.has(buffer))).toEqual([]);
  session.close();
});

test('a disk that gives a few bytes at a time gives all chunks of a log, and the place of a bookmark', async () => {
  const session = EventLogSession.open();
  const pieces = writeSampleLog(folder, 'pieces.evtx', 900);
  for (const path of [log, pieces]) {
    const query = new EventLogQuery(path, undefined, { concurrency: 1 });
    const first = session.query(query);
    const { bytes, bookmark } = await first.readLines('xml', { maxEvents: 7 });
    const text = Buffer.from(bytes).toString('latin1');
    disk.most = 17;
    const reader = session.query(query, undefined, path === pieces ? { bookmark } : {});
    await reader.open();
    disk.most = Number.POSITIVE_INFINITY;
    const found = (path === pieces ? text : '') + (await all(reader));
    expect(found === text + (await all(first))).toBe(true);
  }
  session.close();
});
