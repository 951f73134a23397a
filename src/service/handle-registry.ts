import { EvtError } from '../errors/evt-error.ts';
import { closeHandle, closesWord, handleKind, isOpen, isThreadLocal } from '../operations/handle-table.ts';

/** What this thread keeps for a handle it made. */
export interface HandleObject {
  /** Lets go of files and memory, once no call is pending on it any more. Called exactly once. */
  release(): void;
}

/**
 * The objects behind this thread's handles. A handle can be closed from any thread; the object is let go by the thread
 * that made it, at its next turn of the event loop.
 */
const objects = new Map<number, HandleObject>();
let listening = false;

/** Keeps the object of a handle that {@link openHandle} or {@link localHandle} gave. */
export function keepHandle(handle: number, object: HandleObject): void {
  objects.set(handle, object);
  if (handleKind(handle) !== undefined) listen();
}

/** Waits for closes by other threads. Such a wait does not keep the process running. */
function listen(): void {
  if (listening) return;
  const { words, index } = closesWord();
  const waiting = Atomics.waitAsync(words, index, Atomics.load(words, index));
  if (!waiting.async) {
    queueMicrotask(sweep);
    return;
  }
  listening = true;
  void waiting.value.then(() => {
    listening = false;
    sweep();
  });
}

/** Lets go of what has been closed elsewhere. */
function sweep(): void {
  let shared = 0;
  for (const [handle, object] of objects) {
    if (isThreadLocal(handle)) continue;
    if (isOpen(handle)) {
      shared++;
      continue;
    }
    objects.delete(handle);
    object.release();
  }
  if (shared > 0) listen();
}

/**
 * The object of an open handle of this thread.
 * @throws EvtError ERROR_INVALID_HANDLE (6) when the handle is closed, of another kind, or was made by another thread
 */
export function handleObject<T extends HandleObject>(
  handle: number | null | undefined,
  kind: abstract new (...args: never[]) => T,
  api: string,
): T {
  const fail = (detail: string) => new EvtError('ERROR_INVALID_HANDLE', api, detail);
  if (handle === null || handle === undefined || !Number.isSafeInteger(handle)) throw fail('this is no handle');
  const open = isThreadLocal(handle) || isOpen(handle);
  const object = open ? objects.get(handle) : undefined;
  if (object === undefined) {
    throw fail(
      open && !isThreadLocal(handle)
        ? 'the handle was made by another thread: only EvtCancel and EvtClose work from here'
        : 'the handle is not open',
    );
  }
  if (!(object instanceof kind)) throw fail('the handle is of another kind');
  return object;
}

/** True when the handle is open: in this thread, or, for sessions, result sets and logs, in any. */
export function isKnown(handle: number): boolean {
  return isThreadLocal(handle) ? objects.has(handle) : isOpen(handle);
}

/**
 * Closes a handle of whatever kind, from whatever thread: pending calls on it end with ERROR_CANCELLED (1223), later ones
 * with ERROR_INVALID_HANDLE (6). Handles below it close, too. False when it was not open.
 */
export function closeAny(handle: number): boolean {
  if (isThreadLocal(handle)) {
    const object = objects.get(handle);
    if (object === undefined) return false;
    objects.delete(handle);
    object.release();
    return true;
  }
  const closed = closeHandle(handle);
  if (closed) sweep();
  return closed;
}

/** Handles this thread has open. For tests that look for leaks. */
export function openHandleCount(): number {
  return objects.size;
}
