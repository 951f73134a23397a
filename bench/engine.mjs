// This package as the in-process lines of the table see it, and its command as the whole-process lines do: the one place to
// change when there is a faster way through the same work.
import { fileURLToPath } from 'node:url';
import { DEFAULT_SESSION } from '../dist/operations/handle-table.js';
import { Operation } from '../dist/operations/operation.js';
import { runSync } from '../dist/operations/task.js';
import { renderJson } from '../dist/render/json.js';
import { renderXml } from '../dist/render/xml.js';
import { LocalService } from '../dist/service/local/local-service.js';

/** As many as the command and the reader fetch in one go: larger batches live longer, and cost collecting them. */
const EVENTS_PER_READ = 64;
const RENDER = { xml: renderXml, json: renderJson };

/** What this build has: columns of what it has not stay empty. */
export const capabilities = { kernel: false, threads: false };

/** The command with these arguments, with or without the kernel, on so many threads: program, arguments, environment. */
export function command(args, { kernel, threads: _ }) {
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
  return { program: process.execPath, args: [main, ...args], env: kernelSwitch(kernel) };
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

/**
 * Renders all events of a log to UTF-8, which the calling thread is given in order; reading the file included.
 * @param format `xml`, or `json` for one object per line
 * @returns bytes of the log, records rendered, bytes of output
 */
export async function renderLog(path, format, { threads: _ } = {}) {
  const render = RENDER[format];
  let outputBytes = 0;
  let records = 0;
  const { bytes } = read(path, undefined, (events) => {
    let text = '';
    for (const event of events) text += `${render(event.tree)}\n`;
    outputBytes += Buffer.from(text).length;
    records += events.length;
  });
  return { bytes, records, outputBytes };
}

/**
 * Finds the events of a log that a query selects, without rendering them; reading the file included.
 * @returns bytes of the log, records tested, records found
 */
export async function scanLog(path, query, { threads: _ } = {}) {
  let found = 0;
  const { bytes, records } = read(path, query, (events) => {
    found += events.length;
  });
  return { bytes, records, found };
}
