import { connect as connectTcp, type Socket } from 'node:net';
import { EvtError } from '../../errors/evt-error.ts';
import { decodeMapResponse, EPT_MAP, encodeMapRequest } from '../epm/ept-map.ts';
import { decodeTower, encodeTower } from '../epm/tower.ts';
import { NdrError } from '../ndr/ndr-error.ts';
import { ENDPOINT_MAPPER, EVENT_SERVICE, NDR } from '../pdu/syntaxes.ts';
import { ClientConnection, type ClientSecurity, type SentCall } from './client-connection.ts';
import { type CallOptions, RpcClient, type StubCall } from './rpc-client.ts';
import { lostError } from './rpc-failure.ts';

/** The port on which everybody asks for ports. */
export const ENDPOINT_MAPPER_PORT = 135;
const KEEP_ALIVE_MS = 60_000;

/** A server of event logs. */
export interface ServerAddress {
  readonly host: string;
  /** Of the event log interface; undefined: the endpoint mapper is asked. */
  readonly port: number | undefined;
  readonly endpointMapperPort: number;
  /** Milliseconds for each connection to be made, authentication included. */
  readonly connectTimeoutMs: number;
  /** Milliseconds that the server has to answer a call that was cancelled, before its connections are given up. */
  readonly cancelTimeoutMs: number;
}

/** The connections of one client to one server, which share their context handles. */
export class ClientAssociation extends RpcClient {
  readonly #address: ServerAddress;
  readonly #security: ClientSecurity | undefined;
  readonly #connections: ClientConnection[] = [];
  readonly #onLost: (losses: number) => void;
  #connecting: Promise<ClientConnection> | undefined;
  /** Those that are not agreed on yet. */
  readonly #binding = new Set<ClientConnection>();
  readonly #ending = new AbortController();
  #group = 0;
  #port: number | undefined;
  #losses = 0;
  #longCalls = 0;

  /** @param onLost told of {@link losses} whenever they change */
  constructor(
    address: ServerAddress,
    security: ClientSecurity | undefined,
    onLost: (losses: number) => void = () => {},
  ) {
    super();
    this.#onLost = onLost;
    this.#address = address;
    this.#security = security;
    this.#port = address.port;
  }

  get losses(): number {
    return this.#losses;
  }

  get cancelTimeoutMs(): number {
    return this.#address.cancelTimeoutMs;
  }

  close(): void {
    this.#ending.abort();
    for (const connection of [...this.#connections, ...this.#binding]) connection.close();
  }

  /**
   * A connection that a call can be made on.
   * @throws EvtError RPC_S_SERVER_UNAVAILABLE (1722), EPT_S_NOT_REGISTERED (1753), ERROR_ACCESS_DENIED (5), RPC_S_SEC_PKG_ERROR (1825)
   */
  async #free(api: string): Promise<ClientConnection> {
    for (;;) {
      if (this.#ending.signal.aborted) throw lostError(api, false);
      const free = this.#connections.find((connection) => connection.isFree);
      if (free !== undefined) return free;
      // Those who need one at the same time wait for the same one: it may be free for several calls.
      this.#connecting ??= this.#connect(api).finally(() => {
        this.#connecting = undefined;
      });
      const connection = await this.#connecting;
      if (connection.isFree) return connection;
      // Somebody else was quicker; or it is gone already, and so might the next one be.
      if (connection.isClosed) throw lostError(api, false);
    }
  }

  async #connect(api: string): Promise<ClientConnection> {
    for (;;) {
      const group = this.#connections.length === 0 ? 0 : this.#group;
      try {
        return await this.#join(group, api);
      } catch (error) {
        // The group may have gone while it was joined; a port that was asked for may be another one now.
        this.#port = this.#address.port;
        if (group === 0 || this.#connections.length > 0) throw error;
      }
    }
  }

