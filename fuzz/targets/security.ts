import { derItem, readItems } from '../../src/even6/security/der.ts';
import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { ntHash } from '../../src/even6/security/ntlm-keys.ts';
import { isNtlm } from '../../src/even6/security/ntlm-messages.ts';
import { NtlmServer } from '../../src/even6/security/ntlm-server.ts';
import { AuthLevel, type SecurityContext, SecurityError } from '../../src/even6/security/security-context.ts';
import { NegotiateClient } from '../../src/even6/security/spnego-client.ts';
import { NegotiateServer } from '../../src/even6/security/spnego-server.ts';
import { decodeInit, decodeResponse, encodeInit, encodeResponse, Oid } from '../../src/even6/security/spnego-tokens.ts';
import { hex } from '../../test/even6/hex.ts';
import { mutateBytes } from '../mutate.ts';
import type { Random } from '../random.ts';
import { asBytes, refusable, type Target } from '../target.ts';

const PASSWORD = 'Password';
const hash = ntHash(PASSWORD);
const FIXED = { random: (size: number) => new Uint8Array(size).fill(0x5a), now: () => 133_485_408_000_000_000n };
const CLIENT = { user: 'User', domain: 'Domain', password: PASSWORD, host: 'host', level: AuthLevel.privacy, ...FIXED };
const SERVER = {
  computer: 'SERVER',
  domain: 'SERVER',
  dnsName: 'server.example',
  findNtHash: (user: string) => (user.toUpperCase() === 'USER' ? hash.slice() : undefined),
  level: AuthLevel.privacy,
  ...FIXED,
};

const MAKERS = {
  ntlm: { client: () => new NtlmClient(CLIENT), server: () => new NtlmServer(SERVER) },
  negotiate: { client: () => new NegotiateClient(CLIENT), server: () => new NegotiateServer(SERVER) },
} as const;
type Mechanism = keyof typeof MAKERS;

/** The tokens of a whole authentication, the client's first; the same every time. */
function exchange({ client, server }: (typeof MAKERS)[Mechanism]): Uint8Array[] {
  const ends: readonly SecurityContext[] = [client(), server()];
  const tokens: Uint8Array[] = [];
  for (let at = 0, token: Uint8Array | undefined; ; at = 1 - at) {
    const step = ends[at]!.step(token);
    token = step.token;
    if (token === undefined) return tokens;
    tokens.push(token);
  }
}

const EXCHANGES = { ntlm: exchange(MAKERS.ntlm), negotiate: exchange(MAKERS.negotiate) } as const;

/** One end is told what the other said, one token of which has been changed. */
function takeTokens(end: SecurityContext, given: readonly Uint8Array[], side: 0 | 1, pristine: boolean): void {
  refusable(() => {
    let done = false;
    if (side === 1) end.step(undefined);
    for (const token of given) done = end.step(token).done;
    if (!done) return;
    // Whoever came through with a changed token has changed what does not matter: the keys must be those of the exchange.
    const pdu = new Uint8Array(64);
    end.protect(pdu, 16, 40, AuthLevel.privacy);
    if (pristine && end.identity === undefined && side === 0) throw new Error('let in without a name');
  }, [SecurityError]);
  end.dispose();
}

/** @param side whose tokens are changed: 0 the client's, 1 the server's */
function exchangeTarget(mechanism: Mechanism, side: 0 | 1): Target {
  const all = EXCHANGES[mechanism];
  const spoken = all.filter((_, i) => i % 2 === side);
  return {
    name: `${mechanism}-${side === 0 ? 'server' : 'client'}`,
    // Which token, and that token.
    make: (random) => {
      const which = random.below(spoken.length);
      return Uint8Array.of(which, ...mutateBytes(spoken[which]!, random));
    },
    take: (input) => {
      const bytes = asBytes(input);
      const tokens = spoken.map((token, i) => (i === bytes[0] ? bytes.slice(1) : token));
      const { client, server } = MAKERS[mechanism];
      takeTokens(side === 0 ? server() : client(), tokens, side, bytes.length === 0);
    },
  };
}

const INIT = hex(
  `60480606 2b060105 0502a03e 303ca00e 300c060a 2b060104 01823702 020aa22a 04284e54 4c4d5353 50000100 00003582 08e20000
   00002800 00000000 00002800 00000a00 63450000 000f`,
);
const KERBEROS_FIRST = encodeInit([Oid.kerberos, Oid.microsoftKerberos, Oid.ntlm], hex('6e040102')).bytes;
const RESPONSES = [
  hex('a11d301b a0030a01 01a10c06 0a2b0601 04018237 02020aa2 060404de adbeef'),
  hex('a1073005 a0030a01 00'),
  encodeResponse({ state: 0, token: new Uint8Array(300), mic: new Uint8Array(16) }),
];

function nested(random: Random): Uint8Array {
  let bytes: Uint8Array = Uint8Array.of(4, 1, 0);
  for (let depth = random.below(60); depth > 0; depth--) bytes = derItem(random.pick([0x30, 0xa0, 0x60]), bytes);
  return bytes;
}

/** NTLM and SPNEGO: their tokens, and both ends of an authentication. */
export const SECURITY_TARGETS: readonly Target[] = [
  exchangeTarget('ntlm', 0),
  exchangeTarget('ntlm', 1),
  exchangeTarget('negotiate', 0),
  exchangeTarget('negotiate', 1),
  {
    name: 'spnego',
    make: (random) =>
      mutateBytes(random.below(8) === 0 ? nested(random) : random.pick([INIT, KERBEROS_FIRST, ...RESPONSES]), random),
    take: (input) => {
      const bytes = asBytes(input);
      isNtlm(bytes);
      refusable(() => readItems(bytes), [SecurityError]);
      refusable(() => {
        const { mechanisms, token } = decodeInit(bytes);
        decodeInit(encodeInit(mechanisms, token).bytes);
      }, [SecurityError]);
      refusable(() => decodeResponse(encodeResponse(decodeResponse(bytes))), [SecurityError]);
      for (const end of [MAKERS.negotiate.server(), MAKERS.ntlm.server()]) {
        refusable(() => end.step(bytes), [SecurityError]);
        end.dispose();
      }
    },
  },
];
