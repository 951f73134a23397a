import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { addressKey, type LogonFailures } from './logon-failures.ts';
import { type ConnectionContext, ServerConnection } from './server-connection.ts';

const REAP_EVERY_MS = 1000;
/** TCP asks after this time whether a silent client is still there: a subscription may say nothing for days. */
const KEEP_ALIVE_MS = 60_000;

/** What a listener needs, beside what its connections need. */
export interface ListenerContext extends Omit<ConnectionContext, 'secondaryAddress' | 'localAddress' | 'onRefused'> {
  readonly failures: LogonFailures;
  /** Told of a client that could not say who it is. */
  readonly onRefused: (address: string) => void;
}

/** Takes connections on one port, no more than the limits allow. */
export class RpcListener {
  readonly #server: Server;
  readonly #context: ListenerContext;
  /** In the order of their coming. */
  readonly #connections = new Set<ServerConnection>();
  #endReaping = () => {};

  constructor(context: ListenerContext) {
    this.#context = context;
    this.#server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      this.#connected(socket),
    );
  }

  /** Connections at this moment. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Begins to listen. @param port 0: any that is free. @returns the port */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        this.#server.on('error', this.#context.onError);
        this.#reapLater();
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    this.#endReaping();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.close();
    await closed;
  }

  /** Ends the connections that there are, and goes on listening. */
  dropConnections(): void {
    for (const connection of this.#connections) connection.close();
  }

  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    if (!this.#hasRoom(address)) {
      socket.destroy();
      return;
    }
    const { failures, onRefused } = this.#context;
    const connection = new ServerConnection(socket, address, {
      ...this.#context,
      secondaryAddress: String(socket.localPort ?? 0),
      localAddress: socket.localAddress ?? '',
      onRefused: (from) => {
        onRefused(from);
        return failures.note(from);
      },
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  /** Whether there is room for one more connection, once the oldest stranger has given way. */
  #hasRoom(address: string): boolean {
    const { connections, connectionsPerAddress } = this.#context.limits;
    const key = addressKey(address);
    const fromThere = [...this.#connections].filter(
      (connection) => !connection.isClosed && addressKey(connection.address) === key,
    );
    if (fromThere.length >= connectionsPerAddress && !giveWay(fromThere)) return false;
    const open = [...this.#connections].filter(({ isClosed }) => !isClosed);
    return open.length < connections || giveWay(open);
  }

  #reapLater(): void {
    this.#endReaping = this.#context.clock.after(REAP_EVERY_MS, () => {
      this.#reap();
      this.#reapLater();
    });
  }

  #reap(): void {
    const { clock, failures, groups } = this.#context;
    const now = clock.now();
    for (const connection of this.#connections) connection.reap(now);
    failures.reap(now);
    groups.reap(now);
  }
}

/** Ends the oldest connection whose other end is not known. @returns false when there is none */
function giveWay(connections: Iterable<ServerConnection>): boolean {
  for (const connection of connections) {
    if (connection.isClosed || !connection.isStranger) continue;
    connection.close();
    return true;
  }
  return false;
}
