// The other end of bench/even6.mjs, in a process of its own.
//
//   node bench/even6-peer.mjs serve FOLDER EXPORTS USERS   serves a folder of logs
//   node bench/even6-peer.mjs echo                         says again what it hears: what the machine itself takes
//   node bench/even6-peer.mjs one-call PORT                stands in front of a server, and lets no client overlap its calls
import { connect, createServer } from 'node:net';
import { EventLogServer } from '../dist/server/index.js';

const BIND = 11;
const MULTIPLEXING = 0x10;

async function serve(folder, exportFolder, users) {
  const server = await EventLogServer.start({ folder, exportFolder, users });
  return server.port;
}

async function echo() {
  const server = createServer({ noDelay: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

async function oneCallAtATime(port) {
  const proxy = createServer({ noDelay: true }, (client) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true });
    client.on('data', (bytes) => {
      // Clients send a bind by itself.
      if (bytes[2] === BIND) bytes[3] &= ~MULTIPLEXING;
      server.write(bytes);
    });
    server.pipe(client);
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
    for (const end of [client, server]) end.on('error', () => {});
  });
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return proxy.address().port;
}

const [role, ...args] = process.argv.slice(2);
const roles = { serve, echo, 'one-call': (port) => oneCallAtATime(Number(port)) };
process.send(await roles[role](...args));
process.on('disconnect', () => process.exit());
