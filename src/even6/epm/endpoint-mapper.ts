import { NdrError } from '../ndr/ndr-error.ts';
import { NdrWriter } from '../ndr/ndr-writer.ts';
import { isSameSyntax, type Syntax } from '../pdu/bind.ts';
import { ENDPOINT_MAPPER, MANAGEMENT, NDR } from '../pdu/syntaxes.ts';
import { FaultStatus, RpcFault } from '../rpc/fault.ts';
import type { RpcCall, RpcInterface } from '../rpc/rpc-interface.ts';
import { AuthLevel } from '../security/security-context.ts';
import { handle } from '../stubs/codec.ts';
import {
  decodeMapRequest,
  EPM_OPERATIONS,
  EPT_LOOKUP_HANDLE_FREE,
  EPT_MAP,
  EPT_NOT_REGISTERED,
  encodeMapResponse,
} from './ept-map.ts';
import { decodeTower, encodeTower } from './tower.ts';

/** Bytes that the questions of those take whom nobody knows: one fragment of any size, and no more than a second one. */
const MAX_REQUEST = 8192;

/** Where the interfaces of an event log server are spoken. */
export interface Endpoint {
  readonly port: number;
  /** Four bytes of IPv4; zeros for another kind of address: clients go where they asked. */
  readonly address: readonly number[];
}

/**
 * Tells clients the port where interfaces are spoken. Nobody has to say who he is for that.
 * @param endpoint asked with the address of this machine that the client has reached
 */
export function endpointMapper(
  interfaces: readonly Syntax[],
  endpoint: (localAddress: string) => Endpoint,
): RpcInterface {
  return {
    syntax: ENDPOINT_MAPPER,
    operations: EPM_OPERATIONS,
    minLevel: AuthLevel.none,
    requestBytes: MAX_REQUEST,
    async call({ opnum, stub, localAddress }: RpcCall): Promise<Uint8Array> {
      if (opnum === EPT_LOOKUP_HANDLE_FREE) {
        const to = new NdrWriter();
        handle.write(to, undefined);
        to.u32(0);
        return to.written;
      }
      if (opnum !== EPT_MAP) throw new RpcFault(FaultStatus.operationRange, 'not offered', true);
      const { tower, maxTowers } = decoded(() => decodeMapRequest(stub));
      const wanted = tower === undefined ? undefined : decodeTower(tower);
      const known = interfaces.find((syntax) => wanted !== undefined && isSameSyntax(wanted.abstract, syntax));
      if (known === undefined || maxTowers === 0) {
        return encodeMapResponse({ towers: [], status: known === undefined ? EPT_NOT_REGISTERED : 0 }, maxTowers);
      }
      const found = encodeTower({ abstract: known, transfer: NDR, ...endpoint(localAddress) });
      return encodeMapResponse({ towers: [found], status: 0 }, maxTowers);
    },
  };
}

/** @throws RpcFault for a stub that cannot be read */
function decoded<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof NdrError) throw new RpcFault(FaultStatus.badStubData, error.message);
    throw error;
  }
}

const Management = { interfaceIds: 0, statistics: 1, isListening: 2, stopListening: 3, principalName: 4 } as const;
const MANAGEMENT_OPERATIONS = 5;
/** rpc_s_ok, and "not allowed" as a status of this interface. */
const ACCESS_DENIED = 5;
const STATISTICS = 4;

/** Says that the server is there, and which interfaces it offers. */
export function management(interfaces: readonly Syntax[]): RpcInterface {
  return {
    syntax: MANAGEMENT,
    operations: MANAGEMENT_OPERATIONS,
    minLevel: AuthLevel.none,
    requestBytes: MAX_REQUEST,
    async call({ opnum, stub }: RpcCall): Promise<Uint8Array> {
      const to = new NdrWriter();
      switch (opnum) {
        case Management.interfaceIds:
          to.pointer(() => writeInterfaceIds(to, interfaces));
          to.u32(0);
          break;
        case Management.statistics:
          writeStatistics(to, stub);
          break;
        case Management.isListening:
          to.u32(0);
          to.u32(1);
          break;
        case Management.stopListening:
          to.u32(ACCESS_DENIED);
          break;
        default:
          // No principal name: an empty string of the size the client allows for.
          to.u32(1);
          to.u32(0);
          to.u32(1);
          to.u8(0);
          to.u32(0);
      }
      return to.written;
    },
  };
}

function writeInterfaceIds(to: NdrWriter, interfaces: readonly Syntax[]): void {
  to.u32(interfaces.length);
  to.u32(interfaces.length);
  for (const { uuid, major, minor } of interfaces) {
    to.pointer(() => {
      to.bytes(Buffer.from(uuid, 'hex'));
      to.u16(major);
      to.u16(minor);
    });
  }
}

/** As many counters as the client has room for, of the four there are; nobody counts here. */
function writeStatistics(to: NdrWriter, stub: Uint8Array): void {
  const room = stub.length < 4 ? 0 : new DataView(stub.buffer, stub.byteOffset).getUint32(0, true);
  const count = Math.min(room, STATISTICS);
  to.u32(count);
  to.u32(count);
  for (let i = 0; i < count; i++) to.u32(0);
  to.u32(0);
}
