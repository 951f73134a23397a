// What every other script needs done first: the right Node, the dependencies, the built package. Quiet when there is nothing to do.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const OLDEST_NODE = [20, 19];

const at = (...parts) => join(root, ...parts);
const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs a program in the checkout; its output goes to stderr, so that stdout stays the command's own. */
export function run(program, args, options = {}) {
  const result = spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (result.error) fail(`${program}: ${result.error.message}`);
  return result.status ?? 1;
}

/** Runs a program that a dependency brings. */
export function runTool(script, args, options) {
  return run(process.execPath, [at('node_modules', script), ...args], options);
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  fail(`winevt needs Node ${OLDEST_NODE.join('.')} or later; this is ${process.versions.node}`);
}

export function install() {
  const stamp = at('node_modules', '.winevt-installed');
  if (timeOf(stamp) >= timeOf(at('package-lock.json'))) return;
  process.stderr.write('installing dependencies …\n');
  const windows = process.platform === 'win32';
  // npm.cmd is a batch file: it runs in a shell only.
  const status = run(windows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], { shell: windows });
  if (status !== 0) fail('npm ci failed: see above');
  writeFileSync(stamp, '');
}

function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) time = Math.max(time, timeOf(join(entry.parentPath ?? entry.path, entry.name)));
  }
  return time;
}

export function build() {
  const stamp = at('dist', '.built');
  const sources = Math.max(newest(at('src')), timeOf(at('tsconfig.json')), timeOf(at('tsconfig.build.json')));
  if (timeOf(stamp) >= sources) return;
  process.stderr.write('building …\n');
  rmSync(at('dist'), { recursive: true, force: true });
  if (runTool('typescript/bin/tsc', ['-p', 'tsconfig.build.json']) !== 0) fail('the build failed: see above');
  chmodSync(at('dist', 'cli', 'main.js'), 0o755);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
}

export function setup() {
  checkNode();
  install();
  build();
}
