import { copyFileSync } from 'node:fs';
import * as path from 'node:path';
import { describe, expect, it } from 'vitest';
import { u32 } from '../../src/bytes/little-endian.ts';
import * as operations from '../../src/even6/stubs/operations.ts';
import { writeLongLog } from '../log-files.ts';
import { fill, serve } from './serve.ts';
import {
  bookmarkAt,
  Direction,
  NO_RECORDS,
  next,
  numbersIn,
  Path,
  queryOf,
  readRecords,
  recordsIn,
  rest,
  Seek,
  Status,
  seek,
  TOLERATE,
  type Wire,
  wireTo,
} from './wire.ts';

/** Conformance cases 38 to 53 of MS-EVEN6's operations 5, 11 and 12: queries, reading, seeking. */

const NULL_ANSWER = { query: undefined, control: undefined, channels: [] };

async function application(count: number) {
  const served = await serve();
  await fill(served.store, 'Application', count);
  return { ...served, wire: wireTo(served) };
}

function register(wire: Wire, channel: string | undefined, query: string, flags: number) {
  return wire.ask(operations.REGISTER_LOG_QUERY, { path: channel, query, flags });
}

function listOf(...paths: string[]): string {
  const selects = paths.map((each) => `<Select Path='${each}'>*</Select>`).join('');
  return `<QueryList><Query Id='7'>${selects}</Query></QueryList>`;
}

describe('registering a query', () => {
  it('38: a channel gives two handles, its name with status 0, and no error', async () => {
    const { wire } = await application(1);
    const answer = await register(wire, 'Application', '*', Path.channel | Direction.forward);
    expect(answer).toEqual({
      query: expect.stringMatching(/^[0-9a-f]{32}$/),
      control: expect.stringMatching(/^[0-9a-f]{32}$/),
      channels: [{ name: 'Application', status: 0 }],
      info: operations.NO_INFO,
      status: Status.success,
    });
    expect(answer.query).not.toBe(answer.control);
  });

  it('39: a structured query without a path gives the events of its channels, in order of time', async () => {
    const { store, wire } = await application(2);
    await fill(store, 'Other', 2);
    await fill(store, 'Application', 1, 3);
    const { query, channels } = await queryOf(wire, undefined, listOf('Application', 'Other'));
    expect(channels).toEqual([
      { name: 'Application', status: 0 },
      { name: 'Other', status: 0 },
    ]);
    expect(await rest(wire, query)).toEqual(['0:1', '0:2', '1:1', '1:2', '0:3']);
  });

  it('40: a query that cannot be read is 0x3A99, with details and null handles', async () => {
    const { wire } = await application(1);
    const answer = await register(wire, 'Application', '*[System[', Path.channel);
    expect(answer).toMatchObject({ ...NULL_ANSWER, status: Status.invalidQuery });
    expect(answer.info.error).toBe(Status.invalidQuery);
  });

  it('41: a channel that is not there is 0x3A9F, and what no channel can be called 0x3A98', async () => {
    const { wire } = await application(1);
    expect(await register(wire, 'NoSuch', '*', Path.channel)).toMatchObject({
      ...NULL_ANSWER,
      status: Status.channelNotFound,
    });
    expect(await register(wire, 'a|b', '*', Path.channel)).toMatchObject({
      ...NULL_ANSWER,
      status: Status.invalidChannelPath,
    });
  });

  it('42: one absent channel of two fails the query, or is told when errors are tolerated', async () => {
    const { wire } = await application(3);
    const both = listOf('NoSuch', 'Application');
    expect(await register(wire, undefined, both, Path.channel)).toMatchObject({
      ...NULL_ANSWER,
      status: Status.channelNotFound,
    });
    const { query, channels } = await queryOf(wire, undefined, both, Path.channel | TOLERATE);
    // Those that are read come first: an event's channel number counts them, and clients look it up in this list.
    expect(channels).toEqual([
      { name: 'Application', status: 0 },
      { name: 'NoSuch', status: Status.channelNotFound },
    ]);
    expect(await rest(wire, query)).toEqual(['0:1', '0:2', '0:3']);
    // Where nothing is left, tolerating does not help.
    expect((await register(wire, undefined, listOf('NoSuch'), Path.channel | TOLERATE)).status).toBe(
      Status.channelNotFound,
    );
  });

  it('43: contradicting and unknown flags are 0x57; no path flag is a file, no direction the oldest first', async () => {
    const { wire, exports, store } = await application(3);
    for (const flags of [0x103, 0x301, 0x4101]) {
      expect((await register(wire, 'Application', '*', flags)).status).toBe(Status.invalidParameter);
    }
    copyFileSync(path.join(store, 'Application.evtx'), path.join(exports, 'few.evtx'));
    // As Windows 7 and later: neither flag is an error.
    const file = await queryOf(wire, 'few.evtx', '*', Direction.forward);
    expect(await rest(wire, file.query)).toEqual(['0:1', '0:2', '0:3']);
    const channel = await queryOf(wire, 'Application', '*', Path.channel);
    expect(await rest(wire, channel.query)).toEqual(['0:1', '0:2', '0:3']);
  });

  it('44: a channel that the user may not read is 5, alone and among others', async () => {
    const served = await application(1);
    await fill(served.store, 'Other', 1);
    const bob = wireTo(served, 'bob');
    expect(await register(bob, 'Other', '*', Path.channel)).toMatchObject({
      ...NULL_ANSWER,
      status: Status.accessDenied,
    });
    const both = listOf('Application', 'Other');
    expect((await register(bob, undefined, both, Path.channel)).status).toBe(Status.accessDenied);
    const tolerant = await queryOf(bob, undefined, both, Path.channel | TOLERATE);
    expect(tolerant.channels).toEqual([
      { name: 'Application', status: 0 },
      { name: 'Other', status: Status.accessDenied },
    ]);
    expect(await rest(bob, tolerant.query)).toEqual(['0:1']);
  });
});

