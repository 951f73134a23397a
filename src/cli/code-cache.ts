import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import Module, { createRequire } from 'node:module';
import * as path from 'node:path';
import { Script } from 'node:vm';
import { cacheFolder } from './cache-folder.ts';

/** The bundle's largest file, which the build names by its content. */
const CORE = /^core-[0-9a-f]{16}\.js$/;
const KEPT = /^core-[0-9a-f]{16}-.*\.(?:code|new)$/;
/** Files that stay, the newest: several versions of Node and of this program may be used by turns. */
const MOST_FILES = 4;
/** Behind the code: a checksum of all the rest, and the size of the list of verbs, which is before them. */
const TRAILER_SIZE = 8;

/** Compiled code, as a file has it. */
interface Kept {
  readonly code: Buffer;
  /** Verbs that have added to it. */
  readonly verbs: readonly string[];
}

/**
 * Has the command's code compiled by an earlier run, and keeps it for the next one, in the user's cache folder. For Node before
 * 22.8, which cannot do so itself. Where it cannot be, the command starts slower, and nothing else is different.
 *
 * V8 compiles a function when it is first called, and the code is taken when the process ends: what the run has called is in it.
 * Verbs call different functions, so the first run of each verb adds its own to what is there. Only a run that succeeds does:
 * whoever is told of a mistake, or presses Ctrl-C, does not wait for it.
 */
export function keepCompiledCode(verb: string): void {
  // Node's own compile cache has this switch. Source maps are applied to what Node itself compiles.
  if (process.env['NODE_DISABLE_COMPILE_CACHE'] || process.sourceMapsEnabled) return;
  const { extensions } = createRequire(import.meta.url);
  const load = extensions['.js']!;
  extensions['.js'] = (module, file) => {
    if (!CORE.test(path.basename(file))) return load(module, file);
    extensions['.js'] = load;
    // Only a verb is written down: anything else that is given first is nobody's business.
    return run(module, file, /^[a-z-]{1,20}$/i.test(verb) ? verb.toLowerCase() : '');
  };
}

/** Does what Node's loader does with a CommonJS module. */
function run(module: NodeJS.Module, file: string, verb: string): unknown {
  const cache = cacheFileOf(file);
  const kept = cache === undefined ? undefined : readKept(cache);
  // The build sees to it that it is all ASCII: as bytes it is read in less than half the time.
  const source = readFileSync(file, 'latin1');
  const script = new Script(Module.wrap(source), { filename: file, cachedData: kept?.code });
  const accepted = script.cachedDataRejected === false ? kept : undefined;
  if (cache !== undefined && !accepted?.verbs.includes(verb)) {
    process.on('exit', (status) => {
      if (status === 0) keep(cache, script, verb, accepted);
    });
  }
  const wrapper = script.runInThisContext() as (...args: unknown[]) => unknown;
  return wrapper.call(module.exports, module.exports, createRequire(file), module, file, path.dirname(file));
}

type Crc32 = (data: Uint8Array | string, value: number) => number;

/**
 * Of node:zlib, without the rest of it where that can be: loading it takes 3 ms at each start. `bytes/crc32.ts` takes 5, before it is
 * compiled.
 */
function crc32(data: Uint8Array | string): number {
  let sum: Crc32;
  // Deprecated, and so no part of Node's published types; but what is published of these versions does not change any more: nobody
  // need hear of it.
  const { noDeprecation = false } = process;
  process.noDeprecation = true;
  try {
    sum = (process as unknown as { binding(name: 'zlib'): { crc32: Crc32 } }).binding('zlib').crc32;
  } catch {
    sum = (createRequire(import.meta.url)('node:zlib') as { crc32: Crc32 }).crc32;
  } finally {
    process.noDeprecation = noDeprecation;
  }
  return sum(data, 0);
}

/** Undefined where there is no place for it. */
function cacheFileOf(file: string): string | undefined {
  try {
    // Compiled code names the file that it was compiled from, and traces of the stack say so.
    const place = crc32(file).toString(16);
    const name = `${path.basename(file, '.js')}-${place}-${process.version}-${process.arch}.code`;
    return path.join(cacheFolder(), 'code', name);
  } catch {
    return undefined;
  }
}

function readKept(file: string): Kept | undefined {
  try {
    if (!isPrivate(lstatSync(path.dirname(file)))) return undefined;
    const fd = openSync(file, 'r');
    try {
      return isPrivate(fstatSync(fd)) ? decode(readFileSync(fd)) : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** V8 would run whatever is in it: it checks no more than its own version and the size of the source. */
function decode(bytes: Buffer): Kept | undefined {
  const end = bytes.length - TRAILER_SIZE;
  if (crc32(bytes.subarray(0, end + 4)) !== bytes.readUInt32LE(end + 4)) return undefined;
  const codeSize = end - bytes.readUInt32LE(end);
  return { code: bytes.subarray(0, codeSize), verbs: bytes.toString('utf8', codeSize, end).split('\n') };
}

function encode({ code, verbs }: Kept): Buffer {
  const list = Buffer.from(verbs.join('\n'));
  const bytes = Buffer.concat([code, list, Buffer.alloc(TRAILER_SIZE)]);
  const end = bytes.length - TRAILER_SIZE;
  bytes.writeUInt32LE(list.length, end);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end + 4)), end + 4);
  return bytes;
}

/** @param before what the run had: its functions are in the script too */
function keep(file: string, script: Script, verb: string, before: Kept | undefined): void {
  const beside = `${file}.${process.pid}.new`;
  try {
    const folder = path.dirname(file);
    if (!isFolderReady(folder)) return;
    const code = script.createCachedData();
    // V8 forgets functions that a long run does not call: they are worth more than those it has called.
    if (before !== undefined && code.length < before.code.length * 0.95) return;
    try {
      writeFileSync(beside, encode({ code, verbs: [...(before?.verbs ?? []), verb] }), { mode: 0o600 });
      renameSync(beside, file);
    } finally {
      rmSync(beside, { force: true });
    }
    removeOld(folder);
  } catch {
    // Without it, the next run does as this one did.
  }
}

/** Makes the folder, unless the place is somebody else's: root does not leave folders in a home that their owner cannot use. */
function isFolderReady(folder: string): boolean {
  let existing = folder;
  while (lstatSync(existing, { throwIfNoEntry: false }) === undefined) existing = path.dirname(existing);
  if (!isOwn(lstatSync(existing))) return false;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return isPrivate(lstatSync(folder));
}

function removeOld(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => KEPT.test(name))
    .map((name) => path.join(folder, name))
    .map((file) => ({ file, written: statSync(file).mtimeMs }))
    .sort((one, other) => other.written - one.written);
  for (const { file } of files.slice(MOST_FILES)) rmSync(file, { force: true });
}

/** On Windows the user's folder is protected as a whole. */
function isOwn({ uid }: Stats): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

/** Nobody else could have written it: what is in it will be run. A symbolic link never is. */
function isPrivate(stats: Stats): boolean {
  return process.geteuid === undefined || (isOwn(stats) && (stats.mode & 0o022) === 0);
}
