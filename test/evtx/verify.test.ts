import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { verifyLog } from '../../src/evtx/verify.ts';
import { CHECKS, type CheckId, KEPT_FAILURES } from '../../src/evtx/verify-report.ts';
import { sampleLog } from './sample-events.ts';

const CHUNK = 65_536;
const FIRST = 4096;
const GOOD = sampleLog(1000).log.bytes();
const CHUNKS = (GOOD.length - FIRST) / CHUNK;

// Offsets in the first chunk, whose first record brings the outer template and the name "Event".
const RECORD = 0x200;
const DOCUMENT = RECORD + 24;
const INSTANCE = DOCUMENT + 4;
const DEFINITION = INSTANCE + 10;
const ROOT = DEFINITION + 24 + 4;
const EVENT_NAME = ROOT + 11;
const ATTRIBUTES = EVENT_NAME + 10 + 2 * 'Event'.length;

function put(file: Uint8Array, at: number, byte: number): undefined {
  file[at] = byte;
}

type Edit = (file: Uint8Array, view: DataView) => Uint8Array | undefined;

/** The good log with an edit, and with its checksums right unless the edit is about them. */
function edited(edit: Edit, reseal = true): Uint8Array {
  const copy = GOOD.slice();
  const file = edit(copy, new DataView(copy.buffer)) ?? copy;
  if (!reseal) return file;
  const view = new DataView(file.buffer);
  view.setUint32(0x7c, crc32(file.subarray(0, 0x78)), true);
  for (let at = FIRST; at + CHUNK <= file.length; at += CHUNK) {
    if (file[at] === 0) continue;
    const end = Math.min(view.getUint32(at + 0x30, true), CHUNK);
    view.setUint32(at + 0x34, crc32(file.subarray(at + 0x200, at + end)), true);
    const fixed = crc32(file.subarray(at, at + 0x78));
    view.setUint32(at + 0x7c, crc32(file.subarray(at + 0x80, at + 0x200), fixed), true);
  }
  return file;
}

function failing(file: Uint8Array): CheckId[] {
  const { checks, passed } = verifyLog(file);
  const ids = checks.filter((check) => check.failureCount > 0).map((check) => check.id);
  expect(passed).toBe(ids.length === 0);
  return ids;
}

/** Offset in the file of the first place where these bytes stand, from the first chunk on. */
function find(file: Uint8Array, bytes: readonly number[]): number {
  for (let at = FIRST + RECORD; at < file.length; at++) if (bytes.every((byte, i) => file[at + i] === byte)) return at;
  throw new Error('the bytes are not there');
}

const in32 = (offset: number, number: number): Edit => {
  return (_, view) => void view.setUint32(FIRST + offset, number, true);
};
const in8 = (offset: number, number: number): Edit => {
  return (_, view) => void view.setUint8(FIRST + offset, number);
};

test('the good log passes, resealed or not', () => {
  expect(failing(GOOD)).toEqual([]);
  expect(failing(edited(() => undefined))).toEqual([]);
});

