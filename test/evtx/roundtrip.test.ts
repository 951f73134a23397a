import fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import {
  defineTemplate,
  element,
  emptyElement,
  instance,
  optional,
  substitution,
} from '../../src/binxml/template-builder.ts';
import type { AttributePart, ContentNode, ElementNode, Fragment, Template } from '../../src/binxml/tree.ts';
import { type TypedValue, value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import { EvtxFileWriter } from '../../src/evtx/file-writer.ts';
import { verifyLog } from '../../src/evtx/verify.ts';
import { renderXml } from '../../src/render/xml.ts';
import { chunksOf, MemoryLog } from './memory-log.ts';

const RUNS = { seed: 20_240_229, numRuns: 100 };
/** XML with every character as it is stored, so that nothing is hidden by a replacement. */
const xmlOf = (document: Fragment) => renderXml(resolveDocument(document), { invalidCharacters: 'keep' });

const name = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('Event', 'System', 'Data', 'Name', 'a', 'b', 'Größe', 'x:y', 'ŀ', 'Ā') },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,20}$/) },
  { weight: 1, arbitrary: fc.integer({ min: 200, max: 255 }).map((units) => 'n'.repeat(units)) },
);
/** Any UTF-16 units, unpaired surrogates and control characters included, but no U+0000: text ends there. */
const text = fc
  .array(fc.oneof(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 0x20, max: 0x7e })), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units));

const bytes = fc.uint8Array({ maxLength: 60 });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const sid = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 40 }), fc.array(u32, { maxLength: 15 }))
  .map(([authority, parts]) =>
    value.sid(
      ['S-1', authority < 2 ** 32 ? authority : `0x${authority.toString(16).padStart(12, '0')}`, ...parts].join('-'),
    ),
  );

/** One maker of values per type that has single values. */
const scalars: Readonly<Record<number, fc.Arbitrary<TypedValue>>> = {
  [ValueType.String]: text.map(value.string),
  [ValueType.AnsiString]: bytes.map((each) => value.ansi(each.map((byte) => byte || 1))),
  [ValueType.Int8]: fc.integer({ min: -128, max: 127 }).map(value.int8),
  [ValueType.UInt8]: fc.integer({ min: 0, max: 255 }).map(value.uint8),
  [ValueType.Int16]: fc.integer({ min: -0x8000, max: 0x7fff }).map(value.int16),
  [ValueType.UInt16]: fc.integer({ min: 0, max: 0xffff }).map(value.uint16),
  [ValueType.Int32]: fc.integer().map(value.int32),
  [ValueType.UInt32]: u32.map(value.uint32),
  [ValueType.Int64]: u64.map((n) => value.int64(BigInt.asIntN(64, n))),
  [ValueType.UInt64]: u64.map(value.uint64),
  [ValueType.Real32]: fc.float().map(value.real32),
  [ValueType.Real64]: fc.double().map(value.real64),
  [ValueType.Bool]: fc.boolean().map(value.bool),
  [ValueType.Guid]: fc.uuid().map(value.guid),
  [ValueType.SizeT]: u64.map((n) => value.sizeT(n, 64)),
  [ValueType.FileTime]: u64.map(value.fileTime),
  [ValueType.Sid]: sid,
  [ValueType.HexInt32]: u32.map(value.hexInt32),
  [ValueType.HexInt64]: u64.map(value.hexInt64),
};
const array = fc
  .constantFrom(...Object.keys(scalars).map(Number))
  .chain((type) => fc.array(scalars[type]!, { maxLength: 4 }).map((items) => value.array(type, items)));
const single = fc.oneof(fc.constant(value.none), bytes.map(value.binary), ...Object.values(scalars));

const literalPart: fc.Arbitrary<AttributePart> = fc.oneof(
  text.map((each): AttributePart => ({ kind: 'text', text: each })),
  fc.integer({ min: 1, max: 0xffff }).map((code): AttributePart => ({ kind: 'charref', code })),
  fc.constantFrom('amp', 'quot').map((each): AttributePart => ({ kind: 'entityref', name: each })),
);
const otherPart: fc.Arbitrary<ContentNode> = fc.oneof(
  text.map((each): ContentNode => ({ kind: 'cdata', text: each })),
  fc.record({ kind: fc.constant('pi' as const), target: name, data: text }),
);

