import { u16, u32 } from '../../bytes/little-endian.ts';
import { PduError, PduFlag } from './pdu.ts';

/** The bodies of calls: request, response, fault. */

const OBJECT_UUID_SIZE = 16;
/** alloc_hint, context id, opnum or counters: in front of every stub. */
export const CALL_HEAD = 8;

export interface RequestBody {
  readonly allocHint: number;
  readonly contextId: number;
  readonly opnum: number;
  readonly stub: Uint8Array;
}

/** @throws PduError */
export function decodeRequestBody(body: Uint8Array, flags: number): RequestBody {
  const head = stubOffset(flags);
  if (body.length < head) throw new PduError('a request is cut off');
  return { allocHint: u32(body, 0), contextId: u16(body, 4), opnum: u16(body, 6), stub: body.subarray(head) };
}

/** Offset of the stub in a request's PDU body. */
export function stubOffset(flags: number): number {
  return CALL_HEAD + ((flags & PduFlag.objectUuid) === 0 ? 0 : OBJECT_UUID_SIZE);
}

/** Writes the head of a request, or of a response, whose opnum is 0. */
export function writeCallHead(to: Uint8Array, at: number, allocHint: number, contextId: number, opnum: number): void {
  const view = new DataView(to.buffer, to.byteOffset);
  view.setUint32(at, allocHint, true);
  view.setUint16(at + 4, contextId, true);
  view.setUint16(at + 6, opnum, true);
}

/** The head of a request (its last field the opnum) or of a response (0), with its stub behind. */
export function encodeCallBody(allocHint: number, contextId: number, opnum: number, stub: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CALL_HEAD + stub.length);
  writeCallHead(bytes, 0, allocHint, contextId, opnum);
  bytes.set(stub, CALL_HEAD);
  return bytes;
}

const FAULT_SIZE = 16;
/** What implementations announce for a fault; 0 would be refused by some. */
const FAULT_ALLOC_HINT = 24;

export function encodeFaultBody(contextId: number, status: number): Uint8Array {
  const bytes = new Uint8Array(FAULT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FAULT_ALLOC_HINT, true);
  view.setUint16(4, contextId, true);
  view.setUint32(8, status, true);
  return bytes;
}

/** A fault's status. @throws PduError */
export function decodeFaultBody(body: Uint8Array): number {
  if (body.length < CALL_HEAD + 4) throw new PduError('a fault is cut off');
  return u32(body, CALL_HEAD);
}
