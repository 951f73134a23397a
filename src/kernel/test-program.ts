/**
 * The operations of a filter's test: 32-bit words, the operation first. Each gives a verdict. `table` says whose values are
 * meant, `slot` is a value index, `target` the address of an operation.
 *
 * Verdicts are numbers such that "and" is the lower and "or" the higher of two.
 */
export const FALSE = 0;
/** Only who has the whole event can tell. */
export const UNKNOWN = 1;
export const TRUE = 2;

/** The record's own values, and those of the document nested in it. */
export const TABLE_OUTER = 0;
export const TABLE_BODY = 1;

/** The verdict at hand is the test's. */
export const TEST_END = 0;
/** verdict */
export const TEST_CONSTANT = 1;
/** table, slot: whether the value is there; one that the record does not have counts as there. */
export const TEST_PRESENT = 2;
/** table, slot, address of a comparison */
export const TEST_COMPARE = 3;
/** table, slot, low, high: whether an integer has one of these bits. */
export const TEST_BITS = 4;
/** table, slot, address of a bitmap of 65,536 bits, verdict for Null, what text may be: whether a small integer is in it. */
export const TEST_IN = 5;
/** table, slot, address of an instant: how a FILETIME compares with it. */
export const TEST_SINCE = 6;
/** level: begins a conjunction. */
export const TEST_ALL = 7;
/** level: begins an alternative. */
export const TEST_ANY = 8;
/** level, target: the verdict is one of the conjunction's; false decides it, and goes on at the target. */
export const TEST_AND = 9;
/** level, target: the verdict is one of the alternative's; true decides it, and goes on at the target. */
export const TEST_OR = 10;
/** level: the verdict of all. */
export const TEST_ALTOGETHER = 11;
export const TEST_NOT = 12;

export const EQUAL = 0;
export const UNEQUAL = 1;
export const LESS = 2;
export const LESS_OR_EQUAL = 3;
export const GREATER = 4;
export const GREATER_OR_EQUAL = 5;

/** Cells of a comparison. What has no meaning to a type of value is the verdict for all values of that type. */
export const COMPARISON_OPERATOR = 0;
/** Verdict for Null. */
export const COMPARISON_NULL = 4;
/** What integers of up to 32 bits are compared with: a double, or the verdict where the constant is no number. */
export const COMPARISON_NUMBER = 8;
/** {@link IS_NUMBER}, or the verdict. */
export const COMPARISON_NUMERIC = 16;
/** What longer integers are compared with: a wide constant. */
export const COMPARISON_UNSIGNED = 20;
export const COMPARISON_SIGNED = 32;
/** What a FILETIME is compared with: a wide constant. */
export const COMPARISON_TIME = 44;
/** 0 or 1, or where the constant is neither -1. */
export const COMPARISON_BOOLEAN = 56;
/** Addresses; 0 where the constant is none. */
export const COMPARISON_GUID = 60;
export const COMPARISON_SID = 64;
export const COMPARISON_SID_SIZE = 68;
/** What text is compared with: one of the following. */
export const COMPARISON_TEXT_MODE = 72;
/** Address and count of the units, one byte each, in lower case. */
export const COMPARISON_TEXT = 76;
export const COMPARISON_TEXT_UNITS = 80;
/** Verdict for text that is no number. */
export const COMPARISON_NO_NUMBER = 84;
/** The instant in decimal digits: day, time of day, and fraction of a second in seven digits. */
export const COMPARISON_DAY = 88;
export const COMPARISON_CLOCK = 92;
export const COMPARISON_FRACTION = 96;
export const COMPARISON_SIZE = 100;

export const IS_NUMBER = 3;

/** Nobody here can tell. */
export const TEXT_UNKNOWN = 0;
/** Text that is nothing else. */
export const TEXT_PLAIN = 1;
/** A number that the text may spell. */
export const TEXT_NUMBER = 2;
/** An instant that the text may spell. */
export const TEXT_TIME = 3;

/** Cells of a wide constant, a multiple of 4 in front: which of the following it is, and 64 bits. */
export const WIDE_PLACE = 0;
export const WIDE_LOW = 4;
export const WIDE_HIGH = 8;
/** Below or above all that 64 bits can be; or it is one of them. */
export const WIDE_BELOW = -1;
export const WIDE_INSIDE = 0;
export const WIDE_ABOVE = 1;
/** There is nothing to compare with: false, or nobody can tell. */
export const WIDE_FALSE = 2;
export const WIDE_UNKNOWN = 3;
/** There is nothing to compare with, and all values differ from it: true of "unequal" only. */
export const WIDE_DIFFERENT = 4;
