import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { cancelHandle, DEFAULT_SESSION } from '../../src/operations/handle-table.ts';
import { Operation } from '../../src/operations/operation.ts';
import { runAsync, runSync } from '../../src/operations/task.ts';
import { type Held, StoreLock } from '../../src/store/lock.ts';
import { temporaryFolder } from '../log-files.ts';

const operation = () => new Operation('EvtWrite', DEFAULT_SESSION);
const acquire = (lock: StoreLock) => runSync(lock.acquire(operation()));

/** A process id that nobody has: of a process that has ended. */
async function deadProcess(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await new Promise((resolve) => child.on('exit', resolve));
  return child.pid!;
}

/** How this thread signs a lock in a folder. */
function ownerOf(folder: string) {
  const held = acquire(new StoreLock(join(folder, '..', 'signed')));
  const owner = JSON.parse(readFileSync(join(folder, '..', 'signed', `${held.generation}`), 'utf8'));
  held.release();
  return owner as { pid: number; task: number; started: string; host: string };
}

describe('a store’s lock', () => {
  it.runIf(process.platform === 'linux')('is not kept by a worker thread that was terminated', async () => {
    const folder = join(temporaryFolder(), 'lock');
    const { host } = ownerOf(folder);
    const script = `
      const fs = require('node:fs');
      const { parentPort, workerData } = require('node:worker_threads');
      const task = Number(fs.readlinkSync('/proc/thread-self').split('/')[2]);
      const stat = fs.readFileSync('/proc/' + process.pid + '/task/' + task + '/stat', 'latin1');
      const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
      fs.mkdirSync(workerData.folder);
      fs.writeFileSync(workerData.folder + '/1', JSON.stringify({ pid: process.pid, task, started, host: workerData.host }));
      parentPort.postMessage('held');
      setInterval(() => {}, 1000);`;
    const worker = new Worker(script, { eval: true, workerData: { folder, host } });
    await new Promise((resolve) => worker.once('message', resolve));
    expect(new StoreLock(folder).tryAcquire('test')).toBeUndefined();
    await worker.terminate();
    expect(new StoreLock(folder).tryAcquire('test')?.generation).toBe(2);
  });

  it('has one holder at a time', () => {
    const folder = join(temporaryFolder(), 'lock');
    const [one, other] = [new StoreLock(folder), new StoreLock(folder)];
    const held = acquire(one);
    expect(other.tryAcquire('test')).toBeUndefined();
    held.release();
    const next = other.tryAcquire('test');
    expect(next?.generation).toBe(held.generation + 1);
    expect(one.tryAcquire('test')).toBeUndefined();
    next!.release();
    next!.release();
    expect(one.tryAcquire('test')).toBeDefined();
  });

  it('does not grow with its use', () => {
    const folder = join(temporaryFolder(), 'lock');
    const lock = new StoreLock(folder);
    for (let i = 0; i < 50; i++) acquire(lock).release();
    expect(readdirSync(folder)).toEqual(['50.free']);
  });

  it('is not kept by a process that has died, nor by another one with its number', async () => {
    const folder = join(temporaryFolder(), 'lock');
    mkdirSync(folder);
    const owner = { ...ownerOf(folder), pid: await deadProcess() };
    writeFileSync(join(folder, '7'), JSON.stringify(owner));
    const held = new StoreLock(folder).tryAcquire('test');
    expect(held?.generation).toBe(8);
    held!.release();
    // The process that tests run under lives, and did not start one tick after the system.
    writeFileSync(join(folder, '9'), JSON.stringify({ ...owner, pid: process.ppid, task: process.ppid, started: '1' }));
    const isKnown = process.platform === 'linux';
    expect(new StoreLock(folder).tryAcquire('test')?.generation).toBe(isKnown ? 10 : undefined);
  });

  it('is kept by who cannot be asked: a process of another machine', () => {
    const folder = join(temporaryFolder(), 'lock');
    mkdirSync(folder);
    writeFileSync(join(folder, '3'), JSON.stringify({ pid: 1, task: 1, started: '1', host: 'elsewhere' }));
    expect(new StoreLock(folder).tryAcquire('test')).toBeUndefined();
  });

  it('is not kept by a file that a stopped machine has left empty', () => {
    const folder = join(temporaryFolder(), 'lock');
    mkdirSync(folder);
    writeFileSync(join(folder, '3'), '');
    expect(new StoreLock(folder).tryAcquire('test')?.generation).toBe(4);
  });

  it('ends the wait for it when the call is cancelled', async () => {
    const folder = join(temporaryFolder(), 'lock');
    const held = acquire(new StoreLock(folder));
    const waiting = runAsync(new StoreLock(folder).acquire(operation()));
    setImmediate(() => cancelHandle(DEFAULT_SESSION));
    await expect(waiting).rejects.toMatchObject({ code: 1223 });
    held.release();
  });

  it('goes to one of many who wait, each in turn', async () => {
    const folder = join(temporaryFolder(), 'lock');
    let holders = 0;
    let most = 0;
    const generations: number[] = [];
    await Promise.all(
      Array.from({ length: 12 }, async () => {
        const held: Held = await runAsync(new StoreLock(folder).acquire(operation()));
        most = Math.max(most, ++holders);
        generations.push(held.generation);
        await new Promise((resolve) => setImmediate(resolve));
        holders--;
        held.release();
      }),
    );
    expect(most).toBe(1);
    expect(generations).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  });
});
