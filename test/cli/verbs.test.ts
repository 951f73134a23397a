import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { VERBS } from '../../src/cli/verbs.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { linesOf, requireBuild, winevt, winevtUntil } from './command.ts';

const folder = temporaryFolder();
const logs = join(folder, 'logs');
const log = join(logs, 'System.evtx');

beforeAll(() => {
  requireBuild();
  mkdirSync(logs);
  writeSampleLog(logs, 'System.evtx', 12);
  writeSampleLog(logs, 'Microsoft-Windows-Sysmon%4Operational.evtx', 1);
  writeFileSync(join(logs, 'notes.txt'), '');
});

describe('winevt gli', () => {
  it("prints wevtutil's lines", () => {
    utimesSync(log, 1_704_067_200, 1_704_067_201.5);
    const { status, stdout } = winevt(['gli', log]);
    expect(status).toBe(0);
    const lines = linesOf(stdout);
    const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
    expect(lines.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      'creationTime',
      'lastAccessTime',
      'lastWriteTime',
      'fileSize',
      'attributes',
      'numberOfLogRecords',
      'oldestRecordNumber',
    ]);
    for (const line of lines.slice(0, 3)) expect(line).toMatch(time);
    expect(lines.slice(2)).toEqual([
      'lastWriteTime: 2024-01-01T00:00:01.500Z',
      `fileSize: ${statSync(log).size}`,
      'attributes: 32',
      'numberOfLogRecords: 12',
      'oldestRecordNumber: 1',
    ]);
  });

  it('finds a channel, and prints JSON', () => {
    const { stdout } = winevt(['GET-LOGINFO', 'system', '/logs', logs, '/f:JSON']);
    expect(JSON.parse(stdout)).toMatchObject({ numberOfLogRecords: 12, oldestRecordNumber: 1, full: false });
  });

  it('fails for what is no log', () => {
    expect(winevt(['gli', join(logs, 'notes.txt')])).toMatchObject({ status: 1, stdout: '' });
    expect(winevt(['gli', 'Security', '--logs', logs]).stderr).toMatch(
      /^winevt: ERROR_EVT_CHANNEL_NOT_FOUND \(15007\)/,
    );
    expect(winevt(['gli', log, '/f:csv']).status).toBe(2);
  });
});

describe('winevt el', () => {
  it('prints the channels of a folder of logs', () => {
    const names = ['Microsoft-Windows-Sysmon/Operational', 'System'];
    expect(linesOf(winevt(['el', '--logs', logs]).stdout).sort()).toEqual(names);
    expect(linesOf(winevt(['enum-logs'], { env: { WINEVT_LOGS: logs } }).stdout).sort()).toEqual(names);
    expect(winevt(['el'])).toMatchObject({ status: 0, stdout: '', stderr: expect.stringContaining('--logs DIR') });
  });
});

describe('help', () => {
  it('has examples for each verb, and every option in both spellings', () => {
    const overview = winevt(['--help']);
    expect(overview.status).toBe(0);
    for (const verb of VERBS) {
      expect(overview.stdout).toContain(verb.verb);
      const { status, stdout, stderr } = winevt([verb.verb, '/?']);
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toContain('Examples:');
      for (const { long, names, kind } of verb.options) {
        expect(stdout).toContain(`--${long}`);
        const [short] = names;
        if (short !== undefined && short !== long) expect(stdout).toContain(`/${short}${kind === 'value' ? ':' : ','}`);
      }
    }
    expect(winevt(['help', 'QE']).stdout).toBe(winevt(['qe', '--help']).stdout);
  });

  it('is on stderr, as wrong usage, for no arguments', () => {
    const { status, stdout, stderr } = winevt([]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('Usage: winevt');
  });

  it('survives a reader that goes away', async () => {
    expect(await winevtUntil(['--help'], (child) => child.stdout!.destroy())).toMatchObject({ status: 0, stderr: '' });
  });

  it('tells the version', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    for (const spelling of ['--version', '--VERSION', '-V', '-v', 'version']) {
      expect(winevt([spelling]), spelling).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    }
  });
});

