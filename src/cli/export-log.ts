import { isCancelled } from '../index.ts';
import { DamageReport } from './damage-report.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText, UsageError } from './failure.ts';
import { Interrupt } from './interrupt.ts';
import { openSession, type SessionFlags } from './open-session.ts';
import { ProgressLine } from './progress.ts';
import { type QueryEventsOptions, wantedOf } from './query-options.ts';

/** Options of `epl`, as the command line gives them. */
export interface ExportLogOptions
  extends SessionFlags,
    Pick<QueryEventsOptions, 'query' | 'logfile' | 'structuredquery' | 'tolerate' | 'quiet'> {
  readonly overwrite?: boolean;
}

/** How much was exported; another computer may not say. */
function exported(records: number, sizeBytes: number): string {
  if (Number.isNaN(records)) return 'the events are';
  const megabytes = (sizeBytes / 1_000_000).toFixed(1);
  return `${records.toLocaleString('en')} ${records === 1 ? 'event' : 'events'} (${megabytes} MB)`;
}

/** The computer that has the file, where it is another one. */
function where({ remote }: SessionFlags): string {
  return remote === undefined ? '' : ` on ${remote}`;
}

/** `winevt epl`: events of a log, or of several that a structured query names, in a new log. */
export async function exportLog(path: string, target: string, options: ExportLogOptions): Promise<number> {
  const wanted = wantedOf(path, options);
  const quiet = options.quiet === true;
  const progress = new ProgressLine(process.stderr, !quiet);
  const tell = (line: string) => {
    progress.clear();
    process.stderr.write(`${line}\n`);
  };
  const damage = new DamageReport(tell, quiet);
  const session = openSession(options);
  const interrupt = new Interrupt(() => session.cancelCurrentOperations());
  try {
    const { records, sizeBytes } = await session.exportLog(wanted.log, wanted.query, target, {
      pathType: wanted.pathType,
      tolerateErrors: options.tolerate,
      overwrite: options.overwrite,
      onDamage: (one) => damage.add(one),
      onProgress: (state) => progress.update(state, state.exported, 'written'),
    });
    progress.clear();
    damage.end();
    if (!quiet) tell(`winevt: ${exported(records, sizeBytes)} in ${target}${where(options)}`);
    return ExitStatus.success;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    progress.clear();
    if (isCancelled(error) && interrupt.status !== undefined) tell('winevt: stopped: nothing was written');
    else tell(failureText(error, wanted.query));
    return interrupt.status ?? ExitStatus.failure;
  } finally {
    interrupt.end();
    session.close();
  }
}
