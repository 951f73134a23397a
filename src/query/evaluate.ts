import type { AttributeText, EventContent, EventElement } from '../binxml/event-tree.ts';
import { textContent } from '../render/text-content.ts';
import type {
  Argument,
  CompareOperator,
  Comparison,
  Constant,
  Expression,
  PathExpression,
  Predicate,
  Step,
} from './ast.ts';
import { compareSpans, compareText, compareValue, integerOf, ordered, timeOf, timeOfText } from './compare.ts';
import { constantIsTrue, readingsOf, readNumber } from './constant.ts';

/** What an evaluation depends on beside the event. */
export interface EvaluationContext {
  /** FILETIME that timediff() with one argument counts to; taken once per read. */
  readonly now: bigint;
}

/** A place in an event that a path can lead to. */
export type EventNode =
  | { readonly kind: 'root'; readonly elements: readonly EventElement[] }
  | EventElement
  | { readonly kind: 'attribute'; readonly value: readonly AttributeText[] }
  | { readonly kind: 'characters'; readonly nodes: readonly EventContent[] };

/**
 * The query language as it is defined: the expression is true of this event. Walks the element tree, node by node; the
 * compiled evaluator is held against it.
 */
export function evaluate(expression: Expression, roots: readonly EventElement[], context: EvaluationContext): boolean {
  return new Evaluator(context).isTrue(expression, rootOf(roots), 1);
}

/** The nodes that a path leads to from the nameless root above the event, in document order. */
export function selectNodes(path: PathExpression, roots: readonly EventElement[]): EventNode[] {
  return new Evaluator({ now: 0n }).select(path, rootOf(roots));
}

/** Name of the element that says what an event is: its id, provider, level, time. */
export const SYSTEM = 'System';

/**
 * The nameless node above the event. An event has one System element: a second one, which no writer makes, is passed
 * over, so that an event cannot pose as another in its body, and its header alone answers what is asked of System.
 */
function rootOf(roots: readonly EventElement[]): EventNode {
  return { kind: 'root', elements: roots.map(withOneSystem) };
}

function withOneSystem(event: EventElement): EventElement {
  const isSystem = (node: EventContent) => node.kind === 'element' && localName(node.name) === SYSTEM;
  const first = event.children.findIndex(isSystem);
  if (first < 0 || first === event.children.findLastIndex(isSystem)) return event;
  return { ...event, children: event.children.filter((node, i) => i <= first || !isSystem(node)) };
}

class Evaluator {
  readonly #context: EvaluationContext;

  constructor(context: EvaluationContext) {
    this.#context = context;
  }

  /** @param position of `node` among its siblings, counted from 1 */
  isTrue(expression: Expression, node: EventNode, position: number): boolean {
    switch (expression.kind) {
      case 'or':
        return expression.terms.some((term) => this.isTrue(term, node, position));
      case 'and':
        return expression.terms.every((term) => this.isTrue(term, node, position));
      case 'path':
        return this.select(expression, node).length > 0;
      case 'compare':
        return this.#compare(expression, node, position);
      case 'band': {
        const left = this.#bits(expression.left, node);
        const right = this.#bits(expression.right, node);
        // Some bit is set on both sides: no need to pair the nodes.
        return (left.reduce(bitsOfEither, 0n) & right.reduce(bitsOfEither, 0n)) !== 0n;
      }
      default:
        return constantIsTrue(expression);
    }
  }

  #compare({ left, operator, right }: Comparison, node: EventNode, position: number): boolean {
    const constant = readingsOf(right);
    switch (left.kind) {
      case 'path':
        return this.select(left, node).some((target) => compareNode(target, operator, right));
      case 'position()':
        return constant.numeric !== undefined && ordered(position, operator, constant.numeric.number);
      case 'timediff': {
        const { numeric } = constant;
        if (numeric === undefined) return false;
        const from = this.#times(left.from, node);
        const to = left.to === undefined ? [this.#context.now] : this.#times(left.to, node);
        return compareSpans(from, to, operator, numeric);
      }
    }
  }

