// The parsers that we are compared with: found, or put into .winevt/peers, or left out with a sentence that says why and
// what to do.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onPath, run } from '../../scripts/setup.mjs';
import { peersFolder } from './folder.mjs';

const NPM_PEERS = { '@ts-evtx/core': '1.1.1', winevtx: '0.1.2' };
const windows = process.platform === 'win32';
const EVTX_DUMP = windows ? 'evtx_dump.exe' : 'evtx_dump';

function versionOf(program, flag) {
  const { status, stdout } = spawnSync(program, [flag], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n')[0].trim() : undefined;
}

function evtxDump(install, missing) {
  const named = process.env.WINEVT_BENCH_EVTX_DUMP;
  const built = join(peersFolder, 'bin', EVTX_DUMP);
  let program = named ?? onPath(EVTX_DUMP) ?? (existsSync(built) ? built : undefined);
  const cargo = onPath(windows ? 'cargo.exe' : 'cargo');
  if (program === undefined && install && cargo !== undefined) {
    process.stderr.write('winevt: building evtx_dump with cargo, once (a few minutes)\n');
    const status = run(cargo, ['install', 'evtx', '--root', peersFolder, '--locked']);
    if (status === 0) program = built;
    else missing.push('evtx_dump could not be built: cargo’s messages are above');
  }
  const version = program && versionOf(program, '--version');
  if (version !== undefined) return { program, version };
  if (named !== undefined) missing.push('WINEVT_BENCH_EVTX_DUMP names no evtx_dump that runs');
  else {
    missing.push(
      'the Rust evtx_dump is not there. Get cargo (rustup.rs) and run this again without --quick, or name one in WINEVT_BENCH_EVTX_DUMP',
    );
  }
  return undefined;
}

function evtxexport(missing) {
  const program = onPath('evtxexport');
  const version = program && versionOf(program, '-V');
  if (version === undefined) missing.push('evtxexport (libevtx) is not installed: libevtx-utils has it on Debian');
  return version === undefined ? undefined : { program, version };
}

const installed = (name) => {
  const manifest = join(peersFolder, 'node_modules', name, 'package.json');
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined;
};

function npmPeers(missing) {
  const wanted = Object.entries(NPM_PEERS);
  if (wanted.some(([name, version]) => installed(name) !== version)) {
    process.stderr.write('winevt: installing the npm parsers to compare with\n');
    mkdirSync(peersFolder, { recursive: true });
    // Without a package of its own, npm would install into the project's.
    writeFileSync(join(peersFolder, 'package.json'), '{ "private": true }\n');
    const packages = wanted.map(([name, version]) => `${name}@${version}`);
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
    run(windows ? 'npm.cmd' : 'npm', ['install', ...options, ...packages], { cwd: peersFolder, shell: windows });
  }
  const there = ([name, version]) => {
    if (installed(name) === version) return [[name, { version }]];
    missing.push(`${name} ${version} could not be installed with npm`);
    return [];
  };
  return Object.fromEntries(wanted.flatMap(there));
}

/**
 * @param install whether to build what takes minutes
 * @returns the peers that are there, and sentences about those that are not
 */
export function findPeers(install) {
  const missing = [];
  const npm = npmPeers(missing);
  const peers = {
    evtxDump: evtxDump(install, missing),
    evtxexport: evtxexport(missing),
    tsEvtx: npm['@ts-evtx/core'],
    winevtx: npm.winevtx,
  };
  return { peers, missing };
}

/** Whether evtxexport reads a log to its end: it stops at the first event that it cannot read. */
export function evtxexportReads(program, path) {
  try {
    execFileSync(program, ['-f', 'xml', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
