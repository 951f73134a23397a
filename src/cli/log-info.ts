import { timeText } from '../render/variant-text.ts';
import { UsageError } from './failure.ts';
import { printableLine } from './format/printable.ts';
import type { SessionFlags } from './open-session.ts';
import { folderOf, pathTypeOf } from './query-options.ts';
import { withSession } from './with-session.ts';

export interface LogInfoOptions extends SessionFlags {
  readonly logfile?: boolean;
  readonly format?: string;
}

/** wevtutil shows times of logs with milliseconds. */
function milliseconds(fileTime: bigint): string {
  return timeText(fileTime).replace(/(\.\d{3})\d{4}Z$/, '$1Z');
}

/** `winevt gli`: what EvtGetLogInfo tells of a log. */
export async function logInfo(log: string, options: LogInfoOptions): Promise<number> {
  const format = (options.format ?? 'text').toLowerCase();
  if (format !== 'text' && format !== 'json') throw new UsageError(`/f: "${options.format}" is neither text nor json`);
  return withSession(options, async (session) => {
    const info = await session.getLogInformation(log, {
      pathType: pathTypeOf(log, options.logfile, folderOf(options)),
    });
    const fields = {
      creationTime: milliseconds(info.creationTime),
      lastAccessTime: milliseconds(info.lastAccessTime),
      lastWriteTime: milliseconds(info.lastWriteTime),
      fileSize: Number(info.fileSize),
      attributes: info.attributes,
      numberOfLogRecords: Number(info.numberOfLogRecords),
      oldestRecordNumber: Number(info.oldestRecordNumber),
    };
    if (format === 'json') process.stdout.write(`${JSON.stringify({ ...fields, full: info.full })}\n`);
    else for (const [name, value] of Object.entries(fields)) process.stdout.write(`${name}: ${value}\n`);
  });
}

export type EnumLogsOptions = SessionFlags;

function noChannels({ remote }: SessionFlags): string {
  return remote === undefined ? ': name a folder of logs with --logs DIR' : ` on ${remote}`;
}

/** `winevt el`: names of the channels, one per line. */
export async function enumLogs(options: EnumLogsOptions): Promise<number> {
  return withSession(options, async (session) => {
    const names = await session.getLogNames();
    if (names.length === 0) process.stderr.write(`winevt: no channels${noChannels(options)}\n`);
    for (const name of names) process.stdout.write(`${printableLine(name)}\n`);
  });
}
