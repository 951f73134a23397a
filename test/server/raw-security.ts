import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { decodeResponse, encodeInit, encodeResponse, Oid } from '../../src/even6/security/spnego-tokens.ts';
import { ackOf, type Came, call, EVENTS, Flag, type Item, MANAGEMENT, offer, pdu, RawPeer, Type } from './raw-peer.ts';
import { PASSWORD } from './serve.ts';

/** A raw peer that says who it is, leg by leg, and protects its requests: every byte of that can be changed on its way. */

export const NTLM = 10;
export const NEGOTIATE = 9;
export const Level = { connect: 2, call: 3, packet: 4, integrity: 5, privacy: 6 } as const;

const AUTH_CONTEXT = 1;
const SIGNATURE = 16;
/** Header, and the head of a call. */
const STUB_AT = 24;

export interface LogOn {
  readonly level?: number;
  readonly user?: string;
  readonly password?: string;
  readonly domain?: string;
  readonly items?: readonly Item[];
  /** Flags of the bind. */
  readonly flags?: number;
  readonly receive?: number;
  readonly group?: number;
  /** Changes AUTHENTICATE on its way. */
  readonly change?: (authenticate: Uint8Array) => Uint8Array;
}

export type Part = 'whole' | 'first' | 'middle' | 'last';
const PART_FLAGS = { whole: Flag.whole, first: Flag.first, middle: 0, last: Flag.last } as const;

export interface RequestOptions {
  readonly part?: Part;
  readonly flags?: number;
  /** Bytes between stub and trailer. Default: up to a multiple of 16. */
  readonly padding?: number;
  readonly contextId?: number;
  readonly hint?: number;
}

/** An answer as its fragments came. */
export interface Answer {
  readonly stub: Buffer;
  readonly fragments: readonly Came[];
}

/** A connection on which both ends know each other, or at least this one thinks so. */
export class Session {
  readonly peer: RawPeer;
  readonly #client: NtlmClient;
  readonly #type: number;
  readonly #level: number;
  #callId = 100;

  constructor(peer: RawPeer, client: NtlmClient, type: number, level: number) {
    this.peer = peer;
    this.#client = client;
    this.#type = type;
    this.#level = level;
  }

  /** A request of one fragment, protected. Make them in the order of sending. */
  request(callId: number, opnum: number, stub: Uint8Array, options: RequestOptions = {}): Uint8Array {
    const { part = 'whole', padding = -stub.length & 15, flags = 0 } = options;
    const auth = { type: this.#type, level: this.#level, contextId: AUTH_CONTEXT, token: new Uint8Array(SIGNATURE) };
    const body = call(opnum, stub, options);
    const bytes = pdu(Type.request, callId, body, { flags: PART_FLAGS[part] | flags, auth, padding });
    this.#client.protect(bytes, STUB_AT, STUB_AT + stub.length + padding, this.#level);
    return bytes;
  }

  /** Decrypts a fragment of an answer, and checks its signature. @throws SecurityError */
  open({ type, bytes, auth, padding }: Came): Buffer {
    if (type !== Type.response || auth?.token.length !== SIGNATURE) throw new Error(`a PDU of type ${type}`);
    const end = bytes.length - SIGNATURE - 8;
    this.#client.unprotect(bytes, STUB_AT, end, this.#level);
    return bytes.subarray(STUB_AT, end - padding);
  }

  /** The whole answer to a request that has been sent. */
  async answer(): Promise<Answer> {
    const fragments: Came[] = [];
    const stubs: Buffer[] = [];
    for (;;) {
      const came = await this.peer.next();
      stubs.push(this.open(came));
      fragments.push(came);
      if ((came.flags & Flag.last) !== 0) return { stub: Buffer.concat(stubs), fragments };
    }
  }

  /** Makes a call. @returns the answer's stub */
  async call(opnum: number, stub: Uint8Array): Promise<Buffer> {
    this.peer.send(this.request(this.#callId++, opnum, stub));
    return (await this.answer()).stub;
  }
}

function ntlm({ level = Level.privacy, user = 'alice', password = PASSWORD, domain = '' }: LogOn): NtlmClient {
  return new NtlmClient({ user, password, domain, host: 'localhost', level });
}

/** A token with the trailer that carries it. */
export function trailer(type: number, level: number, token: Uint8Array) {
  return { type, level, contextId: AUTH_CONTEXT, token };
}

export const DEFAULT_ITEMS: readonly Item[] = [EVENTS, MANAGEMENT];

/** Logs on by plain NTLM: bind, and an auth3 that nobody answers. */
export async function logOn(
  port: number,
  options: LogOn = {},
): Promise<Session & { readonly ack: ReturnType<typeof ackOf>; readonly came: Came }> {
  const { level = Level.privacy, items = DEFAULT_ITEMS, flags = 0, change = (token) => token } = options;
  const peer = await RawPeer.connect(port);
  const client = ntlm(options);
  const offered = offer(items, options);
  const first = trailer(NTLM, level, client.step(undefined).token!);
  const came = await peer.exchange(pdu(Type.bind, 1, offered, { flags: Flag.whole | flags, auth: first }));
  const last = change(client.step(came.auth!.token).token!);
  peer.send(pdu(Type.auth3, 2, new Uint8Array(4), { auth: trailer(NTLM, level, last) }));
  return Object.assign(new Session(peer, client, NTLM, level), { ack: ackOf(came), came });
}

export interface Negotiation extends LogOn {
  /** In the order of the client's liking; the token of the first leg is NTLM's where NTLM is first. */
  readonly mechanisms?: readonly string[];
  readonly changeMic?: (mic: Uint8Array) => Uint8Array;
  readonly withoutMic?: boolean;
}

/** Logs on by SPNEGO as far as the last leg. @returns what that was answered with, and the answers of the others */
export async function negotiate(
  port: number,
  options: Negotiation = {},
): Promise<{ readonly session: Session; readonly legs: readonly Came[]; readonly last: Came }> {
  const { level = Level.privacy, items = DEFAULT_ITEMS, flags = 0, mechanisms = [Oid.ntlm] } = options;
  const { change = (token) => token, changeMic = (mic) => mic, withoutMic = false } = options;
  const peer = await RawPeer.connect(port);
  const client = ntlm(options);
  const isFirst = mechanisms[0] === Oid.ntlm;
  const hello = client.step(undefined).token!;
  const init = encodeInit(mechanisms, isFirst ? hello : Uint8Array.of(0x6e, 0x00));
  const offered = offer(items, options);
  const auth = (token: Uint8Array) => trailer(NEGOTIATE, level, token);
  const alter = (token: Uint8Array) => peer.exchange(pdu(Type.alterContext, 2, offered, { auth: auth(token) }));
  const legs = [await peer.exchange(pdu(Type.bind, 1, offered, { flags: Flag.whole | flags, auth: auth(init.bytes) }))];
  if (!isFirst) legs.push(await alter(encodeResponse({ token: hello })));
  const challenge = decodeResponse(legs.at(-1)!.auth!.token).token!;
  const token = change(client.step(challenge).token!);
  const mic = withoutMic ? undefined : changeMic(client.protection.sign(init.mechanismList));
  const last = await alter(encodeResponse({ token, mic }));
  if (last.type === Type.alterContextResponse && mic !== undefined) {
    client.protection.verify(init.mechanismList, decodeResponse(last.auth!.token).mic!);
    client.protection.restartStreams();
  }
  return { session: new Session(peer, client, NEGOTIATE, level), legs, last };
}
