/** MD4 (RFC 1320): what a password's NT hash is made with. Broken as a digest, and prescribed; the systems' libraries lack it. */

const BLOCK = 64;
const INITIAL: readonly number[] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
/** Per round: added constant, order of the words, rotations. */
const ROUNDS: readonly {
  readonly add: number;
  readonly order: readonly number[];
  readonly turns: readonly number[];
}[] = [
  { add: 0, order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], turns: [3, 7, 11, 19] },
  { add: 0x5a827999, order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15], turns: [3, 5, 9, 13] },
  { add: 0x6ed9eba1, order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15], turns: [3, 9, 11, 15] },
];

function mix(round: number, x: number, y: number, z: number): number {
  if (round === 0) return (x & y) | (~x & z);
  return round === 1 ? (x & y) | (x & z) | (y & z) : x ^ y ^ z;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

export function md4(message: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / BLOCK) * BLOCK);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(message.length) * 8n, true);
  const state = Int32Array.from(INITIAL);
  for (let at = 0; at < padded.length; at += BLOCK) {
    let [a, b, c, d] = state as unknown as [number, number, number, number];
    for (const [round, { add, order, turns }] of ROUNDS.entries()) {
      for (const [i, word] of order.entries()) {
        const sum = (a + mix(round, b, c, d) + view.getUint32(at + 4 * word, true) + add) | 0;
        [a, b, c, d] = [d, rotate(sum, turns[i % 4]!), b, c];
      }
    }
    for (const [i, value] of [a, b, c, d].entries()) state[i] = (state[i]! + value) | 0;
  }
  padded.fill(0);
  const digest = new DataView(new ArrayBuffer(16));
  for (const [i, value] of state.entries()) digest.setInt32(4 * i, value, true);
  return new Uint8Array(digest.buffer);
}
