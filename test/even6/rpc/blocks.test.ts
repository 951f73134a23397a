import { describe, expect, it } from 'vitest';
import { CALL_HEAD } from '../../../src/even6/pdu/call-bodies.ts';
import { decodePdu, PduFlag, PduStream, PduType } from '../../../src/even6/pdu/pdu.ts';
import { fragments, PduSecurity, StubAssembly } from '../../../src/even6/rpc/pdu-security.ts';
import { MessageProtection } from '../../../src/even6/security/message-protection.ts';
import { Rc4 } from '../../../src/even6/security/rc4.ts';
import { AuthLevel, AuthType, type SecurityContext } from '../../../src/even6/security/security-context.ts';

const KEY = new Uint8Array(16).fill(0x55);

/** One end of a protected connection, without what goes before. */
function end(role: 'client' | 'server', level: number): PduSecurity {
  const protection = new MessageProtection(KEY, role, true);
  const context: SecurityContext = {
    type: AuthType.ntlm,
    step: () => ({ token: undefined, done: true }),
    identity: undefined,
    protect: (...given) => protection.protect(...given),
    unprotect: (...given) => protection.unprotect(...given),
    dispose: () => protection.dispose(),
  };
  return new PduSecurity(context, level, 1);
}

const stubOf = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 0xff);

describe('the fragments of a stub', () => {
  const SIZES = [0, 1, 15, 16, 17, 1999, 2000, 2001, 5792, 5793, 40_000, 300_000];

  it.each([
    ['in clear', undefined],
    ['signed', AuthLevel.integrity],
    ['sealed', AuthLevel.privacy],
  ])('%s: are no longer than was agreed, and give the stub again', (_, level) => {
    for (const maxFragment of [2048, 2056, 5840]) {
      const [sender, receiver] =
        level === undefined ? [undefined, undefined] : [end('server', level), end('client', level)];
      for (const size of SIZES) {
        const stub = stubOf(size);
        const stream = new PduStream();
        const assembly = new StubAssembly();
        const flags: number[] = [];
        const carrier = { type: PduType.response, flags: 0, callId: 7, contextId: 0, opnum: 0 };
        for (const block of fragments(stub, carrier, maxFragment, sender)) {
          for (const bytes of stream.push(block)) {
            expect(bytes.length).toBeLessThanOrEqual(maxFragment);
            const pdu = decodePdu(bytes);
            receiver?.open(pdu);
            flags.push(pdu.flags);
            expect(assembly.add(pdu.body.subarray(CALL_HEAD), pdu.flags)).toBe(true);
          }
        }
        expect(stream.isPartial).toBe(false);
        expect(Buffer.compare(assembly.stub, stub), `${size} bytes`).toBe(0);
        const middle = flags.slice(1, -1);
        expect(flags[0]! & PduFlag.first).toBe(PduFlag.first);
        expect(flags.at(-1)! & PduFlag.last).toBe(PduFlag.last);
        expect(middle.every((flag) => flag === 0)).toBe(true);
      }
    }
  });
});

describe('a request that is sealed', () => {
  it('is on the wire as another implementation makes it, and so is the next one', () => {
    const stub = Buffer.from('00000000c1c2c3c4c5c6c7c8c9cacbcccdcecfd0', 'hex');
    const sender = end('client', AuthLevel.privacy);
    const sealed = [2, 3].map((callId) => {
      const carrier = { type: PduType.request, flags: 0, callId, contextId: 0, opnum: 14 };
      return Buffer.concat([...fragments(stub, carrier, 5840, sender)]).toString('hex');
    });
    expect(sealed).toEqual([
      '05000003100000005000100002000000140000000000' +
        '0e0004e56d651fdb9c1832a693092dd1bcca4291c056a694370b0a7f34c364e0ffa20a060c0001000000' +
        '010000001079a899bb7b656600000000',
      '05000003100000005000100003000000140000000000' +
        '0e0079e774faf6fa9b0942d65bda8b66afd9cb9e6c04b842ffc8f08b202d71b0b6fa0a060c0001000000' +
        '010000009d25d10e75efc67801000000',
    ]);
  });
});

describe('an RC4 stream', () => {
  it('is the same in pieces of all sizes, wherever they lie in memory', () => {
    const plain = stubOf(500);
    const whole = plain.slice();
    const reference = new Rc4(KEY);
    // Shorter than a word: byte by byte.
    for (let at = 0; at < whole.length; at++) reference.apply(whole, at, at + 1);
    for (let offset = 0; offset < 4; offset++) {
      for (const step of [1, 3, 4, 5, 6, 7, 8, 13, 64, 499, 500]) {
        const bytes = new Uint8Array(new ArrayBuffer(plain.length + offset), offset);
        bytes.set(plain);
        const stream = new Rc4(KEY);
        for (let at = 0; at < bytes.length; at += step) stream.apply(bytes, at, Math.min(bytes.length, at + step));
        expect(Buffer.compare(bytes, whole), `${step} at ${offset}`).toBe(0);
      }
    }
  });
});
