import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server for a client to meet: `onConnection` decides what it does. */
export async function badServer(onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** What stands between a client and a server: it may change each PDU, drop it (no PDU) or give more of them. */
export type Tamper = (pdu: Uint8Array, direction: 'to-server' | 'to-client') => readonly Uint8Array[];

/** A way to a server on which everything that is said can be changed. @returns its port */
export function tampering(port: number, tamper: Tamper): Promise<number> {
  return badServer((client) => {
    const server = connectTcp({ port, host: '127.0.0.1' });
    server.on('error', () => {});
    const relay = (from: Socket, to: Socket, direction: 'to-server' | 'to-client') => {
      let rest: Uint8Array = new Uint8Array();
      from.on('data', (bytes) => {
        rest = new Uint8Array(Buffer.concat([rest, bytes]));
        while (rest.length >= 16) {
          const length = rest[8]! | (rest[9]! << 8);
          if (rest.length < length) return;
          for (const pdu of tamper(rest.slice(0, length), direction)) to.write(pdu);
          rest = rest.slice(length);
        }
      });
      from.on('close', () => to.destroy());
    };
    relay(client, server, 'to-server');
    relay(server, client, 'to-client');
  });
}
