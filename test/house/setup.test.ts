// The scripts behind `npm start`, `npm test` and .ci/run, in a made-up checkout whose tools only say what they were asked.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../log-files.ts';

const SCRIPTS = fileURLToPath(new URL('../../scripts', import.meta.url));
const WINDOWS = process.platform === 'win32';
const folder = temporaryFolder();

/** Says what it got and exits with the status it is told; with `wait`, on the signal. */
const COMMAND = `
const args = process.argv.slice(2);
process.on('SIGTERM', () => process.exit(7));
console.log(args.join(' '));
if (args[0] === 'wait') setInterval(() => {}, 1000);
else process.exitCode = Number(args[1] ?? 0);
`;
const COMPILER = `
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
console.log('tsc ' + process.argv.slice(2).join(' '));
const at = process.argv.indexOf('--outDir');
if (at < 0) process.exit();
const folder = process.argv[at + 1];
mkdirSync(folder + '/cli', { recursive: true });
writeFileSync(folder + '/index.js', '');
if (existsSync('src/wrong.ts')) process.exit(2);
writeFileSync(folder + '/cli/main.js', '');
`;
/** Runs on what the compiler made. */
const BUNDLER = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const [folder] = process.argv.slice(2);
console.log('bundle ' + folder);
readFileSync(folder + '/cli/main.js');
if (existsSync('src/unbundled.ts')) process.exit(2);
writeFileSync(folder + '/cli/main.js', ${JSON.stringify(COMMAND)});
`;
/** Fails when the checkout has a file of this name. */
const tool = (name: string) => `
import { existsSync } from 'node:fs';
console.log('${name} ' + process.argv.slice(2).join(' '));
process.exitCode = existsSync('${name}-fails') ? 3 : 0;
`;
const TOOLS = {
  'typescript/package.json': '{"type":"module"}',
  'typescript/bin/tsc': COMPILER,
  '@biomejs/biome/package.json': '{"type":"module"}',
  '@biomejs/biome/bin/biome': tool('biome'),
  'vitest/vitest.mjs': tool('vitest'),
};
const NPM = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
if (readFileSync('package-lock.json', 'utf8') === 'wrong') process.exit(1);
for (const [path, text] of Object.entries(${JSON.stringify(TOOLS)})) {
  mkdirSync(dirname(join('node_modules', path)), { recursive: true });
  writeFileSync(join('node_modules', path), text);
}
console.log('npm ' + process.argv.slice(2).join(' '));
`;

const INSTALLING = /installing dependencies/;
const BUILDING = /building/;

