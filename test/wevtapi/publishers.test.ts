import { beforeEach, describe, expect, test } from 'vitest';
import { EventLogSession } from '../../src/session/event-log-session.ts';
import * as blocking from '../../src/wevtapi/index.ts';
import * as promises from '../../src/wevtapi/promises.ts';
import { temporaryFolder } from '../log-files.ts';
import { PUBLISHER, windowsPublisher } from '../server/windows-publisher.ts';

const { WIN32 } = blocking;

/** A store with an event of the publisher, and one of another. */
async function storeSession() {
  const store = temporaryFolder();
  const session = EventLogSession.open({ store: `${store}/store` });
  await session.write('App', [
    { provider: PUBLISHER, id: 100, level: 2, task: 1, keywords: 0x8010_0000_0000_0001n, data: { Number: '4711' } },
    { provider: 'Test', id: 1, level: 16, task: 5, opcode: 77, data: {} },
  ]);
  return session;
}

function eventsOf(session: EventLogSession): number[] {
  const results = blocking.EvtQuery(session.handle, 'App', null, blocking.EvtQueryChannelPath)!;
  const events: number[] = [];
  blocking.EvtNext(results, 10, events, 0, 0);
  return events;
}

beforeEach(() => blocking.SetLastError(0));

describe('publishers of this machine, on both faces', () => {
  test('names to the end, then false and 259', async () => {
    const session = await storeSession();
    const names = blocking.EvtOpenPublisherEnum(session.handle)!;
    const name: blocking.Out<string> = {};
    expect(blocking.EvtNextPublisherId(names, name)).toBe(true);
    expect(name.value).toBe(PUBLISHER);
    expect(blocking.EvtNextPublisherId(names, name)).toBe(true);
    expect(name.value).toBe('Test');
    expect(blocking.EvtNextPublisherId(names, name)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_NO_MORE_ITEMS);
    expect(blocking.EvtOpenPublisherEnum(session.handle, 1)).toBeNull();
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_PARAMETER);
    // An enumeration of channels is none of publishers.
    const channels = blocking.EvtOpenChannelEnum(session.handle)!;
    expect(blocking.EvtNextPublisherId(channels, name)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_HANDLE);
  });

  test.each([
    ['a publisher whose name is all that is known', 'test', 0, 0, WIN32.ERROR_EVT_PUBLISHER_METADATA_NOT_FOUND],
    ['an unknown publisher', 'Nobody', 0, 0, WIN32.ERROR_FILE_NOT_FOUND],
    ['flags', 'Test', 0, 1, WIN32.ERROR_INVALID_PARAMETER],
    ['a locale that is none', 'Test', -1, 0, WIN32.ERROR_INVALID_PARAMETER],
  ] as const)('%s: null and the code', async (_, name, locale, flags, code) => {
    const { handle } = await storeSession();
    expect(blocking.EvtOpenPublisherMetadata(handle, name, null, locale, flags)).toBeNull();
    expect(blocking.GetLastError()).toBe(code);
    const failure = promises.EvtOpenPublisherMetadata(handle, name, null, locale, flags);
    await expect(failure).rejects.toMatchObject({ code, api: 'EvtOpenPublisherMetadata' });
  });

  test('no publisher named: what every machine has', () => {
    const publisher = blocking.EvtOpenPublisherMetadata(null, null)!;
    const out: blocking.Out<blocking.Variant> = {};
    const property = (id: number) => {
      expect(blocking.EvtGetPublisherMetadataProperty(publisher, id, 0, out)).toBe(true);
      return out.value!;
    };
    const keywords = property(blocking.EvtPublisherMetadataKeywords).value as number;
    const size: blocking.Out<number> = {};
    expect(blocking.EvtGetObjectArraySize(keywords, size)).toBe(true);
    expect(size.value).toBe(8);
    expect(blocking.EvtGetObjectArrayProperty(keywords, blocking.EvtPublisherMetadataKeywordName, 4, 0, out)).toBe(
      true,
    );
    expect(out.value).toEqual({ type: blocking.EvtVarTypeString, value: 'win:AuditFailure' });
    expect(blocking.EvtGetObjectArrayProperty(keywords, blocking.EvtPublisherMetadataKeywordName, 8, 0, out)).toBe(
      false,
    );
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_PARAMETER);
    expect(property(blocking.EvtPublisherMetadataHelpLink)).toEqual({ type: blocking.EvtVarTypeNull, value: null });
    expect(property(blocking.EvtPublisherMetadataPublisherMessageID).value).toBe(0xffff_ffff);
    const events = blocking.EvtOpenEventMetadataEnum(publisher)!;
    expect(blocking.EvtNextEventMetadata(events)).toBeNull();
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_NO_MORE_ITEMS);
    expect(blocking.EvtClose(publisher)).toBe(true);
    expect(blocking.EvtGetObjectArraySize(keywords, size)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_HANDLE);
  });
});

