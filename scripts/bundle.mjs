// node scripts/bundle.mjs FOLDER: the command in a few CommonJS files, FOLDER/cli, in the place of what the compiler made there;
// and the program of worker threads.
// Node starts CommonJS sooner than ES modules, and few files sooner than many. Each module is in one file only, so that
// state it keeps exists once in a process; what a verb alone needs is in files of its own, loaded when the verb runs.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));
const source = join(root, 'src', 'cli');
const target = join(root, process.argv[2], 'cli');
const OLDEST_NODE = 'node20.19';

/** What takes long to load and is hardly ever used: loaded at its first use, and no part of the bundle. */
const LATE = ['node:child_process', 'node:net', 'node:tty', 'saxes'];

/**
 * Modules that few verbs need, with all that only they need: each in a file of its own, loaded at its first use. What they export
 * is used inside functions only.
 */
const LATE_SOURCES = ['service/remote/open-service.ts'];
/** The same, with copies of what they share with others: that is constants, which must be constants to be fast. */
const LATE_COPIES = ['kernel/executor-javascript.ts'];
/** Sources as a map has them: code that was made here has none. */
const realSources = (sources) =>
  sources.map((one) => (/(^|\/)((late|late-sources|joined):|<stdin>)/.test(one) ? null : one));
const lateFile = (source) => `late-${basename(source, '.ts')}`;

/** What a module exports. */
async function exportsOf(file) {
  const { metafile } = await build({
    entryPoints: [file],
    format: 'esm',
    write: false,
    outdir: target,
    metafile: true,
  });
  return Object.values(metafile.outputs)[0].exports;
}

const lateSources = {
  name: 'late-sources',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\.?\// }, ({ path, kind, resolveDir, namespace }) => {
      if (namespace === lateSources.name) return { path, external: true };
      const source = relative(join(root, 'src'), join(resolveDir, path)).replaceAll('\\', '/');
      const isLate = kind !== 'entry-point' && [...LATE_SOURCES, ...LATE_COPIES].includes(source);
      return isLate ? { path: source, namespace: lateSources.name } : undefined;
    });
    onLoad({ filter: /.*/, namespace: lateSources.name }, async ({ path }) => {
      const file = `./${lateFile(path)}.js`;
      const getters = (await exportsOf(join(root, 'src', path))).map(
        (name) => `get ${name}() { return require('${file}').${name}; }`,
      );
      return { contents: `module.exports = { ${getters.join(', ')} };` };
    });
  },
};

const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${LATE.join('|')})$`) }, ({ path, namespace }) =>
      namespace === late.name ? { path, external: true } : { path, namespace: late.name },
    );
    onLoad({ filter: /.*/, namespace: late.name }, ({ path }) => {
      const getters = Object.keys(require(path)).map((name) => `get ${name}() { return require('${path}').${name}; }`);
      return { contents: `module.exports = { ${getters.join(', ')} };` };
    });
  },
};

/** Where a module says what lies beside it, it means beside the file that the compiler made of it: a worker, for one. */
const places = {
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (dirname(path) === source || !text.includes('import.meta.url')) return undefined;
      const place = relative(source, path).replaceAll('\\', '/').replace(/\.ts$/, '.js');
      return {
        contents: text.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`),
        loader: 'ts',
      };
    });
  },
};

/** The package that a path below node_modules belongs to. */
function packageOf(path) {
  return /.*node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path)?.[1].replace('\\', '/');
}

