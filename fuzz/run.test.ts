// What `npm run fuzz` runs: vitest loads TypeScript; the test is only its frame.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { fuzz } from './engine.ts';
import { TARGETS } from './targets/index.ts';
import { watch } from './watchdog.ts';

const { FUZZ_TARGET, FUZZ_SECONDS, FUZZ_SEED, FUZZ_INPUTS } = process.env;
const seconds = Number(FUZZ_SECONDS ?? 20);
const seed = Number(FUZZ_SEED ?? Date.now() % 2 ** 31);
const targets = TARGETS.filter(({ name }) => FUZZ_TARGET === undefined || name === FUZZ_TARGET);

test.each(targets.map((target) => [target.name, target] as const))('%s', { timeout: 2 ** 30 }, async (name, target) => {
  const limits = FUZZ_INPUTS === undefined ? { seconds } : { inputs: Number(FUZZ_INPUTS) };
  const watchdog = watch(name);
  const { inputs, finding } = await fuzz(target, seed, limits, watchdog.started);
  watchdog.stop();
  console.log(`${name}: ${inputs} inputs, seed ${seed}`);
  if (finding === undefined) return;
  const folder = fileURLToPath(new URL('../.winevt/fuzz-findings', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}-${finding.seed}`);
  writeFileSync(path, finding.input);
  console.error(`input kept as ${path}; again: npm run fuzz -- --target ${name} --seed ${finding.seed} --inputs 1`);
  expect.fail(finding.error instanceof Error ? `${finding.error.stack}` : String(finding.error));
});
