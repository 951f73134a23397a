// What every other script needs done first: the right Node, the dependencies, the built package. Quiet when there is nothing
// to do; what it says goes to stderr. Only Node's own modules: it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKernel } from './kernel.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];

const at = (...parts) => join(root, ...parts);

/** What these scripts keep from run to run; it may go at any time. */
export const cache = at('.winevt');

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs a program in the checkout and gives its exit status; its output goes to stderr: stdout stays the command's own. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (result.error) fail(`${program}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs a program that a dependency brings. */
export function runTool(script, args, options) {
  return run(process.execPath, [at('node_modules', script), ...args], options);
}

/** Where a program is, looked for as a shell would. */
export function onPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  fail(`winevt needs Node ${OLDEST_NODE.join('.')} or later; this is ${process.versions.node}`);
}

// Stamps hold what was installed or built from, not when: a checkout of another commit, a restored cache or a deleted file
// can leave any order of times.
const installStamp = at('node_modules', '.winevt-installed');
const buildStamp = join(cache, 'built');
const ENTRIES = ['dist/index.js', 'dist/cli/main.js'];
const BUNDLER = join('scripts', 'bundle.mjs');

function stamped(stamp, content) {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === content;
}

function writeStamp(stamp, content) {
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, content);
}

function install() {
  // Some dependencies are programs of one system.
  const wanted = `${process.platform} ${process.arch}\n${readFileSync(at('package-lock.json'), 'utf8')}`;
  if (stamped(installStamp, wanted)) return;
  process.stderr.write('winevt: installing dependencies (npm ci)\n');
  const windows = process.platform === 'win32';
  // npm.cmd is a batch file: it runs in a shell only.
  const status = run(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], { shell: windows });
  if (status !== 0) fail('winevt: npm ci failed: see above');
  writeStamp(installStamp, wanted);
}

/** Path, time and size of everything that the build reads. */
function buildInputs() {
  const files = readdirSync(at('src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .concat(
      at('package-lock.json'),
      at('tsconfig.json'),
      at('tsconfig.build.json'),
      at(BUNDLER),
      at('scripts', 'kernel.mjs'),
    );
  const lines = files.map((file) => {
    const { mtimeMs, size } = statSync(file);
    return `${relative(root, file)} ${mtimeMs} ${size}\n`;
  });
  return lines.sort().join('');
}

/** Whether dist/ was built from src/ as it is. */
export function isBuilt() {
  return stamped(buildStamp, buildInputs()) && ENTRIES.every((path) => existsSync(at(path)));
}

function build() {
  const compiled = buildKernel({
    root,
    cache,
    compile: (args) => runTool('assemblyscript/bin/asc.js', args),
    say: (text) => process.stderr.write(`${text}\n`),
  });
  if (!compiled) fail('winevt: the kernel could not be compiled: see above');
  if (isBuilt()) return;
  process.stderr.write('winevt: building\n');
  // Before the compiler reads them: what changes meanwhile is built next time.
  const inputs = buildInputs();
  // Built beside and renamed: a failed build leaves the last good one, and a file whose source is gone does not stay.
  const beside = 'dist.tmp';
  rmSync(at(beside), { recursive: true, force: true });
  const library = runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', beside]);
  // The library stays as the compiler made it; the command is bundled.
  if (library !== 0 || run(process.execPath, [at(BUNDLER), beside]) !== 0) {
    rmSync(at(beside), { recursive: true, force: true });
    fail('winevt: the build failed: see above');
  }
  chmodSync(at(beside, 'cli', 'main.js'), 0o755);
  rmSync(buildStamp, { force: true });
  rmSync(at('dist'), { recursive: true, force: true });
  renameSync(at(beside), at('dist'));
  writeStamp(buildStamp, inputs);
}

export function setup() {
  checkNode();
  install();
  build();
}
