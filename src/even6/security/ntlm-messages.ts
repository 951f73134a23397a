import { u16, u32 } from '../../bytes/little-endian.ts';
import { utf16Bytes, utf16Text } from '../../bytes/utf16.ts';
import { SecurityError } from './security-context.ts';

/** The three messages of NTLM (MS-NLMP 2.2.1), in both directions. */

const SIGNATURE: readonly number[] = [0x4e, 0x54, 0x4c, 0x4d, 0x53, 0x53, 0x50, 0];
/** Windows 10, NTLM revision 15. */
const VERSION: readonly number[] = [0x0a, 0, 0x63, 0x45, 0, 0, 0, 0x0f];
const MESSAGE_TYPE = 8;
const CHALLENGE_HEAD = 56;
const AUTHENTICATE_HEAD = 88;
export const MIC_OFFSET = 72;
export const MIC_SIZE = 16;
const MAX_MESSAGE = 0xffff;

export const NtlmFlag = {
  unicode: 0x1,
  requestTarget: 0x4,
  sign: 0x10,
  seal: 0x20,
  ntlm: 0x200,
  alwaysSign: 0x8000,
  targetTypeServer: 0x2_0000,
  extendedSecurity: 0x8_0000,
  targetInfo: 0x80_0000,
  version: 0x200_0000,
  key128: 0x2000_0000,
  keyExchange: 0x4000_0000,
  key56: 0x8000_0000,
} as const;

export const AvId = {
  end: 0,
  computer: 1,
  domain: 2,
  dnsComputer: 3,
  dnsDomain: 4,
  flags: 6,
  timestamp: 7,
  targetName: 9,
  channelBindings: 10,
} as const;
/** In the pair of flags: AUTHENTICATE has a MIC. */
export const AV_HAS_MIC = 2;

/** A pair of the target information. */
export interface AvPair {
  readonly id: number;
  readonly value: Uint8Array;
}

export interface NegotiateMessage {
  readonly flags: number;
}

export interface ChallengeMessage {
  readonly flags: number;
  readonly challenge: Uint8Array;
  readonly targetInfo: Uint8Array;
}

export interface AuthenticateMessage {
  readonly flags: number;
  readonly lmResponse: Uint8Array;
  readonly ntResponse: Uint8Array;
  readonly domain: string;
  readonly user: string;
  readonly workstation: string;
  readonly sessionKey: Uint8Array;
}

function malformed(what: string): SecurityError {
  return new SecurityError('malformed', `NTLM: ${what}`);
}

export function isNtlm(token: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => token[i] === byte);
}

function check(message: Uint8Array, type: number, head: number): void {
  if (message.length < head || message.length > MAX_MESSAGE || !isNtlm(message)) throw malformed('no message');
  if (u32(message, MESSAGE_TYPE) !== type)
    throw malformed(`message ${u32(message, MESSAGE_TYPE)} where ${type} must be`);
}

/** What a field points to; the length counts, not the room allocated. */
function field(message: Uint8Array, at: number): Uint8Array {
  const length = u16(message, at);
  const offset = u32(message, at + 4);
  if (length === 0) return new Uint8Array();
  if (offset + length > message.length) throw malformed('a field lies outside of its message');
  return message.subarray(offset, offset + length);
}

function textField(message: Uint8Array, at: number): string {
  const bytes = field(message, at);
  if (bytes.length % 2 !== 0) throw malformed('half a character');
  return utf16Text(bytes, 0, bytes.length / 2);
}

/** A message's head, and fields behind it. */
class MessageWriter {
  readonly #head: Uint8Array;
  readonly #view: DataView;
  readonly #payload: Uint8Array[] = [];
  #size: number;

  constructor(type: number, head: number) {
    this.#head = new Uint8Array(head);
    this.#view = new DataView(this.#head.buffer);
    this.#head.set(SIGNATURE);
    this.u32(MESSAGE_TYPE, type);
    this.#size = head;
  }

