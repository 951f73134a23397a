import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { requireBuild, winevt } from './command.ts';

const POSIX = process.geteuid !== undefined;
const ROOT = process.geteuid?.() === 0;
const SOMEBODY = 12_345;

const folder = temporaryFolder();
const log = writeSampleLog(folder, 'some.evtx', 20);
const QUERY = ['qe', log, '/c:1', '/f:xml'];

/**
 * Makes every version of Node one that keeps no code itself, and writes down what became of code that was kept, and who has
 * written the output.
 */
const observer = join(folder, 'observer.cjs');
const observedFile = join(folder, 'observed.json');
const OBSERVER = `
const vm = require('node:vm');
delete require('node:module').enableCompileCache;
if (process.env.V8_SETTING) require('node:v8').setFlagsFromString(process.env.V8_SETTING);
const observed = { scripts: [], stack: [] };
vm.Script = class extends vm.Script {
  constructor(code, options) {
    super(code, options);
    if (/core-/.test(options.filename)) observed.scripts.push(this.cachedDataRejected ?? 'none');
  }
};
const { write } = process.stdout;
process.stdout.write = function (...args) {
  observed.stack = new Error().stack.split('\\n').filter((line) => line.includes('core-'));
  return write.apply(this, args);
};
process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(observedFile)}, JSON.stringify(observed)));
`;

interface Observed {
  /** Per script that was compiled through the cache: whether V8 refused what was kept; `none`: it was given nothing. */
  readonly scripts: readonly (boolean | 'none')[];
  readonly stack: readonly string[];
}

const NOTHING_KEPT = ['none'];
const ACCEPTED = [false];
const REFUSED = [true];

/** A run of the command with a cache folder, and what the observer saw. */
function run(home: string, args: readonly string[] = QUERY, env: Record<string, string> = {}) {
  const NODE_OPTIONS = `--require ${JSON.stringify(observer)}`;
  // Each system has its own place for caches.
  const places = { XDG_CACHE_HOME: home, LOCALAPPDATA: home, HOME: home };
  const finished = winevt(args, { env: { WINEVT_CODE_CACHE: '', ...places, NODE_OPTIONS, ...env } });
  return { ...finished, ...(JSON.parse(readFileSync(observedFile, 'utf8')) as Observed) };
}

function newHome(): string {
  return mkdtempSync(join(folder, 'home-'));
}

function codeFolder(home: string): string {
  if (process.platform === 'win32') return join(home, 'winevt', 'cache', 'code');
  return process.platform === 'darwin'
    ? join(home, 'Library', 'Caches', 'winevt', 'code')
    : join(home, 'winevt', 'code');
}

function filesOf(home: string): string[] {
  return existsSync(codeFolder(home)) ? readdirSync(codeFolder(home)).map((name) => join(codeFolder(home), name)) : [];
}

/** A cache folder as the first run leaves it. */
function filledHome() {
  const home = newHome();
  run(home);
  const [file] = filesOf(home);
  return { home, file: file!, inode: statSync(file!).ino, bytes: readFileSync(file!) };
}

let expected = '';

beforeAll(() => {
  requireBuild();
  writeFileSync(observer, OBSERVER);
  expected = winevt(QUERY).stdout;
  expect(expected).toContain('<Event ');
});

/** What every run must do, whatever is in the cache. */
function expectUnchanged({ status, stdout, stderr }: ReturnType<typeof run>): void {
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: expected, stderr: '' });
}

describe('compiled code', () => {
  it('is kept by the first run, and had by the next', () => {
    const home = newHome();
    const first = run(home);
    expectUnchanged(first);
    expect(first.scripts).toEqual(NOTHING_KEPT);
    const [file, ...others] = filesOf(home);
    expect(others).toEqual([]);
    const { ino, mtimeMs, mode } = statSync(file!);
    if (POSIX) expect([mode & 0o777, statSync(codeFolder(home)).mode & 0o777]).toEqual([0o600, 0o700]);

    const second = run(home);
    expectUnchanged(second);
    expect(second.scripts).toEqual(ACCEPTED);
    expect(filesOf(home)).toEqual([file]);
    expect(statSync(file!)).toMatchObject({ ino, mtimeMs });
  });

  it('leaves traces of the stack as they are without it', () => {
    const { home } = filledHome();
    const { stack } = run(home, QUERY, { WINEVT_CODE_CACHE: 'off' });
    expect(stack.length).toBeGreaterThan(2);
    expect(run(home).stack).toEqual(stack);
    expect(run(newHome()).stack).toEqual(stack);
  });

  it('has what each verb needs, once that has run', () => {
    const { home, file, bytes } = filledHome();
    const other = ['gli', log];
    expect(run(home, other)).toMatchObject({ status: 0, scripts: ACCEPTED });
    const more = readFileSync(file);
    expect(more.length).toBeGreaterThan(bytes.length);
    for (const args of [QUERY, other, ['GLI', log]]) expect(run(home, args).scripts).toEqual(ACCEPTED);
    expect(readFileSync(file).equals(more)).toBe(true);
  });

  it('is not kept by a run that fails, nor by one that only tells its version', () => {
    const home = newHome();
    expect(run(home, ['qe', log, '/nonsense']).status).toBe(2);
    expect(run(home, ['qe', join(folder, 'none.evtx')]).status).toBe(1);
    expect(run(home, ['--version'])).toMatchObject({ status: 0, scripts: [] });
    expect(readdirSync(home)).toEqual([]);
  });

  it('names no argument but the verb', () => {
    const home = newHome();
    expect(run(home, ['--help']).status).toBe(0);
    run(home, ['/secret:1', '--help']);
    expect(readFileSync(filesOf(home)[0]!).includes('secret')).toBe(false);
  });

  it.each([
    ['WINEVT_CODE_CACHE', 'off'],
    ['NODE_DISABLE_COMPILE_CACHE', '1'],
    ['NODE_OPTIONS', `--enable-source-maps --require ${JSON.stringify(observer)}`],
  ])('is neither kept nor used with %s', (name, value) => {
    const home = newHome();
    const off = run(home, QUERY, { [name]: value });
    expectUnchanged(off);
    expect(off.scripts).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
  });

  it('of old builds goes when there is new, and nothing else does', () => {
    const home = newHome();
    mkdirSync(codeFolder(home), { recursive: true, mode: 0o700 });
    const old = Array.from({ length: 6 }, (_, i) => `core-000000000000000${i}-0-v20.0.0-x64.code`);
    for (const [i, name] of ['notes.txt', ...old].entries()) {
      writeFileSync(join(codeFolder(home), name), '');
      utimesSync(join(codeFolder(home), name), 1000 + i, 1000 + i);
    }
    expectUnchanged(run(home));
    const names = readdirSync(codeFolder(home)).sort();
    expect(names).toHaveLength(5);
    expect(names).toEqual(expect.arrayContaining([...old.slice(3), 'notes.txt']));
    expect(run(home).scripts).toEqual(ACCEPTED);
  });
});

