import { highestSubstitution } from '../binxml/check.ts';
import { resolveDocument } from '../binxml/resolve.ts';
import type { Fragment, InstanceNode, Template, ValueTable } from '../binxml/tree.ts';
import { ARRAY, ValueType } from '../binxml/value-type.ts';
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
}

/** The expression as a filter; undefined stands for every event. */
export function createFilter(expression: Expression | undefined, choice: EvaluatorChoice): EventFilter {
  if (expression === undefined) return { matches: () => true };
  if (choice === 'compiled') return new CompiledFilter(expression);
  return { matches: (document, context) => evaluate(expression, resolveDocument(document), context) };
}

/** The tests for one template with its nested document in one slot. */
interface TemplateTests {
  /** Looks at the outer values only. */
  readonly header: Test;
  /** One test per nested template. */
  readonly bodies: WeakMap<Template, Test>;
}

/** More value slots than any real template has: where a nested document stands beyond, the plain evaluator decides. */
const MAX_BODY_SLOT = 255;

class CompiledFilter implements EventFilter {
  readonly #expression: Expression;
  readonly #templates = new WeakMap<Template, (TemplateTests | undefined)[]>();

  constructor(expression: Expression) {
    this.#expression = expression;
  }

  matches(document: Fragment, context: EvaluationContext): boolean {
    const [node] = document;
    const verdict = document.length === 1 && node!.kind === 'instance' ? this.#test(node!, context) : UNKNOWN;
    if (verdict !== UNKNOWN) return verdict === TRUE;
    return evaluate(this.#expression, resolveDocument(document), context);
  }

  #test({ template, values }: InstanceNode, context: EvaluationContext): Verdict {
    const bodySlot = nestedSlot(template, values);
    if (bodySlot === UNUSUAL) return UNKNOWN;
    const tests = this.#testsFor(template, bodySlot);
    const frame: Frame = { outer: values, body: values, context };
    const verdict = tests.header(frame);
    if (verdict !== UNKNOWN || bodySlot < 0) return verdict;
    const nested = values.nested(bodySlot);
    const [body] = nested;
    if (nested.length !== 1 || body!.kind !== 'instance') return UNKNOWN;
    // Arrays repeat elements, and a nested document inside the nested one is no shape that Windows writes.
    if (nestedSlot(body!.template, body!.values) !== NONE) return UNKNOWN;
    let test = tests.bodies.get(body!.template);
    if (test === undefined) {
      const shape = { content: template.root, bodySlot, body: body!.template.root };
      test = compileExpression(this.#expression, shape);
      tests.bodies.set(body!.template, test);
    }
    frame.body = body!.values;
    return test(frame);
  }

  #testsFor(template: Template, bodySlot: number): TemplateTests {
    let slots = this.#templates.get(template);
    if (slots === undefined) {
      slots = [];
      this.#templates.set(template, slots);
    }
    let tests = slots[bodySlot + 1];
    if (tests === undefined) {
      const shape = { content: template.root, bodySlot, body: undefined };
      tests = { header: compileExpression(this.#expression, shape), bodies: new WeakMap() };
      slots[bodySlot + 1] = tests;
    }
    return tests;
  }
}

const NONE = -1;
const UNUSUAL = -2;

/** Index of the one nested document among the values; NONE, or UNUSUAL for what the compiled tests are not made for. */
function nestedSlot(template: Template, values: ValueTable): number {
  const { bytes, count, descriptors } = values;
  if (highestSubstitution(template) >= count) return UNUSUAL;
  let slot = NONE;
  for (let i = 0, at = descriptors + 2; i < count; i++, at += 4) {
    const type = bytes[at]!;
    if (type < ValueType.BinXml) continue;
    if ((type & ARRAY) !== 0 || slot !== NONE || i > MAX_BODY_SLOT) return UNUSUAL;
    if (type === ValueType.BinXml) slot = i;
  }
  return slot;
}
