import { CALL_HEAD, stubOffset, writeCallHead } from '../pdu/call-bodies.ts';
import { type AuthTrailer, HEADER_SIZE, type Pdu, PduFlag, PduType, TRAILER_SIZE, writeHeader } from '../pdu/pdu.ts';
import { AuthLevel, type SecurityContext, SecurityError, SIGNATURE_SIZE } from '../security/security-context.ts';

/** Stubs are cut at multiples of this and the last piece is padded to one, as Windows and Samba do it. */
const STUB_ALIGNMENT = 16;

/** PDUs that are handed to the system in one go. */
const FRAGMENTS_PER_BLOCK = 11;

/** How the calls of a connection are protected, once both ends know each other. */
export class PduSecurity {
  readonly context: SecurityContext;
  readonly level: number;
  readonly contextId: number;

  constructor(context: SecurityContext, level: number, contextId: number) {
    this.context = context;
    this.level = level;
    this.contextId = contextId;
  }

  /** Signatures are made from level packet on: NTLM has no lesser form of it than integrity. */
  get signs(): boolean {
    return this.level >= AuthLevel.packet;
  }

  /** Protects a request or response in place: its last bytes are room for a trailer and a signature. @param padding in front of these */
  seal(pdu: Uint8Array, padding: number): void {
    const signature = pdu.length - SIGNATURE_SIZE;
    const trailer = signature - TRAILER_SIZE;
    pdu[trailer] = this.context.type;
    pdu[trailer + 1] = this.level;
    pdu[trailer + 2] = padding;
    new DataView(pdu.buffer, pdu.byteOffset).setUint32(trailer + 4, this.contextId, true);
    this.context.protect(pdu, HEADER_SIZE + CALL_HEAD, trailer, this.level);
  }

  #isNamedBy({ type, level, contextId }: AuthTrailer): boolean {
    return type === this.context.type && level === this.level && contextId === this.contextId;
  }

  /**
   * Decrypts a PDU in place, of requests and responses what is behind the head, and checks its signature. Which security context it is
   * of stands in a first fragment; what later ones say about that is signed, and does not matter (MS-RPCE 3.3.1.5.2).
   * @throws SecurityError: the connection is useless then
   */
  open({ type: pduType, auth, bytes, flags, protectedEnd }: Pdu): void {
    if (!this.signs) return;
    const isAboutCall = pduType === PduType.cancel || pduType === PduType.orphaned;
    const start = HEADER_SIZE + (isAboutCall ? 0 : stubOffset(flags));
    if (
      auth === undefined ||
      ((flags & PduFlag.first) !== 0 && !this.#isNamedBy(auth)) ||
      auth.token.length !== SIGNATURE_SIZE ||
      protectedEnd < start
    ) {
      throw new SecurityError('signature', 'a PDU is not protected as was agreed');
    }
    this.context.unprotect(bytes, start, protectedEnd, this.level);
  }
}

/** What all fragments of a request or a response have in common. */
export interface StubCarrier {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  readonly contextId: number;
  /** 0 in a response. */
  readonly opnum: number;
}

/**
 * A stub in as many PDUs as it takes, several of them in each block of bytes; each is signed when its block is asked for, so ask in the
 * order of sending. The stub's piece is padded to a multiple of 16: all but the last one are one already.
 */
export function* fragments(
  stub: Uint8Array,
  carrier: StubCarrier,
  maxFragment: number,
  security: PduSecurity | undefined,
): Generator<Uint8Array, void> {
  const sealed = security?.signs ? security : undefined;
  const head = HEADER_SIZE + CALL_HEAD;
  const tail = sealed === undefined ? 0 : TRAILER_SIZE + SIGNATURE_SIZE;
  const size = (maxFragment - head - tail) & -STUB_ALIGNMENT;
  for (let at = 0, isLast = false; !isLast; ) {
    const block = new Uint8Array(
      Math.min(FRAGMENTS_PER_BLOCK, Math.ceil((stub.length - at) / size) || 1) * (head + size + tail),
    );
    let end = 0;
    while (!isLast && end < block.length) {
      const piece = stub.subarray(at, at + size);
      const padding = sealed === undefined ? 0 : -piece.length & (STUB_ALIGNMENT - 1);
      isLast = at + size >= stub.length;
      const pdu = block.subarray(end, end + head + piece.length + padding + tail);
      const flags = carrier.flags | (at === 0 ? PduFlag.first : 0) | (isLast ? PduFlag.last : 0);
      writeHeader(pdu, carrier.type, flags, carrier.callId, sealed === undefined ? 0 : SIGNATURE_SIZE);
      writeCallHead(pdu, HEADER_SIZE, stub.length - at, carrier.contextId, carrier.opnum);
      pdu.set(piece, head);
      sealed?.seal(pdu, padding);
      end += pdu.length;
      at += size;
    }
    yield end === block.length ? block : block.subarray(0, end);
  }
}

/** The stub of one call, as its fragments come. It takes no more than twice its bytes, however small they are cut. */
export class StubAssembly {
  #bytes: Uint8Array = new Uint8Array();
  #size = 0;
  #isBegun = false;

  get size(): number {
    return this.#size;
  }

  /** Takes the next fragment. @returns false when it is out of order: the first one again, or another in front of it */
  add(part: Uint8Array, flags: number): boolean {
    if (this.#isBegun === ((flags & PduFlag.first) !== 0)) return false;
    this.#isBegun = true;
    const end = this.#size + part.length;
    if (this.#size === 0) this.#bytes = part;
    else if (part.length > 0) {
      if (end > this.#bytes.length) {
        const grown = new Uint8Array(Math.max(end, 2 * this.#bytes.length));
        grown.set(this.#bytes.subarray(0, this.#size));
        this.#bytes = grown;
      }
      this.#bytes.set(part, this.#size);
    }
    this.#size = end;
    return true;
  }

  get stub(): Uint8Array {
    return this.#bytes.subarray(0, this.#size);
  }
}