describe('EvtFormatMessage', () => {
  const message: blocking.Out<blocking.FormattedMessage> = {};
  const format = (event: number | null, flags: number, publisher: number | null = null) =>
    blocking.EvtFormatMessage(publisher, event, 0, 0, null, flags, message);

  test('without a publisher: the texts that every machine has, else 15027', async () => {
    const [first, second] = eventsOf(await storeSession()) as [number, number];
    expect(format(first, blocking.EvtFormatMessageLevel)).toBe(true);
    expect(message.value).toBe('Error');
    expect(format(first, blocking.EvtFormatMessageOpcode)).toBe(true);
    expect(message.value).toBe('Info');
    expect(format(first, blocking.EvtFormatMessageKeyword)).toBe(true);
    expect(message.value).toEqual(['Audit Failure']);
    for (const flags of [
      blocking.EvtFormatMessageEvent,
      blocking.EvtFormatMessageTask,
      blocking.EvtFormatMessageChannel,
    ]) {
      expect(format(first, flags)).toBe(false);
      expect(blocking.GetLastError()).toBe(WIN32.ERROR_EVT_MESSAGE_NOT_FOUND);
    }
    for (const flags of [
      blocking.EvtFormatMessageLevel,
      blocking.EvtFormatMessageOpcode,
      blocking.EvtFormatMessageKeyword,
    ]) {
      expect(format(second, flags)).toBe(false);
      expect(blocking.GetLastError()).toBe(WIN32.ERROR_EVT_MESSAGE_NOT_FOUND);
    }
    expect(format(null, blocking.EvtFormatMessageId)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_EVT_MESSAGE_ID_NOT_FOUND);
  });

  test.each([0, 10, -1, 1.5])('flags %d: 87', async (flags) => {
    const [first] = eventsOf(await storeSession());
    expect(format(first!, flags)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_PARAMETER);
  });

  test('no event where one is needed, and values that are not as many as announced: 87', async () => {
    expect(format(null, blocking.EvtFormatMessageEvent)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_INVALID_PARAMETER);
    const [first] = eventsOf(await storeSession());
    const failure = promises.EvtFormatMessage(null, first!, 0, 1, null, promises.EvtFormatMessageEvent);
    await expect(failure).rejects.toMatchObject({ code: WIN32.ERROR_INVALID_PARAMETER });
  });

  test('XML has the texts that there are', async () => {
    const [first] = eventsOf(await storeSession());
    expect(format(first!, blocking.EvtFormatMessageXml)).toBe(true);
    expect(message.value).toMatch(
      /<\/EventData><RenderingInfo Culture='en-US'><Level>Error<\/Level><Opcode>Info<\/Opcode><Keywords><Keyword>Audit Failure<\/Keyword><\/Keywords><\/RenderingInfo><\/Event>$/,
    );
  });

  test("with a publisher of another machine: its texts, with the event's values or the caller's in them", async () => {
    const peer = await windowsPublisher();
    const [first] = eventsOf(await storeSession());
    const publisher = await promises.EvtOpenPublisherMetadata(peer.session().handle, PUBLISHER);
    const text = (flags: number, values: readonly promises.Variant[] | null = null) =>
      promises.EvtFormatMessage(publisher, first!, 0, values?.length ?? 0, values, flags);
    expect(await text(promises.EvtFormatMessageEvent)).toBe('Order 4711 was shipped.');
    const given = [
      { type: promises.EvtVarTypeHexInt32, value: 255 },
      { type: promises.EvtVarTypeBoolean, value: true },
    ];
    expect(await text(promises.EvtFormatMessageEvent, given)).toBe('Order 0xff was shipped.');
    expect(peer.inserted.slice(-2)).toEqual([['4711'], ['0xff', 'true']]);
    expect(await text(promises.EvtFormatMessageTask)).toBe('Shipping');
    expect(await text(promises.EvtFormatMessageKeyword)).toEqual(['Classic', 'Money is involved']);
    await expect(text(promises.EvtFormatMessageOpcode)).rejects.toMatchObject({ code: 15027 });
    expect(await text(promises.EvtFormatMessageXml)).toContain(
      "<RenderingInfo Culture='en-US'><Message>Order 4711 was shipped.</Message><Task>Shipping</Task><Provider>Contoso Orders</Provider><Keywords>",
    );
    // Where nothing else runs in this thread, nobody could take the answer.
    expect(format(first!, blocking.EvtFormatMessageEvent, publisher)).toBe(false);
    expect(blocking.GetLastError()).toBe(WIN32.ERROR_NOT_SUPPORTED);
  });
});
