/**
 * The executor's memory: addresses in bytes, sizes in bytes. One block, so that the same code runs over a JavaScript
 * buffer and over WebAssembly's memory.
 */

/** 256 pairs of hex digits each, two bytes a pair. */
export const HEX_LOWER = 0;
export const HEX_UPPER = 512;
/** The pairs `00` … `99`. */
export const DIGIT_PAIRS = 1024;
/** Ten bytes `YYYY-MM-DD` of the last day written. */
export const DATE_TEXT = 1232;
/** Bytes of one item by value type, 64 bytes; 0 where the value itself gives it. */
export const ITEM_SIZES = 1248;

/** 32-bit cells through which the executor tells how a call ended. */
export const STOPPED_AT = 1344;
export const OUT_AT = 1348;
export const MISSING_AT = 1352;
export const MISSING_END = 1356;

/** Offsets of the values of the instances being written: one table per depth. */
export const VALUES = 4096;
export const MAX_SLOTS = 512;
export const VALUES_SIZE = 4 * MAX_SLOTS;
export const MAX_DEPTH = 4;

/** Chunk offsets of the records to write, and where each ended in the output. */
export const RECORDS = 16_384;
export const ENDS = 32_768;
export const MAX_RECORDS = 2400;

/** Member names of the JSON objects being written for a record without a template: address, size, count. */
export const KEYS = 43_008;
export const KEY_SIZE = 16;
export const MAX_KEYS = 1024;

/** Per chunk offset: number of the template whose definition stands there; 0: not asked yet. */
export const DEFINITIONS = 65_536;
export const DEFINITIONS_END = DEFINITIONS + 4 * 65_536;

/** Chunk offsets that have an entry in that table, and how many: they are cleared for the next chunk. */
export const DEFINED_COUNT = 1360;
export const DEFINED = DEFINITIONS_END;
export const MAX_DEFINED = 8192;

/** Byte forms of definitions that have been met, by the first bytes of their id: heads of chains. */
export const FORMS = DEFINED + 4 * MAX_DEFINED;
export const FORM_CHAINS = 1024;
/** Cells of a form: the next one, template, size, address of its bytes, count of names; four cells per name follow. */
export const FORM_TEMPLATE = 4;
export const FORM_SIZE = 8;
export const FORM_BYTES = 12;
export const FORM_NAME_COUNT = 16;
export const FORM_NAMES = 20;
/** Cells of a name: its place in the definition, whether it stands there, address and size of its characters. */
export const FORM_NAME_SIZE = 16;

/** Per template number: eight cells. */
export const TEMPLATES = FORMS + 4 * FORM_CHAINS;
export const TEMPLATE_SIZE = 32;
export const MAX_TEMPLATES = 8192;
/** Addresses of the two programs; 0: none, the plain renderer does it; -1: nobody has asked yet. */
export const TEMPLATE_XML = 0;
export const TEMPLATE_JSON = 4;
/** Highest substitution index that it uses. */
export const TEMPLATE_HIGHEST = 8;
/** Number of its root element's name. */
export const TEMPLATE_ROOT_NAME = 12;

/** Programs and their constant text. */
export const POOL = TEMPLATES + MAX_TEMPLATES * TEMPLATE_SIZE;
export const POOL_SIZE = 12 * 1024 * 1024;

/** Blocks of a log: up to sixteen chunks, and room for reading a little past the last one. */
export const INPUT = POOL + POOL_SIZE;
export const INPUT_SIZE = 16 * 65_536;
/** What is written. */
export const OUTPUT = INPUT + INPUT_SIZE + 65_536;
export const OUTPUT_SIZE = 4 * 1024 * 1024;
/** Constant text is copied in whole words: so far past the end of the output something may be written. */
export const SLACK = 256;

export const MEMORY_SIZE = OUTPUT + OUTPUT_SIZE + 65_536;
export const PAGE_SIZE = 65_536;
