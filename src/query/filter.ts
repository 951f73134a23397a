import { highestSubstitution } from '../binxml/check.ts';
import { InstanceCursor, NO_SLOT, UNUSUAL_SLOT } from '../binxml/instance-cursor.ts';
import { resolveDocument } from '../binxml/resolve.ts';
import type { Fragment, InstanceNode, Template, ValueTable } from '../binxml/tree.ts';
import { ARRAY, ValueType } from '../binxml/value-type.ts';
import type { RecordCursor } from '../evtx/record-cursor.ts';
import type { Expression } from './ast.ts';
import { compileExpression } from './compile.ts';
import { type EvaluationContext, evaluate } from './evaluate.ts';
import { type Frame, type Test, TRUE, UNKNOWN, type Verdict } from './slot-test.ts';

/** Which evaluator answers. Both give the same; tests hold them together. */
export type EvaluatorChoice = 'compiled' | 'plain';

/** Whether one expression is true of an event, told from its stored document. */
export interface EventFilter {
  /** @throws BinXmlError when the event must be resolved to tell, and is damaged */
  matches(document: Fragment, context: EvaluationContext): boolean;
  /** The same of a record in place. */
  matchesRecord(record: RecordCursor, context: EvaluationContext): boolean;
}

/** The expression as a filter; undefined stands for every event. */
export function createFilter(expression: Expression | undefined, choice: EvaluatorChoice): EventFilter {
  if (expression === undefined) return { matches: () => true, matchesRecord: () => true };
  if (choice === 'compiled') return new CompiledFilter(expression);
  const matches: EventFilter['matches'] = (document, context) =>
    evaluate(expression, resolveDocument(document), context);
  return { matches, matchesRecord: ({ document }, context) => matches(document, context) };
}

/** What is known of one template. */
interface CompiledTemplate {
  /** Highest value index it uses; -1 for none. */
  readonly highest: number;
  /** Tests by the slot of the nested document, moved up by one: first those for a record without one. */
  readonly bySlot: (SlotTests | undefined)[];
}

/** The tests for one template with its nested document in one slot. */
interface SlotTests {
  /** Looks at the outer values only. */
  readonly header: Test;
  /** One test per nested template. */
  readonly bodies: WeakMap<Template, Test>;
}

/** More value slots than any real template has: where a nested document stands beyond, the plain evaluator decides. */
const MAX_BODY_SLOT = 255;

// Instead of a slot: there is no nested document; there is what the compiled tests are not made for.
const NONE = NO_SLOT;
const UNUSUAL = UNUSUAL_SLOT;

const NO_VALUES: ValueTable = {
  bytes: new Uint8Array(0),
  count: 0,
  descriptors: 0,
  firstValue: 0,
  nested: () => [],
};

class CompiledFilter implements EventFilter {
  readonly #expression: Expression;
  // One for all records: filters are never entered twice at a time, and tests keep nothing of it.
  readonly #frame: Frame = { outer: NO_VALUES, body: NO_VALUES, context: { now: 0n } };
  readonly #body = new InstanceCursor();
  readonly #templates = new WeakMap<Template, CompiledTemplate>();
  // Neighbours mostly share their template: a look-up less.
  #lastTemplate: Template | undefined;
  #last: CompiledTemplate = { highest: NONE, bySlot: [] };

  constructor(expression: Expression) {
    this.#expression = expression;
  }

