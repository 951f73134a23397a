/** Random events and random queries over one small vocabulary, so that the queries hit. */
import fc from 'fast-check';
import type { EventElement } from '../../src/binxml/event-tree.ts';
import { resolveDocument } from '../../src/binxml/resolve.ts';
import { defineTemplate, instance } from '../../src/binxml/template-builder.ts';
import {
  type AttributeNode,
  type AttributePart,
  type ContentNode,
  type ElementNode,
  type Fragment,
  NO_DEPENDENCY,
} from '../../src/binxml/tree.ts';
import { type TypedValue, value } from '../../src/binxml/typed-value.ts';
import { ValueType } from '../../src/binxml/value-type.ts';
import type {
  Argument,
  CompareOperator,
  Constant,
  Expression,
  PathExpression,
  Predicate,
  Step,
} from '../../src/query/ast.ts';
import { localName } from '../../src/query/evaluate.ts';
import { textContent } from '../../src/render/text-content.ts';

const GUID = '{54849625-5478-4994-a5ba-3e3b0328c30d}';
const SID = 'S-1-5-18';
const TIME = '2016-07-08T18:12:51.6816400Z';
const TICKS = 131_124_751_716_816_400n;

/** Texts that stored strings and quoted constants have in common; some read as other types. */
const TEXTS = [
  ...['', 'a', 'A', 'ab', 'b ', 'ä', 'Ä', 'š', 'x', 'x\0y', 'ΟΔΟΣ', 'οδος', '\u212a', 'k', 'İ', '%%1833'],
  ...[
    '0',
    '1',
    '10',
    '0010',
    ' 10',
    '-1',
    '1.5',
    '1e1',
    '0x10',
    '0x8000000000000000',
    '9223372036854775808',
    '9.223372036854775808e18',
    'true',
    'FALSE',
  ],
  ...[GUID, GUID.toUpperCase(), SID, 's-1-5-18', TIME, '2016-07-08T18:12:51.68164Z', '0AFF', '0aff', String(TICKS)],
];
const NUMBERS = [0, 1, 2, 10, 16, 4624, 65_535];

const string = fc.constantFrom(...TEXTS);
const number = fc.constantFrom(...NUMBERS);
/** A stored value that is no array and no nested document. */
export const single: fc.Arbitrary<TypedValue> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(value.none) },
  { weight: 6, arbitrary: string.map(value.string) },
  string.map((each) => value.ansi(Uint8Array.from(each, (char) => char.charCodeAt(0) & 0xff))),
  number.map((each) => value.uint8(each & 0xff)),
  number.map((each) => value.int8((each << 24) >> 24)),
  { weight: 3, arbitrary: number.map(value.uint16) },
  number.map((each) => value.int16((each << 16) >> 16)),
  fc.constantFrom(...NUMBERS, -1).map(value.int32),
  number.map(value.uint32),
  fc.constantFrom(-1n, 10n, -(2n ** 63n)).map(value.int64),
  fc.constantFrom(10n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 53n + 1n).map(value.uint64),
  fc.constantFrom(0, 1.5, 10, -1, Number.NaN, 1 / 3).map(value.real64),
  fc.constantFrom(0, 1.5, 10, 1 / 3).map(value.real32),
  fc.boolean().map(value.bool),
  fc.constantFrom(new Uint8Array(0), Uint8Array.of(0x0a, 0xff)).map(value.binary),
  fc.constantFrom(GUID, '{00000000-0000-0000-0000-000000000000}').map(value.guid),
  fc.constantFrom(16n, 0n).map((each) => value.sizeT(each, 32)),
  fc.constantFrom(16n, 2n ** 63n).map((each) => value.sizeT(each, 64)),
  fc.constantFrom(TICKS, 0n, TICKS + 1n, 2n ** 64n - 1n).map(value.fileTime),
  fc
    .constantFrom(8, 0)
    .map((day) =>
      value.systemTime({ year: 2016, month: 7, weekday: 5, day, hour: 18, minute: 12, second: 51, millisecond: 681 }),
    ),
  fc.constantFrom(SID, 'S-1-5-32-544').map(value.sid),
  number.map(value.hexInt32),
  fc.constantFrom(0x10n, 2n ** 63n).map(value.hexInt64),
  // Claims that do not fit their type: a short integer, a SID that is none, a type that does not exist.
  fc
    .constantFrom(ValueType.UInt32, ValueType.Guid, ValueType.FileTime, ValueType.Sid, ValueType.SizeT, 0x3f)
    .map((type) => ({ type, sizeBytes: 2, content: Uint8Array.of(0x0a, 0xff) })),
);
const array: fc.Arbitrary<TypedValue> = fc.oneof(
  fc
    .array(
      string.filter((each) => !each.includes('\0')),
      { maxLength: 3 },
    )
    .map(value.strings),
  fc.array(number.map(value.uint16), { maxLength: 3 }).map((items) => value.array(ValueType.UInt16, items)),
);

