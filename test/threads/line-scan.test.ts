import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { requireBuild } from '../cli/command.ts';
import { temporaryFolder, writeLongLog } from '../log-files.ts';

// The built package: worker threads run the files of dist/.
type Package = typeof import('../../src/index.ts');
type Face = typeof import('../../src/wevtapi/index.ts');
let winevt: Package;
let wevtapi: Face;

const folder = temporaryFolder();
/** Long enough for several threads to be started: 69 MB. */
const CHUNKS = 1050;
const log = writeLongLog(folder, 'long.evtx', CHUNKS);

beforeAll(async () => {
  requireBuild();
  const at = (door: string) => new URL(`../../dist/${door}`, import.meta.url).href;
  winevt = (await import(at('index.js'))) as Package;
  wevtapi = (await import(at('wevtapi/index.js'))) as Face;
  // The first scan starts the threads, and goes on without them until they are there.
  for (let i = 0; i < 3; i++) await digest({ concurrency: 2 });
});

type Options = ConstructorParameters<Package['EventLogQuery']>[2];

function reader(options: Options, query?: string) {
  return winevt.EventLogSession.open().query(new winevt.EventLogQuery(log, query, options));
}

interface Digest {
  readonly hash: string;
  readonly events: number;
}

async function digest(
  options: Options,
  query?: string,
  format: 'xml' | 'json' = 'xml',
  borrow = false,
): Promise<Digest> {
  const hash = createHash('sha256');
  const source = reader(options, query);
  let events = 0;
  for (;;) {
    const lines = await source.readLines(format, { borrow });
    if (lines.events === 0) break;
    hash.update(lines.bytes);
    events += lines.events;
  }
  source.close();
  return { hash: hash.digest('hex'), events };
}

