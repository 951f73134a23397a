/**
 * The operations of a template's program: 32-bit words, the operation first. `slot` is a value index, `text` an address
 * and a length of constant text, `target` the address of an operation.
 */

/** The program is done. */
export const OP_END = 0;
/** text: constant text. */
export const OP_TEXT = 1;
/** slot, before text, after text, flags: text, the value, text; once per item of an array; nothing where it is absent. */
export const OP_FIELD = 2;
/** slot, flags: a value by itself. A nested document is written in its place. */
export const OP_VALUE = 3;
/** slot, target: go on there where the value is Null. */
export const OP_IF_NULL = 4;
/** target */
export const OP_JUMP = 5;
/** The event has no root element: nothing that this program can write. */
export const OP_GIVE_UP = 6;
/** slot: gives up where the value is an array. */
export const OP_NO_ARRAY = 7;
/** slot, target behind: what stands between this and OP_REPEAT_END is written once per item. */
export const OP_REPEAT = 8;
export const OP_REPEAT_END = 9;

/** slot, before text: `"name":`, the value and a comma; `"name_1":` and so on for the further items of an array. flags */
export const OP_MEMBER = 10;
/** slot: `"#text":`, the value and a comma, or nothing where that is empty. */
export const OP_TEXT_MEMBER = 11;
/** A closing brace, in place of a comma where one stands. */
export const OP_CLOSE = 12;
/** target, count, slots: go on there where all of these values are Null. */
export const OP_IF_ALL_NULL = 13;
/** slot, flags, count, name numbers: the members of a nested document, whose root must have none of these names. */
export const OP_NESTED_MEMBERS = 14;
/** text: begins a member whose values are gathered, as an array if there are several. */
export const OP_GATHER = 15;
/** slot, flags: one gathered value, or each item of an array. */
export const OP_GATHERED = 16;
/** text: one gathered constant. */
export const OP_GATHERED_TEXT = 17;
export const OP_GATHER_END = 18;
/** As OP_CLOSE, but an object of no members becomes `null`. */
export const OP_CLOSE_OR_NULL = 19;

/** The element or attribute is left out where the value is Null. */
export const FLAG_OPTIONAL = 1;
/** Inside an attribute: quotes are escaped, and neither arrays nor nested documents may stand there. */
export const FLAG_ATTRIBUTE = 2;
/** An empty value is `""`, not `null`. */
export const FLAG_KEEPS_EMPTY = 4;
/** Its name stands beside others of its kind: an array would need their numbers. */
export const FLAG_NO_ARRAY = 8;
/** Must bring at least one member. */
export const FLAG_NEEDED = 16;

/** How values are written. */
export const XML_TEXT = 0;
export const XML_ATTRIBUTE = 1;
/** JSON's own types, text in quotes. */
export const JSON_VALUE = 2;
/** Text inside quotes that are there already. */
export const JSON_PART = 3;

/** Which program of a template. */
export const FORMAT_XML = 0;
export const FORMAT_JSON = 1;

/** Why writing stopped: something that only the plain renderer knows (damage, too), or a definition not asked yet. */
export const UNUSUAL = -1;
export const MISSING = -2;
/** The record has outgrown what is left of the output. */
export const FULL = -3;
/** Why testing stopped: the filter has no test for what the record is made of. */
export const LACKING = -4;
/** Why looking at a document without a template stopped: a name, or a shape, that has not been met. */
export const NAMELESS = -5;
export const SHAPELESS = -6;
/** Why learning stopped: there is no room. All that is known must go first. */
export const CROWDED = -7;
