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

/** What a test lacks: the template's number, the slot of its nested document, and that document's template, or 0. */
export const LACKING_TEMPLATE = 1368;
export const LACKING_SLOT = 1372;
export const LACKING_BODY = 1376;
/** What is known so far of each conjunction and alternative that a test is inside of. */
export const LEVELS = 1408;
export const MAX_LEVELS = 64;

/** The two documents that a test looks at. Cells: where its descriptors are, how many, the value last looked for, and where it is. */
export const TABLES = LEVELS + 4 * MAX_LEVELS;
export const TABLE_COUNT = 4;
export const TABLE_INDEX = 8;
export const TABLE_PLACE = 12;
export const TABLE_SIZE = 16;

/** Offsets of the values of the instances being written or tested: one table per depth. */
export const VALUES = 4096;
export const MAX_SLOTS = 512;
export const VALUES_SIZE = 4 * MAX_SLOTS;
export const MAX_DEPTH = 4;
/** Descriptors of the texts of documents without a template, for tests: which look no deeper than into one nested document. */
export const DESCRIPTORS = VALUES + MAX_DEPTH * VALUES_SIZE;

/** Chunk offsets of the records to write or to test. */
export const RECORDS = 16_384;
export const MAX_RECORDS = 2400;
/** Records that a test takes, or cannot decide: place in the list of records, and {@link HIT_WHOLE} or {@link HIT_UNKNOWN}. */
export const HITS = 32_768;
export const HIT_COUNT = 1364;
/** The record is whole: nothing in it can turn out to be damaged. */
export const HIT_WHOLE = 0x10000;
export const HIT_UNKNOWN = 0x20000;
/** Where each line ends that is written, in the order of the list of records: in the place of hits, which are not wanted any more. */
export const LINE_ENDS = HITS;

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
/** A definition and its names in bytes, when they are kept: crafted names can lie upon each other. */
export const MAX_FORM_SIZE = 256 * 1024;

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
/** 1 when no instance stands in the definition itself. */
export const TEMPLATE_PLAIN = 16;
/** Slot without whose value its root element is left out; or one of the following. */
export const TEMPLATE_NEEDS = 20;
export const NEEDS_NOTHING = -1;
export const NEEDS_MORE = -2;
/** Address of its definition's root node; 0: none, the plain renderer does its records. */
export const TEMPLATE_TREE = 24;
/** Slot of System/TimeCreated/@SystemTime, or -1. */
export const TEMPLATE_TIME = 28;

/** Per template number: address of the tests that the filter at hand has for it; 0: none yet. */
export const TESTS = TEMPLATES + MAX_TEMPLATES * TEMPLATE_SIZE;
/**
 * Cells of a template's tests where its nested document stands in one slot (-1: it has none): the next such, the slot, the test of
 * the header, the tests of bodies and how many there is room for.
 */
export const TEST_SLOT = 4;
export const TEST_HEADER = 8;
export const TEST_BODIES = 12;
export const TEST_ROOM = 16;
export const TEST_SIZE = 20;
/** Cells of a body's test, found by the number of its template: that number, address. */
export const BODY_SIZE = 8;

/** Names of elements and attributes without a template that have been met, by their hash: heads of chains. */
export const NAME_FORMS = TESTS + 4 * MAX_TEMPLATES;
export const NAME_CHAINS = 1024;
/** Cells of a name: the next one, its number, count of units, address of its characters. */
export const NAME_FORM_NUMBER = 4;
export const NAME_UNITS = 8;
export const NAME_CHARACTERS = 12;
export const NAME_FORM_SIZE = 16;
/** Per chunk offset: number of the name that stands there; 0: not asked yet. */
export const NAME_NUMBERS = NAME_FORMS + 4 * NAME_CHAINS;
/** Chunk offsets that have an entry in that table, and how many. */
export const NAMED = NAME_NUMBERS + 4 * 65_536;
export const MAX_NAMED = 8192;
export const NAMED_COUNT = 1380;

