import type { AttributeNode, AttributePart, ContentNode, ElementNode } from '../binxml/tree.ts';
import { NO_DEPENDENCY } from '../binxml/tree.ts';
import { characterData } from '../render/text-content.ts';
import type {
  Argument,
  CompareOperator,
  Comparison,
  Expression,
  OrExpression,
  PathExpression,
  Predicate,
  Step,
} from './ast.ts';
import { allOf, anyOf, type Code, type Leaf, type Slot } from './code.ts';
import { testOf } from './code-test.ts';
import { compareSpan, compareText, ordered, timeOfText } from './compare.ts';
import { constantIsTrue, type Readings, readingsOf, readNumber } from './constant.ts';
import { ConstantSet } from './constant-set.ts';
import { isNamespaceDeclaration, localName, SYSTEM } from './evaluate.ts';
import { FALSE, type Frame, slotBits, slotTime, type Table, type Test, TRUE, UNKNOWN } from './slot-test.ts';

/**
 * Specialises an expression to a template: every path becomes the places in the template that it can lead to, every
 * comparison a test of constant text, decided here and now, or of a value slot, decided per record from its bytes.
 *
 * What depends on more than single values (arrays, which repeat elements; positions behind elements that may be absent;
 * text mixed from parts) becomes "unknown", and the plain evaluator decides.
 */
export function codeOf(expression: Expression, shape: Shape): Code {
  const repeats = shape.repeats === true;
  const compiler = remembered(repeats ? repeating : single, expression, () => new Compiler(repeats));
  return compiler.condition(expression, { kind: 'root', content: shape.content, table: 'outer', shape }, 1);
}

// What has been worked out for one template helps with others.
const repeating = new WeakMap<Expression, Compiler>();
const single = new WeakMap<Expression, Compiler>();

/** What has been worked out for `key` before; or what is now. */
function remembered<K extends WeakKey, V>(known: WeakMap<K, V>, key: K, workOut: () => V): V {
  if (!known.has(key)) known.set(key, workOut());
  return known.get(key)!;
}

/** The same as a test. */
export function compileExpression(expression: Expression, shape: Shape): Test {
  return testOf(codeOf(expression, shape));
}

/** A template, and what stands in the slot that holds its nested document. */
export interface Shape {
  readonly content: readonly ContentNode[];
  /** Value index of the nested document; -1 when the record has none. */
  readonly bodySlot: number;
  /** Content of the nested template; undefined: not looked at, so what depends on it is unknown. */
  readonly body: readonly ContentNode[] | undefined;
  /** Some values may be arrays, which repeat their element: positions are unknown. */
  readonly repeats?: boolean;
}

/** A place in the template that a path can lead to. */
type Place =
  | { readonly kind: 'root'; readonly content: readonly ContentNode[]; readonly table: Table; readonly shape: Shape }
  | {
      readonly kind: 'element';
      readonly node: ElementNode;
      readonly table: Table;
      readonly shape: Shape;
      /** The event itself: of its System children only the first counts. */
      readonly isEvent: boolean;
    }
  | { readonly kind: 'attribute'; readonly node: AttributeNode; readonly table: Table }
  | {
      readonly kind: 'characters';
      readonly content: readonly ContentNode[];
      readonly table: Table;
      readonly shape: Shape;
    }
  | { readonly kind: 'opaque' };

/** A place, and what must hold for it to be there. */
interface Candidate {
  readonly place: Place;
  readonly when: Code;
}

const OPAQUE: Candidate = { place: { kind: 'opaque' }, when: UNKNOWN };

class Compiler {
  readonly #repeats: boolean;
  /** Where steps from elements of nested templates lead: many templates have the same one nested in them. */
  readonly #nested = new WeakMap<Step, WeakMap<ElementNode, readonly Candidate[]>>();

  constructor(repeats: boolean) {
    this.#repeats = repeats;
  }