  matches(document: Fragment, context: EvaluationContext): boolean {
    const [node] = document;
    const verdict = document.length === 1 && node!.kind === 'instance' ? this.#test(node!, context) : UNKNOWN;
    if (verdict !== UNKNOWN) return verdict === TRUE;
    return evaluate(this.#expression, resolveDocument(document), context);
  }

  matchesRecord(record: RecordCursor, context: EvaluationContext): boolean {
    if (record.isInstance) {
      const verdict = this.#testInstance(record.instance, context);
      if (verdict !== UNKNOWN) return verdict === TRUE;
    }
    return this.matches(record.document, context);
  }

  #testInstance(instance: InstanceCursor, context: EvaluationContext): Verdict {
    const { template, bodySlot } = instance;
    const compiled = template === this.#lastTemplate ? this.#last : this.#lookUp(template);
    if (compiled.highest >= instance.count || bodySlot === UNUSUAL_SLOT || bodySlot > MAX_BODY_SLOT) return UNKNOWN;
    const tests = this.#testsFor(template, compiled, bodySlot);
    const frame = this.#frame;
    frame.outer = instance;
    frame.body = instance;
    frame.context = context;
    const verdict = tests.header(frame);
    if (verdict !== UNKNOWN || bodySlot < 0) return verdict;
    const body = this.#body;
    if (!instance.readBody(body) || body.bodySlot !== NO_SLOT) return UNKNOWN;
    if (highestSubstitution(body.template) >= body.count) return UNKNOWN;
    frame.body = body;
    return this.#bodyTest(tests, template, bodySlot, body.template)(frame);
  }

  #testsFor(template: Template, { bySlot }: CompiledTemplate, bodySlot: number): SlotTests {
    let tests = bySlot[bodySlot + 1];
    if (tests === undefined) {
      const shape = { content: template.root, bodySlot, body: undefined };
      tests = { header: compileExpression(this.#expression, shape), bodies: new WeakMap() };
      bySlot[bodySlot + 1] = tests;
    }
    return tests;
  }

  #bodyTest({ bodies }: SlotTests, template: Template, bodySlot: number, body: Template): Test {
    let test = bodies.get(body);
    if (test === undefined) {
      test = compileExpression(this.#expression, { content: template.root, bodySlot, body: body.root });
      bodies.set(body, test);
    }
    return test;
  }

  #test({ template, values }: InstanceNode, context: EvaluationContext): Verdict {
    const compiled = template === this.#lastTemplate ? this.#last : this.#lookUp(template);
    const bodySlot = nestedSlot(compiled.highest, values);
    if (bodySlot === UNUSUAL) return UNKNOWN;
    const tests = this.#testsFor(template, compiled, bodySlot);
    const frame = this.#frame;
    frame.outer = values;
    frame.body = values;
    frame.context = context;
    const verdict = tests.header(frame);
    if (verdict !== UNKNOWN || bodySlot < 0) return verdict;
    const nested = values.nested(bodySlot);
    const [body] = nested;
    if (nested.length !== 1 || body!.kind !== 'instance') return UNKNOWN;
    // Arrays repeat elements, and a nested document inside the nested one is no shape that Windows writes.
    if (nestedSlot(highestSubstitution(body!.template), body!.values) !== NONE) return UNKNOWN;
    frame.body = body!.values;
    return this.#bodyTest(tests, template, bodySlot, body!.template)(frame);
  }

  #lookUp(template: Template): CompiledTemplate {
    let compiled = this.#templates.get(template);
    if (compiled === undefined) {
      compiled = { highest: highestSubstitution(template), bySlot: [] };
      this.#templates.set(template, compiled);
    }
    this.#lastTemplate = template;
    this.#last = compiled;
    return compiled;
  }
}

/** Index of the one nested document among the values; NONE, or UNUSUAL for what the compiled tests are not made for. */
function nestedSlot(highest: number, values: ValueTable): number {
  const { bytes, count, descriptors } = values;
  if (highest >= count) return UNUSUAL;
  let slot = NONE;
  for (let i = 0, at = descriptors + 2; i < count; i++, at += 4) {
    const type = bytes[at]!;
    if (type < ValueType.BinXml) continue;
    if ((type & ARRAY) !== 0 || slot !== NONE || i > MAX_BODY_SLOT) return UNUSUAL;
    if (type === ValueType.BinXml) slot = i;
  }
  return slot;
}