/**
 * Shapes of documents without a template: a tree of steps. Here is its root. Cells of a step: what it is, the first of those that
 * may follow, another one in its place, the template of a document that ends with it (0: none has been met, or a negative reason).
 */
export const SHAPES = NAMED + 4 * MAX_NAMED;
export const SHAPE_FOLLOWING = 4;
export const SHAPE_OTHER = 8;
export const SHAPE_TEMPLATE = 12;
export const SHAPE_SIZE = 16;
/** Steps that are looked at in one place: crafted documents can all differ there. And that some document had a further one. */
export const MAX_OTHERS = 256;
export const SHAPES_CROWDED = 1404;
/** Steps of the document at hand, when its shape has not been met. */
export const STEPS = SHAPES + SHAPE_SIZE;
export const MAX_STEPS = 4096;
export const STEP_COUNT = 1384;

/** Constant texts by a hash of their bytes: heads of chains. */
export const TEXTS = STEPS + 4 * MAX_STEPS;
export const TEXT_CHAINS = 4096;
/** Texts that are looked at in one chain. A full pool has some 60 in each, but crafted ones can all be in one. */
export const MAX_TEXT_CHAIN = 512;
/** Cells in front of a text: the next one, its hash, its size. Its bytes begin at a multiple of this, with room behind to copy in words. */
export const TEXT_ALIGNMENT = 16;
export const TEXT_NEXT = -16;
export const TEXT_HASH = -12;
export const TEXT_SIZE = -8;

/** While a definition is read, or a program made: the text at hand, */
export const DRAFT_TEXT = TEXTS + 4 * TEXT_CHAINS;
export const DRAFT_TEXT_SIZE = 65_536;
/** the nodes or the operations, */
export const DRAFT = DRAFT_TEXT + DRAFT_TEXT_SIZE + 256;
export const DRAFT_SIZE = 256 * 1024;
/** and its names, or the operands that are jumped to; */
export const DRAFT_PLACES = DRAFT + DRAFT_SIZE + 256;
export const DRAFT_PLACES_SIZE = 64 * 1024;
/** names of members, each compared with each. */
export const DRAFT_MEMBERS = DRAFT_PLACES + DRAFT_PLACES_SIZE;
export const DRAFT_MEMBERS_SIZE = 4 * 1024;

/** System/TimeCreated of each record that is written, 64 bits in the order of the list; 0: not known. And that of the one at hand. */
export const LINE_TIMES = DRAFT_MEMBERS + DRAFT_MEMBERS_SIZE;
export const LINE_TIME = LINE_TIMES + 8 * MAX_RECORDS;

/** Texts, definitions, programs: what is learned. */
export const POOL = LINE_TIME + 256;
export const POOL_SIZE = 12 * 1024 * 1024;
/** How far the pool is taken, and how many templates have a number: 0 is none's. */
export const POOL_FREE = 1392;
export const TEMPLATE_COUNT = 1396;
/** How many tokens of definitions are still read in the chunk at hand. */
export const TOKENS_LEFT = 1400;
/** A full chunk of real events has some 30,000 tokens in all; crafted definitions can overlap. */
export const MAX_TOKENS = 200_000;

/** Blocks of a log: up to sixteen chunks, and room for reading a little past the last one. */
export const INPUT = POOL + POOL_SIZE;
export const INPUT_SIZE = 16 * 65_536;
/** What is written: single events, and runs of them that are copied out before the next one. */
export const OUTPUT = INPUT + INPUT_SIZE + 65_536;
export const OUTPUT_SIZE = 1024 * 1024;
/** Constant text is copied in whole words: so far past the end of the output something may be written. */
export const SLACK = 256;

/** Slots for lines that stay until somebody has looked at them, as many as the memory was made with. */
export const SLOTS = OUTPUT + OUTPUT_SIZE + 65_536;
/** A megabyte of log is some two of XML. */
export const SLOT_SIZE = 3 * 1024 * 1024;
export const SLOT_STRIDE = SLOT_SIZE + 65_536;

/** What there is without any slot. */
export const MEMORY_SIZE = SLOTS;
export const PAGE_SIZE = 65_536;
