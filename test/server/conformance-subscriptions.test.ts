import { describe, expect, it } from 'vitest';
import * as operations from '../../src/even6/stubs/operations.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { fill, serve } from './serve.ts';
import {
  bookmarkAt,
  CONTEXT_MISMATCH,
  NO_RECORDS,
  numbersIn,
  readRecords,
  Status,
  Subscribe,
  subscriptionTo,
  TOLERATE,
  type Wire,
  wireTo,
} from './wire.ts';

/** Conformance cases 54 to 60 of MS-EVEN6's operations 0 to 3: subscriptions. */

const PULL = Subscribe.pull;
const NULL_ANSWER = { subscription: undefined, control: undefined, channels: [] };

async function application(count: number) {
  const served = await serve();
  await fill(served.store, 'Application', count);
  return { ...served, wire: wireTo(served) };
}

/** Op 2. */
function pull(wire: Wire, subscription: string | undefined, count: number, timeoutMs = 60_000) {
  return wire.ask(operations.REMOTE_SUBSCRIPTION_NEXT, { subscription, count, timeoutMs, flags: 0 });
}

/** Op 1. */
function push(wire: Wire, subscription: string | undefined, count: number) {
  return wire.ask(operations.REMOTE_SUBSCRIPTION_NEXT_ASYNC, { subscription, count, flags: 0 });
}

/** Op 3. */
function wait(wire: Wire, subscription: string | undefined) {
  return wire.ask(operations.REMOTE_SUBSCRIPTION_WAIT_ASYNC, { subscription });
}

function register(wire: Wire, channel: string | undefined, flags: number, bookmark?: string, query = '*') {
  return wire.ask(operations.REGISTER_REMOTE_SUBSCRIPTION, { channel, query, bookmark, flags });
}

/** Whether a call is still pending when another one of the same client has been answered. */
async function isPending(wire: Wire, call: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  call.then(settle, settle);
  await wire.ask(operations.GET_CHANNEL_LIST, { flags: 0 });
  return !isSettled;
}

describe('a pull subscription', () => {
  it('54: gives all events that are there, then 0x103', async () => {
    const { wire, store } = await application(12);
    const { subscription, control, channels, info } = await subscriptionTo(
      wire,
      'Application',
      Subscribe.oldest | PULL,
    );
    expect(subscription).not.toBe(control);
    expect([channels, info]).toEqual([[{ name: 'Application', status: 0 }], operations.NO_INFO]);
    for (const expected of [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9, 10],
      [11, 12],
    ]) {
      const answer = await pull(wire, subscription, 5);
      expect([answer.status, numbersIn(answer)]).toEqual([Status.success, expected]);
    }
    // As EvtNext on a drained subscription; the next events are not waited for.
    expect(await pull(wire, subscription, 5)).toEqual({ records: NO_RECORDS, status: Status.noMoreItems });
    await fill(store, 'Application', 1, 13);
    expect(numbersIn(await pull(wire, subscription, 5))).toEqual([13]);
  });

  it('54: no time at all gives what is there', async () => {
    const { wire } = await application(3);
    const { subscription } = await subscriptionTo(wire, 'Application', Subscribe.oldest | PULL);
    expect(numbersIn(await pull(wire, subscription, 5, 0))).toEqual([1, 2, 3]);
    expect((await pull(wire, subscription, 5, 0)).status).toBe(Status.noMoreItems);
  });

  it('55: to future events waits until one is written, and gives exactly that', async () => {
    const { wire, store } = await application(3);
    const { subscription } = await subscriptionTo(wire, 'Application', Subscribe.future | PULL);
    expect((await pull(wire, subscription, 5)).status).toBe(Status.noMoreItems);
    const waiting = wait(wire, subscription);
    expect(await isPending(wire, waiting)).toBe(true);
    await fill(store, 'Application', 1, 4);
    expect(await waiting).toEqual({ status: Status.success });
    expect(numbersIn(await pull(wire, subscription, 5))).toEqual([4]);
    expect((await pull(wire, subscription, 5)).status).toBe(Status.noMoreItems);
  });

  it('55: a wait is not ended by events that its query does not select', async () => {
    const { wire, store } = await application(1);
    const query = '*[System[EventID=9]]';
    const { subscription } = await register(wire, 'Application', Subscribe.future | PULL, undefined, query);
    const waiting = wait(wire, subscription);
    await fill(store, 'Application', 5, 2);
    expect(await isPending(wire, waiting)).toBe(true);
    await fill(store, 'Application', 4, 7);
    expect(await waiting).toEqual({ status: Status.success });
    expect(numbersIn(await pull(wire, subscription, 5))).toEqual([9]);
  });

  it('56: a wait while there are unread events ends at once, however often', async () => {
    const { wire } = await application(3);
    const { subscription } = await subscriptionTo(wire, 'Application', Subscribe.oldest | PULL);
    expect(await wait(wire, subscription)).toEqual({ status: Status.success });
    expect(await wait(wire, subscription)).toEqual({ status: Status.success });
    expect(numbersIn(await pull(wire, subscription, 2))).toEqual([1, 2]);
    expect(await wait(wire, subscription)).toEqual({ status: Status.success });
    expect(numbersIn(await pull(wire, subscription, 2))).toEqual([3]);
  });
});

