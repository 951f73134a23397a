import { connect as connectTcp, type Socket } from 'node:net';
import { EvtError } from '../../errors/evt-error.ts';
import { decodeMapResponse, EPT_MAP, encodeMapRequest } from '../epm/ept-map.ts';
import { decodeTower, encodeTower } from '../epm/tower.ts';
import { NdrError } from '../ndr/ndr-error.ts';
import { ENDPOINT_MAPPER, EVENT_SERVICE, NDR } from '../pdu/syntaxes.ts';
import { ClientConnection, type ClientSecurity, type SentCall } from './client-connection.ts';
import { RpcClient } from './rpc-client.ts';
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
  readonly #onConnections: (count: number) => void;
  #connecting: Promise<ClientConnection> | undefined;
  #group = 0;
  #port: number | undefined;
  #isClosed = false;

  /** @param onConnections told of the number of connections whenever it changes */
  constructor(
    address: ServerAddress,
    security: ClientSecurity | undefined,
    onConnections: (count: number) => void = () => {},
  ) {
    super();
    this.#onConnections = onConnections;
    this.#address = address;
    this.#security = security;
    this.#port = address.port;
  }

  get isConnected(): boolean {
    return this.#connections.length > 0;
  }

  get cancelTimeoutMs(): number {
    return this.#address.cancelTimeoutMs;
  }

  close(): void {
    this.#isClosed = true;
    this.drop();
  }

  drop(): void {
    for (const connection of [...this.#connections]) connection.close();
  }

  /**
   * A connection that a call can be made on.
   * @throws EvtError RPC_S_SERVER_UNAVAILABLE (1722), EPT_S_NOT_REGISTERED (1753), ERROR_ACCESS_DENIED (5), RPC_S_SEC_PKG_ERROR (1825)
   */
  async #free(api: string): Promise<ClientConnection> {
    for (;;) {
      if (this.#isClosed) throw lostError(api, false);
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
    this.#port ??= await this.#findPort(api);
    const connection = await this.#open(this.#port, api);
    await withinTime(
      connection.bind(EVENT_SERVICE, this.#connections.length === 0 ? 0 : this.#group, this.#security, api),
      this.#address.connectTimeoutMs,
      () => connection.close(this.#unavailable(api, 'it does not answer')),
    );
    if (this.#isClosed) {
      connection.close();
      throw lostError(api, false);
    }
    this.#group = connection.group;
    this.#connections.push(connection);
    this.#onConnections(this.#connections.length);
    return connection;
  }

  async #open(port: number, api: string): Promise<ClientConnection> {
    const { host, connectTimeoutMs } = this.#address;
    const socket = await openSocket(host, port, connectTimeoutMs).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#unavailable(api, why);
    });
    const connection: ClientConnection = new ClientConnection(socket, () => {
      const at = this.#connections.indexOf(connection);
      if (at === -1) return;
      this.#connections.splice(at, 1);
      this.#onConnections(this.#connections.length);
    });
    return connection;
  }

  #unavailable(api: string, why: string): EvtError {
    const { host } = this.#address;
    return new EvtError(
      'RPC_S_SERVER_UNAVAILABLE',
      api,
      `${host} cannot be reached (${why}): is it on, and its firewall open?`,
    );
  }

  /** Asks the endpoint mapper. */
  async #findPort(api: string): Promise<number> {
    const { endpointMapperPort, connectTimeoutMs, host } = this.#address;
    const connection = await this.#open(endpointMapperPort, api);
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

  async send(opnum: number, stub: Uint8Array, api: string, isLong: boolean): Promise<SentCall> {
    const connection = await this.#free(api);
    const sent = connection.call(opnum, stub, api);
    if (isLong && !connection.isMultiplexed) void this.#prepareLane(api);
    return sent;
  }
}

function openSocket(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
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
