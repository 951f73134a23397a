/** Random template definitions, with values for them: over a few names and texts, so that they clash. */
import fc from 'fast-check';
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
import { ARRAY, ValueType } from '../../src/binxml/value-type.ts';
import { single } from '../query/event-arbitrary.ts';

const SLOTS = 6;
/** The slot where nested documents mostly are. */
const BODY = SLOTS - 1;

const PLAIN_TEXTS = ['', 'x', 'text', 'Data', 'a', 'a_1', 'x'.repeat(40), '{}[],:/', '\x7f'];
const ODD_TEXTS = [
  '"',
  '\\',
  "'",
  '&<>',
  'é',
  '日本',
  '😀',
  '\ud83d',
  '\ude00x',
  '\0',
  '\x01\t\r\n\x1f',
  '\ufffe\uffff',
];
const text = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PLAIN_TEXTS) }, fc.constantFrom(...ODD_TEXTS));
const elementName = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('Data', 'a', 'a_1', 'EventData', 'UserData', 'b') },
  fc.constantFrom('Größe', 'n'.repeat(256), 'n'.repeat(257), 'Name', 'Event'),
);
const attributeNames = fc.uniqueArray(fc.constantFrom('Name', 'Name', 'Id', 'x:y', 'Ä'), { maxLength: 3 });

const slot: fc.Arbitrary<AttributePart> = fc
  .tuple(fc.oneof({ weight: 9, arbitrary: fc.nat(BODY - 1) }, fc.constant(BODY)), fc.nat(3))
  .map(([index, kind]) => ({ kind: 'substitution', index, type: ValueType.String, optional: kind === 0 }));
const body: fc.Arbitrary<ContentNode> = fc
  .boolean()
  .map((optional) => ({ kind: 'substitution', index: BODY, type: ValueType.BinXml, optional }));
const plainText = text.map((each): AttributePart => ({ kind: 'text', text: each }));
const reference: fc.Arbitrary<AttributePart> = fc.oneof(
  fc.constantFrom(0x41, 9, 1, 0xd83d, 0xde00, 0xfffe).map((code): AttributePart => ({ kind: 'charref', code })),
  fc.constantFrom('amp', 'quot', 'nbsp').map((name): AttributePart => ({ kind: 'entityref', name })),
);
const odd: fc.Arbitrary<ContentNode> = fc.oneof(
  text.map((each): ContentNode => ({ kind: 'cdata', text: `${each}]]>` })),
  text.map((data): ContentNode => ({ kind: 'pi', target: 'p', data })),
);
const parts: fc.Arbitrary<readonly AttributePart[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(plainText) },
  { weight: 3, arbitrary: fc.tuple(slot) },
  fc.array(fc.oneof({ weight: 4, arbitrary: plainText }, { weight: 3, arbitrary: slot }, reference), { maxLength: 4 }),
);
const attributes: fc.Arbitrary<readonly AttributeNode[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  attributeNames.chain((names) =>
    fc.tuple(...names.map((name) => parts.map((each): AttributeNode => ({ name, value: each })))),
  ),
);
const dependency = fc.oneof(
  { weight: 9, arbitrary: fc.constant(NO_DEPENDENCY) },
  // One of them is that of no value.
  fc.nat(SLOTS),
);

const { element } = fc.letrec<{ element: ElementNode }>((tie) => {
  const elements = fc.array(tie('element'), { minLength: 1, maxLength: 4, depthIdentifier: 'element' });
  const content: fc.Arbitrary<readonly ContentNode[]> = fc.oneof(
    { maxDepth: 4, depthIdentifier: 'element' },
    { weight: 3, arbitrary: parts },
    fc.tuple(body),
    { weight: 4, arbitrary: elements },
    fc.tuple(elements, body).map(([before, each]) => [...before, each]),
    fc.array(fc.oneof({ weight: 2, arbitrary: tie('element') }, plainText, slot, body, odd), {
      maxLength: 3,
      depthIdentifier: 'element',
    }),
  );
  return {
    element: fc.record({ name: elementName, dependency, attributes, content, isEmpty: fc.boolean() }).map(
      ({ isEmpty, ...each }): ElementNode => ({
        kind: 'element',
        empty: isEmpty && each.content.length === 0,
        ...each,
      }),
    ),
  };
});

const string = text.map(value.string);
const array: fc.Arbitrary<TypedValue> = fc.oneof(
  fc
    .array(
      text.filter((each) => !each.includes('\0')),
      { maxLength: 3 },
    )
    .map(value.strings),
  fc.array(fc.nat(9).map(value.uint16), { maxLength: 3 }).map((items) => value.array(ValueType.UInt16, items)),
  // Of items that there are no arrays of.
  fc.constant({ type: ARRAY | ValueType.Binary, sizeBytes: 2, content: Uint8Array.of(1, 2) }),
);
const simple = fc.oneof(
  { weight: 12, arbitrary: string },
  { weight: 4, arbitrary: fc.constant(value.none) },
  { weight: 2, arbitrary: single },
  array,
);

/** A template with its values, or a document without one. Not nodes yet: those of an instance have all their bytes in one block. */
export interface Recipe {
  readonly root: ElementNode;
  readonly values: readonly (TypedValue | Recipe)[] | undefined;
}

export function documentOf({ root, values }: Recipe): Fragment {
  if (values === undefined) return [root];
  const made = values.map((each) => ('root' in each ? value.fragment(documentOf(each)) : each));
  return [instance(defineTemplate(root), made)];
}

const alone = element.map((each) => ({ ...each, dependency: NO_DEPENDENCY }));

function documents(inside: fc.Arbitrary<TypedValue | Recipe>): fc.Arbitrary<Recipe> {
  const table = fc.tuple(...Array.from({ length: SLOTS }, (_, i) => (i === BODY ? inside : simple)));
  return fc.tuple(fc.oneof({ weight: 5, arbitrary: alone }, element), table).map(([root, values]) => {
    // A document that no place shows, or several do, makes the whole record unusual.
    const isShown = JSON.stringify(root).split(`"index":${BODY},`).length === 2;
    return { root, values: isShown ? values : values.with(BODY, values[0]!) };
  });
}

const data = fc.tuple(text, fc.boolean()).map(
  ([each, isNamed]): ElementNode => ({
    kind: 'element',
    name: 'Data',
    dependency: NO_DEPENDENCY,
    attributes: isNamed ? [{ name: 'Name', value: [{ kind: 'text', text: each }] }] : [],
    empty: false,
    content: [{ kind: 'text', text: each }],
  }),
);
/** What has no template: no places of values, nothing that depends on them. */
const bare: fc.Arbitrary<Recipe> = fc.tuple(elementName, fc.array(data, { maxLength: 3 })).map(([name, content]) => ({
  root: { kind: 'element', name, dependency: NO_DEPENDENCY, attributes: [], empty: false, content },
  values: undefined,
}));

function nested(inside: fc.Arbitrary<TypedValue | Recipe>): fc.Arbitrary<TypedValue | Recipe> {
  return fc.oneof(
    simple,
    { weight: 4, arbitrary: documents(inside) },
    { weight: 2, arbitrary: bare },
    fc.constant(value.fragment([])),
  );
}

/** A record: a template instance, whose values may be documents two deep. */
export const document: fc.Arbitrary<Recipe> = documents(nested(nested(simple)));
