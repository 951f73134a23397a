import type { AuthTrailer } from '../pdu/pdu.ts';
import { AuthLevel, type Identity, type SecurityContext, SecurityError } from '../security/security-context.ts';
import { PduSecurity } from './pdu-security.ts';

/** Makes the server's end of a security context; undefined for a type it does not know. */
export type Authenticate = (type: number, level: number) => SecurityContext | undefined;

const NOTHING = new Uint8Array(0);

/** Why a token is not taken. */
export type AuthenticationFailure = 'type' | 'level' | 'refused';

/** The authentication of one connection: one security context, in as many legs as it takes. */
export class ServerAuthentication {
  readonly #authenticate: Authenticate;
  #security: PduSecurity | undefined;
  #state: 'none' | 'pending' | 'done' | 'failed' = 'none';

  constructor(authenticate: Authenticate) {
    this.#authenticate = authenticate;
  }

  /** Protects what comes next; undefined until both ends know each other. */
  get security(): PduSecurity | undefined {
    return this.#state === 'done' ? this.#security : undefined;
  }

  get state(): 'none' | 'pending' | 'done' | 'failed' {
    return this.#state;
  }

  get identity(): Identity | undefined {
    return this.#state === 'done' ? this.#security!.context.identity : undefined;
  }

  /** 1 without a security context. */
  get level(): number {
    return this.security?.level ?? AuthLevel.none;
  }

  /**
   * Takes a client's token.
   * @returns the answer to it, whose token is empty where there is nothing to say; or why it is not taken
   */
  step(trailer: AuthTrailer): AuthTrailer | { readonly failure: AuthenticationFailure } {
    if (this.#state === 'failed' || this.#state === 'done') return this.#fail('refused');
    const { type, level, contextId, token } = trailer;
    if (this.#security === undefined) {
      if (level < AuthLevel.connect || level > AuthLevel.privacy) return this.#fail('level');
      const context = this.#authenticate(type, level);
      if (context === undefined) return this.#fail('type');
      this.#security = new PduSecurity(context, level, contextId);
      this.#state = 'pending';
    }
    const { context } = this.#security;
    if (context.type !== type || this.#security.level !== level || this.#security.contextId !== contextId) {
      return this.#fail('refused');
    }
    try {
      const { token: answer, done } = context.step(token);
      if (done) this.#state = 'done';
      return { type, level, contextId, token: answer ?? NOTHING };
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
      return this.#fail(error.reason === 'unsupported' ? 'type' : 'refused');
    }
  }

  #fail(failure: AuthenticationFailure): { readonly failure: AuthenticationFailure } {
    this.#state = 'failed';
    return { failure };
  }

  dispose(): void {
    this.#security?.context.dispose();
  }
}
