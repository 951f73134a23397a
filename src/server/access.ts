import { lstatSync, realpathSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import type { Identity } from '../even6/security/security-context.ts';

/** What somebody may do with a channel. */
export type Right = 'read' | 'write' | 'clear';

/** Who may do what. */
export interface Access {
  /** @param identity undefined: somebody who has not said who he is */
  allows(identity: Identity | undefined, channel: string, right: Right): boolean;
  /** Whether somebody has a right to every channel, whatever it is called. */
  allowsAll(identity: Identity | undefined, right: Right): boolean;
  /** May change the channels' configuration. */
  isAdministrator(identity: Identity | undefined): boolean;
}

export function accessDenied(api: string, what: string): EvtError {
  return new EvtError('ERROR_ACCESS_DENIED', api, what);
}

/** @throws EvtError ERROR_ACCESS_DENIED (5) */
export function demand(
  access: Access,
  identity: Identity | undefined,
  channel: string,
  right: Right,
  api: string,
): void {
  if (!access.allows(identity, channel, right)) throw accessDenied(api, `no right to ${right} the channel ${channel}`);
}

/**
 * The folder of this machine that clients may name files in: exports, backups of clears, queries of files.
 * Without one, no client names any.
 */
export class FileFolder {
  readonly #folder: string | undefined;

  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** @throws EvtError ERROR_PATH_NOT_FOUND (3) for a folder that is not there */
  check(api: string): void {
    if (this.#folder === undefined || statSync(this.#folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
    throw new EvtError('ERROR_PATH_NOT_FOUND', api, `there is no folder ${this.#folder} for exports`);
  }

  /**
   * The file that a client means: a plain name, or a path below the folder. Nothing on the way to it may be a symbolic link.
   * @throws EvtError ERROR_ACCESS_DENIED (5) for files elsewhere; ERROR_INVALID_NAME (123)
   */
  file(given: string, api: string): string {
    const denied = (why: string) => accessDenied(api, `${why}: clients may only name files of the folder for exports`);
    if (this.#folder === undefined) throw denied('there is no folder for exports');
    if (given === '' || given.includes('\0') || given.includes('\\')) {
      throw new EvtError('ERROR_INVALID_NAME', api, 'the name of a file here has neither backslashes nor zeros');
    }
    const folder = realpathSync(this.#folder);
    const file = path.resolve(folder, given);
    const below = path.relative(folder, file);
    if (below === '' || below.startsWith('..') || path.isAbsolute(below)) throw denied('the file lies elsewhere');
    let at = folder;
    for (const part of below.split(path.sep)) {
      at = path.join(at, part);
      if (lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() === true) throw denied('a link is in the way');
    }
    return file;
  }
}
