import { isNtlm } from './ntlm-messages.ts';
import { NtlmServer, type NtlmServerOptions } from './ntlm-server.ts';
import { AuthType, type Identity, type SecurityContext, SecurityError, type Step } from './security-context.ts';
import { decodeInit, decodeResponse, encodeResponse, NegState, Oid } from './spnego-tokens.ts';

/** The server's end of SPNEGO: it agrees on NTLM. Kerberos would be another mechanism beside it. */
export class NegotiateServer implements SecurityContext {
  readonly type: number = AuthType.negotiate;
  readonly #ntlm: NtlmServer;
  /** As the client has sent it; undefined before that, and where a client sends NTLM without its wrapping. */
  #mechanismList: Uint8Array | undefined;
  #state: 'first' | 'bare' | 'wrapped' | 'done' = 'first';
  /** The client's first choice was another mechanism: it has to vouch for its list. */
  #needsMic = false;

  constructor(options: NtlmServerOptions) {
    this.#ntlm = new NtlmServer(options);
  }

  get identity(): Identity | undefined {
    return this.#state === 'done' ? this.#ntlm.identity : undefined;
  }

  step(token: Uint8Array | undefined): Step {
    if (token === undefined || this.#state === 'done') throw new SecurityError('malformed', 'SPNEGO: out of sequence');
    if (this.#state === 'first') return this.#first(token);
    return this.#state === 'bare' ? this.#bare(token) : this.#later(token);
  }

  #first(token: Uint8Array): Step {
    if (isNtlm(token)) {
      this.#state = 'bare';
      return this.#bare(token);
    }
    const { mechanisms, mechanismList, token: first } = decodeInit(token);
    if (!mechanisms.includes(Oid.ntlm)) throw new SecurityError('unsupported', 'the client offers no NTLM');
    this.#mechanismList = mechanismList;
    this.#state = 'wrapped';
    if (mechanisms[0] !== Oid.ntlm) {
      // Its token is of the mechanism it likes better.
      this.#needsMic = true;
      return { token: encodeResponse({ state: NegState.requestMic, mechanism: Oid.ntlm }), done: false };
    }
    if (first === undefined) {
      return { token: encodeResponse({ state: NegState.incomplete, mechanism: Oid.ntlm }), done: false };
    }
    const challenge = this.#ntlm.step(first).token;
    return {
      token: encodeResponse({ state: NegState.incomplete, mechanism: Oid.ntlm, token: challenge }),
      done: false,
    };
  }

  #bare(token: Uint8Array): Step {
    const step = this.#ntlm.step(token);
    if (step.done) this.#state = 'done';
    return step;
  }

  #later(token: Uint8Array): Step {
    const { state, token: inner, mic } = decodeResponse(token);
    if (state === NegState.reject || inner === undefined) throw new SecurityError('refused', 'the client gives up');
    const step = this.#ntlm.step(inner);
    if (!step.done) return { token: encodeResponse({ state: NegState.incomplete, token: step.token }), done: false };
    const { protection } = this.#ntlm;
    if (mic === undefined && this.#needsMic)
      throw new SecurityError('refused', 'the client does not vouch for its list');
    let own: Uint8Array | undefined;
    if (mic !== undefined) {
      protection.verify(this.#mechanismList!, mic);
      own = protection.sign(this.#mechanismList!);
      // The streams begin anew for the connection's messages, the sequence numbers go on (MS-SPNG 3.3.5.1).
      protection.restartStreams();
    }
    this.#state = 'done';
    return { token: encodeResponse({ state: NegState.accepted, mic: own }), done: true };
  }

  protect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void {
    this.#ntlm.protect(pdu, bodyStart, bodyEnd, level);
  }

  unprotect(pdu: Uint8Array, bodyStart: number, bodyEnd: number, level: number): void {
    this.#ntlm.unprotect(pdu, bodyStart, bodyEnd, level);
  }

  dispose(): void {
    this.#ntlm.dispose();
  }
}

export function negotiateServer(options: NtlmServerOptions): NegotiateServer {
  return new NegotiateServer(options);
}
