import { valueType } from '../binxml/resolve.ts';
import type { ValueTable } from '../binxml/tree.ts';
import { ARRAY, ValueType } from '../binxml/value-type.ts';
import { u16, u32 } from '../bytes/little-endian.ts';
import type { CompareOperator } from './ast.ts';
import { compareValue, integerOf, ordered, timeOf, timeOfText } from './compare.ts';
import type { Readings } from './constant.ts';
import type { ConstantSet } from './constant-set.ts';
import type { EvaluationContext } from './evaluate.ts';

/** What a compiled test finds: false, true, or that only the plain evaluator can tell. */
export type Verdict = 0 | 1 | 2;
export const FALSE: Verdict = 0;
export const TRUE: Verdict = 1;
export const UNKNOWN: Verdict = 2;

/** The values of the record at hand: those of its template, and those of the template nested in it. */
export interface Frame {
  outer: ValueTable;
  /** Only looked at by tests that were compiled for a body. */
  body: ValueTable;
  context: EvaluationContext;
}

/** Which of the two tables a slot is in. */
export type Table = 'outer' | 'body';

export type Test = (frame: Frame) => Verdict;

// One value in use at a time: comparisons look at it and keep nothing.
const scratch: { type: number; bytes: Uint8Array; offset: number; size: number } = {
  type: 0,
  bytes: new Uint8Array(0),
  offset: 0,
  size: 0,
};

/** Points the scratch value at a slot. False for what is no single value: arrays and nested Binary XML. */
function fetch(values: ValueTable, index: number): boolean {
  const { bytes, descriptors } = values;
  const descriptor = descriptors + 4 * index;
  const type = bytes[descriptor + 2]!;
  if ((type & ARRAY) !== 0 || type === ValueType.BinXml) return false;
  let offset = values.firstValue;
  for (let at = descriptors; at < descriptor; at += 4) offset += u16(bytes, at);
  scratch.type = type;
  scratch.bytes = bytes;
  scratch.offset = offset;
  scratch.size = u16(bytes, descriptor);
  return true;
}

/** True unless the slot's value is Null; a slot the record does not have counts as there. */
export function isPresent(values: ValueTable, index: number): boolean {
  return index >= values.count || valueType(values, index) !== ValueType.Null;
}

/** `slot operator constant`. */
export function slotComparison(table: Table, index: number, operator: CompareOperator, constant: Readings): Test {
  const text = operator === '=' || operator === '!=' ? plainText(constant) : undefined;
  const time = timeConstant(constant);
  const equal: Verdict = operator === '=' ? TRUE : FALSE;
  const different: Verdict = operator === '=' ? FALSE : TRUE;
  return (frame) => {
    const values = frame[table];
    if (index >= values.count || !fetch(values, index)) return UNKNOWN;
    if (text !== undefined && scratch.type === ValueType.String) {
      return sameAscii(scratch.bytes, scratch.offset, scratch.size, text) ? equal : different;
    }
    if (time !== undefined && scratch.type === ValueType.FileTime && scratch.size >= 8) {
      return ordered(compareWithTime(time), operator, 0) ? TRUE : FALSE;
    }
    return compareValue(scratch, operator, constant) ? TRUE : FALSE;
  };
}

/** An instant in two halves of 32 bits: comparing them takes no bigint per record. */
interface Halves {
  readonly high: number;
  readonly low: number;
}

/** What a FILETIME is compared with, if a FILETIME can be that. */
function timeConstant({ quoted, time, numeric }: Readings): Halves | undefined {
  const instant = quoted ? time : numeric?.integer;
  if (instant === undefined || instant !== BigInt.asUintN(64, instant)) return undefined;
  return { high: Number(instant >> 32n), low: Number(instant & 0xffff_ffffn) };
}

/** Negative, zero or positive as the scratch FILETIME is before, at or behind an instant. */
function compareWithTime({ high, low }: Halves): number {
  const { bytes, offset } = scratch;
  const difference = u32(bytes, offset + 4) - high;
  return difference === 0 ? u32(bytes, offset) - low : difference;
}

/** `slot = a or slot = b or …`: one look-up however long the list is. */
export function slotInSet(table: Table, index: number, constants: ConstantSet): Test {
  const { small } = constants;
  return (frame) => {
    const values = frame[table];
    if (index >= values.count || !fetch(values, index)) return UNKNOWN;
    // Event ids are what lists are mostly of: no bigint for them.
    if (scratch.type === ValueType.UInt16 && scratch.size >= 2 && small.has(u16(scratch.bytes, scratch.offset))) {
      return TRUE;
    }
    return constants.hasValue(scratch) ? TRUE : FALSE;
  };
}

/** The slot as 64 bits for band(); undefined: no number there; null: only the plain evaluator can tell. */
export function slotBits(frame: Frame, table: Table, index: number): bigint | undefined | null {
  const values = frame[table];
  if (index >= values.count || !fetch(values, index)) return null;
  if (scratch.type === ValueType.Null) return undefined;
  const integer = integerOf(scratch);
  // Text that spells a number is rare in a slot: the plain evaluator knows how.
  return integer === undefined ? null : BigInt.asUintN(64, integer);
}

/** The slot as FILETIME for timediff(); undefined and null as in {@link slotBits}. */
export function slotTime(frame: Frame, table: Table, index: number): bigint | undefined | null {
  const values = frame[table];
  if (index >= values.count || !fetch(values, index)) return null;
  return scratch.type === ValueType.Null ? timeOfText('') : timeOf(scratch);
}

const ASCII = /^[\x01-\x7f]*$/;

/** The folded units of a constant that can only be compared as text; undefined where other readings count, or not ASCII. */
export function plainText({ quoted, folded, guid, sid, time }: Readings): Uint8Array | undefined {
  if (!quoted || guid !== undefined || sid !== undefined || time !== undefined || !ASCII.test(folded)) return undefined;
  return Uint8Array.from(folded, (char) => char.charCodeAt(0));
}

/** Compares UTF-16 text in place, without regard to case. No unit beyond ASCII equals one in it (see `foldCase`). */
function sameAscii(bytes: Uint8Array, offset: number, size: number, folded: Uint8Array): boolean {
  const units = size >> 1;
  for (let i = 0, at = offset; i < units; i++, at += 2) {
    const low = bytes[at]!;
    if (low === 0 && bytes[at + 1] === 0) return i === folded.length;
    if (bytes[at + 1] !== 0 || i >= folded.length) return false;
    if ((low >= 0x41 && low <= 0x5a ? low | 0x20 : low) !== folded[i]) return false;
  }
  return units === folded.length;
}