  /** @param group 0: a new one */
  async #join(group: number, api: string): Promise<ClientConnection> {
    this.#port ??= await this.#findPort(api);
    const connection = await this.#open(this.#port, api);
    await withinTime(connection.bind(EVENT_SERVICE, group, this.#security, api), this.#address.connectTimeoutMs, () =>
      connection.close(this.#unavailable(api, 'it does not answer')),
    );
    if (connection.isClosed) throw lostError(api, false);
    this.#group = connection.group;
    this.#binding.delete(connection);
    this.#connections.push(connection);
    return connection;
  }

  /** @param hint what else may be tried where nobody answers */
  async #open(port: number, api: string, hint = ''): Promise<ClientConnection> {
    const { host, connectTimeoutMs } = this.#address;
    const socket = await openSocket(host, port, connectTimeoutMs, this.#ending.signal).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#unavailable(api, why, hint);
    });
    const connection: ClientConnection = new ClientConnection(socket, () => {
      this.#binding.delete(connection);
      const at = this.#connections.indexOf(connection);
      if (at === -1) return;
      this.#connections.splice(at, 1);
      if (this.#connections.length > 0) return;
      this.#losses++;
      this.#onLost(this.#losses);
    });
    this.#binding.add(connection);
    return connection;
  }

  #unavailable(api: string, why: string, hint = ''): EvtError {
    const { host } = this.#address;
    return new EvtError(
      'RPC_S_SERVER_UNAVAILABLE',
      api,
      `${host} cannot be reached (${why}): is it on, and its firewall open?${hint}`,
    );
  }

  /** Asks the endpoint mapper. */
  async #findPort(api: string): Promise<number> {
    const { endpointMapperPort, connectTimeoutMs, host } = this.#address;
    const hint = ' That was its endpoint mapper: a server without one is named with its port, HOST:PORT';
    const connection = await this.#open(endpointMapperPort, api, hint);
    try {
      const query = { abstract: EVENT_SERVICE, transfer: NDR, port: ENDPOINT_MAPPER_PORT, address: [0, 0, 0, 0] };
      const stub = encodeMapRequest({ tower: encodeTower(query), maxTowers: 4 });
      const ask = async () => {
        await connection.bind(ENDPOINT_MAPPER, 0, undefined, api);
        return decodeMapResponse(await connection.call(EPT_MAP, stub, api).answer);
      };
      const { towers } = await withinTime(ask(), connectTimeoutMs, () =>
        connection.close(this.#unavailable(api, 'its endpoint mapper does not answer')),
      );
      for (const bytes of towers) {
        const tower = decodeTower(bytes);
        if (tower !== undefined && tower.port !== 0) return tower.port;
      }
    } catch (error) {
      if (!(error instanceof NdrError)) throw error;
      throw new EvtError('RPC_S_PROTOCOL_ERROR', api, `the endpoint mapper of ${host}: ${error.message}`, {
        cause: error,
      });
    } finally {
      connection.close();
    }
    throw new EvtError('EPT_S_NOT_REGISTERED', api, `${host} does not serve event logs`);
  }

  /** Makes a connection beside those that have a call pending, so that a cancel finds one: that takes several round trips. */
  async #prepareLane(api: string): Promise<void> {
    if (this.#connections.some(({ isFree }) => isFree)) return;
    // A cancel makes one itself, where this one fails.
    await this.#free(api).catch(() => {});
  }

  send(opnum: number, stub: Uint8Array, api: string, options: CallOptions): StubCall {
    const { isLong = false, isCancel = false, losses } = options;
    let sent: SentCall | undefined;
    let isWithdrawn = false;
    const send = async () => {
      const connection = await this.#free(api);
      if (isWithdrawn || (losses !== undefined && losses !== this.#losses)) throw lostError(api, false);
      sent = connection.call(opnum, stub, api);
      if (isLong) this.#longCalls++;
      // While a long call is pending, every other one may take the place that a cancel needs.
      if (this.#longCalls > 0 && !isCancel && !connection.isMultiplexed) void this.#prepareLane(api);
      try {
        return await sent.answer;
      } finally {
        if (isLong) this.#longCalls--;
      }
    };
    return {
      answer: send(),
      withdraw() {
        if (sent !== undefined) return false;
        isWithdrawn = true;
        return true;
      },
      orphan: () => sent?.orphan() === true,
      drop: () => sent?.drop(),
    };
  }
}

function openSocket(host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    const onAbort = () => fail(new Error('the session was closed'));
    signal.addEventListener('abort', onAbort);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error) => {
      settle();
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      settle();
      socket.off('error', fail);
      resolve(socket);
    });
    if (signal.aborted) onAbort();
  });
}

async function withinTime<T>(work: Promise<T>, timeoutMs: number, onTimeout: () => void): Promise<T> {
  const timer = setTimeout(onTimeout, timeoutMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
