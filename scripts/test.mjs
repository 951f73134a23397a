// npm test: sets up what is missing, then formatter and linter, types, build and every test. `npm test -- test/query` for a part.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, checkNode, install, root, runTool } from './setup.mjs';

checkNode();
install();

const { WINEVT_CORPUS, WINEVT_REFERENCE } = process.env;
const oracles = {
  'evtxexport (libevtx)': existsSync('/usr/bin/evtxexport'),
  'python-evtx': existsSync('/usr/bin/evtx_dump.py'),
  'real logs (WINEVT_CORPUS)': existsSync(WINEVT_CORPUS ?? join(root, '..', 'shared', 'corpus')),
  'query table (WINEVT_REFERENCE)': existsSync(WINEVT_REFERENCE ?? join(root, '..', 'shared', 'reference')),
};
for (const [name, there] of Object.entries(oracles)) {
  process.stdout.write(`${there ? 'with   ' : 'WITHOUT'} ${name}\n`);
}

const stdio = { stdio: ['ignore', 'inherit', 'inherit'] };

function step(name, act) {
  process.stdout.write(`\n== ${name}\n`);
  const status = act();
  if (status === 0) return;
  process.stderr.write(`\n${name} failed\n`);
  process.exit(status);
}

step('format and lint', () => runTool('@biomejs/biome/bin/biome', ['check', '.'], stdio));
step('types', () => runTool('typescript/bin/tsc', ['-p', 'tsconfig.json', '--noEmit'], stdio));
step('build', () => {
  build();
  return 0;
});

const results = join(root, 'node_modules', '.cache', 'winevt');
mkdirSync(results, { recursive: true });
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${join(results, 'test-results.json')}`];
step('tests', () => runTool('vitest/vitest.mjs', ['run', ...reporters, ...process.argv.slice(2)], stdio));
