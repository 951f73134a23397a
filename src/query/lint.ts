/**
 * Advice on queries that run and probably don't say what was meant: names that no event has, tests that nearly every
 * event passes, tests that none does.
 */
import type { Argument, Comparison, Expression, ParsedQuery, PathExpression, QueryWarning, Span, Step } from './ast.ts';

/**
 * Where in an event a path stands: its names from the root; undefined for a step whose name is open. Below
 * {@link DEEPEST} only the last name is kept up: nothing is known about names there, and paths may be long.
 */
type Place = readonly (string | undefined)[];
const DEEPEST = 4;

/** Children of Event, and of System with their attributes (Event schema, learn.microsoft.com). */
const EVENT_CHILDREN = [
  'System',
  'EventData',
  'UserData',
  'BinaryEventData',
  'DebugData',
  'ProcessingErrorData',
  'RenderingInfo',
  'SubscriptionBookmarkEvent',
];
const SYSTEM_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['Provider', ['Name', 'Guid', 'EventSourceName']],
  ['EventID', ['Qualifiers']],
  ['Version', []],
  ['Level', []],
  ['Task', []],
  ['Opcode', []],
  ['Keywords', []],
  ['TimeCreated', ['SystemTime', 'RawTime']],
  ['EventRecordID', []],
  ['Correlation', ['ActivityID', 'RelatedActivityID']],
  ['Execution', ['ProcessID', 'ThreadID', 'ProcessorID', 'SessionID', 'KernelTime', 'UserTime', 'ProcessorTime']],
  ['Channel', []],
  ['Computer', []],
  ['Security', ['UserID']],
]);

/** Advice (code 0) on each part of a query that is legal and most likely a slip, in the order of the text. */
export function lint(parsed: ParsedQuery): QueryWarning[] {
  const linter = new Linter();
  for (const { selects, suppresses } of parsed.queries) {
    for (const { expression } of [...selects, ...suppresses]) {
      if (expression !== undefined) linter.condition(expression, []);
    }
  }
  return linter.warnings.sort((a, b) => a.start - b.start);
}

class Linter {
  readonly warnings: QueryWarning[] = [];

  condition(condition: Expression, place: Place): void {
    switch (condition.kind) {
      case 'or':
      case 'and':
        for (const term of condition.terms) this.condition(term, place);
        return;
      case 'path':
        this.#path(condition, place);
        return;
      case 'compare':
        this.#comparison(condition, place);
        return;
      case 'band':
        this.#argument(condition.left, place);
        this.#argument(condition.right, place);
        return;
      case 'text':
        this.#warn(
          condition,
          `'${condition.text}' stands alone as a condition and is ${isTrue(condition.text)} for every event; write the path and = in front of it.`,
        );
        return;
      case 'number':
        this.#warn(
          condition,
          `${condition.number} stands alone as a condition and is ${condition.number !== 0} for every event; write the path and = in front of it.`,
        );
    }
  }

  #comparison(comparison: Comparison, place: Place): void {
    const { left } = comparison;
    if (left.kind === 'path') {
      this.#path(left, place);
      if (isUnnamedData(left, place)) this.#unnamedData(comparison);
    } else if (left.kind === 'timediff') {
      this.#argument(left.from, place);
      if (left.to !== undefined) this.#argument(left.to, place);
    }
  }

  #unnamedData(comparison: Comparison): void {
    const named = "Data[@Name='…']";
    this.#warn(
      comparison,
      comparison.operator === '!='
        ? `Data!= is true as soon as one Data of the event differs, so for nearly every event; write ${named}!=, or exclude with a Suppress.`
        : `Data${comparison.operator} without a name looks at every Data of the event; write ${named} for one field, or Data[n] where events have no names.`,
    );
  }

  #argument(argument: Argument, place: Place): void {
    if (argument.kind === 'path') this.#path(argument, place);
  }

  #path(path: PathExpression, start: Place): void {
    let place = start;
    for (const step of path.steps) {
      this.#name(step, place);
      place = below(place, step);
      for (const predicate of step.predicates) {
        if (predicate.kind === 'condition') this.condition(predicate.condition, place);
        else if (predicate.position < 1 || !Number.isInteger(predicate.position)) {
          this.#warn(predicate, 'Positions are whole numbers from 1 on, so this one never matches.');
        }
      }
    }
  }

  /** Says so when no event has this name at this place. */
  #name(step: Step, place: Place): void {
    if (step.test.kind !== 'name') return;
    const { name } = step.test;
    const [, part, field] = place;
    if (place.length === 1 && step.axis === 'child') {
      this.#known(step, name, EVENT_CHILDREN, 'an event', '');
    } else if (place.length === 2 && part === 'System' && step.axis === 'child') {
      this.#known(step, name, [...SYSTEM_FIELDS.keys()], 'System', '');
    } else if (place.length === 3 && part === 'System' && field !== undefined && step.axis === 'attribute') {
      const attributes = SYSTEM_FIELDS.get(field);
      if (attributes !== undefined) this.#known(step, name, attributes, `System/${field}`, '@');
    }
  }

  #known(span: Span, name: string, names: readonly string[], holder: string, mark: '' | '@'): void {
    if (names.includes(name)) return;
    const meant = names.find((each) => each.toLowerCase() === name.toLowerCase());
    const instead =
      meant !== undefined
        ? `names are case-sensitive: write ${mark}${meant}`
        : names.length === 0
          ? 'it has no attributes'
          : `it has ${names.map((each) => mark + each).join(', ')}`;
    this.#warn(span, `There is no ${mark}${name} in ${holder}, so this never matches; ${instead}.`);
  }

  #warn({ start, end }: Span, sentence: string): void {
    this.warnings.push({ start, end, code: 0, sentence });
  }
}

function below(place: Place, step: Step): Place {
  const open = place.length === 0 ? 'Event' : undefined;
  return [...place.slice(0, DEEPEST - 1), step.test.kind === 'name' ? step.test.name : open];
}

/** A text by itself counts as true only when it says so. */
function isTrue(text: string): boolean {
  return text === 'true';
}

/** `Data` of EventData, any of them: no brackets that pick one. */
function isUnnamedData(path: PathExpression, start: Place): boolean {
  const elements = path.steps.filter((step) => step.test.kind !== 'text');
  const last = elements.at(-1);
  if (last?.axis !== 'child' || last.test.kind !== 'name' || last.test.name !== 'Data') return false;
  const parent = elements.at(-2);
  const parentName = parent === undefined ? start.at(-1) : parent.test.kind === 'name' ? parent.test.name : undefined;
  return parentName === 'EventData' && last.predicates.length === 0;
}
