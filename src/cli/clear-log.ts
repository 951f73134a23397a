import { isCancelled } from '../index.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText } from './failure.ts';
import { Interrupt } from './interrupt.ts';
import { openSession, type SessionFlags } from './open-session.ts';

export interface ClearLogOptions extends SessionFlags {
  readonly backup?: string;
}

/** `winevt cl`: removes all events of a channel, into a backup if one is named. */
export async function clearLog(channel: string, options: ClearLogOptions): Promise<number> {
  const session = openSession(options);
  const interrupt = new Interrupt(() => session.cancelCurrentOperations());
  try {
    await session.clearLog(channel, {
      backup: options.backup,
      onUnrecorded: (error) => process.stderr.write(`${failureText(error)} (the clear is not recorded)\n`),
    });
    return ExitStatus.success;
  } catch (error) {
    const isStopped = isCancelled(error) && interrupt.status !== undefined;
    process.stderr.write(`${isStopped ? 'winevt: stopped: nothing was cleared' : failureText(error)}\n`);
    return interrupt.status ?? ExitStatus.failure;
  } finally {
    interrupt.end();
    session.close();
  }
}