describe('reading', () => {
  it('45: 12 events in fives are 5, 5 and 2 with status 0, then 0x103 and null arrays', async () => {
    const { wire } = await application(12);
    const { query } = await queryOf(wire, 'Application');
    for (const expected of [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
      [11, 12],
    ]) {
      const answer = await next(wire, query, 5);
      expect([answer.status, numbersIn(answer)]).toEqual([Status.success, expected]);
    }
    for (let again = 0; again < 2; again++) {
      expect(await next(wire, query, 5)).toEqual({ records: NO_RECORDS, status: Status.noMoreItems });
    }
  });

  it('46: more than 1024 events at once, and none, are 0x57', async () => {
    const { wire } = await application(3);
    const { query } = await queryOf(wire, 'Application');
    for (const count of [1025, 0, 0xffff_ffff]) {
      expect(await next(wire, query, count)).toEqual({ records: NO_RECORDS, status: Status.invalidParameter });
    }
    expect(numbersIn(await next(wire, query, 1024))).toEqual([1, 2, 3]);
  });

  it('47: a time that runs out is 0x5B4, and the next read goes on where it stopped', async () => {
    const { store, wire } = await application(1);
    writeLongLog(store, 'Long.evtx', 600);
    const { query } = await queryOf(wire, 'Long', '*[System[EventID=65535]]');
    let timeouts = 0;
    let status: number = Status.timeout;
    // Were it to begin anew each time, it would never end.
    for (let read = 0; status === Status.timeout && read < 100_000; read++) {
      const answer = await next(wire, query, 1, 1);
      expect(answer.records).toEqual(NO_RECORDS);
      status = answer.status;
      timeouts += Number(status === Status.timeout);
    }
    expect(status).toBe(Status.noMoreItems);
    expect(timeouts).toBeGreaterThan(1);
  });

  it('47: no time at all gives what is there', async () => {
    const { wire } = await application(12);
    const { query } = await queryOf(wire, 'Application', '*[System[EventID=12]]');
    const answer = await next(wire, query, 5, 0);
    expect([answer.status, numbersIn(answer)]).toEqual([Status.success, [12]]);
    expect((await next(wire, query, 5, 0)).status).toBe(Status.noMoreItems);
  });

  it('48: each record says its size, where its parts lie, and its number', async () => {
    const { wire } = await application(12);
    const plain = await next(wire, (await queryOf(wire, 'Application')).query, 12);
    const { query } = await queryOf(wire, undefined, listOf('Application'));
    const structured = await next(wire, query, 12);
    for (const [answer, subqueries] of [
      [plain, []],
      [structured, [7]],
    ] as const) {
      const records = recordsIn(answer);
      expect(records).toHaveLength(12);
      for (const [i, record] of records.entries()) {
        const binXmlSize = u32(record, 16);
        const subqueryCount = u32(record, 20 + binXmlSize);
        expect([u32(record, 0), u32(record, 4), u32(record, 8), u32(record, 12), subqueryCount]).toEqual([
          record.length,
          0x10,
          0x10,
          24 + binXmlSize + 4 * subqueryCount,
          subqueries.length,
        ]);
        expect(answer.records.offsets[i]! % 2).toBe(0);
      }
      const read = readRecords(answer);
      expect(read.map(({ subqueryIds }) => subqueryIds)).toEqual(read.map(() => subqueries));
      expect(read.map(({ recordIds }) => recordIds)).toEqual(read.map((_, i) => [BigInt(i + 1)]));
      expect(read.every(({ reverse, currentChannel }) => !reverse && currentChannel === 0)).toBe(true);
    }
  });

  it('48: an event names each of the queries that select it once, and one without id as 0xFFFFFFFF', async () => {
    const { wire } = await application(2);
    const list = `<QueryList>
      <Query Id='3' Path='Application'><Select>*</Select><Select>*[System[EventID=2]]</Select></Query>
      <Query Path='Application'><Select>*[System[EventID=1]]</Select></Query>
      <Query Id='5' Path='Application'><Select>*[System[EventID=2]]</Select></Query></QueryList>`;
    const { query } = await queryOf(wire, undefined, list);
    const ids = readRecords(await next(wire, query, 5)).map(({ subqueryIds }) => subqueryIds);
    expect(ids).toEqual([
      [3, 0xffff_ffff],
      [3, 5],
    ]);
  });

  it('49: newest first says so in each record, and the numbers descend', async () => {
    const { wire } = await application(4);
    const { query } = await queryOf(wire, 'Application', '*', Path.channel | Direction.reverse);
    const answer = await next(wire, query, 10);
    expect(numbersIn(answer)).toEqual([4, 3, 2, 1]);
    expect(readRecords(answer).map(({ reverse }) => reverse)).toEqual([true, true, true, true]);
  });
});

