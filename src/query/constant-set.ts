import type { Value } from '../binxml/event-tree.ts';
import { valueText } from '../binxml/value.ts';
import { FIXED_SIZE, ValueType } from '../binxml/value-type.ts';
import { hexUpper } from '../bytes/hex.ts';
import { u32 } from '../bytes/little-endian.ts';
import { compareText, compareValue, integerOf, timeOf } from './compare.ts';
import { foldCase, type Readings, readNumber } from './constant.ts';

/**
 * The constants of `path = a or path = b or …`: says whether a value equals some of them, by look-up wherever a type has
 * one spelling of "equal", so that lists of thousands of ids or names cost what one comparison does.
 */
export class ConstantSet {
  /** The whole numbers of 16 bits among the constants, such as event ids. */
  readonly small: ReadonlySet<number>;
  /** An integer equals a constant just if it is in {@link small}. */
  readonly isSmall: boolean;
  readonly readings: readonly Readings[];

  /** Whole numbers; to stored integers, quoted and unquoted ones are the same. */
  readonly #integers = new Set<bigint>();
  /** Numbers with a fraction, or too large to be exact. */
  readonly #inexact: readonly Readings[];
  readonly #numeric: readonly Readings[];
  /** Number tokens: they compare with text as numbers. */
  readonly #tokens: readonly Readings[];
  readonly #tokenIntegers = new Set<bigint>();
  readonly #texts = new Set<string>();
  /** Quoted constants that equal text of another spelling: GUIDs, SIDs and times. */
  readonly #spelled: readonly Readings[];
  readonly #guids: readonly Readings[];
  readonly #sids: readonly Readings[];
  readonly #instants = new Set<bigint>();
  readonly #booleans = new Set<boolean>();
  readonly #hex = new Set<string>();

  constructor(constants: readonly Readings[]) {
    for (const { quoted, folded, numeric, boolean, time, hex } of constants) {
      if (numeric?.integer !== undefined) this.#integers.add(numeric.integer);
      if (boolean !== undefined) this.#booleans.add(boolean);
      const instant = quoted ? time : numeric?.integer;
      if (instant !== undefined) this.#instants.add(instant);
      if (quoted) this.#texts.add(folded);
      else if (numeric?.integer !== undefined) this.#tokenIntegers.add(numeric.integer);
      if (hex !== undefined) this.#hex.add(hex);
    }
    this.small = new Set([...this.#integers].filter((each) => each >= 0n && each <= 0xffffn).map(Number));
    this.#numeric = constants.filter(({ numeric }) => numeric !== undefined);
    this.#inexact = this.#numeric.filter(({ numeric }) => numeric!.integer === undefined);
    this.isSmall = this.#inexact.length === 0 && this.small.size === this.#integers.size;
    this.readings = constants;
    this.#tokens = constants.filter(({ quoted }) => !quoted);
    this.#guids = constants.filter(({ guid }) => guid !== undefined);
    this.#sids = constants.filter(({ sid }) => sid !== undefined);
    this.#spelled = constants.filter(
      ({ guid, sid, time }) => guid !== undefined || sid !== undefined || time !== undefined,
    );
  }

  /** `compareValue(value, '=', constant)` is true for some constant. */
  hasValue(value: Value): boolean {
    const { type, bytes, offset, size } = value;
    if (size < (FIXED_SIZE[type] ?? 0)) return this.hasText(valueText(value));
    switch (type) {
      case ValueType.Bool:
        return this.#booleans.has(u32(bytes, offset) !== 0);
      case ValueType.FileTime:
      case ValueType.SysTime: {
        const time = timeOf(value);
        return time !== undefined && this.#instants.has(time);
      }
      case ValueType.Guid:
        return some(this.#guids, value);
      case ValueType.Sid:
        return some(this.#sids, value) || this.#isMalformedSid(value);
      case ValueType.Real32:
      case ValueType.Real64:
        return some(this.#numeric, value);
      case ValueType.Binary:
        return size === 0 ? this.#texts.has('') : this.#hex.has(hexUpper(bytes, offset, size));
      default: {
        const integer = integerOf(value);
        if (integer === undefined) return this.hasText(valueText(value));
        return this.#integers.has(integer) || some(this.#inexact, value);
      }
    }
  }

  /** Such a value is shown, and compared, as hex text. */
  #isMalformedSid(value: Value): boolean {
    const text = valueText(value);
    return !text.startsWith('S-') && this.hasText(text);
  }

  /** `compareText(text, '=', constant)` is true for some constant. */
  hasText(text: string): boolean {
    if (this.#texts.has(foldCase(text))) return true;
    if (this.#spelled.some((constant) => compareText(text, '=', constant))) return true;
    const numeric = this.#tokens.length > 0 ? readNumber(text) : undefined;
    if (numeric === undefined) return false;
    if (numeric.integer === undefined) return this.#tokens.some((constant) => compareText(text, '=', constant));
    return (
      this.#tokenIntegers.has(numeric.integer) ||
      this.#inexact.some((constant) => !constant.quoted && compareText(text, '=', constant))
    );
  }
}

function some(constants: readonly Readings[], value: Value): boolean {
  for (const constant of constants) if (compareValue(value, '=', constant)) return true;
  return false;
}
