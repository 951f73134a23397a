import { describe, expect, it } from 'vitest';
import * as operations from '../../src/even6/stubs/operations.ts';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import { fill, serve } from './serve.ts';
import { next, numbersIn, Path, queryOf, Status, Subscribe, subscriptionTo, wireTo } from './wire.ts';

const ANSWER_BYTES = 2_097_152;
/** UTF-16 units of an event's text: near what a chunk of 64 KiB can hold. */
const UNITS = 30_000;
const COUNT = 100;

/** Writes events of some 60 KB each. */
async function fillWithLargeEvents(store: string, channel: string): Promise<void> {
  const session = EventLogSession.open({ store });
  try {
    const config = await session.getLogConfiguration(channel);
    config.maximumSizeInBytes = 64 * 1024 * 1024;
    await config.saveChanges();
    const events = Array.from({ length: COUNT }, (_, i) => ({
      provider: 'Test',
      id: i + 1,
      data: { Text: String.fromCharCode(0x61 + (i % 26)).repeat(UNITS) },
    }));
    await session.write(channel, events);
  } finally {
    session.close();
  }
}

async function large() {
  const served = await serve();
  await fill(served.store, 'Other', 1);
  await fillWithLargeEvents(served.store, 'Application');
  return { ...served, wire: wireTo(served) };
}

const ALL = Array.from({ length: COUNT }, (_, i) => i + 1);

describe('events near the maximum size', () => {
  it('come several in an answer, which holds no more than 2 MiB, and none is lost between two', async () => {
    const { wire } = await large();
    const { query } = await queryOf(wire, 'Application');
    const found: number[] = [];
    let answers = 0;
    for (;;) {
      const answer = await next(wire, query, 1024);
      if (answer.status === Status.noMoreItems) break;
      expect(answer.status).toBe(Status.success);
      expect(answer.records.bytes.length).toBeLessThanOrEqual(ANSWER_BYTES);
      found.push(...numbersIn(answer));
      // All but the last are as full as they can be.
      if (found.length < COUNT) expect(answer.records.bytes.length).toBeGreaterThan(ANSWER_BYTES - 3 * UNITS);
      answers++;
    }
    expect(found).toEqual(ALL);
    expect(answers).toBe(3);
  });

  it('are pulled and pushed in the same way', async () => {
    const { wire } = await large();
    const pulled = await subscriptionTo(wire, 'Application', Subscribe.oldest | Subscribe.pull);
    const pushed = await subscriptionTo(wire, 'Application', Subscribe.oldest);
    const pull = { subscription: pulled.subscription, count: 1024, timeoutMs: 60_000, flags: 0 };
    const push = { subscription: pushed.subscription, count: 1024, flags: 0 };
    const found: [number[], number[]] = [[], []];
    while (found[0].length < COUNT) {
      found[0].push(...numbersIn(await wire.ask(operations.REMOTE_SUBSCRIPTION_NEXT, pull)));
    }
    while (found[1].length < COUNT) {
      const answer = await wire.ask(operations.REMOTE_SUBSCRIPTION_NEXT_ASYNC, push);
      expect(answer.records.bytes.length).toBeLessThanOrEqual(ANSWER_BYTES);
      found[1].push(...numbersIn(answer));
    }
    expect(found).toEqual([ALL, ALL]);
    expect((await wire.ask(operations.REMOTE_SUBSCRIPTION_NEXT, pull)).status).toBe(Status.noMoreItems);
  });

  it('are where the client is when it seeks between two answers', async () => {
    const { wire } = await large();
    const { query } = await queryOf(wire, 'Application');
    const first = numbersIn(await next(wire, query, 1024));
    const seek = { query, position: 2n, bookmark: undefined, timeoutMs: 0, flags: 3 };
    expect((await wire.ask(operations.QUERY_SEEK, seek)).status).toBe(Status.success);
    expect(numbersIn(await next(wire, query, 2))).toEqual([first.length + 3, first.length + 4]);
  });

  it('reach a session whole', async () => {
    const { session } = await large();
    const found: unknown[] = [];
    for await (const event of session().events('Application')) {
      found.push(event.id);
      expect(event.xml()).toContain(String.fromCharCode(0x61 + ((found.length - 1) % 26)).repeat(UNITS));
    }
    expect(found).toEqual(ALL);
  });
});

it('a query of more logs than an answer can tell of is refused, and leaves nothing open', async () => {
  const served = await serve();
  await fill(served.store, 'Application', 1);
  const wire = wireTo(served);
  const selects = Array.from({ length: 513 }, (_, i) => `<Select Path='No${i}'>*</Select>`).join('');
  const query = `<QueryList><Query><Select Path='Application'>*</Select>${selects}</Query></QueryList>`;
  const answer = await wire.ask(operations.REGISTER_LOG_QUERY, {
    path: undefined,
    query,
    flags: Path.channel | 0x1000,
  });
  expect(answer).toMatchObject({ query: undefined, channels: [], status: Status.invalidParameter });
  expect(served.server.openHandles).toBe(0);
});
