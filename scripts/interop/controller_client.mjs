// Tries winevt as a client of a Samba domain controller, for all that lies below the operations; started by samba_dc.sh:
//   samba_dc.sh node controller_client.mjs
// Samba has one operation of IEventService, RegisterLogQuery, which gives two handles and no channels.
import { once } from 'node:events';
import { connect } from 'node:net';
import { decodeMapResponse, EPT_MAP, encodeMapRequest } from '../../dist/even6/epm/ept-map.js';
import { decodeTower, encodeTower } from '../../dist/even6/epm/tower.js';
import { decodeBindAck, encodeBind } from '../../dist/even6/pdu/bind.js';
import { decodePdu, encodePdu, PduFlag, PduStream, PduType } from '../../dist/even6/pdu/pdu.js';
import { ENDPOINT_MAPPER, EVENT_SERVICE, Feature, featureSyntax, NDR, NDR64 } from '../../dist/even6/pdu/syntaxes.js';
import { ClientAssociation } from '../../dist/even6/rpc/client-association.js';
import { ClientConnection } from '../../dist/even6/rpc/client-connection.js';
import { GET_CHANNEL_LIST, REGISTER_LOG_QUERY } from '../../dist/even6/stubs/operations.js';
import { EventLogSession } from '../../dist/index.js';
import { addressOf, securityOf } from '../../dist/service/remote/credentials.js';
import { Checks, failsWith, same } from './checks.mjs';

const { SAMBA_HOST: host, SAMBA_USER: user, SAMBA_PASSWORD: password, SAMBA_DOMAIN: domain } = process.env;
const credentials = { host, user, password, domain };
const QUERY = { path: 'Application', query: '*', flags: 0x101 };
const API = 'interop';
const [ACCESS_DENIED, PROCNUM_OUT_OF_RANGE, SERVER_UNAVAILABLE] = [5, 1745, 1722];
const MAPPER_PORT = 135;
const NO_OPERATION = 77;

process.stdout.write(`Samba ${process.argv[2] ?? ''}\n`);
const checks = new Checks();

/** Calls something on an association of its own. */
async function associated(options, work) {
  const all = { ...credentials, ...options };
  const association = new ClientAssociation(addressOf(all, API), securityOf(all, API));
  try {
    return await work((operation, input) => association.call(operation, input, API).answer);
  } finally {
    association.close();
  }
}

/** Where the endpoint mapper says that IEventService is spoken. */
async function mappedPort() {
  const socket = connect(MAPPER_PORT, host);
  await once(socket, 'connect');
  const connection = new ClientConnection(socket, () => {});
  try {
    await connection.bind(ENDPOINT_MAPPER, 0, undefined, API);
    const query = { abstract: EVENT_SERVICE, transfer: NDR, port: MAPPER_PORT, address: [0, 0, 0, 0] };
    const stub = encodeMapRequest({ tower: encodeTower(query), maxTowers: 4 });
    const { towers } = decodeMapResponse(await connection.call(EPT_MAP, stub, API).answer);
    return decodeTower(towers[0]).port;
  } finally {
    connection.close();
  }
}

/** A bind as Windows sends it: NDR, NDR64, and the features of a connection. */
async function threeItems(port) {
  const socket = connect(port, host);
  const items = [NDR, NDR64, featureSyntax(Feature.keepConnectionOnOrphan | Feature.securityContextMultiplexing)];
  const contexts = items.map((syntax, id) => ({ id, abstract: EVENT_SERVICE, transfers: [syntax] }));
  const body = encodeBind({ maxTransmit: 5840, maxReceive: 5840, group: 0, contexts });
  socket.write(encodePdu({ type: PduType.bind, flags: PduFlag.first | PduFlag.last, callId: 1, body }));
  const stream = new PduStream();
  try {
    for await (const bytes of socket) {
      for (const pdu of stream.push(bytes)) return decodeBindAck(decodePdu(pdu).body);
    }
    throw new Error('the connection was closed');
  } finally {
    socket.destroy();
  }
}

let port;
await checks.run('mapper: a port', async () => {
  port = await mappedPort();
  if (!(port > 1023)) throw new Error(`it is ${port}`);
});
await checks.run('a bind with three items: NDR, NDR64 and features', async () => {
  const { results } = await threeItems(port);
  same(
    results.map(({ result, reason }) => [result, reason]),
    [
      [0, 0],
      [2, 2],
      [3, 3],
    ],
    'results and reasons',
  );
});
for (const authentication of ['ntlm', 'negotiate']) {
  for (const protection of ['integrity', 'privacy']) {
    await checks.run(`${authentication}, ${protection}: op 5, op 19, op ${NO_OPERATION}, op 5 on one connection`, () =>
      associated({ authentication, protection }, async (call) => {
        const { values, status } = await call(REGISTER_LOG_QUERY, QUERY);
        same([status, values.channels], [0, []], 'status and channels of op 5');
        if (!values.query || !values.control || values.query === values.control) {
          throw new Error(`the handles are ${values.query} and ${values.control}`);
        }
        await failsWith(call(GET_CHANNEL_LIST, { flags: 0 }), PROCNUM_OUT_OF_RANGE);
        await failsWith(call({ ...GET_CHANNEL_LIST, opnum: NO_OPERATION }, { flags: 0 }), PROCNUM_OUT_OF_RANGE);
        same((await call(REGISTER_LOG_QUERY, QUERY)).status, 0, 'status of the second op 5');
        // A query longer than a fragment: the request comes in several, each signed.
        same(
          (await call(REGISTER_LOG_QUERY, { ...QUERY, query: `*${' '.repeat(9000)}` })).status,
          0,
          'status of a long op 5',
        );
      }),
    );
    await checks.run(`${authentication}, ${protection}: a wrong password is refused`, () =>
      failsWith(
        associated({ authentication, protection, password: 'wrong' }, (call) => call(REGISTER_LOG_QUERY, QUERY)),
        ACCESS_DENIED,
      ),
    );
  }
}
await checks.run('a session: a query is opened, and its result is empty', async () => {
  const session = EventLogSession.remote(credentials);
  try {
    for await (const event of session.events('Application')) throw new Error(`there is record ${event.recordId}`);
    // Of all other operations it says that it does not have them.
    await failsWith(session.getLogNames(), PROCNUM_OUT_OF_RANGE);
  } finally {
    session.close();
  }
});
await checks.run('a port where nobody listens', () =>
  failsWith(
    associated({ port: 1 }, (call) => call(REGISTER_LOG_QUERY, QUERY)),
    SERVER_UNAVAILABLE,
  ),
);
process.exitCode = checks.finish();