describe('the manual page', () => {
  const page = readFileSync(fileURLToPath(new URL('../../docs/winevt.1', import.meta.url)), 'utf8');

  it('describes every verb and every option', () => {
    const plain = page.replaceAll('\\-', '-');
    for (const { names, options } of VERBS) {
      for (const name of names) expect(plain).toContain(name);
      for (const { long } of options) expect(plain).toContain(`--${long}`);
    }
  });

  const hasGroff = spawnSync('groff', ['--version']).status === 0;
  it.skipIf(!hasGroff)('is formatted without a warning', () => {
    const { status, stdout, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww', '-z'], {
      input: page,
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const hasShell = spawnSync(shell, ['--version']).status === 0;
    it.skipIf(!hasShell)(`is a script that ${shell} takes`, () => {
      const { stdout } = winevt(['completion', shell]);
      const { status, stderr } = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    });
  }

  it('names every option in each shell', () => {
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { stdout } = winevt(['completion', shell]);
      for (const { options } of VERBS) {
        for (const { long } of options) expect(stdout).toContain(shell === 'fish' ? `-l ${long}` : `--${long}`);
      }
    }
    expect(winevt(['completion', 'tcsh']).status).toBe(2);
  });

  it.skipIf(spawnSync('bash', ['--version']).status !== 0)('completes verbs, options and their values in bash', () => {
    const complete = (...words: string[]) => {
      const script = `source /dev/stdin <<'SCRIPT'\n${winevt(['completion', 'bash']).stdout}\nSCRIPT
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _winevt; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return linesOf(spawnSync('bash', ['-c', script], { encoding: 'utf8', cwd: logs }).stdout);
    };
    expect(complete('winevt', 'g').sort()).toEqual(['gl', 'gli', 'gp']);
    expect(complete('winevt', 'qe', '--sav')).toEqual(['--savebookmark']);
    expect(complete('winevt', 'qe', '--format', 'j')).toEqual(['json']);
    expect(complete('winevt', 'qe', 'Sys')).toEqual(['System.evtx']);
  });
});

describe('winevt demo', () => {
  it('writes its log once, queries it, cancels a read and goes on exactly there', () => {
    const file = join(folder, 'demo', 'demo.evtx');
    const { status, stdout, stderr } = winevt(['demo', '--log', file]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/ events found in /);
    expect(stdout).toMatch(/ended with ERROR_CANCELLED \(1223\) [\d.]+ ms after EvtCancel/);
    const [, next] = /the next read goes on with ([\d,]+)/.exec(stdout) ?? [];
    expect(stdout).toContain(`an undisturbed reading has ${next} there`);
    expect(stdout).toMatch(/both readings gave the same [\d,]+ events: none lost, none twice/);
    expect(stdout).toMatch(
      /2,000 events written, and followed one by one: all there after [\d,]+ ms, none missed, none twice/,
    );
    expect(stdout).toMatch(/exported the warnings, \S+: 200 events/);
    expect(stdout).toMatch(/cancelled half-way: 1223 after [\d.]+ ms, and no file is left of it/);
    expect(stdout).toMatch(/cleared: 0 events in the channel, 2,001 in the backup; the next one is number 2,002/);
    expect(stdout).toContain('System has event 104 of Microsoft-Windows-Eventlog');
    expect(readdirSync(join(folder, 'demo'))).toEqual(['demo.evtx']);
    expect(winevt(['gli', file]).stdout).toContain('numberOfLogRecords: 200000\n');
    // What it says to try next finds something.
    expect(winevt(['qe', file, '/q:*[System[EventID=1102]]', '--count']).stdout).toBe('1\n');
    expect(winevt(['qe', file, "/q:*[EventData[Data[@Name='IpAddress']='203.0.113.77']]", '--count']).stdout).not.toBe(
      '0\n',
    );
  });

  it('uses a log that is there', () => {
    const before = readFileSync(log);
    const { status, stdout } = winevt(['demo', '--log', log]);
    expect(status).toBe(0);
    expect(stdout).toContain(`Using the log of an earlier run: ${log}\n`);
    expect(readFileSync(log).equals(before)).toBe(true);
  });
});
