import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { COMMAND, linesOf, requireBuild, start, winevt } from './command.ts';
import { PASSWORD, type Serving, serving } from './serving.ts';

const FAILURE = 1;
const USAGE = 2;
const REFUSED =
  /^winevt: ERROR_ACCESS_DENIED \(5\): the server refuses the call: wrong user or password, or no rights\n$/;

let served: Serving;
let next = 0;
/** A channel of its own for each test; bob may read it. */
let channel: string;

beforeAll(async () => {
  requireBuild();
  served = await serving();
}, 60_000);

afterAll(() => served.stop());

beforeEach(() => {
  channel = `App${next++}`;
});

/** Writes events with ids from `first` on, on the machine that serves. */
function write(count: number, first = 1, to = channel): void {
  const lines = Array.from(
    { length: count },
    (_, i) => `{"provider":"P","id":${first + i},"data":{"n":"${first + i}"}}`,
  );
  const { status, stderr } = winevt(['write', to, '--json', '--store', served.store], { input: lines.join('\n') });
  if (status !== 0) throw new Error(stderr);
}

function idsIn(xml: string): number[] {
  return [...xml.matchAll(/<EventID>(\d+)<\/EventID>/g)].map(([, id]) => Number(id));
}

/** The port of nobody. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

describe('verbs with /r', () => {
  it('qe prints the events of another computer as those of this one', () => {
    write(12);
    for (const args of [['/f:xml'], ['/f:json'], ['/f:text', '/c:3', '/rd'], ['--count']]) {
      const there = served.ask(['qe', channel, ...args]);
      expect(there).toEqual(winevt(['qe', channel, ...args, '--store', served.store]));
      expect(there.status).toBe(0);
    }
    expect(idsIn(served.ask(['qe', channel, '/q:*[System[EventID>9]]']).stdout)).toEqual([10, 11, 12]);
  });

  it('qe takes a structured query, and goes on from a bookmark', () => {
    write(6);
    const folder = temporaryFolder();
    const [query, at] = [join(folder, 'query.xml'), join(folder, 'at.xml')];
    writeFileSync(
      query,
      `<QueryList><Query><Select Path="${channel}">*[System[EventID!=2]]</Select></Query></QueryList>`,
    );
    expect(idsIn(served.ask(['qe', '/sq', query]).stdout)).toEqual([1, 3, 4, 5, 6]);
    expect(idsIn(served.ask(['qe', channel, '/c:2', `/sbm:${at}`]).stdout)).toEqual([1, 2]);
    expect(idsIn(served.ask(['qe', channel, `/bm:${at}`]).stdout)).toEqual([3, 4, 5, 6]);
  });

  it('qe reads a file of the folder for exports', () => {
    write(3);
    expect(served.ask(['epl', channel, `${channel}.evtx`])).toEqual({
      status: 0,
      stdout: '',
      stderr: expect.stringMatching(
        new RegExp(`^winevt: 3 events \\(0\\.1 MB\\) in ${channel}\\.evtx on 127\\.0\\.0\\.1:`),
      ),
    });
    expect(idsIn(served.ask(['qe', `${channel}.evtx`]).stdout)).toEqual([1, 2, 3]);
    expect(idsIn(served.ask(['qe', `${channel}.evtx`, '/lf']).stdout)).toEqual([1, 2, 3]);
    expect(served.ask(['gli', `${channel}.evtx`]).stdout).toContain('numberOfLogRecords: 3\n');
  });

  it('follow prints the events that are written there, until it has enough', async () => {
    write(2);
    const args = ['follow', channel, '--oldest', '/c:5', '-f', 'json', `/r:${served.address}`, '/u:alice'];
    const child = spawn(process.execPath, [COMMAND, ...args], {
      env: { ...process.env, WINEVT_PASSWORD: PASSWORD },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    let written = 2;
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      // As soon as all that is there has come, there is more.
      if (linesOf(text).length === written && written < 5) write(1, ++written);
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect(status).toBe(0);
    expect(linesOf(text).map((line) => JSON.parse(line).Event.System.EventID)).toEqual([1, 2, 3, 4, 5]);
  });

  it('el, gli and gl tell what this computer tells of its own', () => {
    write(4);
    const local = (args: readonly string[]) => winevt([...args, '--store', served.store]).stdout;
    expect(served.ask(['el']).stdout).toBe(local(['el']));
    expect(served.ask(['gl', channel]).stdout).toBe(local(['gl', channel]));
    expect(served.ask(['gl', channel, '/f:xml']).stdout).toBe(local(['gl', channel, '/f:xml']));
    const { status, stdout } = served.ask(['gli', channel, '/f:json']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ numberOfLogRecords: 4, oldestRecordNumber: 1, full: false });
  });

  it('sl changes a channel there, and none here', () => {
    write(1);
    const here = join(temporaryFolder(), 'store');
    winevt(['write', channel, '--provider', 'P', '--id', '1', '--store', here]);
    const env = { WINEVT_STORE: here };
    expect(served.ask(['sl', channel, '/ms:4194304'], { user: 'carol', env })).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(served.ask(['gl', channel]).stdout).toContain('maxSize: 4194304\n');
    expect(winevt(['gl', channel], { env }).stdout).toContain('maxSize: 1048576\n');
    const config = join(temporaryFolder(), 'config.xml');
    writeFileSync(config, served.ask(['gl', channel, '/f:xml']).stdout.replace('4194304', '8388608'));
    expect(served.ask(['sl', `/c:${config}`], { user: 'carol' }).status).toBe(0);
    expect(served.ask(['gl', channel]).stdout).toContain('maxSize: 8388608\n');
  });

  it('cl clears there, with the backup there', () => {
    write(3);
    expect(served.ask(['cl', channel, `/bu:${channel}-all.evtx`])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(idsIn(winevt(['qe', join(served.exports, `${channel}-all.evtx`)]).stdout)).toEqual([1, 2, 3]);
    expect(served.ask(['qe', channel])).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('write says that there is no way', () => {
    const { status, stderr } = served.ask(['write', channel, '--provider', 'P', '--id', '1']);
    expect(status).toBe(USAGE);
    expect(stderr).toBe(
      'winevt: /r: events are written to this computer only: the protocol for other computers (MS-EVEN6) has no way to write any\n',
    );
    expect(winevt(['write', channel, '--remote', 'host']).stderr).toBe(stderr);
  });

  it('/a takes default, negotiate and ntlm in any case; Kerberos is told to be missing', () => {
    write(1);
    for (const type of ['default', 'Negotiate', 'NTLM']) {
      expect(idsIn(served.ask(['qe', channel, `/a:${type}`]).stdout)).toEqual([1]);
    }
    expect(served.ask(['qe', channel, '/a:Kerberos'])).toEqual({
      status: FAILURE,
      stdout: '',
      stderr: 'winevt: ERROR_NOT_SUPPORTED (50): Kerberos is not supported: use negotiate or ntlm\n',
    });
    expect(served.ask(['qe', channel, '/a:basic'])).toMatchObject({ status: USAGE });
  });
});

describe('what goes wrong', () => {
  /** Every verb of another computer, in a form that would do something. */
  const verbs = (): string[][] => [
    ['qe', channel],
    ['follow', channel, '--oldest', '/c:1'],
    ['gli', channel],
    ['el'],
    ['epl', channel, 'x.evtx'],
    ['cl', channel],
    ['gl', channel],
    ['sl', channel, '/rt:true'],
    ['ep'],
    ['gp', 'P'],
  ];

  it('is told by each verb: nobody listens there', async () => {
    const port = await freePort();
    for (const args of verbs()) {
      const { status, stdout, stderr } = winevt([...args, `/r:127.0.0.1:${port}`, '/u:alice'], {
        env: { WINEVT_PASSWORD: PASSWORD },
      });
      expect([status, stdout]).toEqual([FAILURE, '']);
      expect(stderr).toMatch(
        /^winevt: RPC_S_SERVER_UNAVAILABLE \(1722\): 127\.0\.0\.1 cannot be reached .*ECONNREFUSED/,
      );
    }
  });

  it.each([
    [['qe', 'App'], 'winevt: stopped after 0 events\n'],
    [['epl', 'App', 'x.evtx'], 'winevt: stopped: nothing was written\n'],
    [['cl', 'App'], 'winevt: stopped: nothing was cleared\n'],
  ])('is ended with Ctrl-C: the server says nothing to %j', async (args, said) => {
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void silent.close());
    const asked = new Promise<void>((resolve) => {
      silent.once('connection', (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => resolve());
      });
    });
    const { port } = silent.address() as { port: number };
    const child = start([...args, `/r:127.0.0.1:${port}`, '/u:alice'], { WINEVT_PASSWORD: PASSWORD });
    let stderr = '';
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    await asked;
    child.kill('SIGINT');
    expect([await ended, stderr]).toEqual([130, said]);
  });

  it('is told by each verb: the password is wrong', async () => {
    const env = { WINEVT_PASSWORD: 'wrong one' };
    // A server answers an address the later the more wrong ones have come from there: each of two has half of them.
    const other = await serving();
    try {
      for (const [i, args] of verbs().entries()) {
        const { status, stdout, stderr } = (i % 2 === 0 ? other : served).ask(args, { env });
        expect([status, stdout]).toEqual([FAILURE, '']);
        expect(stderr).toMatch(REFUSED);
        expect(stderr).not.toContain('wrong one');
      }
    } finally {
      await other.stop();
    }
  });

  it('is told: nobody is named', () => {
    const { status, stdout, stderr } = winevt(['el', `/r:${served.address}`]);
    expect([status, stdout]).toEqual([FAILURE, '']);
    expect(stderr).toMatch(/^winevt: ERROR_ACCESS_DENIED \(5\): the server refuses the call: no user was named.*\n$/);
  });

  it('is told by each verb: the user has no right', () => {
    write(1, 1, `Other${channel}`);
    channel = `Other${channel}`;
    const asBob = (...args: string[]) => served.ask(args, { user: 'bob' });
    const denied = (what: string) => ({
      status: FAILURE,
      stdout: '',
      stderr: `winevt: ERROR_ACCESS_DENIED (5): ${what}: the server gives this user no right to it\n`,
    });
    expect(asBob('qe', channel)).toEqual(denied(`the query of ${channel}`));
    expect(asBob('follow', channel)).toEqual(denied(`the subscription to ${channel}`));
    expect(asBob('gli', channel)).toEqual(denied(`the log ${channel}`));
    expect(asBob('epl', channel, 'x.evtx')).toEqual(denied('exporting to x.evtx'));
    expect(asBob('cl', channel)).toEqual(denied(`clearing ${channel}`));
    expect(asBob('sl', channel, '/rt:true')).toEqual(denied(`the channel ${channel}`));
    expect(served.ask(['epl', channel, '/tmp/elsewhere.evtx'])).toEqual(denied('exporting to /tmp/elsewhere.evtx'));
    expect(existsSync('/tmp/elsewhere.evtx')).toBe(false);
    expect(readdirSync(served.exports)).not.toContain('x.evtx');
  });

  it('leaves out what the user may not read, where that is tolerated', () => {
    write(2);
    write(1, 1, `Other${channel}`);
    const query = `<QueryList><Query><Select Path='${channel}'>*</Select><Select Path='Other${channel}'>*</Select></Query></QueryList>`;
    const { status, stdout, stderr } = served.ask(['qe', `/q:${query}`, '--tolerate'], { user: 'bob' });
    expect([status, idsIn(stdout)]).toEqual([0, [1, 2]]);
    expect(stderr).toBe(`winevt: warning: Other${channel} was left out (error 5)\n`);
  });

  it('has a sentence of its own: no such channel, no such file, a file that is there, a query that cannot be read', () => {
    write(1);
    expect(served.ask(['qe', 'NoSuch']).stderr).toBe(
      'winevt: ERROR_EVT_CHANNEL_NOT_FOUND (15007): the query of NoSuch: the server has no such channel\n',
    );
    expect(served.ask(['qe', 'no.evtx']).stderr).toBe(
      'winevt: ERROR_FILE_NOT_FOUND (2): the query of no.evtx: the server has no such file\n',
    );
    served.ask(['epl', channel, `${channel}.evtx`]);
    expect(served.ask(['epl', channel, `${channel}.evtx`]).stderr).toBe(
      `winevt: ERROR_FILE_EXISTS (80): exporting to ${channel}.evtx: the server has such a file already: name another one\n`,
    );
    // With the place in it, as for a log of this computer.
    const bad = ['qe', channel, '/q:*[System[EventID=]]'];
    expect(served.ask(bad)).toEqual(winevt([...bad, '--store', served.store]));
    expect(served.ask(bad).stderr).toContain('^');
  });

  it('is told of what the protocol cannot do', () => {
    write(1);
    const unsupported = /^winevt: ERROR_NOT_SUPPORTED \(50\): /;
    expect(served.ask(['epl', channel, 'x.evtx', '/ow']).stderr).toMatch(unsupported);
    expect(served.ask(['qe', channel, '--recover']).stderr).toMatch(unsupported);
    expect(served.ask(['follow', 'x.evtx']).stderr).toMatch(unsupported);
  });

  it('is wrong usage: options for another computer without one, folders of this one with one, no computer', () => {
    for (const option of ['/u:alice', '/p:*', '--password-fd=0', '/a:ntlm']) {
      expect(winevt(['el', option])).toEqual({
        status: USAGE,
        stdout: '',
        stderr: 'winevt: /u, /p, --password-fd and /a go with /r:COMPUTER\n',
      });
    }
    expect(served.ask(['el', '--store', '/tmp']).status).toBe(USAGE);
    expect(winevt(['el', `/r:${served.address}`, '--password-fd=0']).stderr).toBe(
      'winevt: a password goes with /u:USER\n',
    );
    for (const remote of ['host:0', 'host:99999', 'a:b:c', '[::1', 'host:']) {
      expect(winevt(['el', `/r:${remote}`])).toMatchObject({ status: USAGE });
    }
  });
});

