// npm start: sets up what is missing, then runs the command; without arguments, its demonstration.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { root, setup } from './setup.mjs';

/** A terminal sends Ctrl-C to all its programs: then the command has it already, and a second one would end it at once. */
function terminalInterrupts() {
  if (process.platform === 'win32') return true;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

setup();
const given = process.argv.slice(2);
const args = [join(root, 'dist', 'cli', 'main.js'), ...(given.length === 0 ? ['demo'] : given)];
const child = spawn(process.execPath, args, { stdio: 'inherit' });

const forward = terminalInterrupts() ? () => {} : (signal) => child.kill(signal);
process.on('SIGINT', forward);
for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, () => child.kill(signal));
child.on('exit', (status, signal) => {
  process.exitCode = status ?? 128 + constants.signals[signal];
});
