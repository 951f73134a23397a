// npm run bench: builds, then measures everything in one table (bench/speed.mjs, and what it can be asked). `npm run
// bench:cancel` measures cancelling alone.
import { join } from 'node:path';
import { root, run, setup } from './setup.mjs';

setup();
const [first, ...rest] = process.argv.slice(2);
const named = first !== undefined && !first.startsWith('-');
const [name, args] = named ? [first, rest] : ['speed', process.argv.slice(2)];
process.exitCode = run(process.execPath, [join(root, 'bench', `${name}.mjs`), ...args], { stdio: 'inherit' });
