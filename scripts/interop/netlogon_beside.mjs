// The RPC runtime of `winevt serve` with one more interface, for those of Samba's raw RPC tests that speak to Netlogon:
//   netlogon_beside.mjs HOST PORT MAPPER-PORT
// NetrServerReqChallenge is answered with zeros, whatever it says: the tests are about fragments, flags and limits. Says 'ready'.
import { endpointMapper, management } from '../../dist/even6/epm/endpoint-mapper.js';
import { ENDPOINT_MAPPER, MANAGEMENT } from '../../dist/even6/pdu/syntaxes.js';
import { AssociationGroups } from '../../dist/even6/rpc/association-group.js';
import { SYSTEM_CLOCK } from '../../dist/even6/rpc/clock.js';
import { FaultStatus, RpcFault } from '../../dist/even6/rpc/fault.js';
import { LogonFailures } from '../../dist/even6/rpc/logon-failures.js';
import { RpcListener } from '../../dist/even6/rpc/rpc-listener.js';
import { DEFAULT_LIMITS } from '../../dist/even6/rpc/server-limits.js';
import { ServerLoad } from '../../dist/even6/rpc/server-load.js';

const [host, port, mapperPort] = process.argv.slice(2);
const NETLOGON = { uuid: '785634123412cdabef0001234567cffb', major: 1, minor: 0 };
const REQUEST_CHALLENGE = 4;
/** A challenge of eight bytes, and the status. */
const ANSWER_SIZE = 12;

const netlogon = {
  syntax: NETLOGON,
  operations: REQUEST_CHALLENGE + 1,
  minLevel: 1,
  async call({ opnum }) {
    if (opnum !== REQUEST_CHALLENGE) throw new RpcFault(FaultStatus.operationRange, 'not offered', true);
    return new Uint8Array(ANSWER_SIZE);
  },
};
const manager = management([NETLOGON, ENDPOINT_MAPPER, MANAGEMENT]);
const listener = (interfaces) =>
  new RpcListener({
    interfaces,
    groups: new AssociationGroups(DEFAULT_LIMITS),
    limits: DEFAULT_LIMITS,
    clock: SYSTEM_CLOCK,
    load: new ServerLoad(DEFAULT_LIMITS, SYSTEM_CLOCK),
    failures: new LogonFailures(DEFAULT_LIMITS, SYSTEM_CLOCK),
    authenticate: () => undefined,
    onRefused: () => {},
    onError: (error) => process.stderr.write(`internal error: ${error?.stack}\n`),
  });
const endpoint = { port: Number(port), address: host.split('.').map(Number) };
await listener([netlogon, manager]).listen(host, endpoint.port);
await listener([endpointMapper([NETLOGON, MANAGEMENT], () => endpoint), manager]).listen(host, Number(mapperPort));
process.stdout.write('ready\n');