describe('seeking', () => {
  it('50: what points away from the result, no origin and a malformed bookmark are 0x57, and the position stays', async () => {
    const { wire } = await application(12);
    const { query } = await queryOf(wire, 'Application');
    expect(numbersIn(await next(wire, query, 3))).toEqual([1, 2, 3]);
    const wrong: readonly (readonly [flags: number, position: number, bookmark?: string])[] = [
      [Seek.first, -1],
      [Seek.last, 1],
      [0, 0],
      [5, 0],
      [Seek.first | 0x100, 0],
      [Seek.bookmark, 0],
      [Seek.bookmark, 0, '<BookmarkList><Bookmark'],
      [Seek.bookmark, 0, '<NoBookmark/>'],
      [Seek.bookmark, 0, "<BookmarkList><Bookmark Channel='Application' RecordId='x'/></BookmarkList>"],
    ];
    for (const [flags, position, bookmark] of wrong) {
      expect((await seek(wire, query, flags, position, bookmark)).status).toBe(Status.invalidParameter);
    }
    expect(numbersIn(await next(wire, query, 1))).toEqual([4]);
  });

  it('51: the last event is the last one, and then comes the end', async () => {
    const { wire } = await application(12);
    const { query } = await queryOf(wire, 'Application');
    expect(await seek(wire, query, Seek.last, 0)).toEqual({ info: operations.NO_INFO, status: Status.success });
    expect(numbersIn(await next(wire, query, 5))).toEqual([12]);
    expect((await next(wire, query, 5)).status).toBe(Status.noMoreItems);
  });

  it('51: first, last and current count in the direction of the query', async () => {
    const { wire } = await application(12);
    const reverse = (await queryOf(wire, 'Application', '*', Path.channel | Direction.reverse)).query;
    const at = async (flags: number, position: number) => {
      expect((await seek(wire, reverse, flags, position)).status).toBe(Status.success);
      return numbersIn(await next(wire, reverse, 2));
    };
    expect(await at(Seek.first, 2)).toEqual([10, 9]);
    expect(await at(Seek.last, -1)).toEqual([2, 1]);
    expect(await at(Seek.current, -4)).toEqual([4, 3]);
  });

  it('52: too far is the end, and strictly 0x490 with the position unchanged', async () => {
    const { wire } = await application(12);
    const { query } = await queryOf(wire, 'Application');
    expect(numbersIn(await next(wire, query, 2))).toEqual([1, 2]);
    expect((await seek(wire, query, Seek.current | Seek.strict, 100)).status).toBe(Status.notFound);
    expect(numbersIn(await next(wire, query, 1))).toEqual([3]);
    // The table has the last event here. As in the local API (docs/behaviour.md) it is the end behind it: else whoever resumes one
    // behind the newest event's bookmark would get that event again.
    expect((await seek(wire, query, Seek.current, 100)).status).toBe(Status.success);
    expect((await next(wire, query, 5)).status).toBe(Status.noMoreItems);
    // In front of the beginning there is only the beginning.
    expect((await seek(wire, query, Seek.current, -100)).status).toBe(Status.success);
    expect(numbersIn(await next(wire, query, 2))).toEqual([1, 2]);
    expect((await seek(wire, query, Seek.first | Seek.strict, 12)).status).toBe(Status.notFound);
    expect((await seek(wire, query, Seek.last | Seek.strict, -12)).status).toBe(Status.notFound);
    expect((await seek(wire, query, Seek.first | Seek.strict, 11)).status).toBe(Status.success);
    expect(numbersIn(await next(wire, query, 5))).toEqual([12]);
  });

  it('53: a bookmark whose record is not there is the nearest, and strictly 0x490', async () => {
    const { wire } = await application(12);
    const { query } = await queryOf(wire, 'Application', '*[System[EventID!=6]]');
    const bookmark = bookmarkAt('Application', 6);
    expect((await seek(wire, query, Seek.bookmark | Seek.strict, 0, bookmark)).status).toBe(Status.notFound);
    expect(numbersIn(await next(wire, query, 1))).toEqual([1]);
    // The nearest is the record in front, as the protocol's own example has it.
    expect((await seek(wire, query, Seek.bookmark, 0, bookmark)).status).toBe(Status.success);
    expect(numbersIn(await next(wire, query, 2))).toEqual([5, 7]);
    // One behind it is the next one there is: whoever resumes loses nothing.
    expect((await seek(wire, query, Seek.bookmark, 1, bookmark)).status).toBe(Status.success);
    expect(numbersIn(await next(wire, query, 1))).toEqual([7]);
    const good = bookmarkAt('Application', 9);
    expect((await seek(wire, query, Seek.bookmark | Seek.strict, 0, good)).status).toBe(Status.success);
    expect(numbersIn(await next(wire, query, 1))).toEqual([9]);
  });
});
