import * as fs from 'node:fs';
import { hostname } from 'node:os';
import * as path from 'node:path';
import { threadId } from 'node:worker_threads';
import { EvtError } from '../errors/evt-error.ts';
import type { Operation } from '../operations/operation.ts';
import type { Task } from '../operations/task.ts';

/**
 * One holder at a time, across processes, and none that is dead.
 *
 * A lock is a folder. Each time it is taken, the next number is taken: file `7` says who holds it for the seventh time, and is
 * renamed to `7.free` when he lets go. Only one can create `8`, and only when the seventh holder has let go or is dead; dead stays
 * dead, so nobody ever has to take a file away from somebody, which is where locks that are one file go wrong. The highest
 * number is always kept.
 *
 * Who takes number n + 1 right after n knows that nobody was here in between: what he remembers of the log is still true.
 */

/** Between two looks at a lock that somebody holds. Holders take some 100 µs, clears and exports longer. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 10;

const FREE = '.free';

interface Owner {
  readonly pid: number;
  /** The system's number of the thread, where that can be known; 0: all that can be asked is whether the process lives. */
  readonly task: number;
  /** When that thread, or the process, started, so that another one with its number is not taken for it; '' where that is not known. */
  readonly started: string;
  /** The machine, and what its process numbers mean: a container has its own. */
  readonly host: string;
}

let self: Owner | undefined;
let here: string | undefined;

function linkText(link: string): string {
  try {
    return fs.readlinkSync(link);
  } catch {
    return '';
  }
}

function thisHost(): string {
  here ??= `${hostname()} ${linkText('/proc/self/ns/pid')}`.trim();
  return here;
}

