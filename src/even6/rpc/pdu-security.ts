import { CALL_HEAD, encodeCallBody, stubOffset } from '../pdu/call-bodies.ts';
import {
  type AuthTrailer,
  encodePdu,
  HEADER_SIZE,
  type Pdu,
  PduFlag,
  type PduParts,
  TRAILER_SIZE,
} from '../pdu/pdu.ts';
import { AuthLevel, type SecurityContext, SecurityError, SIGNATURE_SIZE } from '../security/security-context.ts';

/** Stubs are cut at multiples of this and the last piece is padded to one, as Windows and Samba do it. */
const STUB_ALIGNMENT = 16;

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

  encode(parts: PduParts): Uint8Array {
    if (!this.signs) return encodePdu(parts);
    const { type } = this.context;
    const auth = { type, level: this.level, contextId: this.contextId, token: new Uint8Array(SIGNATURE_SIZE) };
    const padding = -(parts.body.length - CALL_HEAD) & (STUB_ALIGNMENT - 1);
    const bytes = encodePdu({ ...parts, auth, padding });
    const bodyEnd = bytes.length - SIGNATURE_SIZE - TRAILER_SIZE;
    this.context.protect(bytes, HEADER_SIZE + CALL_HEAD, bodyEnd, this.level);
    return bytes;
  }

  #isNamedBy({ type, level, contextId }: AuthTrailer): boolean {
    return type === this.context.type && level === this.level && contextId === this.contextId;
  }

  /**
   * Decrypts a request or response in place, and checks its signature. Which security context it is of stands in a first fragment;
   * what later ones say about that is signed, and does not matter (MS-RPCE 3.3.1.5.2).
   * @throws SecurityError: the connection is useless then
   */
  open({ auth, bytes, flags, protectedEnd }: Pdu): void {
    if (!this.signs) return;
    if (
      auth === undefined ||
      ((flags & PduFlag.first) !== 0 && !this.#isNamedBy(auth)) ||
      auth.token.length !== SIGNATURE_SIZE ||
      protectedEnd < HEADER_SIZE + stubOffset(flags)
    ) {
      throw new SecurityError('signature', 'a PDU is not protected as was agreed');
    }
    this.context.unprotect(bytes, HEADER_SIZE + stubOffset(flags), protectedEnd, this.level);
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

/** A stub in as many PDUs as it takes; each is signed when it is asked for, so ask in the order of sending. */
export function* fragments(
  stub: Uint8Array,
  carrier: StubCarrier,
  maxFragment: number,
  security: PduSecurity | undefined,
): Generator<Uint8Array, void> {
  const { type, callId, contextId, opnum } = carrier;
  const overhead = HEADER_SIZE + CALL_HEAD + (security?.signs ? TRAILER_SIZE + SIGNATURE_SIZE : 0);
  const size = (maxFragment - overhead) & -STUB_ALIGNMENT;
  for (let at = 0; ; at += size) {
    const isLast = at + size >= stub.length;
    const flags = carrier.flags | (at === 0 ? PduFlag.first : 0) | (isLast ? PduFlag.last : 0);
    const body = encodeCallBody(stub.length - at, contextId, opnum, stub.subarray(at, at + size));
    const parts = { type, flags, callId, body };
    yield security === undefined ? encodePdu(parts) : security.encode(parts);
    if (isLast) return;
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
