import { describe, expect, it } from 'vitest';
import { WireTemplateCache } from '../../src/binxml/wire.ts';
import { decodePdu, encodePdu, PduError, PduFlag, PduStream, PduType } from '../../src/even6/pdu/pdu.ts';
import { EVENT_SERVICE, NDR } from '../../src/even6/pdu/syntaxes.ts';
import { checkVerificationTrailer } from '../../src/even6/pdu/verification-trailer.ts';
import { StubAssembly } from '../../src/even6/rpc/pdu-security.ts';
import { NtlmClient } from '../../src/even6/security/ntlm-client.ts';
import { encodeChallenge } from '../../src/even6/security/ntlm-messages.ts';
import { NtlmServer } from '../../src/even6/security/ntlm-server.ts';
import { AuthLevel, SecurityError } from '../../src/even6/security/security-context.ts';
import { isOfPattern } from '../../src/server/users.ts';
import { hex } from '../even6/hex.ts';

const { first, last } = PduFlag;

describe('PDUs in pieces', () => {
  const body = new Uint8Array(40_000).map((_, i) => i);
  const pdu = encodePdu({ type: PduType.request, flags: 3, callId: 1, body });

  it('byte by byte are the PDUs that they are in one piece', () => {
    const stream = new PduStream();
    const found: Uint8Array[] = [];
    for (const byte of [...pdu, ...pdu]) found.push(...stream.push(Uint8Array.of(byte)));
    expect(found.map((one) => Buffer.from(one).equals(pdu))).toEqual([true, true]);
    expect(stream.isPartial).toBe(false);
  });

  it('are given out before what is no PDU is refused', () => {
    const stream = new PduStream();
    const found: Uint8Array[] = [];
    const push = () => {
      for (const one of stream.push(new Uint8Array([...pdu, 4, 0, 0, 0]))) found.push(one);
    };
    expect(push).toThrow(PduError);
    expect(found).toHaveLength(1);
  });

  it('larger than a PDU can be are not sent with the length of another', () => {
    expect(() => encodePdu({ type: PduType.bind, flags: 3, callId: 1, body: new Uint8Array(65_530) })).toThrow(
      PduError,
    );
    const largest = encodePdu({ type: PduType.bind, flags: 3, callId: 1, body: new Uint8Array(65_519) });
    expect(decodePdu(largest).body).toHaveLength(65_519);
  });
});

describe('the fragments of a stub', () => {
  it('come together in order, however small they are', () => {
    const assembly = new StubAssembly();
    expect(assembly.add(Uint8Array.of(0), first)).toBe(true);
    for (let i = 1; i < 1000; i++)
      expect(assembly.add(i % 3 === 0 ? new Uint8Array() : Uint8Array.of(i), 0)).toBe(true);
    expect(assembly.size).toBe(667);
    expect(assembly.stub.buffer.byteLength).toBeLessThanOrEqual(2 * 667);
    expect([...assembly.stub.subarray(0, 5)]).toEqual([0, 1, 2, 4, 5]);
  });

  it('are refused without their first, and with two', () => {
    expect(new StubAssembly().add(Uint8Array.of(1), last)).toBe(false);
    const assembly = new StubAssembly();
    assembly.add(Uint8Array.of(1), first);
    expect(assembly.add(Uint8Array.of(2), first | last)).toBe(false);
  });
});

describe('a verification trailer', () => {
  const MAGIC = '8ae31371 02f43671';
  const call = { abstract: EVENT_SERVICE, transfer: NDR, callId: 3, contextId: 0, opnum: 5 };

  it('is looked for at the end only: what looks like one in the call’s own data is data', () => {
    const stub = new Uint8Array(4 * 1024 * 1024);
    stub.set(hex(MAGIC), 1024);
    expect(checkVerificationTrailer(stub, call)).toBe(stub);
  });

  it('behind the largest stub is found and cut off', () => {
    const stub = new Uint8Array(1024 * 1024 + 16);
    stub.set(hex(`${MAGIC} 01400400 01000000`), 1024 * 1024);
    expect(checkVerificationTrailer(stub, call)).toHaveLength(1024 * 1024);
  });
});

