import type { EventPosition } from '../service.ts';

function baseName(name: string): string {
  return name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
}

/**
 * The record id that a bookmark has for a log: by name without regard to case, as Windows compares channels. A bookmark of
 * a file still fits after the file was moved: in a result of one log, the last part of the path is enough.
 */
export function bookmarkedId(bookmark: EventPosition, name: string, logs: number): bigint | undefined {
  const wanted = name.toLowerCase();
  const same = bookmark.names.findIndex((candidate) => candidate.toLowerCase() === wanted);
  if (same >= 0) return bookmark.recordIds[same];
  if (logs > 1) return undefined;
  const moved = bookmark.names.findIndex((candidate) => baseName(candidate).toLowerCase() === baseName(wanted));
  return moved >= 0 ? bookmark.recordIds[moved] : undefined;
}
