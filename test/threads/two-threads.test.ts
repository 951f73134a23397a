import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
// The built package, in both threads: worker threads load no TypeScript.
import * as winevt from '../../dist/wevtapi/index.js';
import { CHUNK_SIZE, FileFlag, FileHeaderOffset, HEADER_BLOCK_SIZE } from '../../src/evtx/layout.ts';
import { sampleLog } from '../evtx/sample-events.ts';
import { temporaryFolder, writeLongLog } from '../log-files.ts';
import { GrowingLog } from '../service/growing-log.ts';

interface Message {
  readonly calling?: boolean;
  readonly handle?: number;
  readonly result?: number | boolean | null;
  readonly error?: number;
}

const folder = temporaryFolder();
const NOTHING = "*[EventData/Data='no event says this']";

class ThreadA {
  readonly #worker: Worker;
  readonly #messages: Message[] = [];
  readonly #waiting: ((message: Message) => void)[] = [];

  constructor(workerData: { file: string; query: string; call: string }) {
    this.#worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData });
    this.#worker.on('message', (message: Message) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#messages.push(message);
      else waiting(message);
    });
  }

  next(): Promise<Message> {
    const message = this.#messages.shift();
    return message === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(message);
  }

  send(): void {
    this.#worker.postMessage('closed');
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** Cancels again and again: only a call that has begun can be cancelled, and the other thread says so just before it begins. */
async function cancelUntilAnswered(thread: ThreadA, handle: number | null): Promise<Message> {
  let answer: Message | undefined;
  const answered = thread.next().then((message) => {
    answer = message;
  });
  while (answer === undefined) {
    expect(winevt.EvtCancel(handle)).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await answered;
  return answer;
}

describe('the procedure that the EvtCancel page documents, with two real threads', () => {
  const long = writeLongLog(folder, 'long.evtx', 3000);

  test.each(['EvtNext', 'EvtSeek'])(
    'A blocks in %s; B cancels its handle: false, 1223; B closes it: 6',
    async (call) => {
      const thread = new ThreadA({ file: long, query: NOTHING, call });
      const { handle } = await thread.next();
      const { result, error } = await cancelUntilAnswered(thread, handle!);
      expect({ result, error }).toEqual({ result: false, error: winevt.WIN32.ERROR_CANCELLED });
      expect(winevt.EvtClose(handle!)).toBe(true);
      expect(winevt.EvtClose(handle!)).toBe(false);
      expect(winevt.GetLastError()).toBe(winevt.WIN32.ERROR_INVALID_HANDLE);
      expect(winevt.EvtCancel(handle!)).toBe(false);
      thread.send();
      expect(await thread.next()).toEqual({ result: false, error: winevt.WIN32.ERROR_INVALID_HANDLE });
      await thread.end();
    },
  );

  test('A waits in EvtNext on a subscription; B cancels it: false, 1223; it lives on, and gives what B writes', async () => {
    const log = new GrowingLog(join(folder, 'growing.evtx'));
    const thread = new ThreadA({ file: log.path, query: '*', call: 'EvtSubscribe' });
    const { handle } = await thread.next();
    const { result, error } = await cancelUntilAnswered(thread, handle!);
    expect({ result, error }).toEqual({ result: false, error: winevt.WIN32.ERROR_CANCELLED });
    thread.send();
    log.append();
    expect(await thread.next()).toMatchObject({ result: true });
    await thread.end();
  });

  test('B closes the result set that A blocks on: A gets 1223', async () => {
    const thread = new ThreadA({ file: long, query: NOTHING, call: 'EvtNext' });
    const { handle } = await thread.next();
    expect(winevt.EvtClose(handle!)).toBe(true);
    const { result, error } = await thread.next();
    expect(result).toBe(false);
    // Closed before A's call began, it is an invalid handle; afterwards, a cancelled call.
    expect([winevt.WIN32.ERROR_CANCELLED, winevt.WIN32.ERROR_INVALID_HANDLE]).toContain(error);
    await thread.end();
  });

  test('A blocks in EvtQuery; B cancels the local session: null, 1223', async () => {
    // A log that was not closed: EvtQuery must look at every slot, and there are very many empty ones.
    const path = join(folder, 'sparse.evtx');
    const file = openSync(path, 'w');
    const header = sampleLog(10).log.bytes().subarray(0, HEADER_BLOCK_SIZE);
    header[FileHeaderOffset.flags] = FileFlag.dirty;
    writeSync(file, header);
    ftruncateSync(file, HEADER_BLOCK_SIZE + 200_000 * CHUNK_SIZE);
    closeSync(file);
    const thread = new ThreadA({ file: path, query: '*', call: 'EvtQuery' });
    await thread.next();
    const { result, error } = await cancelUntilAnswered(thread, null);
    expect({ result, error }).toEqual({ result: null, error: winevt.WIN32.ERROR_CANCELLED });
    await thread.end();
  });

  test('a handle of another thread can be cancelled and closed, and nothing else', async () => {
    const thread = new ThreadA({ file: long, query: NOTHING, call: 'EvtNext' });
    const { handle } = await thread.next();
    expect(winevt.EvtNext(handle!, 1, [], 0, 0)).toBe(false);
    expect(winevt.GetLastError()).toBe(winevt.WIN32.ERROR_INVALID_HANDLE);
    await cancelUntilAnswered(thread, handle!);
    expect(winevt.EvtClose(handle!)).toBe(true);
    await thread.end();
  });
});