/** Slots of every template here; what a template uses is up to it. */
const SLOTS = 6;
/** The slot for nested documents, used where the body belongs. */
const BODY = 5;
const slot = fc.integer({ min: 0, max: SLOTS - 2 });

const ELEMENTS = ['System', 'EventData', 'Data', 'p:Data', 'x'] as const;
const ATTRIBUTES = ['Name', 'p:Name', 'xmlns', 'xmlns:p', 'Id'] as const;

const literal: fc.Arbitrary<AttributePart> = fc.oneof(
  { weight: 4, arbitrary: string.map((text): AttributePart => ({ kind: 'text', text })) },
  fc.constantFrom(0x41, 0x0a).map((code): AttributePart => ({ kind: 'charref', code })),
  fc.constantFrom('amp', 'other').map((name): AttributePart => ({ kind: 'entityref', name })),
);
const slotPart: fc.Arbitrary<AttributePart> = fc
  .tuple(slot, fc.boolean())
  .map(([index, optional]) => ({ kind: 'substitution', index, type: ValueType.String, optional }));
const bodySlot: ContentNode = { kind: 'substitution', index: BODY, type: ValueType.BinXml, optional: true };
const odd: fc.Arbitrary<ContentNode> = fc.oneof(
  string.map((text): ContentNode => ({ kind: 'cdata', text })),
  fc.constant<ContentNode>({ kind: 'pi', target: 't', data: 'd' }),
);

function element(
  name: fc.Arbitrary<string>,
  part: fc.Arbitrary<AttributePart>,
  content: fc.Arbitrary<ContentNode[]>,
): fc.Arbitrary<ElementNode> {
  const attribute: fc.Arbitrary<AttributeNode> = fc.record({
    name: fc.constantFrom(...ATTRIBUTES),
    value: fc.array(part, { minLength: 0, maxLength: 2, size: '-1' }),
  });
  return fc.record({
    kind: fc.constant('element' as const),
    name,
    dependency: fc.oneof({ weight: 5, arbitrary: fc.constant(NO_DEPENDENCY) }, fc.integer({ min: 0, max: SLOTS + 1 })),
    attributes: fc.uniqueArray(attribute, { maxLength: 2, selector: (each) => each.name }),
    content,
    empty: fc.boolean(),
  });
}

/** Elements as records have them: leaves of one part for the most, then what no Windows component ever wrote. */
function elements(part: fc.Arbitrary<AttributePart>, top: fc.Arbitrary<ContentNode[]>): fc.Arbitrary<ElementNode> {
  const { node } = fc.letrec<{ node: ElementNode }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2, depthSize: 'small' },
      element(fc.constantFrom(...ELEMENTS), part, fc.array<ContentNode>(part, { minLength: 1, maxLength: 1 })),
      element(fc.constantFrom(...ELEMENTS), part, fc.array<ContentNode>(fc.oneof(part, odd), { maxLength: 3 })),
      element(fc.constantFrom(...ELEMENTS), part, fc.array<ContentNode>(tie('node'), { maxLength: 4 })),
      element(
        fc.constantFrom(...ELEMENTS),
        part,
        fc.tuple(fc.array<ContentNode>(tie('node'), { maxLength: 2 }), top).map(([nodes, rest]) => [...nodes, ...rest]),
      ),
    ),
  }));
  return node;
}

const literalElement = elements(literal, fc.array<ContentNode>(literal, { maxLength: 1 }));
const bodyRoot = elements(fc.oneof(literal, slotPart), fc.constant([]));

const values = (arrays: number): fc.Arbitrary<TypedValue[]> =>
  fc.array(fc.oneof({ weight: 12, arbitrary: single }, { weight: arrays, arbitrary: array }), {
    minLength: SLOTS,
    maxLength: SLOTS,
  });

const bodyDocument: fc.Arbitrary<Fragment> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.array(bodyRoot, { minLength: 1, maxLength: 2, size: '-1' }), values(1))
      .map(([roots, given]) => [instance(defineTemplate(roots), given)]),
  },
  fc
    .tuple(bodyRoot, bodyRoot, values(0))
    .map(([one, two, given]) => [instance(defineTemplate(one), given), instance(defineTemplate(two), given)]),
  fc.array(literalElement, { maxLength: 2 }),
);

