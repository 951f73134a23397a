import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A test file on every core: some only wait for other programs.
    maxWorkers: availableParallelism(),
    // Exhaustive tests on a machine that does other things besides: a limit against hanging, not a measurement.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Commands that tests run leave nothing in the user's cache.
    env: { WINEVT_CODE_CACHE: 'off' },
  },
});
