// This package as the in-process lines of the table see it, and its command as the whole-process lines do: the one place to
// change when there is a faster way through the same work.
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Chunk } from '../dist/evtx/chunk.js';
import { CHUNK_SIZE, HEADER_BLOCK_SIZE } from '../dist/evtx/layout.js';
import { EventLogQuery, EventLogSession } from '../dist/index.js';
import { DEFAULT_SESSION } from '../dist/operations/handle-table.js';
import { Operation } from '../dist/operations/operation.js';
import { runSync } from '../dist/operations/task.js';
import { LocalService } from '../dist/service/local/local-service.js';
import { threadRenderer } from '../dist/service/local/renderer.js';

/** As many as the command and the reader fetch in one go: larger batches live longer, and cost collecting them. */
const EVENTS_PER_READ = 64;

/** What this build has: columns of what it has not stay empty. */
export const capabilities = { kernel: true, threads: true };

/** The command with these arguments, with or without the kernel, on so many threads: program, arguments, environment. */
export function command(args, { kernel, threads }) {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  return {
    program: process.execPath,
    args: [main, ...args, ...(args[0] === 'qe' ? ['--concurrency', String(threads ?? 1)] : [])],
    env: kernelSwitch(kernel),
  };
}

/** Environment that takes or leaves the kernel. */
export function kernelSwitch(kernel) {
  return kernel ? {} : { WINEVT_KERNEL: 'off' };
}

/** Reads events in order and hands each batch to `use`. @returns bytes read and records met */
function read(path, query, use) {
  const operation = (api) => new Operation(api, DEFAULT_SESSION);
  const request = {
    path,
    pathType: 'file',
    query,
    direction: 'forward',
    tolerate: false,
    strict: false,
    recover: false,
  };
  const set = runSync(new LocalService().query(request, operation('EvtQuery')));
  try {
    for (;;) {
      const events = runSync(set.next(EVENTS_PER_READ, operation('EvtNext')));
      if (events.length === 0) break;
      use(events);
    }
    const { records, readBytes } = set.progress;
    return { bytes: readBytes, records };
  } finally {
    set.dispose();
  }
}

/** Memory that all passes write to, as the command has it. */
const buffer = Buffer.allocUnsafeSlow(3.5 * 1024 * 1024);

/**
 * Renders all events of a log to UTF-8, which the calling thread is given in order; reading the file included.
 * @param format `xml`, or `json` for one object per line
 * @returns bytes of the log, records rendered, bytes of output
 */
export async function renderLog(path, format, { threads = 1 } = {}) {
  const session = EventLogSession.open();
  const reader = session.query(new EventLogQuery(path, undefined, { concurrency: threads }));
  let outputBytes = 0;
  let records = 0;
  try {
    for (;;) {
      const { bytes, events } = await reader.readLines(format, { buffer, borrow: true, maxBytes: buffer.length });
      if (events === 0) break;
      outputBytes += bytes.length;
      records += events;
    }
    return { bytes: reader.progress.readBytes, records, outputBytes };
  } finally {
    session.close();
  }
}

/** Logs that stay in memory, by path. */
const held = new Map();

/**
 * Renders all records of a log that lies in memory, chunk by chunk: the renderer alone, as a library that is handed chunks.
 * @returns bytes of the log, records rendered, bytes of output
 */
export async function renderChunks(path, format) {
  if (!held.has(path)) held.set(path, readFileSync(path));
  const file = held.get(path);
  const renderer = threadRenderer();
  let records = 0;
  let outputBytes = 0;
  const damaged = () => records--;
  for (let at = HEADER_BLOCK_SIZE; at + CHUNK_SIZE <= file.length; at += CHUNK_SIZE) {
    const chunk = new Chunk(file.subarray(at, at + CHUNK_SIZE), 0, at);
    const offsets = chunk.liveRecords();
    for (let next = 0; next < offsets.length; ) {
      renderer.clear();
      const reached = renderer.lines(chunk, offsets, next, offsets.length, format, damaged);
      if (reached === next) throw new Error('an event is larger than the output');
      outputBytes += renderer.outputSize;
      next = reached;
    }
    records += offsets.length;
  }
  return { bytes: file.length, records, outputBytes };
}

/** Read at a time, and so many times over. */
const READ_BYTES = 1024 * 1024;
const READS_AHEAD = 2;

/**
 * Reads a log and looks at nothing, as a scan reads: what no filter can be faster than.
 * @returns bytes of the log
 */
export async function readLog(path) {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffers = Array.from({ length: READS_AHEAD }, () => Buffer.allocUnsafeSlow(READ_BYTES));
    const readOne = (at) => file.read(buffers[(at / READ_BYTES) % READS_AHEAD], 0, READ_BYTES, at);
    const reads = [];
    for (let at = 0; at < size; at += READ_BYTES) {
      if (reads.length === READS_AHEAD) await reads.shift();
      reads.push(readOne(at));
    }
    await Promise.all(reads);
    return { bytes: size, records: 0 };
  } finally {
    await file.close();
  }
}

/**
 * Counts the events of a log that a query selects; reading the file included.
 * @returns bytes of the log, records tested, records found
 */
export async function countLog(path, query, { threads = 1 } = {}) {
  const session = EventLogSession.open();
  const reader = session.query(new EventLogQuery(path, query, { concurrency: threads }));
  let found = 0;
  try {
    for (let some = await reader.count(); some > 0; some = await reader.count()) found += some;
    const { readBytes: bytes, records } = reader.progress;
    return { bytes, records, found };
  } finally {
    session.close();
  }
}

/**
 * Finds the events of a log that a query selects, and is handed each, without rendering them; reading the file included.
 * @returns bytes of the log, records tested, records found
 */
export async function scanLog(path, query, { threads: _ } = {}) {
  let found = 0;
  const { bytes, records } = read(path, query, (events) => {
    found += events.length;
  });
  return { bytes, records, found };
}
