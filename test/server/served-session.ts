import { onTestFinished } from 'vitest';
import { AssociationGroups } from '../../src/even6/rpc/association-group.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/server-limits.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { openInterface, openListener } from './listener.ts';

/** Serves a session, of whatever kind, to everybody. @returns a session with the server, and the handles that it has open there */
export async function sessionThrough(served: EventLogSession): Promise<{
  readonly session: EventLogSession;
  readonly groups: AssociationGroups;
}> {
  const groups = new AssociationGroups(DEFAULT_LIMITS);
  const listener = openListener(openInterface(served.handle), groups);
  const port = await listener.listen('127.0.0.1', 0);
  const session = EventLogSession.remote({ host: '127.0.0.1', port });
  onTestFinished(async () => {
    session.close();
    await listener.close();
  });
  return { session, groups };
}
