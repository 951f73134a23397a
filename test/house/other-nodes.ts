import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CACHE = join(ROOT, '.winevt');
const WINDOWS = process.platform === 'win32';

const execute = promisify(execFile);

/** Runs npm in a folder and gives what it printed. */
export async function npm(folder: string, ...args: string[]): Promise<string> {
  // npm.cmd is a batch file: it runs in a shell only.
  const [program, options] = WINDOWS ? ['npm.cmd', { shell: true }] : ['npm', {}];
  const { stdout } = await execute(program, args, { ...options, cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  return stdout;
}

/** Runs a Node program in a folder and gives what it printed; rejects with what it said when it fails. */
export async function runNode(node: string, folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await execute(node, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
  return stdout;
}

/** The npm package that is Node for this system: its executable, without an install script. */
function nodePackage(): string {
  if (WINDOWS) return `node-win-${process.arch}`;
  return `${process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'}-${process.platform}-${process.arch}`;
}

async function isNode(executable: string, major: number): Promise<boolean> {
  try {
    return (await runNode(executable, CACHE, '--version')).startsWith(`v${major}.`);
  } catch {
    return false;
  }
}

/** Executable of another release line of Node, installed once; undefined where it is not to be had. */
export async function otherNode(major: number): Promise<string | undefined> {
  const folder = join(CACHE, `node-${major}`);
  const name = nodePackage();
  const executable = join(folder, 'node_modules', name, 'bin', WINDOWS ? 'node.exe' : 'node');
  mkdirSync(folder, { recursive: true });
  if (await isNode(executable, major)) return executable;
  try {
    await npm(folder, 'install', '--prefix', folder, '--no-save', '--prefer-offline', `${name}@${major}`);
  } catch {
    return undefined;
  }
  return (await isNode(executable, major)) ? executable : undefined;
}
