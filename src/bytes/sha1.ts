/** SHA-1 (FIPS 180-4), for name-based UUIDs only: it identifies honest content and protects nothing. */

const BLOCK = 64;
const WORDS_PER_BLOCK = 16;
const ROUNDS = 80;

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** The round's logical function of three words, plus its constant. */
function mix(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

/** The 20 bytes of the hash. */
export function sha1(message: Uint8Array): Uint8Array {
  // The message, a 1 bit, zeros, and the length in bits as a big-endian u64 that ends a block.
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK) * BLOCK);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n);

  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  const words = new Int32Array(ROUNDS);
  for (let block = 0; block < padded.length; block += BLOCK) {
    for (let i = 0; i < WORDS_PER_BLOCK; i++) words[i] = view.getInt32(block + 4 * i);
    for (let i = WORDS_PER_BLOCK; i < ROUNDS; i++) {
      words[i] = rotate(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
    }
    let a = state[0]!;
    let b = state[1]!;
    let c = state[2]!;
    let d = state[3]!;
    let e = state[4]!;
    for (let i = 0; i < ROUNDS; i++) {
      const next = (rotate(a, 5) + mix(i, b, c, d) + e + words[i]!) | 0;
      e = d;
      d = c;
      c = rotate(b, 30);
      b = a;
      a = next;
    }
    for (const [i, word] of [a, b, c, d, e].entries()) state[i] = state[i]! + word;
  }
  const digest = new Uint8Array(20);
  const out = new DataView(digest.buffer);
  for (const [i, word] of state.entries()) out.setInt32(4 * i, word);
  return digest;
}
