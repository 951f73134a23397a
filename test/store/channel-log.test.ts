import { openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EvtError } from '../../src/errors/evt-error.ts';
import { readFileHeader } from '../../src/evtx/file-header.ts';
import { temporaryFolder } from '../log-files.ts';
import { append, CIRCULAR, close, contents, draft, drafts, faults, openLog } from './store-logs.ts';

const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
const numbers = (file: string) => contents(file).map(({ n }) => n);
const ids = (file: string) => contents(file).map(({ id }) => Number(id));

describe('a channel’s log', () => {
  it('gives ids in order, and is a log without a fault once it is closed', () => {
    const log = openLog(temporaryFolder());
    expect(append(log, drafts(0, 3))).toEqual([1n, 2n, 3n]);
    expect(append(log, drafts(3, 2))).toEqual([4n, 5n]);
    close(log);
    expect(numbers(log.file)).toEqual([0, 1, 2, 3, 4]);
    expect(faults(log.file)).toEqual([]);
  });

  it('begins with the size that Windows gives a new log, and grows by a mebibyte', () => {
    const log = openLog(temporaryFolder());
    append(log, [draft(0)]);
    expect(statSync(log.file).size).toBe(69_632);
    append(log, drafts(1, 500, 100));
    expect(statSync(log.file).size).toBe(4096 + 16 * 65_536);
  });

  it('is readable after each append, and says that it is not closed', () => {
    const log = openLog(temporaryFolder());
    for (let n = 0; n < 40; n++) {
      append(log, [draft(n, 3000)]);
      expect(numbers(log.file)).toEqual(range(0, n + 1));
    }
    expect(readFileHeader(readFileSync(log.file)).dirty).toBe(true);
    close(log);
    expect(readFileHeader(readFileSync(log.file)).dirty).toBe(false);
  });

  it('goes on in the same chunk when it is opened again, templates and names included', () => {
    const folder = temporaryFolder();
    for (let n = 0; n < 30; n++) {
      const log = openLog(folder);
      append(log, [draft(n)]);
      close(log);
    }
    const whole = openLog(temporaryFolder());
    append(whole, drafts(0, 30));
    close(whole);
    const log = openLog(folder);
    expect(readFileSync(log.file).equals(readFileSync(whole.file))).toBe(true);
  });

  it('sees what another writer has appended in between', () => {
    const folder = temporaryFolder();
    const [one, other] = [openLog(folder), openLog(folder)];
    for (let n = 0; n < 60; n++) append(n % 3 === 0 ? one : other, [draft(n, 2000)]);
    close(one);
    append(other, [draft(60)]);
    close(other);
    expect(numbers(one.file)).toEqual(range(0, 61));
    expect(ids(one.file)).toEqual(range(1, 61));
    expect(faults(one.file)).toEqual([]);
  });

  it('overwrites its oldest chunk when it is full, never an id twice', () => {
    const log = openLog(temporaryFolder());
    for (let n = 0; n < 3000; n += 100) append(log, drafts(n, 100, 300));
    close(log);
    expect(statSync(log.file).size).toBe(4096 + 16 * 65_536);
    const kept = ids(log.file);
    expect(kept.at(-1)).toBe(3000);
    expect(kept).toEqual(range(kept[0]!, kept.length));
    expect(kept[0]).toBeGreaterThan(1);
    expect(faults(log.file)).toEqual([]);
    const again = openLog(join(log.file, '..'));
    expect(append(again, [draft(3000)])).toEqual([3001n]);
  });

  it('refuses events when it is full and must not overwrite, and says so in its header', () => {
    const log = openLog(temporaryFolder());
    const limits = { ...CIRCULAR, mode: 'retain' } as const;
    const results = append(log, drafts(0, 800, 1000), limits);
    const written = results.filter((result) => typeof result === 'bigint');
    const refused = results.filter((result) => result instanceof EvtError);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ code: 1502, symbol: 'ERROR_LOG_FILE_FULL' });
    expect(readFileHeader(readFileSync(log.file)).full).toBe(true);
    expect(ids(log.file)).toEqual(written.map(Number));
    expect(append(log, [draft(1, 1000)], limits)[0]).toMatchObject({ code: 1502 });
    // A larger limit, and it goes on.
    expect(append(log, [draft(2, 1000)], { ...limits, maxSizeBytes: 2 ** 21 })).toEqual([BigInt(written.length + 1)]);
  });

  it('moves a full log to an archive, and goes on counting in a new one', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    const limits = { ...CIRCULAR, mode: 'autoBackup' } as const;
    append(log, drafts(0, 2000, 1000), limits);
    close(log);
    const archives = readdirSync(folder)
      .filter((name) => name.startsWith('Archive-App-'))
      .sort();
    expect(archives.length).toBeGreaterThan(1);
    expect(archives[0]).toMatch(/^Archive-App-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}\.evtx$/);
    const files = [...archives.map((name) => join(folder, name)), log.file];
    expect(files.flatMap(ids)).toEqual(range(1, 2000));
    expect(files.flatMap(faults)).toEqual([]);
  });

  it('refuses an event that fits no chunk, and loses nothing to it', () => {
    const log = openLog(temporaryFolder());
    for (let n = 0; n < 3000; n += 100) append(log, drafts(n, 100, 300));
    const before = ids(log.file);
    const results = append(log, [draft(1, 32_000), draft(5000)]);
    expect(results[0]).toMatchObject({ code: 15005 });
    expect(results[1]).toBe(3001n);
    const after = ids(log.file);
    expect(after.slice(-1)).toEqual([3001]);
    // The small one may have begun a chunk; the large one has cost none.
    expect(before.length + 1 - after.length).toBeLessThan(before.length / 8);
  });

  it('takes up a log whose writer was killed between records and header', () => {
    const log = openLog(temporaryFolder());
    append(log, drafts(0, 5));
    const [before] = [readFileSync(log.file)];
    append(log, drafts(5, 2));
    // The header as it was, the records there; then half a record behind them.
    const fd = openSync(log.file, 'r+');
    writeSync(fd, before, 4096, 512, 4096);
    const end = readFileSync(log.file)
      .subarray(4096)
      .lastIndexOf(Buffer.from([0x2a, 0x2a, 0, 0]));
    writeSync(fd, Buffer.from([0x2a, 0x2a, 0, 0, 0xff, 1, 0, 0]), 0, 8, 4096 + end + 4000);
    const again = openLog(join(log.file, '..'));
    expect(append(again, [draft(7)])).toEqual([8n]);
    close(again);
    expect(numbers(log.file)).toEqual(range(0, 8));
    expect(faults(log.file)).toEqual([]);
  });

  it('fills the slot of an old chunk that its writer was killed over', () => {
    const log = openLog(temporaryFolder());
    for (let n = 0; n < 3000; n += 100) append(log, drafts(n, 100, 300));
    const { currentChunk, chunkCount } = readFileHeader(readFileSync(log.file));
    // The header in the file lags behind: the newest chunk is the one with the highest ids.
    expect(chunkCount).toBeGreaterThan(currentChunk);
    const heads = Array.from({ length: 16 }, (_, slot) =>
      readFileSync(log.file).readBigUInt64LE(4096 + 65_536 * slot + 0x18),
    );
    const oldest = heads.indexOf(heads.reduce((a, b) => (a < b ? a : b)));
    const fd = openSync(log.file, 'r+');
    writeSync(fd, new Uint8Array(512), 0, 512, 4096 + 65_536 * oldest);
    const again = openLog(join(log.file, '..'));
    expect(append(again, [draft(3000)])).toEqual([3001n]);
    close(again);
    expect(faults(log.file)).toEqual([]);
    const kept = ids(log.file);
    expect(kept).toEqual(range(kept[0]!, kept.length));
    expect(kept.at(-1)).toBe(3001);
  });

  it('refuses a file that is no log, and leaves it alone', () => {
    const folder = temporaryFolder();
    const log = openLog(folder);
    const fd = openSync(log.file, 'w');
    writeSync(fd, 'something else');
    expect(() => append(log, [draft(0)])).toThrow(expect.objectContaining({ code: 1500 }));
    expect(readFileSync(log.file, 'utf8')).toBe('something else');
  });
});
