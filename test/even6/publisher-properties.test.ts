import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvtError } from '../../src/errors/evt-error.ts';
import { decodeDescriptor, decodeTexts, encodeDescriptor, encodeTexts } from '../../src/even6/messages.ts';
import {
  eventOfVariants,
  type PropertyGroup,
  publisherProperties,
  RESOURCE_GROUPS,
  type ResourceGroup,
  variantsOfEvent,
  variantsOfPublisher,
} from '../../src/even6/publisher-properties.ts';
import type { Variant } from '../../src/even6/stubs/variant.ts';
import { NO_METADATA, type PublisherMetadata } from '../../src/providers/metadata.ts';
import { DEFAULT_PUBLISHER } from '../../src/providers/winmeta.ts';

const API = 'test';
const ALL: readonly PropertyGroup[] = ['registration', ...(Object.keys(RESOURCE_GROUPS) as ResourceGroup[])];

const u32 = fc.nat({ max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const text = fc.string({ unit: 'binary', maxLength: 12 }).filter((each) => !each.includes('\0'));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const messageId = maybe(fc.nat({ max: 0xffff_fffe }));
const guid = fc.uuid().map((each) => `{${each}}`);
const value = { name: text, value: u32, messageId };
const metadata: fc.Arbitrary<PublisherMetadata> = fc.record({
  guid: maybe(guid),
  resourceFilePath: maybe(text),
  parameterFilePath: maybe(text),
  messageFilePath: maybe(text),
  helpLink: maybe(text),
  messageId,
  channels: fc.array(fc.record({ path: text, index: u32, id: u32, flags: u32, messageId })),
  levels: fc.array(fc.record(value)),
  tasks: fc.array(fc.record({ ...value, eventGuid: maybe(guid) })),
  opcodes: fc.array(fc.record(value)),
  keywords: fc.array(fc.record({ name: text, mask: u64, messageId })),
});

describe("a publisher's properties on the wire", () => {
  it('are read as they were written, in 29 entries, each group by itself', () => {
    fc.assert(
      fc.property(metadata, (given) => {
        let read: PublisherMetadata = NO_METADATA;
        for (const group of ALL) {
          const variants = variantsOfPublisher(given, group);
          expect(variants).toHaveLength(29);
          read = { ...read, ...publisherProperties(variants, group, API) };
        }
        expect(read).toEqual(given);
      }),
    );
  });

  it('of those that every machine has are 29 entries as well', () => {
    for (const group of ALL) expect(variantsOfPublisher(DEFAULT_PUBLISHER, group)).toHaveLength(29);
  });

  it('that are not what they ought to be are a value or ERROR_INVALID_DATA (13)', () => {
    const variant: fc.Arbitrary<Variant> = fc.oneof(
      fc.constant<Variant>({ type: 'null', value: 0 }),
      fc.boolean().map((each): Variant => ({ type: 'boolean', value: each })),
      u32.map((each): Variant => ({ type: 'uint32', value: each })),
      u64.map((each): Variant => ({ type: 'uint64', value: each })),
      maybe(text).map((each): Variant => ({ type: 'string', value: each })),
      maybe(fc.uuid()).map((each): Variant => ({ type: 'guid', value: each })),
      fc.array(u32).map((each): Variant => ({ type: 'uint32s', value: each })),
      fc.array(u64).map((each): Variant => ({ type: 'uint64s', value: each })),
      fc.array(text).map((each): Variant => ({ type: 'strings', value: each })),
      fc.array(fc.uuid()).map((each): Variant => ({ type: 'guids', value: each })),
    );
    const group = fc.constantFrom(...ALL);
    fc.assert(
      fc.property(fc.array(variant, { maxLength: 40 }), group, (variants, asked) => {
        for (const read of [() => publisherProperties(variants, asked, API), () => eventOfVariants(variants, API)]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(EvtError);
            expect((error as EvtError).code).toBe(13);
          }
        }
      }),
    );
  });
});

describe("an event's properties on the wire", () => {
  it('are read as they were written', () => {
    const numbers = { id: u32, version: u32, channel: u32, level: u32, opcode: u32, task: u32 };
    fc.assert(
      fc.property(fc.record({ ...numbers, keywords: u64, messageId, template: text }), (event) => {
        const variants = variantsOfEvent(event);
        expect(variants).toHaveLength(9);
        expect(eventOfVariants(variants, API)).toEqual(event);
      }),
    );
  });

  it('of a descriptor take 16 bytes in the order of EVENT_DESCRIPTOR', () => {
    const event = {
      id: 0x1234,
      version: 1,
      channel: 16,
      level: 4,
      opcode: 2,
      task: 0xabcd,
      keywords: 0x8000_0000_0000_0001n,
    };
    const bytes = encodeDescriptor(event);
    expect(Buffer.from(bytes).toString('hex')).toBe('341201100402cdab0100000000000080');
    expect(decodeDescriptor(bytes, API)).toEqual(event);
    expect(() => decodeDescriptor(bytes.subarray(1), API)).toThrow('87');
  });
});

describe('texts on the wire', () => {
  it('are terminated, a list of them once more', () => {
    expect(Buffer.from(encodeTexts(['ab'], false)).toString('utf16le')).toBe('ab\0');
    expect(Buffer.from(encodeTexts(['ab', 'c'], true)).toString('utf16le')).toBe('ab\0c\0\0');
    expect(decodeTexts(encodeTexts(['ab'], false), false, API)).toEqual(['ab']);
    expect(decodeTexts(encodeTexts(['ab', 'c'], true), true, API)).toEqual(['ab', 'c']);
    expect(decodeTexts(encodeTexts([''], false), false, API)).toEqual(['']);
  });

  it('without terminator, or behind one, are read as far as they go', () => {
    expect(decodeTexts(Buffer.from('ab', 'utf16le'), false, API)).toEqual(['ab']);
    expect(decodeTexts(Buffer.from('ab\0rest', 'utf16le'), false, API)).toEqual(['ab']);
    expect(() => decodeTexts(Buffer.from('abc'), false, API)).toThrow('13');
  });
});
