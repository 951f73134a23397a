import { BinXmlError } from './error.ts';
import { InstanceCursor } from './instance-cursor.ts';
import { isOmitted, valueType } from './resolve.ts';
import { type ContentNode, type Fragment, type InstanceNode, NO_DEPENDENCY, type Template } from './tree.ts';
import { ValueType } from './value-type.ts';

// One number per template decides for all its records.
const highest = new WeakMap<Template, number>();

/** The highest substitution index that a template uses: a record needs a value for it; -1 when it uses none. */
export function highestSubstitution(template: Template): number {
  let max = highest.get(template);
  if (max === undefined) {
    max = highestIn(template.root);
    highest.set(template, max);
  }
  return max;
}

function highestIn(nodes: readonly ContentNode[]): number {
  let max = -1;
  for (const node of nodes) {
    if (node.kind === 'substitution') max = Math.max(max, node.index);
    else if (node.kind === 'element') {
      max = Math.max(max, highestIn(node.content));
      for (const { value } of node.attributes) max = Math.max(max, highestIn(value));
    }
  }
  return max;
}

// Windows puts none into its definitions; each is looked through once.
const instances = new WeakMap<Template, readonly InstanceNode[]>();

/** Definitions whose inner instances are whole. They can use each other many times over: once is enough. */
const checked = new WeakSet<Template>();

/** The template instances that stand in a definition, at any depth. */
function instancesOf(template: Template): readonly InstanceNode[] {
  let inner = instances.get(template);
  if (inner === undefined) {
    inner = instancesIn(template.root);
    instances.set(template, inner);
  }
  return inner;
}

function instancesIn(nodes: readonly ContentNode[]): InstanceNode[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'element') return instancesIn(node.content);
    return node.kind === 'instance' ? [node] : [];
  });
}

/** No instance stands in the definition: all of its records' values are their own. */
export function isPlainDefinition(template: Template): boolean {
  return instancesOf(template).length === 0;
}

/** Slots without whose values the template's only root element is left out; undefined where there is not just one. */
export function rootNeeds({ root }: Template): number[] | undefined {
  const elements = root.filter((node) => node.kind === 'element');
  if (elements.length !== 1) return undefined;
  const { dependency, content } = elements[0]!;
  const slots = new Set(dependency === NO_DEPENDENCY ? [] : [dependency]);
  for (const part of content) if (part.kind === 'substitution' && part.optional) slots.add(part.index);
  return [...slots];
}

/**
 * Reads a document to its last nested value, without filling it in: what passes can be resolved (but for an event that
 * grows past its budget).
 * @throws BinXmlError for damage in a nested value, a substitution without a value, or a document without any element
 */
export function checkDocument(document: Fragment): void {
  if (!check(document, 0)) throw new BinXmlError(0, 'the record holds no event');
}

// One at a time: records are checked one after the other.
const bodyCursor = new InstanceCursor();

/**
 * True of a record in place that {@link checkDocument} would pass: told without a tree for what Windows writes, an instance with
 * at most one nested document. False: nothing is known.
 */
export function isWhole(instance: InstanceCursor): boolean {
  const { template, documents, bodySlot } = instance;
  if (
    !hasPlainValues(instance) ||
    !template.root.some((root) => root.kind === 'element' && !isOmitted(root, instance))
  ) {
    return false;
  }
  if (documents === 0) return true;
  return bodySlot >= 0 && instance.readBody(bodyCursor) && bodyCursor.documents === 0 && hasPlainValues(bodyCursor);
}

function hasPlainValues({ template, count }: InstanceCursor): boolean {
  return highestSubstitution(template) < count && isPlainDefinition(template);
}

/** True when there is an element. */
function check(nodes: readonly ContentNode[], depth: number): boolean {
  let found = false;
  for (const node of nodes) {
    if (node.kind === 'element') {
      found = true;
      check(node.content, depth);
    }
    if (node.kind !== 'instance') continue;
    const { template, values } = node;
    // Values on a page that was never written are all Null: nothing of the event would be left.
    found ||= template.root.some((root) => root.kind === 'element' && !isOmitted(root, values));
    const max = highestSubstitution(template);
    if (max >= values.count) {
      throw new BinXmlError(values.descriptors, `substitution ${max} has no value: the instance has ${values.count}`);
    }
    for (let i = 0; i < values.count; i++) {
      if (valueType(values, i) === ValueType.BinXml) check(values.nested(i), depth + 1);
    }
    if (checked.has(template)) continue;
    for (const inner of instancesOf(template)) check([inner], depth + 1);
    checked.add(template);
  }
  return found;
}
