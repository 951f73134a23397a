import type { EventLogSession } from '../index.ts';
import { ExitStatus } from './exit-status.ts';
import { failureText, UsageError } from './failure.ts';
import { openSession, type SessionFlags } from './open-session.ts';

/** Runs a verb with the session that its options ask for, and closes that. @returns the exit status @throws UsageError */
export async function withSession(
  options: SessionFlags,
  run: (session: EventLogSession) => Promise<void>,
): Promise<number> {
  const session = openSession(options);
  try {
    await run(session);
    return ExitStatus.success;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    process.stderr.write(`${failureText(error)}\n`);
    return ExitStatus.failure;
  } finally {
    session.close();
  }
}
