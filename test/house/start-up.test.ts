// How much of the command is read before it works: files and modules, not time.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { requireBuild } from '../cli/command.ts';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { ROOT, runNode } from './other-nodes.ts';

const MAIN = join(ROOT, 'dist', 'cli', 'main.js');
const folder = temporaryFolder();
const loadedFile = join(folder, 'loaded.json');
const observer = join(folder, 'observer.cjs');
/** Writes down, when the program ends, which files it has loaded. */
const OBSERVER = `
process.on('exit', () => {
  require('node:fs').writeFileSync(${JSON.stringify(loadedFile)}, JSON.stringify(Object.keys(require.cache)));
});
`;

/** The sources whose code is in the files that the command loads, as source maps name them, with forward slashes. */
async function sourcesLoaded(...args: string[]): Promise<string[]> {
  await runNode(process.execPath, folder, '--require', observer, MAIN, ...args);
  const files = JSON.parse(readFileSync(loadedFile, 'utf8')) as string[];
  const built = files.filter((file) => file.startsWith(join(ROOT, 'dist') + sep));
  expect(built).toContain(MAIN);
  return built.flatMap((file) => {
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { readonly sources: readonly (string | null)[] };
    return map.sources.flatMap((source) => (source === null ? [] : source.replaceAll('\\', '/')));
  });
}

const has = (sources: readonly string[], part: string) => sources.some((source) => source.includes(part));

beforeAll(() => {
  requireBuild();
  writeFileSync(observer, OBSERVER);
});

describe('the command', () => {
  it('tells its version before it reads options, or anything of logs', async () => {
    const sources = await sourcesLoaded('--version');
    for (const part of ['commander', 'src/query/', 'src/evtx/', 'src/service/'])
      expect(has(sources, part), part).toBe(false);
    expect(sources.length).toBeLessThan(8);
  });

  it('prints events without what only other formats and verbs need', async () => {
    const log = writeSampleLog(folder, 'some.evtx', 20);
    const sources = await sourcesLoaded('qe', log, '/c:1');
    expect(has(sources, 'src/render/compiled.ts')).toBe(true);
    for (const part of ['cli-table3', 'csv-stringify', 'src/cli/demo', 'src/cli/completion', 'src/evtx/verify']) {
      expect(has(sources, part), part).toBe(false);
    }
  });

  it('has the JavaScript executor in one piece: a constant that is had of another file costs as much as a call', () => {
    const code = readFileSync(join(ROOT, 'dist', 'cli', 'late-executor-javascript.js'), 'utf8');
    expect(code).not.toContain('require(');
  });
});