describe('a push subscription', () => {
  it('57: gives the events as they are written, each once', async () => {
    const { wire, store } = await application(2);
    const { subscription } = await subscriptionTo(wire, 'Application', Subscribe.future);
    const first = push(wire, subscription, 10);
    expect(await isPending(wire, first)).toBe(true);
    await fill(store, 'Application', 3, 3);
    const found: number[] = [];
    for (let answer = await first; ; answer = await push(wire, subscription, 10)) {
      expect(answer.status).toBe(Status.success);
      found.push(...numbersIn(answer));
      if (found.length >= 3) break;
    }
    expect(found).toEqual([3, 4, 5]);
    const again = push(wire, subscription, 10);
    expect(await isPending(wire, again)).toBe(true);
    await fill(store, 'Application', 1, 6);
    expect(numbersIn(await again)).toEqual([6]);
  });

  it('58: is not pulled, nor a pull subscription pushed: 0x10DD', async () => {
    const { wire } = await application(1);
    const pulled = await subscriptionTo(wire, 'Application', Subscribe.oldest | PULL);
    const pushed = await subscriptionTo(wire, 'Application', Subscribe.oldest);
    const refused = { records: NO_RECORDS, status: Status.invalidOperation };
    expect(await push(wire, pulled.subscription, 1)).toEqual(refused);
    expect(await pull(wire, pushed.subscription, 1)).toEqual(refused);
    expect(await wait(wire, pushed.subscription)).toEqual({ status: Status.invalidOperation });
    // Neither has taken anything.
    expect(numbersIn(await pull(wire, pulled.subscription, 1))).toEqual([1]);
    expect(numbersIn(await push(wire, pushed.subscription, 1))).toEqual([1]);
  });

  it('58: more than 1024 events at once, and none, are 0x57 for both', async () => {
    const { wire } = await application(1);
    const pulled = await subscriptionTo(wire, 'Application', Subscribe.oldest | PULL);
    const pushed = await subscriptionTo(wire, 'Application', Subscribe.oldest);
    for (const count of [0, 1025]) {
      expect((await pull(wire, pulled.subscription, count)).status).toBe(Status.invalidParameter);
      expect((await push(wire, pushed.subscription, count)).status).toBe(Status.invalidParameter);
    }
  });
});

describe('where a subscription begins', () => {
  it('59: flags that do not say so, and unknown ones, are 0x57', async () => {
    const { wire } = await application(1);
    for (const flags of [0, PULL, Subscribe.oldest | PULL | 0x100]) {
      expect(await register(wire, 'Application', flags)).toMatchObject({
        ...NULL_ANSWER,
        status: Status.invalidParameter,
      });
    }
  });

  it('60: behind the event of a bookmark, or behind its place when the record is gone', async () => {
    const { wire, store } = await application(5);
    const resumedAt = async (recordId: number) => {
      const flags = Subscribe.bookmark | PULL;
      const { subscription } = await subscriptionTo(wire, 'Application', flags, bookmarkAt('Application', recordId));
      return numbersIn(await pull(wire, subscription, 10));
    };
    expect(await resumedAt(3)).toEqual([4, 5]);
    const local = EventLogSession.open({ store });
    await local.clearLog('Application');
    local.close();
    await fill(store, 'Application', 2, 6);
    expect(await resumedAt(3)).toEqual([6, 7]);
    const strict = Subscribe.bookmark | PULL | Subscribe.strict;
    const strictly = async (recordId: number) =>
      register(wire, 'Application', strict, bookmarkAt('Application', recordId));
    // A record that a clear has overtaken is 0x3AA3, as the text has it there; one that never was is 0x490, as in the API.
    expect(await strictly(3)).toMatchObject({ ...NULL_ANSWER, status: Status.resultStale });
    expect(await strictly(99)).toMatchObject({ ...NULL_ANSWER, status: Status.notFound });
    expect((await strictly(6)).status).toBe(Status.success);
  });

  it('60: without a bookmark, or with what is none, is 0x57, and strictly 0x490', async () => {
    const { wire } = await application(5);
    for (const bookmark of [undefined, '', '<BookmarkList', '<Nothing/>']) {
      const flags = Subscribe.bookmark | PULL;
      // Windows begins with the oldest event then. That would send everything again to a client which has lost its bookmark.
      expect((await register(wire, 'Application', flags, bookmark)).status).toBe(Status.invalidParameter);
      expect((await register(wire, 'Application', flags | Subscribe.strict, bookmark)).status).toBe(Status.notFound);
    }
    // It is looked at only where it is asked for.
    expect((await register(wire, 'Application', Subscribe.oldest | PULL, '<Nothing/>')).status).toBe(Status.success);
  });
});

