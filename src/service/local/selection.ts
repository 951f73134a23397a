import type { Fragment } from '../../binxml/tree.ts';
import { createMatcher, type EventMatcher, type ParsedQuery } from '../../query/index.ts';
import type { ScanQuery } from './scan-task.ts';
import type { Selector } from './selector.ts';

/** What a query wants of one log. */
export interface SourceSelection {
  /** Undefined: every event. */
  readonly selector: Selector | undefined;
  /** The same for another thread; undefined where {@link selector} is. */
  readonly forThreads: () => ScanQuery | undefined;
  /** Works out, when it is asked to, the ids of the Query elements that select an event which has passed {@link selector}. */
  readonly queryIds: (found: { readonly document: Fragment }) => () => readonly number[];
  /** Takes the time that timediff() counts from; called once per read. */
  readonly startBatch: () => void;
}

/** The filters of a query for one log. @param spelled the log as the query spells it; undefined: the caller's path */
export function matcherFor(parsed: ParsedQuery, spelled: string | undefined): EventMatcher {
  const isMine = (path: string | undefined) => path === undefined || path.toLowerCase() === spelled?.toLowerCase();
  return createMatcher(parsed, { isMine });
}
