import { EvtError } from '../../errors/evt-error.ts';
import { ENDPOINT_MAPPER_PORT, type ServerAddress } from '../../even6/rpc/client-association.ts';
import type { ClientSecurity } from '../../even6/rpc/client-connection.ts';
import { ntlmClient } from '../../even6/security/ntlm-client.ts';
import { AuthLevel } from '../../even6/security/security-context.ts';
import { negotiateClient } from '../../even6/security/spnego-client.ts';

const CONNECT_TIMEOUT_MS = 30_000;
const CANCEL_TIMEOUT_MS = 10_000;
const MAX_PORT = 0xffff;

/** How a session says who it is (EVT_RPC_LOGIN_FLAGS, .NET's SessionAuthentication). */
export type SessionAuthentication = 'default' | 'negotiate' | 'kerberos' | 'ntlm';

/** Another machine, and who asks. */
export interface RemoteSessionOptions {
  readonly host: string;
  /** Port of the event log interface. Default: the host's endpoint mapper is asked. */
  readonly port?: number | undefined;
  /** Default: 135. */
  readonly endpointMapperPort?: number | undefined;
  /** Without one, nobody: only few servers let nobody in. `DOMAIN\user` names the domain as well. */
  readonly user?: string | undefined;
  /** Default: empty, which stands for the server's own users. */
  readonly domain?: string | undefined;
  readonly password?: string | undefined;
  /** Default: `negotiate`, which is NTLM here. `kerberos` is not supported. */
  readonly authentication?: SessionAuthentication | undefined;
  /** Of all that is said: `privacy` (the default) encrypts it, `integrity` signs it. */
  readonly protection?: 'integrity' | 'privacy' | undefined;
  /** Milliseconds for each connection to be made. Default: 30 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** Milliseconds that the server has to answer a call that was cancelled, before its connections are given up. Default: 10 s. */
  readonly cancelTimeoutMs?: number | undefined;
}

/** @throws EvtError ERROR_INVALID_PARAMETER (87) */
export function addressOf(options: RemoteSessionOptions, api: string): ServerAddress {
  const { host, port, endpointMapperPort = ENDPOINT_MAPPER_PORT } = options;
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS, cancelTimeoutMs = CANCEL_TIMEOUT_MS } = options;
  if (host === '') throw new EvtError('ERROR_INVALID_PARAMETER', api, 'no computer is named');
  for (const each of [port, endpointMapperPort]) {
    if (each !== undefined && !(Number.isInteger(each) && each > 0 && each <= MAX_PORT)) {
      throw new EvtError('ERROR_INVALID_PARAMETER', api, `${each} is no port`);
    }
  }
  return { host, port, endpointMapperPort, connectTimeoutMs, cancelTimeoutMs };
}

/**
 * @returns undefined for nobody
 * @throws EvtError ERROR_ACCESS_DENIED (5) for a password without a user, and a user without one; ERROR_NOT_SUPPORTED (50) for Kerberos
 */
export function securityOf(options: RemoteSessionOptions, api: string): ClientSecurity | undefined {
  const { user, password, host, authentication = 'default', protection = 'privacy' } = options;
  if (authentication === 'kerberos') {
    throw new EvtError('ERROR_NOT_SUPPORTED', api, 'Kerberos is not supported: use negotiate or ntlm');
  }
  if (user === undefined || user === '') {
    if (password === undefined) return undefined;
    throw new EvtError('ERROR_ACCESS_DENIED', api, 'a password was given without a user');
  }
  if (password === undefined) {
    throw new EvtError('ERROR_ACCESS_DENIED', api, `the password of ${user} is missing`);
  }
  const [, named, name] = /^([^\\]*)\\(.+)$/s.exec(user) ?? [undefined, undefined, user];
  const level = protection === 'integrity' ? AuthLevel.integrity : AuthLevel.privacy;
  const given = { user: name!, domain: options.domain ?? named ?? '', password, host, level };
  return { level, context: () => (authentication === 'ntlm' ? ntlmClient(given) : negotiateClient(given)) };
}
