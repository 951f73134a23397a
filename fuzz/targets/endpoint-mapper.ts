import { endpointMapper, management } from '../../src/even6/epm/endpoint-mapper.ts';
import {
  decodeMapRequest,
  decodeMapResponse,
  EPT_MAP,
  encodeMapRequest,
  encodeMapResponse,
} from '../../src/even6/epm/ept-map.ts';
import { decodeTower, encodeTower } from '../../src/even6/epm/tower.ts';
import { NdrError } from '../../src/even6/ndr/ndr-error.ts';
import { EVENT_SERVICE, NDR } from '../../src/even6/pdu/syntaxes.ts';
import { AssociationGroups } from '../../src/even6/rpc/association-group.ts';
import { RpcFault } from '../../src/even6/rpc/fault.ts';
import { DEFAULT_LIMITS } from '../../src/even6/rpc/server-limits.ts';
import { hex } from '../../test/even6/hex.ts';
import { mutateBytes } from '../mutate.ts';
import { asBytes, refusable, type Target } from '../target.ts';

const TOWER = encodeTower({ abstract: EVENT_SERVICE, transfer: NDR, port: 49_667, address: [10, 1, 2, 3] });
const REQUEST = encodeMapRequest({ tower: TOWER, maxTowers: 4 });
/** As Windows asks: with an object. */
const WITH_OBJECT = new Uint8Array(Buffer.concat([hex('00000200'), new Uint8Array(16), REQUEST.subarray(4)]));
const RESPONSE = encodeMapResponse({ towers: [TOWER, TOWER], status: 0 }, 4);

const mapper = endpointMapper([EVENT_SERVICE], () => ({ port: 49_667, address: [127, 0, 0, 1] }));
const manager = management([EVENT_SERVICE]);
const group = new AssociationGroups(DEFAULT_LIMITS).join(0)!;
const caller = { identity: undefined, level: 1, address: '' };
const { signal } = new AbortController();
const lane = { tryEnter: () => true, onRoom: () => () => {} };

/** The endpoint mapper: towers, and both stubs of its question. */
export const MAPPER_TARGETS: readonly Target[] = [
  {
    name: 'tower',
    make: (random) => mutateBytes(TOWER, random),
    take: (input) => {
      const tower = decodeTower(asBytes(input));
      if (tower !== undefined) decodeTower(encodeTower(tower));
    },
  },
  {
    name: 'map-request',
    make: (random) => mutateBytes(random.pick([REQUEST, WITH_OBJECT]), random),
    take: async (input) => {
      const stub = asBytes(input).slice();
      refusable(() => decodeMapRequest(stub), [NdrError]);
      for (const opnum of [EPT_MAP, 0, 1, 4]) {
        for (const served of [mapper, manager]) {
          await served
            .call({ opnum, stub, caller, localAddress: '127.0.0.1', group, signal, lane, onUndelivered: () => {} })
            .catch((error: unknown) => {
              if (!(error instanceof RpcFault)) throw error;
            });
        }
      }
    },
  },
  {
    name: 'map-response',
    make: (random) => mutateBytes(RESPONSE, random),
    take: (input) =>
      refusable(() => {
        for (const tower of decodeMapResponse(asBytes(input).slice()).towers) decodeTower(tower);
      }, [NdrError]),
  },
];
