import { u16, u32 } from '../../bytes/little-endian.ts';
import { isSameSyntax, readSyntax, type Syntax } from './bind.ts';
import { PduType } from './pdu.ts';

/** Magic of the trailer behind a request's stub (MS-RPCE 2.2.2.13). */
const MAGIC: readonly number[] = [0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71];
const COMMAND = 0x3fff;
const LAST = 0x4000;
const MUST_PROCESS = 0x8000;
const Command = { bitMask: 1, presentationContext: 2, headerCopy: 3 } as const;
const SYNTAXES_SIZE = 40;
const HEADER_COPY_SIZE = 16;
/** Bytes that a trailer takes at most: what looks like one farther inside is part of a parameter. */
const MAX_TRAILER = 1024;

/** The call that a trailer must be of. */
export interface VerifiedCall {
  readonly abstract: Syntax;
  readonly transfer: Syntax;
  readonly callId: number;
  readonly contextId: number;
  readonly opnum: number;
}

/**
 * Cuts a verification trailer off a request's stub and holds it against the call.
 * @returns the stub without it; undefined when it says something else than the call
 */
export function checkVerificationTrailer(stub: Uint8Array, call: VerifiedCall): Uint8Array | undefined {
  const at = findMagic(stub);
  if (at === undefined) return stub;
  let next = at + MAGIC.length;
  for (;;) {
    if (next + 4 > stub.length) return undefined;
    const command = u16(stub, next);
    const size = u16(stub, next + 2);
    const data = stub.subarray(next + 4, next + 4 + size);
    if (data.length < size || !holds(command, data, call)) return undefined;
    if ((command & LAST) !== 0) return stub.subarray(0, at);
    next += 4 + size;
  }
}

/** Stands at a multiple of 4 of the stub's last bytes, the last one of what looks like it. */
function findMagic(stub: Uint8Array): number | undefined {
  const first = Math.max(0, stub.length - MAX_TRAILER);
  for (let at = (stub.length - MAGIC.length) & ~3; at >= first; at -= 4) {
    if (MAGIC.every((byte, i) => stub[at + i] === byte)) return at;
  }
  return undefined;
}

function holds(command: number, data: Uint8Array, call: VerifiedCall): boolean {
  switch (command & COMMAND) {
    case Command.bitMask:
      return data.length >= 4;
    case Command.presentationContext:
      return (
        data.length >= SYNTAXES_SIZE &&
        isSameSyntax(readSyntax(data, 0), call.abstract) &&
        isSameSyntax(readSyntax(data, 20), call.transfer)
      );
    case Command.headerCopy:
      return (
        data.length >= HEADER_COPY_SIZE &&
        data[0] === PduType.request &&
        u32(data, 8) === call.callId &&
        u16(data, 12) === call.contextId &&
        u16(data, 14) === call.opnum
      );
    default:
      return (command & MUST_PROCESS) === 0;
  }
}