/** Field 22 of a stat file: ticks since the system started. Behind the name, which may hold blanks and brackets. */
function startOf(pid: number, task: number): string {
  try {
    const stat = fs.readFileSync(task > 0 ? `/proc/${pid}/task/${task}/stat` : `/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function ownerHere(): Owner {
  if (self === undefined) {
    const { pid } = process;
    // PID/task/NUMBER: a worker thread that is terminated must not keep the lock while its process lives on.
    const task = Number(linkText('/proc/thread-self').split('/')[2] ?? 0);
    self = { pid, task, started: startOf(pid, task), host: thisHost() };
  }
  return self;
}

/** False only for who certainly is gone: another machine's process cannot be asked. */
function mayLive(owner: Owner): boolean {
  if (owner.host !== thisHost()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  const started = startOf(owner.pid, owner.task);
  // Where tasks can be asked at all, one that has no start is gone.
  if (owner.task > 0 && owner.started !== '') return started === owner.started;
  return started === '' || owner.started === '' || started === owner.started;
}

export interface Held {
  readonly generation: number;
  /** Lets go. Doing it twice is harmless. */
  release(): void;
  /** Lets go soon: whoever in this thread wants it next may have it at once, and nobody else waits for long. */
  releaseSoon(): void;
}

/** A lock that is kept for a moment, because its holder may want it again. */
interface Kept {
  readonly held: Held;
  readonly owner: StoreLock;
  readonly since: number;
}

/** Who appends event by event would spend most of the time taking the lock: it is kept so long, over turns of the event loop. */
const KEEP_MS = 10;

// By folder: what one object of this thread keeps, another one must get without waiting, because nothing else runs meanwhile.
const kept = new Map<string, Kept>();

/** Folders whose locks are let go of at the next turn: one timer each, however often they are kept until then. */
const coming = new Set<string>();

function releaseInTurn(folder: string): void {
  if (coming.has(folder)) return;
  coming.add(folder);
  setImmediate(() => {
    coming.delete(folder);
    const own = kept.get(folder);
    kept.delete(folder);
    own?.held.release();
  });
}

let made = 0;

export class StoreLock {
  readonly #folder: string;
  #ready = false;

  /** @param folder that is the lock; made when it is first taken */
  constructor(folder: string) {
    this.#folder = path.resolve(folder);
  }

  /**
   * Waits until nobody else holds it.
   * @throws EvtError ERROR_CANCELLED (1223); ERROR_ACCESS_DENIED (5) where this user may not write
   */
  *acquire(operation: Operation): Task<Held> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      operation.checkpoint();
      const held = this.tryAcquire(operation.api);
      if (held !== undefined) return held;
      yield* operation.pause(wait);
    }
  }

  /** Takes it if nobody holds it. @throws EvtError ERROR_ACCESS_DENIED (5) */
  tryAcquire(api: string): Held | undefined {
    const mine = kept.get(this.#folder);
    kept.delete(this.#folder);
    // Who has kept it for long lets the others have their turn.
    if (mine?.owner === this && performance.now() - mine.since < KEEP_MS) return this.#again(mine);
    mine?.held.release();
    try {
      return this.#tryAcquire();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (error instanceof EvtError || code === undefined) throw error;
      const symbol = code === 'ENOSPC' ? 'ERROR_DISK_FULL' : 'ERROR_ACCESS_DENIED';
      throw new EvtError(symbol, api, `the lock ${this.#folder} cannot be taken: ${message}`, { cause: error });
    }
  }

  #tryAcquire(): Held | undefined {
    if (!this.#ready) fs.mkdirSync(this.#folder, { recursive: true });
    this.#ready = true;
    const { highest, isFree } = this.#look();
    if (!isFree) return undefined;
    const generation = highest + 1;
    const name = path.join(this.#folder, `${generation}`);
    // Its text is there as soon as its name is.
    const draft = path.join(this.#folder, `.${process.pid}-${threadId}-${++made}`);
    fs.writeFileSync(draft, JSON.stringify(ownerHere()));
    try {
      fs.linkSync(draft, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw error;
    } finally {
      fs.rmSync(draft, { force: true });
    }
    // Who was slow may have taken a number that was let go of, and swept away, since he looked.
    const names = fs.readdirSync(this.#folder);
    if (names.some((other) => numberOf(other) > generation || other === `${generation}${FREE}`)) {
      fs.rmSync(name, { force: true });
      return undefined;
    }
    for (const other of names) {
      const number = numberOf(other);
      if (number > 0 && number < generation) fs.rmSync(path.join(this.#folder, other), { force: true });
    }
    return this.#held(generation, performance.now());
  }

  /** What is kept, for its owner. */
  #again({ held, since }: Kept): Held {
    return this.#held(held.generation, since);
  }

  #held(generation: number, since: number): Held {
    const name = path.join(this.#folder, `${generation}`);
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      fs.renameSync(name, `${name}${FREE}`);
    };
    const releaseSoon = () => {
      if (!isHeld) return;
      const own: Kept = { held: { generation, release, releaseSoon }, owner: this, since };
      kept.set(this.#folder, own);
      releaseInTurn(this.#folder);
    };
    return { generation, release, releaseSoon };
  }

  #look(): { highest: number; isFree: boolean } {
    const names = fs.readdirSync(this.#folder);
    const highest = names.reduce((most, name) => Math.max(most, numberOf(name)), 0);
    if (highest === 0 || names.includes(`${highest}${FREE}`)) return { highest, isFree: true };
    let text: string;
    try {
      text = fs.readFileSync(path.join(this.#folder, `${highest}`), 'utf8');
    } catch (error) {
      // Let go of, or swept away, since the names were read: look again.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { highest, isFree: false };
      throw error;
    }
    return { highest, isFree: !mayLive(ownerOf(text)) };
  }
}

function numberOf(name: string): number {
  const match = /^(\d+)(\.free)?$/.exec(name);
  return match === null ? 0 : Number(match[1]);
}

/** A text that is none was cut off by a machine that stopped: nobody holds that lock. */
function ownerOf(text: string): Owner {
  const nobody = { pid: 0x7fff_ffff, task: 0, started: '', host: thisHost() };
  try {
    const { pid, task, started, host } = JSON.parse(text) as Partial<Owner>;
    if (typeof pid !== 'number' || pid < 1 || typeof host !== 'string') return nobody;
    return { pid, task: task ?? 0, started: started ?? '', host };
  } catch {
    return nobody;
  }
}
