import { randomBytes } from 'node:crypto';
import { fileTimeOfUnixMs } from '../../bytes/time.ts';
import { utf16Bytes } from '../../bytes/utf16.ts';
import { MessageProtection } from './message-protection.ts';
import { NtlmEnd } from './ntlm-end.ts';
import { hmacMd5, KEY_SIZE, ntHash, ntOwfV2, responseBlob } from './ntlm-keys.ts';
import {
  AV_HAS_MIC,
  AvId,
  type AvPair,
  type ChallengeMessage,
  decodeAvPairs,
  decodeChallenge,
  encodeAuthenticate,
  encodeAvPairs,
  encodeNegotiate,
  MIC_OFFSET,
  NtlmFlag,
} from './ntlm-messages.ts';
import { rc4 } from './rc4.ts';
import {
  AuthLevel,
  AuthType,
  type Identity,
  type SecurityContext,
  SecurityError,
  type Step,
} from './security-context.ts';

export interface NtlmClientOptions {
  readonly user: string;
  /** As it is sent; may be empty. */
  readonly domain: string;
  readonly password: string;
  /** The machine that is called, for the name of its service. */
  readonly host: string;
  readonly workstation?: string | undefined;
  /** AuthLevel of the calls to come. */
  readonly level: number;
  /** Random bytes, and FILETIME of now. Tests hand in their own. */
  readonly random?: ((size: number) => Uint8Array) | undefined;
  readonly now?: (() => bigint) | undefined;
}

const OFFER =
  NtlmFlag.unicode |
  NtlmFlag.requestTarget |
  NtlmFlag.sign |
  NtlmFlag.seal |
  NtlmFlag.ntlm |
  NtlmFlag.alwaysSign |
  NtlmFlag.extendedSecurity |
  NtlmFlag.version |
  NtlmFlag.key128 |
  NtlmFlag.keyExchange |
  NtlmFlag.key56;
const NEEDED = NtlmFlag.unicode | NtlmFlag.extendedSecurity | NtlmFlag.key128;
const CHALLENGE_SIZE = 8;

/** The client's end of NTLMv2. */
export class NtlmClient extends NtlmEnd implements SecurityContext {
  readonly type: number = AuthType.ntlm;
  readonly identity: Identity | undefined = undefined;
  readonly #options: NtlmClientOptions;
  readonly #random: (size: number) => Uint8Array;
  #negotiate: Uint8Array | undefined;

  constructor(options: NtlmClientOptions) {
    super();
    this.#options = options;
    this.#random = options.random ?? ((size) => new Uint8Array(randomBytes(size)));
  }

  step(token: Uint8Array | undefined): Step {
    if (this.#negotiate === undefined) {
      this.#negotiate = encodeNegotiate(OFFER >>> 0);
      return { token: this.#negotiate, done: false };
    }
    if (token === undefined || this.isAuthenticated) throw new SecurityError('malformed', 'NTLM: out of sequence');
    return { token: this.#authenticate(this.#negotiate, token), done: true };
  }

  #authenticate(negotiate: Uint8Array, message: Uint8Array): Uint8Array {
    const { user, domain, password, workstation = '' } = this.#options;
    const challenge = decodeChallenge(message);
    const flags = this.#agreed(challenge.flags);
    const pairs = decodeAvPairs(challenge.targetInfo);
    const timestamp = pairs.find(({ id, value }) => id === AvId.timestamp && value.length === 8);
    const hash = ntHash(password);
    const key = ntOwfV2(hash, user, domain);
    const clientChallenge = this.#random(CHALLENGE_SIZE);
    const { proof, response } = this.#response(challenge, pairs, timestamp, key, clientChallenge);
    const lmResponse =
      timestamp !== undefined
        ? new Uint8Array(24)
        : new Uint8Array(Buffer.concat([hmacMd5(key, challenge.challenge, clientChallenge), clientChallenge]));
    const baseKey = hmacMd5(key, proof);
    const exchanges = (flags & NtlmFlag.keyExchange) !== 0;
    const exportedKey = exchanges ? this.#random(KEY_SIZE) : baseKey;
    const authenticate = encodeAuthenticate({
      flags,
      lmResponse,
      ntResponse: response,
      domain,
      user,
      workstation,
      sessionKey: exchanges ? rc4(baseKey, exportedKey) : new Uint8Array(),
    });
    if (timestamp !== undefined) authenticate.set(hmacMd5(exportedKey, negotiate, message, authenticate), MIC_OFFSET);
    this.authenticated(new MessageProtection(exportedKey, 'client', exchanges));
    for (const secret of [hash, key, baseKey, exportedKey]) secret.fill(0);
    return authenticate;
  }

  /** The flags that both ends want. @throws SecurityError when the server wants less than is safe */
  #agreed(offered: number): number {
    const { level } = this.#options;
    const signing = level >= AuthLevel.packet ? NtlmFlag.sign : 0;
    const needed = NEEDED | signing | (level === AuthLevel.privacy ? NtlmFlag.seal : 0);
    if ((offered & needed) !== needed) throw new SecurityError('refused', 'the server offers too little protection');
    return ((OFFER & offered) | NtlmFlag.targetInfo) >>> 0;
  }

  #response(
    { challenge }: ChallengeMessage,
    pairs: readonly AvPair[],
    timestamp: AvPair | undefined,
    key: Uint8Array,
    clientChallenge: Uint8Array,
  ): { readonly proof: Uint8Array; readonly response: Uint8Array } {
    const all = pairs.filter(({ id }) => id !== AvId.flags);
    if (timestamp !== undefined) all.push({ id: AvId.flags, value: new Uint8Array([AV_HAS_MIC, 0, 0, 0]) });
    all.push({ id: AvId.channelBindings, value: new Uint8Array(16) });
    all.push({ id: AvId.targetName, value: utf16Bytes(`host/${this.#options.host}`) });
    const now = this.#options.now ?? (() => fileTimeOfUnixMs(Date.now()));
    const time = timestamp === undefined ? now() : Buffer.from(timestamp.value).readBigUInt64LE();
    const blob = responseBlob(time, clientChallenge, encodeAvPairs(all));
    const proof = hmacMd5(key, challenge, blob);
    return { proof, response: new Uint8Array(Buffer.concat([proof, blob])) };
  }
}

export function ntlmClient(options: NtlmClientOptions): NtlmClient {
  return new NtlmClient(options);
}
