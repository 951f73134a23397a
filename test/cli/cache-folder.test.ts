import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { cacheFolder } from '../../src/cli/cache-folder.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

const isLinux = process.platform === 'linux';

it.skipIf(!isLinux).each(['', 'cache', './cache'])(
  'the folder for caches is none below the current one: "%s"',
  (given) => {
    vi.stubEnv('XDG_CACHE_HOME', given);
    expect(cacheFolder()).toBe(join(homedir(), '.cache', 'winevt'));
  },
);

it.skipIf(!isLinux)('the folder for caches is where the user wants it', () => {
  vi.stubEnv('XDG_CACHE_HOME', '/some/where');
  expect(cacheFolder()).toBe('/some/where/winevt');
});
