// node scripts/bundle.mjs FOLDER: the command in a few CommonJS files, FOLDER/cli, in the place of what the compiler made there;
// and the program of worker threads.
// Node starts CommonJS sooner than ES modules, and few files sooner than many. Each module is in one file only, so that
// state it keeps exists once in a process; what a verb alone needs is in files of its own, loaded when the verb runs.
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
const LATE = ['node:child_process', 'saxes'];

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
  entryPoints: ['src/cli/main.ts'],
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
  plugins: [late, places],
});

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
// The package is one of ES modules.
writeFileSync(join(target, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(join(target, 'LICENSES.txt'), notices(Object.keys(split.metafile.inputs)));
for (const { path, text } of split.outputFiles) {
  const { code, map } = await transform(text, {
    sourcefile: basename(path),
    format: 'cjs',
    platform: 'node',
    target: OLDEST_NODE,
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': 'moduleUrl' },
    banner: text.includes('import.meta.url')
      ? "const moduleUrl = require('node:url').pathToFileURL(__filename).href;"
      : '',
    sourcemap: 'external',
    sourcesContent: false,
  });
  writeFileSync(path, `${code}//# sourceMappingURL=${basename(path)}.map\n`);
  // Code that was made here has no source.
  const sources = JSON.parse(map).sources.map((one) => (one.startsWith(`${late.name}:`) ? null : one));
  writeFileSync(`${path}.map`, `${JSON.stringify({ ...JSON.parse(map), sources })}\n`);
}

// The program of the scan pool's threads, in the place of what the compiler made: one file loads sooner than sixty.
await build({
  absWorkingDir: root,
  entryPoints: ['src/service/local/scan-worker.ts'],
  outfile: join(root, process.argv[2], 'service', 'local', 'scan-worker.js'),
  allowOverwrite: true,
  bundle: true,
  packages: 'external',
  format: 'esm',
  platform: 'node',
  target: OLDEST_NODE,
  sourcemap: true,
  sourcesContent: false,
});
