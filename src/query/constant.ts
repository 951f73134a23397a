import { guidBytes } from '../bytes/guid.ts';
import { sidBytes } from '../bytes/sid.ts';
import { parseFileTime } from '../bytes/time.ts';
import type { Constant } from './ast.ts';

/** A number as comparisons need it: exact where it is a whole one, a double where it has a fraction. */
export interface Numeric {
  readonly number: number;
  /** Undefined when there is a fraction, or an exponent that leaves none. */
  readonly integer: bigint | undefined;
}

/**
 * What a constant of a query can stand for. A quoted one keeps every reading that its spelling allows, and the type of the
 * stored value picks one (MS-EVEN6 2.2.15); a number token has only the numeric one.
 */
export interface Readings {
  /** False for a number token. */
  readonly quoted: boolean;
  readonly text: string;
  /** {@link text} as comparisons see it: without regard to case. */
  readonly folded: string;
  readonly numeric: Numeric | undefined;
  readonly boolean: boolean | undefined;
  readonly guid: Uint8Array | undefined;
  readonly sid: Uint8Array | undefined;
  /** FILETIME. */
  readonly time: bigint | undefined;
  /** Upper-case hex digits of binary data. */
  readonly hex: string | undefined;
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([edED][+-]?\d{1,4})?$/;
const INTEGER = /^[+-]?\d+$/;
const HEXADECIMAL = /^0x[0-9a-f]{1,16}$/i;
const HEX_PAIRS = /^([0-9a-f]{2})+$/i;
/** Longest text that is looked at for a number: 64 bits have 20 digits, doubles some 330. */
const MAX_NUMBER_LENGTH = 400;

/** The number that a text spells: decimal with optional fraction and exponent, or `0x` and hex digits. */
export function readNumber(text: string): Numeric | undefined {
  if (text.length > MAX_NUMBER_LENGTH) return undefined;
  const trimmed = text.trim();
  if (HEXADECIMAL.test(trimmed)) {
    const integer = BigInt(trimmed);
    return { number: Number(integer), integer };
  }
  if (INTEGER.test(trimmed)) {
    const integer = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
    return { number: Number(integer), integer };
  }
  if (!DECIMAL.test(trimmed)) return undefined;
  const number = Number(trimmed.replace(/[dD]/, 'e'));
  return { number, integer: Number.isSafeInteger(number) ? BigInt(number) : undefined };
}

/**
 * Text as comparisons see it. Windows was seen to compare provider names without regard to case, and one comparer for all
 * text is the simplest explanation, so case does not count anywhere. This is the one place that decides it.
 *
 * Ordinal, as Windows ignores case: unit by unit, the same in every language, and no unit beyond ASCII equals one in it
 * (a Turkish dotless i is no I, the Kelvin sign no K).
 */
export function foldCase(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  let folded = '';
  for (let i = 0; i < text.length; i++) folded += foldUnit(text.charAt(i));
  return folded;
}

const ASCII = /^[\x00-\x7f]*$/;

function foldUnit(unit: string): string {
  if (unit <= '\x7f') return unit.toLowerCase();
  const upper = unit.toUpperCase();
  return upper.length === 1 && upper > '\x7f' ? upper : unit;
}

const known = new WeakMap<Constant, Readings>();

/** All readings of a constant; worked out once. */
export function readingsOf(constant: Constant): Readings {
  const found = known.get(constant);
  if (found !== undefined) return found;
  const readings = constant.kind === 'number' ? ofNumber(constant.number, constant.integer) : ofText(constant.text);
  known.set(constant, readings);
  return readings;
}

function ofNumber(number: number, integer: bigint | undefined): Readings {
  return {
    quoted: false,
    text: '',
    folded: '',
    numeric: { number, integer },
    boolean: number !== 0,
    guid: undefined,
    sid: undefined,
    time: undefined,
    hex: undefined,
  };
}

function ofText(text: string): Readings {
  const numeric = readNumber(text);
  const folded = foldCase(text);
  return {
    quoted: true,
    text,
    folded,
    numeric,
    boolean: folded === 'true' ? true : folded === 'false' ? false : numeric && numeric.number !== 0,
    guid: guidBytes(text),
    sid: sidBytes(text),
    time: parseFileTime(text),
    hex: HEX_PAIRS.test(text) ? text.toUpperCase() : undefined,
  };
}

/** A constant as a condition by itself: a number unless it is zero, a text only when it is `true`. */
export function constantIsTrue(constant: Constant): boolean {
  return constant.kind === 'number' ? constant.number !== 0 : foldCase(constant.text) === 'true';
}
