import { CALL_HEAD, encodeCallBody, stubOffset } from '../pdu/call-bodies.ts';
import { encodePdu, HEADER_SIZE, type Pdu, PduFlag, type PduParts, PduType, TRAILER_SIZE } from '../pdu/pdu.ts';
import { AuthLevel, type SecurityContext, SecurityError, SIGNATURE_SIZE } from '../security/security-context.ts';

/** Stubs are cut at multiples of this, so that an encrypted piece needs no padding but the last. */
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
    const bytes = encodePdu({ ...parts, auth, alignment: STUB_ALIGNMENT });
    const bodyEnd = bytes.length - SIGNATURE_SIZE - TRAILER_SIZE;
    this.context.protect(bytes, HEADER_SIZE + CALL_HEAD, bodyEnd, this.level);
    return bytes;
  }

  /**
   * Decrypts a PDU in place, of requests and responses what is behind the head, and checks its signature.
   * @throws SecurityError: the connection is useless then
   */
  open({ type: pduType, auth, bytes, flags, protectedEnd }: Pdu): void {
    if (!this.signs) return;
    const { type } = this.context;
    const isAboutCall = pduType === PduType.cancel || pduType === PduType.orphaned;
    const start = HEADER_SIZE + (isAboutCall ? 0 : stubOffset(flags));
    if (
      auth === undefined ||
      auth.type !== type ||
      auth.level !== this.level ||
      auth.contextId !== this.contextId ||
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

/** The stub of one call, as its fragments come. */
export class StubAssembly {
  readonly #parts: Uint8Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(part: Uint8Array): void {
    this.#parts.push(part);
    this.#size += part.length;
  }

  get stub(): Uint8Array {
    return this.#parts.length === 1 ? this.#parts[0]! : new Uint8Array(Buffer.concat(this.#parts));
  }
}