  condition(expression: Expression, place: Place, position: number | undefined): Code {
    switch (expression.kind) {
      case 'or':
        return this.#or(expression, place, position);
      case 'and':
        return allOf(expression.terms.map((term) => this.condition(term, place, position)));
      case 'path':
        return anyOf(this.#select(expression, place).map(({ when }) => when));
      case 'compare':
        return this.#compare(expression, place, position);
      case 'band':
        return this.#band(expression.left, expression.right, place);
      default:
        return constantIsTrue(expression) ? TRUE : FALSE;
    }
  }

  /** Constants for one and the same path are looked up in a set. */
  #or(expression: OrExpression, place: Place, position: number | undefined): Code {
    const { lists, others } = groupsOf(expression);
    const codes = others.map((term) => this.condition(term, place, position));
    for (const { path, constants } of lists) {
      for (const { place: target, when } of this.#select(path, place)) {
        codes.push(allOf([when, compareInSet(target, constants)]));
      }
    }
    return anyOf(codes);
  }

  #compare({ left, operator, right }: Comparison, place: Place, position: number | undefined): Code {
    const constant = readingsOf(right);
    switch (left.kind) {
      case 'path':
        return anyOf(
          this.#select(left, place).map(({ place: target, when }) =>
            allOf([when, comparePlace(target, operator, constant)]),
          ),
        );
      case 'position()':
        if (constant.numeric === undefined) return FALSE;
        return position === undefined ? UNKNOWN : ordered(position, operator, constant.numeric.number) ? TRUE : FALSE;
      case 'timediff':
        return this.#timeDiff(left.from, left.to, operator, constant, place);
    }
  }

  #select(path: PathExpression, from: Place): Candidate[] {
    let candidates: Candidate[] = [{ place: from, when: TRUE }];
    for (const step of path.steps) {
      candidates = candidates.flatMap(({ place, when }) =>
        this.#step(step, place).map((next) => ({ place: next.place, when: allOf([when, next.when]) })),
      );
    }
    return candidates;
  }

  #step(step: Step, place: Place): readonly Candidate[] {
    if (place.kind !== 'element' || place.table !== 'body' || place.isEvent) return this.#candidates(step, place);
    const known = remembered(this.#nested, step, () => new WeakMap<ElementNode, readonly Candidate[]>());
    return remembered(known, place.node, () => this.#candidates(step, place));
  }

  #candidates(step: Step, place: Place): Candidate[] {
    let candidates = step.axis === 'attribute' ? attributesOf(place, step) : childrenOf(place, step);
    for (const predicate of step.predicates) candidates = this.#filter(predicate, candidates);
    return candidates.filter(({ when }) => when !== FALSE);
  }

  #filter(predicate: Predicate, candidates: readonly Candidate[]): Candidate[] {
    // A position is known as long as everything in front is surely there, or surely not.
    let position: number | undefined = this.#repeats ? undefined : 1;
    return candidates.map((candidate) => {
      const { place, when } = candidate;
      const at: number | undefined = position;
      if (when !== FALSE) position = when === TRUE && at !== undefined ? at + 1 : undefined;
      if (place.kind === 'opaque') return candidate;
      const passes: Code =
        predicate.kind === 'condition'
          ? this.condition(predicate.condition, place, at)
          : at === undefined
            ? UNKNOWN
            : at === predicate.position
              ? TRUE
              : FALSE;
      return { place, when: allOf([when, passes]) };
    });
  }

  #band(left: Argument, right: Argument, place: Place): Code {
    const a = this.#operands(left, place, slotBits, (text) => readNumber(text)?.integer);
    const b = this.#operands(right, place, slotBits, (text) => readNumber(text)?.integer);
    const pass = (x: bigint, y: bigint) => (BigInt.asUintN(64, x) & BigInt.asUintN(64, y)) !== 0n;
    return combine(a, b, pass, (x, y) => bitsLeaf(x, y) ?? bitsLeaf(y, x));
  }

  #timeDiff(
    from: Argument,
    to: Argument | undefined,
    operator: CompareOperator,
    { numeric: span }: Readings,
    place: Place,
  ): Code {
    if (span === undefined) return FALSE;
    const a = this.#operands(from, place, slotTime, timeOfText);
    const b: Operand[] =
      to === undefined
        ? [{ when: TRUE, read: (frame) => frame.context.now }]
        : this.#operands(to, place, slotTime, timeOfText);
    const pass = (x: bigint, y: bigint) => compareSpan(y - x, operator, span);
    return combine(a, b, pass, ({ slot }) =>
      slot !== undefined && to === undefined ? { kind: 'since', ...slot, operator, span } : undefined,
    );
  }

  #operands(
    argument: Argument,
    place: Place,
    readSlot: (frame: Frame, table: Table, index: number) => bigint | undefined | null,
    readText: (text: string) => bigint | undefined,
  ): Operand[] {
    if (argument.kind === 'path') {
      return this.#select(argument, place).map(({ place: target, when }) => {
        const leaf = leafOf(target);
        if (leaf === undefined) return { when, read: () => null };
        if (typeof leaf !== 'string') {
          return { when, slot: leaf, read: (frame: Frame) => readSlot(frame, leaf.table, leaf.index) };
        }
        const value = readText(leaf);
        return { when, read: () => value };
      });
    }
    const { quoted, text, numeric } = readingsOf(argument);
    const constant = quoted ? readText(text) : numeric?.integer;
    return constant === undefined ? [] : [{ when: TRUE, constant, read: () => constant }];
  }
}

