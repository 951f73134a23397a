// Prints the closing line of a test run, from what the runner wrote: "N passed, N failed, N skipped". Fails when no test ran.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache } from './setup.mjs';

const results = join(cache, 'test-results.json');
let run;
try {
  run = JSON.parse(readFileSync(results, 'utf8'));
} catch {
  process.stdout.write('no test results: the run ended before the tests\n0 passed, 0 failed, 0 skipped\n');
  process.exit(1);
}
// A file that fails before its first test has no test to count.
const broken = run.testResults.filter(
  ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
);
const failed = run.numFailedTests + broken.length;
const skipped = run.numPendingTests + (run.numTodoTests ?? 0);
process.stdout.write(`${run.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(run.numPassedTests + failed === 0 ? 1 : 0);
