import { NtlmClient, type NtlmClientOptions } from './ntlm-client.ts';
import { AuthType, type Identity, type SecurityContext, SecurityError, type Step } from './security-context.ts';
import { decodeResponse, encodeInit, encodeResponse, NegState, Oid } from './spnego-tokens.ts';

const MECHANISMS: readonly string[] = [Oid.ntlm];

/** The client's end of SPNEGO: it offers NTLM. Kerberos would be another mechanism, in front of it. */
export class NegotiateClient implements SecurityContext {
  readonly type: number = AuthType.negotiate;
  readonly identity: Identity | undefined = undefined;
  readonly #ntlm: NtlmClient;
  #mechanismList: Uint8Array | undefined;
  #state: 'first' | 'challenge' | 'confirmation' | 'done' = 'first';

  constructor(options: NtlmClientOptions) {
    this.#ntlm = new NtlmClient(options);
  }

  step(token: Uint8Array | undefined): Step {
    if (this.#state === 'first') {
      const init = encodeInit(MECHANISMS, this.#ntlm.step(undefined).token);
      this.#mechanismList = init.mechanismList;
      this.#state = 'challenge';
      return { token: init.bytes, done: false };
    }
    if (token === undefined || this.#state === 'done') throw new SecurityError('malformed', 'SPNEGO: out of sequence');
    const response = decodeResponse(token);
    if (response.state === NegState.reject) throw new SecurityError('refused', 'the server refuses the user');
    if (response.mechanism !== undefined && response.mechanism !== Oid.ntlm) {
      throw new SecurityError('unsupported', 'the server wants another kind of authentication than NTLM');
    }
    if (this.#state === 'challenge') {
      if (response.token === undefined) throw new SecurityError('malformed', 'SPNEGO: the server sends no challenge');
      const { token: inner } = this.#ntlm.step(response.token);
      const mic = this.#ntlm.protection.sign(this.#mechanismList!);
      this.#state = 'confirmation';
      return { token: encodeResponse({ token: inner, mic }), done: false };
    }
    return this.#confirmed(response);
  }

  #confirmed({ state, mic }: ReturnType<typeof decodeResponse>): Step {
    if (state !== NegState.accepted)
      throw new SecurityError('refused', 'the server does not accept the authentication');
    // Who does not answer in kind may have been given another list.
    if (mic === undefined) throw new SecurityError('refused', 'the server does not vouch for what was agreed on');
    const { protection } = this.#ntlm;
    protection.verify(this.#mechanismList!, mic);
    // The streams begin anew for the connection's messages, the sequence numbers go on (MS-SPNG 3.3.5.1).
    protection.restartStreams();
    this.#state = 'done';
    return { token: undefined, done: true };
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

export function negotiateClient(options: NtlmClientOptions): NegotiateClient {
  return new NegotiateClient(options);
}
