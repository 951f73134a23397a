import { ValueType } from '../binxml/value-type.ts';
import { fileTimeText } from '../bytes/time.ts';
import { MAX_LEVELS } from '../kernel/layout.ts';
import type { Memory } from '../kernel/memory.ts';
import {
  COMPARISON_BOOLEAN,
  COMPARISON_CLOCK,
  COMPARISON_DAY,
  COMPARISON_FRACTION,
  COMPARISON_GUID,
  COMPARISON_NO_NUMBER,
  COMPARISON_NULL,
  COMPARISON_NUMBER,
  COMPARISON_NUMERIC,
  COMPARISON_OPERATOR,
  COMPARISON_SID,
  COMPARISON_SID_SIZE,
  COMPARISON_SIGNED,
  COMPARISON_SIZE,
  COMPARISON_TEXT,
  COMPARISON_TEXT_MODE,
  COMPARISON_TEXT_UNITS,
  COMPARISON_TIME,
  COMPARISON_UNSIGNED,
  EQUAL,
  FALSE as FALSE_NUMBER,
  GREATER,
  GREATER_OR_EQUAL,
  IS_NUMBER,
  LESS,
  LESS_OR_EQUAL,
  TABLE_BODY,
  TABLE_OUTER,
  TEST_ALL,
  TEST_ALTOGETHER,
  TEST_AND,
  TEST_ANY,
  TEST_BITS,
  TEST_COMPARE,
  TEST_CONSTANT,
  TEST_END,
  TEST_IN,
  TEST_NOT,
  TEST_OR,
  TEST_PRESENT,
  TEST_SINCE,
  TEXT_NUMBER,
  TEXT_PLAIN,
  TEXT_TIME,
  TEXT_UNKNOWN,
  TRUE as TRUE_NUMBER,
  UNEQUAL,
  UNKNOWN as UNKNOWN_NUMBER,
  WIDE_ABOVE,
  WIDE_BELOW,
  WIDE_DIFFERENT,
  WIDE_FALSE,
  WIDE_HIGH,
  WIDE_INSIDE,
  WIDE_LOW,
  WIDE_PLACE,
  WIDE_UNKNOWN,
} from '../kernel/test-program.ts';
import type { CompareOperator } from './ast.ts';
import type { Code, Slot } from './code.ts';
import { compareText, compareValue } from './compare.ts';
import type { Readings } from './constant.ts';
import type { ConstantSet } from './constant-set.ts';
import { plainText, type Verdict } from './slot-test.ts';

const OPERATORS: Readonly<Record<CompareOperator, number>> = {
  '=': EQUAL,
  '!=': UNEQUAL,
  '<': LESS,
  '<=': LESS_OR_EQUAL,
  '>': GREATER,
  '>=': GREATER_OR_EQUAL,
};
const MIRRORED: Readonly<Record<CompareOperator, CompareOperator>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/** Constants of a list that are compared one by one where they have no bitmap. */
const MAX_SPELLED_OUT = 16;
/** Words of one test: what is longer is left to the closures. A query of thousands of terms would fill the memory. */
const MAX_WORDS = 2048;
const BITMAP_SIZE = 8192;
const TICKS_PER_MS = 10_000n;

const NULL_VALUE = { type: ValueType.Null, bytes: new Uint8Array(0), offset: 0, size: 0 };

const VERDICT_NUMBERS: Readonly<Record<Verdict, number>> = [FALSE_NUMBER, TRUE_NUMBER, UNKNOWN_NUMBER];

function numberOf(holds: boolean): number {
  return holds ? TRUE_NUMBER : FALSE_NUMBER;
}

/** An instant that a test compares with, and that moves: so many milliseconds before now. */
interface Since {
  readonly address: number;
  readonly span: bigint;
}

/**
 * Puts tests of one filter into the kernel's memory; its constants are there once for all templates. What the kernel cannot ask
 * becomes "unknown".
 */