describe('the password', () => {
  const remote = () => [`/r:${served.address}`, '/u:alice'];

  it('comes from a file descriptor', () => {
    write(2);
    const args = ['qe', channel, '--password-fd', '0', ...remote()];
    expect(idsIn(winevt(args, { input: `${PASSWORD}\nmore` }).stdout)).toEqual([1, 2]);
    expect(winevt(args, { input: 'wrong one\n' })).toMatchObject({ status: FAILURE, stdout: '' });
    expect(winevt(['qe', channel, '--password-fd', '77', ...remote()])).toMatchObject({ status: USAGE });
    expect(winevt(['qe', channel, '--password-fd', 'x', ...remote()])).toMatchObject({ status: USAGE });
    // Another descriptor than those that every program has.
    const secret = join(temporaryFolder(), 'secret');
    writeFileSync(secret, PASSWORD);
    const third = spawnSync(process.execPath, [COMMAND, 'qe', channel, '--password-fd', '3', ...remote()], {
      stdio: ['ignore', 'pipe', 'pipe', openSync(secret, 'r')],
      encoding: 'utf8',
    });
    expect(idsIn(third.stdout)).toEqual([1, 2]);
  });

  it('is refused on the command line, and not repeated', () => {
    for (const args of [[`/p:${PASSWORD}`], ['-p', PASSWORD], [`--password=${PASSWORD}`], ['/p:', PASSWORD]]) {
      const { status, stdout, stderr } = winevt(['el', ...remote(), ...args]);
      expect([status, stdout]).toEqual([USAGE, '']);
      expect(stderr).toMatch(/^winevt: \/p: a password on the command line is seen by others/);
      expect(stderr).not.toContain(PASSWORD);
    }
    // Nor by a verb that has no such option.
    const { status, stderr } = winevt(['demo', `/p:${PASSWORD}`]);
    expect([status, stderr]).toEqual([USAGE, expect.not.stringContaining(PASSWORD)]);
  });

  it('is in nothing that is printed, whatever happens', () => {
    write(1);
    const all: string[] = [];
    for (const args of [
      ['qe', channel],
      ['el'],
      ['gl', 'NoSuch'],
      ['sl', channel, '/rt:true'],
      ['epl', channel, '/x'],
    ]) {
      const { stdout, stderr } = served.ask(args);
      all.push(stdout, stderr);
    }
    expect(all.join('')).not.toContain(PASSWORD);
  });

  it('without a terminal to ask on, the other ways are named', async () => {
    // A session of its own has no terminal.
    const child = spawn(process.execPath, [COMMAND, 'el', ...remote()], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect([status, stderr]).toEqual([
      USAGE,
      'winevt: there is no terminal to ask for the password on: set WINEVT_PASSWORD or use --password-fd\n',
    ]);
  });

  it.skipIf(spawnSync('script', ['--version']).status !== 0)(
    'is asked for on a terminal, and does not show',
    async () => {
      write(2);
      const command = [process.execPath, COMMAND, 'qe', channel, '/f:json', '/p:*', ...remote()];
      const quoted = command.map((word) => `'${word}'`).join(' ');
      const child = spawn('script', ['-qec', quoted, '/dev/null'], {
        env: { ...process.env, WINEVT_PASSWORD: 'not this one' },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      let text = '';
      let isTyped = false;
      child.stdout.setEncoding('utf8').on('data', (more: string) => {
        text += more;
        if (isTyped || !text.includes('Password of alice: ')) return;
        isTyped = true;
        // With a slip that is taken back.
        child.stdin.write(`${PASSWORD}x\x7f\r`);
      });
      const status = await new Promise((resolve) => child.on('close', resolve));
      expect([status, isTyped]).toEqual([0, true]);
      expect(text.match(/"EventID":/g)).toHaveLength(2);
      expect(text).not.toContain(PASSWORD);
    },
  );

  it('is in no list of processes', async () => {
    write(1);
    if (process.platform !== 'linux') return;
    const asked = spawn(process.execPath, [COMMAND, 'follow', channel, '--oldest', ...remote()], {
      env: { ...process.env, WINEVT_PASSWORD: PASSWORD },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => asked.stdout.once('data', resolve));
    expect(readFileSync(`/proc/${asked.pid}/cmdline`, 'utf8')).not.toContain(PASSWORD);
    asked.kill();
    await new Promise((resolve) => asked.on('close', resolve));
  });
});
