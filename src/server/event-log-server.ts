import { hostname } from 'node:os';
import { EvtError } from '../errors/evt-error.ts';
import { endpointMapper, management } from '../even6/epm/endpoint-mapper.ts';
import { ENDPOINT_MAPPER, EVENT_SERVICE, MANAGEMENT } from '../even6/pdu/syntaxes.ts';
import { AssociationGroups } from '../even6/rpc/association-group.ts';
import { type Clock, SYSTEM_CLOCK } from '../even6/rpc/clock.ts';
import { LogonFailures } from '../even6/rpc/logon-failures.ts';
import type { RpcInterface } from '../even6/rpc/rpc-interface.ts';
import { RpcListener } from '../even6/rpc/rpc-listener.ts';
import { DEFAULT_LIMITS, type ServerLimits } from '../even6/rpc/server-limits.ts';
import { ServerLoad } from '../even6/rpc/server-load.ts';
import { ntlmServer } from '../even6/security/ntlm-server.ts';
import { AuthLevel, AuthType, type SecurityContext } from '../even6/security/security-context.ts';
import { negotiateServer } from '../even6/security/spnego-server.ts';
import { close } from '../service/calls.ts';
import { openLocalSession } from '../service/objects.ts';
import { FileFolder } from './access.ts';
import { eventServiceInterface } from './event-service-interface.ts';
import { listenError } from './listen-error.ts';
import { UserFile } from './users.ts';

const API = 'winevt serve';
/** Only this machine reaches it. */
export const DEFAULT_ADDRESS = '127.0.0.1';

/** How much of a call is protected at least: its integrity, or its privacy besides. */
export type Protection = 'integrity' | 'privacy';

export interface ServerOptions {
  /** Folder of channels, a store or any folder of `.evtx` files. Default: as EventLogSession.local() has it. */
  readonly folder?: string | undefined;
  /** Address to listen on. Default: 127.0.0.1, which only this machine reaches. */
  readonly host?: string | undefined;
  /** TCP port of the event log interface. Default: any that is free. */
  readonly port?: number | undefined;
  /** TCP port of the endpoint mapper; Windows' own clients look for it on 135 only. Default: there is none. */
  readonly endpointMapperPort?: number | undefined;
  /** File of users, as `winevt serve --add-user` makes it. */
  readonly users?: string | undefined;
  /** Least protection that calls must have. Default: integrity. */
  readonly protection?: Protection | undefined;
  /** Lets anybody read all channels without saying who he is. */
  readonly anonymousRead?: boolean | undefined;
  /** Folder in which clients may write exports and backups, and query files. Default: they may not. */
  readonly exportFolder?: string | undefined;
  /** What clients may use at most, where that is not as {@link DEFAULT_LIMITS} has it. */
  readonly limits?: Partial<ServerLimits> | undefined;
  /** What the limits take the time from. Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Told of clients that are refused and of internal errors: one line each, without secrets. */
  readonly onEvent?: ((line: string) => void) | undefined;
}

/** What a server that has begun consists of. */
interface ServerParts {
  readonly listeners: readonly RpcListener[];
  readonly session: number;
  readonly groups: AssociationGroups;
  readonly load: ServerLoad;
  readonly port: number;
  readonly mapperPort: number | undefined;
}

/** Serves event logs to MS-EVEN6 clients, as a Windows machine does. */
export class EventLogServer implements AsyncDisposable {
  /** The port of the event log interface. */
  readonly port: number;
  /** The port of the endpoint mapper; undefined when there is none. */
  readonly endpointMapperPort: number | undefined;
  readonly #listeners: readonly RpcListener[];
  readonly #session: number;
  readonly #groups: AssociationGroups;
  readonly #load: ServerLoad;
  #isClosed = false;

  private constructor(parts: ServerParts) {
    this.#listeners = parts.listeners;
    this.#session = parts.session;
    this.#groups = parts.groups;
    this.#load = parts.load;
    this.port = parts.port;
    this.endpointMapperPort = parts.mapperPort;
  }