  u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }

  bytes(at: number, bytes: ArrayLike<number>): void {
    this.#head.set(bytes, at);
  }

  /** @throws SecurityError malformed, for what a message has no room for: its length would be told as another one */
  field(at: number, bytes: Uint8Array): void {
    if (bytes.length > MAX_MESSAGE) throw malformed(`a field of ${bytes.length} bytes has no room in a message`);
    this.#view.setUint16(at, bytes.length, true);
    this.#view.setUint16(at + 2, bytes.length, true);
    this.u32(at + 4, this.#size);
    this.#payload.push(bytes);
    this.#size += bytes.length;
  }

  get message(): Uint8Array {
    return new Uint8Array(Buffer.concat([this.#head, ...this.#payload]));
  }
}

const NEGOTIATE_HEAD = 40;

export function encodeNegotiate(flags: number): Uint8Array {
  const to = new MessageWriter(1, NEGOTIATE_HEAD);
  to.u32(12, flags);
  to.field(16, new Uint8Array());
  to.field(24, new Uint8Array());
  to.bytes(32, VERSION);
  return to.message;
}

/** @throws SecurityError malformed */
export function decodeNegotiate(message: Uint8Array): NegotiateMessage {
  const FLAGS_END = 16;
  check(message, 1, FLAGS_END);
  return { flags: u32(message, 12) };
}

export function encodeChallenge({ flags, challenge, targetInfo }: ChallengeMessage, target: string): Uint8Array {
  const to = new MessageWriter(2, CHALLENGE_HEAD);
  to.field(12, utf16Bytes(target));
  to.u32(20, flags);
  to.bytes(24, challenge);
  to.field(40, targetInfo);
  to.bytes(48, VERSION);
  return to.message;
}

/** @throws SecurityError malformed */
export function decodeChallenge(message: Uint8Array): ChallengeMessage {
  const TARGET_INFO_END = 48;
  check(message, 2, TARGET_INFO_END);
  return { flags: u32(message, 20), challenge: message.slice(24, 32), targetInfo: field(message, 40).slice() };
}

/** The MIC's place is left zero. */
export function encodeAuthenticate(parts: AuthenticateMessage): Uint8Array {
  const to = new MessageWriter(3, AUTHENTICATE_HEAD);
  to.field(28, utf16Bytes(parts.domain));
  to.field(36, utf16Bytes(parts.user));
  to.field(44, utf16Bytes(parts.workstation));
  to.field(12, parts.lmResponse);
  to.field(20, parts.ntResponse);
  to.field(52, parts.sessionKey);
  to.u32(60, parts.flags);
  to.bytes(64, VERSION);
  return to.message;
}

/** @throws SecurityError malformed */
export function decodeAuthenticate(message: Uint8Array): AuthenticateMessage {
  const FLAGS_END = 64;
  check(message, 3, FLAGS_END);
  return {
    lmResponse: field(message, 12),
    ntResponse: field(message, 20),
    domain: textField(message, 28),
    user: textField(message, 36),
    workstation: textField(message, 44),
    sessionKey: field(message, 52),
    flags: u32(message, 60),
  };
}

export function encodeAvPairs(pairs: readonly AvPair[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { id, value } of [...pairs, { id: AvId.end, value: new Uint8Array() }]) {
    parts.push(new Uint8Array([id & 0xff, id >> 8, value.length & 0xff, value.length >> 8]), value);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The pairs up to the end that they name. @throws SecurityError malformed */
export function decodeAvPairs(bytes: Uint8Array): AvPair[] {
  const pairs: AvPair[] = [];
  for (let at = 0; ; ) {
    if (at + 4 > bytes.length) throw malformed('the target information has no end');
    const id = u16(bytes, at);
    const size = u16(bytes, at + 2);
    if (id === AvId.end) return pairs;
    if (at + 4 + size > bytes.length) throw malformed('a pair of the target information is cut off');
    pairs.push({ id, value: bytes.slice(at + 4, at + 4 + size) });
    at += 4 + size;
  }
}
