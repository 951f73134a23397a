import { statSync } from 'node:fs';
import { EvtError } from '../errors/evt-error.ts';
import type { Identity } from '../even6/security/security-context.ts';
import type { LogAdmission } from '../service/service.ts';
import { accessDenied, demand } from './access.ts';
import type { ServedLogs } from './served-logs.ts';

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

/**
 * A file that a client wants to be made; somebody who has not said who he is makes none.
 * @throws EvtError ERROR_ACCESS_DENIED (5); ERROR_INVALID_PARAMETER (87) for what is no name
 */
export function writableFile(
  { files }: Pick<ServedLogs, 'files'>,
  identity: Identity | undefined,
  given: string,
  api: string,
): string {
  if (identity === undefined) throw accessDenied(api, 'files are made for who has said who he is');
  try {
    return files.file(given, api);
  } catch (error) {
    if (!(error instanceof EvtError) || error.symbol !== 'ERROR_INVALID_NAME') throw error;
    throw new EvtError('ERROR_INVALID_PARAMETER', api, error.detail, { cause: error });
  }
}