describe('a long log, by several threads', () => {
  test.each([
    ['XML', {}, undefined, 'xml'],
    ['JSON', {}, undefined, 'json'],
    ['newest first', { reverse: true }, undefined, 'xml'],
    ['some events', {}, "*[EventData[Data[@Name='Count'] > 900]]", 'xml'],
  ] as const)('is the same as by one: %s', async (_, options, query, format) => {
    const alone = await digest({ ...options, concurrency: 1 }, query, format);
    expect(alone.events).toBeGreaterThan(10_000);
    expect(await digest({ ...options, concurrency: 2 }, query, format)).toEqual(alone);
    expect(await digest({ ...options, concurrency: 3 }, query, format)).toEqual(alone);
    expect(await digest({ ...options, concurrency: 2 }, query, format, true)).toEqual(alone);
  });

  test('really is read by others: this thread writes hardly anything', async () => {
    const { threadRenderer } = (await import(
      new URL('../../dist/service/local/renderer.js', import.meta.url).href
    )) as typeof import('../../src/service/local/renderer.ts');
    let here = 0;
    const renderer = threadRenderer();
    const lines = renderer.lines.bind(renderer);
    renderer.lines = (...args) => {
      here++;
      return lines(...args);
    };
    await digest({ concurrency: 2 });
    const withThreads = here;
    await digest({ concurrency: 1 });
    Reflect.deleteProperty(renderer, 'lines');
    expect(withThreads).toBeLessThan((here - withThreads) / 4);
  });

  test('cancelled again and again, loses nothing and gives nothing twice', async () => {
    const alone = await digest({ concurrency: 1 });
    const source = reader({ concurrency: 2 });
    const hash = createHash('sha256');
    let events = 0;
    let cancelled = 0;
    let calls = 0;
    for (;;) {
      const pending = source.readLines('xml', { borrow: calls % 8 < 4 });
      const way = calls++ % 4;
      if (way === 1) source.cancelReading();
      else if (way === 2) setImmediate(() => source.cancelReading());
      else if (way === 3) setTimeout(() => source.cancelReading(), 1);
      try {
        const lines = await pending;
        if (lines.events === 0) break;
        hash.update(lines.bytes);
        events += lines.events;
      } catch (error) {
        if (!winevt.isCancelled(error)) throw error;
        cancelled++;
      }
    }
    expect(cancelled).toBeGreaterThan(5);
    expect({ hash: hash.digest('hex'), events }).toEqual(alone);
    source.close();
  });

  test('an aborted call rejects with its signal, and the next one goes on', async () => {
    const alone = await digest({ concurrency: 1 });
    const source = reader({ concurrency: 2 });
    const hash = createHash('sha256');
    let events = 0;
    let aborted = 0;
    for (let i = 0; ; i++) {
      const controller = new AbortController();
      const reason = new Error('enough');
      const pending = source.readLines('xml', { signal: controller.signal });
      if (i % 2 === 0) setImmediate(() => controller.abort(reason));
      try {
        const lines = await pending;
        if (lines.events === 0) break;
        hash.update(lines.bytes);
        events += lines.events;
      } catch (error) {
        expect(error).toBe(reason);
        aborted++;
      }
    }
    expect(aborted).toBeGreaterThan(3);
    expect({ hash: hash.digest('hex'), events }).toEqual(alone);
    source.close();
  });

  test('goes over to single events and back where it stands', async () => {
    const expected: bigint[] = [];
    for await (const event of reader({ concurrency: 1 })) {
      if (expected.push(event.fileRecordId) === 30_000) break;
    }
    const source = reader({ concurrency: 2 });
    const found: bigint[] = [];
    const ids = (bytes: Uint8Array) =>
      [
        ...Buffer.from(bytes)
          .toString()
          .matchAll(/<EventRecordID>(\d+)</g),
      ].map(([, id]) => BigInt(id!));
    while (found.length < 30_000) {
      found.push(...ids((await source.readLines('xml')).bytes));
      const event = await source.read();
      found.push(event!.fileRecordId);
      // What was fetched with it comes as lines, too.
      found.push(...ids((await source.readLines('xml')).bytes));
    }
    expect(found.slice(0, 30_000)).toEqual(expected);
    source.close();
  });

  test('closed in the middle: the call ends with 1223, and the process may end', async () => {
    const source = reader({ concurrency: 2 });
    await source.readLines('xml');
    const pending = source.readLines('xml');
    source.close();
    await expect(pending).rejects.toMatchObject({ code: 1223 });
  });

  test('two scans at a time share the threads', async () => {
    const alone = await digest({ concurrency: 1 });
    expect(await Promise.all([digest({ concurrency: 2 }), digest({ concurrency: 2 })])).toEqual([alone, alone]);
  });

  test('a scan that nobody goes on with keeps no other from going on, and what it has lent stays', async () => {
    const alone = await digest({ concurrency: 1 });
    const paused = reader({ concurrency: 2 });
    const { bytes } = await paused.readLines('xml', { borrow: true });
    expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    const lent = Buffer.from(bytes);
    const format = ['xml', 'json', 'xml'] as const;
    for (const one of format) await digest({ concurrency: 2 }, undefined, one, true);
    expect(await digest({ concurrency: 2 }, undefined, 'xml', true)).toEqual(alone);
    expect(lent.equals(bytes)).toBe(true);
    // Closed, it gives its memory back: the next scan has all of it, and so has the one after.
    paused.close();
    for (let i = 0; i < 3; i++) expect(await digest({ concurrency: 2 })).toEqual(alone);
  });

  test('what it has lent stays, also when somebody who is told of progress throws', async () => {
    const alone = await digest({ concurrency: 1 });
    const hash = createHash('sha256');
    let events = 0;
    let told = 0;
    const onProgress = () => {
      if (++told % 9 === 8) throw new Error('the listener has failed');
    };
    const source = reader({ concurrency: 2, onProgress });
    for (;;) {
      try {
        const lines = await source.readLines('xml', { borrow: true });
        if (lines.events === 0) break;
        // Another scan takes all the memory there is.
        if (told % 9 === 8) {
          const other = reader({ concurrency: 2, reverse: true });
          for (let i = 0; i < 12; i++) await other.readLines('json', { borrow: true });
          other.close();
        }
        hash.update(lines.bytes);
        events += lines.events;
      } catch (error) {
        expect((error as Error).message).toBe('the listener has failed');
      }
    }
    source.close();
    expect(told).toBeGreaterThan(20);
    expect({ hash: hash.digest('hex'), events }).toEqual(alone);
  });

  test('a cancel with nothing pending does nothing', async () => {
    const alone = await digest({ concurrency: 1 });
    const source = reader({ concurrency: 2 });
    const hash = createHash('sha256');
    let events = 0;
    for (;;) {
      const lines = await source.readLines('xml');
      if (lines.events === 0) break;
      hash.update(lines.bytes);
      events += lines.events;
      wevtapi.EvtCancel(await source.open());
    }
    expect({ hash: hash.digest('hex'), events }).toEqual(alone);
    source.close();
  });
});
