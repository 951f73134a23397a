import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf16Bytes } from '../../../src/bytes/utf16.ts';
import { md4 } from '../../../src/even6/security/md4.ts';
import { MessageProtection } from '../../../src/even6/security/message-protection.ts';
import { ntlmClient } from '../../../src/even6/security/ntlm-client.ts';
import { hmacMd5, ntHash, ntOwfV2, responseBlob, sealKey, signKey } from '../../../src/even6/security/ntlm-keys.ts';
import {
  AvId,
  decodeAvPairs,
  decodeChallenge,
  encodeAvPairs,
  encodeChallenge,
} from '../../../src/even6/security/ntlm-messages.ts';
import { ntlmServer } from '../../../src/even6/security/ntlm-server.ts';
import { rc4 } from '../../../src/even6/security/rc4.ts';
import { AuthLevel, type SecurityContext, SecurityError } from '../../../src/even6/security/security-context.ts';
import { negotiateClient } from '../../../src/even6/security/spnego-client.ts';
import { negotiateServer } from '../../../src/even6/security/spnego-server.ts';
import {
  decodeInit,
  decodeResponse,
  encodeInit,
  encodeResponse,
  Oid,
} from '../../../src/even6/security/spnego-tokens.ts';
import { digits, hex } from '../hex.ts';

const PASSWORD = 'Password';
const EXPORTED = new Uint8Array(16).fill(0x55);