const eventName = fc.constant('Event');
const outerRoot = element(
  eventName,
  fc.oneof(literal, slotPart),
  fc
    .tuple(
      fc.array<ContentNode>(elements(fc.oneof(literal, slotPart), fc.constant([bodySlot])), { maxLength: 3 }),
      fc.constantFrom<ContentNode[]>([bodySlot], [bodySlot], []),
      fc.nat(3),
    )
    .map(([nodes, body, behind]) => [...nodes.slice(0, behind), ...body, ...nodes.slice(behind)]),
);
const templated: fc.Arbitrary<Fragment> = fc
  .tuple(
    outerRoot,
    values(1),
    fc.oneof({ weight: 4, arbitrary: bodyDocument.map(value.fragment) }, single),
    fc.oneof({ weight: 10, arbitrary: fc.constant(false) }, fc.constant(true)),
  )
  .map(([root, given, body, twice]) => {
    const one = instance(defineTemplate(root), [...given.slice(0, BODY), body]);
    return twice ? [one, one] : [one];
  });
const literalEvent: fc.Arbitrary<Fragment> = fc
  .array<ContentNode>(literalElement, { maxLength: 3 })
  .map((content) => [
    { kind: 'element', name: 'Event', dependency: NO_DEPENDENCY, attributes: [], content, empty: false },
  ]);

/** A record's stored document. */
export const storedEvent: fc.Arbitrary<Fragment> = fc.oneof(
  { weight: 8, arbitrary: templated },
  { weight: 1, arbitrary: literalEvent },
);

const at = { start: 0, end: 0 };
const quoted: fc.Arbitrary<Constant> = string.map((text) => ({ kind: 'text', text, ...at }));
const integer: fc.Arbitrary<Constant> = fc
  .constantFrom(...NUMBERS.map(BigInt), 2n ** 63n, 2n ** 64n - 1n, 2n ** 53n, TICKS)
  .map((each) => ({ kind: 'number', number: Number(each), integer: each, ...at }));
const fraction: fc.Arbitrary<Constant> = fc
  .constantFrom(1.5, 0.5)
  .map((each) => ({ kind: 'number', number: each, integer: undefined, ...at }));
/** The right side of a comparison. */
export const constant = fc.oneof({ weight: 4, arbitrary: quoted }, { weight: 3, arbitrary: integer }, fraction);
const operator = fc.oneof(
  { weight: 3, arbitrary: fc.constant<CompareOperator>('=') },
  fc.constantFrom<CompareOperator>('!=', '<', '<=', '>', '>='),
);

/** A node of an event: the steps that lead to it from `Event`, and its text. */
interface Target {
  readonly steps: readonly Step[];
  readonly text: string;
}

function targetsOf(document: Fragment): Target[] {
  const targets: Target[] = [];
  const visit = (element: EventElement, steps: readonly Step[]) => {
    targets.push({ steps, text: textContent(element.children) });
    for (const { name, value } of element.attributes) {
      targets.push({ steps: [...steps, namedStep('attribute', localName(name))], text: textContent(value) });
    }
    for (const child of element.children) {
      if (child.kind === 'element') visit(child, [...steps, namedStep('child', localName(child.name))]);
    }
  };
  for (const root of resolveDocument(document)) visit(root, []);
  const below = targets.filter(({ steps }) => steps.length > 0);
  return below.length > 0 ? below : [{ steps: [namedStep('child', 'None')], text: '' }];
}

function namedStep(axis: Step['axis'], name: string): Step {
  return { axis, test: { kind: 'name', name }, predicates: [], ...at };
}

/** The node's own text as a constant, as a number token where it can be one. */
function constantOf(text: string): fc.Arbitrary<Constant> {
  const literal: Constant = { kind: 'text', text: text.replaceAll('"', ''), ...at };
  if (!/^(\d{1,19}|0x[0-9a-f]{1,16})$/.test(text)) return fc.constant(literal);
  const token: Constant = { kind: 'number', number: Number(text), integer: BigInt(text), ...at };
  return fc.constantFrom(literal, token);
}