const BROKEN: readonly [string, CheckId[], Edit][] = [
  ['ten bytes behind the last slot', ['W1'], (file) => Uint8Array.from([...file, ...new Uint8Array(10)])],
  ['a reserved byte of the header', ['W2'], (file) => put(file, 0x30, 1)],
  ['a byte behind the header', ['W2'], (file) => put(file, 0xfff, 1)],
  ['version 3.2', ['W2'], (_, view) => void view.setUint16(0x24, 2, true)],
  ['magic', ['W2'], (file) => put(file, 0, 0x65)],
  ['header size', ['W2'], (file) => put(file, 0x20, 129)],
  ['block size', ['W2'], (file) => put(file, 0x28, 1)],
  ['the dirty flag', ['W3'], (file) => put(file, 0x78, 1)],
  ['chunk count', ['W4'], (file) => put(file, 0x2a, 99)],
  ['oldest chunk', ['W4'], (file) => put(file, 0x08, 1)],
  ['current chunk', ['W4'], (file) => put(file, 0x10, 0)],
  ['next record id', ['W5'], (_, view) => void view.setBigUint64(0x18, 5n, true)],
  [
    'garbage in an unused slot',
    ['W6'],
    (file) => {
      const longer = new Uint8Array(file.length + CHUNK);
      longer.set(file);
      longer[longer.length - 1] = 1;
      return longer;
    },
  ],
  ['chunk flags', ['W7'], in32(0x78, 5)],
  ['chunk header size', ['W7'], in32(0x28, 512)],
  ['a reserved byte of a chunk', ['W7'], in8(0x40, 1)],
  ['a last number that is too high', ['W8'], in32(0x10, 5000)],
  [
    'number ranges that do not join',
    ['W8'],
    (_, view) => {
      for (const offset of [0x08, 0x10]) {
        const at = FIRST + CHUNK + offset;
        view.setBigUint64(at, view.getBigUint64(at, true) + 1n, true);
      }
    },
  ],
  ['last record offset', ['W9'], in32(0x2c, 0x200)],
  ['a byte in free space', ['W10'], (file) => put(file, file.length - 1, 1)],
  [
    'padding',
    ['W11'],
    (file, view) => {
      const at = paddedRecord(view);
      file[at + view.getUint32(at + 4, true) - 5] = 1;
    },
  ],
  ['record id', ['W11', 'W23'], in32(RECORD + 8, 9)],
  [
    'size copy',
    ['W8', 'W9', 'W11', 'W17', 'W18'],
    (_, view) => {
      // The chunk's second record: nothing behind it is reached, so that what it defines is missing, too.
      const at = FIRST + RECORD + view.getUint32(FIRST + RECORD + 4, true);
      view.setUint32(at + view.getUint32(at + 4, true) - 4, 8, true);
    },
  ],
  ['fragment header', ['W12'], (_, view) => void view.setUint8(lastRecord(view) + 24, 0x0e)],
  ['a token outside the grammar', ['W12'], (_, view) => void view.setUint8(lastRecord(view) + 28, 0x10)],
  ['element size', ['W13'], in32(ROOT + 3, 4)],
  ['attribute list size', ['W13'], in32(ATTRIBUTES, 4)],
  ['"more" on the only attribute', ['W14', 'W15', 'W17', 'W18'], in8(ATTRIBUTES + 4, 0x46)],
  [
    '"more" on the last text',
    ['W14'],
    (file) => {
      // xmlns is the first attribute: its text token follows a name of five units.
      file[FIRST + ATTRIBUTES + 5 + 4 + 10 + 10] = 0x45;
    },
  ],
  ['name hash', ['W16', 'W17'], in8(EVENT_NAME + 4, 1)],
  ['name terminator', ['W16'], in8(EVENT_NAME + 8 + 10, 1)],
  [
    'a string table bucket',
    ['W17'],
    (_, view) => {
      for (let at = FIRST + 0x80; at < FIRST + 0x180; at += 4) {
        if (view.getUint32(at, true) === EVENT_NAME) view.setUint32(at, 0, true);
      }
    },
  ],
  ['a name chain that goes upwards', ['W17'], in32(EVENT_NAME, 0x8000)],
  [
    'a template table bucket',
    ['W18'],
    (_, view) => {
      for (let at = FIRST + 0x180; at < FIRST + 0x200; at += 4) view.setUint32(at, 0, true);
    },
  ],
  ['template id', ['W18'], in8(INSTANCE + 2, 0)],
  [
    'a definition reference outside the chunk',
    ['W19'],
    (_, view) => {
      view.setUint32(lastRecord(view) + 28 + 6, 0x20_000, true);
    },
  ],
  [
    'a definition reference to no definition',
    ['W18'],
    (_, view) => {
      view.setUint32(lastRecord(view) + 28 + 6, RECORD, true);
    },
  ],
  ['dependency id', ['W20'], in8(ROOT + 1, 5)],
  ['substitution index', ['W21'], (file) => put(file, find(file, [0x0d, 0, 0, 8]) + 1, 77)],
  [
    'value size',
    ['W22'],
    (file, view) => {
      // Level, one byte, is said to be a UInt16.
      file[lastRecord(view) + 28 + 10 + 4 + 2] = 0x06;
    },
  ],
  ['a byte behind a value type', ['W22'], (file, view) => put(file, lastRecord(view) + 28 + 10 + 4 + 3, 1)],
  ['record time', ['W23'], in32(RECORD + 16, 1)],
];

