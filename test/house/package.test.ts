// Packs the package, installs it in an empty folder and uses it from there, as a user would, on each current line of Node.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../log-files.ts';
import { npm, otherNode, ROOT, runNode } from './other-nodes.ts';

interface Manifest {
  readonly version: string;
  readonly main: string;
  readonly types: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly man: readonly string[];
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
}

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest;
const inEveryDoor = JSON.parse(readFileSync(new URL('./doors.json', import.meta.url), 'utf8')) as Record<
  string,
  string[]
>;
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/** Installing may have to fetch the package's dependencies, and the other Nodes. */
const INSTALL_LIMIT_MS = 600_000;

const user = temporaryFolder();
const installed = join(user, 'node_modules', 'winevt');
/** Paths in the packed package, with forward slashes. */
const packed: string[] = [];

/** The sources that a source map of the package names, as paths in the package. */
function sourcesOf(path: string): string[] {
  const map = JSON.parse(readFileSync(join(installed, path), 'utf8')) as {
    readonly sources: readonly (string | null)[];
  };
  return map.sources.flatMap((source) => (source === null ? [] : posix.join(posix.dirname(path), source)));
}

beforeAll(async () => {
  const built = await runNode(process.execPath, ROOT, 'scripts/build.mjs', '--check').catch(() => undefined);
  if (built === undefined) throw new Error('dist/ is older than src/: npm run build');
  // Built above, so without the script that builds: other tests are using dist/.
  const [pack] = JSON.parse(await npm(ROOT, 'pack', '--ignore-scripts', '--json', '--pack-destination', user)) as [
    { readonly filename: string; readonly files: readonly { readonly path: string }[] },
  ];
  packed.push(...pack.files.map(({ path }) => path));
  writeFileSync(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }));
  await npm(user, 'install', '--prefer-offline', `./${pack.filename}`);
}, INSTALL_LIMIT_MS);

describe('the packed package', () => {
  test('has every file that its manifest names, the licence, the readme and the changelog', () => {
    const doors = Object.values(manifest.exports).flatMap((door) =>
      typeof door === 'string' ? [door] : [door.types, door.default],
    );
    const named = [manifest.main, manifest.types, ...Object.values(manifest.bin), ...manifest.man, ...doors];
    const wanted = [...named.map((path) => posix.normalize(path)), 'LICENSE', 'README.md', 'CHANGELOG.md'];
    expect(wanted.filter((path) => !packed.includes(path))).toEqual([]);
  });

  test('has built files, their sources and pages, and nothing else', () => {
    const expected =
      /^(dist\/.*\.(js|d\.ts)(\.map)?|dist\/cli\/(package\.json|LICENSES\.txt)|src\/.*\.ts|docs\/.*|package\.json|LICENSE|(README|CHANGELOG|SECURITY)\.md)$/;
    expect(packed.filter((path) => !expected.test(path))).toEqual([]);
    const sourceOf = (path: string) => path.replace(/^dist/, 'src').replace(/(\.d)?\.(js|ts)(\.map)?$/, '.ts');
    // The command is bundled: its source maps name its sources.
    const compiled = packed.filter((path) => path.startsWith('dist/') && !path.startsWith('dist/cli/'));
    expect(compiled.filter((path) => !packed.includes(sourceOf(path)))).toEqual([]);
  });

  test('has the licence of every package whose code is in the command', () => {
    const maps = packed.filter((path) => /^dist\/cli\/.*\.map$/.test(path));
    const bundled = new Set(
      maps.flatMap(sourcesOf).flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []),
    );
    expect([...bundled]).toContain('commander');
    const notices = readFileSync(join(installed, 'dist', 'cli', 'LICENSES.txt'), 'utf8');
    for (const name of bundled) {
      const { version, license } = JSON.parse(
        readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8'),
      ) as { readonly version: string; readonly license: string };
      expect(['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause'], name).toContain(license);
      expect(notices.split('\n'), name).toContain(`${name} ${version}`);
    }
    expect(notices.match(/Permission is hereby granted|Permission to use|Redistribution and use/g)).toHaveLength(
      bundled.size,
    );
  });

  test('has source maps that lead to sources in it', () => {
    const maps = packed.filter((path) => path.endsWith('.map'));
    expect(maps.length).toBeGreaterThan(100);
    const own = maps.flatMap(sourcesOf).filter((path) => !path.includes('node_modules/'));
    expect(own.filter((path) => !packed.includes(path))).toEqual([]);
    expect(own).toContain('src/cli/main.ts');
  });

  test('has no path of the machine that built it', () => {
    const telling = packed.filter((path) => readFileSync(join(installed, path), 'utf8').includes(ROOT.slice(0, -1)));
    expect(telling).toEqual([]);
  });
});

// In CommonJS under a TypeScript that checks it. Not a file of its own: this checkout's compiler options forbid the syntax.
const COMMON = `
import { EventLogSession } from 'winevt';
import evtx = require('winevt/evtx');
import wevtapi = require('winevt/wevtapi');
import promises = require('winevt/wevtapi/promises');
const handle: wevtapi.EvtHandle | null = wevtapi.EvtQuery(null, 'absent.evtx', null, promises.EvtQueryFilePath);
console.log(handle, wevtapi.GetLastError(), typeof EventLogSession.local().query, typeof evtx.EvtxFileWriter);
`;

