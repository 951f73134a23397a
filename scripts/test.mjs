// npm test: sets up what is missing, then formatter and linter, types, and every test. `npm test -- test/query` runs some.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cache, onPath, root, runTool, setup } from './setup.mjs';

// Built first of all: some tests import the built package, and are type-checked against it.
setup();

const { WINEVT_CORPUS, WINEVT_REFERENCE } = process.env;
const beside = (name) => join(root, '..', 'shared', name);
const there = (...paths) => paths.some((path) => path !== undefined && existsSync(path));
const oracles = {
  'evtxexport (libevtx)': onPath('evtxexport') !== undefined,
  'evtx_dump.py (python-evtx)': onPath('evtx_dump.py') !== undefined,
  'real logs (WINEVT_CORPUS)': there(WINEVT_CORPUS, beside('corpus')),
  'table of queries (WINEVT_REFERENCE)': there(WINEVT_REFERENCE, beside('reference')),
};
process.stdout.write('Optional, to compare with; tests that need what is missing are skipped:\n');
for (const [name, present] of Object.entries(oracles)) {
  process.stdout.write(`  ${present ? 'present' : 'MISSING'}  ${name}\n`);
}

const results = join(cache, 'test-results.json');
rmSync(results, { force: true });
mkdirSync(cache, { recursive: true });

const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
const steps = [
  ['format and lint', '@biomejs/biome/bin/biome', ['check', '.']],
  ['types', 'typescript/bin/tsc', ['-p', 'tsconfig.json', '--noEmit']],
  ['tests', 'vitest/vitest.mjs', ['run', ...reporters, ...process.argv.slice(2)]],
];
for (const [name, tool, args] of steps) {
  process.stdout.write(`\n== ${name}\n`);
  const status = runTool(tool, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) {
    process.stderr.write(`\nnpm test: ${name} failed\n`);
    process.exit(status);
  }
}
