import { timingSafeEqual } from 'node:crypto';
import { type Direction, hmacMd5, sealKey, signKey } from './ntlm-keys.ts';
import { Rc4 } from './rc4.ts';
import { AuthLevel, SecurityError, SIGNATURE_SIZE } from './security-context.ts';

const SIGNATURE_VERSION = 1;
const CHECKSUM_SIZE = 8;
const MAX_SEQUENCE = 0xffff_ffff;

/** One direction of a protected connection: its keys, its stream, its sequence number. */
class ProtectedDirection {
  readonly #signKey: Uint8Array;
  readonly #sealKey: Uint8Array;
  readonly #exchangesKeys: boolean;
  #stream: Rc4;
  #sequence = 0;

  constructor(exportedKey: Uint8Array, direction: Direction, exchangesKeys: boolean) {
    this.#signKey = signKey(exportedKey, direction);
    this.#sealKey = sealKey(exportedKey, direction);
    this.#exchangesKeys = exchangesKeys;
    this.#stream = new Rc4(this.#sealKey);
  }

  encrypt(bytes: Uint8Array, start: number, end: number): void {
    this.#stream.apply(bytes, start, end);
  }

  /** The signature of a message, over its plain text; call it behind {@link encrypt}. */
  signature(checksum: Uint8Array): Uint8Array {
    // A number that comes again would make a replayed message good.
    if (this.#sequence === MAX_SEQUENCE)
      throw new SecurityError('refused', 'the connection has carried too many messages');
    const signature = new Uint8Array(SIGNATURE_SIZE);
    const view = new DataView(signature.buffer);
    view.setUint32(0, SIGNATURE_VERSION, true);
    signature.set(checksum, 4);
    if (this.#exchangesKeys) this.#stream.apply(signature, 4, 4 + CHECKSUM_SIZE);
    view.setUint32(12, this.#sequence, true);
    this.#sequence++;
    return signature;
  }

  checksum(message: Uint8Array): Uint8Array {
    const sequence = new Uint8Array(new Uint32Array([this.#sequence]).buffer);
    return hmacMd5(this.#signKey, sequence, message).subarray(0, CHECKSUM_SIZE);
  }

  /** The stream begins anew; the sequence number goes on. */
  restartStream(): void {
    this.#stream.dispose();
    this.#stream = new Rc4(this.#sealKey);
  }

  dispose(): void {
    this.#signKey.fill(0);
    this.#sealKey.fill(0);
    this.#stream.dispose();
  }
}

/** Signs and seals what two ends say to each other once they know each other (MS-NLMP 3.4). */
export class MessageProtection {
  readonly #own: ProtectedDirection;
  readonly #peer: ProtectedDirection;

  /** @param exchangesKeys KEY_EXCH was agreed on: checksums are encrypted, too */
  constructor(exportedKey: Uint8Array, role: 'client' | 'server', exchangesKeys: boolean) {
    const [own, peer]: [Direction, Direction] =
      role === 'client' ? ['client-to-server', 'server-to-client'] : ['server-to-client', 'client-to-server'];
    this.#own = new ProtectedDirection(exportedKey, own, exchangesKeys);
    this.#peer = new ProtectedDirection(exportedKey, peer, exchangesKeys);
  }

  /** The signature of a message that is not encrypted. */
  sign(message: Uint8Array): Uint8Array {
    return this.#own.signature(this.#own.checksum(message));
  }

  /** @throws SecurityError signature */
  verify(message: Uint8Array, signature: Uint8Array): void {
    const expected = this.#peer.signature(this.#peer.checksum(message));
    if (signature.length !== SIGNATURE_SIZE || !timingSafeEqual(expected, signature)) {
      throw new SecurityError('signature', 'a signature is wrong');
    }
  }

  /** See SecurityContext.protect. */
  protect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void {
    const signed = pdu.subarray(0, pdu.length - SIGNATURE_SIZE);
    const checksum = this.#own.checksum(signed);
    if (level === AuthLevel.privacy) this.#own.encrypt(pdu, bodyStart, bodyEnd);
    pdu.set(this.#own.signature(checksum), signed.length);
  }

  /** See SecurityContext.unprotect. @throws SecurityError signature */
  unprotect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void {
    const end = pdu.length - SIGNATURE_SIZE;
    if (level === AuthLevel.privacy) this.#peer.encrypt(pdu, bodyStart, bodyEnd);
    this.verify(pdu.subarray(0, end), pdu.subarray(end));
  }

  /** Both streams begin anew, as they do behind an exchange in SPNEGO. */
  restartStreams(): void {
    this.#own.restartStream();
    this.#peer.restartStream();
  }

  dispose(): void {
    this.#own.dispose();
    this.#peer.dispose();
  }
}