/** One argument of a function. */
interface Operand {
  readonly when: Code;
  /** What it reads as; undefined: nothing; null: only the plain evaluator can tell. */
  readonly read: (frame: Frame) => bigint | undefined | null;
  /** Where it is one slot, or one constant. */
  readonly slot?: Slot;
  readonly constant?: bigint;
}

function bitsLeaf({ slot }: Operand, { constant }: Operand): Leaf | undefined {
  if (slot === undefined || constant === undefined) return undefined;
  return { kind: 'bits', ...slot, mask: BigInt.asUintN(64, constant) };
}

/** Pairs of places that are tested one by one; functions of more are no hot path. */
const MAX_PAIRS = 64;

/** True when some pair of the operands' values passes. @param leafOfPair a pair that is asked more simply */
function combine(
  a: readonly Operand[],
  b: readonly Operand[],
  pass: (x: bigint, y: bigint) => boolean,
  leafOfPair: (left: Operand, right: Operand) => Leaf | undefined,
): Code {
  if (a.length * b.length > MAX_PAIRS) return UNKNOWN;
  const codes = a.flatMap((left) =>
    b.map((right): Code => {
      const test: Test = (frame) => {
        const x = left.read(frame);
        if (x === undefined) return FALSE;
        const y = right.read(frame);
        if (y === undefined) return FALSE;
        return x === null || y === null ? UNKNOWN : pass(x, y) ? TRUE : FALSE;
      };
      return allOf([left.when, right.when, leafOfPair(left, right) ?? { kind: 'test', test }]);
    }),
  );
  return anyOf(codes);
}

/** The terms of an `or`: those that ask one path for several constants, and the others. */
interface Groups {
  readonly lists: readonly { readonly path: PathExpression; readonly constants: ConstantSet }[];
  readonly others: readonly Expression[];
}

// Worked out once per expression, not once per template.
const groups = new WeakMap<OrExpression, Groups>();

function groupsOf(expression: OrExpression): Groups {
  return remembered(groups, expression, () => group(expression.terms));
}

