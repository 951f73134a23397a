import type { AuthTrailer } from '../pdu/pdu.ts';
import { AuthLevel, type Identity, type SecurityContext, SecurityError } from '../security/security-context.ts';
import { PduSecurity } from './pdu-security.ts';

/** Makes the server's end of a security context; undefined for a type it does not know. */
export type Authenticate = (type: number, level: number) => SecurityContext | undefined;

/** Why a token is not taken. */
export type AuthenticationFailure = 'type' | 'level' | 'token' | 'sequence';

/** Security contexts of one connection: a client that has more users than this takes another connection. */
const MAX_CONTEXTS = 8;
const NOTHING = new Uint8Array(0);

/** One security context, in as many legs as it takes. */
interface Authentication {
  readonly security: PduSecurity;
  state: 'pending' | 'done' | 'failed';
}

/** Who a request comes from, and what protects it. */
export interface RequestSecurity {
  /** undefined: nothing does. */
  readonly security: PduSecurity | undefined;
  readonly identity: Identity | undefined;
  /** 1 without a security context. */
  readonly level: number;
}

const UNPROTECTED: RequestSecurity = { security: undefined, identity: undefined, level: AuthLevel.none };

/** The security contexts of one connection: that of its bind, and those that alter_context has added. */
export class ServerAuthentication {
  readonly #authenticate: Authenticate;
  readonly #contexts = new Map<number, Authentication>();
  /** That of the bind: a request without a trailer cannot be of another one. */
  #bound: Authentication | undefined;
  #hasFailed = false;

  constructor(authenticate: Authenticate) {
    this.#authenticate = authenticate;
  }

  get state(): 'none' | 'pending' | 'done' | 'failed' {
    if (this.#hasFailed) return 'failed';
    const all = [...this.#contexts.values()];
    if (all.length === 0) return 'none';
    return all.some(({ state }) => state === 'done') ? 'done' : 'pending';
  }

  /**
   * Takes a client's token.
   * @param isBind it came with the connection's bind
   * @returns the answer to it, whose token is empty where there is nothing to say; or why it is not taken
   */
  step(trailer: AuthTrailer, isBind = false): AuthTrailer | { readonly failure: AuthenticationFailure } {
    const { type, level, contextId, token } = trailer;
    const known = this.#contexts.get(contextId);
    const current = known ?? this.#begin(trailer);
    if (typeof current === 'string') return this.#fail(current);
    if (isBind) this.#bound = current;
    const { context } = current.security;
    if (context.type !== type) return this.#fail('type', current);
    if (current.state !== 'pending' || current.security.level !== level) return this.#fail('sequence', current);
    try {
      const { token: answer, done } = context.step(token);
      if (done) current.state = 'done';
      return { type, level, contextId, token: answer ?? NOTHING };
    } catch (error) {
      if (!(error instanceof SecurityError)) throw error;
      return this.#fail(error.reason === 'unsupported' ? 'type' : 'token', current);
    }
  }

  #begin({ type, level, contextId }: AuthTrailer): Authentication | AuthenticationFailure {
    if (this.#hasFailed || this.#contexts.size >= MAX_CONTEXTS) return 'sequence';
    if (level < AuthLevel.connect || level > AuthLevel.privacy) return 'level';
    const context = this.#authenticate(type, level);
    if (context === undefined) return 'type';
    // Of datagrams: over a connection, nobody offers it.
    if (level === AuthLevel.call) return 'level';
    const begun: Authentication = { security: new PduSecurity(context, level, contextId), state: 'pending' };
    this.#contexts.set(contextId, begun);
    return begun;
  }

  #fail(failure: AuthenticationFailure, of?: Authentication): { readonly failure: AuthenticationFailure } {
    if (of !== undefined) of.state = 'failed';
    this.#hasFailed = true;
    return { failure };
  }

  /** Whose request this is, by its first fragment; undefined when it names no security context that is ready. */
  of(trailer: AuthTrailer | undefined): RequestSecurity | undefined {
    const named = trailer === undefined ? this.#bound : this.#contexts.get(trailer.contextId);
    if (named === undefined) return trailer === undefined ? UNPROTECTED : undefined;
    const { security, state } = named;
    if (state !== 'done') return undefined;
    if (trailer !== undefined && (trailer.type !== security.context.type || trailer.level !== security.level)) {
      return undefined;
    }
    return { security, identity: security.context.identity, level: security.level };
  }

  dispose(): void {
    for (const { security } of this.#contexts.values()) security.context.dispose();
  }
}
