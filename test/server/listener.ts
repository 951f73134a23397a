import type { AssociationGroups } from '../../src/even6/rpc/association-group.ts';
import { SYSTEM_CLOCK } from '../../src/even6/rpc/clock.ts';
import { LogonFailures } from '../../src/even6/rpc/logon-failures.ts';
import type { RpcInterface } from '../../src/even6/rpc/rpc-interface.ts';
import { RpcListener } from '../../src/even6/rpc/rpc-listener.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/server-limits.ts';
import { ServerLoad } from '../../src/even6/rpc/server-load.ts';
import { AuthLevel } from '../../src/even6/security/security-context.ts';
import { type Access, FileFolder } from '../../src/server/access.ts';
import { eventServiceInterface } from '../../src/server/event-service-interface.ts';

const EVERYBODY: Access = { allows: () => true, allowsAll: () => true, isAdministrator: () => true };

const SOMEBODY = { user: 'somebody', domain: '', workstation: '' };

/** A listener for everybody who comes, unprotected. */
export function openListener(offered: RpcInterface, groups: AssociationGroups): RpcListener {
  return new RpcListener({
    interfaces: [offered],
    groups,
    limits: DEFAULT_LIMITS,
    clock: SYSTEM_CLOCK,
    load: new ServerLoad(DEFAULT_LIMITS, SYSTEM_CLOCK),
    failures: new LogonFailures(DEFAULT_LIMITS, SYSTEM_CLOCK),
    authenticate: () => undefined,
    onRefused: () => {},
    onError: (error) => {
      throw error;
    },
  });
}

/** A session's logs as they are served, for everybody to do everything. @param exports folder for files, if there is one */
export function openInterface(session: number | null, exports?: string): RpcInterface {
  const files = new FileFolder(exports);
  const logs = { session, access: EVERYBODY, files, queryUnits: DEFAULT_LIMITS.queryUnits };
  const served = eventServiceInterface(logs, AuthLevel.none, true);
  // Who has not said who he is makes no files.
  return { ...served, call: (made) => served.call({ ...made, caller: { ...made.caller, identity: SOMEBODY } }) };
}
