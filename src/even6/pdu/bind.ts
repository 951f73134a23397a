import { u16, u32 } from '../../bytes/little-endian.ts';
import { PduError } from './pdu.ts';

/** The bodies in which two ends agree on what they speak: bind, alter_context, and their answers. */

/** An interface or a transfer syntax: UUID in the order of the wire, and version. */
export interface Syntax {
  /** 32 hex digits, in the order of the wire. */
  readonly uuid: string;
  readonly major: number;
  readonly minor: number;
}

const SYNTAX_SIZE = 20;

/** One offer of a client: an interface, and the transfer syntaxes it could be spoken in. */
export interface ContextItem {
  readonly id: number;
  readonly abstract: Syntax;
  readonly transfers: readonly Syntax[];
}

/** What a server says to an offer. */
export interface ContextResult {
  readonly result: number;
  readonly reason: number;
  /** The chosen transfer syntax; undefined when there is none. */
  readonly transfer: Syntax | undefined;
}

export const ContextOutcome = { accepted: 0, userRejection: 1, providerRejection: 2, negotiateAck: 3 } as const;
export const RejectReason = { abstractSyntax: 1, transferSyntaxes: 2, localLimit: 3 } as const;

export interface BindBody {
  readonly maxTransmit: number;
  readonly maxReceive: number;
  /** 0: a new one. */
  readonly group: number;
  readonly contexts: readonly ContextItem[];
}

export interface BindAckBody {
  readonly maxTransmit: number;
  readonly maxReceive: number;
  readonly group: number;
  /** The port in digits; empty in the answer to alter_context. */
  readonly secondaryAddress: string;
  readonly results: readonly ContextResult[];
}

const BIND_HEAD = 12;
/** The padding in front of the contexts is there only where there are some. */
const LEAST_BIND = 9;
const BIND_ACK_HEAD = 10;
const NO_UUID = '0'.repeat(32);

/** A syntax at a byte offset; the caller has checked that it is there. */
export function readSyntax(bytes: Uint8Array, at: number): Syntax {
  const uuid = Buffer.from(bytes.buffer, bytes.byteOffset + at, 16).toString('hex');
  return { uuid, major: u16(bytes, at + 16), minor: u16(bytes, at + 18) };
}

function writeSyntax(bytes: Uint8Array, at: number, { uuid, major, minor }: Syntax): void {
  bytes.set(Buffer.from(uuid, 'hex'), at);
  new DataView(bytes.buffer).setUint32(at + 16, major | (minor << 16), true);
}

export function isSameSyntax(a: Syntax, b: Syntax): boolean {
  return a.uuid === b.uuid && a.major === b.major && a.minor === b.minor;
}

/** @throws PduError */
export function decodeBind(body: Uint8Array): BindBody {
  if (body.length < LEAST_BIND) throw new PduError('a bind is cut off');
  const contexts: ContextItem[] = [];
  let at = BIND_HEAD;
  for (let i = 0; i < body[8]!; i++) {
    if (at + 4 + SYNTAX_SIZE > body.length) throw new PduError('a presentation context is cut off');
    const id = u16(body, at);
    const count = body[at + 2]!;
    const abstract = readSyntax(body, at + 4);
    at += 4 + SYNTAX_SIZE;
    if (at + count * SYNTAX_SIZE > body.length) throw new PduError('transfer syntaxes are cut off');
    const transfers: Syntax[] = [];
    for (let j = 0; j < count; j++, at += SYNTAX_SIZE) transfers.push(readSyntax(body, at));
    contexts.push({ id, abstract, transfers });
  }
  return { maxTransmit: u16(body, 0), maxReceive: u16(body, 2), group: u32(body, 4), contexts };
}

export function encodeBind({ maxTransmit, maxReceive, group, contexts }: BindBody): Uint8Array {
  const size = contexts.reduce((sum, { transfers }) => sum + 4 + SYNTAX_SIZE * (1 + transfers.length), BIND_HEAD);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, maxTransmit, true);
  view.setUint16(2, maxReceive, true);
  view.setUint32(4, group, true);
  bytes[8] = contexts.length;
  let at = BIND_HEAD;
  for (const { id, abstract, transfers } of contexts) {
    view.setUint16(at, id, true);
    bytes[at + 2] = transfers.length;
    at += 4;
    for (const syntax of [abstract, ...transfers]) {
      writeSyntax(bytes, at, syntax);
      at += SYNTAX_SIZE;
    }
  }
  return bytes;
}

/** @throws PduError */
export function decodeBindAck(body: Uint8Array): BindAckBody {
  if (body.length < BIND_ACK_HEAD) throw new PduError('the answer to a bind is cut off');
  const addressLength = u16(body, 8);
  let at = Math.ceil((BIND_ACK_HEAD + addressLength) / 4) * 4;
  if (at + 4 > body.length) throw new PduError('the answer to a bind is cut off');
  const address = Buffer.from(body.subarray(BIND_ACK_HEAD, BIND_ACK_HEAD + addressLength)).toString('latin1');
  const count = body[at]!;
  at += 4;
  if (at + count * (4 + SYNTAX_SIZE) > body.length) throw new PduError('the results of a bind are cut off');
  const results: ContextResult[] = [];
  for (let i = 0; i < count; i++, at += 4 + SYNTAX_SIZE) {
    const chosen = readSyntax(body, at + 4);
    const transfer = chosen.uuid === NO_UUID ? undefined : chosen;
    results.push({ result: u16(body, at), reason: u16(body, at + 2), transfer });
  }
  return {
    maxTransmit: u16(body, 0),
    maxReceive: u16(body, 2),
    group: u32(body, 4),
    secondaryAddress: address.replace(/\0.*$/s, ''),
    results,
  };
}

export function encodeBindAck(ack: BindAckBody): Uint8Array {
  const address = ack.secondaryAddress === '' ? '' : `${ack.secondaryAddress}\0`;
  let at = Math.ceil((BIND_ACK_HEAD + address.length) / 4) * 4;
  const bytes = new Uint8Array(at + 4 + ack.results.length * (4 + SYNTAX_SIZE));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ack.maxTransmit, true);
  view.setUint16(2, ack.maxReceive, true);
  view.setUint32(4, ack.group, true);
  view.setUint16(8, address.length, true);
  bytes.set(Buffer.from(address, 'latin1'), BIND_ACK_HEAD);
  bytes[at] = ack.results.length;
  at += 4;
  for (const { result, reason, transfer } of ack.results) {
    view.setUint16(at, result, true);
    view.setUint16(at + 2, reason, true);
    if (transfer !== undefined) writeSyntax(bytes, at + 4, transfer);
    at += 4 + SYNTAX_SIZE;
  }
  return bytes;
}

export const BindNakReason = {
  unspecified: 0,
  congestion: 1,
  localLimit: 2,
  version: 4,
  authType: 8,
  checksum: 9,
} as const;

/** The body of a bind_nak: why, and that 5.0 is what is spoken here. */
export function encodeBindNak(reason: number): Uint8Array {
  const VERSIONS = [1, 5, 0];
  return new Uint8Array([reason & 0xff, reason >> 8, ...VERSIONS, 0, 0, 0]);
}

/** Why a bind was refused. */
export function decodeBindNak(body: Uint8Array): number {
  return body.length < 2 ? BindNakReason.unspecified : u16(body, 0);
}