describe('templates that a server sends', () => {
  const definition = (guid: number, size: number, fill: number) => {
    const bytes = new Uint8Array(size).fill(fill, 16);
    new DataView(bytes.buffer).setUint32(0, guid, true);
    return bytes;
  };
  const template = { guid: '', root: [] };

  it('are kept within 16 MiB, whatever it sends', () => {
    const cache = new WireTemplateCache();
    for (let guid = 0; guid < 200; guid++) {
      cache.add(definition(guid, 1024 * 1024, 7), template);
      expect(cache.sizeBytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    }
    expect(cache.find(definition(199, 1024 * 1024, 7))).toBe(template);
  });

  it('with one GUID are kept sixteen times at most: each is compared with all of them', () => {
    const cache = new WireTemplateCache();
    for (let fill = 0; fill < 100; fill++) cache.add(definition(1, 64, fill), template);
    expect(cache.sizeBytes).toBe(16 * 64);
    expect(cache.find(definition(1, 64, 15))).toBe(template);
    expect(cache.find(definition(1, 64, 16))).toBeUndefined();
  });
});

describe('NTLM', () => {
  const options = { user: 'u', domain: '', password: 'p', host: 'h', level: AuthLevel.privacy };

  it('a challenge whose answer has no room in a message is refused', () => {
    // 15 pairs of 4,364 bytes: what the client adds to them makes the field longer than 65,535 bytes.
    const pairs = Array.from({ length: 15 }, () => [...hex('01000811'), ...new Uint8Array(0x1108)]).flat();
    const challenge = encodeChallenge(
      { flags: 0xe28a_8235, challenge: new Uint8Array(8), targetInfo: Uint8Array.from([...pairs, 0, 0, 0, 0]) },
      '',
    );
    const client = new NtlmClient(options);
    client.step(undefined);
    expect(() => client.step(challenge)).toThrow(SecurityError);
  });

  it('keys are overwritten once they have been used', () => {
    const used: Uint8Array[] = [];
    const random = (size: number) => {
      const bytes = new Uint8Array(size).fill(0x33);
      if (size === 16) used.push(bytes);
      return bytes;
    };
    const hash = hex('0123456789abcdef0123456789abcdef');
    const names = { computer: 'S', domain: 'S', dnsName: 's' };
    const client = new NtlmClient({ ...options, random });
    const server = new NtlmServer({ ...names, level: AuthLevel.privacy, findNtHash: () => hash });
    const answer = server.step(client.step(undefined).token).token;
    expect(() => server.step(client.step(answer).token)).toThrow(SecurityError);
    expect(used.map((key) => [...new Set(key)])).toEqual([[0]]);
    expect([...new Set(hash)]).toEqual([0]);
  });
});

describe('the pattern of a grant', () => {
  it.each([
    ['*', 'anything', true],
    ['App*', 'application', true],
    ['App*', 'Ap', false],
    ['*/Operational', 'A-B/operational', true],
    ['a*b*a', 'aba', true],
    ['a*a', 'a', false],
    ['*a*', 'bcd', false],
    ['a.c', 'abc', false],
    ['A', 'a', true],
  ])('%s and %s: %s', (pattern, channel, is) => {
    expect(isOfPattern(channel, pattern)).toBe(is);
  });

  it('agrees with the plain definition', () => {
    const texts = ['', 'a', 'b', 'ab', 'ba', 'aab', 'abab', 'aabb'];
    const patterns = ['', '*', 'a', 'a*', '*a', '*b*', 'a*b', 'a**b', '*a*b*', 'ab*ab', '*ab', 'a*a*b'];
    for (const pattern of patterns) {
      const plain = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
      for (const text of texts) expect(isOfPattern(text, pattern), `${pattern} ${text}`).toBe(plain.test(text));
    }
  });

  it('with many stars is decided for the longest name in no time', () => {
    // As a regular expression: longer than anybody would wait.
    expect(isOfPattern(`${'a'.repeat(511)}b`, `${'*a'.repeat(40)}*c`)).toBe(false);
  });
});