export class TestAssembler {
  readonly #memory: Memory;
  readonly #comparisons = new Map<Readings, Map<CompareOperator, number>>();
  readonly #bitmaps = new Map<ConstantSet, number>();
  readonly #sinces: Since[] = [];
  #now = 0n;
  #words: number[] = [];

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** What timediff() counts from. */
  set now(now: bigint) {
    if (now === this.#now) return;
    this.#now = now;
    for (const since of this.#sinces) this.#setInstant(since);
  }

  /** @returns the address of the test. @throws PoolFull */
  assemble(code: Code): number {
    this.#words = [];
    const jumps: Jump[] = [];
    this.#code(code, 0, jumps);
    if (this.#words.length > MAX_WORDS) {
      this.#words = [TEST_CONSTANT, UNKNOWN_NUMBER];
      jumps.length = 0;
    }
    this.#words.push(TEST_END);
    const start = this.#memory.takeWords(this.#words.length);
    for (const { at, target } of jumps) this.#words[at] = start + 4 * target;
    this.#memory.words.set(this.#words, start >> 2);
    return start;
  }

  #code(code: Code, level: number, jumps: Jump[]): void {
    if (typeof code === 'number') {
      this.#words.push(TEST_CONSTANT, VERDICT_NUMBERS[code]);
      return;
    }
    if (this.#words.length > MAX_WORDS) return;
    switch (code.kind) {
      case 'all':
        this.#list(TEST_ALL, TEST_AND, code.codes, level, jumps);
        return;
      case 'any':
        this.#list(TEST_ANY, TEST_OR, code.codes, level, jumps);
        return;
      case 'not':
        this.#code(code.code, level, jumps);
        this.#words.push(TEST_NOT);
        return;
      case 'present':
        this.#words.push(TEST_PRESENT, ...slot(code));
        return;
      case 'compare':
        this.#words.push(TEST_COMPARE, ...slot(code), this.#comparison(code.operator, code.constant));
        return;
      case 'in':
        this.#in(code, code.constants, level, jumps);
        return;
      case 'bits':
        this.#words.push(TEST_BITS, ...slot(code), ...halves(code.mask));
        return;
      case 'since':
        // A fraction of a millisecond has no instant of its own.
        if (code.span.integer === undefined) break;
        this.#words.push(TEST_SINCE, ...slot(code), this.#instant(code.span.integer));
        this.#words.push(OPERATORS[MIRRORED[code.operator]]);
        return;
    }
    this.#words.push(TEST_CONSTANT, UNKNOWN_NUMBER);
  }

  #list(begin: number, next: number, codes: readonly Code[], level: number, jumps: Jump[]): void {
    if (level >= MAX_LEVELS) {
      this.#words.push(TEST_CONSTANT, UNKNOWN_NUMBER);
      return;
    }
    const decided: number[] = [];
    this.#words.push(begin, level);
    for (const code of codes) {
      this.#code(code, level + 1, jumps);
      this.#words.push(next, level, 0);
      decided.push(this.#words.length - 1);
    }
    this.#words.push(TEST_ALTOGETHER, level);
    for (const at of decided) jumps.push({ at, target: this.#words.length });
  }

  #in(place: Slot, constants: ConstantSet, level: number, jumps: Jump[]): void {
    if (constants.isSmall && constants.small.size > 0) {
      const takesText = constants.readings.every(({ quoted }) => !quoted) ? 1 : 0;
      const ofNull = numberOf(constants.hasValue(NULL_VALUE));
      this.#words.push(TEST_IN, ...slot(place), this.#bitmap(constants), ofNull, takesText);
      return;
    }
    const { readings } = constants;
    if (readings.length > MAX_SPELLED_OUT) {
      this.#words.push(TEST_CONSTANT, UNKNOWN_NUMBER);
      return;
    }
    const codes = readings.map((constant): Code => ({ kind: 'compare', ...pick(place), operator: '=', constant }));
    this.#list(TEST_ANY, TEST_OR, codes, level, jumps);
  }

  #bitmap(constants: ConstantSet): number {
    let address = this.#bitmaps.get(constants);
    if (address === undefined) {
      const bits = new Uint8Array(BITMAP_SIZE);
      for (const number of constants.small) bits[number >> 3]! |= 1 << (number & 7);
      address = this.#memory.putText(bits);
      this.#bitmaps.set(constants, address);
    }
    return address;
  }

  #comparison(operator: CompareOperator, constant: Readings): number {
    const known = this.#comparisons.get(constant) ?? new Map<CompareOperator, number>();
    this.#comparisons.set(constant, known);
    let address = known.get(operator);
    if (address === undefined) {
      address = this.#putComparison(operator, constant);
      known.set(operator, address);
    }
    return address;
  }

  #putComparison(operator: CompareOperator, constant: Readings): number {
    const memory = this.#memory;
    const address = memory.takeWords(COMPARISON_SIZE / 4);
    const { numeric, time, guid, sid, boolean, quoted } = constant;
    const put = (cell: number, value: number) => {
      memory.words[(address + cell) >> 2] = value;
    };
    put(COMPARISON_OPERATOR, OPERATORS[operator]);
    put(COMPARISON_NULL, numberOf(compareValue(NULL_VALUE, operator, constant)));
    const differs = numberOf(operator === '!=');
    put(COMPARISON_NUMERIC, numeric === undefined ? differs : IS_NUMBER);
    new Float64Array(memory.buffer, address + COMPARISON_NUMBER, 1)[0] = numeric?.number ?? 0;
    const absent = numeric === undefined ? WIDE_DIFFERENT : WIDE_UNKNOWN;
    this.#putWide(address + COMPARISON_UNSIGNED, numeric?.integer, absent, 0n);
    this.#putWide(address + COMPARISON_SIGNED, numeric?.integer, absent, 1n << 63n);
    this.#putWide(address + COMPARISON_TIME, quoted ? time : numeric?.integer, WIDE_FALSE, 0n);
    put(COMPARISON_BOOLEAN, boolean === undefined ? -1 : boolean ? 1 : 0);
    put(COMPARISON_GUID, guid === undefined ? 0 : memory.putText(guid));
    put(COMPARISON_SID, sid === undefined ? 0 : memory.putText(sid));
    put(COMPARISON_SID_SIZE, sid?.length ?? 0);
    const isEquality = operator === '=' || operator === '!=';
    const text = isEquality ? plainText(constant) : undefined;
    const isNumber = numeric !== undefined && (!quoted || (!isEquality && time === undefined));
    const isTime = quoted && time !== undefined && guid === undefined && sid === undefined;
    const other = isTime ? TEXT_TIME : isNumber ? TEXT_NUMBER : TEXT_UNKNOWN;
    put(COMPARISON_TEXT_MODE, text !== undefined ? TEXT_PLAIN : other);
    if (isTime) {
      const bytes = Uint8Array.from({ length: 8 }, (_, i) => Number((time >> BigInt(8 * i)) & 0xffn));
      const [day, clock, fraction] = fileTimeText(bytes, 0, 7).replaceAll(/[-:Z]/g, '').split(/[T.]/);
      put(COMPARISON_DAY, Number(day));
      put(COMPARISON_CLOCK, Number(clock));
      put(COMPARISON_FRACTION, Number(fraction));
    }
    put(COMPARISON_TEXT, text === undefined ? 0 : memory.putText(text));
    put(COMPARISON_TEXT_UNITS, text?.length ?? 0);
    put(COMPARISON_NO_NUMBER, numberOf(compareText('', operator, constant)));
    return address;
  }

