/** Authentication types of DCE/RPC. */
export const AuthType = { negotiate: 9, ntlm: 10, kerberos: 16 } as const;

/** Authentication levels of DCE/RPC. */
export const AuthLevel = { none: 1, connect: 2, call: 3, packet: 4, integrity: 5, privacy: 6 } as const;

/** Bytes of a signature. */
export const SIGNATURE_SIZE = 16;

/** What one leg of an authentication gives. */
export interface Step {
  /** For the peer; undefined when there is nothing to say. */
  readonly token: Uint8Array | undefined;
  readonly done: boolean;
}

export interface Identity {
  readonly user: string;
  readonly domain: string;
  readonly workstation: string;
}

/** One end of an authentication, and what protects the PDUs that follow it. */
export interface SecurityContext {
  /** {@link AuthType} */
  readonly type: number;
  /**
   * Takes the peer's token and gives the next one.
   * @param token undefined: the client's first step
   * @throws SecurityError
   */
  step(token: Uint8Array | undefined): Step;
  /** Who the peer is; known to the server, once done. */
  readonly identity: Identity | undefined;
  /**
   * Encrypts `pdu[bodyStart, bodyEnd)` in place at level privacy, and puts the signature into the last 16 bytes of the PDU.
   * Everything before them is signed.
   */
  protect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void;
  /** The opposite. @throws SecurityError where the signature is wrong: the connection is useless then */
  unprotect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void;
  /** Overwrites key material. */
  dispose(): void;
}

/** Why an authentication, or a protected PDU, is refused. */
export type SecurityReason = 'malformed' | 'refused' | 'signature' | 'unsupported';

export class SecurityError extends Error {
  override readonly name: string = 'SecurityError';
  readonly reason: SecurityReason;

  constructor(reason: SecurityReason, what: string) {
    super(what);
    this.reason = reason;
  }
}
