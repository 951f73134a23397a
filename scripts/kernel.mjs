// src/kernel/wasm-code.ts: the executor compiled to WebAssembly, embedded. Its source is that of the JavaScript executor, with
// wasm/platform.ts in the place of platform.ts.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const SHARED = [
  'comparison',
  'executor',
  'filter',
  'instance',
  'layout',
  'names',
  'numbers',
  'program',
  'records',
  'shape',
  'stream',
  'templates/compiler',
  'templates/definition-reader',
  'templates/definitions',
  'templates/json-compiler',
  'templates/omission',
  'templates/pool',
  'templates/program-builder',
  'templates/tree',
  'templates/xml-compiler',
  'test-program',
  'text',
  'token',
  'value',
];
const ENTRY =
  "export { records } from './records';\nexport { select } from './filter';\nexport { useInput } from './platform';\n";
const PAGE = 65_536;
/** What the import of the memory says: no memory that is made is larger. 64 MiB. */
const MAXIMUM_PAGES = 1024;

/** Sources as AssemblyScript reads them: it knows i32 and f64, and no file extensions. */
function sources(folder) {
  const files = SHARED.map((name) => {
    const text = readFileSync(join(folder, `${name}.ts`), 'utf8');
    return [
      `${name}.ts`,
      text.replace(/^import type .*'\.\.?\/types\.ts';\n/m, '').replace(/(from '\.\.?\/[a-z/-]+)\.ts'/g, "$1'"),
    ];
  });
  for (const name of readdirSync(join(folder, 'wasm'))) {
    if (name.endsWith('.ts')) files.push([name, readFileSync(join(folder, 'wasm', name), 'utf8')]);
  }
  files.push(['index.ts', ENTRY]);
  return files;
}

function memorySize(folder) {
  // The layout is plain constants: what it says is what its last one evaluates to.
  const text = readFileSync(join(folder, 'layout.ts'), 'utf8').replaceAll('export const ', 'var ');
  return new Function(`${text}; return MEMORY_SIZE;`)();
}

/**
 * Compiles the kernel, unless the embedded one is of these sources.
 * @param compile runs the AssemblyScript compiler with arguments, and gives its exit status
 * @returns whether it is up to date now
 */
export function buildKernel({ root, cache, compile, say }) {
  const folder = join(root, 'src', 'kernel');
  const target = join(folder, 'wasm-code.ts');
  const files = sources(folder);
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules', 'assemblyscript', 'package.json'), 'utf8'));
  const script = readFileSync(new URL(import.meta.url), 'utf8');
  const mark = createHash('sha256')
    .update(JSON.stringify([version, script, files]))
    .digest('hex')
    .slice(0, 16);
  if (existsSync(target) && readFileSync(target, 'utf8').includes(mark)) return true;
  say('winevt: compiling the kernel');
  const work = join(cache, 'kernel');
  mkdirSync(work, { recursive: true });
  for (const [name, text] of files) {
    mkdirSync(dirname(join(work, name)), { recursive: true });
    writeFileSync(join(work, name), text);
  }
  const output = join(work, 'kernel.wasm');
  const status = compile([
    join(work, 'index.ts'),
    '--outFile',
    output,
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '-O3',
    '--converge',
    '--noAssert',
    '--importMemory',
    '--initialMemory',
    String(Math.ceil(memorySize(folder) / PAGE)),
    '--maximumMemory',
    String(MAXIMUM_PAGES),
    // No data of its own: everything lies where layout.ts puts it.
    '--lowMemoryLimit',
    '0',
  ]);
  if (status !== 0) return false;
  const binary = readFileSync(output);
  // The import of "memory": kind 2, flags (it has a maximum), sizes. Who wants it shared changes the flags.
  const memoryImport = binary.indexOf(Buffer.from('\x06memory\x02\x01', 'latin1'));
  if (memoryImport < 0) throw new Error('the compiled kernel does not import its memory as expected');
  const code = binary.toString('base64');
  const lines = code.match(/.{1,116}/g).map((line) => `  '${line}'`);
  writeFileSync(
    target,
    `// Made by scripts/kernel.mjs from the sources of this folder; sources ${mark}.\n` +
      `/** Where the module says what memory it imports. */\nexport const MEMORY_FLAGS_AT = ${memoryImport + 8};\n\n` +
      `/** The executor as WebAssembly, in base64. */\nexport const WASM_CODE =\n${lines.join(' +\n')};\n`,
  );
  return true;
}
