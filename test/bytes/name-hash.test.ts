import { expect, test } from 'vitest';
import { guidBytes } from '../../src/bytes/guid.ts';
import { nameHash, unitsHash } from '../../src/bytes/name-hash.ts';
import { utf16Bytes } from '../../src/bytes/utf16.ts';

test('the low 16 bits of a name hash are what Windows stores for well-known names', () => {
  const stored = (name: string) => nameHash(name) & 0xffff;
  expect(stored('Event')).toBe(0x0cba);
  expect(stored('System')).toBe(0x546f);
  expect(stored('Provider')).toBe(0x7bf1);
  expect(stored('EventID')).toBe(0x61f5);
  expect(stored('EventData')).toBe(0x8244);
  expect(stored('Data')).toBe(0x6f8a);
  expect(stored('Name')).toBe(0x954b);
  expect(stored('xmlns')).toBe(0x0fbc);
});

test('a template definition is filed by the hash of its GUID as eight units', () => {
  const hash = (guid: string) => unitsHash(guidBytes(guid)!, 0, 8);
  expect(hash('d602ab20-0814-f064-a145-a2005d578bb6')).toBe(0x43d3e661);
  expect(hash('ab780fae-1f43-0882-c593-c22d02059e1c')).toBe(0xc4266822);
  expect(hash('7f0a323b-8c40-2730-bfba-57a3635a9621')).toBe(0xb64c9c4a);
});

test('a name and its bytes have the same hash', () => {
  const name = 'SubjectUserSid';
  expect(unitsHash(utf16Bytes(name), 0, name.length)).toBe(nameHash(name));
});
