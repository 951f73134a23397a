import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';
import { EvtError } from '../errors/evt-error.ts';

/**
 * The handles that can be cancelled or closed from another thread: one table in shared memory for the whole process.
 *
 *     handle value = generation * SLOTS + slot
 *
 *     slot   +0  epoch        add one: everything pending on the handle is cancelled
 *            +4  generation   odd: open; even: closed, or never used
 *            +8  parent slot  closing a slot closes those that name it
 *            +12 named by     the generation whose parent that is; written last, so a slot in the making has none
 *            +16 kind
 *            +20 unused       keeps every slot's first two words one aligned 64-bit word
 *
 * Epoch and generation are one 64-bit word: whoever cancels or closes exchanges both at once, so a handle that was closed
 * and whose slot was taken again in between is never hit. A generation is used once, so no handle value ever comes back.
 * The epoch is never set back: a call that still unwinds on a closed handle sees it moved, whoever has the slot now.
 */
const SLOTS = 16_384;
const WORDS_PER_SLOT = 6;
/** Behind the slots: where to look for a free one, a count of closes to wait on, blocks of thread-local handle values. */
const HINT = SLOTS * WORDS_PER_SLOT;
const CLOSES = HINT + 1;
const LOCAL_BLOCKS = HINT + 2;
const TABLE_BYTES = (SLOTS * WORDS_PER_SLOT + 4) * 4;

/** Where the halves of the 64-bit word lie, on this machine's byte order. */
const EPOCH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const GENERATION = 1 - EPOCH;
const PARENT = 2;
const PARENT_OF = 3;
const KIND = 4;
const NO_PARENT = -1;

/** Values from here on are known to their own thread only: events, bookmarks, render contexts. */
const FIRST_LOCAL_VALUE = 2 ** 50;
const LOCAL_BLOCK = 65_536;

/** Environment data hands the table to every worker thread that is started after this module was loaded. */
const TABLE_KEY = 'winevt.handles.2';

/** Slot 0: the local session, what NULL stands for. It is always open. */
const DEFAULT_SESSION_SLOT = 0;

/** What a handle stands for. */
export const HandleKind = { session: 1, resultSet: 2, log: 3, subscription: 4, publisher: 5 } as const;
export type HandleKind = (typeof HandleKind)[keyof typeof HandleKind];

/** The value that NULL is turned into where a session is meant. Never given to callers. */
export const DEFAULT_SESSION = 1 * SLOTS + DEFAULT_SESSION_SLOT;

function sharedTable(): SharedArrayBuffer {
  const known = getEnvironmentData(TABLE_KEY);
  if (known instanceof SharedArrayBuffer && known.byteLength === TABLE_BYTES) return known;
  const table = new SharedArrayBuffer(TABLE_BYTES);
  const words = new Int32Array(table);
  words[GENERATION] = 1;
  words[PARENT] = NO_PARENT;
  words[KIND] = HandleKind.session;
  setEnvironmentData(TABLE_KEY, table);
  return table;
}

const table = sharedTable();
const words = new Int32Array(table);
const atoms = new BigInt64Array(table, 0, (SLOTS * WORDS_PER_SLOT) / 2);

function slotOf(handle: number): number {
  return handle % SLOTS;
}

function generationOf(handle: number): number {
  return Math.floor(handle / SLOTS);
}

function isValue(handle: number): boolean {
  return Number.isSafeInteger(handle) && handle >= SLOTS && handle < FIRST_LOCAL_VALUE;
}

/** Generation and epoch as the one word they are. */
function atom(generation: number, epoch: number): bigint {
  return BigInt.asIntN(64, (BigInt(generation >>> 0) << 32n) | BigInt(epoch >>> 0));
}

/** The 64-bit word of an open handle; undefined once it is closed. */
function openAtom(handle: number): bigint | undefined {
  if (!isValue(handle)) return undefined;
  const current = Atomics.load(atoms, (slotOf(handle) * WORDS_PER_SLOT) / 2);
  return BigInt.asUintN(32, current >> 32n) === BigInt(generationOf(handle)) ? current : undefined;
}

/** Steps the epoch of an open handle, and its generation when it closes. False when the handle is not open (any more). */
function step(handle: number, closes: boolean): boolean {
  const slot = slotOf(handle);
  for (;;) {
    const current = openAtom(handle);
    if (current === undefined) return false;
    const epoch = Number(BigInt.asUintN(32, current)) + 1;
    const next = atom(generationOf(handle) + (closes ? 1 : 0), epoch);
    if (Atomics.compareExchange(atoms, (slot * WORDS_PER_SLOT) / 2, current, next) === current) {
      Atomics.notify(words, slot * WORDS_PER_SLOT + EPOCH);
      return true;
    }
  }
}

/**
 * Opens a handle below `parent`.
 * @throws EvtError ERROR_INVALID_HANDLE (6) when the parent is closed; ERROR_OUTOFMEMORY (14) when 16,384 handles are open
 */
