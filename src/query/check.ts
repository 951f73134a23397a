/**
 * Static checks: what the grammar allows and the filter refuses all the same. Names are not checked, as in Windows: an
 * unknown one matches nothing.
 */
import type { Argument, Expression, PathExpression, Span, Step } from './ast.ts';
import type { QueryErrorSymbol } from './error.ts';

/** What a check found, at a node of the tree. */
export interface CheckProblem {
  readonly innerSymbol: QueryErrorSymbol;
  readonly span: Span;
  readonly detail: string;
}

/** Depth of a step in the event: 0 is `Event`, 1 `System` or `EventData`; below that an element may be a leaf. */
const SHALLOWEST_LEAF = 2;

/** The first problem of a whole query, in the order of its text; undefined when it can run. */
export function checkExpression(expression: Expression): CheckProblem | undefined {
  switch (expression.kind) {
    case 'or':
    case 'and':
      return first(expression.terms, checkExpression);
    case 'path':
      return checkSelector(expression);
    case 'compare':
      if (expression.left.kind === 'path') return checkSelector(expression.left);
      return selectsNothing(expression);
    default:
      return selectsNothing(expression);
  }
}

function checkSelector(path: PathExpression): CheckProblem | undefined {
  const [step] = path.steps;
  if (step === undefined) return selectsNothing(path);
  const fromEvent =
    step.axis === 'child' && (step.test.kind === 'any' || (step.test.kind === 'name' && step.test.name === 'Event'));
  if (fromEvent) return checkPath(path, 0);
  const name = step.axis === 'child' && step.test.kind === 'name' ? step.test.name : undefined;
  return {
    innerSymbol: 'ERROR_EVT_FILTER_NOTELTSET',
    span: step,
    detail:
      name === undefined
        ? 'a query starts from the event: write *[…] around the condition'
        : `a query starts from the event, as in *[System[EventID=4624]] or Event/System; ${name} alone leads nowhere`,
  };
}

function selectsNothing(span: Span): CheckProblem {
  return {
    innerSymbol: 'ERROR_EVT_FILTER_NOTELTSET',
    span,
    detail: 'this selects no events; a query is a path from the event, so write *[…] around the condition',
  };
}

/** `depth`: of the elements that the first step leads to. */
function checkPath(path: PathExpression, depth: number): CheckProblem | undefined {
  return first(path.steps, (step, index) => {
    const before = path.steps[index - 1];
    if (before !== undefined && !isElement(before)) {
      return {
        innerSymbol: 'ERROR_EVT_FILTER_NOTELTSET',
        span: step,
        detail: 'an attribute or text() ends a path; it has nothing below it',
      };
    }
    return checkStep(step, depth + index, path.steps[index + 1]);
  });
}

function checkStep(step: Step, depth: number, next: Step | undefined): CheckProblem | undefined {
  const [predicate] = step.predicates;
  if (predicate !== undefined && !isElement(step)) {
    return {
      innerSymbol: 'ERROR_EVT_FILTER_NOTELTSET',
      span: predicate,
      detail: 'an attribute or text() takes no brackets; compare it, as in @Name = "value"',
    };
  }
  const isLeaf =
    depth >= SHALLOWEST_LEAF &&
    (next === undefined || !isElement(next)) &&
    !step.predicates.some((each) => each.kind === 'condition' && looksBelow(each.condition));
  return first(step.predicates, (each) => {
    if (each.kind === 'position') return isLeaf ? undefined : positionOnBranch(each);
    const position = isLeaf ? undefined : findPosition(each.condition);
    if (position !== undefined) return positionOnBranch(position);
    return checkCondition(each.condition, depth + 1);
  });
}

/** `depth`: of the elements that a path in the condition leads to with its first step. */
function checkCondition(condition: Expression, depth: number): CheckProblem | undefined {
  switch (condition.kind) {
    case 'or':
    case 'and':
      return first(condition.terms, (term) => checkCondition(term, depth));
    case 'path':
      return checkPath(condition, depth);
    case 'compare':
      if (condition.left.kind === 'path') return checkPath(condition.left, depth);
      if (condition.left.kind === 'timediff') {
        return first([condition.left.from, condition.left.to], (argument) => checkArgument(argument, depth));
      }
      return undefined;
    case 'band':
      return first(
        [condition.left, condition.right],
        (argument) => checkMask(argument) ?? checkArgument(argument, depth),
      );
    default:
      return undefined;
  }
}

function checkArgument(argument: Argument | undefined, depth: number): CheckProblem | undefined {
  return argument?.kind === 'path' ? checkPath(argument, depth) : undefined;
}

/** Whole decimal or hexadecimal number, as text. */
const WHOLE_NUMBER = /^\s*(?:0[xX][0-9A-Fa-f]+|[0-9]+)\s*$/;

function checkMask(argument: Argument): CheckProblem | undefined {
  if (argument.kind === 'path') return undefined;
  const whole = argument.kind === 'number' ? argument.integer !== undefined : WHOLE_NUMBER.test(argument.text);
  if (whole) return undefined;
  return {
    innerSymbol: 'ERROR_EVT_FILTER_INVTYPE',
    span: argument,
    detail: 'band() works on whole numbers; write a mask such as 0x10000000000000',
  };
}

function positionOnBranch(span: Span): CheckProblem {
  return {
    innerSymbol: 'ERROR_EVT_FILTER_UNSUPPORTEDOP',
    span,
    detail: 'only elements without children are counted, as in EventData/Data[3]; leave the position out here',
  };
}

function isElement(step: Step): boolean {
  return step.axis === 'child' && step.test.kind !== 'text';
}

/** True when the condition asks for a child element of the node it stands at. */
function looksBelow(condition: Expression): boolean {
  switch (condition.kind) {
    case 'or':
    case 'and':
      return condition.terms.some(looksBelow);
    case 'path':
      return startsAtElement(condition);
    case 'compare':
      if (condition.left.kind === 'path') return startsAtElement(condition.left);
      if (condition.left.kind === 'timediff') {
        return [condition.left.from, condition.left.to].some((each) => each?.kind === 'path' && startsAtElement(each));
      }
      return false;
    case 'band':
      return [condition.left, condition.right].some((each) => each.kind === 'path' && startsAtElement(each));
    default:
      return false;
  }
}

function startsAtElement(path: PathExpression): boolean {
  const [step] = path.steps;
  return step !== undefined && isElement(step);
}

/** `position()` of the very node whose brackets hold the condition; deeper brackets have their own. */
function findPosition(condition: Expression): Span | undefined {
  if (condition.kind === 'or' || condition.kind === 'and') return first(condition.terms, findPosition);
  return condition.kind === 'compare' && condition.left.kind === 'position()' ? condition.left : undefined;
}

function first<T, R>(items: readonly T[], find: (item: T, index: number) => R | undefined): R | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}