  /**
   * Begins to serve.
   * @throws EvtError ERROR_INVALID_PARAMETER (87) when nobody could log on, and for an empty address; ERROR_FILE_NOT_FOUND (2), ERROR_INVALID_DATA (13)
   *   for the file of users; ERROR_PATH_NOT_FOUND (3) for the folder for exports; WSAEACCES (10013), WSAEADDRINUSE (10048),
   *   WSAEADDRNOTAVAIL (10049), WSAHOST_NOT_FOUND (11001) for an address and port that cannot be listened on
   */
  static async start(options: ServerOptions): Promise<EventLogServer> {
    const { host = DEFAULT_ADDRESS, anonymousRead = false, onEvent = () => {}, clock = SYSTEM_CLOCK } = options;
    const users = new UserFile(options.users, anonymousRead);
    if (users.size === 0 && !anonymousRead) {
      throw new EvtError('ERROR_INVALID_PARAMETER', API, 'nobody could log on: add a user first');
    }
    // An empty name is every address of this machine to the system: whoever wants that says so.
    if (host === '') throw new EvtError('ERROR_INVALID_PARAMETER', API, 'the address to listen on is empty');
    const files = new FileFolder(options.exportFolder);
    files.check(API);
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const groups = new AssociationGroups(limits, clock);
    const load = new ServerLoad(limits, clock);
    const failures = new LogonFailures(limits, clock);
    const session = openLocalSession(options.folder, API);
    const served = {
      session,
      access: users,
      files,
      queryUnits: limits.queryUnits,
    };
    const required = options.protection === 'privacy' ? AuthLevel.privacy : AuthLevel.integrity;
    const events = eventServiceInterface(served, required, anonymousRead);
    let port = 0;
    const known = [EVENT_SERVICE, MANAGEMENT];
    const mapper = endpointMapper(known, (localAddress) => ({ port, address: ipv4(localAddress) }));
    const manager = management([EVENT_SERVICE, ENDPOINT_MAPPER, MANAGEMENT]);
    const computer = hostname().split('.')[0]!.toUpperCase().slice(0, 15);
    const security = {
      computer,
      domain: computer,
      dnsName: hostname(),
      findNtHash: (user: string) => users.findNtHash(user),
    };
    const listener = (interfaces: readonly RpcInterface[]) =>
      new RpcListener({
        interfaces,
        groups,
        limits,
        load,
        clock,
        failures,
        authenticate: (type, level) => authenticated(type, level, security),
        onRefused: (address) => onEvent(`a client at ${address} was not let in`),
        onError: (error) =>
          onEvent(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
      });
    const listeners: RpcListener[] = [];
    try {
      const main = listener([events, manager]);
      listeners.push(main);
      port = await listen(main, host, options.port ?? 0);
      let mapperPort: number | undefined;
      if (options.endpointMapperPort !== undefined) {
        const mapping = listener([mapper, manager]);
        listeners.push(mapping);
        mapperPort = await listen(mapping, host, options.endpointMapperPort);
      }
      return new EventLogServer({ listeners, session, groups, load, port, mapperPort });
    } catch (error) {
      for (const each of listeners) await each.close().catch(() => {});
      close(session);
      throw error;
    }
  }

  /** Connections at this moment. */
  get connections(): number {
    return this.#listeners.reduce((sum, { connections }) => sum + connections, 0);
  }

  /** Context handles that clients have open. */
  get openHandles(): number {
    return this.#groups.openHandles;
  }

  /** Bytes of answers that clients have not taken, about. */
  get unsentBytes(): number {
    return this.#load.unsent;
  }

  /** Bytes of requests that have come in part. */
  get partialRequestBytes(): number {
    return this.#load.partialBytes;
  }

  /** Ends all connections that there are; clients may come again. */
  dropConnections(): void {
    for (const listener of this.#listeners) listener.dropConnections();
  }

  /** Ends all connections and lets go of everything. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all(this.#listeners.map((listener) => listener.close()));
    close(this.#session);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** @throws EvtError, as {@link listenError} has it */
async function listen(listener: RpcListener, host: string, port: number): Promise<number> {
  try {
    return await listener.listen(host, port);
  } catch (error) {
    throw listenError(error, host, port, API);
  }
}

type ServerSecurity = Omit<Parameters<typeof ntlmServer>[0], 'level'>;

function authenticated(type: number, level: number, security: ServerSecurity): SecurityContext | undefined {
  if (type === AuthType.ntlm) return ntlmServer({ ...security, level });
  return type === AuthType.negotiate ? negotiateServer({ ...security, level }) : undefined;
}

/** Four bytes of an address, mapped into IPv6 or not; zeros where it has another form: clients go where they asked. */
function ipv4(address: string): number[] {
  const parts = address
    .replace(/^::ffff:/i, '')
    .split('.')
    .map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255);
  return isAddress ? parts : [0, 0, 0, 0];
}
