import { ClientAssociation } from '../../even6/rpc/client-association.ts';
import { addressOf, type RemoteSessionOptions, securityOf } from './credentials.ts';
import { RemoteService } from './remote-service.ts';
import { ThreadedAssociation } from './threaded-association.ts';

/**
 * The logs of another machine. It connects when something is first asked of it.
 * @param blocks its calls may block their thread: the connections then have one of their own
 * @throws EvtError ERROR_INVALID_PARAMETER (87), ERROR_ACCESS_DENIED (5), ERROR_NOT_SUPPORTED (50)
 */
export function openRemoteService(options: RemoteSessionOptions, api: string, blocks: boolean): RemoteService {
  const address = addressOf(options, api);
  const security = securityOf(options, api);
  const client = blocks ? new ThreadedAssociation(options) : new ClientAssociation(address, security);
  return new RemoteService(options.host, client);
}
