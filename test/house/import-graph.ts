import { posix } from 'node:path';
import ts from 'typescript';

/** The text of source files by their path under src/, with forward slashes: `binxml/reader.ts`. */
export type SourceTree = ReadonlyMap<string, string>;

/** The rooms from the lowest up: an import points down this list, or stays in its room. `index` is the door of the package. */
export const ROOMS = [
  'errors',
  'bytes',
  'binxml',
  'evtx',
  'demo',
  'kernel',
  'render',
  'query',
  'providers',
  'operations',
  'store',
  'even6',
  'service',
  'session',
  'index',
  'wevtapi',
  'server',
  'cli',
] as const;

/** Rooms without Node, files or clocks. */
export const PURE_ROOMS: readonly string[] = [
  'errors',
  'bytes',
  'binxml',
  'evtx',
  'demo',
  'kernel',
  'render',
  'query',
  'providers',
];

/** The room of a file: its folder, or the file's own name when it lies in src/ itself. */
export function roomOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : path.replace(/\.ts$/, '');
}

/** Everything that a file names as a module: imports and re-exports, of types as well, dynamic imports, `import('x').T`. */
export function modulesNamedBy(path: string, text: string): string[] {
  const names: string[] = [];
  const add = (node: ts.Node | undefined) => {
    if (node !== undefined && ts.isStringLiteralLike(node)) names.push(node.text);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) add(node.arguments[0]);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.ESNext));
  return names;
}

/** The files of the tree that each file imports. */
export function importGraph(tree: SourceTree): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const [path, text] of tree) {
    const relative = modulesNamedBy(path, text).filter((name) => name.startsWith('.'));
    graph.set(
      path,
      relative.map((name) => posix.join(posix.dirname(path), name)),
    );
  }
  return graph;
}

/** What is against the order of the rooms, a line each. */
export function orderViolations(tree: SourceTree): string[] {
  const ranks = new Map<string, number>(ROOMS.map((room, rank) => [room, rank]));
  const found: string[] = [];
  for (const [path, targets] of importGraph(tree)) {
    const rank = ranks.get(roomOf(path));
    if (rank === undefined) found.push(`${path}: its room has no place in the order`);
    for (const target of targets) {
      const targetRank = ranks.get(roomOf(target));
      if (!tree.has(target)) found.push(`${path}: imports ${target}, which is no file`);
      else if (rank !== undefined && targetRank !== undefined && targetRank > rank) {
        found.push(`${path}: imports ${target}, which is above it`);
      }
    }
  }
  return found;
}

/** Files of pure rooms that name a module of Node. */
export function nodeImports(tree: SourceTree): string[] {
  const found: string[] = [];
  for (const [path, text] of tree) {
    if (!PURE_ROOMS.includes(roomOf(path))) continue;
    const named = modulesNamedBy(path, text).filter((name) => name.startsWith('node:'));
    found.push(...named.map((name) => `${path}: imports ${name}`));
  }
  return found;
}

/** Groups of files that import each other in a circle, sorted; a file that imports itself is one as well. */
export function importCycles(tree: SourceTree): string[][] {
  const graph = importGraph(tree);
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const cycles: string[][] = [];
  // Tarjan's strongly connected components.
  const enter = (path: string): number => {
    const entered = order.size;
    let lowest = entered;
    order.set(path, entered);
    low.set(path, entered);
    stack.push(path);
    for (const target of graph.get(path) ?? []) {
      if (!graph.has(target)) continue;
      if (!order.has(target)) lowest = Math.min(lowest, enter(target));
      else if (stack.includes(target)) lowest = Math.min(lowest, low.get(target) ?? entered);
    }
    low.set(path, lowest);
    if (lowest === entered) {
      const members = stack.splice(stack.indexOf(path));
      if (members.length > 1 || graph.get(path)?.includes(path)) cycles.push(members.sort());
    }
    return lowest;
  };
  for (const path of graph.keys()) if (!order.has(path)) enter(path);
  return cycles;
}

/**
 * Type errors of the given files under a compiler that knows a browser and nothing of Node: `process`, `Buffer` or a
 * module of Node is an unknown name there. `made` are files that exist for this check only, by full path.
 */
export function browserErrors(files: readonly string[], made: ReadonlyMap<string, string> = new Map()): string[] {
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
    types: [],
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => made.has(path) || fileExists(path);
  host.readFile = (path) => made.get(path) ?? readFile(path);
  host.getSourceFile = (path, target, ...rest) => {
    const text = made.get(path);
    return text === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, text, target);
  };
  return ts.getPreEmitDiagnostics(ts.createProgram([...files, ...made.keys()], options, host)).map((diagnostic) => {
    const line = diagnostic.file?.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line ?? 0;
    return `${diagnostic.file?.fileName}:${line + 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`;
  });
}