function group(terms: readonly Expression[]): Groups {
  const byPath = new Map<string, { path: PathExpression; terms: Expression[]; constants: Readings[] }>();
  const others: Expression[] = [];
  for (const term of terms) {
    if (term.kind !== 'compare' || term.operator !== '=' || term.left.kind !== 'path') {
      others.push(term);
      continue;
    }
    const key = pathKey(term.left);
    const list = byPath.get(key) ?? { path: term.left, terms: [], constants: [] };
    list.terms.push(term);
    list.constants.push(readingsOf(term.right));
    byPath.set(key, list);
  }
  const lists = [...byPath.values()].filter((list) => list.terms.length > 1);
  for (const list of byPath.values()) if (list.terms.length === 1) others.push(...list.terms);
  return { lists: lists.map(({ path, constants }) => ({ path, constants: new ConstantSet(constants) })), others };
}

/** Equal for paths that say the same, wherever they stand in the query. */
function pathKey({ steps }: PathExpression): string {
  return JSON.stringify(steps, (key, part: unknown) => {
    if (key === 'start' || key === 'end') return undefined;
    return typeof part === 'bigint' ? String(part) : part;
  });
}

/** Elements below a place; what a nested document adds is opaque until its template is known. */
function childrenOf(place: Place, step: Step): Candidate[] {
  const { test } = step;
  if (place.kind === 'opaque') return [OPAQUE];
  if (place.kind === 'attribute' || place.kind === 'characters') return [];
  if (test.kind === 'text') {
    if (place.kind === 'root') return [];
    const { table, shape, node } = place;
    // Whether text stands between the elements of mixed content depends on values; leaves always have theirs.
    if (node.content.some((part) => part.kind === 'element' || addsElements(part, table, shape))) return [OPAQUE];
    return [{ place: { kind: 'characters', content: node.content, table, shape }, when: TRUE }];
  }
  const candidates: Candidate[] = [];
  const name = nameOf(test);
  const question = remembered(asked, step, () => attributeAsked(step));
  const isRoot = place.kind === 'root';
  const onlyFirstSystem = !isRoot && place.isEvent;
  // Whether a System element stands in front: surely, or perhaps.
  let system: Code = FALSE;
  collect(isRoot ? place.content : place.node.content, place.table, place.shape);
  return candidates;

  function collect(nodes: readonly ContentNode[], table: Table, shape: Shape): void {
    for (const node of nodes) {
      if (node.kind === 'element') element(node, table, shape);
      else if (!addsElements(node, table, shape)) continue;
      else if (node.kind === 'substitution' && shape.body !== undefined) collect(shape.body, 'body', shape);
      else opaque();
    }
  }

  function element(node: ElementNode, table: Table, shape: Shape): void {
    const own = localName(node.name);
    const isWanted = name === undefined || own === name;
    const isSystem = onlyFirstSystem && own === SYSTEM;
    if (!isSystem && (!isWanted || (question !== undefined && answersNo(node, table, question)))) return;
    let when = presence(node, table);
    if (isSystem) {
      if (system === TRUE) return;
      const first = system === FALSE;
      system = when === TRUE ? TRUE : UNKNOWN;
      if (!first) when = allOf([when, UNKNOWN]);
    }
    if (!isWanted) return;
    candidates.push({ place: { kind: 'element', node, table, shape, isEvent: isRoot }, when });
  }

  function opaque(): void {
    if (onlyFirstSystem && system === TRUE && name === SYSTEM) return;
    if (system === FALSE) system = UNKNOWN;
    candidates.push(OPAQUE);
  }
}

/** What the first predicate of a step asks of an element: a constant of one attribute, as most queries ask of `Data`. */
interface Asked {
  readonly attribute: string;
  readonly operator: CompareOperator;
  readonly constant: Readings;
}

const asked = new WeakMap<Step, Asked | undefined>();

function attributeAsked({ predicates: [first] }: Step): Asked | undefined {
  if (first?.kind !== 'condition' || first.condition.kind !== 'compare') return undefined;
  const { left, operator, right } = first.condition;
  if (left.kind !== 'path' || left.steps.length !== 1) return undefined;
  const { axis, test, predicates } = left.steps[0]!;
  if (axis !== 'attribute' || test.kind !== 'name' || predicates.length > 0) return undefined;
  return { attribute: test.name, operator, constant: readingsOf(right) };
}

