import { onTestFinished } from 'vitest';
import { AssociationGroups } from '../../src/even6/rpc/association-group.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/rpc-interface.ts';
import { RpcListener } from '../../src/even6/rpc/rpc-listener.ts';
import { AuthLevel } from '../../src/even6/security/security-context.ts';
import { type Access, FileFolder } from '../../src/server/access.ts';
import { eventServiceInterface } from '../../src/server/event-service-interface.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';

const EVERYBODY: Access = { allows: () => true, isAdministrator: () => false };

/** Serves a session, of whatever kind, to everybody. @returns a session with the server, and the handles that it has open there */
export async function sessionThrough(served: EventLogSession): Promise<{
  readonly session: EventLogSession;
  readonly groups: AssociationGroups;
}> {
  const logs = { session: served.handle, access: EVERYBODY, files: new FileFolder(undefined) };
  const groups = new AssociationGroups(64);
  const listener = new RpcListener({
    interfaces: [eventServiceInterface(logs, AuthLevel.none, true)],
    groups,
    limits: DEFAULT_LIMITS,
    authenticate: () => undefined,
    onRefused: () => {},
    onError: (error) => {
      throw error;
    },
  });
  const port = await listener.listen('127.0.0.1', 0);
  const session = EventLogSession.remote({ host: '127.0.0.1', port });
  onTestFinished(async () => {
    session.close();
    await listener.close();
  });
  return { session, groups };
}
