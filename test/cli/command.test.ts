// What the shell sees of the command: files that are no logs, and pipes that close.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { linesOf, requireBuild, winevt } from './command.ts';

/** More output than a pipe holds. */
const EVENTS = 5_000;
const folder = temporaryFolder();

beforeAll(() => {
  requireBuild();
  writeSampleLog(folder, 'large.evtx', EVENTS);
});

describe('a file that is no log', () => {
  it('is refused as corrupt, whatever is in it', () => {
    const contents: readonly (readonly [name: string, bytes: Uint8Array, message: string])[] = [
      ['empty.evtx', new Uint8Array(0), 'the file is empty: an .evtx file has at least 4096 bytes'],
      ['short.evtx', Buffer.from('text\n'), 'not an .evtx file: it does not begin with "ElfFile"'],
      ['garbage.evtx', Buffer.alloc(200_000, 'no log '), 'not an .evtx file: it does not begin with "ElfFile"'],
    ];
    for (const [name, bytes, message] of contents) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      for (const verb of ['qe', 'gli']) {
        expect(winevt([verb, path])).toEqual({
          status: 1,
          stdout: '',
          stderr: `winevt: ERROR_EVENTLOG_FILE_CORRUPT (1500): ${path}: ${message}\n`,
        });
      }
    }
  });
});

describe('what is not there', () => {
  const failure = (...args: string[]) => {
    const { status, stdout, stderr } = winevt(args, { cwd: folder });
    expect({ args, status, stdout }).toEqual({ args, status: 1, stdout: '' });
    expect(linesOf(stderr)).toHaveLength(1);
    return stderr;
  };

  it('has the code of a missing file or of a missing folder', () => {
    expect(failure('qe', join(folder, 'nothing.evtx'))).toContain('winevt: ERROR_FILE_NOT_FOUND (2): ');
    expect(failure('qe', join(folder, 'nowhere', 'x.evtx'))).toContain('winevt: ERROR_PATH_NOT_FOUND (3): ');
    expect(failure('qe', '--logs', join(folder, 'nowhere'), 'System')).toMatch(/nowhere\n$/);
    expect(failure('el', '--logs', join(folder, 'nowhere'))).toMatch(/nowhere\n$/);
  });

  it('is said of a folder without logs', () => {
    mkdirSync(join(folder, 'none'));
    expect(failure('qe', join(folder, 'none'))).toContain('(2): there is no .evtx file in ');
  });
});

const hasBash = spawnSync('bash', ['--version']).status === 0;

describe.skipIf(!hasBash)('| head', () => {
  it('gets its line, and the command ends with status 0 and says nothing', () => {
    const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
    const log = join(folder, 'large.evtx');
    for (const format of ['xml', 'json', 'csv', 'text', 'table']) {
      const { stdout, stderr } = spawnSync(
        'bash',
        [
          '-c',
          `"$1" "$2" qe "$3" /f:"$4" | head -n 1; echo "status \${PIPESTATUS[0]}"`,
          'bash',
          process.execPath,
          command,
          log,
          format,
        ],
        { encoding: 'utf8', env: { ...process.env, COLUMNS: '' } },
      );
      const lines = linesOf(stdout);
      expect({ format, lines: lines.length, last: lines.at(-1), stderr }).toEqual({
        format,
        lines: 2,
        last: 'status 0',
        stderr: '',
      });
      expect(lines[0]).toBe(linesOf(winevt(['qe', log, '/f', format, '/c:1']).stdout)[0]);
    }
  });
});