const STRICT = {
  target: 'es2022',
  lib: ['es2022'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  // The package's declarations are checked, the compiler's own are not.
  skipLibCheck: false,
  skipDefaultLibCheck: true,
};
const NODE_TYPES = { types: ['node'], typeRoots: [join(ROOT, 'node_modules', '@types')] };

/** What TypeScript finds wrong with a user's files. */
async function typeErrors(name: string, compilerOptions: object, files: readonly string[]): Promise<string> {
  const config = `tsconfig.${name}.json`;
  writeFileSync(join(user, config), JSON.stringify({ compilerOptions: { ...STRICT, ...compilerOptions }, files }));
  return runNode(process.execPath, user, TSC, '-p', config).catch((error: { stdout: string }) => error.stdout);
}

describe('a user’s programs', () => {
  beforeAll(async () => {
    for (const name of ['library.ts', 'browser.ts']) {
      copyFileSync(new URL(`./user/${name}`, import.meta.url), join(user, name));
    }
    writeFileSync(join(user, 'common.cts'), COMMON);
    mkdirSync(join(user, 'out'));
  });

  test('type-check and compile as Node resolves modules, ESM and CommonJS, declarations of the package included', async () => {
    const options = { ...NODE_TYPES, module: 'nodenext', outDir: 'out' };
    expect(await typeErrors('nodenext', options, ['library.ts', 'common.cts'])).toBe('');
    expect(readdirSync(join(user, 'out')).sort()).toEqual(['common.cjs', 'library.js']);
  });

  test('type-check as bundlers resolve modules', async () => {
    const options = { ...NODE_TYPES, module: 'preserve', moduleResolution: 'bundler', noEmit: true };
    expect(await typeErrors('bundler', options, ['library.ts'])).toBe('');
  });

  test('type-check for a browser, which has no types of Node', async () => {
    const options = {
      types: [],
      lib: ['es2022', 'dom'],
      module: 'preserve',
      moduleResolution: 'bundler',
      noEmit: true,
    };
    expect(await typeErrors('browser', options, ['browser.ts'])).toBe('');
  });

  test('are refused by the type-checks above when they use what is not there', async () => {
    writeFileSync(join(user, 'wrong.ts'), "import { EvtSubscribeToNothing } from 'winevt/wevtapi';\n");
    const options = { types: [], module: 'nodenext', noEmit: true, skipLibCheck: true };
    expect(await typeErrors('wrong', options, ['wrong.ts'])).toContain("no exported member 'EvtSubscribeToNothing'");
  });
});

const doors = JSON.stringify(Object.keys(inEveryDoor));

const IMPORTING = `
const keys = {};
for (const door of ${doors}) keys[door] = Object.keys(await import(door)).sort();
console.log(JSON.stringify(keys));
`;
const REQUIRING = `
console.log(JSON.stringify(Object.fromEntries(${doors}.map((door) => [door, Object.keys(require(door)).sort()]))));
`;
const FORBIDDEN = `
import manifest from 'winevt/package.json' with { type: 'json' };
const codes = [];
for (const path of ['dist/evtx/chunk.js', 'evtx/chunk', 'query']) {
  codes.push(await import('winevt/' + path).then(() => 'open', (error) => error.code));
}
console.log(JSON.stringify([manifest.version, codes]));
`;

const WHAT_LIBRARY_PRINTS = `session 3n 7 User-Program { Count: 3 }
session ERROR_FILE_NOT_FOUND 2
wevtapi true 1 true
wevtapi true true
wevtapi false 6
promises cancelled 5
`;

describe.each([
  ['the running Node', undefined],
  ['Node 22', 22],
  ['Node 24', 24],
])('on %s', (title, major) => {
  let node: string | undefined;

  beforeAll(async () => {
    node = major === undefined ? process.execPath : await otherNode(major);
    writeFileSync(join(user, 'importing.js'), IMPORTING);
    writeFileSync(join(user, 'requiring.cjs'), REQUIRING);
    writeFileSync(join(user, 'forbidden.js'), FORBIDDEN);
  }, INSTALL_LIMIT_MS);

  const testHere = (name: string, body: (node: string) => Promise<void>) =>
    test(name, async (context) => {
      if (node === undefined) return context.skip(`${title} could not be installed for this system`);
      await body(node);
    });

  testHere('every door opens for import', async (node) => {
    expect(JSON.parse(await runNode(node, user, 'importing.js'))).toEqual(inEveryDoor);
  });

  testHere('every door opens for require', async (node) => {
    expect(JSON.parse(await runNode(node, user, 'requiring.cjs'))).toEqual(inEveryDoor);
  });

  testHere('the manifest can be read, and nothing is open beside the doors', async (node) => {
    const closed = 'ERR_PACKAGE_PATH_NOT_EXPORTED';
    const [version, codes] = JSON.parse(await runNode(node, user, 'forbidden.js')) as [string, string[]];
    expect([version, codes]).toEqual([manifest.version, [closed, closed, closed]]);
  });

  testHere('the compiled programs do what they say', async (node) => {
    expect(await runNode(node, user, join('out', 'common.cjs'))).toBe('null 2 function function\n');
    expect(await runNode(node, user, join('out', 'library.js'))).toBe(WHAT_LIBRARY_PRINTS);
  });

  testHere('the command runs from where npm put it', async (node) => {
    const program = join(installed, manifest.bin['winevt'] ?? '');
    expect(await runNode(node, user, program, '--version')).toBe(`${manifest.version}\n`);
    expect(existsSync(join(user, 'node_modules', '.bin', process.platform === 'win32' ? 'winevt.cmd' : 'winevt'))).toBe(
      true,
    );
    const count = await runNode(node, user, program, 'qe', 'user.evtx', '/q:*[System[EventID=7]]', '--count');
    expect(count).toBe('5\n');
  });
});
