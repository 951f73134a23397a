import * as fs from 'node:fs';
import * as path from 'node:path';
import { EvtError } from '../../errors/evt-error.ts';
import { EvtxFileWriter } from '../../evtx/file-writer.ts';
import type { Operation } from '../../operations/operation.ts';
import { type Task, TURN } from '../../operations/task.ts';
import { type Disk, diskError, nodeDisk } from '../../store/disk.ts';
import { NewFile } from '../../store/new-file.ts';
import type { ExportRequest, ExportResult, ResultSet } from '../service.ts';
import { LocalEvent } from './local-event.ts';
import { recordDamage } from './record-damage.ts';

/** Events taken from the result in one go. */
const BATCH = 64;
/** So much waits for the disk at most: a cancel need not wait for more. */
const SYNC_EVERY_BYTES = 16 * 1024 * 1024;

/** What an export is made from. */
export interface ExportSource {
  /** The result of its query. */
  readonly resultSet: ResultSet;
  /** Files the result is read from: none of them can be the target. */
  readonly files: readonly string[];
}

/**
 * Checks a target before anything is read.
 * @throws EvtError ERROR_FILE_EXISTS (80), ERROR_PATH_NOT_FOUND (3), ERROR_INVALID_PARAMETER (87), ERROR_INVALID_NAME (123)
 */
export function checkTarget({ target, overwrite }: ExportRequest, api: string): void {
  if (!path.isAbsolute(target)) throw new EvtError('ERROR_INVALID_PARAMETER', api, `${target} is no absolute path`);
  if (target.includes('\0') || target.endsWith('/') || target.endsWith(path.sep)) {
    throw new EvtError('ERROR_INVALID_NAME', api, `${JSON.stringify(target)} is no name of a file`);
  }
  const folder = path.dirname(target);
  if (!fs.existsSync(folder)) throw new EvtError('ERROR_PATH_NOT_FOUND', api, `there is no folder ${folder}`);
  try {
    // A link that leads nowhere is there, too.
    if (fs.lstatSync(target, { throwIfNoEntry: false }) === undefined) return;
    if (!overwrite) throw exists(target, api);
    if (fs.statSync(target, { throwIfNoEntry: false })?.isFile() === false) {
      throw new EvtError('ERROR_INVALID_PARAMETER', api, `${target} is no regular file`);
    }
  } catch (error) {
    throw diskError(error, api, target);
  }
}

function exists(target: string, api: string): EvtError {
  return new EvtError('ERROR_FILE_EXISTS', api, `${target} is there already: name another file, or overwrite it (/ow)`);
}

/**
 * Writes the events of a result, in its order, to a new log: numbered from 1 on, each keeping its EventRecordID, every name and
 * template encoded anew, and nothing in its free space. The log appears under its name whole, or not at all.
 * @throws EvtError ERROR_CANCELLED (1223), ERROR_DISK_FULL (112), ERROR_ACCESS_DENIED (5), ERROR_FILE_EXISTS (80): the target is
 *   as it was
 */
export function* exportResult(
  { resultSet, files }: ExportSource,
  request: ExportRequest,
  operation: Operation,
  disk: Disk = nodeDisk,
): Task<ExportResult> {
  const { api } = operation;
  const { target, overwrite, onDamage, onProgress } = request;
  let file: NewFile | undefined;
  try {
    operation.checkpoint();
    if (files.some((source) => isSameFile(source, target))) {
      throw new EvtError('ERROR_INVALID_PARAMETER', api, `${target} is read by this export: name another file`);
    }
    file = new NewFile(target, disk);
    const log = new EvtxFileWriter(file);
    let records = 0;
    for (;;) {
      const events = yield* resultSet.next(BATCH, operation);
      if (events.length === 0) break;
      for (const event of events) {
        operation.poll();
        if (!(event instanceof LocalEvent)) throw new TypeError('an event of another service');
        try {
          log.add(event.found.document, event.time);
          records++;
        } catch (error) {
          if (!(error instanceof EvtError)) throw error;
          const { chunk, chunkOffset } = event.found;
          onDamage?.(recordDamage(event.path, chunk, chunkOffset, error.detail));
        }
      }
      onProgress?.({ ...resultSet.progress, exported: records });
      if (file.unsyncedBytes >= SYNC_EVERY_BYTES) yield* file.sync();
      if (operation.turnDue()) yield TURN;
    }
    const { sizeBytes } = log.finish();
    operation.checkpoint();
    yield* file.sync();
    operation.commit(() => publish(file!, overwrite, api));
    yield* syncName(target, disk);
    return { records, sizeBytes };
  } catch (error) {
    throw diskError(error, api, target);
  } finally {
    file?.end();
  }
}

/** The log has its name, and a call that failed now would say that it has not. A name that a power cut takes back leaves no half log. */
function* syncName(target: string, disk: Disk): Task<void> {
  try {
    yield* disk.syncFolder(path.dirname(target));
  } catch {
    // Some file systems cannot, and some folders may be written to but not opened.
  }
}

function publish(file: NewFile, overwrite: boolean, api: string): void {
  try {
    file.publish(overwrite);
  } catch (error) {
    if (!overwrite && (error as NodeJS.ErrnoException).code === 'EEXIST') throw exists(file.target, api);
    throw error;
  }
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [a, b].map((file) => fs.statSync(file, { bigint: true, throwIfNoEntry: false }));
  return one !== undefined && other !== undefined && one.ino === other.ino && one.dev === other.dev;
}
