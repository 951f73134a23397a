import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, writeLongLog, writeSampleLog } from '../log-files.ts';
import { faults } from '../store/store-logs.ts';
import { linesOf, requireBuild, start, winevt } from './command.ts';

beforeAll(requireBuild);

function newStore() {
  const folder = temporaryFolder();
  const store = join(folder, 'store');
  const run = (args: readonly string[], input = '') => winevt([...args, '--store', store], { input });
  return { folder, store, run };
}

describe('winevt write', () => {
  it('writes one event, and prints its record id', () => {
    const { run } = newStore();
    expect(
      run(['write', 'App', '--provider', 'P', '--id', '7', '--level', 'warning', '-d', 'a=1', '-d', 'b=x=y']),
    ).toEqual({
      status: 0,
      stdout: '1\n',
      stderr: '',
    });
    const { stdout } = run(['qe', 'App']);
    expect(stdout).toContain('<EventID>7</EventID><Version>0</Version><Level>3</Level>');
    expect(stdout).toContain("<Data Name='a'>1</Data><Data Name='b'>x=y</Data>");
  });

  it('takes JSON lines, and goes on behind those that are no events', () => {
    const { run, store } = newStore();
    const lines = ['{"provider":"P","id":1}', 'nonsense', '', '{"id":2}', '{"provider":"P","id":3,"data":{"x":true}}'];
    const { status, stdout, stderr } = run(['write', 'App', '--json'], lines.join('\n'));
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(linesOf(stderr)).toEqual([
      expect.stringMatching(/^winevt: line 2: this is no JSON/),
      expect.stringMatching(/^winevt: line 4: ERROR_INVALID_PARAMETER \(87\): "provider"/),
      'winevt: 2 events written to App, 2 refused',
    ]);
    expect(run(['qe', 'App', '--count']).stdout).toBe('2\n');
    expect(faults(join(store, 'App.evtx'))).toEqual([]);
  });

  it('writes anew what qe prints', () => {
    const { run, folder } = newStore();
    const log = writeSampleLog(folder, 'log.evtx', 200);
    const printed = winevt(['qe', log, '-f', 'json']).stdout;
    expect(run(['write', 'Sample', '--json'], printed).stderr).toBe('winevt: 200 events written to Sample\n');
    // A field that an event lacks has its default then; what the event says is the same.
    const said = (text: string) => linesOf(text).map((line) => JSON.parse(line).Event.EventData);
    expect(said(run(['qe', 'Sample', '-f', 'json']).stdout)).toEqual(said(printed));
  });

  it('says what is wrong with its arguments', () => {
    const { run, store } = newStore();
    expect(run(['write', 'App', '--id', '7'])).toMatchObject({ status: 2, stdout: '' });
    expect(run(['write', 'App', '--provider', 'P', '--id', '70000']).status).toBe(2);
    expect(run(['write', 'App', '--provider', 'P', '--id', '7', '--level', 'loud']).status).toBe(2);
    expect(run(['write', 'a:b', '--provider', 'P', '--id', '7']).stderr).toMatch(
      /ERROR_EVT_INVALID_CHANNEL_PATH \(15000\)/,
    );
    expect(existsSync(join(store, 'a:b.evtx'))).toBe(false);
  });
});

describe('winevt epl', () => {
  it('exports what is selected, and refuses to overwrite unless it is told to', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 90);
    const target = join(folder, 'out.evtx');
    const export7 = ['export-log', log, target, '/q:*[System[EventID=7]]'];
    expect(winevt(export7)).toEqual({ status: 0, stdout: '', stderr: `winevt: 30 events (0.1 MB) in ${target}\n` });
    expect(winevt(['qe', target]).stdout).toBe(winevt(['qe', log, '/q:*[System[EventID=7]]']).stdout);
    expect(winevt(export7)).toMatchObject({ status: 1, stderr: expect.stringMatching(/ERROR_FILE_EXISTS \(80\)/) });
    expect(winevt(['epl', log, target, '/ow:true', '--quiet'])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(winevt(['qe', target, '--count']).stdout).toBe('90\n');
  });

  it('takes a structured query over several logs', () => {
    const folder = temporaryFolder();
    const [a, b] = [writeSampleLog(folder, 'a.evtx', 10), writeSampleLog(folder, 'b.evtx', 20)];
    const query = join(folder, 'query.xml');
    const select = (path: string) => `<Select Path="file://${path}">*[System[EventRecordID=5]]</Select>`;
    writeFileSync(query, `<QueryList><Query Id="0">${select(a)}${select(b)}</Query></QueryList>`);
    const target = join(folder, 'out.evtx');
    expect(winevt(['epl', query, target, '/sq:true', '--quiet']).status).toBe(0);
    expect(winevt(['qe', target, '--count']).stdout).toBe('2\n');
  });

  it('takes paths from where it is run', () => {
    const folder = temporaryFolder();
    writeSampleLog(folder, 'log.evtx', 3);
    const { status, stderr } = winevt(['epl', 'log.evtx', 'out.evtx'], { cwd: folder });
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'winevt: 3 events (0.1 MB) in out.evtx\n' });
    expect(existsSync(join(folder, 'out.evtx'))).toBe(true);
  });

  it.skipIf(process.platform === 'win32').each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'stopped by %s in the middle, leaves the target as it was, and nothing else',
    async (signal, expected) => {
      const folder = temporaryFolder();
      const log = writeLongLog(folder, 'log.evtx', 1000);
      const target = join(folder, 'out.evtx');
      writeFileSync(target, 'old');
      const child = start(['epl', log, target, '/ow:true']);
      let stderr = '';
      child.stderr!.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      let ended = false;
      const status = new Promise<number | null>((resolve) => {
        child.on('close', (code) => {
          ended = true;
          resolve(code);
        });
      });
      const isWriting = () => readdirSync(folder).some((name) => name.endsWith('.partial'));
      while (!ended && !isWriting()) await new Promise((resolve) => setImmediate(resolve));
      child.kill(signal);
      expect(await status).toBe(expected);
      expect(stderr).toBe('winevt: stopped: nothing was written\n');
      expect(readFileSync(target, 'utf8')).toBe('old');
      expect(readdirSync(folder).sort()).toEqual(['log.evtx', 'out.evtx']);
    },
  );

  it('shows the place of an error in the query, and needs both arguments', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'log.evtx', 5);
    const { status, stderr } = winevt(['epl', log, join(folder, 'out.evtx'), '-q', '*[System[EventID=]]']);
    expect(status).toBe(1);
    expect(stderr).toContain('^');
    expect(winevt(['epl', log]).status).toBe(2);
    expect(existsSync(join(folder, 'out.evtx'))).toBe(false);
  });
});

