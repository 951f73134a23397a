// Ctrl-C and closed pipes, on a log whose output no pipe can hold: the command is in the middle of it when it is stopped.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { EventLogServer } from '../../src/server/event-log-server.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { linesOf, requireBuild, start, winevt, winevtUntil } from './command.ts';

const EVENTS = 20_000;
const folder = temporaryFolder();
const log = join(folder, 'large.evtx');
const STOPPED = /^winevt: stopped after ([\d,]+) events? \([\d,]+ records?, [\d.]+ of [\d.]+ MB read\)/m;

beforeAll(() => {
  requireBuild();
  writeSampleLog(folder, 'large.evtx', EVENTS);
});

function stoppedAfter(stderr: string): number {
  const [, count] = STOPPED.exec(stderr) ?? [];
  expect(count, stderr).toBeDefined();
  return Number(count!.replaceAll(',', ''));
}

describe.skipIf(process.platform === 'win32')('Ctrl-C', () => {
  it('leaves whole lines, says how far it got, and what follows is exactly the rest', async () => {
    const bookmark = join(folder, 'at.xml');
    const stopped = await winevtUntil(['qe', log, `/sbm:${bookmark}`], (child) => child.kill('SIGINT'));
    expect(stopped.status).toBe(130);
    const lines = linesOf(stopped.stdout);
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(EVENTS);
    expect(stopped.stdout.endsWith('</Event>\n')).toBe(true);
    expect(stoppedAfter(stopped.stderr)).toBe(lines.length);
    expect(stopped.stderr).toContain(`; read on with /bm:${bookmark}\n`);
    const rest = winevt(['qe', log, `/bm:${bookmark}`]);
    expect(rest.status).toBe(0);
    expect(stopped.stdout + rest.stdout === winevt(['qe', log]).stdout).toBe(true);
  });

  it('does so with the log of another computer, which does not tell what it has read', async () => {
    await using server = await EventLogServer.start({ folder, anonymousRead: true });
    const args = ['qe', 'large', `/r:127.0.0.1:${server.port}`];
    const { status, stdout, stderr } = await winevtUntil(args, (child) => child.kill('SIGINT'));
    expect(status).toBe(130);
    const lines = linesOf(stdout).length;
    expect(lines).toBeLessThan(EVENTS);
    expect(stderr).toBe(`winevt: stopped after ${lines.toLocaleString('en')} events\n`);
  });

  it('closes the root element', async () => {
    const { status, stdout, stderr } = await winevtUntil(['qe', log, '/e:Events'], (child) => child.kill('SIGINT'));
    expect(status).toBe(130);
    expect(stdout.startsWith('<Events>\n<Event ')).toBe(true);
    expect(stdout.endsWith('</Event>\n</Events>\n')).toBe(true);
    expect(stoppedAfter(stderr)).toBe(linesOf(stdout).length - 2);
  });

  it('leaves whole lines in the other formats, too', async () => {
    for (const format of ['json', 'csv', 'table']) {
      const { status, stdout } = await winevtUntil(['qe', log, '/f', format], (child) => child.kill('SIGINT'));
      expect(status).toBe(130);
      const last = linesOf(stdout).at(-1)!;
      if (format === 'json') expect(() => JSON.parse(last)).not.toThrow();
      else expect(last).toMatch(/note \d+;?/);
      expect(stdout.endsWith('\n')).toBe(true);
    }
  });

  it('ends the same way for SIGTERM and SIGHUP, with their exit statuses', async () => {
    for (const [signal, expected] of [
      ['SIGTERM', 143],
      ['SIGHUP', 129],
    ] as const) {
      const { status, stdout, stderr } = await winevtUntil(['qe', log], (child) => child.kill(signal));
      expect(status).toBe(expected);
      expect(stoppedAfter(stderr)).toBe(linesOf(stdout).length);
    }
  });

  it('ends at once when it comes twice, also while nobody takes the output', async () => {
    const child = start(['qe', log]);
    const ended = new Promise<number | null>((resolve) => {
      child.on('exit', resolve);
    });
    await new Promise<void>((resolve) => {
      child.stdout!.once('readable', resolve);
    });
    child.kill('SIGINT');
    // Another signal: two of the same kind may arrive as one.
    child.kill('SIGTERM');
    expect([130, 143]).toContain(await ended);
    child.stdout!.destroy();
  });
});

describe('a closed pipe', () => {
  it('ends the command quietly', async () => {
    for (const format of ['xml', 'json', 'csv', 'text', 'table']) {
      const { status, stderr } = await winevtUntil(['qe', log, '/f', format], (child) => child.stdout!.destroy());
      expect({ format, status, stderr }).toEqual({ format, status: 0, stderr: '' });
    }
  });
});