/** The licences of what is bundled: they ask to go with it. */
function notices(inputs) {
  const packages = [...new Set(inputs.map(packageOf))].filter((name) => name !== undefined).sort();
  const texts = packages.map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  return `The files beside this one contain the following packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}

// In two steps: only ES modules are split into files that share.
const split = await build({
  absWorkingDir: root,
  entryPoints: {
    main: 'src/cli/main.ts',
    ...Object.fromEntries(LATE_SOURCES.map((source) => [lateFile(source), `src/${source}`])),
  },
  outdir: target,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: OLDEST_NODE,
  chunkNames: '[name]-[hash]',
  sourcemap: 'inline',
  sourcesContent: false,
  legalComments: 'none',
  metafile: true,
  write: false,
  plugins: [late, lateSources, places],
});

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
// The package is one of ES modules.
writeFileSync(join(target, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(join(target, 'LICENSES.txt'), notices(Object.keys(split.metafile.inputs)));
/** What the verb that is used most needs: a file each would cost more to find than to load. */
const CORE_ENTRIES = ['src/cli/command.ts', 'src/cli/query-events.ts'];
const outputs = new Map(Object.entries(split.metafile.outputs).map(([path, output]) => [basename(path), output]));
const namesOf = (output) =>
  output.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => basename(path));

/** Files that an entry needs at once, itself included. */
function needed(name, names = new Set()) {
  if (!outputs.has(name) || names.has(name)) return names;
  names.add(name);
  for (const one of namesOf(outputs.get(name))) needed(one, names);
  return names;
}

const entryOf = (source) => [...outputs].find(([, { entryPoint }]) => entryPoint === source)[0];
const first = needed('main.js');
const core = [...new Set(CORE_ENTRIES.flatMap((source) => [...needed(entryOf(source))]))].filter(
  (one) => !first.has(one),
);

const OPTIONS = {
  format: 'cjs',
  platform: 'node',
  target: OLDEST_NODE,
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'moduleUrl' },
  // Less to read. Names stay: they are what a trace of the stack says.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: 'external',
  sourcesContent: false,
};
const MODULE_URL = "const moduleUrl = require('node:url').pathToFileURL(__filename).href;";

function write(name, code, map) {
  writeFileSync(join(target, name), `${code.trimEnd()}\n//# sourceMappingURL=${name}.map\n`);
  const { sources, ...rest } = JSON.parse(map);
  writeFileSync(join(target, `${name}.map`), `${JSON.stringify({ ...rest, sources: realSources(sources) })}\n`);
}

// In one scope, so that what one module has of another is a variable, and constants are constants.
const texts = new Map(split.outputFiles.map(({ path, text }) => [basename(path), text]));
const joined = {
  name: 'joined',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\// }, ({ path }) => {
      const name = basename(path);
      return core.includes(name) ? { path: name, namespace: joined.name } : { path, external: true };
    });
    onLoad({ filter: /.*/, namespace: joined.name }, ({ path }) => ({ contents: texts.get(path), resolveDir: target }));
  },
};
const coreBuild = await build({
  ...OPTIONS,
  absWorkingDir: root,
  stdin: { contents: core.map((name, i) => `export * as part${i} from './${name}';`).join('\n'), resolveDir: target },
  outfile: join(target, 'core.js'),
  bundle: true,
  banner: { js: MODULE_URL },
  write: false,
  plugins: [joined],
});
const [map, code] = coreBuild.outputFiles.sort((one) => (one.path.endsWith('.map') ? -1 : 1));
// Read as bytes where its compiled code is kept: src/cli/code-cache.ts.
const strange = /[^\0-\x7f]/.exec(code.text);
if (strange !== null) throw new Error(`the bundle has the character ${strange[0]}: spell it \\u…`);
// Named by its content: what src/cli/code-cache.ts keeps of it goes by the name.
const CORE = `core-${createHash('sha256').update(code.text).digest('hex').slice(0, 16)}.js`;
write(CORE, code.text, map.text);

const fromCore = (all, file) => (core.includes(file) ? `require("./${CORE}").part${core.indexOf(file)}` : all);
for (const [name, text] of texts) {
  if (core.includes(name)) continue;
  const banner = text.includes('import.meta.url') ? MODULE_URL : '';
  const { code, map } = await transform(text, { ...OPTIONS, sourcefile: name, banner });
  write(name, code.replace(/require\("\.\/([^"]+)"\)/g, fromCore), map);
}

for (const source of LATE_COPIES) {
  const { outputFiles } = await build({
    ...OPTIONS,
    absWorkingDir: root,
    entryPoints: [`src/${source}`],
    outfile: join(target, `${lateFile(source)}.js`),
    bundle: true,
    write: false,
  });
  const [map, code] = outputFiles.sort((one) => (one.path.endsWith('.map') ? -1 : 1));
  write(`${lateFile(source)}.js`, code.text, map.text);
}

// The program of the scan pool's threads, in the place of what the compiler made: one file loads sooner than sixty.
const worker = join(root, process.argv[2], 'service', 'local', 'scan-worker.js');
await build({
  absWorkingDir: root,
  entryPoints: ['src/service/local/scan-worker.ts'],
  outfile: worker,
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  plugins: [late],
  legalComments: 'none',
  platform: 'node',
  target: OLDEST_NODE,
  minifyWhitespace: true,
  minifySyntax: true,
  sourcemap: true,
  sourcesContent: false,
});
const workerMap = JSON.parse(readFileSync(`${worker}.map`, 'utf8'));
writeFileSync(`${worker}.map`, `${JSON.stringify({ ...workerMap, sources: realSources(workerMap.sources) })}\n`);
