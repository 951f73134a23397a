import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { browserErrors, importCycles, nodeImports, orderViolations, PURE_ROOMS, roomOf } from './import-graph.ts';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));
const paths = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll(sep, '/'))
  // What is beneath kernel/wasm/ is AssemblyScript: another language, and another compiler that checks it.
  .filter((path) => path.endsWith('.ts') && !path.startsWith('kernel/wasm/'));
const tree = new Map(paths.map((path) => [path, readFileSync(join(SRC, path), 'utf8')]));

describe('the source tree', () => {
  it('has every import point down the rooms', () => {
    expect(tree.size).toBeGreaterThan(50);
    expect(orderViolations(tree)).toEqual([]);
  });

  it('has no file that imports itself by way of others', () => {
    expect(importCycles(tree)).toEqual([]);
  });

  it('names no module of Node in the pure rooms', () => {
    expect(nodeImports(tree)).toEqual([]);
  });

  it('type-checks in the pure rooms for a browser, without the types of Node', () => {
    const pure = paths.filter((path) => PURE_ROOMS.includes(roomOf(path)));
    expect(browserErrors(pure.map((path) => join(SRC, path)))).toEqual([]);
  });
});

describe('the checks themselves', () => {
  it('find an import that points up, in each of its spellings', () => {
    const spellings = [
      "import { a } from '../query/a.ts';",
      "import type { A } from '../query/a.ts';",
      "export * from '../query/a.ts';",
      "const a = await import('../query/a.ts');",
      "type A = import('../query/a.ts').A;",
    ];
    for (const text of spellings) {
      const made = new Map([
        ['bytes/b.ts', text],
        ['query/a.ts', ''],
      ]);
      expect(orderViolations(made), text).toEqual(['bytes/b.ts: imports query/a.ts, which is above it']);
    }
  });

  it('allow an import that points down or stays in its room, and take no comment for an import', () => {
    const made = new Map([
      ['query/a.ts', "import '../bytes/b.ts';\nimport './c.ts';\n// import '../cli/main.ts';"],
      ['query/c.ts', ''],
      ['bytes/b.ts', ''],
      ['cli/main.ts', "import '../index.ts';"],
      ['index.ts', "export * from './query/a.ts';"],
    ]);
    expect(orderViolations(made)).toEqual([]);
    expect(importCycles(made)).toEqual([]);
  });

  it('find a room that nobody placed, and a file that does not exist', () => {
    expect(orderViolations(new Map([['attic/a.ts', '']]))).toEqual(['attic/a.ts: its room has no place in the order']);
    expect(orderViolations(new Map([['bytes/a.ts', "import './b.ts';"]]))).toEqual([
      'bytes/a.ts: imports bytes/b.ts, which is no file',
    ]);
  });

  it('keep demo to what lies below it, and the lower rooms from the package door', () => {
    const made = new Map([
      ['demo/a.ts', "import '../render/r.ts';\nimport '../evtx/e.ts';"],
      ['session/s.ts', "import '../index.ts';"],
      ['render/r.ts', ''],
      ['evtx/e.ts', ''],
      ['index.ts', ''],
    ]);
    expect(orderViolations(made)).toEqual([
      'demo/a.ts: imports render/r.ts, which is above it',
      'session/s.ts: imports index.ts, which is above it',
    ]);
  });

  it('find circles of any length, and nothing else', () => {
    const made = new Map([
      ['bytes/a.ts', "import './b.ts';"],
      ['bytes/b.ts', "import './c.ts';\nimport './d.ts';"],
      ['bytes/c.ts', "import './a.ts';"],
      ['bytes/d.ts', ''],
      ['bytes/e.ts', "import './e.ts';\nimport './a.ts';"],
    ]);
    expect(importCycles(made)).toEqual([['bytes/a.ts', 'bytes/b.ts', 'bytes/c.ts'], ['bytes/e.ts']]);
  });

  it('find Node in a pure room: as a module and as a global', () => {
    const made = new Map([
      ['binxml/a.ts', "import { readFileSync } from 'node:fs';"],
      ['service/a.ts', "import { readFileSync } from 'node:fs';"],
    ]);
    expect(nodeImports(made)).toEqual(['binxml/a.ts: imports node:fs']);
    const path = join(SRC, 'binxml', 'made-up.ts').replaceAll(sep, '/');
    const text = "import 'node:fs';\nexport const size = (text: string) => Buffer.byteLength(text) + process.pid;";
    const errors = browserErrors([], new Map([[path, text]])).join('\n');
    expect(errors).toContain("'Buffer'");
    expect(errors).toContain("'process'");
    expect(errors).toContain("'node:fs'");
  });
});
