// What all benchmarks share: a fixed log, medians, the conditions of a run, and where results are kept.
import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateDemoLog } from '../dist/demo/demo-log.js';

export const root = fileURLToPath(new URL('..', import.meta.url));
// Not below node_modules: installing anew would take it away.
export const cache = join(root, '.winevt');

/** A log of so many events, always the same; written once by the project's own writer. */
export function demoLog(events) {
  mkdirSync(cache, { recursive: true });
  const path = join(cache, `bench-${events}.evtx`);
  if (existsSync(path)) return path;
  const fd = openSync(`${path}.new`, 'w');
  generateDemoLog(
    { write: (position, bytes) => void writeSync(fd, bytes, 0, bytes.length, position) },
    { events, seed: 1 },
  );
  closeSync(fd);
  renameSync(`${path}.new`, path);
  return path;
}

export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
}

export const median = (values) => quantile(values, 0.5);

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

export function conditions() {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    node: process.version,
    commit: commit(),
    date: new Date().toISOString(),
  };
}

/** Prints the results and keeps them in bench/results/. */
export function report(name, results) {
  const where = conditions();
  console.log(`\n${where.cpu}, ${where.cores} cores, Node ${where.node}, commit ${where.commit}`);
  mkdirSync(join(root, 'bench', 'results'), { recursive: true });
  writeFileSync(
    join(root, 'bench', 'results', `${name}.json`),
    `${JSON.stringify({ conditions: where, results }, null, 2)}\n`,
  );
}

export function table(head, rows) {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => String(row[i]).length)));
  const line = (cells) =>
    cells.map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  ');
  console.log([line(head), widths.map((width) => '-'.repeat(width)).join('  '), ...rows.map(line)].join('\n'));
}
