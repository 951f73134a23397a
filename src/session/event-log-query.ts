import { existsSync } from 'node:fs';
import type { LogDamage, PathType, Progress } from '../service/service.ts';

/** How a query is read. */
export interface QueryOptions {
  /** What the path names. By default a file where one of that name exists or it ends in `.evtx`, else a channel. */
  readonly pathType?: PathType | undefined;
  /** Newest first. */
  readonly reverse?: boolean | undefined;
  /** Skip logs that cannot be opened, and keep the well-formed start of a bad XPath. */
  readonly tolerateErrors?: boolean | undefined;
  /** Warn where Windows would refuse the query for its length. See {@link EventLogReader.warnings}. */
  readonly strict?: boolean | undefined;
  /** Also read records from free space and from behind damage, marked as recovered. */
  readonly recover?: boolean | undefined;
  /**
   * Threads that may work on a long scan at the same time ({@link EventLogReader.readLines} uses them); 1: only this one. By
   * default as many as the machine has, at most 4. They are started when they first pay, and stay.
   */
  readonly concurrency?: number | undefined;
  /** Told of everything in the logs that is not as it should be. */
  readonly onDamage?: ((damage: LogDamage) => void) | undefined;
  /** Told how far reading has come. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Which events to read: a log, and XPath or structured XML. The log may be left out where the XML names its own. */
export class EventLogQuery {
  readonly path: string | undefined;
  readonly query: string | undefined;
  readonly options: QueryOptions;

  constructor(path: string | undefined, query?: string, options: QueryOptions = {}) {
    this.path = path;
    this.query = query;
    this.options = options;
  }
}

/** What a path names when nobody says: no channel's name ends in `.evtx`, and a file that is there is meant. */
export function guessPathType(path: string): PathType {
  return /\.evtx$/i.test(path) || existsSync(path) ? 'file' : 'channel';
}
