import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { sha1 } from '../../src/bytes/sha1.ts';

test('SHA-1 equals the platform’s for every length around a block', () => {
  for (let length = 0; length <= 200; length++) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff);
    expect(Buffer.from(sha1(message)).toString('hex')).toBe(createHash('sha1').update(message).digest('hex'));
  }
});
