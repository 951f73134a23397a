import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ConnectionContext, ServerConnection } from './server-connection.ts';

const REAP_EVERY_MS = 1000;
/** TCP asks after this time whether a silent client is still there: a subscription may say nothing for days. */
const KEEP_ALIVE_MS = 60_000;
/** So many failures from one address within the time below, and it has to wait. */
const MAX_FAILURES = 10;
const FAILURE_WINDOW_MS = 60_000;

/** What a listener needs, beside what its connections need. */
export type ListenerContext = Omit<ConnectionContext, 'secondaryAddress' | 'localAddress'>;

/** Takes connections on one port, no more than the limits allow. */
export class RpcListener {
  readonly #server: Server;
  readonly #context: ListenerContext;
  readonly #connections = new Set<ServerConnection>();
  /** Failed authentications of an address, and when they are forgotten. */
  readonly #failures = new Map<string, { count: number; until: number }>();
  #reaping: NodeJS.Timeout | undefined;

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
        this.#reaping = setInterval(() => this.#reap(), REAP_EVERY_MS);
        this.#reaping.unref();
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Stops listening and ends all connections. */
  async close(): Promise<void> {
    clearInterval(this.#reaping);
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
    const { limits } = this.#context;
    const fromThere = [...this.#connections].filter((connection) => connection.address === address).length;
    const failed = this.#failures.get(address);
    if (
      this.#connections.size >= limits.connections ||
      fromThere >= limits.connectionsPerAddress ||
      (failed !== undefined && failed.count >= MAX_FAILURES && failed.until > performance.now())
    ) {
      socket.destroy();
      return;
    }
    const connection = new ServerConnection(socket, address, {
      ...this.#context,
      secondaryAddress: String(socket.localPort ?? 0),
      localAddress: socket.localAddress ?? '',
      onRefused: (from) => {
        this.#noteFailure(from);
        this.#context.onRefused(from);
      },
    });
    this.#connections.add(connection);
    socket.once('close', () => this.#connections.delete(connection));
  }

  #noteFailure(address: string): void {
    const now = performance.now();
    const known = this.#failures.get(address);
    const count = known === undefined || known.until <= now ? 1 : known.count + 1;
    this.#failures.set(address, { count, until: now + FAILURE_WINDOW_MS });
  }

  #reap(): void {
    const now = performance.now();
    for (const connection of this.#connections) connection.reap(now);
    for (const [address, { until }] of this.#failures) if (until <= now) this.#failures.delete(address);
  }
}
