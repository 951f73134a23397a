import { u16 } from '../../bytes/little-endian.ts';
import type { Syntax } from '../pdu/bind.ts';

/** Protocol towers (C706 appendix L): an interface, and where it is spoken. */

const Protocol = { uuid: 0x0d, connectionOriented: 0x0b, tcp: 0x07, ip: 0x09 } as const;
const FLOORS = 5;
/** Bytes of a tower of TCP/IP. */
export const TOWER_SIZE = 75;
const SYNTAX_LEFT = 19;

export interface Tower {
  readonly abstract: Syntax;
  readonly transfer: Syntax;
  readonly port: number;
  /** Four bytes of IPv4; zeros where that is not known. */
  readonly address: readonly number[];
}

export function encodeTower({ abstract, transfer, port, address }: Tower): Uint8Array {
  const bytes: number[] = [FLOORS, 0];
  const floor = (left: readonly number[], right: readonly number[]) => {
    bytes.push(left.length, 0, ...left, right.length, 0, ...right);
  };
  for (const { uuid, major, minor } of [abstract, transfer]) {
    floor([Protocol.uuid, ...Buffer.from(uuid, 'hex'), major & 0xff, major >> 8], [minor & 0xff, minor >> 8]);
  }
  floor([Protocol.connectionOriented], [0, 0]);
  floor([Protocol.tcp], [port >> 8, port & 0xff]);
  floor([Protocol.ip], address);
  return new Uint8Array(bytes);
}

/** The tower in bytes that somebody sent; undefined when it is none of TCP/IP. */
export function decodeTower(bytes: Uint8Array): Tower | undefined {
  const floors: { readonly left: Uint8Array; readonly right: Uint8Array }[] = [];
  let at = 2;
  const part = () => {
    if (at + 2 > bytes.length) return undefined;
    const size = u16(bytes, at);
    at += 2 + size;
    return at > bytes.length ? undefined : bytes.subarray(at - size, at);
  };
  if (bytes.length < 2 || u16(bytes, 0) !== FLOORS) return undefined;
  while (floors.length < FLOORS) {
    const left = part();
    const right = part();
    if (left === undefined || right === undefined || left.length === 0) return undefined;
    floors.push({ left, right });
  }
  const [abstract, transfer] = [syntaxOf(floors[0]!), syntaxOf(floors[1]!)];
  const [, , rpc, tcp, ip] = floors;
  if (abstract === undefined || transfer === undefined || rpc!.left[0] !== Protocol.connectionOriented)
    return undefined;
  if (tcp!.left[0] !== Protocol.tcp || tcp!.right.length !== 2 || ip!.left[0] !== Protocol.ip) return undefined;
  return { abstract, transfer, port: (tcp!.right[0]! << 8) | tcp!.right[1]!, address: [...ip!.right] };
}

function syntaxOf({ left, right }: { readonly left: Uint8Array; readonly right: Uint8Array }): Syntax | undefined {
  if (left.length !== SYNTAX_LEFT || left[0] !== Protocol.uuid || right.length !== 2) return undefined;
  const uuid = Buffer.from(left.subarray(1, 17)).toString('hex');
  return { uuid, major: u16(left, 17), minor: u16(right, 0) };
}
