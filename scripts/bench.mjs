// npm run bench: builds, then runs the benchmarks in bench/. `npm run bench:cancel` runs one.
import { join } from 'node:path';
import { root, run, setup } from './setup.mjs';

setup();
const [name, ...args] = process.argv.slice(2);
const names = name === undefined ? ['throughput', 'cancel'] : [name];
for (const one of names) {
  const status = run(process.execPath, [join(root, 'bench', `${one}.mjs`), ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status);
}
