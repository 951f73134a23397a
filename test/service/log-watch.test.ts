import { appendFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { LogWatch, notifyLogChanged, watchedLogCount } from '../../src/service/local/log-watch.ts';
import { temporaryFolder } from '../log-files.ts';

const folder = temporaryFolder();
let files = 0;

function newFile(): string {
  const file = join(folder, `log-${++files}.evtx`);
  writeFileSync(file, 'some');
  return file;
}

/** Settles when the watch wakes. */
const woken = (watch: LogWatch) => new Promise<void>((resolve) => watch.onChange(watch.changes, resolve));
/** What the process is kept running by. */
const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;

/** Nobody knows what happened before the files were watched: the first wait ends at once, another for each file soon. */
async function watching(...paths: string[]): Promise<LogWatch> {
  const watch = new LogWatch(paths);
  for (let wakes = 0; wakes < 1 + paths.length; wakes++) await woken(watch);
  return watch;
}

afterEach(() => expect(watchedLogCount()).toBe(0));

describe('a watch', () => {
  test('wakes when a writer of this thread says so, before the writer goes on', async () => {
    const [file, other] = [newFile(), newFile()];
    const watch = await watching(file);
    let calls = 0;
    watch.onChange(watch.changes, () => calls++);
    notifyLogChanged(other);
    expect(calls).toBe(0);
    notifyLogChanged(file);
    notifyLogChanged(file);
    expect(calls).toBe(1);
    watch.close();
  });

  test('wakes when any of its files is written to, or replaced', async () => {
    const [file, other] = [newFile(), newFile()];
    const watch = await watching(file, other);
    const written = woken(watch);
    appendFileSync(other, 'more');
    await written;
    const replaced = woken(watch);
    writeFileSync(`${file}.next`, 'other');
    renameSync(`${file}.next`, file);
    await replaced;
    watch.close();
  });

  test('does without the watch of the system: a folder that is not there yet has none', async () => {
    const late = join(folder, 'late');
    const watch = await watching(join(late, 'log.evtx'));
    const changed = woken(watch);
    mkdirSync(late);
    writeFileSync(join(late, 'log.evtx'), 'some');
    await changed;
    watch.close();
  });

  test('does not miss what happens between looking and waiting', async () => {
    const file = newFile();
    const watch = await watching(file);
    const seen = watch.changes;
    notifyLogChanged(file);
    await new Promise<void>((resolve) => watch.onChange(seen, resolve));
    watch.close();
  });

  test('keeps the process running only while somebody waits', async () => {
    const before = timers();
    const watch = await watching(newFile());
    expect(timers()).toBe(before);
    const end = watch.onChange(watch.changes, () => {});
    expect(timers()).toBe(before + 1);
    end();
    end();
    expect(timers()).toBe(before);
    watch.close();
  });
});
