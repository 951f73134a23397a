import { derItem, onlyItem, readItem, readItems } from './der.ts';
import { SecurityError } from './security-context.ts';

/** The tokens of SPNEGO (RFC 4178, MS-SPNG). */

const Tag = {
  application: 0x60,
  response: 0xa1,
  sequence: 0x30,
  oid: 0x06,
  octets: 0x04,
  enumerated: 0x0a,
} as const;
const context = (number: number) => 0xa0 + number;

/** Object identifiers: the digits of their encoding, tag and length included. */
export const Oid = {
  spnego: '06062b0601050502',
  ntlm: '060a2b06010401823702020a',
  kerberos: '06092a864886f712010202',
  microsoftKerberos: '06092a864882f712010202',
} as const;

export const NegState = { accepted: 0, incomplete: 1, reject: 2, requestMic: 3 } as const;

const MAX_MECHANISMS = 16;

/** The client's first token. */
export interface NegotiateInit {
  /** Encoded object identifiers, in the order of the client's liking. */
  readonly mechanisms: readonly string[];
  /** The list as it was sent: what both ends vouch for at the end. */
  readonly mechanismList: Uint8Array;
  readonly token: Uint8Array | undefined;
}

/** Every later token, of either end. */
export interface NegotiateResponse {
  readonly state?: number | undefined;
  readonly mechanism?: string | undefined;
  readonly token?: Uint8Array | undefined;
  readonly mic?: Uint8Array | undefined;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function unhex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

function octets(bytes: Uint8Array): Uint8Array {
  return derItem(Tag.octets, bytes);
}

/** @throws SecurityError malformed */
export function decodeInit(bytes: Uint8Array): NegotiateInit {
  const outer = onlyItem(bytes, Tag.application).content;
  const { item: oid, end } = readItem(outer, 0);
  if (hex(oid.bytes) !== Oid.spnego) throw new SecurityError('malformed', 'this is not SPNEGO');
  const choice = onlyItem(outer.subarray(end), context(0)).content;
  let mechanismList: Uint8Array | undefined;
  let token: Uint8Array | undefined;
  for (const { tag, content } of readItems(onlyItem(choice, Tag.sequence).content)) {
    if (tag === context(0)) mechanismList = onlyItem(content, Tag.sequence).bytes;
    else if (tag === context(2)) token = onlyItem(content, Tag.octets).content;
  }
  if (mechanismList === undefined) throw new SecurityError('malformed', 'SPNEGO: no mechanism is offered');
  const mechanisms = readItems(onlyItem(mechanismList, Tag.sequence).content).map(({ bytes: each }) => hex(each));
  if (mechanisms.length > MAX_MECHANISMS) throw new SecurityError('malformed', 'SPNEGO: too many mechanisms');
  return { mechanisms, mechanismList: mechanismList.slice(), token };
}

export function encodeInit(
  mechanisms: readonly string[],
  token: Uint8Array | undefined,
): NegotiateInit & { readonly bytes: Uint8Array } {
  const mechanismList = derItem(Tag.sequence, ...mechanisms.map(unhex));
  const parts = [derItem(context(0), mechanismList)];
  if (token !== undefined) parts.push(derItem(context(2), octets(token)));
  const bytes = derItem(Tag.application, unhex(Oid.spnego), derItem(context(0), derItem(Tag.sequence, ...parts)));
  return { mechanisms, mechanismList, token, bytes };
}

/** @throws SecurityError malformed */
export function decodeResponse(bytes: Uint8Array): NegotiateResponse {
  const sequence = onlyItem(onlyItem(bytes, Tag.response).content, Tag.sequence).content;
  let state: number | undefined;
  let mechanism: string | undefined;
  let token: Uint8Array | undefined;
  let mic: Uint8Array | undefined;
  for (const { tag, content } of readItems(sequence)) {
    if (tag === context(0)) state = onlyItem(content, Tag.enumerated).content[0];
    else if (tag === context(1)) mechanism = hex(onlyItem(content, Tag.oid).bytes);
    else if (tag === context(2)) token = onlyItem(content, Tag.octets).content;
    else if (tag === context(3)) mic = onlyItem(content, Tag.octets).content;
  }
  return { state, mechanism, token, mic };
}

export function encodeResponse({ state, mechanism, token, mic }: NegotiateResponse): Uint8Array {
  const parts: Uint8Array[] = [];
  if (state !== undefined) parts.push(derItem(context(0), derItem(Tag.enumerated, Uint8Array.of(state))));
  if (mechanism !== undefined) parts.push(derItem(context(1), unhex(mechanism)));
  if (token !== undefined) parts.push(derItem(context(2), octets(token)));
  if (mic !== undefined) parts.push(derItem(context(3), octets(mic)));
  return derItem(Tag.response, derItem(Tag.sequence, ...parts));
}
