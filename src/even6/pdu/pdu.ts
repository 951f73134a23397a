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
  const size = auth === undefined ? trailer : trailer + TRAILER_SIZE + auth.token.length;
  // Its length would be told as another one.
  if (size > MAX_PDU_SIZE) throw new PduError(`a PDU of ${size} bytes is larger than PDUs can be`);
  const bytes = new Uint8Array(size);
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

/** Puts PDUs together from whatever pieces the network gives. It holds one PDU at most, in a buffer of its own. */
export class PduStream {
  readonly #header = new Uint8Array(HEADER_SIZE);
  /** The PDU that has begun; its header alone until its length is known. */
  #partial: Uint8Array = this.#header;
  #length = 0;

  /** Bytes of a PDU have come whose rest has not. */
  get isPartial(): boolean {
    return this.#length > 0;
  }

  /**
   * Takes a piece.
   * @returns the PDUs that are whole now, each in memory of its own: it is decrypted in place
   * @throws PduError while they are asked for, behind those in front of what is none
   */
  *push(bytes: Uint8Array): Generator<Uint8Array, void> {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#partial.length - this.#length);
      this.#partial.set(piece, this.#length);
      this.#length += piece.length;
      at += piece.length;
      const length = pduLength(this.#partial.subarray(0, this.#length));
      if (length === undefined) continue;
      if (this.#partial === this.#header) {
        this.#partial = new Uint8Array(length);
        this.#partial.set(this.#header);
      }
      if (this.#length < length) continue;
      const whole = this.#partial;
      this.#partial = this.#header;
      this.#length = 0;
      yield whole;
    }
  }
}
