import { parentPort } from 'node:worker_threads';
import { CHUNK_SIZE } from '../../evtx/layout.ts';
import { INPUT } from '../../kernel/layout.ts';
import type { Memory } from '../../kernel/memory.ts';
import { DEFAULT_SESSION, epochWord } from '../../operations/handle-table.ts';
import { Operation } from '../../operations/operation.ts';
import { runSync } from '../../operations/task.ts';
import { parseQuery } from '../../query/index.ts';
import type { LogDamage } from '../service.ts';
import { modifiedTime } from './files.ts';
import { RUN_ROOM, walkLines } from './line-walk.ts';
import { type Boundary, LogWalker, MAX_SLOTS_AT_ONCE } from './log-walker.ts';
import { threadKernel, threadRenderer } from './renderer.ts';
import type { ScanJob, ScanReply, ScanTask } from './scan-task.ts';
import { type ScanGreeting, SLOTS_PER_THREAD } from './scan-threads.ts';
import { matcherFor } from './selection.ts';
import { QuerySelector, type Selector } from './selector.ts';

/** One of the scan pool's threads: writes the events of a stretch of a log into shared memory. */

/** Selectors of the jobs that were worked on last. */
const KEPT_JOBS = 8;

/** Thrown where a scan is told to stop. */
class Stopped extends Error {}

/** Stops a scan when the call that wants it is cancelled, or when nobody wants it any more. */
class ScanOperation extends Operation {
  readonly #words: Int32Array;
  readonly #task: ScanTask;

  constructor(task: ScanTask) {
    super('EvtNext', DEFAULT_SESSION);
    this.#words = epochWord(DEFAULT_SESSION).words;
    this.#task = task;
  }

  override poll(): void {
    const { job, epoch } = this.#task;
    if (this.#words[job.epochIndex] !== epoch || job.control[0] !== 0) throw new Stopped();
  }

  override checkpoint(): void {
    const { job, epoch } = this.#task;
    if (Atomics.load(this.#words, job.epochIndex) !== epoch || Atomics.load(job.control, 0) !== 0) throw new Stopped();
  }
}

/**
 * Memory for blocks: one task at a time, and no event of it stays. In the kernel's own, where that is shared, blocks need not be
 * copied there.
 */
function blockMemory({ bytes }: Memory): Uint8Array {
  const size = MAX_SLOTS_AT_ONCE * CHUNK_SIZE;
  return bytes.buffer instanceof SharedArrayBuffer ? bytes.subarray(INPUT, INPUT + size) : new Uint8Array(size);
}

let blocks: Uint8Array | undefined;

const selectors = new Map<number, Selector | undefined>();

function selectorOf({ id, query }: ScanJob): Selector | undefined {
  if (query === undefined) return undefined;
  const known = selectors.get(id);
  if (known !== undefined) return known;
  const { text, tolerate, strict, spelled, now } = query;
  const matcher = matcherFor(parseQuery(text, { tolerate, strict }), spelled);
  const selector = new QuerySelector(matcher, { now });
  if (selectors.size >= KEPT_JOBS) selectors.delete(selectors.keys().next().value!);
  selectors.set(id, selector);
  return selector;
}

function scan(task: ScanTask): ScanReply {
  const { job, slots } = task;
  const { memory: kernelMemory } = threadKernel();
  const slot = typeof task.out === 'number' ? kernelMemory.slots[task.out]! : undefined;
  const out =
    slot === undefined ? (task.out as Uint8Array) : kernelMemory.bytes.subarray(slot.address, slot.address + slot.size);
  blocks ??= blockMemory(kernelMemory);
  const damages: LogDamage[] = [];
  const log = {
    name: job.name,
    path: job.path,
    fd: job.fd,
    header: { dirty: job.dirty },
    order: {
      length: slots.length,
      slotAt: (i: number) => slots[i]!,
      ascending: false,
      newestFirstId: job.newestFirstId,
    },
    modified: job.modified,
    get isChanged() {
      return modifiedTime(job.fd) !== job.modified;
    },
    blockSize: job.blockSize,
    offsetOf: (slot: number) => job.blockSize + slot * CHUNK_SIZE,
    onDamage: (damage: LogDamage) => damages.push(damage),
    // The file is the caller's.
    close: () => {},
  };
  const walker = new LogWalker(log, { slotsPerRead: MAX_SLOTS_AT_ONCE, recover: false, memory: blocks });
  let size = 0;
  let events = 0;
  let to: Boundary = task.from;
  let lastId: bigint | undefined;
  const sink = {
    format: job.format,
    maxEvents: Number.POSITIVE_INFINITY,
    maxBytes: out.length - RUN_ROOM,
    slot,
    take: (lines: Uint8Array, count: number) => {
      if (size + lines.length > out.length) throw new TooLarge();
      if (lines.buffer !== out.buffer || slot === undefined) out.set(lines, size);
      size += lines.length;
      events += count;
    },
  };
  const moved = (boundary: Boundary, id: bigint | undefined) => {
    to = boundary;
    lastId = id ?? lastId;
  };
  const done = (ended: boolean): ScanReply => {
    const { records, readBytes } = walker;
    return { stopped: false, size, events, to, ended, lastId, damages, records, readBytes };
  };
  try {
    const selector = selectorOf(job);
    const operation = new ScanOperation(task);
    return done(runSync(walkLines(walker, task.from, job.step, selector, sink, operation, moved)).ended);
  } catch (error) {
    if (error instanceof TooLarge) return done(false);
    if (!(error instanceof Stopped)) throw error;
    return { ...done(false), stopped: true };
  }
}

/** The lines of one run do not fit what is left: the scan goes on with them elsewhere. */
class TooLarge extends Error {}

const port = parentPort;
if (port !== null) {
  port.on('message', ({ id, message }: { id: number; message: ScanTask }) => {
    try {
      port.postMessage({ id, message: scan(message) });
    } catch (error) {
      port.postMessage({ id, failure: (error as Error).message });
    }
  });
  const { memory: kernelMemory } = threadKernel({ slots: SLOTS_PER_THREAD, shared: true });
  threadRenderer();
  const { buffer, slots } = kernelMemory;
  const greeting: ScanGreeting | undefined =
    buffer instanceof SharedArrayBuffer ? { memory: buffer, slots } : undefined;
  port.postMessage({ ready: greeting });
}
