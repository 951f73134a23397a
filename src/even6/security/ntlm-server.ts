import { randomBytes, timingSafeEqual } from 'node:crypto';
import { u32 } from '../../bytes/little-endian.ts';
import { fileTimeOfUnixMs } from '../../bytes/time.ts';
import { utf16Bytes } from '../../bytes/utf16.ts';
import { MessageProtection } from './message-protection.ts';
import { NtlmEnd } from './ntlm-end.ts';
import { blobTargetInfo, hmacMd5, KEY_SIZE, ntOwfV2 } from './ntlm-keys.ts';
import {
  type AuthenticateMessage,
  AV_HAS_MIC,
  AvId,
  decodeAuthenticate,
  decodeAvPairs,
  decodeNegotiate,
  encodeAvPairs,
  encodeChallenge,
  MIC_OFFSET,
  MIC_SIZE,
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

export interface NtlmServerOptions {
  /** NetBIOS names of this machine and of its domain. */
  readonly computer: string;
  readonly domain: string;
  readonly dnsName: string;
  /** The NT hash of a user's password, in memory that is overwritten after use; undefined for somebody unknown. */
  readonly findNtHash: (user: string, domain: string) => Uint8Array | undefined;
  /** AuthLevel of the calls to come. */
  readonly level: number;
  /** Random bytes, and FILETIME of now. Tests hand in their own. */
  readonly random?: ((size: number) => Uint8Array) | undefined;
  readonly now?: (() => bigint) | undefined;
}

const ALWAYS =
  NtlmFlag.unicode |
  NtlmFlag.requestTarget |
  NtlmFlag.ntlm |
  NtlmFlag.alwaysSign |
  NtlmFlag.extendedSecurity |
  NtlmFlag.targetInfo |
  NtlmFlag.version |
  NtlmFlag.targetTypeServer;
/** Taken when the client offers them. */
const OFFERED = NtlmFlag.sign | NtlmFlag.seal | NtlmFlag.keyExchange | NtlmFlag.key128 | NtlmFlag.key56;
const NEEDED = NtlmFlag.unicode | NtlmFlag.extendedSecurity | NtlmFlag.key128;
const CHALLENGE_SIZE = 8;
const PROOF_SIZE = 16;
/** Of NTLMv1; an answer of NTLMv2 is longer. */
const V1_RESPONSE_SIZE = 24;
const MIN_BLOB = 32;
const MIC_END = MIC_OFFSET + MIC_SIZE;

/** The same for whoever is not let in: it says neither whether the user exists nor what was wrong. */
function refused(): SecurityError {
  return new SecurityError('refused', 'the user or the password is wrong');
}

/** The server's end of NTLMv2. NTLMv1, anonymous users and short keys are refused. */
export class NtlmServer extends NtlmEnd implements SecurityContext {
  readonly type: number = AuthType.ntlm;
  readonly #options: NtlmServerOptions;
  readonly #random: (size: number) => Uint8Array;
  #negotiate: Uint8Array | undefined;
  #challengeMessage: Uint8Array | undefined;
  #challenge: Uint8Array = new Uint8Array();
  #identity: Identity | undefined;
  #isMicSent = false;

  constructor(options: NtlmServerOptions) {
    super();
    this.#options = options;
    this.#random = options.random ?? ((size) => new Uint8Array(randomBytes(size)));
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** The client has proved that nobody changed the messages of the exchange. */
  get isMicSent(): boolean {
    return this.#isMicSent;
  }

  step(token: Uint8Array | undefined): Step {
    if (token === undefined || this.#identity !== undefined)
      throw new SecurityError('malformed', 'NTLM: out of sequence');
    if (this.#challengeMessage === undefined) {
      this.#negotiate = token.slice();
      this.#challengeMessage = this.#makeChallenge(decodeNegotiate(token).flags);
      return { token: this.#challengeMessage, done: false };
    }
    this.#authenticate(token);
    return { token: undefined, done: true };
  }

  #makeChallenge(offered: number): Uint8Array {
    const { computer, domain, dnsName, now = () => fileTimeOfUnixMs(Date.now()) } = this.#options;
    const time = new Uint8Array(8);
    new DataView(time.buffer).setBigUint64(0, now(), true);
    const targetInfo = encodeAvPairs([
      { id: AvId.domain, value: utf16Bytes(domain) },
      { id: AvId.computer, value: utf16Bytes(computer) },
      { id: AvId.dnsDomain, value: utf16Bytes(dnsName) },
      { id: AvId.dnsComputer, value: utf16Bytes(dnsName) },
      { id: AvId.timestamp, value: time },
    ]);
    this.#challenge = this.#random(CHALLENGE_SIZE);
    const flags = (ALWAYS | (offered & OFFERED)) >>> 0;
    return encodeChallenge({ flags, challenge: this.#challenge, targetInfo }, domain);
  }

  #authenticate(token: Uint8Array): void {
    const message = decodeAuthenticate(token);
    const { user, domain, workstation, ntResponse, flags } = message;
    this.#checkFlags(flags);
    if (user === '' || ntResponse.length < PROOF_SIZE + MIN_BLOB || ntResponse.length === V1_RESPONSE_SIZE)
      throw refused();
    // Somebody unknown is calculated with all the same: it takes as long.
    const known = this.#options.findNtHash(user, domain);
    const nobodys = this.#random(KEY_SIZE);
    const hash = known ?? nobodys;
    const key = ntOwfV2(hash, user, domain);
    hash.fill(0);
    const blob = ntResponse.subarray(PROOF_SIZE);
    const proof = hmacMd5(key, this.#challenge, blob);
    const isRight = timingSafeEqual(proof, ntResponse.subarray(0, PROOF_SIZE));
    const secrets = [key, hmacMd5(key, proof)];
    try {
      const exportedKey = this.#exportedKey(message, secrets[1]!);
      secrets.push(exportedKey);
      const isWhole = this.#checkMic(token, blob, exportedKey);
      if (known !== undefined && isRight && isWhole) {
        this.authenticated(new MessageProtection(exportedKey, 'server', (flags & NtlmFlag.keyExchange) !== 0));
        this.#identity = { user, domain, workstation };
      }
    } finally {
      for (const secret of secrets) secret.fill(0);
    }
    if (this.#identity === undefined) throw refused();
  }

  #checkFlags(flags: number): void {
    const { level } = this.#options;
    const signing = level >= AuthLevel.packet ? NtlmFlag.sign : 0;
    const needed = NEEDED | signing | (level === AuthLevel.privacy ? NtlmFlag.seal : 0);
    if ((flags & needed) !== needed) throw new SecurityError('refused', 'the client wants too little protection');
  }

  #exportedKey({ flags, sessionKey }: AuthenticateMessage, baseKey: Uint8Array): Uint8Array {
    if ((flags & NtlmFlag.keyExchange) === 0) return baseKey.slice();
    if (sessionKey.length !== KEY_SIZE) throw new SecurityError('malformed', 'NTLM: the session key has not 16 bytes');
    return rc4(baseKey, sessionKey);
  }

  /** Whether the messages are what both ends have seen; the client says, under its response, whether it vouches for that. */
  #checkMic(token: Uint8Array, blob: Uint8Array, exportedKey: Uint8Array): boolean {
    const flags = decodeAvPairs(blobTargetInfo(blob)).find(({ id }) => id === AvId.flags);
    this.#isMicSent = flags !== undefined && flags.value.length === 4 && (u32(flags.value, 0) & AV_HAS_MIC) !== 0;
    if (!this.#isMicSent) return true;
    if (token.length < MIC_END) return false;
    const unsigned = token.slice();
    unsigned.fill(0, MIC_OFFSET, MIC_END);
    const mic = hmacMd5(exportedKey, this.#negotiate!, this.#challengeMessage!, unsigned);
    return timingSafeEqual(mic, token.subarray(MIC_OFFSET, MIC_END));
  }
}

export function ntlmServer(options: NtlmServerOptions): NtlmServer {
  return new NtlmServer(options);
}
