// SQLite through better-sqlite3, what a program would use that keeps its events itself: put into .winevt/peers, or left out.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../scripts/setup.mjs';
import { peersFolder } from './folder.mjs';

const VERSION = '12.4.1';
const windows = process.platform === 'win32';

/** @returns its version; undefined when it cannot be installed here */
export function findSqlite() {
  const manifest = join(peersFolder, 'node_modules', 'better-sqlite3', 'package.json');
  const addon = join(peersFolder, 'node_modules', 'better-sqlite3', 'build', 'Release', 'better_sqlite3.node');
  if (!existsSync(addon)) {
    process.stderr.write('winevt: installing better-sqlite3 to compare with\n');
    mkdirSync(peersFolder, { recursive: true });
    const own = join(peersFolder, 'package.json');
    if (!existsSync(own)) writeFileSync(own, '{ "private": true }\n');
    // It brings an addon, which its own script fetches or builds.
    const options = ['--no-audit', '--no-fund', '--save-exact', `better-sqlite3@${VERSION}`];
    run(windows ? 'npm.cmd' : 'npm', ['install', ...options], { cwd: peersFolder, shell: windows });
  }
  return existsSync(addon) ? { version: JSON.parse(readFileSync(manifest, 'utf8')).version } : undefined;
}
