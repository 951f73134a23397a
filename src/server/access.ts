import { lstatSync, realpathSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { EvtError } from '../errors/evt-error.ts';
import type { Identity } from '../even6/security/security-context.ts';
import type { LogAdmission } from '../service/service.ts';
import type { ServedLogs } from './served-logs.ts';

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

/**
 * What a client's request may open: channels that he may read, and files of the folder for those. The events of a file may be of any
 * channel, so files are for who may read all of them.
 */
export function admission(
  { access, files }: Pick<ServedLogs, 'access' | 'files'>,
  identity: Identity | undefined,
  api: string,
): LogAdmission {
  return (target, type) => {
    if (type === 'file') return readableFile({ access, files }, identity, target, api);
    demand(access, identity, target, 'read', api);
    return target;
  };
}

/** A file that a client may read. @throws EvtError ERROR_ACCESS_DENIED (5), ERROR_INVALID_NAME (123) */
export function readableFile(
  { access, files }: Pick<ServedLogs, 'access' | 'files'>,
  identity: Identity | undefined,
  given: string,
  api: string,
): string {
  if (!access.allowsAll(identity, 'read')) throw accessDenied(api, 'files are for who may read all channels');
  const file = files.file(given, api);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw accessDenied(api, `${given} is a folder: name one file`);
  }
  return file;
}

/** A file that a client wants to be made. @throws EvtError ERROR_ACCESS_DENIED (5); ERROR_INVALID_PARAMETER (87) for what is no name */
export function writableFile({ files }: Pick<ServedLogs, 'files'>, given: string, api: string): string {
  try {
    return files.file(given, api);
  } catch (error) {
    if (!(error instanceof EvtError) || error.symbol !== 'ERROR_INVALID_NAME') throw error;
    throw new EvtError('ERROR_INVALID_PARAMETER', api, error.detail, { cause: error });
  }
}