describe('winevt cl', () => {
  it('empties a channel into a backup', () => {
    const { run, folder } = newStore();
    run(['write', 'App', '--provider', 'P', '--id', '1']);
    const backup = join(folder, 'backup.evtx');
    expect(run(['cl', 'App', `/bu:${backup}`])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(run(['qe', 'App', '--count']).stdout).toBe('0\n');
    expect(winevt(['qe', backup, '--count']).stdout).toBe('1\n');
    expect(run(['qe', 'System', '-q', '*[System[EventID=104]]', '--count']).stdout).toBe('1\n');
    expect(run(['cl', 'App', `/bu:${backup}`])).toMatchObject({ status: 1, stderr: expect.stringMatching(/\(80\)/) });
    expect(run(['cl', 'Nope']).stderr).toMatch(/\(15007\)/);
  });

  it('leaves a folder of somebody else’s logs alone', () => {
    const folder = temporaryFolder();
    const log = writeSampleLog(folder, 'System.evtx', 5);
    const before = readFileSync(log);
    expect(winevt(['cl', 'System', '--store', folder])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/\(5\)/),
    });
    expect(readFileSync(log).equals(before)).toBe(true);
  });
});

describe('winevt gl and sl', () => {
  it('show and change the properties of a channel', () => {
    const { run, folder } = newStore();
    run(['write', 'App', '--provider', 'P', '--id', '1']);
    expect(linesOf(run(['gl', 'app']).stdout).slice(0, 3)).toEqual(['name: App', 'enabled: true', 'type: Admin']);
    expect(run(['sl', 'App', '/ms:2000000', '/rt:true', '/ab:true'])).toEqual({ status: 0, stdout: '', stderr: '' });
    const text = run(['get-log', 'App']).stdout;
    expect(text).toContain('  maxSize: 2031616\n');
    expect(text).toContain('  autoBackup: true\n');

    const file = join(folder, 'app.xml');
    writeFileSync(file, run(['gl', 'App', '/f:xml']).stdout.replace('<autoBackup>true', '<autoBackup>false'));
    expect(run(['sl', `/c:${file}`])).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(run(['gl', 'App']).stdout).toContain('  autoBackup: false\n');
    expect(run(['sl', 'App', `/c:${file}`]).status).toBe(2);
  });

  it('say which value is wrong, and change nothing then', () => {
    const { run } = newStore();
    run(['write', 'App', '--provider', 'P', '--id', '1']);
    const before = run(['gl', 'App']).stdout;
    expect(run(['sl', 'App', '/ms:5'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/\(15023\)/) });
    expect(run(['sl', 'App', '/rt:maybe'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/\(87\)/) });
    expect(run(['sl', 'App', '/ab:true'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/retention/) });
    expect(run(['sl', 'Security', '/e:false'])).toMatchObject({ status: 1, stderr: expect.stringMatching(/\(5\)/) });
    expect(run(['sl', 'App']).status).toBe(2);
    expect(run(['sl', 'Nope', '/rt:true']).stderr).toMatch(/\(15007\)/);
    expect(run(['gl', 'App']).stdout).toBe(before);
  });

  it('list the channels of a store', () => {
    const { run } = newStore();
    run(['write', 'App/Operational', '--provider', 'P', '--id', '1']);
    expect(linesOf(run(['el']).stdout)).toEqual(['App/Operational', 'Application', 'Security', 'System']);
  });
});
