import { DRAFT, DRAFT_PLACES, DRAFT_PLACES_SIZE, DRAFT_SIZE, TEXT_SIZE } from '../layout.ts';
import { getI32, putI32 } from '../platform.ts';
import { CROWDED, OP_END, OP_FIELD, OP_IF_NULL, OP_TEXT } from '../program.ts';
import type { i32 } from '../types.ts';
import { beginText, constant, isTooLong, keptDraft, textSize } from './pool.ts';

/**
 * Puts a program together: constant text is gathered until an operation stands between.
 *
 * A label is the place of the last operand that refers to it, which has the one before in it; 0 is that of none yet. All stand
 * behind the operations that jump to them.
 */

/** Why a template has no program. */
const NOTHING = 0;
const NOT_COMPILED = 1;
const NO_ROOM = 2;

let words = 0;
let jumps = 0;
let failure = NOTHING;

export function beginProgram(): void {
  words = 0;
  jumps = 0;
  failure = NOTHING;
  beginText();
}

/** This template has no program: the plain renderer does its records. */
export function giveUp(): void {
  if (failure === NOTHING) failure = NOT_COMPILED;
}

/** True when there will be no program. */
export function hasFailed(): boolean {
  return failure !== NOTHING;
}

export function word(value: i32): void {
  if (4 * words >= DRAFT_SIZE) {
    giveUp();
    return;
  }
  putI32(DRAFT + 4 * words, value);
  words++;
}

/** The text at hand, put into the pool. */
export function pooled(): i32 {
  if (isTooLong()) giveUp();
  const text = constant();
  beginText();
  if (text === 0) failure = NO_ROOM;
  return text;
}

/** An operand of constant text: address and size. */
export function operand(text: i32): void {
  word(text);
  word(text === 0 ? 0 : getI32(text + TEXT_SIZE));
}

/** Constant text at hand becomes an operation. */
export function flush(): void {
  if (textSize() === 0) return;
  const text = pooled();
  word(OP_TEXT);
  operand(text);
}

export function operation(code: i32): void {
  flush();
  word(code);
}

/** A value between constant texts. */
export function field(slot: i32, before: i32, behind: i32, flags: i32): void {
  operation(OP_FIELD);
  word(slot);
  operand(before);
  operand(behind);
  word(flags);
}

/** The operand that is a place to jump to. @returns the label, with it */
export function target(label: i32): i32 {
  const place = words + 1;
  if (4 * jumps >= DRAFT_PLACES_SIZE) {
    giveUp();
    return 0;
  }
  putI32(DRAFT_PLACES + 4 * jumps, words);
  jumps++;
  word(label);
  return failure === NOTHING ? place : 0;
}

export function jump(code: i32, label: i32): i32 {
  operation(code);
  return target(label);
}

export function jumpIfNull(slot: i32, label: i32): i32 {
  operation(OP_IF_NULL);
  word(slot);
  return target(label);
}

/** The label stands here. */
export function place(label: i32): void {
  flush();
  let use = label;
  while (use !== 0 && failure === NOTHING) {
    const operand = DRAFT + 4 * (use - 1);
    use = getI32(operand);
    putI32(operand, 4 * words);
  }
}

/** Ends the program and puts it into the pool. @returns its address; 0 when there is none; CROWDED */
export function finished(): i32 {
  operation(OP_END);
  if (failure === NOT_COMPILED) return 0;
  const program = failure === NOTHING ? keptDraft(4 * words) : 0;
  if (program === 0) return CROWDED;
  for (let i = 0; i < jumps; i++) {
    const operand = program + 4 * getI32(DRAFT_PLACES + 4 * i);
    putI32(operand, getI32(operand) + program);
  }
  return program;
}
