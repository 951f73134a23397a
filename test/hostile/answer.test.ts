import { expect, test } from 'vitest';
import { recordsOf, writeResultRecord } from '../../src/even6/record.ts';

const record = writeResultRecord({
  binXml: new Uint8Array(100),
  subqueryIds: [1, 2, 3],
  recordIds: [7n],
  currentChannel: 0,
  reverse: false,
});

test('records that lie in each other are refused: a small answer would be a thousand large ones', () => {
  const { length } = record;
  expect(recordsOf(record, [0], [length])).toHaveLength(1);
  expect(() => recordsOf(record, [0, 0], [length, length])).toThrow(expect.objectContaining({ code: 15005 }));
  expect(() => recordsOf(record, [0, 4], [length, length - 4])).toThrow(expect.objectContaining({ code: 15005 }));
});