/** Conditions at `Event`; those made for one of its nodes, `targets`, are true more often than not. */
function conditions(targets: readonly Target[]): fc.Arbitrary<Expression> {
  const { condition } = fc.letrec<{ condition: Expression; path: PathExpression }>((tie) => {
    const predicate: fc.Arbitrary<Predicate> = fc.oneof(
      fc.integer({ min: 1, max: 3 }).map((position): Predicate => ({ kind: 'position', position, ...at })),
      {
        weight: 3,
        arbitrary: tie('condition').map((inner): Predicate => ({ kind: 'condition', condition: inner, ...at })),
      },
    );
    const predicates = fc.array(predicate, { maxLength: 2, size: '-1', depthIdentifier: 'condition' });
    const test = (names: readonly string[]): fc.Arbitrary<Step['test']> =>
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...names).map((name): Step['test'] => ({ kind: 'name', name })) },
        fc.constant<Step['test']>({ kind: 'any' }),
      );
    const elementStep = fc
      .tuple(test(['System', 'EventData', 'Data', 'Data', 'x', 'None']), predicates)
      .map(([node, inside]): Step => ({ axis: 'child', test: node, predicates: inside, ...at }));
    const lastStep = fc.oneof(
      { weight: 3, arbitrary: elementStep },
      fc.constant<Step>({ axis: 'child', test: { kind: 'text' }, predicates: [], ...at }),
      {
        weight: 2,
        arbitrary: test(['Name', 'Name', 'Id', 'p', 'xmlns']).map(
          (node): Step => ({ axis: 'attribute', test: node, predicates: [], ...at }),
        ),
      },
    );
    const anyPath = fc
      .tuple(fc.array(elementStep, { maxLength: 1 }), lastStep)
      .map(([steps, last]): PathExpression => ({ kind: 'path', steps: [...steps, last], ...at }));
    const anyTarget = fc.constantFrom(...targets);
    const targetPath = anyTarget.map(({ steps }): PathExpression => ({ kind: 'path', steps, ...at }));
    const path = fc.oneof({ weight: 2, arbitrary: anyPath }, targetPath);
    const argument: fc.Arbitrary<Argument> = fc.oneof({ weight: 3, arbitrary: tie('path') }, constant);
    const left = fc.oneof(
      { weight: 6, arbitrary: tie('path') },
      fc.constant({ kind: 'position()' as const, ...at }),
      fc
        .tuple(argument, fc.option(argument, { nil: undefined }))
        .map(([from, to]) => ({ kind: 'timediff' as const, from, to, ...at })),
    );
    const comparison = fc
      .tuple(operator, left, constant)
      .map(([given, side, right]): Expression => ({ kind: 'compare', operator: given, left: side, right, ...at }));
    const position = fc
      .integer({ min: 1, max: 2 })
      .map((counted): Predicate => ({ kind: 'position', position: counted, ...at }));
    const hit = anyTarget.chain(({ steps, text }) =>
      fc
        .record({
          operator,
          right: constantOf(text),
          where: fc.nat(steps.length - 1),
          inside: fc.array(fc.oneof(position, predicate), { maxLength: 2, size: '-1', depthIdentifier: 'condition' }),
        })
        .map(({ operator: given, right, where, inside }): Expression => {
          const narrowed = steps.map((step, i) =>
            i === where && step.axis === 'child' ? { ...step, predicates: inside } : step,
          );
          const left: PathExpression = { kind: 'path', steps: narrowed, ...at };
          return { kind: 'compare', operator: given, left, right, ...at };
        }),
    );
    // The same path against many constants: what an id list is.
    const list = anyTarget.chain(({ steps, text }) =>
      fc
        .array(fc.oneof({ weight: 3, arbitrary: constant }, constantOf(text)), { minLength: 2, maxLength: 4 })
        .map((constants): Expression => {
          const left: PathExpression = { kind: 'path', steps, ...at };
          const terms = constants.map((right): Expression => ({ kind: 'compare', operator: '=', left, right, ...at }));
          return { kind: 'or', terms, ...at };
        }),
    );
    return {
      path,
      condition: fc.oneof(
        { maxDepth: 4, depthIdentifier: 'condition' },
        { weight: 3, arbitrary: comparison },
        { weight: 6, arbitrary: hit },
        tie('path'),
        fc
          .tuple(
            fc.constantFrom('or' as const, 'and' as const),
            fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
          )
          .map(([kind, terms]): Expression => ({ kind, terms, ...at })),
        { weight: 2, arbitrary: list },
        fc.tuple(argument, argument).map(([one, two]): Expression => ({ kind: 'band', left: one, right: two, ...at })),
        constant,
      ),
    };
  });
  return condition;
}

/** Whole queries for an event: mostly `*[…]`, sometimes two of them joined. */
export function queriesFor(document: Fragment): fc.Arbitrary<Expression> {
  const selector = conditions(targetsOf(document)).map(
    (condition): Expression => ({
      kind: 'path',
      steps: [{ axis: 'child', test: { kind: 'any' }, predicates: [{ kind: 'condition', condition, ...at }], ...at }],
      ...at,
    }),
  );
  return fc.oneof(
    { weight: 4, arbitrary: selector },
    fc
      .tuple(fc.constantFrom('or' as const, 'and' as const), selector, selector)
      .map(([kind, one, two]): Expression => ({ kind, terms: [one, two], ...at })),
  );
}

/** The time that timediff() counts to: some seconds after the one that events hold. */
export const NOW = TICKS + 16n * 10_000n;
