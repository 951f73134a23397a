// Runs the examples of README.md that are marked with a line `<!-- test -->`, in a folder that has a log `sample.evtx`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder, writeSampleLog } from '../log-files.ts';
import { type Example, examplesOf, outputPattern } from './examples.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const README = join(ROOT, 'README.md');
const examples = existsSync(README) ? examplesOf(readFileSync(README, 'utf8')) : [];
const PROGRAMS = ['js', 'ts'];
const hasBash = spawnSync('bash', ['-c', 'true']).status === 0;

const folder = temporaryFolder();
const bin = join(folder, 'bin');

beforeAll(() => {
  const built = spawnSync(process.execPath, [join(ROOT, 'scripts', 'build.mjs'), '--check']);
  if (built.status !== 0) throw new Error('dist/ is older than src/: npm run build');
  writeSampleLog(folder, 'sample.evtx', 100);
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(ROOT, join(folder, 'node_modules', 'winevt'), 'junction');
  mkdirSync(bin);
  const command = `#!/bin/sh\nexec '${process.execPath}' '${join(ROOT, 'dist', 'cli', 'main.js')}' "$@"\n`;
  writeFileSync(join(bin, 'winevt'), command, { mode: 0o755 });
});

function run({ language, code, line }: Example) {
  const options = {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH']}` },
  } as const;
  if (!PROGRAMS.includes(language)) return spawnSync('bash', ['-eu', '-o', 'pipefail', '-c', code], options);
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const program = join(folder, `line-${line}.mjs`);
  writeFileSync(program, outputText);
  return spawnSync(process.execPath, [program], options);
}

/** What TypeScript finds wrong with the examples in it; a file is named by the line of its example. */
function typeErrors(given: readonly Example[]): string {
  const programs = given.filter(({ language }) => language === 'ts');
  const files = programs.map(({ line, code }) => {
    writeFileSync(join(folder, `line-${line}.mts`), code);
    return `line-${line}.mts`;
  });
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules', '@types')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  return spawnSync(process.execPath, [compiler, '-p', '.'], { cwd: folder, encoding: 'utf8' }).stdout;
}

describe('README.md', () => {
  it('has at least one example in TypeScript or JavaScript and one for the shell that run here', () => {
    const languages = examples.map(({ language }) => language);
    expect(
      languages.some((language) => PROGRAMS.includes(language)),
      `of the marked ones: ${languages}`,
    ).toBe(true);
    expect(languages, 'of the marked ones').toContain('sh');
    expect(languages.filter((language) => ![...PROGRAMS, 'sh'].includes(language))).toEqual([]);
  });

  it('has examples that type-check in strict TypeScript', () => {
    expect(typeErrors(examples)).toBe('');
  });

  for (const example of examples) {
    const { language, line, output } = example;
    it.skipIf(language === 'sh' && !hasBash)(`is right in line ${line} (${language})`, () => {
      const { status, stdout, stderr } = run(example);
      expect(status, `${stdout}${stderr}`).toBe(0);
      if (output !== undefined && !outputPattern(output).test(stdout)) expect(stdout).toBe(`${output}\n`);
    });
  }
});

const PAGE = `
<!-- test -->
\`\`\`sh
winevt gli sample.evtx
\`\`\`

\`\`\`text
a
\`\`\`

\`\`\`sh
rm everything
\`\`\`
<!-- test -->

\`\`\`js
console.log(1);
\`\`\`
Then.
\`\`\`text
2
\`\`\`
`;

describe('the examples of a page', () => {
  it('are its marked blocks, each with the output right behind it', () => {
    expect(examplesOf(PAGE)).toEqual([
      { language: 'sh', code: 'winevt gli sample.evtx', output: 'a', line: 4 },
      { language: 'js', code: 'console.log(1);', output: undefined, line: 17 },
    ]);
  });

  it('are an error when a mark has no block, or a block no end', () => {
    expect(() => examplesOf('<!-- test -->\ntext')).toThrow('line 1: no block follows the mark');
    expect(() => examplesOf('<!-- test -->\n```sh\ntext')).toThrow('line 2: the block does not end');
  });

  it('print what the page shows, where … stands for any lines and nothing else is a pattern', () => {
    expect('a.b\n').toMatch(outputPattern('a.b'));
    expect('axb\n').not.toMatch(outputPattern('a.b'));
    expect('a\nmore\n').not.toMatch(outputPattern('a'));
    expect('a  \nb\nc\nd\n').toMatch(outputPattern('a\n…\nd'));
    expect('a\nb\nc\n').not.toMatch(outputPattern('a\n…\nd'));
    expect('a\nd\n').toMatch(outputPattern('a\n…\nd'));
  });

  it('are type-checked against the package', () => {
    const code = "import { EventLogSession } from 'winevt';\nconst n: number = EventLogSession.local().query('a');";
    const errors = typeErrors([{ language: 'ts', code, output: undefined, line: 9 }]);
    expect(errors).toMatch(
      /^line-9\.mts\(2,7\): error TS2322: Type 'EventLogReader' is not assignable to type 'number'/,
    );
  });

  it('run as programs and in a shell, with the package and its command at hand', () => {
    const program = `import { EventLogSession } from 'winevt';
let n: number = 0;
for await (const event of EventLogSession.local().events('sample.evtx')) n += event.id === 1 ? 1 : 0;
console.log(n);`;
    expect(run({ language: 'ts', code: program, output: undefined, line: 1 }).stdout).toBe('67\n');
    if (hasBash) {
      const count = 'winevt qe sample.evtx --count | cat';
      expect(run({ language: 'sh', code: count, output: undefined, line: 2 }).stdout).toBe('100\n');
      expect(run({ language: 'sh', code: 'winevt qe absent.evtx | cat', output: undefined, line: 3 }).status).toBe(1);
    }
  });
});
