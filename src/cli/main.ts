#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { endWithReader } from './end-with-reader.ts';

// Whoever asks for the version does not wait for the command to load.
const ASKS_VERSION = /^(?:-v|--version|version)$/i;

/** `off`: no compiled code is kept from run to run. */
const CACHE_VARIABLE = 'WINEVT_CODE_CACHE';

/** Node 22.8 and later can keep compiled code themselves, in the folder for temporary files. */
const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: () => unknown };

async function keepCode(verb: string): Promise<void> {
  if (process.env[CACHE_VARIABLE]?.toLowerCase() === 'off') return;
  if (enableCompileCache === undefined) (await import('./code-cache.ts')).keepCompiledCode(verb);
  else enableCompileCache();
}

function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

async function main(given: readonly string[]): Promise<void> {
  const [first] = given;
  if (first !== undefined && ASKS_VERSION.test(first)) {
    endWithReader();
    process.stdout.write(`${version()}\n`);
    return;
  }
  await keepCode(first ?? '');
  const { runCommand } = await import('./command.ts');
  // Not process.exit(): what was written must still reach a pipe.
  process.exitCode = await runCommand(given, version());
}

void main(process.argv.slice(2));