function ascii(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

describe('the digests and keys of NTLM (MS-NLMP 4.2.4)', () => {
  const hash = ntHash(PASSWORD);
  const key = ntOwfV2(hash, 'User', 'Domain');
  const challenge = hex('0123456789abcdef');
  const clientChallenge = new Uint8Array(8).fill(0xaa);
  const targetInfo = encodeAvPairs([
    { id: AvId.domain, value: utf16Bytes('Domain') },
    { id: AvId.computer, value: utf16Bytes('Server') },
  ]);
  const proof = hmacMd5(key, challenge, responseBlob(0n, clientChallenge, targetInfo));
  const baseKey = hmacMd5(key, proof);

  it.each([
    ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
    ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
    [
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
      'e33b4ddc9c38f2199c3e7b164fcc0536',
    ],
  ])('MD4 of "%s"', (text, digest) => {
    expect(digits(md4(ascii(text)))).toBe(digest);
  });

  it('RC4, the hashes, the response and the session keys', () => {
    expect(digits(rc4(ascii('Key'), ascii('Plaintext')))).toBe('bbf316e8d940af0ad3');
    expect(digits(hash)).toBe('a4f49c406510bdcab6824ee7c30fd852');
    expect(digits(key)).toBe('0c868a403bfd7a93a3001ef22ef02e3f');
    expect(digits(proof)).toBe('68cd0ab851e51c96aabc927bebef6a1c');
    expect(digits(baseKey)).toBe('8de40ccadbc14a82f15cb0ad0de95ca3');
    expect(digits(hmacMd5(key, challenge, clientChallenge))).toBe('86c35097ac9cec102554764a57cccc19');
    expect(digits(rc4(baseKey, EXPORTED))).toBe('c5dad2544fc9799094ce1ce90bc9d03e');
  });

  it('a user’s name is raised unit by unit: ß stays one character', () => {
    expect(digits(ntOwfV2(hash, 'straße', ''))).toBe(digits(hmacMd5(hash, utf16Bytes('STRAßE'))));
  });

  it('the keys of both directions, and a sealed message', () => {
    expect(digits(signKey(EXPORTED, 'client-to-server'))).toBe('4788dc861b4782f35d43fd98fe1a2d39');
    expect(digits(sealKey(EXPORTED, 'client-to-server'))).toBe('59f600973cc4960a25480a7c196e4c58');
    expect(digits(signKey(EXPORTED, 'server-to-client'))).toBe('d04d6f10741041d1d246d64188d7a8ad');
    expect(digits(sealKey(EXPORTED, 'server-to-client'))).toBe('9355f3a957c1583d25c4c2f11e40390e');
    const message = new Uint8Array([...utf16Bytes('Plaintext'), ...new Uint8Array(16)]);
    new MessageProtection(EXPORTED, 'client', true).protect(message, 0, 18, AuthLevel.privacy);
    expect(digits(message)).toBe('54e50165bf1936dc996020c1811b0f06fb5f010000007fb38ec5c55d497600000000');
    new MessageProtection(EXPORTED, 'server', true).unprotect(message, 0, 18, AuthLevel.privacy);
    expect(digits(message.subarray(0, 18))).toBe(digits(utf16Bytes('Plaintext')));
  });
});

/** The client's first request of MS-EVEN6's operation 14, before it is protected. */
const PLAIN = hex(
  `05000003 10000000 50001000 02000000 14000000 00000e00 00000000 c1c2c3c4 c5c6c7c8 c9cacbcc cdcecfd0 00000000 00000000
   00000000 0a060c00 01000000`,
);
const HEAD = 24;
const BODY_END = 56;

function withCallId(level: number, callId: number): Uint8Array {
  const pdu = new Uint8Array(PLAIN.length + 16);
  pdu.set(PLAIN);
  pdu[12] = callId;
  pdu[57] = level;
  return pdu;
}

describe('PDUs as impacket protects them', () => {
  it('sealed, one after the other', () => {
    const client = new MessageProtection(EXPORTED, 'client', true);
    const first = withCallId(AuthLevel.privacy, 2);
    const second = withCallId(AuthLevel.privacy, 3);
    client.protect(first, HEAD, BODY_END, AuthLevel.privacy);
    client.protect(second, HEAD, BODY_END, AuthLevel.privacy);
    expect(digits(first)).toBe(
      digits(
        hex(`05000003 10000000 50001000 02000000 14000000 00000e00 04e56d65 1fdb9c18 32a69309 2dd1bcca 4291c056 a694370b
             0a7f34c3 64e0ffa2 0a060c00 01000000 01000000 1079a899 bb7b6566 00000000`),
      ),
    );
    expect(digits(second)).toBe(
      digits(
        hex(`05000003 10000000 50001000 03000000 14000000 00000e00 79e774fa f6fa9b09 42d65bda 8b66afd9 cb9e6c04 b842ffc8
             f08b202d 71b0b6fa 0a060c00 01000000 01000000 9d25d10e 75efc678 01000000`),
      ),
    );
  });

  it('signed', () => {
    const pdu = withCallId(AuthLevel.integrity, 2);
    new MessageProtection(EXPORTED, 'client', true).protect(pdu, HEAD, BODY_END, AuthLevel.integrity);
    expect(digits(pdu.subarray(64))).toBe(digits(hex('01000000 c3dd27cb c29266c1 00000000')));
    expect(digits(pdu.subarray(0, 64))).toBe(digits(withCallId(AuthLevel.integrity, 2).subarray(0, 64)));
  });

  it('of the server', () => {
    const pdu = hex(
      `05000203 10000000 40001000 02000000 04000000 00000000 00000000 00000000 00000000 00000000 0a060c00 01000000
       00000000 00000000 00000000 00000000`,
    );
    new MessageProtection(EXPORTED, 'server', true).protect(pdu, HEAD, 40, AuthLevel.privacy);
    expect(digits(pdu)).toBe(
      digits(
        hex(`05000203 10000000 40001000 02000000 04000000 00000000 46081db7 51ba1de9 28c427d7 235b2c27 0a060c00 01000000
             01000000 117dcefc b16dc2e0 00000000`),
      ),
    );
  });
});

describe('the tokens of SPNEGO', () => {
  it('stand as Windows and Samba send them', () => {
    const ntlm = hex('4e544c4d53535000 01000000 358208e2 00000000 28000000 00000000 28000000 0a006345 0000000f');
    const { bytes, mechanismList } = encodeInit([Oid.ntlm], ntlm);
    expect(digits(bytes)).toBe(
      digits(
        hex(`60480606 2b060105 0502a03e 303ca00e 300c060a 2b060104 01823702 020aa22a 04284e54 4c4d5353 50000100 00003582
             08e20000 00002800 00000000 00002800 00000a00 63450000 000f`),
      ),
    );
    expect(digits(mechanismList)).toBe('300c060a2b06010401823702020a');
    expect(decodeInit(bytes)).toEqual({ mechanisms: [Oid.ntlm], mechanismList, token: ntlm });
    const challenge = hex('a11d301b a0030a01 01a10c06 0a2b0601 04018237 02020aa2 060404de adbeef');
    const answered = { state: 1, mechanism: Oid.ntlm, token: hex('deadbeef') };
    expect(digits(encodeResponse(answered))).toBe(digits(challenge));
    expect(decodeResponse(challenge)).toEqual({ ...answered, mic: undefined });
    const accepted = hex('a1073005 a0030a01 00');
    expect(digits(encodeResponse({ state: 0 }))).toBe(digits(accepted));
    expect(decodeResponse(accepted)).toEqual({ state: 0, mechanism: undefined, token: undefined, mic: undefined });
  });

  it('are read with lengths of more bytes than they need, and refused where an item is larger than what holds it', () => {
    expect(decodeResponse(hex('a1820008 308105a0 030a0100')).state).toBe(0);
    for (const bad of [
      'a1073006 a0030a01 00',
      'a1083005 a0030a01 00',
      'a1843005 a0030a01 00',
      'a1803005 a0030a01 00',
    ]) {
      expect(() => decodeResponse(hex(bad)), bad).toThrow(expect.objectContaining({ reason: 'malformed' }));
    }
  });

  it('the list’s signatures of both ends', () => {
    const list = hex('300c060a2b06010401823702020a');
    const sign = (role: 'client' | 'server') => digits(new MessageProtection(EXPORTED, role, true).sign(list));
    const signatures = {
      client: hex('01000000 22a3984f efbb9c32 00000000'),
      server: hex('01000000 7dd6da05 648a73ae 00000000'),
    };
    expect(sign('client')).toBe(digits(signatures.client));
    expect(sign('server')).toBe(digits(signatures.server));
    new MessageProtection(EXPORTED, 'server', true).verify(list, signatures.client);
    new MessageProtection(EXPORTED, 'client', true).verify(list, signatures.server);
    expect(() => new MessageProtection(EXPORTED, 'client', true).verify(list, signatures.client)).toThrow(
      SecurityError,
    );
  });
});

interface Ends {
  readonly client: SecurityContext;
  readonly server: SecurityContext;
}

const NAMES = { computer: 'SERVER', domain: 'EVT', dnsName: 'server.evt.test' };

function ends(kind: 'ntlm' | 'negotiate', level: number, password = PASSWORD, user = 'alice', domain = ''): Ends {
  const findNtHash = (name: string) => (name.toUpperCase() === 'ALICE' ? ntHash(PASSWORD) : undefined);
  const given = { user, domain, password, host: 'server', level };
  const serving = { ...NAMES, findNtHash, level };
  return kind === 'ntlm'
    ? { client: ntlmClient(given), server: ntlmServer(serving) }
    : { client: negotiateClient(given), server: negotiateServer(serving) };
}

/** Carries tokens from one end to the other until both are done. @param change of a token on its way to the server */
function authenticate(
  { client, server }: Ends,
  change: (token: Uint8Array, leg: number) => Uint8Array = (t) => t,
): void {
  let toServer = client.step(undefined);
  for (let leg = 0; toServer.token !== undefined; leg++) {
    const toClient = server.step(change(toServer.token, leg));
    if (toClient.token === undefined) return;
    toServer = client.step(toClient.token);
  }
}

function carry(from: SecurityContext, to: SecurityContext, level: number, text: string): string {
  const body = Buffer.from(text);
  const pdu = new Uint8Array(HEAD + body.length + 8 + 16);
  pdu.set(body, HEAD);
  from.protect(pdu, HEAD, HEAD + body.length, level);
  to.unprotect(pdu, HEAD, HEAD + body.length, level);
  return Buffer.from(pdu.subarray(HEAD, HEAD + body.length)).toString();
}

const KINDS = ['ntlm', 'negotiate'] as const;
const LEVELS = [AuthLevel.integrity, AuthLevel.privacy];

describe.each(KINDS)('%s between a client and a server', (kind) => {
  it.each(LEVELS)('lets in who knows the password, and protects what they say at level %i', (level) => {
    const { client, server } = ends(kind, level);
    authenticate({ client, server });
    expect(server.identity).toMatchObject({ user: 'alice', domain: '' });
    for (const text of ['one', 'two, which is longer', '']) {
      expect(carry(client, server, level, text)).toBe(text);
      expect(carry(server, client, level, text)).toBe(text);
    }
  });

  it.each([
    ['a wrong password', 'password', 'alice'],
    ['an unknown user', PASSWORD, 'mallory'],
    ['nobody', '', ''],
  ])('refuses %s', (_, password, user) => {
    expect(() => authenticate(ends(kind, AuthLevel.privacy, password, user))).toThrow(
      expect.objectContaining({ name: 'SecurityError', reason: 'refused' }),
    );
  });

  it('with any names and passwords', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), fc.string({ maxLength: 12 }), (password, domain) => {
        const findNtHash = () => ntHash(password);
        const given = { user: 'Ünïcode', domain, password, host: 'h', level: AuthLevel.privacy };
        const serving = { ...NAMES, findNtHash, level: AuthLevel.privacy };
        const pair =
          kind === 'ntlm'
            ? { client: ntlmClient(given), server: ntlmServer(serving) }
            : { client: negotiateClient(given), server: negotiateServer(serving) };
        authenticate(pair);
        expect(pair.server.identity?.domain).toBe(domain);
        expect(carry(pair.client, pair.server, AuthLevel.privacy, 'x')).toBe('x');
      }),
      { numRuns: 30 },
    );
  });

  it('refuses a message that comes twice, and one that was changed in any byte', () => {
    const { client, server } = ends(kind, AuthLevel.privacy);
    authenticate({ client, server });
    const pdu = new Uint8Array(80);
    client.protect(pdu, HEAD, 56, AuthLevel.privacy);
    server.unprotect(pdu.slice(), HEAD, 56, AuthLevel.privacy);
    expect(() => server.unprotect(pdu.slice(), HEAD, 56, AuthLevel.privacy)).toThrow(SecurityError);
    for (let at = 0; at < pdu.length; at++) {
      const pair = ends(kind, AuthLevel.privacy);
      authenticate(pair);
      const changed = new Uint8Array(80);
      pair.client.protect(changed, HEAD, 56, AuthLevel.privacy);
      changed[at] = changed[at]! ^ 1;
      expect(() => pair.server.unprotect(changed, HEAD, 56, AuthLevel.privacy), `byte ${at}`).toThrow(SecurityError);
    }
  });
});