export function openHandle(kind: HandleKind, parent: number | undefined, api: string): number {
  const start = Atomics.add(words, HINT, 1);
  for (let i = 0; i < SLOTS; i++) {
    const slot = (((start + i) >>> 0) % (SLOTS - 1)) + 1;
    const current = Atomics.load(atoms, (slot * WORDS_PER_SLOT) / 2);
    const generation = Number(BigInt.asUintN(32, current >> 32n));
    if (generation % 2 === 1) continue;
    const next = atom(generation + 1, Number(BigInt.asUintN(32, current)));
    if (Atomics.compareExchange(atoms, (slot * WORDS_PER_SLOT) / 2, current, next) !== current) continue;
    Atomics.store(words, slot * WORDS_PER_SLOT + KIND, kind);
    Atomics.store(words, slot * WORDS_PER_SLOT + PARENT, parent === undefined ? NO_PARENT : slotOf(parent));
    Atomics.store(words, slot * WORDS_PER_SLOT + PARENT_OF, generation + 1);
    const handle = (generation + 1) * SLOTS + slot;
    // A parent that closed meanwhile may have looked for its children before this one named it.
    if (parent !== undefined && !isOpen(parent)) {
      step(handle, true);
      throw new EvtError('ERROR_INVALID_HANDLE', api, 'the session was closed');
    }
    return handle;
  }
  throw new EvtError('ERROR_OUTOFMEMORY', api, `${SLOTS} handles are open: close some with EvtClose`);
}

/** True while the handle is open, in whatever thread it was made. */
export function isOpen(handle: number): boolean {
  return openAtom(handle) !== undefined;
}

/** What an open handle stands for; undefined for one that is closed or known to its own thread only. */
export function handleKind(handle: number): HandleKind | undefined {
  if (!isOpen(handle)) return undefined;
  return Atomics.load(words, slotOf(handle) * WORDS_PER_SLOT + KIND) as HandleKind;
}

/** Cancels what is pending on the handle, now, from any thread. False when it is not open. */
export function cancelHandle(handle: number): boolean {
  return step(handle, false);
}

/**
 * Closes a handle and everything below it, from any thread; what is pending on them is cancelled.
 * The thread that made it lets go of its files as soon as it can. False when it was not open.
 */
export function closeHandle(handle: number): boolean {
  const kind = handleKind(handle);
  if (handle === DEFAULT_SESSION || !step(handle, true)) return false;
  if (kind === HandleKind.session) closeChildren(handle);
  Atomics.add(words, CLOSES, 1);
  Atomics.notify(words, CLOSES);
  return true;
}

function closeChildren(handle: number): void {
  const parent = slotOf(handle);
  for (let slot = 1; slot < SLOTS; slot++) {
    const generation = Atomics.load(words, slot * WORDS_PER_SLOT + GENERATION) >>> 0;
    if (generation % 2 === 0) continue;
    if (Atomics.load(words, slot * WORDS_PER_SLOT + PARENT_OF) >>> 0 !== generation) continue;
    if (Atomics.load(words, slot * WORDS_PER_SLOT + PARENT) !== parent) continue;
    closeHandle(generation * SLOTS + slot);
  }
}

/** The word that moves when the handle is cancelled or closed. */
export function epochWord(handle: number): { readonly words: Int32Array; readonly index: number } {
  return { words, index: slotOf(handle) * WORDS_PER_SLOT + EPOCH };
}

/** Who waits for an epoch to move: one wait on each word, however many wait for it. */
const epochWaits = new Map<number, Set<() => void>>();

/**
 * Calls back once when the epoch at `index` is no longer `epoch`: when the handle is cancelled or closed, by whatever thread. Such
 * a wait does not keep the process running.
 * @returns ends the wait
 */
export function whenEpochMoves(index: number, epoch: number, callback: () => void): () => void {
  let callbacks = epochWaits.get(index);
  if (callbacks === undefined) {
    const waiting = Atomics.waitAsync(words, index, epoch);
    if (!waiting.async) {
      queueMicrotask(callback);
      return () => {};
    }
    const added = new Set<() => void>();
    callbacks = added;
    epochWaits.set(index, added);
    void waiting.value.then(() => {
      epochWaits.delete(index);
      for (const each of added) each();
    });
  } else if (Atomics.load(words, index) !== epoch) {
    // Moved, and those who wait have yet to hear of it.
    queueMicrotask(callback);
    return () => {};
  }
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}

/** The word that moves when any handle of the process is closed. */
export function closesWord(): { readonly words: Int32Array; readonly index: number } {
  return { words, index: CLOSES };
}

/** True for a value that only the thread that made it knows. */
export function isThreadLocal(handle: number): boolean {
  return handle >= FIRST_LOCAL_VALUE;
}

let localNext = 0;
let localEnd = 0;

/** A new value for a handle that only this thread knows; unique in the process, and never used again. */
export function localHandle(): number {
  if (localNext === localEnd) {
    const block = Atomics.add(words, LOCAL_BLOCKS, 1) >>> 0;
    localNext = FIRST_LOCAL_VALUE + block * LOCAL_BLOCK;
    localEnd = localNext + LOCAL_BLOCK;
  }
  return localNext++;
}
