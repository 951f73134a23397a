import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EvtError } from '../../src/errors/evt-error.ts';
import { bookmarkXml, EMPTY_POSITION, movedBookmark, parseBookmark } from '../../src/service/bookmark.ts';
import type { EventPosition } from '../../src/service/service.ts';

const parse = (xml: string) => parseBookmark(xml, 'EvtCreateBookmark');
const codeOf = (xml: string) => {
  try {
    parse(xml);
    return 0;
  } catch (error) {
    return error instanceof EvtError ? error.code : -1;
  }
};

describe('bookmark XML', () => {
  test('is written as Windows writes it', () => {
    const position: EventPosition = {
      names: ['Security', 'System'],
      recordIds: [4711n, 9n],
      current: 0,
      direction: 'forward',
    };
    expect(bookmarkXml(position)).toBe(
      "<BookmarkList>\r\n  <Bookmark Channel='Security' RecordId='4711' IsCurrent='true'/>\r\n" +
        "  <Bookmark Channel='System' RecordId='9'/>\r\n</BookmarkList>",
    );
    expect(bookmarkXml({ ...position, direction: 'reverse' })).toMatch(/^<BookmarkList Direction='backward'>\r\n/);
    expect(bookmarkXml(EMPTY_POSITION)).toBe('<BookmarkList>\r\n</BookmarkList>');
  });

  test('is taken with either quotes, in any order of attributes, on one line', () => {
    const read = parse(
      '<BookmarkList><Bookmark IsCurrent="True" RecordId="18446744073709551615" Channel="X"/></BookmarkList>',
    );
    expect(read).toEqual({ names: ['X'], recordIds: [18_446_744_073_709_551_615n], current: 0, direction: 'forward' });
  });

  test.each([
    '<',
    '<!',
    'text',
    '<BookmarkList>',
    '<BookmarkList><Bookmark Channel=x/></BookmarkList>',
    '',
    '<BookmarkList>&x;</BookmarkList>',
  ])('%j is no XML: 15008', (xml) => expect(codeOf(xml)).toBe(15_008));

  test.each([
    '<Bookmarks/>',
    '<BookmarkList><Mark/></BookmarkList>',
    "<BookmarkList><Bookmark RecordId='1'/></BookmarkList>",
    "<BookmarkList><Bookmark Channel='X'/></BookmarkList>",
    "<BookmarkList><Bookmark Channel='X' RecordId='-1'/></BookmarkList>",
    "<BookmarkList><Bookmark Channel='X' RecordId='18446744073709551616'/></BookmarkList>",
    '<!DOCTYPE a><BookmarkList/>',
  ])('%j is no bookmark: 87', (xml) => expect(codeOf(xml)).toBe(87));

  test('means the same when it is written, read and written again', () => {
    const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 20 });
    const ids = fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: (text) => text.toLowerCase() });
    fc.assert(
      fc.property(ids, fc.bigInt(0n, 2n ** 64n - 1n), fc.nat(3), fc.boolean(), (names, id, current, reverse) => {
        const recordIds = names.map((_, i) => (id + BigInt(i)) % 2n ** 64n);
        const at = current % names.length;
        const position: EventPosition = { names, recordIds, current: at, direction: reverse ? 'reverse' : 'forward' };
        expect(parse(bookmarkXml(position))).toEqual(position);
      }),
      { seed: 3 },
    );
  });

  test('arbitrary text is read or refused', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect([0, 87, 15_008]).toContain(codeOf(text));
      }),
      { seed: 4, numRuns: 2000 },
    );
  });

  test('moves to an event, and keeps the logs that the event does not name', () => {
    const held: EventPosition = { names: ['A', 'B'], recordIds: [1n, 2n], current: 1, direction: 'forward' };
    const event: EventPosition = {
      names: ['a', 'C', 'D'],
      recordIds: [5n, 6n, undefined],
      current: 1,
      direction: 'reverse',
    };
    expect(movedBookmark(held, event)).toEqual({
      names: ['A', 'B', 'C'],
      recordIds: [5n, 2n, 6n],
      current: 2,
      direction: 'reverse',
    });
  });
});
