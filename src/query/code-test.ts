import type { Code } from './code.ts';
import { compareSpan } from './compare.ts';
import {
  FALSE,
  isPresent,
  slotBits,
  slotComparison,
  slotInSet,
  slotTime,
  type Test,
  TRUE,
  UNKNOWN,
  type Verdict,
} from './slot-test.ts';

/** Code as a test: a closure per part. */
export function testOf(code: Code): Test {
  if (typeof code === 'number') return () => code;
  switch (code.kind) {
    case 'all':
      return all(code.codes.map(testOf));
    case 'any':
      return any(code.codes.map(testOf));
    case 'not': {
      const test = testOf(code.code);
      return (frame) => {
        const verdict = test(frame);
        return verdict === UNKNOWN ? UNKNOWN : verdict === TRUE ? FALSE : TRUE;
      };
    }
    case 'present': {
      const { table, index } = code;
      return (frame) => (isPresent(frame[table], index) ? TRUE : FALSE);
    }
    case 'compare':
      return slotComparison(code.table, code.index, code.operator, code.constant);
    case 'in':
      return slotInSet(code.table, code.index, code.constants);
    case 'bits': {
      const { table, index, mask } = code;
      return (frame) => asked(slotBits(frame, table, index), (bits) => (bits & mask) !== 0n);
    }
    case 'since': {
      const { table, index, operator, span } = code;
      return (frame) =>
        asked(slotTime(frame, table, index), (time) => compareSpan(frame.context.now - time, operator, span));
    }
    case 'test':
      return code.test;
  }
}

/** What a slot reads as, asked something; undefined: nothing is there; null: only the plain evaluator can tell. */
function asked(value: bigint | undefined | null, holds: (value: bigint) => boolean): Verdict {
  if (value === undefined) return FALSE;
  return value === null ? UNKNOWN : holds(value) ? TRUE : FALSE;
}

function all(tests: readonly Test[]): Test {
  return (frame) => {
    let verdict: Verdict = TRUE;
    for (let i = 0; i < tests.length; i++) {
      const one = tests[i]!(frame);
      if (one === FALSE) return FALSE;
      if (one === UNKNOWN) verdict = UNKNOWN;
    }
    return verdict;
  };
}

function any(tests: readonly Test[]): Test {
  return (frame) => {
    let verdict: Verdict = FALSE;
    for (let i = 0; i < tests.length; i++) {
      const one = tests[i]!(frame);
      if (one === TRUE) return TRUE;
      if (one === UNKNOWN) verdict = UNKNOWN;
    }
    return verdict;
  };
}