  /** @param offset what the least value lies below zero */
  #putWide(address: number, value: bigint | undefined, absent: number, offset: bigint): void {
    const words = this.#memory.words;
    const place =
      value === undefined
        ? absent
        : value < -offset
          ? WIDE_BELOW
          : value >= (1n << 64n) - offset
            ? WIDE_ABOVE
            : WIDE_INSIDE;
    const [low, high] = halves(value ?? 0n);
    words[(address + WIDE_PLACE) >> 2] = place;
    words[(address + WIDE_LOW) >> 2] = low;
    words[(address + WIDE_HIGH) >> 2] = high;
  }

  #instant(span: bigint): number {
    const since = { address: this.#memory.takeWords(3), span };
    this.#sinces.push(since);
    this.#setInstant(since);
    return since.address;
  }

  #setInstant({ address, span }: Since): void {
    this.#putWide(address, this.#now - span * TICKS_PER_MS, WIDE_UNKNOWN, 0n);
  }
}

/** A word that becomes the address of another one. */
interface Jump {
  readonly at: number;
  readonly target: number;
}

function slot({ table, index }: Slot): [table: number, index: number] {
  return [table === 'outer' ? TABLE_OUTER : TABLE_BODY, index];
}

function pick({ table, index }: Slot): Slot {
  return { table, index };
}

/** The low and the high 32 bits. */
function halves(value: bigint): [low: number, high: number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}
