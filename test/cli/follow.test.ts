import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EventLogServer } from '../../src/server/event-log-server.ts';
import { temporaryFolder } from '../log-files.ts';
import { fill, PASSWORD, serve } from '../server/serve.ts';
import { GrowingLog, largeEvent } from '../service/growing-log.ts';
import { linesOf, requireBuild, start, winevt } from './command.ts';

const folder = temporaryFolder();
let files = 0;
const newLog = (options?: ConstructorParameters<typeof GrowingLog>[1]) =>
  new GrowingLog(join(folder, `log-${++files}.evtx`), options);

beforeAll(requireBuild);

/** A command that runs, and what it has printed. */
class Running {
  readonly #child: ChildProcess;
  readonly status: Promise<number | null>;
  stdout = '';
  stderr = '';
  #look: () => void = () => {};

  constructor(...args: string[]) {
    this.#child = start(args, { WINEVT_PASSWORD: PASSWORD });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.#look();
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#look();
    });
    this.status = new Promise((resolve) => {
      this.#child.on('close', resolve);
    });
  }

  /** Waits until it has printed so many lines. */
  printed(lines: number): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (linesOf(this.stdout).length >= lines) resolve();
      };
      this.#look();
    });
  }

  /** Waits until it has said something beside the events. */
  complained(what: RegExp): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (what.test(this.stderr)) resolve();
      };
      this.#look();
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get ids(): number[] {
    return linesOf(this.stdout).map((line) => Number(JSON.parse(line).Event.System.EventRecordID));
  }
}

describe.skipIf(process.platform === 'win32')('winevt follow', () => {
  it('prints events as they come, stops at Ctrl-C, and goes on from its bookmark', async () => {
    const log = newLog();
    log.append(2);
    const bookmark = join(folder, 'at.xml');
    const first = new Running('follow', log.path, '--oldest', '-f', 'json', '--bookmark', bookmark);
    await first.printed(2);
    for (let id = 3; id < 6; id++) {
      log.append();
      await first.printed(id);
    }
    first.kill('SIGINT');
    expect(await first.status).toBe(130);
    expect(first.ids).toEqual([1, 2, 3, 4, 5]);
    expect(first.stderr).toBe(`winevt: stopped after 5 events; go on with --bookmark ${bookmark}\n`);
    expect(readFileSync(bookmark, 'utf8')).toContain("RecordId='5'");
    log.append(3);
    // The query selects each third event.
    const args = ['follow', log.path, '/q:*[System[EventID=7]]', '/bm', bookmark, '/f:json'];
    const second = new Running(...args, '/c:2');
    await second.printed(1);
    log.rotate();
    log.append(1);
    expect(await second.status).toBe(0);
    expect(second.ids).toEqual([6, 9]);
    expect(second.stderr).toBe('');
  });

  it('ends with SIGTERM, too, and says so with its exit status', async () => {
    const log = newLog();
    log.append();
    const running = new Running('follow', log.path, '--oldest', '--quiet');
    await running.printed(1);
    running.kill('SIGTERM');
    expect(await running.status).toBe(143);
    expect(running.stderr).toBe('');
    expect(running.stdout).toMatch(/^<Event .*<\/Event>\n$/);
  });

  it('tells what was overwritten; strict, it fails', () => {
    const log = newLog({ maxSlots: 3, event: largeEvent });
    const bookmark = join(folder, 'old.xml');
    log.append(1);
    expect(winevt(['follow', log.path, '--oldest', '-c', '1', '--bookmark', bookmark]).status).toBe(0);
    log.append(40);
    const strict = winevt(['follow', log.path, '--bookmark', bookmark, '--strict', '-c', '1']);
    expect(strict.status).toBe(1);
    expect(strict.stderr).toMatch(/^winevt: ERROR_EVT_QUERY_RESULT_STALE \(15011\): record 1 /);
    const missing = Number(log.ids[0]) - 2;
    const lenient = winevt(['follow', log.path, '--bookmark', bookmark, '-c', '1']);
    expect(lenient.status).toBe(0);
    expect(lenient.stderr).toBe(`winevt: warning: ${log.path}: ${missing} records gone before they could be read\n`);
  });

  it('refuses what it cannot follow', () => {
    expect(winevt(['follow', newLog().path, '-f', 'table']).status).toBe(2);
    expect(winevt(['follow']).status).toBe(2);
    expect(winevt(['follow', 'No-Such-Channel', '--logs', folder])).toMatchObject({ status: 1, stdout: '' });
    expect(winevt(['follow', newLog().path, '-q', '*[']).stderr).toMatch(/ERROR_EVT_INVALID_QUERY/);
  });
});

describe.skipIf(process.platform === 'win32')('winevt follow /r:', () => {
  it('goes on past lost connections and past a server that ends, and from its bookmark', async () => {
    const { server, store, users } = await serve();
    const { port } = server;
    await fill(store, 'App', 3);
    const bookmark = join(folder, 'remote-bookmark.xml');
    const args = ['follow', 'App', `/r:127.0.0.1:${port}`, '/u:alice', '--oldest', '/f:json', '/bm', bookmark];
    const running = new Running(...args);
    await running.printed(3);
    server.dropConnections();
    await fill(store, 'App', 2, 4);
    await running.printed(5);
    await server.close();
    await running.complained(/trying again/);
    await fill(store, 'App', 2, 6);
    const again = await EventLogServer.start({ folder: store, users, port });
    onTestFinished(() => again.close());
    await running.printed(7);
    running.kill('SIGINT');
    expect(await running.status).toBe(130);
    expect(running.ids).toEqual([1, 2, 3, 4, 5, 6, 7]);
    await fill(store, 'App', 1, 8);
    const next = new Running(...args, '/c:1');
    expect(await next.status).toBe(0);
    expect(next.ids).toEqual([8]);
  });

  it('stops at Ctrl-C while its server does not answer', async () => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const connected = new Promise<void>((resolve) => {
      silent.once('connection', (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => resolve());
      });
    });
    const { port } = silent.address() as AddressInfo;
    const running = new Running('follow', 'App', `/r:127.0.0.1:${port}`, '/u:alice');
    await connected;
    running.kill('SIGINT');
    expect(await running.status).toBe(130);
  });
});