/** True where the template alone tells that an element does not pass: most elements that a query looks at are of that kind. */
function answersNo({ attributes }: ElementNode, table: Table, { attribute, operator, constant }: Asked): boolean {
  for (const { name, value } of attributes) {
    if (!name.endsWith(attribute) || isNamespaceDeclaration(name) || localName(name) !== attribute) continue;
    const leaf = leafOfParts(value, table, undefined);
    if (typeof leaf !== 'string' || compareText(leaf, operator, constant)) return false;
  }
  return true;
}

/** True of a part that stands for a document of its own. */
function addsElements(part: ContentNode, table: Table, shape: Shape): boolean {
  return (
    part.kind === 'instance' || (part.kind === 'substitution' && table === 'outer' && part.index === shape.bodySlot)
  );
}

function nameOf(test: Step['test']): string | undefined {
  return test.kind === 'name' ? test.name : undefined;
}

function attributesOf(place: Place, { test }: Step): Candidate[] {
  if (place.kind === 'opaque') return [OPAQUE];
  if (place.kind !== 'element' || test.kind === 'text') return [];
  const { table } = place;
  const candidates: Candidate[] = [];
  for (const node of place.node.attributes) {
    if (test.kind === 'name' && !node.name.endsWith(test.name)) continue;
    if (isNamespaceDeclaration(node.name) || (test.kind === 'name' && localName(node.name) !== test.name)) continue;
    candidates.push({ place: { kind: 'attribute', node, table }, when: guard(optionalSlots(node.value), table) });
  }
  return candidates;
}

function optionalSlots(parts: readonly ContentNode[]): number[] {
  const slots: number[] = [];
  for (const part of parts) if (part.kind === 'substitution' && part.optional) slots.push(part.index);
  return slots;
}

/** An element is left out when its dependency, or an optional substitution directly in it, is Null. */
function presence(node: ElementNode, table: Table): Code {
  const slots = optionalSlots(node.content);
  if (node.dependency !== NO_DEPENDENCY) slots.push(node.dependency);
  return guard(slots, table);
}

function guard(slots: readonly number[], table: Table): Code {
  if (slots.length === 0) return TRUE;
  return allOf([...new Set(slots)].map((index): Code => ({ kind: 'present', table, index })));
}

/** What a place consists of: constant text, one slot, or neither. */
function leafOf(place: Place): string | Slot | undefined {
  switch (place.kind) {
    case 'attribute':
      return leafOfParts(place.node.value, place.table, undefined);
    case 'characters':
      return leafOfParts(place.content, place.table, place.shape);
    case 'element':
      return leafOfParts(place.node.content, place.table, place.shape);
    default:
      return undefined;
  }
}

function leafOfParts(
  parts: readonly (ContentNode | AttributePart)[],
  table: Table,
  shape: Shape | undefined,
): string | Slot | undefined {
  const [only] = parts;
  if (parts.length === 1 && only!.kind === 'substitution') {
    const isBody = table === 'outer' && shape !== undefined && only!.index === shape.bodySlot;
    return isBody ? undefined : { table, index: only!.index };
  }
  let text = '';
  for (const part of parts) {
    if (part.kind === 'substitution' || part.kind === 'element' || part.kind === 'instance') return undefined;
    text += characterData(part);
  }
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function comparePlace(place: Place, operator: CompareOperator, constant: Readings): Code {
  const leaf = leafOf(place);
  if (leaf === undefined) return UNKNOWN;
  if (typeof leaf === 'string') return compareText(leaf, operator, constant) ? TRUE : FALSE;
  return { kind: 'compare', ...leaf, operator, constant };
}

function compareInSet(place: Place, constants: ConstantSet): Code {
  const leaf = leafOf(place);
  if (leaf === undefined) return UNKNOWN;
  if (typeof leaf === 'string') return constants.hasText(leaf) ? TRUE : FALSE;
  return { kind: 'in', ...leaf, constants };
}
