import type { CompareOperator } from './ast.ts';
import type { Numeric, Readings } from './constant.ts';
import type { ConstantSet } from './constant-set.ts';
import { FALSE, type Table, type Test, TRUE, UNKNOWN, type Verdict } from './slot-test.ts';

/**
 * An expression specialised to a template: what remains to be asked of a record's value slots. It is run as closures
 * (`code-test.ts`) or as a program of the kernel (`code-program.ts`).
 */
export type Code =
  | Verdict
  | {
      readonly kind: 'all' | 'any';
      readonly codes: readonly Code[];
    }
  | { readonly kind: 'not'; readonly code: Code }
  | Leaf;

/** What is asked of one slot; `test` is what only closures can ask. */
export type Leaf =
  | ({ readonly kind: 'present' } & Slot)
  | ({ readonly kind: 'compare'; readonly operator: CompareOperator; readonly constant: Readings } & Slot)
  | ({ readonly kind: 'in'; readonly constants: ConstantSet } & Slot)
  /** An integer with one of these 64 bits. */
  | ({ readonly kind: 'bits'; readonly mask: bigint } & Slot)
  /** The time from the slot to now, in milliseconds. */
  | ({ readonly kind: 'since'; readonly operator: CompareOperator; readonly span: Numeric } & Slot)
  | { readonly kind: 'test'; readonly test: Test };

export interface Slot {
  readonly table: Table;
  readonly index: number;
}

/** Three-valued and: false wins, then unknown. */
export function allOf(codes: readonly Code[]): Code {
  if (codes.includes(FALSE)) return FALSE;
  return combined('all', codes, TRUE);
}

/** Three-valued or: true wins, then unknown. */
export function anyOf(codes: readonly Code[]): Code {
  if (codes.includes(TRUE)) return TRUE;
  return combined('any', codes, FALSE);
}

export function notOf(code: Code): Code {
  if (code === TRUE) return FALSE;
  if (code === FALSE) return TRUE;
  return code === UNKNOWN ? UNKNOWN : { kind: 'not', code };
}

/** @param neutral what takes nothing away and adds nothing */
function combined(kind: 'all' | 'any', codes: readonly Code[], neutral: Verdict): Code {
  const asked = codes.filter((code) => typeof code === 'object');
  const unknown = codes.includes(UNKNOWN);
  if (asked.length === 0) return unknown ? UNKNOWN : neutral;
  if (asked.length === 1 && !unknown) return asked[0]!;
  return { kind, codes: unknown ? [...asked, UNKNOWN] : asked };
}
