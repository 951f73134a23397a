import { u16, u32 } from '../../bytes/little-endian.ts';

/** PDUs of connection-oriented DCE/RPC 5.0 (C706 12.6.4, MS-RPCE 2.2.2): the header, and the trailer of protected ones. */

export const PduType = {
  request: 0,
  response: 2,
  fault: 3,
  bind: 11,
  bindAck: 12,
  bindNak: 13,
  alterContext: 14,
  alterContextResponse: 15,
  auth3: 16,
  shutdown: 17,
  cancel: 18,
  orphaned: 19,
} as const;

export const PduFlag = {
  first: 0x01,
  last: 0x02,
  /** In bind and its answer: header signing. */
  headerSigning: 0x04,
  /** In a request: its client has cancelled it meanwhile. */
  pendingCancel: 0x04,
  multiplexing: 0x10,
  didNotExecute: 0x20,
  objectUuid: 0x80,
} as const;

export const HEADER_SIZE = 16;
export const TRAILER_SIZE = 8;
/** frag_length has 16 bits. */
export const MAX_PDU_SIZE = 0xffff;
/** What the two ends agree on lies within: what Windows offers, and what everybody must take. */
export const MAX_FRAGMENT = 5840;
export const MIN_FRAGMENT = 2048;
/** Bytes behind the header that no padding reaches into: every body that may be padded begins with as many. */
const UNPADDED = 8;
const VERSION = 5;
/** Little-endian integers, ASCII, IEEE reals. */
const DATA_REPRESENTATION = 0x10;

/** A PDU that is not one: the connection cannot go on. */
export class PduError extends Error {
  override readonly name: string = 'PduError';
  /** The other end speaks another version. */
  readonly isVersion: boolean;

  constructor(what: string, isVersion = false) {
    super(what);
    this.isVersion = isVersion;
  }
}

/** What says how a PDU is protected. */
export interface AuthTrailer {
  readonly type: number;
  readonly level: number;
  readonly contextId: number;
  readonly token: Uint8Array;
}

/** One PDU, taken apart as far as all kinds are alike. */
export interface Pdu {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  /** Behind the header; without padding, trailer and token. A view into {@link bytes}. */
  readonly body: Uint8Array;
  readonly auth: AuthTrailer | undefined;
  /** The whole PDU, as it came. */
  readonly bytes: Uint8Array;
  /** Bytes of {@link bytes} in front of the trailer, padding included. */
  readonly protectedEnd: number;
}

/** Bytes of the PDU that begins here; undefined while its length has not come. @throws PduError */
export function pduLength(bytes: Uint8Array): number | undefined {
  if (bytes.length > 0 && bytes[0] !== VERSION) throw new PduError(`RPC version ${bytes[0]} is not 5`, true);
  if (bytes.length < HEADER_SIZE) return undefined;
  const length = u16(bytes, 8);
  if (length < HEADER_SIZE) throw new PduError(`a PDU of ${length} bytes has no room for its header`);
  return length;
}

/** Takes a whole PDU apart. @throws PduError */
export function decodePdu(bytes: Uint8Array): Pdu {
  if (bytes[1]! > 1) throw new PduError(`RPC version 5.${bytes[1]} is neither 5.0 nor 5.1`, true);
  if ((bytes[4]! & 0xf0) !== DATA_REPRESENTATION) throw new PduError('integers are not little-endian');
  const authLength = u16(bytes, 10);
  const header = { type: bytes[2]!, flags: bytes[3]!, callId: u32(bytes, 12), bytes };
  if (authLength === 0) {
    return { ...header, body: bytes.subarray(HEADER_SIZE), auth: undefined, protectedEnd: bytes.length };
  }
  const trailer = bytes.length - authLength - TRAILER_SIZE;
  const padding = trailer < HEADER_SIZE ? 0 : bytes[trailer + 2]!;
  const isTooMuch = padding > 0 && trailer - padding < HEADER_SIZE + UNPADDED;
  if (trailer < HEADER_SIZE || isTooMuch) throw new PduError('token and padding are larger than the PDU');
  const auth = {
    type: bytes[trailer]!,
    level: bytes[trailer + 1]!,
    contextId: u32(bytes, trailer + 4),
    token: bytes.subarray(trailer + TRAILER_SIZE),
  };
  return { ...header, body: bytes.subarray(HEADER_SIZE, trailer - padding), auth, protectedEnd: trailer };
}

/** What a PDU is made of. */
export interface PduParts {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  readonly body: Uint8Array;
  readonly auth?: AuthTrailer | undefined;
  /** Bytes between the body and a trailer. Default: as many as put the trailer at a multiple of 4. */
  readonly padding?: number;
}

/** A PDU in bytes. */
export function encodePdu({ type, flags, callId, body, auth, ...parts }: PduParts): Uint8Array {
  const padding = auth === undefined ? 0 : (parts.padding ?? -body.length & 3);
  const trailer = HEADER_SIZE + body.length + padding;
  const bytes = new Uint8Array(auth === undefined ? trailer : trailer + TRAILER_SIZE + auth.token.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  bytes[2] = type;
  bytes[3] = flags;
  bytes[4] = DATA_REPRESENTATION;
  view.setUint16(8, bytes.length, true);
  view.setUint16(10, auth?.token.length ?? 0, true);
  view.setUint32(12, callId, true);
  bytes.set(body, HEADER_SIZE);
  if (auth !== undefined) {
    bytes[trailer] = auth.type;
    bytes[trailer + 1] = auth.level;
    bytes[trailer + 2] = padding;
    view.setUint32(trailer + 4, auth.contextId, true);
    bytes.set(auth.token, trailer + TRAILER_SIZE);
  }
  return bytes;
}

/** Puts PDUs together from whatever pieces the network gives. What it holds is one PDU, however small the pieces are. */
export class PduStream {
  /** The PDU that is coming: room for its header until that says how long it is. */
  #pdu = new Uint8Array(HEADER_SIZE);
  #filled = 0;
  #isLengthKnown = false;

  /** Bytes of a PDU have come whose rest has not. */
  get isPartial(): boolean {
    return this.#filled > 0;
  }

  /**
   * @returns the PDUs that are whole now, each in memory of its own: it is decrypted in place. Take them all, or no more at all.
   * @throws PduError, behind what was whole before it
   */
  *push(bytes: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < bytes.length; ) {
      const taken = bytes.subarray(at, at + this.#pdu.length - this.#filled);
      this.#pdu.set(taken, this.#filled);
      this.#filled += taken.length;
      at += taken.length;
      if (!this.#isLengthKnown) this.#makeRoom();
      if (!this.#isLengthKnown || this.#filled < this.#pdu.length) continue;
      const whole = this.#pdu;
      this.#pdu = new Uint8Array(HEADER_SIZE);
      this.#filled = 0;
      this.#isLengthKnown = false;
      yield whole;
    }
  }

  #makeRoom(): void {
    const length = pduLength(this.#pdu.subarray(0, this.#filled));
    if (length === undefined) return;
    this.#isLengthKnown = true;
    const header = this.#pdu;
    this.#pdu = new Uint8Array(length);
    this.#pdu.set(header);
  }
}
