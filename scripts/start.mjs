// npm start: sets up what is missing, then runs the command; without arguments, its demonstration.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

setup();
const given = process.argv.slice(2);
const args = [join(root, 'dist', 'cli', 'main.js'), ...(given.length === 0 ? ['demo'] : given)];
const child = spawn(process.execPath, args, { stdio: 'inherit' });
// Ctrl-C reaches the command as well: it decides how to stop.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
child.on('exit', (status, signal) => {
  process.exitCode = status ?? 128 + (constants.signals[signal] ?? 0);
});