/** An element whose parts come from `part` (attributes and content) and `node` (content only), some levels deep. */
function elementOf(part: fc.Arbitrary<AttributePart>, node: fc.Arbitrary<ContentNode>): fc.Arbitrary<ElementNode> {
  const attributes = fc.dictionary(name, fc.array(part, { maxLength: 3 }), { maxKeys: 3, noNullPrototype: true });
  return fc.letrec<{ element: ElementNode }>((tie) => ({
    element: fc.oneof(
      { maxDepth: 4, depthSize: 'large', withCrossShrink: true },
      fc.tuple(name, attributes).map(([each, given]) => emptyElement(each, given)),
      fc
        .tuple(name, attributes, fc.array(fc.oneof(part, node, otherPart, tie('element')), { maxLength: 4 }))
        .map(([each, given, content]) => element(each, given, content)),
    ),
  })).element;
}

const literal = elementOf(literalPart, otherPart);
const SLOTS = 6;
/** The last slot holds nested Binary XML, the one before it an array: those stand in element content only. */
const slotPart = fc
  .tuple(fc.integer({ min: 0, max: SLOTS - 3 }), fc.boolean())
  .map(([index, drops]) => (drops ? optional(index, ValueType.String) : substitution(index, ValueType.String)));
const contentSlot = fc
  .tuple(fc.integer({ min: SLOTS - 2, max: SLOTS - 1 }), fc.boolean())
  .map(
    ([index, drops]): ContentNode =>
      drops ? optional(index, ValueType.BinXml) : substitution(index, ValueType.BinXml),
  );
const template: fc.Arbitrary<Template> = elementOf(fc.oneof(slotPart, literalPart), contentSlot).map((root) =>
  defineTemplate(root),
);

/** Values for any template of the above: plain ones, an array, and a nested document of up to two more levels. */
function valuesFor(nested: fc.Arbitrary<Fragment>): fc.Arbitrary<TypedValue[]> {
  const plain = fc.array(single, { minLength: SLOTS - 2, maxLength: SLOTS - 2 });
  const last = fc.oneof(fc.constant(value.none), nested.map(value.fragment));
  return fc.tuple(plain, array, last).map(([first, items, inner]) => [...first, items, inner]);
}

/**
 * Documents that use a few templates again and again, as the records of a log do. Each list is repeated with a literal
 * event of a varying length between, so that logs have several chunks and these end in many ways.
 */
const documents = fc.array(template, { minLength: 1, maxLength: 4, size: 'large' }).chain((templates) => {
  const used = (nested: fc.Arbitrary<Fragment>) =>
    fc
      .tuple(fc.constantFrom(...templates), valuesFor(nested))
      .map(([each, values]): Fragment => [instance(each, values)]);
  const innermost = literal.map((root): Fragment => [root]);
  const inner = fc.oneof(innermost, used(innermost));
  const record = fc.oneof({ weight: 5, arbitrary: used(inner) }, { weight: 1, arbitrary: innermost });
  const list = fc.array(record, { maxLength: 30, size: 'large' });
  return fc
    .tuple(list, fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 3000 }))
    .map(([records, times, units]) =>
      Array.from({ length: times }, (_, i) => [...records, [element('Filler', {}, ['f'.repeat(units * i)])]]).flat(),
    );
});

function write(records: readonly Fragment[]): Uint8Array {
  const log = new MemoryLog();
  const writer = new EvtxFileWriter(log);
  for (const record of records) writer.add(record, 0n);
  writer.finish();
  return log.bytes();
}

function read(file: Uint8Array): Fragment[] {
  return chunksOf(file).flatMap((chunk) => [...chunk.liveRecords()].map((at) => chunk.document(at)));
}

test('random templates and values: what is written is read back as the same XML, and passes the acceptance list', () => {
  fc.assert(
    fc.property(documents, (records) => {
      const file = write(records);
      expect(read(file).map(xmlOf)).toEqual(records.map(xmlOf));
      const failed = verifyLog(file, { style: 'export' }).checks.filter((check) => check.failureCount > 0);
      expect(failed).toEqual([]);
    }),
    RUNS,
  );
});

test('random logs, read and written again, come out byte-identical', () => {
  fc.assert(
    fc.property(documents, (records) => {
      const file = write(records);
      expect(Buffer.compare(write(read(file)), file)).toBe(0);
    }),
    RUNS,
  );
});

test('an event says the same before it is written, after it is read, and after it was copied behind others', () => {
  fc.assert(
    fc.property(documents, documents, (first, second) => {
      const copied = read(write([...read(write(second)), ...read(write(first))]));
      expect(copied.map(xmlOf)).toEqual([...second, ...first].map(xmlOf));
    }),
    { ...RUNS, numRuns: 25 },
  );
});