describe('AUTHENTICATE', () => {
  /** The bits of the last leg that can be changed, one at a time, and the client's first message is taken all the same. */
  function ignoredBits(pair: () => Ends): number[] {
    const leg = 1;
    let size = 0;
    authenticate(pair(), (token, at) => {
      if (at === leg) size = token.length;
      return token;
    });
    const ignored: number[] = [];
    for (let bit = 0; bit < 8 * size; bit++) {
      const { client, server } = pair();
      try {
        authenticate({ client, server }, (token, at) => {
          if (at !== leg) return token;
          const changed = token.slice();
          changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
          return changed;
        });
        carry(client, server, AuthLevel.privacy, 'x');
        ignored.push(bit);
      } catch (error) {
        expect(error).toBeInstanceOf(SecurityError);
      }
    }
    return ignored;
  }

  it('with any one bit changed is refused: its MIC covers all of it', () => {
    expect(ignoredBits(() => ends('ntlm', AuthLevel.privacy))).toEqual([]);
  });

  it('without a MIC, as old clients send it, is covered by its response alone', () => {
    /** A server that tells no time, to which clients send no MIC. */
    const withoutTime = (): Ends => {
      const { client, server } = ends('ntlm', AuthLevel.privacy);
      const step = (token: Uint8Array | undefined) => {
        const answer = server.step(token);
        if (answer.token === undefined || answer.done) return answer;
        const { flags, challenge, targetInfo } = decodeChallenge(answer.token);
        const pairs = decodeAvPairs(targetInfo).filter(({ id }) => id !== AvId.timestamp);
        const changed = encodeChallenge({ flags, challenge, targetInfo: encodeAvPairs(pairs) }, '');
        return { token: changed, done: false };
      };
      const unprotect: SecurityContext['unprotect'] = (...given) => server.unprotect(...given);
      return { client, server: { ...server, step, unprotect } };
    };
    const ignored = new Map<number, number>();
    for (const bit of ignoredBits(withoutTime)) {
      ignored.set(bit >> 3, (ignored.get(bit >> 3) ?? 0) | (1 << (bit & 7)));
    }
    const HEAD = 88;
    const USER = 'alice';
    const LM_AT = HEAD + 2 * USER.length;
    const LM_SIZE = 24;
    const range = (from: number, size: number) => Array.from({ length: size }, (_, i) => from + i);
    const ALL = 0xff;
    const expected = new Map<number, number>([
      // Length and place of the response of LAN Manager, which nobody reads, as far as it stays within the message; and what it is.
      [12, ALL],
      [16, ALL],
      ...range(LM_AT, LM_SIZE).map((at) => [at, ALL] as const),
      // The length of the machine's name, which nobody vouches for: half a character is none.
      [44, ALL & ~1],
      // The room that fields are said to take: their lengths count.
      ...[14, 22, 30, 38, 46, 54].flatMap((at) => range(at, 2).map((each) => [each, ALL] as const)),
      // Where fields are that are empty: domain and workstation.
      ...[32, 48].flatMap((at) => range(at, 4).map((each) => [each, ALL] as const)),
      // Flags that this end asks nothing of.
      [60, ALL & ~0x31],
      [61, ALL],
      [62, ALL & ~0x08],
      [63, ALL & ~0x60],
      // Version, and the place of the MIC.
      ...range(64, 24).map((at) => [at, ALL] as const),
      // The case of the user's name.
      ...range(HEAD, 2 * USER.length)
        .filter((at) => at % 2 === 0)
        .map((at) => [at, 0x20] as const),
    ]);
    const byPlace = (bits: Map<number, number>) => [...bits].toSorted(([a], [b]) => a - b);
    expect(byPlace(ignored)).toEqual(byPlace(expected));
  });

  it('with the response of NTLMv1, or none, is refused', () => {
    // The length of the NT response is a field of its own.
    for (const length of [0, 24, 47]) {
      expect(() =>
        authenticate(ends('ntlm', AuthLevel.integrity), (token, leg) => {
          const changed = token.slice();
          if (leg === 1) new DataView(changed.buffer).setUint16(20, length, true);
          return changed;
        }),
      ).toThrow(expect.objectContaining({ name: 'SecurityError', reason: 'refused' }));
    }
  });

  it('without the flags that the level needs is refused', () => {
    for (const flag of [0x1, 0x10, 0x20, 0x8_0000, 0x2000_0000]) {
      expect(() =>
        authenticate(ends('ntlm', AuthLevel.privacy), (token, leg) => {
          const changed = token.slice();
          const view = new DataView(changed.buffer);
          if (leg === 1) view.setUint32(60, (view.getUint32(60, true) & ~flag) >>> 0, true);
          return changed;
        }),
      ).toThrow(SecurityError);
    }
  });
});