describe('what is subscribed to', () => {
  it('names, syntax and rights are answered as for queries', async () => {
    const served = await application(1);
    await fill(served.store, 'Other', 1);
    const { wire } = served;
    const status = async (from: Wire, channel: string | undefined, query = '*', flags = 0) => {
      const answer = await register(from, channel, Subscribe.oldest | PULL | flags, undefined, query);
      if (answer.status !== 0) expect(answer).toMatchObject(NULL_ANSWER);
      return [answer.status, answer.info.error];
    };
    expect(await status(wire, 'NoSuch')).toEqual([Status.channelNotFound, Status.channelNotFound]);
    expect(await status(wire, 'a|b')).toEqual([Status.invalidChannelPath, Status.invalidChannelPath]);
    expect(await status(wire, undefined)).toEqual([Status.invalidParameter, 0]);
    expect(await status(wire, 'Application', '*[System[')).toEqual([Status.invalidQuery, Status.invalidQuery]);
    const bob = wireTo(served, 'bob');
    expect(await status(bob, 'Other')).toEqual([Status.accessDenied, 0]);
    const both =
      "<QueryList><Query><Select Path='Other'>*</Select><Select Path='Application'>*</Select></Query></QueryList>";
    expect(await status(bob, undefined, both)).toEqual([Status.accessDenied, 0]);
    const tolerant = await register(bob, undefined, Subscribe.oldest | PULL | TOLERATE, undefined, both);
    expect(tolerant.channels).toEqual([
      { name: 'Application', status: 0 },
      { name: 'Other', status: Status.accessDenied },
    ]);
    expect(numbersIn(await pull(bob, tolerant.subscription, 5))).toEqual([1]);
    // Strict wins over tolerating.
    expect(await status(bob, undefined, both, TOLERATE | Subscribe.strict)).toEqual([Status.accessDenied, 0]);
  });

  it('events of several channels say which they are from, and which queries select them', async () => {
    const { wire, store } = await application(1);
    await fill(store, 'Other', 1);
    const query = `<QueryList><Query Id='1' Path='Application'><Select>*</Select></Query>
      <Query Id='2'><Select Path='Other'>*</Select><Select Path='Application'>*</Select></Query></QueryList>`;
    const { subscription, channels } = await register(wire, undefined, Subscribe.oldest | PULL, undefined, query);
    expect(channels.map(({ name }) => name)).toEqual(['Application', 'Other']);
    const records = readRecords(await pull(wire, subscription, 5));
    expect(records.map(({ currentChannel, subqueryIds }) => [currentChannel, subqueryIds])).toEqual([
      [0, [1, 2]],
      [1, [2]],
    ]);
    // In the second record, both channels have been read up to their first.
    expect(records[1]!.recordIds).toEqual([1n, 1n]);
  });

  it('a subscription that is closed is gone', async () => {
    const { wire } = await application(1);
    const { subscription, control } = await subscriptionTo(wire, 'Application', Subscribe.oldest | PULL);
    for (const handle of [subscription, control]) {
      expect(await wire.ask(operations.CLOSE, { handle })).toEqual({ handle: undefined, status: Status.success });
    }
    await expect(pull(wire, subscription, 1)).rejects.toMatchObject(CONTEXT_MISMATCH);
  });
});