  select(path: PathExpression, from: EventNode): EventNode[] {
    let nodes: EventNode[] = [from];
    for (const step of path.steps) nodes = nodes.flatMap((node) => this.#step(step, node));
    return nodes;
  }

  #step(step: Step, node: EventNode): EventNode[] {
    let nodes = step.axis === 'attribute' ? attributes(node, step) : children(node, step);
    for (const predicate of step.predicates) {
      nodes = nodes.filter((candidate, i) => this.#passes(predicate, candidate, i + 1));
    }
    return nodes;
  }

  #passes(predicate: Predicate, node: EventNode, position: number): boolean {
    return predicate.kind === 'position'
      ? predicate.position === position
      : this.isTrue(predicate.condition, node, position);
  }

  #bits(argument: Argument, node: EventNode): bigint[] {
    if (argument.kind !== 'path') {
      const integer = readingsOf(argument).numeric?.integer;
      return integer === undefined ? [] : [BigInt.asUintN(64, integer)];
    }
    return this.select(argument, node).flatMap((target) => {
      const only = onlyValue(target);
      const integer = (only && integerOf(only)) ?? readNumber(nodeText(target))?.integer;
      return integer === undefined ? [] : [BigInt.asUintN(64, integer)];
    });
  }

  #times(argument: Argument, node: EventNode): bigint[] {
    if (argument.kind !== 'path') {
      const { quoted, text, numeric } = readingsOf(argument);
      const time = quoted ? timeOfText(text) : numeric?.integer;
      return time === undefined ? [] : [time];
    }
    return this.select(argument, node).flatMap((target) => {
      const only = onlyValue(target);
      const time = only === undefined ? timeOfText(nodeText(target)) : timeOf(only);
      return time === undefined ? [] : [time];
    });
  }
}

function bitsOfEither(a: bigint, b: bigint): bigint {
  return a | b;
}

/** Names are compared without their prefix: namespaces take no part. */
export function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

/** Declarations of namespaces are no attributes. */
export function isNamespaceDeclaration(name: string): boolean {
  return name === 'xmlns' || name.startsWith('xmlns:');
}

function children(node: EventNode, { test }: Step): EventNode[] {
  if (node.kind === 'attribute' || node.kind === 'characters') return [];
  const content: readonly EventContent[] = node.kind === 'root' ? node.elements : node.children;
  const elements = content.filter((child): child is EventElement => child.kind === 'element');
  if (test.kind === 'any') return elements;
  if (test.kind === 'name') return elements.filter(({ name }) => localName(name) === test.name);
  // A leaf has its text, also where that is empty; an element with children only where some stands between them.
  const characters = content.filter((child) => child.kind !== 'element');
  const hasText = node.kind !== 'root' && (elements.length === 0 || characters.length > 0);
  return hasText ? [{ kind: 'characters', nodes: characters }] : [];
}

function attributes(node: EventNode, { test }: Step): EventNode[] {
  if (node.kind !== 'element' || test.kind === 'text') return [];
  return node.attributes
    .filter(({ name }) => !isNamespaceDeclaration(name) && (test.kind === 'any' || localName(name) === test.name))
    .map(({ value }) => ({ kind: 'attribute', value }));
}

/** Character data of a node: the parts, where it has no elements below. */
function parts(node: EventNode): readonly EventContent[] | undefined {
  switch (node.kind) {
    case 'attribute':
      return node.value;
    case 'characters':
      return node.nodes;
    case 'element':
      return node.children.some((child) => child.kind === 'element') ? undefined : node.children;
    default:
      return undefined;
  }
}

/** The one typed value that a node consists of; undefined where it is text, several parts, or has elements below. */
export function onlyValue(node: EventNode) {
  const own = parts(node);
  const only = own?.[0];
  return own?.length === 1 && only?.kind === 'value' ? only.value : undefined;
}

/** The node's text; of an element with elements below, all text in it, in document order. */
export function nodeText(node: EventNode): string {
  const own = parts(node);
  if (own !== undefined) return cutAtNul(textContent(own));
  const below: readonly EventContent[] = node.kind === 'element' ? node.children : [];
  let text = '';
  for (const child of below) text += child.kind === 'element' ? nodeText(child) : textContent([child]);
  return text;
}

/** A string value ends at its first U+0000, also where a record holds it as literal text. */
function cutAtNul(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}

function compareNode(node: EventNode, operator: CompareOperator, constant: Constant): boolean {
  const only = onlyValue(node);
  const readings = readingsOf(constant);
  return only === undefined ? compareText(nodeText(node), operator, readings) : compareValue(only, operator, readings);
}