/** A file that is not to be run, made of one that is. */
const DAMAGES: [string, (file: string, bytes: Buffer) => void][] = [
  ['has a wrong bit', (file, bytes) => writeFileSync(file, bytes.fill(bytes[5000]! ^ 1, 5000, 5001))],
  ['has a wrong checksum', (file, bytes) => writeFileSync(file, bytes.fill(0, bytes.length - 4))],
  ['has lost its end', (file, bytes) => truncateSync(file, bytes.length - 1000)],
  ['has lost all but its start', (file) => truncateSync(file, 4096)],
  ['has a few bytes', (file) => truncateSync(file, 3)],
  ['is empty', (file) => truncateSync(file)],
];
if (POSIX) {
  DAMAGES.push(['others may write to', (file) => chmodSync(file, 0o602)]);
  DAMAGES.push(['a group may write to', (file) => chmodSync(file, 0o620)]);
}
if (ROOT) DAMAGES.push(['is somebody else’s', (file) => chownSync(file, SOMEBODY, SOMEBODY)]);

describe('a file in the cache', () => {
  it.each(DAMAGES)('that %s is not run, and written anew', (_, damage) => {
    const { home, file, bytes } = filledHome();
    damage(file, bytes);
    const next = run(home);
    expectUnchanged(next);
    expect(next.scripts).toEqual(NOTHING_KEPT);
    expect(filesOf(home)).toEqual([file]);
    expect(run(home).scripts).toEqual(ACCEPTED);
  });

  it('of a V8 with other settings is refused, and written anew', () => {
    const { home, file } = filledHome();
    const setting = { V8_SETTING: '--no-opt' };
    const next = run(home, QUERY, setting);
    expectUnchanged(next);
    expect(next.scripts).toEqual(REFUSED);
    expect(filesOf(home)).toEqual([file]);
    expect(run(home, QUERY, setting).scripts).toEqual(ACCEPTED);
  });

  it('of another build is left alone', () => {
    const { home, file, bytes } = filledHome();
    const other = file.replace(/core-[0-9a-f]{16}/, 'core-0123456789abcdef');
    renameSync(file, other);
    const next = run(home);
    expectUnchanged(next);
    expect(next.scripts).toEqual(NOTHING_KEPT);
    expect(filesOf(home).sort()).toEqual([file, other].sort());
    expect(readFileSync(other).equals(bytes)).toBe(true);
  });
});

describe('without a place for it', () => {
  function expectNeither(home: string): void {
    const next = run(home);
    expectUnchanged(next);
    expect(next.scripts).toEqual(NOTHING_KEPT);
  }

  it('the command works: where the cache folder is a file', () => {
    expectNeither(log);
  });

  it.skipIf(!POSIX)('the command works: where the folder may be written to by others', () => {
    const { home, inode, file } = filledHome();
    chmodSync(codeFolder(home), 0o777);
    expectNeither(home);
    expect(statSync(file).ino).toBe(inode);
  });

  it.skipIf(!POSIX)('the command works: where the folder is a symbolic link', () => {
    const { home, inode, file } = filledHome();
    const elsewhere = newHome();
    mkdirSync(join(codeFolder(elsewhere), '..'), { recursive: true });
    symlinkSync(codeFolder(home), codeFolder(elsewhere));
    expectNeither(elsewhere);
    expect(statSync(file).ino).toBe(inode);
  });

  it.skipIf(!POSIX || ROOT)('the command works: where the folder cannot be written to', () => {
    const home = newHome();
    chmodSync(home, 0o500);
    expectNeither(home);
    expect(readdirSync(home)).toEqual([]);
    chmodSync(home, 0o700);
  });

  it.skipIf(!ROOT)('the command works, and leaves nothing: where the home is somebody else’s', () => {
    const home = newHome();
    chownSync(home, SOMEBODY, SOMEBODY);
    expectNeither(home);
    expect(readdirSync(home)).toEqual([]);
  });

  it.skipIf(!ROOT)('the command works: where the folder is somebody else’s', () => {
    const { home, inode, file } = filledHome();
    chownSync(codeFolder(home), SOMEBODY, SOMEBODY);
    expectNeither(home);
    expect(statSync(file).ino).toBe(inode);
  });
});