describe('each check fails where its fact is broken, and only there', () => {
  test.each(BROKEN)('%s', (_, ids, edit) => {
    expect(failing(edited(edit)).sort()).toEqual([...ids].sort());
  });

  test.each<[string, CheckId[], Edit]>([
    ['checksum of the file header', ['W3'], (file) => put(file, 0x7c, file[0x7c]! ^ 1)],
    ['checksum of a chunk’s records', ['W7'], in32(0x34, 1)],
    ['checksum of a chunk’s header', ['W7'], in32(0x7c, 1)],
  ])('%s', (_, ids, edit) => {
    expect(failing(edited(edit, false))).toEqual(ids);
  });

  test('a name reference that leads to no name, or out of the chunk', () => {
    // "Data" is referred to for the second field of the body: the reference behind the token of its element.
    const secondData = (file: Uint8Array, target: number) => {
      const view = new DataView(file.buffer);
      const entry = find(file, [4, 0, ...Buffer.from('Data', 'utf16le'), 0, 0]) - 6 - FIRST;
      for (let at = entry + 18; ; at++) {
        if (view.getUint32(FIRST + at, true) !== entry) continue;
        view.setUint32(FIRST + at, target, true);
        return undefined;
      }
    };
    expect(failing(edited((file) => secondData(file, 0x208)))).toContain('W15');
    expect(failing(edited((file) => secondData(file, 0x10_000)))).toContain('W19');
  });
});

/** File offset of the first chunk's last record: it defines nothing, so that only its own checks fail. */
function lastRecord(view: DataView): number {
  return FIRST + view.getUint32(FIRST + 0x2c, true);
}

/** File offset of a record of the first chunk whose document ends more than 8 bytes before the next one. */
function paddedRecord(view: DataView): number {
  for (let at = FIRST + RECORD; ; at += view.getUint32(at + 4, true)) {
    // The two bytes before the size copy are zero in every record with a byte of padding: end token, then zeros.
    if (view.getUint16(at + view.getUint32(at + 4, true) - 6, true) === 0) return at;
  }
}

test('every check of the list has a case here that breaks it', () => {
  const broken = new Set(BROKEN.flatMap(([, ids]) => ids));
  expect(Object.keys(CHECKS).filter((id) => !broken.has(id as CheckId))).toEqual([]);
});

test('failures name the place in the file', () => {
  const report = verifyLog(edited(in32(CHUNK + 0x78, 7)));
  const check = report.checks.find(({ id }) => id === 'W7');
  expect(check?.failures).toEqual([{ fileOffset: FIRST + CHUNK + 0x78, what: 'flags 0x7' }]);
});

test('a log full of failures keeps the first of each check and counts the rest', () => {
  const report = verifyLog(
    edited((file, view) => {
      for (let chunk = 0; chunk < CHUNKS; chunk++) {
        const base = FIRST + chunk * CHUNK;
        const end = base + view.getUint32(base + 0x30, true);
        for (let at = base + RECORD; at < end; at += view.getUint32(at + 4, true)) view.setUint8(at + 16, 0xff);
      }
      return file;
    }),
  );
  const check = report.checks.find(({ id }) => id === 'W23');
  expect(check?.failureCount).toBe(1000);
  expect(check?.failures).toHaveLength(KEPT_FAILURES);
});

test.each([
  ['nothing', new Uint8Array(0)],
  ['zeros', new Uint8Array(FIRST + CHUNK)],
  ['ones', new Uint8Array(FIRST + 2 * CHUNK).fill(0xff)],
  ['a cut log', GOOD.slice(0, FIRST + CHUNK + 5000)],
])('%s is no log, and is told so without a crash', (_, file) => {
  expect(verifyLog(file).passed).toBe(false);
});

test('a log with any one byte changed at random never crashes the verifier', () => {
  // A fixed walk over the first chunk: every 97th byte, three values each.
  const file = GOOD.slice(0, FIRST + CHUNK);
  for (let at = FIRST; at < FIRST + 0x3000; at += 97) {
    const before = file[at]!;
    for (const byte of [0, 0xff, before ^ 0x40]) {
      file[at] = byte;
      expect(verifyLog(file).checks).toHaveLength(23);
    }
    file[at] = before;
  }
});