class Checkout {
  readonly root = mkdtempSync(join(folder, 'checkout-'));
  readonly #env: Record<string, string | undefined> = {
    ...process.env,
    PATH: `${join(this.root, 'bin')}${delimiter}${process.env['PATH']}`,
    WINEVT_CORPUS: undefined,
    WINEVT_REFERENCE: undefined,
  };

  constructor() {
    for (const name of ['setup.mjs', 'build.mjs', 'start.mjs', 'test.mjs', 'ci-summary.mjs']) {
      mkdirSync(join(this.root, 'scripts'), { recursive: true });
      copyFileSync(join(SCRIPTS, name), join(this.root, 'scripts', name));
    }
    this.write('package.json', '{"type":"module"}');
    this.write('package-lock.json', '{}');
    this.write('tsconfig.json', '{}');
    this.write('tsconfig.build.json', '{}');
    this.write('src/index.ts', '');
    this.write('src/cli/main.ts', '');
    this.write('scripts/kernel.mjs', 'export const buildKernel = () => true;');
    this.write('scripts/bundle.mjs', BUNDLER);
    this.write('bin/npm.mjs', NPM);
    this.write('bin/npm', `#!/bin/sh\nexec '${process.execPath}' '${join(this.root, 'bin', 'npm.mjs')}' "$@"\n`, 0o755);
    this.write('bin/npm.cmd', `@"${process.execPath}" "%~dp0npm.mjs" %*\r\n`);
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text, { mode });
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  remove(path: string): void {
    rmSync(join(this.root, path), { recursive: true });
  }

  run(...args: string[]): { status: number | null; stdout: string; stderr: string } {
    return spawnSync(process.execPath, args, { cwd: this.root, env: this.#env, encoding: 'utf8' });
  }

  set(name: string, value: string): void {
    this.#env[name] = value;
  }

  start(...args: string[]): ReturnType<Checkout['run']> {
    return this.run('scripts/start.mjs', ...args);
  }

  /** Starts the command and comes back when it runs. */
  async starting(...args: string[]): Promise<ChildProcess> {
    const child = spawn(process.execPath, ['scripts/start.mjs', ...args], { cwd: this.root, env: this.#env });
    await once(child.stdout, 'data');
    return child;
  }
}

test('a first start installs and builds, and says so on stderr; the command’s output and exit status pass', () => {
  const checkout = new Checkout();
  const { status, stdout, stderr } = checkout.start('qe', '3', 'a b', '*[System]');
  expect([status, stdout]).toEqual([3, 'qe 3 a b *[System]\n']);
  expect(stderr).toMatch(INSTALLING);
  expect(stderr).toMatch(/^npm ci /m);
  expect(stderr).toMatch(BUILDING);
});

test('a second start does nothing but run the command; without arguments that is the demonstration', () => {
  const checkout = new Checkout();
  checkout.start();
  expect(checkout.start()).toMatchObject({ status: 0, stdout: 'demo\n', stderr: '' });
  expect(checkout.run('scripts/build.mjs')).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test.each<[what: string, change: (checkout: Checkout) => void]>([
  ['a source file changes', (checkout) => checkout.write('src/index.ts', 'export {};')],
  ['a source file comes', (checkout) => checkout.write('src/new.ts', '')],
  ['a source file goes', (checkout) => checkout.remove('src/cli/main.ts')],
  ['a compiler option changes', (checkout) => checkout.write('tsconfig.json', '{ }')],
  ['the bundler changes', (checkout) => checkout.write('scripts/bundle.mjs', `${BUNDLER}\n`)],
  ['the built files are gone', (checkout) => checkout.remove('dist')],
])('it is built again when %s, and not installed', (_, change) => {
  const checkout = new Checkout();
  checkout.start();
  expect(checkout.run('scripts/build.mjs', '--check').status).toBe(0);
  checkout.write('dist/old.js', '');
  change(checkout);
  expect(checkout.run('scripts/build.mjs', '--check').status).toBe(1);
  const { stderr } = checkout.start();
  expect(stderr).toMatch(BUILDING);
  expect(stderr).not.toMatch(INSTALLING);
  expect(() => checkout.read('dist/old.js'), 'what the build did not make').toThrow('ENOENT');
  expect(checkout.start().stderr).toBe('');
});

test.each<[what: string, change: (checkout: Checkout) => void]>([
  ['the lock file changes', (checkout) => checkout.write('package-lock.json', '{ }')],
  ['the dependencies are gone', (checkout) => checkout.remove('node_modules')],
])('it is installed again when %s', (_, change) => {
  const checkout = new Checkout();
  checkout.start();
  change(checkout);
  expect(checkout.start().stderr).toMatch(INSTALLING);
  expect(checkout.start().stderr).toBe('');
});

test('a failed installation ends it with status 1, and is tried again', () => {
  const checkout = new Checkout();
  checkout.write('package-lock.json', 'wrong');
  for (let i = 0; i < 2; i++) {
    const { status, stdout, stderr } = checkout.start('qe');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('npm ci failed');
  }
});

test.each([
  ['compiler', 'src/wrong.ts'],
  ['bundler', 'src/unbundled.ts'],
])(
  'a build that fails in the %s ends it with status 1, leaves the last good one, and is tried again until it succeeds',
  (_, wrong) => {
    const checkout = new Checkout();
    checkout.start();
    checkout.write(wrong, '');
    for (let i = 0; i < 2; i++) {
      const { status, stdout, stderr } = checkout.start('qe');
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('the build failed');
      expect(checkout.read('dist/cli/main.js')).toBe(COMMAND);
      expect(() => checkout.read('dist.tmp/index.js')).toThrow('ENOENT');
    }
    checkout.remove(wrong);
    expect(checkout.start('qe')).toMatchObject({ status: 0, stdout: 'qe\n' });
  },
);

test('an old Node is refused with the version that is needed', () => {
  const checkout = new Checkout();
  for (const [version, status] of [
    ['18.20.8', 1],
    ['20.18.3', 1],
    ['20.19.0', 0],
    ['24.0.0', 0],
  ] as const) {
    const pretend = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'${version}'}})`;
    const result = checkout.run('--import', pretend, 'scripts/start.mjs', 'qe');
    expect(result.status, result.stderr).toBe(status);
    if (status === 1) expect(result.stderr).toBe(`winevt needs Node 20.19 or later; this is ${version}\n`);
  }
});

test.skipIf(WINDOWS)('the built command can be executed', () => {
  const checkout = new Checkout();
  checkout.start();
  expect(spawnSync('test', ['-x', join(checkout.root, 'dist/cli/main.js')]).status).toBe(0);
});

test.skipIf(WINDOWS)('a signal reaches the command, which decides how to end', async () => {
  const checkout = new Checkout();
  const child = await checkout.starting('wait');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([7, null]);
});

test.skipIf(WINDOWS)('a command that a signal ended gives the status that a shell would', async () => {
  const checkout = new Checkout();
  const child = await checkout.starting('wait');
  child.kill('SIGHUP');
  expect(await once(child, 'exit')).toEqual([129, null]);
});

/** The steps of npm test by the tools they ran. */
function toolsOf(stdout: string): string[] {
  return stdout.split('\n').filter((line) => /^(biome|tsc|vitest) /.test(line));
}

test('npm test checks format, types and tests, in this order, and passes its arguments to the tests', () => {
  const { status, stdout, stderr } = new Checkout().run('scripts/test.mjs', 'test/query', '-t', 'a b');
  expect(status, stderr).toBe(0);
  expect(toolsOf(stdout)).toEqual([
    'biome check .',
    'tsc -p tsconfig.json --noEmit',
    expect.stringMatching(/^vitest run .* test\/query -t a b$/),
  ]);
  expect(stdout.trimEnd().split('\n').at(-1), 'the last line is the test runner’s').toMatch(/^vitest /);
});

test.each([
  ['biome', 'format and lint', 1],
  ['vitest', 'tests', 3],
])('npm test stops when %s fails, says so in its last line and passes its exit status', (name, step, steps) => {
  const checkout = new Checkout();
  checkout.write(`${name}-fails`, '');
  const { status, stdout, stderr } = checkout.run('scripts/test.mjs');
  expect(status).toBe(3);
  expect(toolsOf(stdout)).toHaveLength(steps);
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`npm test: ${step} failed`);
});

test('npm test says which of the programs and files to compare with are there', () => {
  const checkout = new Checkout();
  checkout.set('WINEVT_CORPUS', join(checkout.root, 'nowhere'));
  checkout.set('WINEVT_REFERENCE', checkout.root);
  checkout.set('PATH', join(checkout.root, 'bin'));
  const { stdout } = checkout.run('scripts/test.mjs');
  expect(stdout).toMatch(/^ {2}MISSING {2}evtxexport \(libevtx\)$/m);
  expect(stdout).toMatch(/^ {2}MISSING {2}real logs \(WINEVT_CORPUS\)$/m);
  expect(stdout).toMatch(/^ {2}present {2}table of queries \(WINEVT_REFERENCE\)$/m);
  checkout.write('bin/evtxexport', '', 0o755);
  expect(checkout.run('scripts/test.mjs').stdout).toMatch(/^ {2}present {2}evtxexport \(libevtx\)$/m);
});

test('the closing line counts what passed, failed and was skipped, and a file that did not get to its tests as failed', () => {
  const checkout = new Checkout();
  const results = { numPassedTests: 7, numFailedTests: 2, numPendingTests: 3, numTodoTests: 1 };
  const summary = (testResults: object[], changes: object = {}) => {
    checkout.write('.winevt/test-results.json', JSON.stringify({ ...results, ...changes, testResults }));
    const { status, stdout } = checkout.run('scripts/ci-summary.mjs');
    return [status, stdout];
  };
  expect(summary([])).toEqual([0, '7 passed, 2 failed, 4 skipped\n']);
  expect(summary([{ status: 'failed', assertionResults: [] }])).toEqual([0, '7 passed, 3 failed, 4 skipped\n']);
  expect(summary([{ status: 'failed', assertionResults: [{}] }])).toEqual([0, '7 passed, 2 failed, 4 skipped\n']);
  expect(summary([], { numPassedTests: 0, numFailedTests: 0 })).toEqual([1, '0 passed, 0 failed, 4 skipped\n']);
  checkout.remove('.winevt');
  const { status, stdout } = checkout.run('scripts/ci-summary.mjs');
  expect([status, stdout.trimEnd().split('\n').at(-1)]).toEqual([1, '0 passed, 0 failed, 0 skipped']);
});
