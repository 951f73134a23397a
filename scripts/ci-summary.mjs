// Prints the closing line of a test run, from what the runner wrote: "N passed, N failed, N skipped". Fails when no test ran.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './setup.mjs';

const results = join(root, 'node_modules', '.cache', 'winevt', 'test-results.json');
let run;
try {
  run = JSON.parse(readFileSync(results, 'utf8'));
} catch {
  process.stderr.write('no test results: the run ended before the tests\n');
  process.exit(1);
}
const skipped = run.numPendingTests + (run.numTodoTests ?? 0);
process.stdout.write(`${run.numPassedTests} passed, ${run.numFailedTests} failed, ${skipped} skipped\n`);
process.exit(run.numPassedTests + run.numFailedTests === 0 ? 1 : 0);