describe('SPNEGO', () => {
  it('asks for NTLM where the client likes Kerberos better, and then wants its list vouched for', () => {
    const { client, server } = ends('negotiate', AuthLevel.privacy);
    const kerberosFirst = encodeInit([Oid.microsoftKerberos, Oid.kerberos, Oid.ntlm], hex('6e82'));
    const answer = server.step(kerberosFirst.bytes);
    expect(digits(answer.token!)).toBe(`a1153013a0030a0103a10c${Oid.ntlm}`);
    const negotiate = decodeInit(client.step(undefined).token!).token!;
    const challenge = server.step(encodeResponse({ token: negotiate }));
    const ntlm = client.step(challenge.token!);
    // The client's own list has no Kerberos in it: what it vouches for is not what the server was offered.
    expect(() => server.step(ntlm.token!)).toThrow(expect.objectContaining({ reason: 'signature' }));
  });

  it('without NTLM in the list is told that this is not known here', () => {
    const { server } = ends('negotiate', AuthLevel.privacy);
    expect(() => server.step(encodeInit([Oid.kerberos], hex('6e82')).bytes)).toThrow(
      expect.objectContaining({ reason: 'unsupported' }),
    );
  });

  it('takes NTLM without its wrapping', () => {
    const { client } = ends('ntlm', AuthLevel.privacy);
    const { server } = ends('negotiate', AuthLevel.privacy);
    authenticate({ client, server });
    expect(server.identity?.user).toBe('alice');
    expect(carry(client, server, AuthLevel.privacy, 'x')).toBe('x');
  });
});

describe('whatever a peer sends', () => {
  const tokens: Uint8Array[] = [];
  for (const kind of KINDS) {
    authenticate(ends(kind, AuthLevel.privacy), (token) => {
      tokens.push(token.slice());
      return token;
    });
  }

  it('a token cut or changed anywhere ends in a SecurityError, if not in success', () => {
    const tried = (pair: Ends, token: Uint8Array) => {
      for (const end of [pair.server, pair.client]) {
        try {
          if (end === pair.client) end.step(undefined);
          end.step(token);
        } catch (error) {
          expect(error).toBeInstanceOf(SecurityError);
        }
      }
    };
    for (const kind of KINDS) {
      for (const token of tokens) {
        for (let cut = 0; cut < token.length; cut += 3) tried(ends(kind, AuthLevel.privacy), token.subarray(0, cut));
        for (let at = 0; at < token.length; at += 2) {
          const changed = token.slice();
          changed[at] = 0xff;
          tried(ends(kind, AuthLevel.privacy), changed);
        }
      }
    }
  });
});
